"""Listing and help import nothing heavy; how long they take is measured in `benchmarks/bench_startup.py`."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("onnx", "numpy", "torch", "sqlalchemy", "cattrs", "rich", "yaml", "importlib.metadata", "packaging")

CODE = """
import sys
from brainsmith_core.cli.main import run
try:
    run(sys.argv[2:])
finally:
    print([name for name in sys.argv[1].split(",") if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["plugins", "list"], ["plugins", "list", "--json"], ["run", "--help"]]
)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    argv = [sys.executable, "-c", CODE, ",".join(HEAVY), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
    assert done.stdout
