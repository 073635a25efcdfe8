"""A plugin's own settings: declared, said in a file or the environment, checked, given to its code, shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from brainsmith_core.build.runner import BuildRunner
from brainsmith_core.cli.app import App
from brainsmith_core.cli.plugins_command import command
from brainsmith_core.config import BuildConfig, OutputStage, ProcessingStep
from brainsmith_core.context import BackendOutcome, BuildContext
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.plugins import manager as manager_module
from brainsmith_core.plugins.manager import PluginManager, plugin_settings
from brainsmith_core.records import BackendSpec, Parameter, StepSpec

SETTINGS = [
    Parameter(name="threads", type="int", summary="threads of the tool", default=4, minimum=1),
    Parameter(name="server", type="str", summary="licence server"),
    Parameter(name="fast", type="bool", summary="take less care", default=False),
    Parameter(name="hosts", type="list", summary="where to build", default=[]),
]
STAGES = (OutputStage.DATAFLOW_GRAPH,)


class Backend:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def build(self, context: BuildContext) -> BackendOutcome:
        self.given = context.settings
        return BackendOutcome()


@pytest.fixture
def make_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PluginManager]:
    """Make a manager with the plugin `tool-one`, in a project whose file says what is given."""
    monkeypatch.chdir(tmp_path)

    def make(said: str = "", *steps: StepSpec, settings: list[Parameter] = SETTINGS) -> PluginManager:
        if said:
            (tmp_path / "brainsmith.toml").write_text(f"[plugins.tool-one]\n{said}\n")
        manager = PluginManager()
        spec = BackendSpec(name="tool", summary="s", target=f"{__name__}:Backend", output_stages=STAGES)
        module = SimpleNamespace(
            brainsmith_backends=hookimpl(lambda: [spec]),
            brainsmith_settings=hookimpl(lambda: settings),
            brainsmith_postprocessing_steps=hookimpl(lambda: list(steps)),
        )
        manager.register(module, "tool-one", "tool-one", "1")
        return manager

    return make


def values(manager: PluginManager) -> dict[str, Any]:
    return manager.setting_values(manager.plugins[-1])


def test_defaults_hold_where_nothing_is_said(make_manager: Callable[..., PluginManager]) -> None:
    assert values(make_manager()) == {"threads": 4, "server": None, "fast": False, "hosts": []}


def test_the_environment_counts_more_than_the_file(
    make_manager: Callable[..., PluginManager], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAINSMITH_PLUGIN_TOOL_ONE_THREADS", "16")
    monkeypatch.setenv("BRAINSMITH_PLUGIN_TOOL_ONE_FAST", "Yes")
    monkeypatch.setenv("BRAINSMITH_PLUGIN_TOOL_ONE_HOSTS", '["a", "b"]')
    manager = make_manager('threads = 2\nserver = "2100@here"')
    assert values(manager) == {"threads": 16, "server": "2100@here", "fast": True, "hosts": ["a", "b"]}
    sources = {each.name: each.source for each in manager.settings(manager.plugins[-1])}
    assert sources["threads"] == "BRAINSMITH_PLUGIN_TOOL_ONE_THREADS"
    assert sources["server"].endswith("brainsmith.toml")


@pytest.mark.parametrize(
    ("said", "variable", "text", "told"),
    [
        ("thread = 2", "", "", 'has no setting "thread".*did you mean "threads"'),
        ("threads = 0", "", "", "setting tool-one.threads is 0, but must be 1 to"),
        ('threads = "2"', "", "", "must be int"),
        ("", "THREADS", "many", "BRAINSMITH_PLUGIN_TOOL_ONE_THREADS must be int, but is 'many'"),
        ("", "THREADS", "1.5", "must be int, but is 1.5"),
        ("", "FAST", "maybe", "must be bool, but is 'maybe'"),
        ("", "THREAD", "1", "BRAINSMITH_PLUGIN_TOOL_ONE_THREAD is no setting.*did you mean"),
    ],
)
def test_what_is_wrong_is_told_with_the_nearest(
    make_manager: Callable[..., PluginManager],
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    variable: str,
    text: str,
    told: str,
) -> None:
    if variable:
        monkeypatch.setenv(f"BRAINSMITH_PLUGIN_TOOL_ONE_{variable}", text)
    manager = make_manager(said)
    with pytest.raises(ConfigurationError) as caught:
        values(manager)
    assert re.search(told, str(caught.value), flags=re.DOTALL), str(caught.value)


def test_a_required_setting_says_where_to_say_it(make_manager: Callable[..., PluginManager]) -> None:
    server = Parameter(name="server", type="str", summary="licence server", required=True)
    with pytest.raises(ConfigurationError, match="BRAINSMITH_PLUGIN_TOOL_ONE_SERVER"):
        values(make_manager(settings=[server]))


def test_settings_of_a_plugin_without_any_are_refused(make_manager: Callable[..., PluginManager]) -> None:
    with pytest.raises(ConfigurationError, match='no setting "threads"'):
        values(make_manager("threads = 1", settings=[]))


def test_a_plugin_that_is_not_there_is_a_warning(make_manager: Callable[..., PluginManager]) -> None:
    manager = make_manager("threads = 1")
    (line,) = manager.choices.unknown(["tool-on"])
    assert 'the plugin "tool-one", which isn\'t installed; did you mean "tool-on"?' in line


def test_a_backend_gets_them_and_the_result_says_so(
    make_manager: Callable[..., PluginManager], make_config: Callable[..., BuildConfig]
) -> None:
    manager = make_manager("threads = 2")
    backend = Backend()
    runner = BuildRunner(backend, manager.backend("tool"), manager)
    result = runner.run(make_config())
    assert backend.given["threads"] == 2
    assert result.provenance["settings"] == {"tool-one": values(manager)}
    assert runner.identity(make_config())["settings"] == result.provenance["settings"]


def test_a_wrong_setting_stops_a_build_before_anything_is_written(
    make_manager: Callable[..., PluginManager], make_config: Callable[..., BuildConfig]
) -> None:
    manager = make_manager("threads = 0")
    with pytest.raises(ConfigurationError, match="threads"):
        BuildRunner(Backend(), manager.backend("tool"), manager).run(make_config())
    assert not Path(make_config().output_dir).exists()


def test_a_step_gets_them(
    make_manager: Callable[..., PluginManager],
    make_config: Callable[..., BuildConfig],
    step_module: Callable[[str], str],
) -> None:
    code = (
        "from brainsmith_core.context import StepOutcome\n"
        "def run(context):\n    return StepOutcome(warnings=(f'threads {context.settings[\"threads\"]}',))\n"
    )
    spec = StepSpec(name="tell", summary="s", target=f"{step_module(code)}:run")
    manager = make_manager("threads = 3", spec)
    step = ProcessingStep(name="tell", type="postprocessing")
    result = BuildRunner(Backend(), manager.backend("tool"), manager).run(make_config(postprocessing=(step,)))
    assert "threads 3" in result.warnings


def test_other_code_asks_for_them(make_manager: Callable[..., PluginManager], monkeypatch: pytest.MonkeyPatch) -> None:
    manager = make_manager("threads = 3")
    monkeypatch.setattr(manager_module, "default_plugins", lambda: manager)
    assert plugin_settings("tool-one")["threads"] == 3
    with pytest.raises(ConfigurationError, match="no plugin"):
        plugin_settings("tool-two")


def call(manager: PluginManager, *arguments: str) -> tuple[int, str]:
    app = App()
    app.plugins = manager
    done = CliRunner().invoke(command, arguments, obj=app, standalone_mode=False)
    return int(done.return_value or 0), done.output


def test_they_are_shown(make_manager: Callable[..., PluginManager]) -> None:
    manager = make_manager("threads = 3")
    _, out = call(manager, "show", "tool-one")
    assert "brainsmith.toml): threads of the tool" in out
    assert "server = null (default): licence server" in out
    shown = json.loads(call(manager, "show", "tool-one", "--json")[1])["settings"]
    assert shown["threads"]["value"] == 3
    assert shown["threads"]["variable"] == "BRAINSMITH_PLUGIN_TOOL_ONE_THREADS"


def test_a_wrong_one_is_shown_and_found_by_check_and_harms_no_list(make_manager: Callable[..., PluginManager]) -> None:
    manager = make_manager("thread = 3")
    assert call(manager, "list")[0] == 0
    assert 'did you mean "threads"?' in call(manager, "show", "tool-one")[1]
    assert "message" in json.loads(call(manager, "show", "tool-one", "--json")[1])["settings"]["error"]
    code, out = call(manager, "check")
    assert code == 1
    assert 'has no setting "thread"' in out
    assert json.loads(call(manager, "check", "--json")[1])["wrong_settings"]
