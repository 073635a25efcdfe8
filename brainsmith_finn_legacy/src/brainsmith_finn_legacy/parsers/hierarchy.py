"""Vivado's utilisation by hierarchy as XML, which FINN keeps beside its own summary of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.parsers import expat

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

from .reading import Field

__all__ = ["parse_hierarchy"]

#: By the columns' headings, never by their place: families and versions have different ones.
_COLUMNS = {
    "Total PPLOCs": Field("util.pploc", "count"),
    "Total LUTs": Field("util.lut", "count"),
    "Logic LUTs": Field("util.lut_logic", "count"),
    "LUTRAMs": Field("util.lutram", "count"),
    "SRLs": Field("util.srl", "count"),
    "FFs": Field("util.ff", "count"),
    "RAMB36": Field("util.ramb36", "count"),
    "RAMB18": Field("util.ramb18", "count"),
    "URAM": Field("util.uram", "count"),
    "DSP Blocks": Field("util.dsp", "count"),
    "DSP48 Blocks": Field("util.dsp", "count"),
    "DSP Slices": Field("util.dsp", "count"),
}
_TEXTS = {"Module": "instance.module", "PR Attribute": "instance.pr_attribute"}
_INSTANCE = "Instance"
#: Cells of a column that isn't about the row.
_NOTHING = ("", "-")
#: How Vivado calls the state of the design, by the way it begins.
_STATES = {
    "Routed": Stage.ROUTE,
    "Fully Routed": Stage.ROUTE,
    "Fully Placed": Stage.PLACE,
    "Placed": Stage.PLACE,
    "Physopt": Stage.PLACE,
    "Synthesized": Stage.SYNTH,
}


class _Document:
    """What is read from the XML: the attributes of its root, and its rows with their headings."""

    def __init__(self) -> None:
        self.root: dict[str, str] = {}
        self.headings: list[str] = []
        self.rows: list[list[str]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take an element: a heading, the beginning of a row, or a cell of it."""
        if tag == "tablecell":
            if not self.rows:
                raise ReportError("a cell stands outside of a row")
            self.rows[-1].append(attributes.get("contents", ""))
        elif tag == "tablerow":
            self.rows.append([])
        elif tag == "tableheader":
            self.headings.append(attributes.get("contents", "").strip())
        elif tag == "RptDoc":
            self.root = attributes


def parse_hierarchy(report: Report) -> Iterator[Metric]:
    """Yield the resources of the whole design and of each instance (`post_synth_resources.xml`)."""
    document = _read(report)
    stage = _stage(document.root.get("designstate", ""))
    for heading in document.headings:
        if heading not in _COLUMNS and heading not in _TEXTS and heading != _INSTANCE:
            report.note(f'unknown column "{heading}"')
    part = document.root.get("partname")
    if part:
        yield report.metric("prov.part", part, "string", Stage.BUILD, field="partname")
    path: list[str] = []
    for row in document.rows:
        if not row:  # the row of the headings
            continue
        if len(row) != len(document.headings):
            raise ReportError(f'the row "{row[0].strip()}" has {len(row)} cells for {len(document.headings)} columns')
        cells = dict(zip(document.headings, row, strict=True))
        yield from _row(report, cells, stage, _scope(path, cells[_INSTANCE]))


def _read(report: Report) -> _Document:
    document = _Document()
    parser = expat.ParserCreate()
    parser.StartElementHandler = document.start
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(report.data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ReportError(f"the file isn't XML: {error}") from None
    if _INSTANCE not in document.headings or len(set(document.headings)) != len(document.headings):
        raise ReportError("the file holds no single table of utilisation by hierarchy")
    return document


def _refuse_entities(*_: object) -> None:
    """Reports declare no entities; a file that does could unfold to any size."""
    raise ReportError("the file declares XML entities, which no report does")


def _stage(state: str) -> Stage:
    for beginning, stage in _STATES.items():
        if state.startswith(beginning):
            return stage
    raise ReportError(f'the state of the design is "{state}"; known: {", ".join(_STATES)}')


def _scope(path: list[str], cell: str) -> dict[str, str]:
    """Return the scope of a row; two blanks of indentation are one level, and the first level is the whole design.

    Args:
        path: the names above the last row, which this row changes.
        cell: the instance as the table shows it.
    """
    name = cell.strip()
    depth = (len(cell) - len(cell.lstrip(" "))) // 2
    if depth > len(path):
        raise ReportError(f'the instance "{name}" is indented too far')
    del path[depth:]
    path.append(name)
    return {"instance": "/".join(path[1:])} if depth else {}


def _row(report: Report, cells: Mapping[str, str], stage: Stage, scope: Mapping[str, str]) -> Iterator[Metric]:
    for heading, cell in cells.items():
        text = cell.strip()
        if text in _NOTHING:
            continue
        if heading in _COLUMNS:
            field = _COLUMNS[heading]
            yield report.figure(field.name, text, field.unit, stage, scope, field=heading)
        elif heading in _TEXTS:
            yield report.metric(_TEXTS[heading], text, "string", stage, scope, field=heading)
