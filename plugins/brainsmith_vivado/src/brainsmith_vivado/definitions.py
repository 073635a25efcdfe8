"""The names that this plugin adds to the metric vocabulary; they stand in `vocabulary*.toml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from brainsmith_core.formats.memory import read_toml
from brainsmith_core.metrics.vocabulary import load_definitions
from brainsmith_core.records import MetricDefinition, MetricKind

__all__ = ["load_own_definitions"]

#: Endings of names under `util.` that count no resource themselves.
_NO_RESOURCE = (".available", ".fraction", "_efficiency", ".alternatives")


@cache
def load_own_definitions() -> tuple[MetricDefinition, ...]:
    """Return this plugin's names.

    Example:
        >>> next(each.unit for each in load_own_definitions() if each.name == "power.supply.voltage_v")
        'V'
    """
    data = _load("vocabulary.toml")
    groups = {**data["groups"], **_load("vocabulary_hls.toml")["groups"]}
    own = [_definition(name, common, fields) for common, name, fields in _listed(groups)]
    counted = [each for each in own if each.name.startswith("util.") and not each.name.endswith(_NO_RESOURCE)]
    theirs = {each.name: each for each in load_definitions()}
    known = [each for each in theirs.values() if f"{each.name}.available" in theirs]
    found = {each.name: each for each in own}
    for ending, fields in data["per_resource"].items():
        for each in [*counted, *known]:
            name = f"{each.name}.{ending}"
            if name not in theirs:
                description = fields["description"].format(description=each.description)
                found[name] = _definition(name, {}, {**fields, "description": description})
    return tuple(found.values())


def _load(file: str) -> dict[str, Any]:
    return read_toml(str(Path(__file__).with_name(file)))


def _listed(groups: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, Mapping[str, Any]]]:
    for group in groups.values():
        common = {key: value for key, value in group.items() if key != "metrics"}
        for name, fields in group["metrics"].items():
            yield common, name, fields


def _definition(name: str, common: Mapping[str, Any], fields: Mapping[str, Any]) -> MetricDefinition:
    values = {"better": "none", **common, **fields}
    return MetricDefinition(name=name, **{**values, "kind": MetricKind(values["kind"])})
