"""The metric vocabulary: which names there are, with unit, better direction, kind and meaning.

Core's names stand in `vocabulary.toml`; plugins add theirs through the hook `brainsmith_metric_definitions`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, did_you_mean
from ..formats.memory import read_toml
from ..plugins.manager import PluginManager
from ..records import MetricDefinition, MetricKind

if TYPE_CHECKING:
    from ..metric import Metric

__all__ = ["Vocabulary", "load_definitions"]

#: Units of names under `util.` that count no resource.
_NO_RESOURCE = ("fraction", "record")


@functools.cache
def load_definitions() -> tuple[MetricDefinition, ...]:
    """Return core's vocabulary.

    Raises:
        ConfigurationError: if the file is wrong, with the name that is.

    Example:
        >>> [each.unit for each in load_definitions() if each.name == "util.bram_18k"]
        ['18 Kb']
    """
    return _definitions(read_toml(str(Path(__file__).with_name("vocabulary.toml"))))


def _definitions(data: Mapping[str, Any]) -> tuple[MetricDefinition, ...]:
    found = [_definition(name, fields) for name, fields in data["metrics"].items()]
    for template, fields in data["per_resource"].items():
        found += [_of_resource(each, template, fields) for each in found if _counts_a_resource(each)]
    clashes = Vocabulary(found).clashes
    if clashes:
        raise ConfigurationError(f"the metric vocabulary contradicts itself: {clashes[0]}")
    return tuple(found)


def _definition(name: str, fields: Mapping[str, Any]) -> MetricDefinition:
    try:
        return MetricDefinition(name=name, **{**fields, "kind": MetricKind(fields["kind"])})
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"the metric vocabulary defines {name} wrongly: {error}") from error


def _counts_a_resource(definition: MetricDefinition) -> bool:
    name, unit = definition.name, definition.unit
    return name.startswith("util.") and unit not in _NO_RESOURCE and not name.endswith(".available")


def _of_resource(resource: MetricDefinition, template: str, fields: Mapping[str, Any]) -> MetricDefinition:
    name = template.format(resource=resource.name.removeprefix("util."))
    description = fields["description"].format(description=resource.description)
    return _definition(name, {**fields, "description": description})


class Vocabulary:
    """All metric names that there are, core's and the plugins'.

    Args:
        definitions: the names; of two definitions of one name or alias the first holds.

    Example:
        >>> Vocabulary(load_definitions()).resolve("wns").name
        'timing.setup.wns_ns'
    """

    def __init__(self, definitions: Iterable[MetricDefinition]) -> None:
        self._by_name: dict[str, MetricDefinition] = {}
        for definition in definitions:
            self._by_name.setdefault(definition.name, definition)
        #: What is wrong with the aliases, one line each; it harms nobody but the one who looks for the alias.
        self.clashes: list[str] = []
        self._by_alias: dict[str, MetricDefinition] = {}
        for definition in self._by_name.values():
            for alias in definition.aliases:
                self._add_alias(alias.lower(), definition)

    @staticmethod
    def of(plugins: PluginManager) -> Vocabulary:
        """Return the vocabulary of all active plugins."""
        return plugins.derived(_of_plugins)

    def __iter__(self) -> Iterator[MetricDefinition]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> MetricDefinition | None:
        """Return the definition of a name, or None; aliases don't count."""
        return self._by_name.get(name)

    def resolve(self, name: str) -> MetricDefinition:
        """Return the definition that a name or alias means, whatever its case.

        Raises:
            ConfigurationError: if there is none, with the nearest name.
        """
        found = self._by_name.get(name) or self._by_name.get(name.lower()) or self._by_alias.get(name.lower())
        if found is None:
            raise ConfigurationError(f'there is no metric "{name}"', hint=self._suggest(name))
        return found

    def search(self, text: str) -> list[MetricDefinition]:
        """Return the definitions whose name, unit, description or aliases hold all words of `text`, by name."""
        words = text.lower().split()
        return [each for each in sorted(self, key=lambda item: item.name) if _holds(each, words)]

    def problem(self, metric: Metric) -> str:
        """Return what is wrong with a metric's name or unit, or "".

        Example:
            >>> from brainsmith_core.metric import Metric, Stage
            >>> wrong = Metric(name="util.lut", value=12.5, unit="%", stage=Stage.SYNTH)
            >>> Vocabulary(load_definitions()).problem(wrong)
            'util.lut is in "%", but its unit is "count"'
        """
        definition = self._by_name.get(metric.name)
        if definition is None:
            return f'there is no metric "{metric.name}"; {self._suggest(metric.name)}'
        if metric.unit != definition.unit:
            return f'{metric.name} is in "{metric.unit}", but its unit is "{definition.unit}"'
        return ""

    def _suggest(self, name: str) -> str:
        alias = self._by_alias.get(name.lower())
        return f'did you mean "{alias.name}"?' if alias else did_you_mean(name, self._by_name)

    def _add_alias(self, alias: str, definition: MetricDefinition) -> None:
        owner = self._by_name.get(alias) or self._by_alias.setdefault(alias, definition)
        if owner is not definition:
            self.clashes.append(f'"{alias}" is an alias of {definition.name}, but it means {owner.name} already')


def _holds(definition: MetricDefinition, words: Iterable[str]) -> bool:
    parts = (definition.name, definition.unit, definition.description, *definition.aliases)
    text = " ".join(parts).lower()
    return all(word in text for word in words)


def _of_plugins(plugins: PluginManager) -> Vocabulary:
    return Vocabulary(offer.record for offer in plugins.offers("brainsmith_metric_definitions"))
