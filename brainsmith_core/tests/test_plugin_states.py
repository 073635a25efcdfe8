"""Each installed plugin is in one state, with reason and fix, and a faulty one stops nobody else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from brainsmith_core.errors import ConfigurationError, PluginError
from brainsmith_core.plugins.manager import DISABLE_VARIABLE, Plugin, PluginManager, PluginState, load_target
from brainsmith_core.plugins.targets import build_fault
from brainsmith_core.records import CommandSpec, MetricParserSpec

Install = Callable[..., None]

HEAD = """
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import CommandSpec
"""
PARSER = (
    HEAD
    + """
from brainsmith_core.records import MetricParserSpec

@hookimpl
def brainsmith_metric_parsers():
    yield MetricParserSpec(name="same", summary="s", target="os:getcwd", patterns=("*.none",))

"""
)
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
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)

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


def test_a_command_offered_twice_is_nobodys_until_the_user_says_whose(install: Install, tmp_path: Path) -> None:
    install("alpha", GOOD.format(name="same"))
    install("beta", GOOD.format(name="same"))
    install("gamma", GOOD.format(name="run"))
    manager = PluginManager.discover()
    clashes = {clash.name: clash for clash in manager.clashes()}
    assert find(manager, "beta").state is PluginState.ACTIVE
    assert "alpha (alpha-dist 1.0) and beta (beta-dist 1.0)" in clashes["same"].message
    offers = {offer.record.name: offer.plugin.name for offer in manager.offers("brainsmith_commands")}
    assert "same" not in offers
    assert offers["run"] == "core", "what core offers stays"
    (tmp_path / "brainsmith.toml").write_text('[plugins]\nprefer.command.same = "beta"\n')
    offers = {offer.record.name: offer.plugin.name for offer in PluginManager.discover().offers("brainsmith_commands")}
    assert offers["same"] == "beta"


def test_of_two_parsers_with_one_name_the_first_holds_until_the_user_says_else(
    install: Install, tmp_path: Path
) -> None:
    for name in ("alpha", "beta"):
        install(name, PARSER)
    manager = PluginManager.discover()
    assert [offer.plugin.name for offer in manager.metric_parsers() if offer.record.name == "same"] == ["alpha"]
    (clash,) = [clash for clash in manager.clashes() if clash.name == "same"]
    assert "alpha's holds" in clash.message
    (tmp_path / "brainsmith.toml").write_text('[plugins.prefer.metric_parser]\nsame = "beta"\n')
    parsers = PluginManager.discover().metric_parsers()
    assert [offer.plugin.name for offer in parsers if offer.record.name == "same"] == ["beta"]


def test_the_user_may_choose_between_two_distributions_with_one_plugin_name(install: Install, tmp_path: Path) -> None:
    install("twin", GOOD.format(name="one"), distribution="a-first", module="twin_one")
    install("twin", GOOD.format(name="two"), distribution="b-second", module="twin_two")
    (tmp_path / "brainsmith.toml").write_text('[plugins]\nprefer.plugin.twin = "b-second"\n')
    twins = [each for each in PluginManager.discover().check_all() if each.name == "twin"]
    assert [(each.distribution, each.state.value) for each in twins] == [
        ("b-second", "active"),
        ("a-first", "shadowed"),
    ]
    assert "prefer.plugin.twin" in twins[1].fix


def test_a_fault_takes_back_what_the_plugin_offered_before(install: Install) -> None:
    install("late", PARSER + "@hookimpl\ndef brainsmith_devices():\n    raise OSError('late')\n")
    manager = PluginManager.discover()
    assert "same" in [offer.record.name for offer in manager.metric_parsers()]
    manager.offers("brainsmith_devices")
    assert "same" not in [offer.record.name for offer in manager.metric_parsers()]
    assert find(manager, "late").state is PluginState.FAILED


def test_an_implementation_may_have_another_name_than_the_hook(install: Install) -> None:
    code = PARSER.replace(
        "@hookimpl\ndef brainsmith_metric_parsers", '@hookimpl(specname="brainsmith_metric_parsers")\ndef parsers'
    )
    install("renamed", code)
    assert "same" in [offer.record.name for offer in PluginManager.discover().metric_parsers()]


def test_an_observer_may_leave_the_event_out(install: Install) -> None:
    install("observing", HEAD + "@hookimpl\ndef brainsmith_build_event():\n    raise OSError('seen')\n")
    ((plugin, observe),) = PluginManager.discover().observers()
    assert plugin.name == "observing"
    with pytest.raises(OSError, match="seen"):
        observe(event=None)


def test_an_unknown_backend_is_told_with_the_nearest(plugins: PluginManager) -> None:
    with pytest.raises(ConfigurationError, match='did you mean "fake"'):
        plugins.backend("fak")
    with pytest.raises(ConfigurationError):
        plugins.executor("nowhere")


def test_what_an_inactive_plugin_would_offer_is_refused_with_its_reason(install: Install) -> None:
    install("wanted", "import no_such_package_anywhere")
    with pytest.raises(PluginError, match="no_such_package_anywhere"):
        PluginManager.discover().backend("wanted")
    with pytest.raises(PluginError, match="wanted is failed"):
        PluginManager.discover().backend("something_else")
    assert PluginManager.discover(["wanted"]).plugins


def test_a_typing_error_is_told_as_one_even_if_a_plugin_takes_no_part(install: Install) -> None:
    install("other", "import no_such_package_anywhere")
    install("good", GOOD.format(name="x").replace("CommandSpec", "ExecutorSpec").replace("commands", "executors"))
    with pytest.raises(ConfigurationError, match='did you mean "x"') as caught:
        PluginManager.discover().executor("X")
    assert "other is failed" in caught.value.message


def test_a_target_that_does_not_import_names_the_module_to_install() -> None:
    with pytest.raises(PluginError, match="pip install no-such-package") as caught:
        load_target("no_such_package:thing", "backend x of y")
    assert "backend x of y" in caught.value.message
    with pytest.raises(PluginError, match="mend or remove"):
        load_target("os:no_such_attribute", "it")


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (SimpleNamespace(), "no method build"),
        (SimpleNamespace(build=5), "no method build"),
        (SimpleNamespace(build=lambda: None), "doesn't take a build's context"),
        (SimpleNamespace(build=lambda context: None), ""),
        (SimpleNamespace(build=lambda context, extra=1: None), ""),
    ],
)
def test_a_backend_without_a_usable_build_is_found_by_the_check(made: object, fault: str) -> None:
    assert fault in build_fault(made)
    assert bool(build_fault(made)) == bool(fault)


def test_records_refuse_what_could_not_work() -> None:
    with pytest.raises(ValueError, match="start with a letter"):
        CommandSpec(name="1", summary="s", target="a:b")
    with pytest.raises(ValueError, match="at most 100"):
        CommandSpec(name="a" * 101, summary="s", target="a:b")
    with pytest.raises(ValueError, match="one line"):
        CommandSpec(name="a", summary="two\nlines", target="a:b")
    with pytest.raises(ValueError, match="recognises every file"):
        MetricParserSpec(name="a", summary="s", target="a:b")


def test_the_order_does_not_depend_on_installation(install: Install) -> None:
    for name in ("zeta", "eta", "theta"):
        install(name, GOOD.format(name=name))
    names = [each.name for each in PluginManager.discover().plugins if each.name in ("zeta", "eta", "theta")]
    assert names == ["eta", "theta", "zeta"]
