"""`brainsmith metrics`: names, reports, builds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.cli import main as shell
from brainsmith_core.config import BuildConfig
from brainsmith_core.context import BackendOutcome
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.metric import Metric, MetricStatus, Stage
from brainsmith_core.metrics.report import Report
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import MetricDefinition, MetricKind, MetricParserSpec

HERE = __name__


def parse_loudly(report: Report) -> Iterator[Metric]:
    print("a parser that prints")
    values = report.json()
    assert isinstance(values, dict)
    yield report.metric("util.ramb36", values["wide"], "count", Stage.ROUTE)
    yield report.metric("util.ramb18", values["narrow"], "count", Stage.ROUTE, {"instance": "a"})
    yield report.metric("util.alternatives", {"LUT": [1, 2]}, "record", Stage.ESTIMATE, {"layer": "a", "option": "0"})
    yield report.metric("util.dsp", None, "count", Stage.ROUTE)
    yield report.metric("prov.model_sha256", "0123456789" * 6, "hash", Stage.BUILD)
    report.note("this parser is loud")


class Reader:
    @hookimpl
    def brainsmith_metric_parsers(self) -> Iterator[MetricParserSpec]:
        yield MetricParserSpec(name="loud", summary="x", target=f"{HERE}:parse_loudly", patterns=("*.loud.json",))

    @hookimpl
    def brainsmith_metric_definitions(self) -> Iterator[MetricDefinition]:
        yield MetricDefinition(
            name="mine.area",
            unit="mm2",
            better="down",
            kind=MetricKind.EXACT,
            description="area of my chip",
            aliases=("LUT",),
        )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def discover(disabled: Any = ()) -> PluginManager:
        manager = PluginManager(disabled)
        manager.register(Reader(), "reader", "reader-distribution", "1.0")
        return manager

    monkeypatch.setattr(PluginManager, "discover", staticmethod(discover))

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            shell.run(["metrics", *map(str, arguments)])
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    return call


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "a.loud.json").write_text('{"wide": 3, "narrow": 1}')
    (folder / "b.loud.json").write_text('{"wide": 3}')
    (folder / "c.bin").write_bytes(b"\x00")
    return folder


def test_names_are_listed_with_unit_and_meaning(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run("list", "--search", "my chip")
    assert code == 0
    assert "mine.area" in out
    assert "mm2" in out
    assert "1 of " in err
    assert 'warning: "lut" is an alias of mine.area' in err


def test_the_whole_vocabulary_is_one_json_document(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("list", "--json")
    names = {each["name"]: each for each in json.loads(out)["metrics"]}
    assert code == 0
    assert names["util.lut"]["unit"] == "count"
    assert names["util.lut"]["exact_at"] == ["estimate"]
    assert names["mine.area"]["aliases"] == ["LUT"]
    assert list(names) == sorted(names)


def test_reports_are_parsed_without_a_build(run: Callable[..., tuple[int, str, str]], reports: Path) -> None:
    code, out, err = run("parse", reports, "--json")
    data = json.loads(out)
    assert code == 0
    assert set(data) == {"metrics", "files"}
    assert all(set(each) == {"file", "parser", "status", "message"} for each in data["files"])
    statuses = [(Path(each["file"]).name, each["status"]) for each in data["files"]]
    assert statuses == [("a.loud.json", "parsed"), ("b.loud.json", "failed"), ("c.bin", "unknown")]
    first = data["metrics"][0]
    assert set(first) == {"name", "value", "unit", "stage", "scope", "status", "source"}
    assert first["source"]["file"] == str(reports / "a.loud.json")
    assert len(first["source"]["sha256"]) == 64
    assert "a parser that prints" in err
    assert all(Metric.from_dict(each).to_dict() == each for each in data["metrics"])


def test_figures_of_two_files_give_no_derived_one(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "a.loud.json").write_text('{"wide": 3, "narrow": 1}')
    _, out, _ = run("parse", tmp_path, "--json")
    assert [each["name"] for each in json.loads(out)["metrics"] if each["source"]["formula"]] == []


def test_the_table_shows_the_whole_design_unless_told_otherwise(
    run: Callable[..., tuple[int, str, str]], reports: Path
) -> None:
    code, out, err = run("parse", reports)
    assert code == 0
    assert "util.ramb36" in out
    assert "missing" in out
    assert " 0123456789012345678901234567890123456... " in out
    assert "util.ramb18" not in out
    assert "2 more, of layers" in err
    assert "a.loud.json: this parser is loud" in err
    assert "its parser loud failed: KeyError: 'narrow'" in err
    assert "1 parsed, 1 failed, 1 unknown" in err
    _, out, _ = run("parse", reports, "--all")
    assert "util.ramb18" in out
    assert "instance=a" in out


def test_tables_say_of_which_file_they_are_where_there_are_several(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    for name in ("a.loud.json", "b.loud.json"):
        (tmp_path / name).write_text('{"wide": 3, "narrow": 1}')
    _, both, _ = run("parse", tmp_path)
    _, one, _ = run("parse", tmp_path / "a.loud.json")
    assert both.index("a.loud.json") < both.index("b.loud.json")
    assert "a.loud.json" not in one


def test_a_table_without_scopes_has_no_column_for_them(run: Callable[..., tuple[int, str, str]], reports: Path) -> None:
    assert "scope" not in run("parse", reports)[1]
    assert "scope" in run("parse", reports, "--all")[1]


def test_csv_holds_everything(run: Callable[..., tuple[int, str, str]], reports: Path) -> None:
    code, out, _ = run("parse", reports, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [(row["name"], row["value"], row["scope"]) for row in rows] == [
        ("util.ramb36", "3", ""),
        ("util.ramb18", "1", "instance=a"),
        ("util.alternatives", '{"LUT": [1, 2]}', "layer=a;option=0"),
        ("util.dsp", "", ""),
        ("prov.model_sha256", "0123456789" * 6, ""),
    ]
    assert rows[3]["status"] == "missing"


def test_csv_and_json_exclude_each_other(run: Callable[..., tuple[int, str, str]], reports: Path) -> None:
    code, _, err = run("parse", reports, "--csv", "--json")
    assert code == 2
    assert "exclude each other" in err


def test_a_path_that_is_not_there_is_told(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, _, err = run("parse", tmp_path / "gone")
    assert code == 3
    assert "gone doesn't exist" in err


def test_the_metrics_of_a_build_are_shown(
    run: Callable[..., tuple[int, str, str]],
    run_fake: Callable[..., Any],
    make_config: Callable[..., BuildConfig],
) -> None:
    def figures(context: Any) -> BackendOutcome:
        simulated = MetricStatus.SIMULATED
        return BackendOutcome(
            metrics=(
                Metric(
                    name="perf.throughput_fps", value=1234.5, unit="frames/s", stage=Stage.ESTIMATE, status=simulated
                ),
                Metric(
                    name="perf.cycles",
                    value=8,
                    unit="cycles",
                    stage=Stage.ESTIMATE,
                    scope={"layer": "a"},
                    status=simulated,
                ),
            )
        )

    config = make_config()
    run_fake(config, figures)
    code, out, err = run("show", config.output_dir)
    assert code == 0
    assert "throughput" in out
    assert "simulated" in out
    assert "1 more" in err
    code, out, _ = run("show", config.output_dir, "--json")
    data = json.loads(out)
    assert data["summary"]["throughput"] == 1234.5
    assert data["summary"]["simulated"] is True
    assert {"perf.cycles", "build.status"} <= {each["name"] for each in data["metrics"]}


def test_a_folder_without_metrics_is_told(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, _, err = run("show", tmp_path)
    assert code == 3
    assert "holds no metrics.json" in err
