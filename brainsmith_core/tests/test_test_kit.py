"""The kit for plugin authors: its guard notices what is left out, its tests fail where a plugin is wrong."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.workspace import Workspace
from brainsmith_core.context import BuildContext
from brainsmith_core.scaffold import create_package
from brainsmith_core.testing import BackendSuite, EventRecorder, FakeClock, MetricParserSuite
from brainsmith_core.testing.tools import CorpusReader

pytest_plugins = ["brainsmith_core.testing.fixtures"]


def test_a_standard_test_cannot_be_removed_without_a_reason() -> None:
    with pytest.raises(TypeError, match="removes the standard test test_a_small_build_succeeds without a reason"):
        type("TestMine", (BackendSuite,), {"test_a_small_build_succeeds": None})


def test_a_standard_test_cannot_be_overridden_without_a_reason() -> None:
    class Mixin:
        def test_there_are_samples(self) -> None:
            """Nothing."""

    with pytest.raises(TypeError, match="test_there_are_samples"):
        type("TestMine", (Mixin, MetricParserSuite), {})
    waived = {"test_there_are_samples": "the samples are secret"}
    made: Any = type("TestMine", (Mixin, MetricParserSuite), {"waived": waived})
    assert made.waived == waived


def test_a_grandchild_is_watched_too() -> None:
    child: Any = type("TestChild", (BackendSuite,), {})
    with pytest.raises(TypeError, match="without a reason"):
        type("TestGrandchild", (child,), {"test_its_result_reads_back": None})


@pytest.mark.parametrize(
    ("waived", "told"),
    [
        ({"test_its_result_reads_bak": "x"}, 'did you mean "test_its_result_reads_back"'),
        ({"test_its_result_reads_back": " "}, "must say why"),
    ],
)
def test_a_waiver_names_a_test_and_a_reason(waived: dict[str, str], told: str) -> None:
    with pytest.raises(TypeError, match=re.escape(told)):
        type("TestMine", (BackendSuite,), {"waived": waived})


def test_core_needs_no_pytest() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\nimport brainsmith_core.plugins.manager, brainsmith_core.build.runner"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_fixtures_make_a_build_without_a_build(
    build_context: BuildContext, build_workspace: Workspace, event_recorder: EventRecorder
) -> None:
    build_context.emit("step_started", step="a")
    assert event_recorder.kinds == ["step_started"]
    assert event_recorder.of("step_started")[0].data == {"step": "a"}
    assert build_context.model_path == build_workspace.model
    assert build_workspace.read_config().id == "point"


def test_the_clock_goes_when_the_test_says_so(fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("module_of_the_test")
    vars(module)["time"] = importlib.import_module("time")
    fake_clock.install(module, monkeypatch)
    fake_clock.advance(5)
    vars(module)["time"].sleep(2)
    assert (fake_clock.time(), fake_clock.slept) == (7, [2])


def test_a_corpus_is_read_as_a_parser_gets_it(corpus_reader: Callable[[Path], CorpusReader], tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.rpt").write_text("x")
    (tmp_path / "a.rpt").write_text("a")
    assert [(report.name, report.text) for report in corpus_reader(tmp_path)] == [("a.rpt", "a"), ("x.rpt", "x")]


def outcome_of(tmp_path: Path, kind: str, edit: Callable[[str], str], test_edit: Callable[[str], str] = str) -> str:
    """Generate a plugin, change it, run its tests without pip, and return what pytest says."""
    package = tmp_path / "mine"
    create_package("mine", kind, package)
    (code,) = [path for path in (package / "src" / "mine").iterdir() if path.stem not in ("__init__", "plugin", "py")]
    changed = edit(code.read_text())
    assert edit is str or changed != code.read_text()
    code.write_text(changed)
    test = package / "tests" / "test_mine.py"
    test.write_text(test_edit(test.read_text()))
    info = package / "src" / "mine-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[brainsmith.plugins]\nmine = mine.plugin\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PYTHONPATH"] = str(package / "src")
    argv = [sys.executable, "-m", "pytest", "-q", "-rsf", "-p", "no:cacheprovider", "-p", "no:randomly"]
    return subprocess.run(argv, cwd=package, env=environment, capture_output=True, text=True, check=False).stdout


#: For each fault of a plugin's code: the kind, the change, the standard test that notices.
FAULTS = {
    "a parser that takes missing for zero": (
        "metrics",
        lambda text: text.replace(
            "    lines = report", '    yield report.metric("util.lut", 0, "count", Stage.SYNTH)\n    lines = report'
        ).replace("raise ReportError", "return; raise ReportError"),
        "test_it_reads_each_sample_and_finds_the_values",
    ),
    "a parser that breaks on a damaged file": (
        "metrics",
        lambda text: text.replace(
            'report.figure(name, value.strip(), "count"', 'report.metric(name, int(value), "count"'
        ),
        "test_a_damaged_file_never_makes_it_fail",
    ),
    "a figure of an unknown unit": (
        "metrics",
        lambda text: text.replace('"count"', '"LUTs"'),
        "test_every_figure_is_in_the_vocabulary",
    ),
    "a backend that changes the working directory": (
        "backend",
        lambda text: text.replace("        context.check_stop()\n", '        import os\n        os.chdir("/")\n'),
        "test_it_writes_nowhere_else_and_changes_nothing",
    ),
    "a backend with a made-up figure": (
        "backend",
        lambda text: text.replace("value=size", "value=__import__('random').random()"),
        "test_the_same_build_gives_the_same_figures",
    ),
    "a backend that names what isn't there": (
        "backend",
        lambda text: text.replace('artifacts={"built": product}', 'artifacts={"built": product.with_name("none")}'),
        "test_all_that_it_names_lies_in_its_folder",
    ),
    "a step that changes its input": (
        "preprocessing",
        lambda text: text.replace("Path(context.output_model_path).write", "Path(context.model_path).write").replace(
            "StepOutcome(model_path=context.output_model_path)", "StepOutcome()"
        ),
        "test_it_leaves_the_model_that_came_in_alone",
    ),
    "an executor that loses events": (
        "executor",
        lambda text: text.replace('"on_event": on_event', '"on_event": None'),
        "test_the_events_of_a_build_are_told",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_plugin_fails_its_standard_tests(tmp_path: Path, fault: str) -> None:
    kind, edit, test = FAULTS[fault]
    assert f"::{test}" in outcome_of(tmp_path, kind, edit)


@pytest.mark.slow
def test_a_waived_test_is_skipped_with_its_reason(tmp_path: Path) -> None:
    def waive(text: str) -> str:
        return text.replace(
            '    backend = "mine"\n', '    backend = "mine"\n    waived = {"test_its_result_reads_back": "why not"}\n'
        )

    said = outcome_of(tmp_path, "backend", str, waive)
    assert "waived: why not" in said
    assert "1 skipped" in said
    assert "failed" not in said
