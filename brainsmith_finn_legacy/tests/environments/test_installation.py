"""Installing in this process, from the stand-in index."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_finn_legacy.environments import FINNEnvironmentManager, dependencies, installation, profiles
from brainsmith_finn_legacy.environments.interpreters import Interpreter
from brainsmith_finn_legacy.environments.registry import MARKER

VERSION = "0.0.1"
NAME = "finn-plus-0.0.1"

pytestmark = pytest.mark.usefixtures("stand_in_profiles")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def manager(finn_home: Path, said: list[str]) -> FINNEnvironmentManager:
    return FINNEnvironmentManager(report=said.append)


def nothing_is_left(home: Path) -> bool:
    """Whether an attempt has left nothing but lock files."""
    return [each.name for each in home.iterdir()] == [".locks"]


def full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_finn_is_installed_and_described(manager: FINNEnvironmentManager, finn_home: Path, said: list[str]) -> None:
    environment = manager.install_finn_version(VERSION)
    assert (environment.name, environment.kind, environment.version) == (NAME, "managed", VERSION)
    assert environment.path == finn_home / NAME
    assert environment.python == finn_home / NAME / "bin" / "python"
    assert environment.profile == "small"
    assert environment.description.distributions == {"finn-plus": VERSION, "qonnx": "9.9"}
    assert environment.identity.startswith(f"finn-plus-{VERSION}-")
    assert manager.find(VERSION) == manager.find(NAME) == manager.find(environment.path) == environment
    assert said[0].startswith(f"installing FINN+ {VERSION} (small profile) into {finn_home / NAME}")
    entry = next(manager.installation_registry.records()).entry
    assert entry.installed_identity == environment.identity
    assert entry.size_bytes is not None
    assert entry.size_bytes > 1000
    assert entry.install_seconds is not None


def test_an_import_after_the_installation_finds_byte_code(
    manager: FINNEnvironmentManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environment = manager.install_finn_version(VERSION)
    assert list(Path(environment.description.finn_folder).rglob("build_dataflow.*.pyc"))


def test_a_second_installation_does_nothing(manager: FINNEnvironmentManager, said: list[str]) -> None:
    first = manager.install_finn_version(VERSION)
    said.clear()
    assert manager.install_finn_version(VERSION) == first
    assert said == []


def test_without_uv_pip_does_it(finn_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "find_uv", lambda: None)
    environment = FINNEnvironmentManager().install_finn_version(VERSION)
    assert environment.description.distributions["qonnx"] == "9.9"


def test_it_can_go_elsewhere_under_another_name(
    manager: FINNEnvironmentManager, finn_home: Path, tmp_path: Path
) -> None:
    environment = manager.install_finn_version(
        VERSION, tmp_path / "elsewhere", name="shared", python=Path(sys.executable)
    )
    assert (environment.name, environment.path) == ("shared", tmp_path / "elsewhere")
    assert not (finn_home / "shared").exists()
    assert manager.find("shared") == environment
    assert manager.remove_finn_environment("shared") == tmp_path / "elsewhere"
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_with_other_things_in_it_is_left_alone(
    manager: FINNEnvironmentManager, finn_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(ConfigurationError, match="isn't empty"):
        manager.install_finn_version(VERSION, tmp_path)
    assert (tmp_path / "precious").exists()
    assert manager.installation_registry.names() == []


def test_a_name_that_is_taken_is_refused(manager: FINNEnvironmentManager, tmp_path: Path) -> None:
    manager.install_finn_version(VERSION)
    with pytest.raises(ConfigurationError, match=f'there is a FINN environment "{NAME}" already'):
        manager.install_finn_version(VERSION, tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="can't be called"):
        manager.install_finn_version(VERSION, name="../escape")


def test_a_folder_that_cannot_be_made_is_named(manager: FINNEnvironmentManager, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MissingRequirementError, match=r"can't be installed into .*/file/x: Not a directory"):
        manager.install_finn_version(VERSION, tmp_path / "file" / "x")


def test_a_disk_that_is_too_small_is_seen_before(
    manager: FINNEnvironmentManager, finn_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(MissingRequirementError, match=r"takes about 1 MB, but .* has 0 MB left") as raised:
        manager.install_finn_version(VERSION)
    assert raised.value.category == "disk"
    assert nothing_is_left(finn_home)


def test_a_disk_that_gets_full_leaves_nothing(
    manager: FINNEnvironmentManager, finn_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(MissingRequirementError, match="No space left on device") as raised:
        manager.install_finn_version(VERSION)
    assert raised.value.category == "disk"
    assert nothing_is_left(finn_home)


def test_a_finn_that_cannot_be_imported_is_not_kept(
    manager: FINNEnvironmentManager, finn_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MissingRequirementError("FINN can't be imported")

    monkeypatch.setattr(installation, "inspect_finn", fail)
    with pytest.raises(MissingRequirementError, match="can't be imported"):
        manager.install_finn_version(VERSION)
    assert nothing_is_left(finn_home)


def test_a_leftover_is_cleared_away_first(manager: FINNEnvironmentManager, finn_home: Path, said: list[str]) -> None:
    for name in (NAME, "other"):
        (finn_home / name).mkdir(parents=True)
        (finn_home / name / MARKER).touch()
        (finn_home / name / "half").touch()
    manager.install_finn_version(VERSION)
    assert not (finn_home / NAME / "half").exists()
    assert "removed what an interrupted installation had left of other" in said
    assert not (finn_home / "other").exists()


def test_again_makes_it_anew(manager: FINNEnvironmentManager, said: list[str]) -> None:
    environment = manager.install_finn_version(VERSION)
    (environment.path / "mine").touch()
    assert manager.install_finn_version(VERSION, again=True).identity == environment.identity
    assert f"making {NAME} anew" in said
    assert not (environment.path / "mine").exists()
    assert [each.name for each in environment.path.parent.glob("*.replaced")] == []


def test_if_making_it_anew_fails_the_old_one_is_there_still(
    manager: FINNEnvironmentManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = manager.install_finn_version(VERSION)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(MissingRequirementError, match="couldn't get"):
        manager.install_finn_version(VERSION, again=True)
    assert manager.find(VERSION) == environment


def test_one_that_is_gone_is_made_anew(manager: FINNEnvironmentManager) -> None:
    environment = manager.install_finn_version(VERSION)
    shutil.rmtree(environment.path)
    with pytest.raises(MissingRequirementError, match="is gone") as raised:
        manager.find(VERSION)
    assert raised.value.hint == f"make it anew: brainsmith finn install {VERSION}"
    assert manager.install_finn_version(VERSION).identity == environment.identity


def steps_file(folder: str) -> Path:
    """A file of an installed stand-in."""
    return Path(folder) / "builder" / "build_dataflow_steps.py"


def test_what_somebody_changed_is_kept_and_gets_another_identity(
    manager: FINNEnvironmentManager, said: list[str]
) -> None:
    environment = manager.install_finn_version(VERSION)
    changed = steps_file(environment.description.finn_folder)
    changed.write_text(changed.read_text() + "# mine\n")
    again = manager.install_finn_version(VERSION)
    assert f"{NAME} was changed since it was installed; importing it" in said
    assert changed.read_text().endswith("# mine\n")
    assert again.identity != environment.identity
    assert manager.find(VERSION) == again


def test_what_somebody_broke_is_kept_too_and_the_way_out_is_told(manager: FINNEnvironmentManager) -> None:
    environment = manager.install_finn_version(VERSION)
    broken = steps_file(environment.description.finn_folder)
    broken.write_text("syntax error")
    with pytest.raises(MissingRequirementError, match="is there, but doesn't work") as raised:
        manager.install_finn_version(VERSION)
    assert raised.value.hint == f"make it anew: brainsmith finn install {VERSION} --again"
    assert broken.read_text() == "syntax error"
    assert manager.install_finn_version(VERSION, again=True).identity == environment.identity


def test_an_index_with_other_files_than_were_locked_is_refused(
    finn_home: Path, monkeypatch: pytest.MonkeyPatch, stand_in_profiles: object
) -> None:
    lock = profiles.PROFILES[0].lock()
    other = lock.replace(lock.partition("sha256:")[2][:64], "0" * 64)
    monkeypatch.setattr(profiles.Profile, "lock", lambda _: other)
    with pytest.raises(MissingRequirementError, match="other files than were locked"):
        FINNEnvironmentManager().install_finn_version(VERSION)
    assert nothing_is_left(finn_home)
    monkeypatch.setattr(dependencies, "find_uv", lambda: None)
    with pytest.raises(MissingRequirementError, match="other files than were locked"):
        FINNEnvironmentManager().install_finn_version(VERSION)
    assert nothing_is_left(finn_home)


@pytest.mark.parametrize("with_uv", [True, False], ids=["uv", "pip"])
def test_without_network_the_error_names_what_is_missing_and_what_to_do(
    finn_home: Path, monkeypatch: pytest.MonkeyPatch, with_uv: bool
) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name)
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/simple")  # where nobody listens
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    if not with_uv:
        monkeypatch.setattr(dependencies, "find_uv", lambda: None)
    with pytest.raises(MissingRequirementError, match=r"couldn't get .*(qonnx|finn-plus)") as raised:
        FINNEnvironmentManager().install_finn_version(VERSION)
    assert "check the network" in str(raised.value.hint)
    assert "PIP_FIND_LINKS" in str(raised.value.hint)
    assert nothing_is_left(finn_home)


def test_without_any_installer_the_error_says_how_to_get_one(
    manager: FINNEnvironmentManager, finn_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "find_uv", lambda: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingRequirementError, match="neither uv nor pip") as raised:
        FINNEnvironmentManager().install_finn_version(VERSION)
    assert "ensurepip" in str(raised.value.hint)
    assert nothing_is_left(finn_home)


def test_uv_is_the_one_beside_our_python_else_the_one_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = installer(tmp_path, "", 0)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert dependencies.find_uv() == program
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dependencies.find_uv() == program
    monkeypatch.setenv("PATH", "/nonexistent")
    assert dependencies.find_uv() is None


def installer(folder: Path, text: str, code: int) -> Path:
    """A program in place of uv that says something and leaves."""
    program = folder / "uv"
    program.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit {code}\n")
    program.chmod(0o755)
    return program


def test_an_installer_that_meets_a_full_disk_says_so(
    finn_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = installer(tmp_path, "error: failed to write: No space left on device (os error 28)", 2)
    monkeypatch.setattr(dependencies, "find_uv", lambda: program)
    with pytest.raises(MissingRequirementError, match="the disk is full") as raised:
        FINNEnvironmentManager().install_finn_version(VERSION)
    assert raised.value.category == "disk"
    assert nothing_is_left(finn_home)


def test_where_uv_fails_pip_goes_on_with_its_settings(
    finn_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    program = installer(tmp_path, "Downloading something", 1)
    monkeypatch.setattr(dependencies, "find_uv", lambda: program)
    environment = FINNEnvironmentManager(report=said.append).install_finn_version(VERSION)
    assert environment.version == VERSION
    assert "uv couldn't get everything; trying pip, with all of its settings" in said
    assert "Downloading something" in said


def test_a_python_that_makes_no_environment_is_named(
    manager: FINNEnvironmentManager, finn_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = installer(tmp_path, "no module named venv", 1)
    monkeypatch.setattr(installation, "find_interpreter", lambda *_: Interpreter(python, (3, 11)))
    with pytest.raises(MissingRequirementError, match="can't make a virtual environment") as raised:
        manager.install_finn_version(VERSION)
    assert raised.value.hint == "no module named venv"
    assert nothing_is_left(finn_home)


def test_what_pip_is_set_to_is_told_to_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://a/simple\nproxy = http://p:1\ncert = /c.pem\ntimeout = 9\n")
    for name in [each for each in os.environ if each.startswith(("PIP_", "UV_", "SSL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://b/simple https://c/simple")
    pip = dependencies._pip()
    assert pip is not None
    settings = dependencies._pip_settings(pip)
    assert "timeout" not in settings
    assert dependencies._uv_options(settings) == [
        *("--default-index", "https://a/simple"),
        *("--index", "https://b/simple", "--index", "https://c/simple"),
        *("--index-strategy", "unsafe-best-match"),
    ]
    assert dependencies._uv_env({"ALL_PROXY": "own"}, settings) == {"ALL_PROXY": "own", "SSL_CERT_FILE": "/c.pem"}
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://own/simple")
    assert dependencies._uv_options(settings) == []


def with_extra(stand_in: str) -> profiles.Profile:
    """A profile one of whose packages comes from an index of its own."""
    digest = stand_in.partition("qonnx==9.9")[2].partition("--hash=")[2].split()[0]
    return profiles.Profile(
        version=VERSION,
        profile="small",
        requirements=(),
        pythons=(sys.version_info[:2],),
        megabytes=1,
        extra=profiles.Extra(requirement="qonnx==9.9", hash=digest, index="http://127.0.0.1:9/simple"),
    )


def test_what_another_index_has_is_looked_for_in_the_usual_places_first(
    manager: FINNEnvironmentManager, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(profiles, "PROFILES", (with_extra(profiles.PROFILES[0].lock()),))
    environment = manager.install_finn_version(VERSION)
    assert environment.description.distributions["qonnx"] == "9.9"
    assert not [line for line in said if "looking for" in line]


def test_and_then_at_that_index(
    manager: FINNEnvironmentManager, finn_home: Path, monkeypatch: pytest.MonkeyPatch, said: list[str], tmp_path: Path
) -> None:
    profile = with_extra(profiles.PROFILES[0].lock())
    monkeypatch.setattr(profiles, "PROFILES", (profile,))
    only_finn = tmp_path / "only-finn"
    only_finn.mkdir()
    for wheel in Path(os.environ["PIP_FIND_LINKS"]).glob("finn_plus*"):
        shutil.copy(wheel, only_finn)
    monkeypatch.setenv("PIP_FIND_LINKS", str(only_finn))
    with pytest.raises(MissingRequirementError, match="qonnx"):
        manager.install_finn_version(VERSION)
    assert "looking for qonnx==9.9 at http://127.0.0.1:9/simple" in said
    assert nothing_is_left(finn_home)
