"""Collects the figures of one report, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TypeAlias

import attrs

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage
from brainsmith_core.metrics.report import Report
from brainsmith_core.metrics.vocabulary import load_definitions

from .definitions import load_own_definitions
from .tables.cells import exact_number, is_absent, is_bound, leading_number

__all__ = ["WHOLE", "Figures", "Scope"]

#: What a figure is about, as pairs; a tuple, since figures are looked up by it.
Scope: TypeAlias = tuple[tuple[str, str], ...]
WHOLE: Scope = ()

#: As many things of one kind are listed one by one.
_LISTED = 12


@cache
def _units() -> dict[str, str]:
    return {each.name: each.unit for each in (*load_definitions(), *load_own_definitions())}


#: Value, status, source, and the stage if it isn't the report's. A tuple, since a report by hierarchy has thousands.
_Entry: TypeAlias = tuple[JSONValue, MetricStatus, MetricSource, Stage | None]

_MEASURED, _MISSING, _UNPARSABLE = MetricStatus.MEASURED, MetricStatus.MISSING, MetricStatus.UNPARSABLE


@attrs.define
class Figures:
    """The figures of one report, each once.

    A figure that the report gives twice with different values is unparsable: nobody can know which one holds.

    Args:
        report: the file.
        stage: where in the flow the report was written.
        base: what the whole report is about, if not the whole design.
    """

    report: Report
    stage: Stage
    base: Scope = WHOLE
    _entries: dict[tuple[str, Scope], _Entry] = attrs.field(factory=dict, init=False)
    _remarks: dict[str, list[str]] = attrs.field(factory=dict, init=False)
    _sources: dict[tuple[str, str | None], MetricSource] = attrs.field(factory=dict, init=False)

    def put(
        self,
        name: str,
        value: JSONValue,
        field: str,
        scope: Scope = WHOLE,
        *,
        formula: str | None = None,
        stage: Stage | None = None,
    ) -> None:
        """Add a figure.

        Args:
            name: a name of the vocabulary.
            value: the figure in the name's unit.
            field: the report's own name for it.
            scope: what it is about.
            formula: how it was calculated, if the report doesn't hold it.
            stage: where in the flow it was obtained, if not where the report was written.
        """
        key = (name, scope)
        known = self._entries.get(key)
        if known is None or known[1] is _MISSING:
            source = self._sources.get((field, formula)) or self._source(field, formula)
            self._entries[key] = (value, _MEASURED, source, stage)
        elif known[0] != value and known[1] is _MEASURED:
            self.doubt([key], f"{_shown(name, scope)} is given as both {known[0]} and {value}")

    def put_row(self, columns: Iterable[tuple[str, str]], values: Iterable[JSONValue], scope: Scope) -> None:
        """Add the figures of a row.

        Args:
            columns: name and field for each value, as for `put`.
            values: the figures; None for a cell without one.
            scope: what they are about.
        """
        entries = self._entries
        for (name, field), value in zip(columns, values, strict=True):
            if value is None:
                continue
            if (name, scope) in entries:
                self.put(name, value, field, scope)
            else:
                entries[name, scope] = (value, _MEASURED, self._sources.get((field, None)) or self._source(field), None)

    def put_cell(self, name: str, text: str, field: str, scope: Scope = WHOLE, *, remark: bool = False) -> bool:
        """Add the figure that a cell holds; one that says that there is none gives a missing figure.

        Args:
            name: a name of the vocabulary.
            text: the cell.
            field: the report's own name for it.
            scope: what it is about.
            remark: whether a remark in brackets may follow the number.

        Returns:
            Whether it is a number.
        """
        value = leading_number(text) if remark else exact_number(text)
        if value is not None:
            self.put(name, value, field, scope)
            return True
        if is_absent(text):
            self.miss(name, field, scope)
        else:
            self.spoil(name, text, field, scope)
        return False

    def get(self, name: str, scope: Scope = WHOLE) -> int | float | None:
        """Return a number that was added, or None."""
        entry = self._entries.get((name, scope))
        value = entry[0] if entry else None
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def get_flag(self, name: str, scope: Scope = WHOLE) -> bool | None:
        """Return a truth value that was added, or None."""
        entry = self._entries.get((name, scope))
        return entry[0] if entry and isinstance(entry[0], bool) else None

    def knows(self, name: str) -> bool:
        """Return whether the vocabulary has a name."""
        return name in _units()

    def has(self, name: str, scope: Scope = WHOLE) -> bool:
        """Return whether a figure was added, readable or not."""
        return (name, scope) in self._entries

    def miss(self, name: str, field: str, scope: Scope = WHOLE) -> None:
        """Add that the report has a place for a figure, but no figure."""
        self._entries.setdefault((name, scope), (None, _MISSING, self._source(field), None))

    def spoil(self, name: str, text: str, field: str, scope: Scope = WHOLE) -> None:
        """Add that the report holds something for a figure that can't be read as one."""
        bound = is_bound(text)
        kind = "given only as bounds" if bound else "unreadable"
        self.remark(kind, f"{_shown(name, scope)} {text[:40]!r}")
        label = f"{field}: {text}" if bound else field
        self._entries[(name, scope)] = (None, _UNPARSABLE, self._source(label), None)

    def doubt(self, keys: Iterable[tuple[str, Scope]], why: str = "") -> None:
        """Take back figures that a check refutes.

        Args:
            keys: their names and scopes; those that weren't added don't matter.
            why: what is wrong, if it isn't noted otherwise.
        """
        for key in keys:
            entry = self._entries.get(key)
            if entry is not None and entry[0] is not None:
                self._entries[key] = (None, _UNPARSABLE, *entry[2:])
        if why:
            self.remark("contradictory", why)

    def remark(self, kind: str, text: str) -> None:
        """Note something of a kind of which there may be many; they are listed together."""
        found = self._remarks.setdefault(kind, [])
        if text not in found[-_LISTED:]:
            found.append(text)

    def finish(self) -> Iterator[Metric]:
        """Yield the figures in the order in which they were added, and note what is wrong."""
        for kind, texts in self._remarks.items():
            self.report.note(_listed(kind, texts))
        units, base, stage = _units(), self.base, self.stage
        about: Scope | None = None
        scope_of_row: dict[str, str] = {}
        for (name, scope), (value, status, source, other) in self._entries.items():
            if scope is not about:  # the figures of a row share theirs
                about, scope_of_row = scope, dict(scope)
            yield Metric(
                name=name,
                value=value,
                unit=units[name],
                stage=other or stage,
                scope={**dict(base), **scope_of_row} if base and other is not Stage.BUILD else scope_of_row,
                status=status,
                source=source,
            )

    def _source(self, field: str, formula: str | None = None) -> MetricSource:
        """Return where a figure comes from; many figures share one, so each is made only once."""
        source = self._sources.get((field, formula))
        if source is None:
            origin = self.report.source
            source = MetricSource(
                file=origin.file,
                sha256=origin.sha256,
                parser=origin.parser,
                version=origin.version,
                plugin=origin.plugin,
                field=field,
                formula=formula,
            )
            self._sources[field, formula] = source
        return source


def _shown(name: str, scope: Scope) -> str:
    return f"{name}[{', '.join(value for _, value in scope)}]" if scope else name


def _listed(kind: str, texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return f"{kind}: {'; '.join(texts[:_LISTED])}{more}"
