from __future__ import annotations

from typing import Any

import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_orchestration import project_resources as module
from brainsmith_orchestration.project_resources import project_resources
from brainsmith_orchestration.scheduling.resources import ResourcePool


def say(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    settings = {"tokens": {}, "cores": 0.0, "memory_gb": 0.0} | values
    monkeypatch.setattr(module, "plugin_settings", lambda _: settings)


def test_without_settings_nothing_is_named() -> None:
    assert project_resources() == {}


def test_settings_name_tokens_cores_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, tokens={"vivado": 2}, cores=4, memory_gb=8.5)
    assert sorted(project_resources().values()) == [2.0, 4.0, 8.5]
    assert project_resources()["vivado"] == 2.0


@pytest.mark.parametrize("tokens", [{"vivado": "two"}, {"vivado": True}, {"vivado": -1}, {"cores": 2}])
def test_a_wrong_number_of_tokens_is_refused(monkeypatch: pytest.MonkeyPatch, tokens: dict[str, Any]) -> None:
    say(monkeypatch, tokens=tokens)
    with pytest.raises(ConfigurationError, match="is no number of tokens"):
        project_resources()


def test_an_unknown_token_says_where_tokens_are_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        ResourcePool({"vivado": 1}).check("a", {"vivaldo": 1})
    assert "vivado" in str(caught.value)
    assert "[plugins.orchestration] tokens" in str(caught.value)
