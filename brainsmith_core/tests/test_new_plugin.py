"""`plugins new` writes a package that is right at once: it installs with pip, passes its tests, works in a build."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


ROOT = Path(__file__).parents[2]
#: What is installed from the workspace, as wheels; the stub is the backend of the builds.
OURS = [path for path in (ROOT / "brainsmith_core", ROOT / "brainsmith_stub") if path.is_dir()]
Run = Callable[..., subprocess.CompletedProcess[str]]


def needed(name: str, *, extra: str = "") -> set[str]:
    """Return an installed distribution with all that it requires here, by name."""
    found, open_ = set(), [(name, extra)]
    while open_:
        current, wanted = open_.pop()
        found.add(current)
        for text in requires(current) or []:
            requirement = Requirement(text)
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": wanted})
            if applies and canonicalize_name(requirement.name) not in found:
                open_.append((canonicalize_name(requirement.name), next(iter(requirement.extras), "")))
    return found


def pack_again(name: str, folder: Path) -> None:
    """Make a wheel from an installed distribution: nothing is fetched."""
    installed = distribution(name)
    files = [file for file in installed.files or [] if ".." not in file.parts and "__pycache__" not in file.parts]
    (info,) = {file.parts[0] for file in files if file.name == "METADATA"}
    tag = re.search(r"^Tag: (.*)$", installed.read_text("WHEEL") or "", flags=re.MULTILINE)
    assert tag is not None
    with zipfile.ZipFile(folder / f"{info.removesuffix('.dist-info')}-{tag[1]}.whl", "w") as wheel:
        for file in files:
            if file.name not in {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}:
                wheel.writestr(str(file), Path(str(file.locate())).read_bytes())
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that a plugin needs: our packages as they are built, the others packed again."""
    folder = tmp_path_factory.mktemp("wheels")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "-q")
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "-w", str(folder), *map(str, OURS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    names = {*needed("brainsmith-core", extra="testing"), *needed("hatchling")}
    for name in names - {canonicalize_name(path.name) for path in OURS}:
        pack_again(name, folder)
    return folder


@pytest.fixture
def run(tmp_path: Path, wheels: Path) -> Run:
    """Run programs of a fresh environment, which has pip and nothing else."""
    venv.create(tmp_path / "environment", with_pip=True, symlinks=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH", "PIP"))}
    clean |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def call(program: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        argv = [str(tmp_path / "environment" / "bin" / program), *map(str, arguments)]
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


def use_it(run: Run, kind: str, folder: Path) -> None:
    """Use the plugin as its user would."""
    if kind == "metrics":
        (folder / "a.my_thing").write_text("my_thing area report\nLUTs: 3\nend of report\n")
        done = run("brainsmith", "metrics", "parse", "a.my_thing", "--json", cwd=folder)
        (metric,) = json.loads(done.stdout)["metrics"]
        assert (metric["name"], metric["value"], metric["source"]["plugin"]) == ("util.lut", 3, "my-thing")
        return
    if kind == "executor":
        done = run("brainsmith", "plugins", "show", "my_thing", "--json", cwd=folder)
        assert json.loads(done.stdout)["provides"]["brainsmith_executors"] == ["my_thing"]
        assert run("brainsmith", "plugins", "check", cwd=folder).returncode == 0
        return
    backend = "my_thing" if kind == "backend" else "future_brainsmith"
    done = run("brainsmith", "run", configuration(folder, kind), "--backend", backend, "--json", cwd=folder)
    result = json.loads(done.stdout)
    assert result["status"] == "success", done.stderr
    role = "backend my_thing" if kind == "backend" else f"{kind} step my_thing"
    assert {"my-thing": role}.items() <= {use["distribution"]: use["role"] for use in result["plugins"]}.items()


def checked(folder: Path, *arguments: str) -> None:
    """Run one of the checkers of this environment over a package."""
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_installs_passes_its_tests_and_works(tmp_path: Path, run: Run, kind: str) -> None:
    if kind in ("preprocessing", "postprocessing"):
        pytest.importorskip("brainsmith_stub", reason="a build needs a backend")
    package = tmp_path / "my-thing"
    create_package("my-thing", kind, package)
    installed = run("pip", "install", f"{package}[test]", "brainsmith-stub", cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr
    tested = run("pytest", "-q", "-p", "no:cacheprovider", cwd=package)
    assert tested.returncode == 0, tested.stdout
    assert "skipped" not in tested.stdout
    python = str(tmp_path / "environment" / "bin" / "python")
    checked(package, "mypy", "--strict", "--cache-dir", os.devnull, "--python-executable", python, "src", "tests")
    checked(package, "ruff", "check", "--no-cache", "--extend-select", "I,UP,B,SIM,RUF100,D1", "--ignore", "D107", ".")
    checked(package, "ruff", "format", "--check", "--no-cache", ".")
    (tmp_path / "project").mkdir()
    use_it(run, kind, tmp_path / "project")
    assert run("pip", "uninstall", "-y", "my-thing", cwd=tmp_path).returncode == 0
    assert "my_thing" not in run("brainsmith", "plugins", "list", cwd=tmp_path).stdout
