from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.cli.main import run
from brainsmith_finn_legacy.environments import FINNEnvironmentManager

VERSION = "0.0.1"
NAME = "finn-plus-0.0.1"
PYTHON = Path(sys.executable)
MakeCheckout = Callable[..., Path]


@pytest.fixture
def finn(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run `brainsmith finn ...`; return exit code, stdout and stderr."""

    def call(*words: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run(["finn", *map(str, words)])
        out, err = capsys.readouterr()
        code = left.value.code or 0
        assert isinstance(code, int)
        return code, out, err

    return call


Finn = Callable[..., tuple[int, str, str]]


@pytest.fixture
def checkout(make_checkout: MakeCheckout) -> Path:
    """A checkout that is known as `checkout-finn`."""
    path = make_checkout()
    FINNEnvironmentManager().find(path, PYTHON)
    return path


def test_help_names_all_commands_with_examples(finn: Finn) -> None:
    code, out, _ = finn("--help")
    assert code == 0
    for name in ("install", "list", "check", "remove", "steps", "transformations"):
        assert f"\n  {name} " in out
        assert "brainsmith finn" in finn(name, "--help")[1]


def test_help_imports_no_environment_code() -> None:
    code = (
        "import sys, brainsmith_finn_legacy.finn_command, brainsmith_finn_legacy.plugin\n"
        "print([name for name in sys.modules if 'environments' in name or name in ('rich', 'cattrs')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_install_says_what_is_ready(finn: Finn, stand_in_profiles: object, finn_home: Path) -> None:
    code, out, err = finn("install", VERSION)
    assert (code, out) == (0, f"FINN+ {VERSION} is ready: {NAME} ({finn_home / NAME})\n")
    assert err.startswith(f"finn: installing FINN+ {VERSION} (small profile) into {finn_home / NAME}, about 1 MB\n")
    code, out, err = finn("install", VERSION, "--json")
    data = json.loads(out)
    assert (code, err) == (0, "")
    assert (data["name"], data["version"], data["profile"], data["kind"]) == (NAME, VERSION, "small", "managed")


def test_on_a_terminal_one_line_changes(finn: Finn, stand_in_profiles: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    code, out, err = finn("install", VERSION)
    assert code == 0
    assert "is ready" in out
    assert "finn: " not in err
    assert "\x1b[" in err


def test_what_cannot_be_installed_is_a_usage_error(finn: Finn) -> None:
    code, out, err = finn("install", "1.6", "--json")
    assert code == 2
    assert 'did you mean "1.6.1"?' in err
    assert json.loads(out)["error"]["category"] == "configuration"
    assert finn("install", "1.5.0", "--full")[0] == 2
    assert finn("instal")[0] == 2


def test_list_says_how_to_make_one_where_there_is_none(finn: Finn) -> None:
    assert finn("list") == (0, "there is no FINN environment; make one: brainsmith finn install\n", "")
    assert json.loads(finn("list", "--json")[1]) == {"environments": []}


def test_list_shows_all(finn: Finn, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSMITH_FINN", "checkout-finn")
    (found,) = json.loads(finn("list", "--json")[1])["environments"]
    assert (found["name"], found["state"], found["path"], found["default"]) == (
        "checkout-finn",
        "ready",
        str(checkout),
        True,
    )
    out = finn("list")[1]
    assert "checkout-finn *" in out
    assert "FINN+ 1.6" in out


def test_list_shows_why_one_is_broken(finn: Finn, finn_home: Path) -> None:
    finn_home.mkdir(parents=True)
    (finn_home / "odd.json").write_text("{")
    _, out, _ = finn("list")
    assert "broken" in out
    assert "can't be read" in " ".join(out.split())


def test_check_without_any_environment_says_how_to_make_one(finn: Finn) -> None:
    code, _, err = finn("check")
    assert code == 3
    assert "brainsmith finn install" in err


def test_check_of_a_path_remembers_it(finn: Finn, make_checkout: MakeCheckout) -> None:
    code, out, _ = finn("check", make_checkout(), "--python", PYTHON, "--json")
    (result,) = json.loads(out)["environments"]
    assert code == 0
    assert result["ok"]
    assert result["environment"]["name"] == "checkout-finn"
    assert "dataflow_graph" in result["output_stages"]
    code, out, err = finn("check")
    assert code == 0
    assert "checkout-finn" in out
    assert "dataflow_graph" in out
    assert "importing FINN from" in err


def test_check_of_all_includes_finn_root(
    finn: Finn, make_checkout: MakeCheckout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINN_ROOT", str(make_checkout("root")))
    monkeypatch.setenv("BRAINSMITH_FINN_PYTHON", str(PYTHON))
    code, out, _ = finn("check", "--json")
    assert code == 0
    assert [each["name"] for each in json.loads(out)["environments"]] == ["checkout-root"]


def test_check_fails_if_one_does_not_work(finn: Finn, checkout: Path) -> None:
    (checkout / "src" / "finn" / "builder" / "build_dataflow.py").write_text("import absent_package")
    code, out, _ = finn("check", "checkout-finn", "--json")
    (result,) = json.loads(out)["environments"]
    assert code == 3
    assert not result["ok"]
    assert result["environment"] is None
    code, out, _ = finn("check")
    assert code == 3
    assert "absent_package" in out
    assert "→ install what is missing" in out


def test_remove_forgets_a_checkout(finn: Finn, checkout: Path) -> None:
    assert finn("remove", "checkout-finn")[:2] == (0, "forgot checkout-finn; its files are still there\n")
    code, _, err = finn("remove", "checkout-finn")
    assert code == 2
    assert 'there is no FINN environment "checkout-finn"' in err


def test_remove_deletes_a_managed_one(finn: Finn, stand_in_profiles: object, finn_home: Path) -> None:
    finn("install", VERSION)
    code, out, _ = finn("remove", NAME, "--json")
    assert (code, json.loads(out)) == (0, {"name": NAME, "removed": str(finn_home / NAME)})
    finn("install", VERSION)
    assert finn("remove", NAME)[1] == f"removed {finn_home / NAME}\n"


def test_steps_are_listed_in_the_order_of_the_flow(finn: Finn, checkout: Path) -> None:
    data: Any = json.loads(finn("steps", "--finn", checkout, "--json")[1])
    assert (data["finn"], data["version"]) == ("checkout-finn", "1.6")
    assert [(each["name"], each["default"], each["estimate"]) for each in data["steps"]] == [
        ("step_tidy_up", True, True),
        ("step_estimate", True, True),
        ("step_synthesise", True, False),
        ("step_extra", False, False),
    ]
    code, out, _ = finn("steps", "--finn", "checkout-finn")
    assert code == 0
    assert "Estimate over two lines." in out


def test_transformations_can_be_searched(finn: Finn, checkout: Path) -> None:
    data: Any = json.loads(finn("transformations", "--finn", "checkout-finn", "--json")[1])
    assert len(data["transformations"]) == 3
    assert [each["module"] for each in data["unimportable"]] == [
        "finn.transformation.broken",
        "finn.transformation.leaves",
    ]
    code, out, _ = finn("transformations", "--finn", "checkout-finn", "--search", "FOLD")
    assert code == 0
    assert out.startswith("1 transformation of FINN+ 1.6\n")
    assert "finn.transformation.streamline:" in out
    assert "Fold(required, keyword=3, function=builtins.len, marker=<object>, *args, **kwargs)" in out
    assert "SortGraph" not in out


def test_without_finn_steps_say_how_to_get_it(finn: Finn) -> None:
    code, out, err = finn("steps", "--json")
    assert code == 3
    assert "brainsmith finn install" in err
    assert json.loads(out)["error"]["category"] == "environment"
