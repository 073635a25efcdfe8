from __future__ import annotations

import json
import shutil
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.errors import MissingRequirementError
from brainsmith_finn_legacy.environments import registry as registry_module
from brainsmith_finn_legacy.environments.records import ConfigField, FINNDescription, Transformation
from brainsmith_finn_legacy.environments.registry import (
    MARKER,
    Entry,
    Facts,
    FINNInstallationRegistry,
    Record,
    clear_folder,
)

ENTRY = Entry(name="one", kind="managed", path=Path("/x/one"), python=Path("/x/one/bin/python"), version="1.6.1")
DESCRIPTION = FINNDescription(
    python_version="3.11.2",
    finn_folder="/x/finn",
    distributions={"onnx": "1.21.0"},
    fields=[ConfigField(name="output_dir", type="str", required=True)],
    default_steps=["step_a"],
    estimate_steps=["step_a"],
    steps=[],
    flows={"default": ("step_a",)},
    kernels={"MVAU": ("hls", "rtl")},
    boards={"Pynq-Z1": "xc7z020clg400-1"},
    alveo_boards=[],
    output_types=["stitched_ip"],
    verify_steps=[],
    transformations=[Transformation(name="qonnx.transformation.general.SortGraph")],
)
FACTS = Facts(
    flavour="finn-plus",
    version="1.6.1",
    identity="i",
    stamp="s",
    folders={"finn": "/x/finn"},
    site_folders=["/x"],
    xsi=False,
    description=DESCRIPTION,
)


@pytest.fixture
def registry(finn_home: Path) -> FINNInstallationRegistry:
    return FINNInstallationRegistry()


def test_nothing_is_known_at_first(registry: FINNInstallationRegistry) -> None:
    assert registry.names() == []
    assert registry.unfinished() == []
    assert registry.sweep() == []
    assert registry.load("one") is None
    assert list(registry.records()) == []


texts = st.text(max_size=8)
defaults = st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=3))


@given(name=texts, default=defaults, boards=st.dictionaries(texts, texts, max_size=3), size=st.integers() | st.none())
def test_what_was_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, name: str, default: object, boards: dict[str, str], size: int | None
) -> None:
    registry = FINNInstallationRegistry(tmp_path_factory.getbasetemp() / "round-trip")
    field = ConfigField(name=name, type="Any", default=default)  # type: ignore[arg-type]  # any JSON value
    description = attrs.evolve(DESCRIPTION, boards=boards, fields=(field,))
    record = Record(entry=attrs.evolve(ENTRY, size_bytes=size), facts=attrs.evolve(FACTS, description=description))
    registry.save(record)
    assert registry.load("one") == record
    assert registry.names() == ["one"]


def test_a_record_without_facts_is_no_environment_yet(registry: FINNInstallationRegistry) -> None:
    registry.save(Record(entry=ENTRY))
    (record,) = registry.records()
    assert record.environment is None
    registry.save(Record(entry=ENTRY, facts=FACTS))
    environment = next(registry.records()).environment
    assert environment is not None
    assert (environment.name, environment.title) == ("one", "FINN+ 1.6.1")


def test_facts_of_another_format_are_asked_again(registry: FINNInstallationRegistry) -> None:
    registry.save(Record(entry=ENTRY, facts=FACTS))
    file = registry.home / "one.json"
    data = json.loads(file.read_text())
    data["facts"]["more"] = 1
    file.write_text(json.dumps(data))
    assert registry.load("one") == Record(entry=ENTRY)
    data["format"] = 99
    file.write_text(json.dumps(data))
    assert registry.load("one") == Record(entry=ENTRY)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"entry": {"name": 3}}'])
def test_a_record_that_cannot_be_read_says_how_to_forget_it(registry: FINNInstallationRegistry, text: str) -> None:
    registry.home.mkdir(parents=True)
    (registry.home / "one.json").write_text(text)
    with pytest.raises(MissingRequirementError, match="one can't be read") as raised:
        registry.load("one")
    assert raised.value.hint == "forget it with: brainsmith finn remove one"
    assert list(registry.records()) == []


def test_a_save_that_fails_changes_nothing(registry: FINNInstallationRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.save(Record(entry=ENTRY))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        registry.save(Record(entry=ENTRY, facts=FACTS))
    assert registry.load("one") == Record(entry=ENTRY)
    assert [each.name for each in registry.home.iterdir()] == ["one.json"]


def test_what_was_never_finished_is_swept_away(registry: FINNInstallationRegistry) -> None:
    left = registry.folder("left")
    (left / "lib").mkdir(parents=True)
    (left / MARKER).touch()
    (left / "lib" / "x").touch()
    (left / "link").symlink_to(registry.home)
    assert registry.unfinished() == ["left"]
    assert registry.sweep() == ["left"]
    assert not left.exists()


def test_what_somebody_works_on_is_not_swept_away(registry: FINNInstallationRegistry) -> None:
    busy = registry.folder("busy")
    busy.mkdir(parents=True)
    (busy / MARKER).touch()
    with registry.lock("busy"):
        assert registry.sweep() == []
        assert registry.unfinished() == ["busy"]
    assert registry.sweep() == ["busy"]


def test_what_is_known_or_not_ours_is_not_swept_away(registry: FINNInstallationRegistry) -> None:
    known, foreign = registry.folder("one"), registry.folder("foreign")
    for folder in (known, foreign):
        folder.mkdir(parents=True)
        (folder / "precious").touch()
    (known / MARKER).touch()
    registry.save(Record(entry=ENTRY))
    assert registry.sweep() == []
    clear_folder(foreign)
    assert (known / "precious").exists()
    assert (foreign / "precious").exists()


def test_a_folder_that_is_still_written_to_is_cleared_in_the_end(
    registry: FINNInstallationRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = registry.folder("one")
    (folder / "lib").mkdir(parents=True)
    (folder / MARKER).touch()
    real = shutil.rmtree
    calls: list[Path] = []

    def busy_once(path: Path) -> None:
        calls.append(path)
        if len(calls) == 1:
            raise OSError(39, "Directory not empty")
        real(path)

    monkeypatch.setattr("shutil.rmtree", busy_once)
    monkeypatch.setattr(registry_module, "_PAUSE_S", 0)
    clear_folder(folder)
    assert len(calls) == 2
    assert not folder.exists()


def test_a_folder_that_cannot_be_cleared_stays_marked(
    registry: FINNInstallationRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = registry.folder("one")
    (folder / "lib").mkdir(parents=True)
    (folder / MARKER).touch()

    def busy(path: Path) -> None:
        raise OSError(39, "Directory not empty")

    monkeypatch.setattr("shutil.rmtree", busy)
    monkeypatch.setattr(registry_module, "_PAUSE_S", 0)
    with pytest.raises(OSError, match="not empty"):
        clear_folder(folder)
    assert (folder / MARKER).exists()


@pytest.mark.parametrize(
    ("name", "path", "profile", "command"),
    [
        ("finn-plus-1.6.1", "/x/finn-plus-1.6.1", "small", "brainsmith finn install 1.6.1"),
        ("finn-plus-1.6.1-full", "/x/finn-plus-1.6.1-full", "full", "brainsmith finn install 1.6.1 --full"),
        ("one", "/x/one", "small", "brainsmith finn install 1.6.1 --name one"),
        ("one", "/y", "small", "brainsmith finn install 1.6.1 --name one --path /y"),
    ],
)
def test_the_command_that_installs_it_again_is_known(name: str, path: str, profile: str, command: str) -> None:
    assert attrs.evolve(ENTRY, name=name, path=Path(path), profile=profile).install_command == command
