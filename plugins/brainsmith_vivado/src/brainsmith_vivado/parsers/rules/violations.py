"""`report_drc` and `report_methodology`: violations by severity and rule.

A report lists every violation, so a severity that it doesn't name has none. That holds only where the list is whole:
the number of violations found, the summary and the details have to agree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from ...figures import WHOLE, Figures
from ...tables.cells import exact_number
from ...tables.records import Document, Table

__all__ = ["is_summary", "put_rules", "read_drc", "read_methodology"]

#: What the severities are called in the metric vocabulary.
_SEVERITIES = {
    "Fatal": "errors",
    "Error": "errors",
    "Critical Warning": "critical_warnings",
    "Warning": "warnings",
    "Advisory": "advisories",
    "Information": "advisories",
    "Info": "advisories",
}
_NAMES = ("errors", "critical_warnings", "warnings", "advisories")
_DETAIL = re.compile(rf"(\S+)#[0-9]+ ({'|'.join(_SEVERITIES)})")
#: Versions after 2023.2 call violations checks.
_FOUND = re.compile(r"(?:Violations|Checks) found:\s*([0-9]{1,12})")
_HEADINGS = {"Rule", "Severity"}
_NUMBERS = ("Violations", "Checks")

#: Violations by rule and severity.
_Counts = Counter[tuple[str, str]]


def read_drc(document: Document, figures: Figures) -> None:
    """Add what a report of the design rule check holds."""
    _read(document, figures, "drc")


def read_methodology(document: Document, figures: Figures) -> None:
    """Add what a methodology report holds."""
    _read(document, figures, "methodology")


def is_summary(table: Table) -> bool:
    """Return whether a table counts violations by rule."""
    return set(table.columns) >= _HEADINGS and _number_of(table) is not None


def _number_of(table: Table) -> str | None:
    """Return the heading of the numbers of violations, or None if there isn't exactly one."""
    found = [column for column in table.columns if column in _NUMBERS]
    return found[0] if len(found) == 1 else None


def put_rules(figures: Figures, prefix: str, table: Table) -> dict[tuple[str, str], int]:
    """Add the violations of each rule that a summary names, and return them by rule and severity.

    Args:
        figures: where to add them.
        prefix: `drc` or `methodology`.
        table: the summary.
    """
    counts: dict[tuple[str, str], int] = {}
    heading = _number_of(table) or ""
    for row in table.rows:
        cells = dict(zip(table.columns, row.cells, strict=True))
        rule, severity, number = cells["Rule"], cells["Severity"], exact_number(cells[heading])
        if severity not in _SEVERITIES:
            figures.remark("unknown severity", f'"{severity}" of {rule}')
        elif number is None:
            figures.spoil(f"{prefix}.{_SEVERITIES[severity]}", cells[heading], rule, (("rule", rule),))
        else:
            counts[rule, severity] = int(number)
            figures.put(f"{prefix}.{_SEVERITIES[severity]}", int(number), rule, (("rule", rule),))
    return counts


def _read(document: Document, figures: Figures, prefix: str) -> None:
    tables = [table for section in document.sections for table in section.tables]
    summaries = [table for table in tables if is_summary(table)]
    for table in tables:
        if table not in summaries:
            figures.remark("unknown table", ", ".join(table.columns) or f"{len(table.rows)} rows without headings")
    details = _details(document)
    found = _found(document)
    counts = put_rules(figures, prefix, summaries[0]) if summaries else dict(details)
    listed, total = sum(details.values()), sum(counts.values())
    _put_totals(figures, prefix, counts)
    if found is None:
        _refute(figures, prefix, "the report doesn't say how many violations were found")
    elif found != total:
        _refute(figures, prefix, f"{found} violations were found, but {total} are counted")
    elif listed != total:
        figures.remark("incomplete", f"{found} violations were found, but {listed} are described")
    if not summaries and found == total:  # before Vivado 2016 there is no summary, and only a whole list counts
        for (rule, severity), number in details.items():
            figures.put(f"{prefix}.{_SEVERITIES[severity]}", number, rule, (("rule", rule),))


def _details(document: Document) -> _Counts:
    lines = (line for section in document.sections for line in section.text if "#" in line)
    matches = filter(None, map(_DETAIL.fullmatch, lines))
    return Counter((match[1], match[2]) for match in matches)


def _found(document: Document) -> int | None:
    """Return how many violations the report says were found."""
    lines = (line for section in document.sections for line in section.text if line.startswith(_NUMBERS))
    found = next(filter(None, map(_FOUND.fullmatch, lines)), None)
    return int(found[1]) if found else None


def _put_totals(figures: Figures, prefix: str, counts: Mapping[tuple[str, str], int]) -> None:
    totals = dict.fromkeys(_NAMES, 0)
    for (_, severity), number in counts.items():
        totals[_SEVERITIES[severity]] += number
    for name, number in totals.items():
        figures.put(f"{prefix}.{name}", number, name)
    figures.put(f"{prefix}.violations", sum(totals.values()), "Violations found")


def _refute(figures: Figures, prefix: str, why: str) -> None:
    """Take the totals back; what is said of single rules stands."""
    figures.doubt([(f"{prefix}.{name}", WHOLE) for name in (*_NAMES, "violations")], why)
