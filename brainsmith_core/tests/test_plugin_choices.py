"""A plugin is left out by flag, environment or project file, with one meaning, before its import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from brainsmith_core.cli import main as shell
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.plugins.choices import DISABLE_VARIABLE, PROJECT_FILE, PluginChoices, find_project_file
from brainsmith_core.plugins.project_file import write_disabled

Call = Callable[..., tuple[int, str, str]]
EXPLODING = "raise RuntimeError('imported all the same')"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    info = tmp_path / "site" / "exploding-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: exploding\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[brainsmith.plugins]\nbomb = exploding_module\n")
    (tmp_path / "site" / "exploding_module.py").write_text(EXPLODING)
    (tmp_path / "project" / "deep").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            shell.run(arguments)
        out, err = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, out, err

    return run


def state(call: Call, *before: str) -> str:
    out = call(*before, "plugins", "list")[1]
    (row,) = [line for line in out.splitlines() if line.startswith("bomb")]
    return row.split()[1]


def test_all_three_ways_mean_the_same(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state(call) == "failed"
    assert state(call, "--no-plugin", "bomb") == "blocked"
    monkeypatch.setenv(DISABLE_VARIABLE, "other, bomb")
    assert state(call) == "blocked"
    monkeypatch.delenv(DISABLE_VARIABLE)
    Path(PROJECT_FILE).write_text('[plugins]\ndisable = ["bomb"]\n')
    monkeypatch.chdir("deep")
    assert state(call) == "blocked"
    assert "brainsmith plugins enable bomb" in call("plugins", "list")[1]
    assert "disable = bomb" in call("plugins", "show", "bomb")[1]
    assert "bomb" not in call("--help")[2], "who left it out knows"


def test_disable_and_enable_change_the_nearest_project_file(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(PROJECT_FILE).absolute()
    assert call("plugins", "disable", "bomb")[0] == 0
    assert file.read_text() == '[plugins]\ndisable = ["bomb"]\n'
    monkeypatch.chdir("deep")
    assert "left out already" in call("plugins", "disable", "bomb")[1]
    assert call("plugins", "enable", "bomb")[0] == 0
    assert file.read_text() == "[plugins]\ndisable = []\n"
    assert state(call) == "failed"
    assert "isn't left out" in call("plugins", "enable", "bomb")[1]
    monkeypatch.setenv(DISABLE_VARIABLE, "bomb")
    assert f"{DISABLE_VARIABLE} still leaves bomb out" in call("plugins", "enable", "bomb")[2]
    assert f"take bomb out of {DISABLE_VARIABLE}" in call("plugins", "show", "bomb")[1]


@pytest.mark.parametrize("command", [["plugins", "disable"], ["plugins", "enable"], ["plugins", "show"]])
def test_an_unknown_name_is_an_error_with_the_nearest(call: Call, command: list[str]) -> None:
    code, _, err = call(*command, "bmob")
    assert code == 2
    assert 'did you mean "bomb"?' in err
    assert 'did you mean "bomb"?' in call(*command, "exploding")[2]


def test_an_unknown_name_given_elsewhere_is_told(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("--no-plugin", "bmob", "--help")[0] == 2
    monkeypatch.setenv(DISABLE_VARIABLE, "bmob")
    code, _, err = call("--help")
    assert code == 0
    assert f'{DISABLE_VARIABLE} leaves out the plugin "bmob", which isn\'t installed; did you mean "bomb"?' in err


def test_core_cannot_be_left_out(call: Call) -> None:
    assert call("plugins", "disable", "core")[0] == 2
    assert not Path(PROJECT_FILE).exists()


def test_a_plugin_that_is_gone_can_be_enabled(call: Call) -> None:
    Path(PROJECT_FILE).write_text('[plugins]\ndisable = ["gone"]\n')
    assert call("plugins", "enable", "gone")[0] == 0
    assert "disable = []" in Path(PROJECT_FILE).read_text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[plugins\n", "isn't TOML"),
        ("[plugin]\n", 'did you mean "plugins"?'),
        ("plugins = 1\n", "must be a table"),
        ("[plugins]\ndisabled = []\n", 'did you mean "disable"?'),
        ('[plugins]\ndisable = "x"\n', "plugins.disable must read"),
        ("[plugins]\nprefer = 1\n", "must be a table"),
        ('[plugins.prefer]\nbackends = "x"\n', 'did you mean "backend"?'),
        ("[plugins.prefer.backend]\nx = 1\n", "must be a plugin's name"),
        ("\udcff", "can't be read"),
    ],
)
def test_a_wrong_project_file_is_one_clear_message(call: Call, text: str, told: str) -> None:
    Path(PROJECT_FILE).write_bytes(text.encode(errors="surrogateescape"))
    code, _, err = call("plugins", "list")
    assert code == 2
    assert told in err
    assert PROJECT_FILE in err


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[plugins]\ndisable = ["a", "b"]\n'),
        ("# mine", '# mine\n\n[plugins]\ndisable = ["a", "b"]\n'),
        ("[plugins]", '[plugins]\ndisable = ["a", "b"]\n'),
        (
            '# mine\n[plugins]  # here\n# and\ndisable = [\n  "x", # old\n]\n\n[plugins.prefer.backend]\nq = "r"\n',
            '# mine\n[plugins]  # here\n# and\ndisable = ["a", "b"]\n\n[plugins.prefer.backend]\nq = "r"\n',
        ),
        (
            '[plugins.prefer.backend]\nq = "r"\n',
            '[plugins.prefer.backend]\nq = "r"\n\n[plugins]\ndisable = ["a", "b"]\n',
        ),
    ],
)
def test_only_the_list_is_changed(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / PROJECT_FILE
    if before:
        file.write_text(before)
    write_disabled(file, ["b", "a", "b"])
    assert file.read_text() == after


@pytest.mark.parametrize("text", ['plugins = {disable = ["x"]}\n', '[plugins]\ndisable = ["x]"]\n'])
def test_a_file_that_cannot_be_changed_safely_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / PROJECT_FILE
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="can't be changed safely") as caught:
        write_disabled(file, ["a"])
    assert 'disable = ["a"]' in (caught.value.hint or "")
    assert file.read_text() == text


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be written"):
        write_disabled(tmp_path / "none" / PROJECT_FILE, ["a"])


def test_without_a_project_file_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    assert find_project_file(tmp_path) is None
    assert PluginChoices.load(folder=tmp_path) == PluginChoices()


def test_a_working_directory_that_is_gone_does_not_matter(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1])\n"
        "from brainsmith_core.plugins.choices import find_project_file\nassert find_project_file() is None"
    )
    (tmp_path / "gone").mkdir()
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "gone")], check=True)
