"""Real logs: how each run went, what kind of failure it is, and where the first genuine error stands.

`corpus_logs.tsv` holds what a reader of each log finds. Four logs differ from what the name of their folder says: in
three of them an earlier run failed and the last one went well, and one (`log_hls_ok/002`) holds a run that failed
without a line that begins with `ERROR`.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from brainsmith_core.diagnosis.handler import BuildErrorHandler
from brainsmith_core.plugins import builtin
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_vivado import plugin as vivado

TABLE = Path(__file__).with_name("corpus_logs.tsv")
ROWS = list(csv.DictReader(TABLE.read_text().splitlines(), delimiter="\t"))


@pytest.fixture(scope="module")
def handler() -> BuildErrorHandler:
    plugins = PluginManager()
    for module, name in ((builtin, "core"), (vivado, "vivado")):
        if name not in [each.name for each in plugins.plugins]:
            plugins.register(module, name, "brainsmith-vivado", "0.1.0")
    return BuildErrorHandler(plugins)


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_every_log_is_diagnosed_as_a_reader_would(
    handler: BuildErrorHandler, corpus: Path, row: dict[str, str]
) -> None:
    (found,) = handler.diagnose([corpus / row["file"]])
    first = found.first_error
    assert {
        "file": row["file"],
        "outcome": found.outcome,
        "category": found.category or "-",
        "line": str(first.line) if first else "-",
        "id": (first.id or "-") if first else "-",
    } == row
    assert found.advice or found.outcome == "ok"


def test_the_table_names_every_log(corpus: Path) -> None:
    folders = [each for each in corpus.iterdir() if each.name.startswith("log_") or each.name == "finn_build_dataflow"]
    files = {f"{folder.name}/{path.name}" for folder in folders for path in folder.iterdir()}
    assert files == {row["file"] for row in ROWS}


def test_every_failing_log_has_a_category(handler: BuildErrorHandler) -> None:
    for row in ROWS:
        assert (row["outcome"] == "failed") <= (row["category"] in handler.ERROR_CATEGORIES)
        assert row["category"] != "unknown"


@pytest.mark.parametrize("row", [row for row in ROWS if row["line"] != "-"], ids=lambda row: row["file"])
def test_the_first_error_is_a_line_of_the_log(corpus: Path, row: dict[str, str]) -> None:
    lines = (corpus / row["file"]).read_bytes().decode("utf-8", "replace").split("\n")
    line = lines[int(row["line"]) - 1]
    assert "error" in line.lower()
    assert row["id"] == "-" or f"[{row['id']}]" in line
