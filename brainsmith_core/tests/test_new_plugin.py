"""`plugins new` writes a package that is right at once: it installs with pip, passes its tests, works in a build."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from brainsmith_core.cli.plugins_command import command
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.scaffold import KINDS, create_package

MODEL_BYTES = b"\x08\x0a\x12\x07pytorch:\x00\x00"


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_is_filled_in(tmp_path: Path, kind: str) -> None:
    files = create_package("my-thing", kind, tmp_path / "new")
    names = {str(path.relative_to(tmp_path / "new")) for path in files}
    assert {"pyproject.toml", "README.md", "src/my_thing/plugin.py", "src/my_thing/py.typed"} <= names
    assert f"src/my_thing/{KINDS[kind]}.py" in names
    for path in files:
        text = path.read_text()
        assert "$" not in text
        assert all(len(line) <= 120 for line in text.splitlines())
        if path.suffix == ".py":
            compile(text, str(path), "exec")
    assert 'my_thing = "my_thing.plugin"' in (tmp_path / "new" / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    "name", ["", "1st", "Upper", "with space", "class", "json", "brainsmith-core", "test_x", "attrs"]
)
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError):
        create_package(name, "metrics", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_unknown_kind_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="metric") as caught:
        create_package("mine", "metric", tmp_path / "new")
    assert caught.value.hint == 'did you mean "metrics"?'


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(ConfigurationError, match="there already"):
        create_package("mine", "metrics", tmp_path / "mine")
    with pytest.raises(ConfigurationError, match="can't be written"):
        create_package("mine", "metrics", tmp_path / "mine" / "inside")


def test_the_command_says_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command, ["new", "my-thing", "--kind", "backend"], standalone_mode=False)
    assert "cd my-thing && pip install -e" in done.output
    assert (tmp_path / "my-thing" / "src" / "my_thing" / "backend.py").is_file()


def fresh_environment(folder: Path) -> Path:
    """Make an environment that has what this one has, and return its Python: nothing is fetched."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    here = sysconfig.get_path("purelib")
    (site / "all_of_ours.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    return folder / "bin" / "python"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    python = fresh_environment(tmp_path / "environment")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH"))}

    def call(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        argv = [str(python), *map(str, arguments)]
        return subprocess.run(argv, cwd=cwd, env=clean, capture_output=True, text=True, check=False)

    return call


def configuration(folder: Path, kind: str) -> Path:
    (folder / "model.onnx").write_bytes(MODEL_BYTES)
    data: dict[str, object] = {"model_path": "model.onnx", "output_dir": "out"}
    if kind in ("preprocessing", "postprocessing"):
        data[kind] = [{"name": "my_thing", "type": kind}]
    path = folder / "point.json"
    path.write_text(json.dumps(data))
    return path


def use_it(run: Callable[..., subprocess.CompletedProcess[str]], kind: str, folder: Path) -> None:
    """Use the plugin as its user would."""
    brainsmith = ("-c", "from brainsmith_core.cli.main import run; run()")
    if kind == "metrics":
        (folder / "a.my_thing").write_text("my_thing area report\nLUTs: 3\nend of report\n")
        done = run(*brainsmith, "metrics", "parse", "a.my_thing", "--json", cwd=folder)
        (metric,) = json.loads(done.stdout)["metrics"]
        assert (metric["name"], metric["value"], metric["source"]["plugin"]) == ("util.lut", 3, "my-thing")
        return
    if kind == "executor":
        done = run(*brainsmith, "plugins", "show", "my_thing", "--json", cwd=folder)
        assert json.loads(done.stdout)["provides"]["brainsmith_executors"] == ["my_thing"]
        return
    backend = "my_thing" if kind == "backend" else "future_brainsmith"
    done = run(*brainsmith, "run", configuration(folder, kind), "--backend", backend, "--json", cwd=folder)
    result = json.loads(done.stdout)
    assert result["status"] == "success", done.stderr
    role = "backend my_thing" if kind == "backend" else f"{kind} step my_thing"
    assert {"my-thing": role}.items() <= {use["distribution"]: use["role"] for use in result["plugins"]}.items()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_installs_passes_its_tests_and_works(
    tmp_path: Path, run: Callable[..., subprocess.CompletedProcess[str]], kind: str
) -> None:
    if kind in ("preprocessing", "postprocessing"):
        pytest.importorskip("brainsmith_stub", reason="a build needs a backend")
    package = tmp_path / "my-thing"
    create_package("my-thing", kind, package)
    offline = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    installed = run("-m", "pip", "install", *offline, package, cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr
    tested = run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=package)
    assert tested.returncode == 0, tested.stdout
    assert "skipped" not in tested.stdout
    typed = run("-m", "mypy", "--strict", "--cache-dir", os.devnull, "src", "tests", cwd=package)
    assert typed.returncode == 0, typed.stdout
    linted = run(
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--extend-select",
        "I,UP,B,SIM,RUF100,D1",
        "--ignore",
        "D107",
        ".",
        cwd=package,
    )
    assert linted.returncode == 0, linted.stdout
    assert run("-m", "ruff", "format", "--check", "--no-cache", ".", cwd=package).returncode == 0
    (tmp_path / "project").mkdir()
    use_it(run, kind, tmp_path / "project")
