"""What this package offers, through the hooks that every plugin has; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import MetricDefinition, MetricParserSpec

__all__ = ["brainsmith_metric_definitions", "brainsmith_metric_parsers"]

BRAINSMITH_API = 1

#: How a log of Vivado begins: its banner, as a comment, after the runner's lines, or as the tool prints it.
_LOG = r"\A(?:[^\n]*\n){0,40}?(?:#-{20,}\r?\n)?(?:# |\*{4,} )Vivado v[0-9.]+ "


@hookimpl
def brainsmith_metric_parsers() -> Iterator[MetricParserSpec]:
    """Yield the parsers of Vivado's and Vitis' reports; they are told by what stands in the file, not by its name."""
    from .kinds import KINDS, sniff_of

    for kind in KINDS:
        yield MetricParserSpec(
            name=kind.name, summary=kind.summary, target=f"{__package__}.reports:parse", sniff=sniff_of(kind)
        )
    yield MetricParserSpec(
        name="vivado_log",
        summary="Vivado log: the reports printed into it",
        target=f"{__package__}.parsers.logs.embedded:parse_log",
        sniff=_LOG,
        priority=-10,
    )


@hookimpl
def brainsmith_metric_definitions() -> Iterator[MetricDefinition]:
    """Yield the names that the parsers use beside those of core."""
    from .definitions import load_own_definitions

    yield from load_own_definitions()
