from __future__ import annotations

import sys
from pathlib import Path

import pytest

from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_finn_legacy.environments import interpreters
from brainsmith_finn_legacy.environments.interpreters import Interpreter, find_interpreter, look_at
from brainsmith_finn_legacy.environments.profiles import Profile, PythonVersion

PYTHON = Path(sys.executable)
RUNNING = sys.version_info[:2]


def profile(*pythons: PythonVersion) -> Profile:
    return Profile(version="0.0.1", profile="small", requirements=(), pythons=pythons, megabytes=1)


def pretend(folder: Path, version: str, implementation: str = "CPython") -> Path:
    """A program that answers like a Python of some version."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"python{version}"
    major, minor = version.split(".")
    program.write_text(f'#!/bin/sh\necho \'["{program}", [{major}, {minor}], "{implementation}"]\'\n')
    program.chmod(0o755)
    return program


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Python but the running one is found."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + ":/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))


def test_the_running_python_is_taken_if_it_suits() -> None:
    assert find_interpreter(profile((2, 7), RUNNING)) == Interpreter(PYTHON, RUNNING)


def test_else_those_on_the_path_are_looked_at_in_the_order_of_the_profile(tmp_path: Path) -> None:
    pretend(tmp_path / "bin", "9.1")
    best = pretend(tmp_path / "bin", "9.2")
    assert find_interpreter(profile((9, 2), (9, 1))) == Interpreter(best, (9, 2))


@pytest.mark.parametrize("place", ["pyenv/versions/9.1.7/bin", "uv/cpython-9.1.7-linux-x86_64-gnu/bin"])
def test_and_those_of_pyenv_and_uv(tmp_path: Path, place: str) -> None:
    found = pretend(tmp_path / place, "9.1")
    assert find_interpreter(profile((9, 1))) == Interpreter(found, (9, 1))


def test_a_shim_without_a_version_behind_it_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    shim = tmp_path / "bin" / "python9.1"
    shim.write_text("#!/bin/sh\necho 'pyenv: python9.1: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    found = pretend(tmp_path / "pyenv" / "versions" / "9.1.7" / "bin", "9.1")
    assert find_interpreter(profile((9, 1))) == Interpreter(found, (9, 1))


def test_if_there_is_none_the_error_says_which_and_how_to_get_it() -> None:
    with pytest.raises(MissingRequirementError, match=r"needs Python 9\.1 or 9\.2, and there's none") as raised:
        find_interpreter(profile((9, 2), (9, 1)))
    assert "uv python install 9.2" in str(raised.value.hint)
    assert "--python" in str(raised.value.hint)


def test_one_that_is_named_has_to_suit(tmp_path: Path) -> None:
    assert find_interpreter(profile(RUNNING), PYTHON) == Interpreter(PYTHON, RUNNING)
    with pytest.raises(ConfigurationError, match=r"is Python \d\.\d+, but .* needs Python 9\.1"):
        find_interpreter(profile((9, 1)), PYTHON)
    with pytest.raises(ConfigurationError, match="is no CPython that runs"):
        find_interpreter(profile((9, 1)), tmp_path / "absent")


def test_only_cpython_will_do(tmp_path: Path) -> None:
    assert look_at(pretend(tmp_path / "bin", "9.1", "PyPy")) is None
    assert look_at(Path("/bin/echo")) is None
    assert look_at(PYTHON) == interpreters.Interpreter(PYTHON, RUNNING)
