"""The plugin's records: names, units and targets that all fit together."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import brainsmith_vivado
from brainsmith_core.metrics.vocabulary import Vocabulary, load_definitions
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import MetricDefinition
from brainsmith_vivado import plugin
from brainsmith_vivado.definitions import load_own_definitions
from brainsmith_vivado.kinds import KINDS
from brainsmith_vivado.mapping import load_specs

SOURCES = Path(brainsmith_vivado.__file__).parent
NAMES = {each.name for each in (*load_definitions(), *load_own_definitions())}


def test_names_are_added_to_those_of_core_and_contradict_none() -> None:
    own = load_own_definitions()
    assert len(own) > 200
    vocabulary = Vocabulary([*load_definitions(), *own])
    assert vocabulary.clashes == []
    core = {each.name: each for each in load_definitions()}
    assert not [each.name for each in own if each.name in core]


def test_every_resource_has_available_fraction_fixed_and_prohibited() -> None:
    for name in ("util.lut", "util.slice_l", "util.site", "util.bram_36k"):
        for ending in ("available", "fraction", "fixed", "prohibited"):
            assert f"{name}.{ending}" in NAMES


def strings(data: Any) -> list[str]:
    if isinstance(data, dict):
        return [text for value in data.values() for text in strings(value)]
    if isinstance(data, list):
        return [text for value in data for text in strings(value)]
    return [data] if isinstance(data, str) else []


@pytest.mark.parametrize(
    "file", ["parsers/power/names.toml", "parsers/power/tables.toml", "parsers/clocking/tables.toml"]
)
def test_every_metric_that_a_table_of_names_gives_is_in_the_vocabulary(file: str) -> None:
    data = tomllib.loads((SOURCES / file).read_text())
    metrics = [text for text in strings(data) if text.startswith(("power.", "clock.", "util."))]
    assert metrics
    assert set(metrics) <= NAMES


def test_every_resource_that_a_row_or_column_counts_is_in_the_vocabulary() -> None:
    data = tomllib.loads((SOURCES / "parsers/utilisation/resources.toml").read_text())
    names = [*data["rows"], *data["columns"], *data["sums"], *data["primitives"]]
    names += [part for each in data["totals"] for part in (each["total"], *each["parts"], *each.get("optional", []))]
    assert {f"util.{name}" for name in names} <= NAMES


def test_every_slack_is_in_the_vocabulary() -> None:
    data = tomllib.loads((SOURCES / "parsers/timing/names.toml").read_text())
    for each in data["slacks"]:
        assert set(each["design"]) <= NAMES
        for table in ("inter_clock", "path_group"):
            assert {name.format(table=table) for name in each.get("pair", [])} <= NAMES


def test_tables_described_as_data_can_be_loaded() -> None:
    assert load_specs("brainsmith_vivado.parsers.power", "tables.toml")
    assert load_specs("brainsmith_vivado.parsers.clocking", "tables.toml")


def test_every_kind_of_report_has_a_reader() -> None:
    for kind in KINDS:
        assert callable(kind.read)


def test_the_plugin_registers_parsers_whose_targets_can_be_loaded() -> None:
    manager = PluginManager()
    registered = manager.register(plugin, "vivado", "brainsmith-vivado", "0.1.0")
    assert registered.state.value == "active"
    names = [offer.record.name for offer in manager.metric_parsers()]
    assert "vivado_log" in names
    assert {kind.name for kind in KINDS} <= set(names)
    manager.check_all()


def test_definitions_are_records() -> None:
    assert all(isinstance(each, MetricDefinition) for each in plugin.brainsmith_metric_definitions())
