"""From a file to figures: cut it into reports, tell their kind and stage, read them, and say what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

from .commands import scope_of_command
from .figures import Figures
from .kinds import Kind, kind_of
from .stages import stage_of_name, stage_of_nets, stage_of_state
from .tables.records import Document
from .tables.text_reader import read_documents
from .tables.xml_reader import is_xml, read_xml

__all__ = ["parse", "read_reports"]

_VERSION = re.compile(r"\bv?\.?([0-9]{4}\.[0-9](?:\.[0-9])?)")
#: What the header says of where the figures come from; the metrics are those of the whole build.
_ORIGIN = {
    "Device": "prov.part",
    "Design": "prov.design",
    "Design State": "prov.design_state",
    "Speed File": "prov.speed_file",
    "Temperature Grade": "prov.temperature_grade",
    "Host": "prov.host",
    "Date": "prov.date",
}


def parse(report: Report) -> Iterator[Metric]:
    """Yield the figures of a file that holds one or several reports of Vivado or Vitis, as text or as XML.

    Args:
        report: the file.

    Raises:
        ReportError: if it holds no figure.
    """
    documents = [read_xml(report.data)] if is_xml(report.data) else read_documents(report.text)
    yield from read_reports(report, documents)


def read_reports(report: Report, documents: Sequence[Document], stage: Stage | None = None) -> list[Metric]:
    """Return the figures of reports.

    Args:
        report: the file that holds them.
        documents: the reports.
        stage: where in the flow they were written, if they don't say so themselves.

    Raises:
        ReportError: if they hold no figure.
    """
    found: list[Metric] = []
    figures_found = False
    for document in documents:
        kind = kind_of(document)
        if kind is None:
            report.note(f"line {document.line}: a report of an unknown kind")
            continue
        figures = Figures(report, _stage(report, document, kind, stage), scope_of_command(document.header))
        kind.read(document, figures)
        _note_damage(document, figures)
        metrics = list(figures.finish())
        if metrics:
            figures_found = True
            found += _origin(report, document)
            found += metrics
    if not figures_found:
        raise ReportError(_why_empty(documents))
    if len(documents) > 1:
        _note_differences(report, found, len(documents))
    return found


def _why_empty(documents: Iterable[Document]) -> str:
    broken = next((document.broken for document in documents if document.broken), "")
    return broken or "the file holds no figure: it is cut off, or its tables are damaged"


def _stage(report: Report, document: Document, kind: Kind, given: Stage | None) -> Stage:
    """Return where in the flow a report was written; where nothing tells, the least that it can be."""
    if kind.name == "vivado_power":
        return Stage.POWER
    state = document.header.get("Design State", "")
    stage = (
        stage_of_state(state) or stage_of_nets(document.details) or given or stage_of_name(document.header, report.name)
    )
    if state and stage_of_state(state) is None:
        report.note(f'unknown design state "{state}"')
    if stage is None:
        report.note(f'the report doesn\'t say at which stage it was written; taken as "{kind.least.value}"')
    return stage or kind.least


def _origin(report: Report, document: Document) -> Iterator[Metric]:
    """Yield what the header says of tool, part and design."""
    for field, name in _ORIGIN.items():
        text = document.header.get(field, "")
        if text:
            yield report.metric(name, text, "string", Stage.BUILD, field=field)
    tool = document.header.get("Tool Version", "")
    version = _VERSION.search(tool)
    if version:
        scope = {"tool": tool.split(" ", 1)[0].lower()}
        yield report.metric("prov.tool_version", version[1], "string", Stage.BUILD, scope, field="Tool Version")


def _note_damage(document: Document, figures: Figures) -> None:
    """Note rows that can't be read, tables without an end, and sections that are announced but missing."""
    if document.broken:
        figures.remark("broken off", document.broken)
    for section in document.sections:
        for table in section.tables:
            for line in table.damaged:
                figures.remark("damaged rows", f'line {line} in "{section.title}"' if line else f'in "{section.title}"')
            if not table.closed:
                figures.remark("broken off", f'the table at line {table.line} in "{section.title}"')
        for text in section.text:
            if text[0] == "|":
                figures.remark("rows outside of a table", f'"{text[:60]}"')
    known = {f"{section.number} {section.title}" for section in document.sections}
    for entry in document.contents:
        number, _, title = entry.partition(" ")
        if f"{number.rstrip('.')} {title.strip()}" not in known:
            figures.remark("missing sections", f'"{entry}"')


def _note_differences(report: Report, metrics: Iterable[Metric], count: int) -> None:
    """Note that several reports of one file disagree, which is right if the design changed in between."""
    seen: dict[tuple[object, ...], object] = {}
    names: dict[str, None] = {}
    for metric in metrics:
        key = (metric.name, metric.stage, *metric.scope.items())
        if metric.is_present and metric.stage is not Stage.BUILD and seen.setdefault(key, metric.value) != metric.value:
            names[metric.name] = None
    if names:
        shown = ", ".join(list(names)[:8]) + (" and more" if len(names) > 8 else "")
        report.note(f"{count} reports in one file, the later ones with other figures at the same stage: {shown}")
