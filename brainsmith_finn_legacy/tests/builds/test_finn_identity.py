"""What a finished build depends on: when any of it changes, the build doesn't count any more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from brainsmith_core.config import BuildConfig
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_finn_legacy.backend import LegacyFINNBackend
from brainsmith_finn_legacy.environments.records import FINNEnvironment

MakeConfig = Callable[..., BuildConfig]
RunBuild = Callable[..., BuildResult]


@pytest.fixture
def identity(fake_environment: FINNEnvironment) -> Callable[..., dict[str, Any]]:
    def get(config: BuildConfig, environment: FINNEnvironment = fake_environment) -> dict[str, Any]:
        return LegacyFINNBackend(environment=environment).identity(config)

    return get


def test_a_result_says_what_it_depends_on(run_build: RunBuild, make_config: MakeConfig, identity: Any) -> None:
    config = make_config()
    result = run_build(config)
    assert result.status is BuildStatus.SUCCESS
    assert identity(config).items() <= result.provenance.items()


def test_another_finn_is_another_identity(
    make_config: MakeConfig, identity: Any, fake_environment: FINNEnvironment
) -> None:
    other = attrs.evolve(fake_environment, identity="another")
    assert identity(make_config()) != identity(make_config(), other)


def test_a_file_that_a_flag_names_counts_by_its_content(make_config: MakeConfig, identity: Any, tmp_path: Path) -> None:
    folding = tmp_path / "folding.json"
    config = make_config(config_flags={"board": "Pynq-Z1", "folding_config_file": str(folding)})
    folding.write_text(json.dumps({"Defaults": {}}))
    before = identity(config)
    folding.write_text(json.dumps({"Defaults": {"PE": [1, ["MVAU"]]}}))
    assert identity(config)["finn_files"] != before["finn_files"]


def test_a_step_of_the_users_own_counts_by_its_file(make_config: MakeConfig, identity: Any, tmp_path: Path) -> None:
    file = tmp_path / "my_file.py"
    config = make_config(build_steps=["tidy_up", "my_file.py:mine"])
    file.write_text("def mine(model, cfg):\n    return model\n")
    before = identity(config)
    file.write_text("def mine(model, cfg):\n    print(1)\n    return model\n")
    assert list(before["finn_step_files"]) == [str(file)]
    assert identity(config)["finn_step_files"] != before["finn_step_files"]


def test_a_step_given_by_its_dotted_path_counts_by_all_files_that_it_uses(
    make_config: MakeConfig, identity: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    package = tmp_path / "my_steps"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "fine.py").write_text("from .helper import change\n\ndef mine(model, cfg):\n    return change(model)\n")
    (package / "helper.py").write_text("def change(model):\n    return model\n")
    (package / "apart.py").write_text("x = 1\n")
    config = make_config(build_steps=["tidy_up", "my_steps.fine.mine"])
    before = identity(config)["finn_step_files"]
    assert [Path(file).name for file in before] == ["__init__.py", "fine.py", "helper.py"]
    (package / "apart.py").write_text("x = 2\n")
    assert identity(config)["finn_step_files"] == before
    (package / "helper.py").write_text("def change(model):\n    return model  # as it was\n")
    assert identity(config)["finn_step_files"] != before


def test_the_files_of_a_step_are_looked_for_again_only_when_one_has_changed(
    make_config: MakeConfig, fake_environment: FINNEnvironment, tmp_path: Path
) -> None:
    backend = LegacyFINNBackend(environment=fake_environment)
    file = tmp_path / "my_own.py"
    file.write_text("def mine(model, cfg):\n    return model\n")
    config = make_config(build_steps=["tidy_up", "my_own.py:mine"])
    one, two = backend.identity(config), backend.identity(config)
    file.write_text("no Python")
    broken = backend.identity(make_config(build_steps=["tidy_up"]))
    assert one == two
    assert broken["finn_step_files"] == {}
