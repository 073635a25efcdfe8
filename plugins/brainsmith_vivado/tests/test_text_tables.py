"""Text becomes a tree: frames, tables without frames, sections, several reports in one file."""

from __future__ import annotations

import pytest

from brainsmith_vivado.tables.boxes import is_rule, read_box
from brainsmith_vivado.tables.columns import read_columns
from brainsmith_vivado.tables.records import Table
from brainsmith_vivado.tables.text_reader import read_documents


def box(text: str) -> Table:
    return read_box(text.strip("\n").split("\n"), 0)[0]


def cells(table: Table) -> list[list[str]]:
    return [row.cells for row in table.rows]


def test_a_table_has_headings_rows_and_an_end() -> None:
    table = box("""
+------+------+
| Name | Used |
+------+------+
| a    |    1 |
|   b  |    2 |
+------+------+
""")
    assert table.columns == ["Name", "Used"]
    assert cells(table) == [["a", "1"], ["b", "2"]]
    assert [row.indent for row in table.rows] == [0, 2]
    assert [row.line for row in table.rows] == [4, 5]
    assert table.closed
    assert not table.damaged


def test_a_table_of_names_and_values_has_no_headings() -> None:
    table = box("""
+-------+-------+
| Total | 1.681 |
| Part  | 1.545 |
+-------+-------+
""")
    assert table.columns == []
    assert cells(table) == [["Total", "1.681"], ["Part", "1.545"]]


@pytest.mark.parametrize("end", ["", "+------+------+"], ids=["one rule less", "two rules"])
def test_a_table_without_rows_has_headings_however_it_is_printed(end: str) -> None:
    table = box(f"+------+------+\n| Rule | Used |\n+------+------+\n{end}")
    assert table.columns == ["Rule", "Used"]
    assert cells(table) == []
    assert table.closed


def test_headings_that_span_several_columns_are_put_before_the_lower_ones() -> None:
    table = box("""
+--------+-----------------+-------+
|        |    Num Loads    |       |
+--------+------+----------+-------+
| Index  | BELs | Sites    | Fixed |
+--------+------+----------+-------+
|      1 |    3 |        2 |    no |
+--------+------+----------+-------+
""")
    assert table.columns == ["Index", "Num Loads BELs", "Num Loads Sites", "Fixed"]
    assert cells(table) == [["1", "3", "2", "no"]]


def test_a_total_below_a_rule_of_its_own_is_a_row() -> None:
    table = box("""
+-------+------+
| Name  | Used |
+-------+------+
| a     |    1 |
+-------+------+
| Total |    1 |
+-------+------+
""")
    assert cells(table) == [["a", "1"], ["Total", "1"]]


def test_a_name_may_hold_a_bar_if_the_row_fits_the_frame() -> None:
    table = box("""
+-------+------+
| Name  | Used |
+-------+------+
| a|b   |    1 |
| a|b |    1 |
+-------+------+
""")
    assert cells(table) == [["a|b", "1"]]
    assert table.damaged == [5]


def test_rules_that_end_with_bars_and_rows_that_end_with_a_word_are_read_as_vivado_2018_prints_them() -> None:
    table = box("""
+----+-----+
| Id | Net |
+----+-----||
| 0  | n/a - Static -
+----+-----||
""")
    assert cells(table) == [["0", "n/a"]]
    assert table.closed


@pytest.mark.parametrize("row", ["| a    |", "| a    |    1", "| a    |    1 | 2 |", "|", "| a  1 |"])
def test_a_row_that_is_cut_or_has_other_cells_than_the_headings_is_damaged_and_no_row(row: str) -> None:
    table = box(f"+------+------+\n| Name | Used |\n+------+------+\n{row}\n| b    |    2 |\n+------+------+")
    assert cells(table) == [["b", "2"]]
    assert table.damaged == [4]


def test_a_table_that_the_file_s_end_cuts_off_is_not_closed() -> None:
    table = box("+------+------+\n| Name | Used |\n+------+------+\n| b    |    2 |")
    assert not table.closed
    assert cells(table) == [["b", "2"]]


def test_lines_that_only_look_like_rules_begin_no_table() -> None:
    assert not is_rule("+---Adders : ")
    assert not is_rule("+ + +")
    assert is_rule("+-+")


def columns(text: str) -> Table:
    lines = text.split("\n")
    place = next(index for index, line in enumerate(lines) if line.strip().startswith("---"))
    return read_columns(lines, place)[0]


def test_cells_of_a_table_without_frames_are_told_by_their_place() -> None:
    table = columns(
        "Clock        WNS(ns)      TNS(ns)  Endpoints  \n"
        "-----        -------      -------  ---------  \n"
        "clk            2.375        0.000          7  \n"
        "  clk_b                                    3  \n"
        "      deep    -0.021       -0.521         35  \n"
        "\n"
        "ignored\n"
    )
    assert table.columns == ["Clock", "WNS(ns)", "TNS(ns)", "Endpoints"]
    assert cells(table) == [["clk", "2.375", "0.000", "7"], ["clk_b", "", "", "3"], ["deep", "-0.021", "-0.521", "35"]]


def test_a_single_blank_is_part_of_a_cell() -> None:
    table = columns(
        "From Clock        Waveform(ns)       Period(ns)\n"
        "----------        ------------       ----------\n"
        "input port clock  {0.000 5.000}      10.000    \n"
        "\n"
    )
    assert cells(table) == [["input port clock", "{0.000 5.000}", "10.000"]]


def test_a_row_that_has_moved_is_read_if_no_cell_of_it_is_empty_and_else_damaged() -> None:
    table = columns("Clock    WNS(ns)  TNS(ns)\n-----    -------  -------\nclk  2.375  0.000\nclk           0.000\n\n")
    assert cells(table) == [["clk", "2.375", "0.000"]]
    assert table.damaged == [4]


def test_a_last_row_without_line_end_does_not_count_since_its_number_may_be_cut() -> None:
    table = columns("Clock    Count\n-----    -----\nclk        123\nclk_b      12")
    assert cells(table) == [["clk", "123"]]
    assert table.damaged == [4]
    assert not table.closed


REPORT = """\
Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.
------------------------------------------
| Tool Version : Vivado v.2022.2
| Command      : report_utilization -a: b
| Host         :
------------------------------------------

Utilization Design Information

Table of Contents
-----------------
1. Slice Logic
1.1 Summary

1. Slice Logic
--------------

+------+------+
| Name | Used |
+------+------+
| a    |    1 |
+------+------+
* Note: a remark


1.1 Summary
-----------

Violations found: 3
"""


def test_a_report_has_header_contents_sections_and_text() -> None:
    (document,) = read_documents(REPORT)
    assert document.header == {
        "Tool Version": "Vivado v.2022.2",
        "Command": "report_utilization -a: b",
        "Host": "",
    }
    assert document.contents == ["1. Slice Logic", "1.1 Summary"]
    assert [(section.number, section.title) for section in document.sections] == [
        ("", ""),
        ("1", "Slice Logic"),
        ("1.1", "Summary"),
    ]
    assert "Utilization Design Information" in document.preamble
    logic = document.section("Slice Logic")
    assert logic is not None
    assert logic.tables[0].line == 18
    assert logic.text == ["* Note: a remark"]
    summary = document.section("Summary")
    assert summary is not None
    assert summary.text == ["Violations found: 3"]
    assert document.section("Missing") is None


def test_several_reports_in_one_file_are_told_apart_and_lines_count_from_the_file_s_beginning() -> None:
    first, second = read_documents(REPORT + REPORT)
    assert len(first.sections) == len(second.sections) == 3
    logic = second.section("Slice Logic")
    assert logic is not None
    lines = (REPORT + REPORT).split("\n")
    assert lines[logic.line - 1] == "1. Slice Logic"
    assert lines[logic.tables[0].rows[0].line - 1] == "| a    |    1 |"


def test_a_timing_report_keeps_its_paths_as_text() -> None:
    text = "Timing Report\n\nSlack (MET) :   1.000ns\n  Source:  a\n"
    (document,) = read_documents(text)
    assert document.details.lstrip().startswith("Slack (MET)")
    assert document.preamble == ["Timing Report"]


def test_a_word_that_begins_a_path_means_nothing_in_other_reports() -> None:
    (document,) = read_documents("Report DRC\n\nSlack is a word\n")
    assert document.details == ""
    assert "Slack is a word" in document.preamble


def test_an_empty_text_is_a_report_without_anything() -> None:
    (document,) = read_documents("")
    assert document.header == {}
    assert [section.tables for section in document.sections] == [[]]
