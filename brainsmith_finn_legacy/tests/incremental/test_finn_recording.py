"""What a step reads is recorded, however it reads it."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import enum
import os
import pickle
import random
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from brainsmith_finn_legacy.finn_tasks.incremental.configuration import (
    recording,
    restore_fields,
    states,
    written_fields,
)
from brainsmith_finn_legacy.finn_tasks.incremental.observation import Observation
from brainsmith_finn_legacy.finn_tasks.incremental.own import Own
from brainsmith_finn_legacy.finn_tasks.incremental.reads import ABSENT, Place, Reads
from brainsmith_finn_legacy.finn_tasks.incremental.values import OpaqueValueError, canonical, decode, encode
from brainsmith_finn_legacy.finn_tasks.incremental.watch import watch


class Style(str, enum.Enum):  # noqa: UP042 - as FINN has them
    """A choice, as FINN has them."""

    HLS = "hls"
    RTL = "rtl"


@dataclasses.dataclass
class Config:
    """A configuration, as FINN has it."""

    output_dir: str
    target_fps: int | None = None
    clock: float = 10.0
    style: Style = Style.HLS
    outputs: list[Any] = dataclasses.field(default_factory=list)
    folding_file: str | None = None
    board: str | None = None
    limit: ClassVar[int] = 36

    def cycles(self) -> float | None:
        """Read two fields."""
        return None if self.target_fps is None else 1e9 / self.clock / self.target_fps

    @property
    def period(self) -> float:
        """Read one field."""
        return self.clock


class Recorded:
    """A configuration under record."""

    def __init__(self, config: Any, build_dir: str = "/nowhere/build") -> None:
        self.place = Place(config, build_dir)
        self.reads = Reads()
        self.written: set[str] = set()
        self.before = states(config)
        self.config = recording(self.place, self.reads, self.written)

    @property
    def fields(self) -> dict[str, Any]:
        """What was read of the configuration."""
        return {name: value for (kind, name), value in self.reads.values.items() if kind == "field"}

    def changes(self) -> tuple[dict[str, Any], list[str]]:
        """Return what was written, and what can't be restored of it."""
        problems: list[str] = []
        return written_fields(self.place.config, self.before, self.written, problems), problems


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration."""
    (tmp_path / "out").mkdir()
    return Config(output_dir=str(tmp_path / "out"), target_fps=1000, outputs=[Style.RTL])


ALL = {"output_dir", "target_fps", "clock", "style", "outputs", "folding_file", "board"}


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda cfg: cfg.target_fps, {"target_fps"}),
        (lambda cfg: getattr(cfg, "no_such_field", 3), {"no_such_field"}),
        (lambda cfg: hasattr(cfg, "mlo"), {"mlo"}),
        (lambda cfg: hasattr(cfg, "clock"), {"clock"}),
        (lambda cfg: cfg.limit, {"limit"}),
        (lambda cfg: cfg.cycles(), {"target_fps", "clock"}),
        (lambda cfg: type(cfg).cycles(cfg), {"target_fps", "clock"}),
        (lambda cfg: cfg.period, {"clock"}),
        (lambda cfg: Style.RTL in cfg.outputs, {"outputs"}),
        (lambda cfg: isinstance(cfg, Config), set()),
        (lambda cfg: cfg.__class__, set()),
        (lambda cfg: dataclasses.asdict(cfg), ALL),
        (lambda cfg: vars(cfg)["clock"], ALL),
        (lambda cfg: list(cfg.__dict__), ALL),
        (lambda cfg: dir(cfg), ALL),
        (lambda cfg: copy.copy(cfg), ALL),
        (lambda cfg: copy.deepcopy(cfg), ALL),
        (lambda cfg: pickle.dumps(cfg), ALL),
        (lambda cfg: dataclasses.replace(cfg, clock=3.0), ALL - {"clock"}),
        (lambda cfg: repr(cfg), ALL),
        (lambda cfg: cfg == Config("x"), ALL),
    ],
)
def test_every_way_to_read_a_field_is_recorded(config: Config, read: Callable[[Any], Any], expected: set[str]) -> None:
    recorded = Recorded(config)
    read(recorded.config)
    assert set(recorded.fields) == expected
    assert recorded.changes() == ({}, [])


def test_copies_are_of_the_configuration_s_own_class_and_independent(config: Config) -> None:
    recorded = Recorded(config)
    shallow, deep = copy.copy(recorded.config), copy.deepcopy(recorded.config)
    replaced = dataclasses.replace(recorded.config, clock=3.0)
    unpickled = pickle.loads(pickle.dumps(recorded.config))
    assert type(deep) is type(replaced) is type(unpickled) is Config
    assert deep == unpickled == config
    shallow.clock = 5.0
    deep.outputs.append(Style.HLS)
    assert (config.clock, config.outputs, shallow.clock) == (10.0, [Style.RTL], 5.0)
    del shallow.clock
    assert config.clock == 10.0


def test_a_missing_field_and_a_present_one_have_different_values(config: Config) -> None:
    recorded = Recorded(config)
    assert not hasattr(recorded.config, "mlo")
    assert recorded.fields["mlo"] == ABSENT
    config.mlo = None  # type: ignore[attr-defined] # another version of FINN has it
    assert recorded.place.current("field", "mlo") is None


def test_the_output_folder_counts_only_as_a_place(config: Config) -> None:
    recorded = Recorded(config)
    assert recorded.config.output_dir == config.output_dir
    elsewhere = Place(dataclasses.replace(config, output_dir="/elsewhere"), "")
    assert recorded.fields["output_dir"] == elsewhere.current("field", "output_dir")
    assert elsewhere.current("exact", "output_dir") == "/elsewhere"


def test_a_file_counts_by_content_and_not_by_its_place(config: Config, tmp_path: Path) -> None:
    one, same, other = tmp_path / "one.json", tmp_path / "same.json", tmp_path / "other.json"
    for path, text in ((one, "{}"), (same, "{}"), (other, "{ }")):
        path.write_text(text)
    values = [
        Place(dataclasses.replace(config, folding_file=str(path)), "").current("field", "folding_file")
        for path in (one, same, other)
    ]
    assert values[0] == values[1] != values[2]
    missing = Place(dataclasses.replace(config, folding_file=str(tmp_path / "none.json")), "")
    assert missing.current("field", "folding_file") == str(tmp_path / "none.json")


def test_writes_are_seen_and_can_be_repeated(config: Config) -> None:
    recorded = Recorded(config)
    recorded.config.board = "Ultra96"
    recorded.config.outputs.append(Style.HLS)
    recorded.config.added = Path("x")
    del recorded.config.clock
    vars(recorded.config)["target_fps"] = 7
    changes, problems = recorded.changes()
    assert problems == []
    assert set(changes) == {"board", "outputs", "added", "clock", "target_fps"}
    again = Config(config.output_dir, target_fps=1000, outputs=[Style.RTL])
    restore_fields(again, changes, decode)
    assert vars(again) == vars(config)
    assert recorded.config.board == "Ultra96"
    assert "board" not in recorded.fields  # it was the step's own value


def test_what_is_no_data_is_named(config: Config) -> None:
    config.outputs = [object()]
    recorded = Recorded(config)
    _ = recorded.config.outputs
    assert recorded.reads.opaque == ["it reads outputs, which is no data but a object"]
    recorded.config.board = object()
    assert recorded.changes()[1] == ["it writes board, which is no data"]


@pytest.mark.parametrize(
    "value",
    [None, True, 1, 1.5, "x", "é", Style.RTL, Path("a/b"), [1, [2]], (1, 2), {"a": [Style.HLS]}, {}, float("inf")],
)
def test_values_come_back_equal_and_of_their_type(value: Any) -> None:
    back = decode(encode(value))
    assert (type(back), back) == (type(value), value)


def test_values_of_different_types_are_different() -> None:
    values = [1, 1.0, True, "1", Style.HLS, "hls", Path("hls"), [1], (1,), None, "", []]
    assert len({canonical(encode(value)) for value in values}) == len(values)


def test_steps_and_objects_can_t_be_decoded_or_encoded() -> None:
    def step() -> None: ...

    with pytest.raises(OpaqueValueError):
        encode(step)
    step.brainsmith_identity = "step 1"  # type: ignore[attr-defined] # as ours have
    assert encode([step]) == {"list": [{"step": "step 1"}]}
    with pytest.raises(OpaqueValueError):
        decode(encode(step))


# What happens outside the configuration


class Seen:
    """What was seen of a function, as data."""

    def __init__(self, config: Config, function: Callable[[], Any], build_dir: str) -> None:
        reads = Reads()
        observation = Observation(Place(config, build_dir), reads, Own([]))
        with watch(observation):
            function()
        self.reads = {(kind, name): value for kind, name, value in reads.listed()}
        self.problems = observation.problems
        self.written = observation.written

    def __getstate__(self) -> dict[str, Any]:
        return vars(self)


@pytest.fixture
def see(in_child: Callable[[Callable[[], Any]], Any], config: Config, tmp_path: Path) -> Callable[..., Seen]:
    """Watch a function, in a process of its own."""
    return lambda function: in_child(lambda: Seen(config, function, str(tmp_path / "build")))


def test_files_outside_count_by_content(see: Callable[..., Seen], tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_text("a")
    one = see(path.read_text).reads
    path.write_text("b")
    two = see(lambda: open(path, "rb").close()).reads
    three = see(lambda: os.close(os.open(path, os.O_RDONLY))).reads
    assert one["file", str(path)] != two["file", str(path)] == three["file", str(path)]
    path.unlink()

    def look() -> None:
        with pytest.raises(FileNotFoundError):
            path.read_text()

    missing = see(look)
    assert missing.reads["file", str(path)] is None
    assert missing.problems == []


def test_files_in_the_output_folder_are_named_relative_to_it(see: Callable[..., Seen], config: Config) -> None:
    path = Path(config.output_dir, "report.json")
    path.write_text("a")
    seen = see(lambda: (path.read_text(), path.write_text("b"), path.read_text()))
    assert ("output", "report.json") in seen.reads
    assert seen.written == {"report.json"}
    assert seen.problems == []


def test_what_a_step_wrote_itself_is_no_read(see: Callable[..., Seen], config: Config) -> None:
    path = Path(config.output_dir, "report.json")
    seen = see(lambda: (path.write_text("b"), path.read_text()))
    assert not any(kind == "output" for kind, _ in seen.reads)


@pytest.mark.parametrize("mode", ["a", "r+"])
def test_a_file_that_is_changed_in_place_is_read_too(see: Callable[..., Seen], config: Config, mode: str) -> None:
    path = Path(config.output_dir, "report.json")
    path.write_text("a")
    seen = see(lambda: open(path, mode).close())
    assert ("output", "report.json") in seen.reads
    assert seen.written == {"report.json"}


def test_questions_about_files_are_reads(see: Callable[..., Seen], config: Config, tmp_path: Path) -> None:
    inside = Path(config.output_dir, "report")
    seen = see(
        lambda: (
            inside.exists(),
            os.path.isdir(tmp_path),
            os.listdir(tmp_path),
            sorted(Path(config.output_dir).iterdir()),
        )
    )
    assert seen.reads["output-stat", "report"] == "missing"
    assert seen.reads["stat", str(tmp_path)] == "folder"
    assert ("listing", str(tmp_path)) in seen.reads
    assert ("output-listing", ".") in seen.reads


def test_variables_are_reads_and_the_build_folder_counts_as_a_place(
    see: Callable[..., Seen], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINN_BUILD_DIR", str(tmp_path / "build"))
    monkeypatch.setenv("COLOUR", "red")
    seen = see(lambda: (os.environ["COLOUR"], os.getenv("ABSENT"), os.environ.get("FINN_BUILD_DIR"), "X" in os.environ))
    assert seen.reads["env", "COLOUR"] == "red"
    assert seen.reads["env", "ABSENT"] is None
    assert seen.reads["env", "X"] is None
    assert seen.reads["env", "FINN_BUILD_DIR"] == {"build_dir": True}
    assert ("environment", "") in see(lambda: dict(os.environ)).reads


def test_temporary_files_that_are_gone_again_do_no_harm(see: Callable[..., Seen]) -> None:
    def use() -> None:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a").write_text("x")
            Path(folder, "a").rename(Path(folder, "b"))
            assert Path(folder, "b").read_text() == "x"

    assert see(use).problems == []


def _leave_thread() -> None:
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda: subprocess.run(["true"], check=True), "it starts a process"),
        (lambda: os.system("true"), "it starts a process"),
        (lambda: os.waitpid(os.fork() or os._exit(0), 0), "it starts a process"),
        (lambda: socket.socket().connect_ex(("127.0.0.1", 9)), "it uses the network"),
        (lambda: os.chdir("/"), "it changes the working directory"),
        (lambda: os.environ.update(A="b"), "it changes the environment"),
        (lambda: os.urandom(4), "it uses random numbers of the operating system"),
        (uuid.uuid4, "it uses random numbers of the operating system"),
        (random.SystemRandom().random, "it uses random numbers of the operating system"),
        (random.Random, "it uses random numbers of the operating system"),
        (lambda: time.time(), "it asks for the time"),
        (lambda: time.time_ns(), "it asks for the time"),
        (_leave_thread, "it leaves a thread running"),
        (lambda: open("/dev/zero").close(), "it reads the device /dev/zero"),
    ],
)
def test_what_can_t_be_recorded_is_named(see: Callable[..., Seen], function: Callable[[], Any], problem: str) -> None:
    assert [text[: len(problem)] for text in see(function).problems] == [problem]


def test_writing_outside_is_named_with_the_file(see: Callable[..., Seen], tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.txt"
    assert see(lambda: path.write_text("x")).problems == [f"it writes outside the output folder: {path}"]
    assert see(lambda: (tmp_path / "made").mkdir()).problems == [
        f"it writes outside the output folder: {tmp_path / 'made'}"
    ]
    assert see(path.unlink).problems == ["it removes what was there, outside the output folder"]


def test_a_clock_in_c_isn_t_seen(see: Callable[..., Seen]) -> None:
    """As the reference says; what isn't seen is said there."""
    assert see(lambda: dt.datetime.now(tz=dt.UTC)).problems == []
