"""Finding, checking, listing and removing environments, all with the stand-in."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from brainsmith_core.config import OutputStage
from brainsmith_core.context import Finding
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_finn_legacy.environments import FINNEnvironmentManager, lookup, profiles
from brainsmith_finn_legacy.environments.records import worker_env

VERSION = "0.0.1"
NAME = "finn-plus-0.0.1"
PYTHON = Path(sys.executable)
MakeCheckout = Callable[..., Path]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def manager(finn_home: Path, said: list[str]) -> FINNEnvironmentManager:
    return FINNEnvironmentManager(report=said.append)


@pytest.fixture
def interpreter(tmp_path: Path, make_checkout: MakeCheckout) -> Path:
    """A Python that has FINN installed: one that finds it beside itself."""
    sources = make_checkout("installed") / "src"
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nPYTHONPATH={sources} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return python


def states(findings: tuple[Finding, ...]) -> dict[str, str]:
    return {each.name: each.state for each in findings}


# --- which one is meant


def test_without_any_environment_the_error_says_how_to_make_one(manager: FINNEnvironmentManager) -> None:
    with pytest.raises(MissingRequirementError, match="there is no FINN environment") as raised:
        manager.find()
    assert raised.value.hint == "make one: brainsmith finn install"
    assert raised.value.exit_code == 3


def test_where_only_others_are_there_they_are_named(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout
) -> None:
    manager.validate_finn_environment(make_checkout(), PYTHON)
    with pytest.raises(MissingRequirementError) as raised:
        manager.find()
    assert str(raised.value.hint).endswith("(--finn or BRAINSMITH_FINN): checkout-finn")


def test_the_default_is_the_managed_one_of_the_default_version(
    manager: FINNEnvironmentManager, stand_in_profiles: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "DEFAULT_VERSION", VERSION)
    manager.install_finn_version(VERSION, name="other")
    assert manager.find().name == "other"
    manager.install_finn_version(VERSION)
    assert manager.find().name == NAME


@pytest.mark.parametrize("variable", ["BRAINSMITH_FINN", "FINN_ROOT"])
def test_an_environment_variable_names_another_default(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    checkout = make_checkout()
    monkeypatch.setenv("BRAINSMITH_FINN_PYTHON", str(PYTHON))
    monkeypatch.setenv(variable, str(checkout))
    found = manager.find()
    assert (found.kind, found.path, found.python) == ("checkout", checkout, PYTHON)
    monkeypatch.setenv(variable, "/nonexistent/finn")
    with pytest.raises(MissingRequirementError, match=f"{variable}: there is no FINN at /nonexistent/finn"):
        manager.find()


def test_a_version_that_could_be_installed_says_how(manager: FINNEnvironmentManager) -> None:
    for wanted, hint in (
        ("1.5.0", "brainsmith finn install 1.5.0"),
        ("finn-plus-1.6.1-full", "brainsmith finn install 1.6.1 --full"),
    ):
        with pytest.raises(MissingRequirementError, match=f"{wanted} isn't installed") as raised:
            manager.find(wanted)
        assert raised.value.hint == hint


def test_an_unknown_name_is_refused_with_the_nearest_one(manager: FINNEnvironmentManager) -> None:
    with pytest.raises(ConfigurationError, match='no FINN environment "curent"; did you mean "current"'):
        manager.find("curent")


def test_a_checkout_is_found_by_path_with_the_interpreter_inside_it(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = make_checkout()
    inside = checkout / ".venv" / "bin" / "python"
    inside.parent.mkdir(parents=True)
    inside.symlink_to(PYTHON)
    found = manager.find(checkout)
    assert (found.name, found.kind, found.python) == ("checkout-finn", "checkout", inside)
    assert found.description.finn_folder == str(checkout / "src" / "finn")
    assert manager.find("checkout-finn") == found
    monkeypatch.chdir(checkout.parent)
    assert manager.find("finn") == manager.find("./finn") == found


def test_a_checkout_without_an_interpreter_asks_for_one(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout
) -> None:
    checkout = make_checkout()
    with pytest.raises(MissingRequirementError, match="needs an interpreter") as raised:
        manager.find(checkout)
    assert f"brainsmith finn check {checkout} --python INTERPRETER" in str(raised.value.hint)
    with pytest.raises(MissingRequirementError, match="there is no interpreter /nonexistent/python"):
        manager.find(checkout, Path("/nonexistent/python"))


def test_two_checkouts_of_one_name_get_two_names(manager: FINNEnvironmentManager, make_checkout: MakeCheckout) -> None:
    one = manager.find(make_checkout("a/finn"), PYTHON)
    other = manager.find(make_checkout("b/finn"), PYTHON)
    assert (one.name, other.name) == ("checkout-finn", "checkout-finn-2")
    assert one.identity != ""
    assert manager.find("checkout-finn-2").path == other.path


def test_an_interpreter_is_found_by_path_and_by_that_of_its_environment(
    manager: FINNEnvironmentManager, interpreter: Path
) -> None:
    # It finds FINN by PYTHONPATH, which isolation would hide.
    found = manager.find(interpreter)
    assert (found.name, found.kind, found.path) == ("interpreter-env", "interpreter", interpreter.parent.parent)
    assert manager.find(interpreter.parent.parent) == found


def test_the_running_interpreter_is_called_current(manager: FINNEnvironmentManager) -> None:
    with pytest.raises(MissingRequirementError, match=f"there is no FINN in {sys.executable}"):
        manager.find("current")


@pytest.mark.parametrize("what", ["nothing", "folder"])
def test_a_path_without_finn_is_refused(manager: FINNEnvironmentManager, tmp_path: Path, what: str) -> None:
    path = tmp_path / "x"
    if what == "folder":
        path.mkdir()
    with pytest.raises(MissingRequirementError, match=f"there is no FINN at {path}"):
        manager.find(path)


def test_a_checkout_that_has_changed_is_asked_again(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout, said: list[str]
) -> None:
    checkout = make_checkout()
    before = manager.find(checkout, PYTHON)
    said.clear()
    assert manager.find(checkout) == before
    assert said == []
    steps = checkout / "src" / "finn" / "builder" / "build_dataflow_steps.py"
    steps.write_text(steps.read_text() + "build_dataflow_step_lookup['step_mine'] = step_extra\n")
    after = manager.find(checkout)
    assert said == [f"asking the FINN at {checkout} what it can do"]
    assert after.identity != before.identity
    assert "step_mine" in [each.name for each in after.description.steps]


def test_a_known_environment_that_is_gone_says_how_to_forget_it(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.symlink_to(PYTHON)
    manager.find(make_checkout(), python)
    python.unlink()
    with pytest.raises(MissingRequirementError, match="is gone") as raised:
        manager.find("checkout-finn")
    assert raised.value.hint == "forget it: brainsmith finn remove checkout-finn"


def test_one_that_cannot_be_asked_any_more_is_still_found_by_its_version(
    manager: FINNEnvironmentManager, stand_in_profiles: object
) -> None:
    environment = manager.install_finn_version(VERSION)
    steps = Path(environment.description.finn_folder) / "builder" / "build_dataflow_steps.py"
    good = steps.read_text()
    steps.write_text("syntax error")
    assert not manager.validate_finn_environment(VERSION).ok
    steps.write_text(good)
    assert manager.find(VERSION).name == NAME


def test_a_folder_of_that_name_is_no_environment_unless_finn_is_in_it(
    manager: FINNEnvironmentManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "odd").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(MissingRequirementError, match="neither src/finn/builder"):
        manager.find("odd")


# --- the worker's environment


def test_nothing_of_ours_reaches_into_finn_s_interpreter(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout
) -> None:
    checkout = make_checkout()
    env = manager.find(checkout, PYTHON).worker_env()
    assert env["PYTHONPATH"] == str(checkout / "src")
    assert env["FINN_ROOT"] == str(checkout)
    assert env["PYTHONDONTWRITEBYTECODE"] is None
    assert worker_env()["PYTHONPATH"] is None


# --- checking


def test_a_working_checkout_is_checked_and_remembered(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout
) -> None:
    checkout = make_checkout()
    result = manager.validate_finn_environment(checkout, PYTHON)
    assert result.ok
    assert result.name == "checkout-finn"
    assert result.environment == manager.find(checkout)
    assert states(result.findings)["import"] == "ok"
    assert states(result.findings)["transformations"] == "warning"
    assert manager.validate_finn_environment("checkout-finn").ok


def test_without_vivado_only_estimates_are_possible(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/bin")
    result = manager.validate_finn_environment(make_checkout(), PYTHON)
    assert result.ok
    assert result.output_stages == (OutputStage.DATAFLOW_GRAPH,)
    assert states(result.findings)["tools"] == "warning"


def test_with_vivado_and_vitis_hls_more_is_possible(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tools = tmp_path / "Vivado" / "2024.2"
    tools.mkdir(parents=True)
    for name in ("vivado", "vitis_hls"):
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("XILINX_VIVADO", str(tools))
    checkout = make_checkout()
    result = manager.validate_finn_environment(checkout, PYTHON)
    assert set(result.output_stages) == set(OutputStage)
    (finding,) = [each for each in result.findings if each.name == "tools"]
    assert finding.state == "warning"
    assert "XSI isn't built" in finding.message
    xsi = checkout / "src" / "finn_xsi"
    xsi.mkdir()
    (xsi / "__init__.py").touch()
    (xsi / "xsi.so").touch()
    (checkout / "src" / "finn" / "xsi" / "__init__.py").write_text("SimEngine = None")
    result = manager.validate_finn_environment(checkout)
    (finding,) = [each for each in result.findings if each.name == "tools"]
    assert (finding.state, finding.message) == ("ok", "Vivado and Vitis HLS are there")


def test_one_whose_import_fails_is_broken_and_not_believed_any_more(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout
) -> None:
    checkout = make_checkout()
    manager.find(checkout, PYTHON)
    steps = checkout / "src" / "finn" / "builder" / "build_dataflow_steps.py"
    good = steps.read_text()
    steps.write_text("syntax error")
    result = manager.validate_finn_environment("checkout-finn")
    assert not result.ok
    assert result.environment is None
    assert result.output_stages == ()
    (finding,) = result.findings
    assert "SyntaxError" in finding.message
    assert "--python" in finding.fix
    (known,) = manager.discover_finn_installations()
    assert known.state == "unchecked"
    steps.write_text(good)
    assert manager.find("checkout-finn").version == "1.6"


def test_an_interpreter_whose_import_fails_says_where_to_install(manager: FINNEnvironmentManager) -> None:
    result = manager.validate_finn_environment("current")
    assert [each.fix for each in result.findings] == [f"install what is missing into {sys.executable}"]


def test_a_managed_one_that_was_changed_is_told_apart_from_what_was_installed(
    manager: FINNEnvironmentManager, stand_in_profiles: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = manager.install_finn_version(VERSION)
    assert states(manager.validate_finn_environment(VERSION).findings)["identity"] == "ok"
    steps = Path(environment.description.finn_folder) / "builder" / "build_dataflow_steps.py"
    steps.write_text(steps.read_text() + "# mine\n")
    manager.find(VERSION)
    (finding,) = [each for each in manager.validate_finn_environment(VERSION).findings if each.name == "identity"]
    assert finding.state == "warning"
    assert finding.fix == f"if that wasn't meant: brainsmith finn install {VERSION} --again"
    steps.write_text("syntax error")
    result = manager.validate_finn_environment(VERSION)
    assert [each.fix for each in result.findings] == [f"make it anew: brainsmith finn install {VERSION} --again"]


def test_a_managed_one_from_an_older_lock_file_says_so(
    manager: FINNEnvironmentManager, stand_in_profiles: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.install_finn_version(VERSION)
    assert "lock" not in states(manager.validate_finn_environment(VERSION).findings)
    newer = profiles.PROFILES[0].lock() + "# newer\n"
    monkeypatch.setattr(profiles.Profile, "lock", lambda _: newer)
    assert states(manager.validate_finn_environment(VERSION).findings)["lock"] == "warning"


# --- listing


def test_all_kinds_are_discovered_and_the_default_comes_first(
    manager: FINNEnvironmentManager,
    stand_in_profiles: object,
    make_checkout: MakeCheckout,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lookup, "DEFAULT_VERSION", VERSION)
    assert manager.discover_finn_installations() == ()
    manager.find(make_checkout(), PYTHON)
    manager.install_finn_version(VERSION)
    found = manager.discover_finn_installations()
    assert [(each.name, each.kind, each.state, each.default) for each in found] == [
        (NAME, "managed", "ready", True),
        ("checkout-finn", "checkout", "ready", False),
    ]
    assert [(each.version, each.flavour, each.profile) for each in found] == [
        (VERSION, "finn-plus", "small"),
        ("1.6", "finn-plus", ""),
    ]


def test_finn_root_and_the_running_interpreter_are_discovered(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINN_ROOT", str(make_checkout("root")))
    monkeypatch.syspath_prepend(str(make_checkout("importable") / "src"))
    found = {each.name: each for each in manager.discover_finn_installations()}
    assert set(found) == {"FINN_ROOT", "current"}
    assert {each.state for each in found.values()} == {"unchecked"}
    assert found["current"].python == PYTHON


def test_broken_ones_are_listed_with_the_reason(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.symlink_to(PYTHON)
    manager.find(make_checkout(), python)
    python.unlink()
    (manager.installation_registry.home / "odd.json").write_text("{")
    found = manager.discover_finn_installations()
    assert [(each.name, each.state) for each in found] == [("checkout-finn", "broken"), ("odd", "broken")]
    assert "is gone" in found[0].reason
    assert "can't be read" in found[1].reason


# --- removing


def test_a_managed_one_is_removed_with_its_files(
    manager: FINNEnvironmentManager, stand_in_profiles: object, finn_home: Path
) -> None:
    environment = manager.install_finn_version(VERSION)
    assert manager.remove_finn_environment(NAME) == environment.path
    assert [each.name for each in finn_home.iterdir()] == [".locks"]


def test_a_checkout_is_forgotten_and_its_files_stay(
    manager: FINNEnvironmentManager, make_checkout: MakeCheckout
) -> None:
    checkout = make_checkout()
    manager.find(checkout, PYTHON)
    assert manager.remove_finn_environment("checkout-finn") is None
    assert (checkout / "src" / "finn").is_dir()
    assert manager.discover_finn_installations() == ()


def test_a_record_that_cannot_be_read_can_be_removed(manager: FINNEnvironmentManager, finn_home: Path) -> None:
    finn_home.mkdir(parents=True)
    (finn_home / "odd.json").write_text("{")
    assert manager.remove_finn_environment("odd") is None
    assert manager.installation_registry.names() == []


def test_an_unknown_one_cannot_be_removed(manager: FINNEnvironmentManager) -> None:
    with pytest.raises(ConfigurationError, match=r'no FINN environment "1\.6\.1"') as raised:
        manager.remove_finn_environment("1.6.1")
    assert raised.value.hint is None
