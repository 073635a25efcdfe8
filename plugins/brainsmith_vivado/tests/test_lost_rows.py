"""Rows of hierarchies that are gone or damaged: what stood below them isn't given to another instance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

#: The fixtures of `conftest.py`, which can't be imported by name.
Draw = Any
Parsed = Any
Parse = Callable[..., Parsed]

#: An instance, how far it is indented, and its power.
TREE = [
    ("top", 0, "1.000"),
    ("a", 2, "0.300"),
    ("m", 4, "0.200"),
    ("b", 2, "0.600"),
    ("k", 4, "0.250"),
    ("z", 4, "0.350"),
]


def power(draw: Draw, rows: Sequence[tuple[str, int, str]]) -> str:
    table = draw.box(["Name", "Power (W)"], [[" " * indent + name, watts] for name, indent, watts in rows])
    text: str = draw.report("Power Report", "report_power -file p.rpt", [draw.section("3.1 By Hierarchy", table)])
    return text


def instances(parsed: Parsed) -> dict[str, object]:
    found = parsed.values("power.instance_w")
    return {scope[0][1] if scope else "": value for (_, scope), value in found.items()}


def test_a_whole_hierarchy_is_read(draw: Draw, parse: Parse) -> None:
    assert instances(parse(power(draw, TREE))) == {
        "": 1.0,
        "a": 0.3,
        "a/m": 0.2,
        "b": 0.6,
        "b/k": 0.25,
        "b/z": 0.35,
    }


def test_rows_out_of_order_belong_to_one_that_is_missing(draw: Draw, parse: Parse) -> None:
    """Without `b`, `k` would be a part of `a`; but the parts of `a` stand in the order of their names."""
    parsed = parse(power(draw, [row for row in TREE if row[0] != "b"]))
    assert instances(parsed) == {"": 1.0, "a": 0.3, "a/m": 0.2}
    assert 'rows without the row above them: "k"; "z"' in parsed.message


def test_parts_that_take_more_than_the_whole_belong_to_another(draw: Draw, parse: Parse) -> None:
    """Without `b`, `n` and `z` stand in order below `a`, but take more than it."""
    rows = [("n" if name == "k" else name, indent, watts) for name, indent, watts in TREE if name != "b"]
    parsed = parse(power(draw, rows))
    assert instances(parsed) == {"": 1.0, "a": 0.3}
    assert parsed.status("power.instance_w", instance="a/n") == "unparsable"
    assert "below a there are 0.8 W, not 0.3 W" in parsed.message


def test_rounding_is_no_contradiction(draw: Draw, parse: Parse) -> None:
    rows = [("top", 0, "0.003"), ("a", 2, "0.001"), ("b", 2, "0.001"), ("c", 2, "0.002")]
    assert len(instances(parse(power(draw, rows)))) == 4


def test_the_same_name_twice_is_that_of_another_instance(draw: Draw, parse: Parse) -> None:
    rows = [("top", 0, "1.000"), ("a", 2, "0.500"), ("m", 4, "0.100"), ("m", 4, "0.200"), ("n", 4, "0.100")]
    parsed = parse(power(draw, rows))
    assert instances(parsed) == {"": 1.0, "a": 0.5, "a/m": 0.1}


def test_a_table_in_no_order_at_all_is_read_as_it_stands(draw: Draw, parse: Parse) -> None:
    names = [f"i{number}" for number in range(20, 9, -1)]
    rows = [("top", 0, "1.000"), ("a", 2, "0.900"), *((name, 4, "0.010") for name in names)]
    found = instances(parse(power(draw, rows)))
    assert found.keys() >= {f"a/{name}" for name in names}


def test_what_stands_below_a_damaged_row_is_lost_with_it(draw: Draw, parse: Parse) -> None:
    text = power(draw, TREE)
    row = next(line for line in text.split("\n") if line.startswith("|   b "))
    parsed = parse(text.replace(row, row.replace("0.600", "|0.600")))
    assert instances(parsed) == {"": 1.0, "a": 0.3, "a/m": 0.2}
    assert "damaged rows" in parsed.message


def test_an_instance_whose_power_cannot_be_read_keeps_its_parts(draw: Draw, parse: Parse) -> None:
    found = instances(parse(power(draw, [(name, at, "0x6" if name == "b" else watts) for name, at, watts in TREE])))
    assert found == {"": 1.0, "a": 0.3, "a/m": 0.2, "b/k": 0.25, "b/z": 0.35}


COLUMNS = ["Instance", "Module", "Total LUTs", "Logic LUTs", "LUTRAMs", "SRLs", "FFs"]


def cell(text: str, tag: str = "tablecell") -> str:
    return f'<{tag} contents="{text}"/>'


def xml(rows: Sequence[tuple[str, int, int]]) -> list[str]:
    lines = ['<RptDoc title="Utilization Design Information"><section title="1. Utilization by Hierarchy"><table>']
    lines += ["<tablerow>", *(cell(name, "tableheader") for name in COLUMNS), "</tablerow>"]
    for name, indent, ffs in rows:
        cells = [" " * indent + name, name.upper(), "0", "0", "0", "0", str(ffs)]
        lines += ["<tablerow>", *map(cell, cells), "</tablerow>"]
    return [*lines, "</table></section></RptDoc>"]


ROWS = [("top", 0, 9), ("a", 2, 5), ("m", 4, 1), ("b", 2, 4), ("x", 4, 2), ("z", 4, 1)]


def registers(parsed: Parsed) -> dict[str, object]:
    return {scope[0][1] if scope else "": value for (_, scope), value in parsed.values("util.ff").items()}


def test_a_hierarchy_in_xml_is_read(parse: Parse) -> None:
    found = registers(parse("\n".join(xml(ROWS)), "h.xml"))
    assert found == {"": 9, "a": 5, "a/m": 1, "b": 4, "b/x": 2, "b/z": 1}


@pytest.mark.parametrize("place", range(1, len(xml(ROWS))))
def test_a_doubled_line_of_xml_gives_no_wrong_figure(parse: Parse, place: int) -> None:
    """A doubled cell, or beginning of a row, spoils that row; those below it aren't parts of the row above it."""
    whole = registers(parse("\n".join(xml(ROWS)), "h.xml"))
    lines = xml(ROWS)
    lines.insert(place, lines[place])
    found = registers(parse("\n".join(lines), "h.xml"))
    assert found.items() <= whole.items()
