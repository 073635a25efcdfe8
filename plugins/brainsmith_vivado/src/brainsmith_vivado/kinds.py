"""The kinds of reports: how each is recognised, and what reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import attrs

from brainsmith_core import Stage

from .targets import load

if TYPE_CHECKING:  # every start of `brainsmith` imports this module, what reads the reports only when there are some
    from .figures import Figures
    from .tables.records import Document

__all__ = ["KINDS", "Kind", "kind_of", "sniff_of"]

Reader: TypeAlias = "Callable[[Document, Figures], None]"


@attrs.frozen(kw_only=True)
class Kind:
    """A kind of report.

    Args:
        name: the parser's name.
        summary: one line for lists.
        titles: what stands above such a report.
        commands: what writes it.
        reader: `module:function` below `parsers`, which adds a document's figures.
        headings: the first two headings of a table that tells such a report even if its title is missing.
        least: the stage that it can be from at least.
    """

    name: str
    summary: str
    titles: tuple[str, ...]
    commands: tuple[str, ...]
    reader: str
    headings: tuple[tuple[str, str], ...] = ()
    least: Stage = Stage.SYNTH

    @property
    def read(self) -> Reader:
        """What reads a document of this kind; imported when it is first used."""
        return load(self.reader)


KINDS = (
    Kind(
        name="vivado_utilisation",
        summary="Vivado utilisation: of the design, by hierarchy, by super logic region; text and XML",
        titles=("Utilization Design Information",),
        commands=("report_utilization",),
        reader="utilisation.flat:read_utilisation",
        headings=(("Site Type", "Used"), ("Instance", "Module")),
    ),
    Kind(
        name="vitis_kernel_utilisation",
        summary="Vitis utilisation of platform and kernels",
        titles=("Accelerator Utilization Design Information",),
        commands=("report_accelerator_utilization",),
        reader="utilisation.kernels:read_kernels",
    ),
    Kind(
        name="vivado_timing",
        summary="Vivado timing: design, clocks, pairs of clocks, checks, worst paths",
        titles=("Timing Summary Report", "Timing Report", "check_timing report", "| Timer Settings"),
        commands=("report_timing_summary", "report_timing", "check_timing"),
        reader="timing.report:read_timing",
        headings=(("WNS(ns)", "TNS(ns)"),),
    ),
    Kind(
        name="vivado_power",
        summary="Vivado power: totals, components, supplies, confidence",
        titles=("Power Report",),
        commands=("report_power",),
        reader="power.report:read_power",
        headings=(("On-Chip", "Power (W)"),),
    ),
    Kind(
        name="vivado_drc",
        summary="Vivado design rule check: violations by severity and rule",
        titles=("Report DRC",),
        commands=("report_drc",),
        reader="rules.violations:read_drc",
    ),
    Kind(
        name="vivado_methodology",
        summary="Vivado methodology: violations by severity and rule",
        titles=("Report Methodology",),
        commands=("report_methodology",),
        reader="rules.violations:read_methodology",
    ),
    Kind(
        name="vivado_clock_utilisation",
        summary="Vivado clock utilisation: buffers, clock nets, clock regions",
        titles=("Clock Utilization Report",),
        commands=("report_clock_utilization",),
        reader="clocking.utilisation:read_clocks",
        headings=(("Type", "Used"),),
        least=Stage.PLACE,
    ),
)

#: As many lines may stand before a report's title: copyright, header, or what somebody put above it.
_LINES_BEFORE = 60


def sniff_of(kind: Kind) -> str:
    """Return the regular expression by which a kind of report is recognised, as text or as XML.

    It looks only at the first lines, so that it is quick on files of any other kind and size.

    Args:
        kind: the kind.
    """
    titles = "|".join(re.escape(title) for title in kind.titles)
    text = rf"(?:[^\n]*\n){{0,{_LINES_BEFORE}}}?[ \t]*(?:{titles})[ \t]*\r?(?:\n|\Z)"
    xml = rf"\ufeff?\s*(?:<\?xml[^>]*>\s*)?<RptDoc\b[^>]*\btitle=\"(?:{titles})\""
    return rf"\A(?:{text}|{xml})"


@cache
def _by_title() -> dict[str, Kind]:
    return {title: kind for kind in KINDS for title in kind.titles}


@cache
def _by_command() -> dict[str, Kind]:
    return {command: kind for kind in KINDS for command in kind.commands}


def kind_of(document: Document) -> Kind | None:
    """Return the kind of a report: by its title, else by its command, else by its tables; None for any other."""
    titles = [document.header.get("Title", ""), *document.preamble]
    command = document.header.get("Command", "").split(" ", 1)[0]
    return (
        next((_by_title()[title] for title in titles if title in _by_title()), None)
        or _by_command().get(command)
        or _by_headings(document)
    )


def _by_headings(document: Document) -> Kind | None:
    found = {tuple(table.columns[:2]) for section in document.sections for table in section.tables}
    return next((kind for kind in KINDS if found.intersection(kind.headings)), None)
