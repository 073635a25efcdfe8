"""Tables of sites: how many are used, fixed, prohibited, available."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...figures import WHOLE, Figures, Scope
from ...tables.cells import exact_number, is_absent, is_bound, leading_number
from ...tables.records import Row, Section, Table
from .resources import is_known_site, needs_path, resource_of, summed_as, totals

__all__ = ["check_totals", "named", "percentage_fits", "put_fraction", "read_sites", "walk"]

_NAME, _USED, _AVAILABLE, _SHARE = "Site Type", "Used", "Available", "Util%"
_FIXED, _PROHIBITED = "Fixed", "Prohibited"
#: With `-pblocks`: to whom what is used in the block belongs.
_PARENT = "Parent"
_OWNERS = {_PARENT: "parent", "Child": "child", "Non-Assigned": "none"}
_KNOWN = {_NAME, _USED, _FIXED, _PROHIBITED, _AVAILABLE, _SHARE, *_OWNERS}
#: Percentages have two decimals; old versions cut the others off instead of rounding.
_TOLERANCE = 0.0101
_TILES, _REGISTERS, _SITE = "util.bram_36k", "util.ff", "util.site"
_DEEPEST = 20
#: Stands below the registers where they are counted, not where it says how they are distributed.
_FLIP_FLOPS = "Register as Flip Flop"


def walk(rows: Sequence[Row], figures: Figures, step: int = 2) -> Iterator[tuple[Row, list[str]]]:
    """Yield rows with the names above them and their own, as their indentation shows it.

    A row that is part of one that isn't there is left out. Real tables have four levels; a damaged one could have
    any number, and paths as long as the file.

    Args:
        rows: the rows of a table.
        figures: where rows that lost the one above them are noted.
        step: blanks by which a row is indented more than the one that it is part of.
    """
    path: list[str] = []
    indents: list[int] = []
    for row in rows:
        while indents and indents[-1] >= (row.indent if row.lost is None else min(row.indent, row.lost)):
            indents.pop()
            path.pop()
        if row.indent != (indents[-1] + step if indents else 0) or len(indents) == _DEEPEST:
            figures.remark("rows without the row above them", f'"{row.cells[0]}"')
            continue
        indents.append(row.indent)
        path.append(row.cells[0].rstrip("* "))
        yield row, path


def named(path: Sequence[str], section: Section, figures: Figures) -> tuple[str, Scope]:
    """Return the metric that a row counts and what it is about; a row without a name is a `util.site`.

    Its scope is its name, with the names above it where the same name stands in several places.

    Args:
        path: the names above the row and its own.
        section: where it stands.
        figures: where an unknown row is noted.
    """
    row, parent = path[-1], path[-2] if len(path) > 1 else ""
    resource = resource_of(row, parent)
    if resource is not None:
        return f"util.{resource}", WHOLE
    if not is_known_site(row):
        figures.remark("unknown row, kept as util.site", f'"{row}" in "{section.title}"')
    return _SITE, (("site", " > ".join(path) if needs_path(row) else row),)


def read_sites(section: Section, table: Table, figures: Figures) -> None:
    """Add what a table of sites holds."""
    for column in table.columns:
        if column not in _KNOWN:
            figures.remark("unknown column", f'"{column}" in "{section.title}"')
    distribution = all(row.cells[0] != _FLIP_FLOPS for row in table.rows)
    summed: dict[str, list[tuple[str, Scope]]] = {}
    for row, path in walk(table.rows, figures):
        cells = dict(zip(table.columns, row.cells, strict=True))
        name, scope = named(path, section, figures)
        if distribution and name == _REGISTERS:
            cells.pop("Fixed", None)  # always 0 there, whatever it is
        _put_row(figures, name, scope, cells)
        if name == _SITE:
            for resource in summed_as(path[-1]):
                summed.setdefault(resource, []).append((path[-1], scope))
    for resource, parts in summed.items():
        _put_sum(figures, f"util.{resource}", parts)


def _put_row(figures: Figures, name: str, scope: Scope, cells: Mapping[str, str]) -> None:
    field = cells[_NAME]
    used, available, prohibited = cells.get(_USED, ""), cells.get(_AVAILABLE, ""), cells.get(_PROHIBITED, "")
    figures.put_cell(name, used, field, scope, remark=True)
    # A resource can stand in two tables, of which only the first one counts what is fixed.
    fixed = cells.get(_FIXED)
    if fixed and not figures.has(f"{name}.fixed", scope):
        figures.put_cell(f"{name}.fixed", fixed, field, scope)
    if prohibited:
        figures.put_cell(f"{name}.prohibited", prohibited, field, scope)
    if _PARENT in cells:
        for column, owner in _OWNERS.items():
            if cells.get(column):
                figures.put_cell(name, cells[column], field, (*scope, ("assigned", owner)))
    if available:
        figures.put_cell(f"{name}.available", available, field, scope)
        put_fraction(figures, name, scope, (used, available, cells.get(_SHARE, ""), prohibited), field)
    elif cells.get(_SHARE):
        put_fraction(figures, name, scope, (used, "", cells[_SHARE], ""), field)


def put_fraction(figures: Figures, name: str, scope: Scope, texts: tuple[str, str, str, str], field: str) -> None:
    """Add which fraction is used: calculated where used and available are known, else the percentage as printed.

    Where the percentage contradicts them, one of the three is wrong, and none counts.

    Args:
        figures: where to add it.
        name: the resource's metric.
        scope: what it is about.
        texts: the cells of used, available, percentage and prohibited.
        field: the report's own name.
    """
    used, available, share = leading_number(texts[0]), exact_number(texts[1]), texts[2].rstrip("% ")
    fraction = f"{name}.fraction"
    if used is not None and available:
        if percentage_fits(used, available, share, exact_number(texts[3])):
            figures.put(fraction, used / available, field, scope, formula="used / available")
            return
        keys = [(name, scope), (f"{name}.available", scope)]
        figures.doubt(keys, f"{field}: {texts[0]} of {texts[1]} isn't {texts[2]} %")
        figures.spoil(fraction, texts[2], field, scope)
    elif is_absent(share):
        return
    elif available == 0 and used:
        # Such as `DPLL (BUFGCE)`: used in place of something else, so there is no total and 0 % is no figure.
        figures.miss(fraction, field, scope)
    else:
        _put_percentage(figures, fraction, share, field, scope)


def _put_percentage(figures: Figures, name: str, share: str, field: str, scope: Scope) -> None:
    value = exact_number(share)
    if value is None:
        figures.spoil(name, share, field, scope)
    else:
        figures.put(name, value / 100, field, scope)


def percentage_fits(used: float, available: float, share: str, prohibited: float | None = None) -> bool:
    """Return whether a percentage is that of used and available; one that isn't there fits.

    Example:
        >>> percentage_fits(127252, 522720, "24.34"), percentage_fits(1, 522720, "<0.01")
        (True, True)
        >>> percentage_fits(7, 50, "4.14")
        False
    """
    value = exact_number(share)
    if value is not None and abs(100 * used / available - value) <= _TOLERANCE:
        return True
    # Sites that mustn't be used may count as missing.
    whole = [available, *([available - prohibited] if prohibited and prohibited < available else [])]
    if value is not None:
        return any(abs(100 * used / total - value) <= _TOLERANCE for total in whole)
    if is_bound(share):
        bound = exact_number(share[1:].strip()) or 0
        return any(0 < 100 * used / total < bound + _TOLERANCE for total in whole)
    # Only a percentage above 100 tells a design that doesn't fit from a wrong cell.
    return is_absent(share) and used <= available


def _put_sum(figures: Figures, name: str, parts: Sequence[tuple[str, Scope]]) -> None:
    """Add a resource that is counted in several rows; where one of them can't be read, the sum is missing."""
    field = " + ".join(row for row, _ in parts)
    formula = field if len(parts) > 1 else None
    for ending in ("", ".available"):
        numbers = [figures.get(f"{_SITE}{ending}", scope) for _, scope in parts]
        known = [number for number in numbers if number is not None]
        if len(known) == len(numbers):
            figures.put(f"{name}{ending}", sum(known), field, formula=formula)
    used, available = figures.get(name), figures.get(f"{name}.available")
    if used is not None and available:
        figures.put(f"{name}.fraction", used / available, field, formula="used / available")


def check_totals(figures: Figures, scope: Scope = WHOLE) -> None:
    """Compare totals with the sums of their parts; where they differ, none of them counts.

    Args:
        figures: what was read.
        scope: what it is about.
    """
    for each in totals():
        total = figures.get(f"util.{each.total}", scope)
        parts = [figures.get(f"util.{part}", scope) for part in each.parts]
        more = [figures.get(f"util.{part}", scope) or 0 for part in each.optional]
        numbers = [part for part in parts if part is not None]
        if total is None or len(numbers) < len(parts) or total == sum(numbers) + sum(more):
            continue
        names = (each.total, *each.parts)
        _refute(figures, names, scope, f"{each.total} isn't {' + '.join(each.parts)}")
    _check_tiles(figures, scope)


def _check_tiles(figures: Figures, scope: Scope) -> None:
    """Compare block RAM tiles with the blocks in them, and add the count in units of 18 Kb."""
    tiles = figures.get(_TILES, scope)
    wide, narrow = figures.get("util.ramb36", scope), figures.get("util.ramb18", scope)
    if wide is None or narrow is None:
        return
    if tiles is not None and tiles != wide + narrow / 2:
        why = f"{tiles} block RAM tiles aren't {wide} of 36 Kb and {narrow} of 18 Kb"
        _refute(figures, ("bram_36k", "ramb36", "ramb18"), scope, why)
        return
    formula = "2 x ramb36 + ramb18"
    figures.put("util.bram_18k", 2 * wide + narrow, "RAMB36, RAMB18", scope, formula=formula)
    if tiles is None:
        figures.put(_TILES, wide + narrow / 2, "RAMB36, RAMB18", scope, formula="ramb36 + ramb18 / 2")


def _refute(figures: Figures, resources: Sequence[str], scope: Scope, why: str) -> None:
    """Take resources back, with what was calculated from them."""
    figures.doubt([(f"util.{each}{ending}", scope) for each in resources for ending in ("", ".fraction")], why)
