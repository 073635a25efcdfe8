"""XML becomes the same tree as text, as far as it is whole."""

from __future__ import annotations

import pytest

from brainsmith_core.metrics.report import ReportError
from brainsmith_vivado.tables.xml_reader import is_xml, read_xml

HEAD = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n'
    '<RptDoc cmdline="report_utilization -format xml" designname="top" designstate="Routed" '
    'partname="xc7z020clg400-1" speedfile="-1" title="Utilization Design Information" version="1">\n'
)


def row(tag: str, *cells: str) -> str:
    inner = "".join(f'<{tag} class="" contents="{cell}" halign="1"/>' for cell in cells)
    return f'<tablerow class="" suppressoutput="0">{inner}</tablerow>\n'


def document(*rows: str, title: str = "1. Slice Logic", end: str = "</table></section></RptDoc>") -> bytes:
    table = f'<section class="" title="{title}"><table class="" style="2" title="">'
    return (HEAD + table + "".join(rows) + end).encode()


def test_header_section_headings_and_rows_are_read() -> None:
    found = read_xml(
        document(
            row("tableheader", "Site Type", "Used"),
            row("tablecell", "Slice LUTs", "12"),
            row("tablecell", "  LUT as Logic", "7"),
        )
    )
    assert found.header["Design State"] == "Routed"
    assert found.header["Device"] == "xc7z020clg400-1"
    assert found.header["Title"] == "Utilization Design Information"
    section = found.section("Slice Logic")
    assert section is not None
    assert section.number == "1"
    (table,) = section.tables
    assert table.columns == ["Site Type", "Used"]
    assert [(each.cells, each.indent) for each in table.rows] == [
        (["Slice LUTs", "12"], 0),
        (["LUT as Logic", "7"], 2),
    ]
    assert table.closed
    assert not found.broken


def test_where_the_xml_breaks_off_what_stands_before_counts_but_no_cut_row() -> None:
    whole = document(row("tableheader", "Site Type", "Used"), row("tablecell", "a", "1"), row("tablecell", "b", "2"))
    cut = whole[: whole.index(b'contents="2"')]
    found = read_xml(cut)
    (table,) = found.sections[-1].tables
    assert [each.cells for each in table.rows] == [["a", "1"]]
    assert not table.closed
    assert "damaged" in found.broken


def test_rows_with_other_cells_than_the_headings_are_damaged() -> None:
    found = read_xml(document(row("tableheader", "Site Type", "Used"), row("tablecell", "a", "1", "2")))
    (table,) = found.sections[-1].tables
    assert table.rows == []
    assert table.damaged == [0]


def test_headings_in_two_lines_are_joined() -> None:
    found = read_xml(document(row("tableheader", "", "Loads"), row("tableheader", "Net", "BELs")))
    assert found.sections[-1].tables[0].columns == ["Net", "Loads BELs"]
    found = read_xml(document(row("tableheader", "Loads"), row("tableheader", "Net", "BELs")))
    assert found.sections[-1].tables[0].columns == ["Net", "BELs"]


def test_cells_outside_of_rows_and_tables_do_no_harm() -> None:
    found = read_xml((HEAD + '<tablecell contents="1"/>' + row("tablecell", "a") + "</RptDoc>").encode())
    assert [section.tables for section in found.sections] == [[]]


def test_other_elements_give_their_text() -> None:
    found = read_xml(document('<footnote text="a remark"/>'))
    assert found.sections[-1].text == ["a remark"]


@pytest.mark.parametrize("content", [b"", b"<", b"<html></html>", b"\x00<RptDoc", b'<?xml version="1.0"?>'])
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(ReportError):
        read_xml(content)


def test_entities_are_refused_since_they_could_unfold_to_any_size() -> None:
    bomb = b'<!DOCTYPE RptDoc [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><RptDoc title="x">&b;</RptDoc>'
    with pytest.raises(ReportError, match="entities"):
        read_xml(bomb)


def test_xml_is_told_from_text() -> None:
    assert is_xml(b'\xef\xbb\xbf \n<?xml version="1.0"?>')
    assert not is_xml(b"Copyright 1986")
    assert not is_xml(b"")
