"""Sizes of the FIFOs between the layers."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, read_number

from .reading import Field, as_object, loop_scope, note_unknown, read_object
from .settings import setting

__all__ = ["parse_fifo_sizing"]

_EACH = {
    "fifo_depths": Field("fifo.depth", "words"),
    "fifo_sizes": Field("fifo.size_bits", "bit"),
    "fifo_sizes_effective": Field("fifo.effective_size_bits", "bit"),
}
_SETTINGS = ("impl_style", "ram_style")
_TOTALS = {
    "total_fifo_size_kB": Field("fifo.total_kbytes", "kB"),
    "total_fifo_size_kiB": Field("fifo.total_kib", "KiB"),
    "total_fifo_size_effective_kiB": Field("fifo.total_effective_kib", "KiB"),
}


def parse_fifo_sizing(report: Report) -> Iterator[Metric]:
    """Yield depth and size of each FIFO and of all (`fifo_sizing.json`).

    FINN+ 1.1 to 1.4 give the sum in whole kB; later versions in KiB, from which the kB are calculated.
    """
    values = read_object(report)
    for key, value in values.items():
        if key in _EACH:
            yield from _each(report, key, as_object(value, f'"{key}"'))
        elif key in _SETTINGS:
            for fifo, style in as_object(value, f'"{key}"').items():
                yield setting(report, fifo, key, style)
        elif key in _TOTALS:
            field = _TOTALS[key]
            yield report.figure(field.name, value, field.unit, Stage.FIFO, loop_scope(report), field=key)
        else:
            note_unknown(report, key)
    kib = read_number(values.get("total_fifo_size_kiB"))
    if kib is not None and "total_fifo_size_kB" not in values:
        yield report.metric(
            "fifo.total_kbytes", kib * 1.024, "kB", Stage.FIFO, loop_scope(report), formula="1.024 x total_kib"
        )


def _each(report: Report, key: str, values: dict[str, JSONValue]) -> Iterator[Metric]:
    field = _EACH[key]
    for fifo, raw in values.items():
        scope = {**loop_scope(report), "fifo": fifo}
        yield report.figure(field.name, raw, field.unit, Stage.FIFO, scope, field=key)
