"""The metric vocabulary: complete, free of contradictions, extended by plugins."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics import vocabulary
from brainsmith_core.metrics.vocabulary import Vocabulary, load_definitions
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import MetricDefinition, MetricKind

SHARED = Path(os.environ.get("BRAINSMITH_SHARED") or Path(__file__).parents[3] / "shared")
CATALOGUE = SHARED / "reference" / "metrics-catalogue.md"


def definition(name: str = "mine.area", **changes: Any) -> MetricDefinition:
    settings = {"unit": "mm2", "better": "down", "kind": MetricKind.EXACT, "description": "area of my chip"}
    return MetricDefinition(name=name, **{**settings, **changes})


@pytest.fixture
def core() -> Vocabulary:
    return Vocabulary(load_definitions())


def test_every_name_has_unit_direction_kind_and_meaning(core: Vocabulary) -> None:
    for each in core:
        assert each.unit
        assert each.description
        assert re.fullmatch(r"[a-z0-9_.]+", each.name)
    assert len(core) > 250
    assert core.clashes == []


def test_every_counted_resource_has_total_fraction_and_error_of_estimate(core: Vocabulary) -> None:
    for resource in ("lut", "ff", "bram_36k", "bram_18k", "uram", "dsp", "srl", "clk.bufg", "lut6"):
        units = [core.resolve(f"util.{resource}.{kind}").unit for kind in ("available", "fraction")]
        assert units == ["count", "fraction"]
        assert core.resolve(f"est_error.{resource}").unit == "ratio"
    for name in ("util.bram_efficiency.fraction", "util.alternatives.available", "est_error.lut.available"):
        assert core.get(name) is None


def test_the_two_units_of_block_ram_differ(core: Vocabulary) -> None:
    assert core.resolve("util.bram_18k").unit != core.resolve("util.bram_36k").unit


@pytest.mark.parametrize(
    ("name", "stage", "kind"),
    [
        ("util.lut", Stage.ESTIMATE, MetricKind.EXACT),
        ("util.lut", Stage.ROUTE, MetricKind.QUANTISED),
        ("perf.throughput_fps", Stage.RTLSIM, MetricKind.EXACT),
        ("perf.throughput_fps", Stage.BOARD, MetricKind.NOISY),
    ],
)
def test_a_figure_is_exact_at_some_stages(name: str, stage: Stage, kind: MetricKind, core: Vocabulary) -> None:
    assert core.resolve(name).kind_at(stage) is kind


def test_hard_gates_are_marked(core: Vocabulary) -> None:
    gates = {each.name for each in core if each.gate}
    assert {"timing.met", "verify.status", "route.status.failed_nets"} <= gates
    assert "util.lut" not in gates


@pytest.mark.parametrize(
    ("alias", "name"),
    [("WNS", "timing.setup.wns_ns"), ("luts", "util.lut"), ("Util.LUT", "util.lut"), ("BRAM_18K", "util.bram_18k")],
)
def test_names_of_other_tools_are_understood(alias: str, name: str, core: Vocabulary) -> None:
    assert core.resolve(alias).name == name
    assert core.get(alias) is None


def test_an_unknown_name_is_an_error_with_the_nearest_one(core: Vocabulary) -> None:
    with pytest.raises(ConfigurationError, match=re.escape('did you mean "perf.throughput_fps"')):
        core.resolve("perf.troughput_fps")


def test_search_finds_all_words_anywhere(core: Vocabulary) -> None:
    assert [each.name for each in core.search("HOLD worst")] == ["timing.hold.whs_ns"]
    assert len(core.search("")) == len(core)
    assert core.search("no such thing") == []


def test_a_wrong_name_or_unit_is_told(core: Vocabulary) -> None:
    def problem(name: str, unit: str) -> str:
        return core.problem(Metric(name=name, value=1, unit=unit, stage=Stage.SYNTH))

    assert problem("util.lut", "count") == ""
    assert problem("util.lut", "%") == 'util.lut is in "%", but its unit is "count"'
    assert problem("util.lutt", "count") == 'there is no metric "util.lutt"; did you mean "util.lut"?'
    assert problem("LUT", "count") == 'there is no metric "LUT"; did you mean "util.lut"?'


def test_plugins_add_names() -> None:
    class Mine:
        @hookimpl
        def brainsmith_metric_definitions(self) -> Iterator[MetricDefinition]:
            yield definition(aliases=("Area", "LUT"))

    plugins = PluginManager()
    plugins.register(Mine(), "mine")
    found = Vocabulary.of(plugins)
    assert found.resolve("area").unit == "mm2"
    assert len(found) == len(load_definitions()) + 1
    assert found.clashes == ['"lut" is an alias of mine.area, but it means util.lut already']
    assert found.resolve("LUT").name == "util.lut"


@pytest.mark.parametrize(
    "changes", [{"unit": ""}, {"better": "left"}, {"kind": "exact"}, {"description": ""}, {"stages": ("somewhere",)}]
)
def test_a_bad_definition_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        definition(**changes)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"unit": "s"}, "defines a.b wrongly"),
        ({"unit": "s", "better": "up", "kind": "vague", "description": "x"}, "vague"),
        ({"unit": "s", "better": "up", "kind": "exact", "description": "x", "colour": "red"}, "colour"),
    ],
)
def test_a_fault_in_the_file_is_told_with_the_name(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        vocabulary._definitions({"metrics": {"a.b": fields}, "per_resource": {}})


def test_one_alias_for_two_names_is_a_fault_of_the_file() -> None:
    fields = {"unit": "s", "better": "up", "kind": "exact", "description": "x", "aliases": ["same"]}
    with pytest.raises(ConfigurationError, match='"same" is an alias of b'):
        vocabulary._definitions({"metrics": {"a": fields, "b": fields}, "per_resource": {}})


def rows_of_the_catalogue() -> Iterator[tuple[str, str, str, str]]:
    """Read names, units, directions and kinds out of the tables of sections 4.1 to 4.9."""
    for line in CATALOGUE.read_text("utf-8").split("## 5.")[0].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 8 or not cells[0].startswith("`"):
            continue
        names = re.findall(r"`([^`]+)`", cells[0])
        if "` to `" in cells[0]:
            names = [f"util.lut{inputs}" for inputs in range(1, 7)]
        for name in names:
            yield name, cells[1], cells[2], cells[5]


@pytest.mark.skipif(not CATALOGUE.is_file(), reason=f"{CATALOGUE} is not here")
def test_the_vocabulary_holds_every_name_of_the_catalogue_with_its_unit(core: Vocabulary) -> None:
    rows = list(rows_of_the_catalogue())
    assert len(rows) > 200
    for name, unit, better, kind in rows:
        if name == "util.<res>":
            continue
        found = core.get(name.replace("<res>", "lut"))
        assert found is not None, name
        assert (found.unit, found.better) == (unit, better), name
        kinds = {found.kind.value, *(["exact"] if found.exact_at else []), "as its source"}
        assert kind.removesuffix(" (gate)") in kinds, name
        assert found.gate == kind.endswith("(gate)"), name
