"""Each installed plugin is in one state, with reason and fix, and a faulty one stops nobody else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from brainsmith_core.errors import ConfigurationError, PluginError
from brainsmith_core.plugins import DISABLE_VARIABLE, Plugin, PluginManager, PluginState, load_target
from brainsmith_core.records import CommandSpec, MetricParserSpec

Install = Callable[..., None]

HEAD = """
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import CommandSpec
"""
GOOD = (
    HEAD
    + """
@hookimpl
def brainsmith_commands():
    yield CommandSpec(name="{name}", summary="a command of the tests", target="os:getcwd")
"""
)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a fake distribution with one plugin: a module and its metadata on sys.path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def add(name: str, code: str, *, distribution: str = "", requires: str = "", module: str = "") -> None:
        distribution = distribution or f"{name}-dist"
        module = module or f"fault_{name}_{abs(hash(str(tmp_path)))}"
        (folder / f"{module}.py").write_text(code)
        info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        need = f"Requires-Dist: {requires}\n" if requires else ""
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n{need}")
        (info / "entry_points.txt").write_text(f"[brainsmith.plugins]\n{name} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return add


def find(manager: PluginManager, name: str) -> Plugin:
    (plugin,) = [each for each in manager.check_all() if each.name == name]
    return plugin


FAULTS = {
    "import_error": ("import no_such_package_anywhere", PluginState.FAILED, "no_such_package_anywhere"),
    "system_exit": ("raise SystemExit('bye')", PluginState.FAILED, "SystemExit: bye"),
    "interrupt": ("raise KeyboardInterrupt", PluginState.FAILED, "KeyboardInterrupt"),
    "misspelt": (
        HEAD + "@hookimpl\ndef brainsmith_backend():\n    return []\n",
        PluginState.UNKNOWN_HOOK,
        'did you mean "brainsmith_backends"?',
    ),
    "wrong_argument": (
        HEAD + "@hookimpl\ndef brainsmith_build_event(evnt):\n    pass\n",
        PluginState.FAILED,
        "evnt",
    ),
    "raises": (
        HEAD + "@hookimpl\ndef brainsmith_commands():\n    raise OSError('no')\n",
        PluginState.FAILED,
        "OSError: no",
    ),
    "half_way": (
        GOOD.format(name="half") + "    raise OSError('half-way')\n",
        PluginState.FAILED,
        "half-way",
    ),
    "wrong_record": (
        HEAD + "@hookimpl\ndef brainsmith_commands():\n    return [42]\n",
        PluginState.FAILED,
        "42, which is no CommandSpec",
    ),
    "bad_target": (
        HEAD
        + "@hookimpl\ndef brainsmith_commands():\n    yield CommandSpec(name='x', summary='s', target='no target')\n",
        PluginState.FAILED,
        "package.module:attribute",
    ),
    "newer_api": ("BRAINSMITH_API = 99\n" + HEAD, PluginState.INCOMPATIBLE, "API 99"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_contained_and_named(install: Install, fault: str) -> None:
    code, state, reason = FAULTS[fault]
    install(fault, code)
    install("good", GOOD.format(name="good_command"))
    manager = PluginManager.discover()
    plugin = find(manager, fault)
    assert plugin.state is state
    assert reason in plugin.reason
    assert plugin.fix
    assert find(manager, "good").state is PluginState.ACTIVE
    commands = {offer.record.name for offer in manager.offers("brainsmith_commands")}
    assert "good_command" in commands
    assert "half" not in commands


def test_output_at_import_does_not_reach_stdout(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("noisy", "print('noise')\n" + GOOD.format(name="noisy_command"))
    assert find(PluginManager.discover(), "noisy").state is PluginState.ACTIVE
    assert capsys.readouterr().out == ""


def test_a_disabled_plugin_is_not_even_imported(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("unwanted", "raise RuntimeError('imported all the same')")
    assert find(PluginManager.discover(["unwanted"]), "unwanted").state is PluginState.BLOCKED
    monkeypatch.setenv(DISABLE_VARIABLE, "unwanted,another")
    assert find(PluginManager.discover(), "unwanted").state is PluginState.BLOCKED


def test_of_two_distributions_with_one_plugin_name_one_is_shadowed(install: Install) -> None:
    install("twin", GOOD.format(name="one"), distribution="a-first", module="twin_one")
    install("twin", GOOD.format(name="two"), distribution="b-second", module="twin_two")
    twins = [each for each in PluginManager.discover().check_all() if each.name == "twin"]
    assert [(each.distribution, each.state) for each in twins] == [
        ("a-first", PluginState.ACTIVE),
        ("b-second", PluginState.SHADOWED),
    ]
    assert "a-first" in twins[1].reason


def test_a_requirement_on_another_core_is_seen_before_the_import(install: Install) -> None:
    install("future", "raise RuntimeError('imported all the same')", requires="brainsmith-core>=999")
    install("present", GOOD.format(name="now"), requires="brainsmith-core>=0.1")
    plugin = find(PluginManager.discover(), "future")
    assert plugin.state is PluginState.INCOMPATIBLE
    assert "brainsmith-core>=999" in plugin.reason
    assert find(PluginManager.discover(), "present").state is PluginState.ACTIVE


def test_a_name_offered_twice_puts_the_second_plugin_aside_and_names_both(install: Install) -> None:
    install("alpha", GOOD.format(name="same"))
    install("beta", GOOD.format(name="same"))
    manager = PluginManager.discover()
    second = find(manager, "beta")
    assert second.state is PluginState.FAILED
    assert "same" in second.reason
    assert "alpha-dist" in second.reason
    assert find(manager, "alpha").state is PluginState.ACTIVE


def test_an_unknown_backend_is_told_with_the_nearest(plugins: PluginManager) -> None:
    with pytest.raises(ConfigurationError, match='did you mean "fake"'):
        plugins.backend("fak")
    with pytest.raises(ConfigurationError):
        plugins.executor("nowhere")


def test_what_an_inactive_plugin_would_offer_is_refused_with_its_reason(install: Install) -> None:
    install("wanted", "import no_such_package_anywhere")
    with pytest.raises(PluginError, match="no_such_package_anywhere"):
        PluginManager.discover().backend("wanted")
    with pytest.raises(ConfigurationError, match="wanted is failed"):
        PluginManager.discover().backend("something_else")


def test_a_target_that_does_not_import_names_the_module_to_install() -> None:
    with pytest.raises(PluginError, match="pip install no-such-package") as caught:
        load_target("no_such_package:thing", "backend x of y")
    assert "backend x of y" in caught.value.message
    with pytest.raises(PluginError, match="mend or remove"):
        load_target("os:no_such_attribute", "it")


def test_records_refuse_what_could_not_work() -> None:
    with pytest.raises(ValueError, match="start with a letter"):
        CommandSpec(name="1", summary="s", target="a:b")
    with pytest.raises(ValueError, match="one line"):
        CommandSpec(name="a", summary="two\nlines", target="a:b")
    with pytest.raises(ValueError, match="recognises every file"):
        MetricParserSpec(name="a", summary="s", target="a:b")


def test_the_order_does_not_depend_on_installation(install: Install) -> None:
    for name in ("zeta", "eta", "theta"):
        install(name, GOOD.format(name=name))
    names = [each.name for each in PluginManager.discover().plugins if each.name in ("zeta", "eta", "theta")]
    assert names == ["eta", "theta", "zeta"]
