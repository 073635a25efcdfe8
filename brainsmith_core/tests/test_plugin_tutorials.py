"""The tutorials for plugin authors, followed as they are written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brainsmith_core.scaffold import create_package

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorial"
BRAINSMITH = ("-c", "from brainsmith_core.cli.main import run; run()")


def follow(document: str, folder: Path) -> Path:
    """Make the package that a tutorial makes, file by file, and return its folder."""
    text = (TUTORIALS / document).read_text("utf-8")
    ((name, kind),) = re.findall(r"^brainsmith plugins new (\S+) --kind (\S+)$", text, flags=re.MULTILINE)
    package = folder / str(name)
    create_package(name, kind, package)
    replaced = re.findall(r"^Replace `([^`]+)` by:\n\n```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert len(replaced) == 3
    assert text.count("```python") == 3
    for path, code in replaced:
        assert (package / path).is_file(), f"there is no {path} to replace"
        (package / path).write_text(code, "utf-8")
    return package


def python(package: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python as if the package were installed: its metadata is beside its modules."""
    info = package / "src" / f"{package.name.replace('-', '_')}-0.1.0.dist-info"
    if not info.exists():
        module = package.name.replace("-", "_")
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package.name}\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text(f"[brainsmith.plugins]\n{module} = {module}.plugin\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PYTHONPATH"] = str(package / "src")
    argv = [sys.executable, *arguments]
    return subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("document", ["first-collector.md", "first-backend.md"])
def test_the_package_of_a_tutorial_is_right(tmp_path: Path, document: str) -> None:
    package = follow(document, tmp_path)
    tested = python(package, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=package)
    assert tested.returncode == 0, tested.stdout
    typed = python(package, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "src", "tests", cwd=package)
    assert typed.returncode == 0, typed.stdout
    linted = python(package, "-m", "ruff", "check", "--no-cache", ".", cwd=package)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.slow
def test_the_collector_reads_the_report_that_the_tutorial_shows(tmp_path: Path) -> None:
    package = follow("first-collector.md", tmp_path)
    text = (TUTORIALS / "first-collector.md").read_text("utf-8")
    (report,) = re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "design.json").write_text(report)
    done = python(package, *BRAINSMITH, "metrics", "parse", "design.json", "--json", cwd=tmp_path)
    metrics = json.loads(done.stdout)["metrics"]
    found = {(each["name"], *each["scope"].values()): each["value"] for each in metrics}
    assert found["nextpnr.cells", "DP16KD"] == 24
    assert found["timing.fmax_mhz", "$glbnet$clk_sys"] == 44.71
    assert {each["source"]["plugin"] for each in metrics} == {"nextpnr-reports"}
    for arguments in (("plugins", "show", "nextpnr_reports"), ("plugins", "check")):
        assert python(package, *BRAINSMITH, *arguments, cwd=tmp_path).returncode == 0


@pytest.mark.slow
def test_the_backend_of_the_tutorial_builds(tmp_path: Path) -> None:
    package = follow("first-backend.md", tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"\x08\x0a\x12\x07pytorch:\x00\x00")
    (tmp_path / "build.yaml").write_text("model_path: model.onnx\noutput_dir: out\n")
    done = python(package, *BRAINSMITH, "run", "build.yaml", "--backend", "gzip", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["status"] == "success", done.stderr
    assert (tmp_path / "out" / "artifacts" / "model.onnx.gz").is_file()
