"""What lies in a build's folder: readable, whole, and no obstacle to building again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.build.workspace import Workspace, write_whole
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue, readable_json

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES, st.integers(0, 3))
def test_readable_json_is_the_same_data(data: JSONValue, levels: int) -> None:
    assert json.loads(readable_json(data, levels)) == data


def test_each_metric_stands_on_a_line_of_its_own() -> None:
    text = readable_json({"metrics": [{"name": "a", "scope": {"layer": "x"}}, {"name": "b"}], "files": []})
    assert text.splitlines() == [
        "{",
        ' "metrics": [',
        '  {"name": "a", "scope": {"layer": "x"}},',
        '  {"name": "b"}',
        " ],",
        ' "files": []',
        "}",
    ]


@pytest.fixture
def config(tmp_path: Path) -> BuildConfig:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"\x08\x07")
    return BuildConfig(id="a", model_path=str(model), output_dir=str(tmp_path / "out"))


def test_what_a_build_killed_in_the_middle_of_writing_leaves_does_not_stop_the_next_one(config: BuildConfig) -> None:
    workspace = Workspace(Path(config.output_dir))
    workspace.create(config)
    (workspace.root / ".result.json.4242.tmp").write_text('{"half')
    workspace.create(config)
    assert not (workspace.root / ".result.json.4242.tmp").exists()


@pytest.mark.parametrize("name", ["notes.txt", ".notes.txt.4242.tmp", ".result.json.tmp"])
def test_a_folder_with_something_foreign_in_it_is_never_cleared(config: BuildConfig, name: str) -> None:
    workspace = Workspace(Path(config.output_dir))
    workspace.create(config)
    (workspace.root / name).touch()
    with pytest.raises(ConfigurationError, match=name.replace(".", r"\.")):
        workspace.create(config)
    assert workspace.config.exists()


def test_a_file_that_cannot_be_finished_leaves_neither_a_half_nor_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("brainsmith_core.build.workspace.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "result.json", b"x", sync=True)
    assert list(tmp_path.iterdir()) == []
