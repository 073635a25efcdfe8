"""A chain of steps through the cache makes what it makes without: for random steps and random configurations."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import random
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainsmith_core.store import ContentStore, DamagedEntry
from brainsmith_finn_legacy.finn_tasks.incremental import DamagedModelError, Engine, Model, StepTask
from brainsmith_finn_legacy.finn_tasks.incremental.traces import Traces

InChild = Callable[[Callable[[], Any]], Any]


class Proto:
    """What stands for a protobuf; it counts how often one is parsed."""

    parsed = 0

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.graph = self
        self.node: list[Any] = []

    def SerializeToString(self, deterministic: bool = False) -> bytes:  # noqa: N802 - as protobuf has it
        return json.dumps(self.data, sort_keys=True).encode()

    @classmethod
    def FromString(cls, content: bytes) -> Proto:  # noqa: N802 - as protobuf has it
        cls.parsed += 1
        return cls(json.loads(content))


class Wrapper:
    """What stands for FINN's ModelWrapper."""

    def __init__(self, proto: Proto) -> None:
        self._model_proto = proto
        self.fix_float64 = False

    @property
    def graph(self) -> Proto:
        """The graph."""
        return self._model_proto

    @property
    def data(self) -> dict[str, Any]:
        """The content."""
        return self._model_proto.data

    def save(self, path: str) -> None:
        """Write it into a file."""
        Path(path).write_bytes(self._model_proto.SerializeToString())


@dataclasses.dataclass
class Config:
    """A configuration."""

    output_dir: str
    a: int = 0
    b: int | None = None
    c: str = "x"
    many: list[int] = dataclasses.field(default_factory=list)
    file: str | None = None

    def both(self) -> str:
        """Read two fields, the second one only sometimes."""
        return f"{self.a}" if self.a % 2 else f"{self.a} {self.b}"


Operation = tuple[Any, ...]


class Interpreter:
    """A step that is a list of operations; all that it learns goes into the model, and some of it into files."""

    def __init__(self, operations: list[Operation]) -> None:
        self.operations = operations

    def __call__(self, model: Wrapper, cfg: Any) -> Wrapper:
        """Run the operations."""
        learned = [model.data.get("learned", "")]
        learned += [str(getattr(self, name)(model, cfg, *rest)) for name, *rest in self.operations]
        model.data["learned"] = hashlib.sha256("|".join(learned).encode()).hexdigest()
        return model

    def read(self, model: Wrapper, cfg: Any, name: str) -> Any:
        return getattr(cfg, name, "absent")

    def ask(self, model: Wrapper, cfg: Any, name: str) -> bool:
        return hasattr(cfg, name)

    def both(self, model: Wrapper, cfg: Any) -> str:
        return str(cfg.both())

    def branch(self, model: Wrapper, cfg: Any, name: str, other: str) -> Any:
        return getattr(cfg, other) if getattr(cfg, name) else None

    def everything(self, model: Wrapper, cfg: Any) -> str:
        return str(sorted((name, value) for name, value in dataclasses.asdict(cfg).items() if name != "output_dir"))

    def content(self, model: Wrapper, cfg: Any) -> str:
        return Path(cfg.file).read_text() if cfg.file else "none"

    def variable(self, model: Wrapper, cfg: Any) -> str | None:
        return os.environ.get("COLOUR")

    def write(self, model: Wrapper, cfg: Any, name: str, field: str) -> None:
        path = Path(cfg.output_dir, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{getattr(cfg, field)}")

    def append(self, model: Wrapper, cfg: Any, name: str) -> None:
        with Path(cfg.output_dir, name).open("a") as file:
            file.write("+")

    def path_in_file(self, model: Wrapper, cfg: Any, name: str) -> None:
        Path(cfg.output_dir, name).write_text(f"it is in {cfg.output_dir}")

    def remove(self, model: Wrapper, cfg: Any, name: str) -> None:
        path = Path(cfg.output_dir, name)
        if path.exists():
            path.unlink()

    def look(self, model: Wrapper, cfg: Any, name: str) -> str:
        path = Path(cfg.output_dir, name)
        return path.read_text() if path.exists() else "missing"

    def listing(self, model: Wrapper, cfg: Any) -> list[str]:
        return sorted(os.listdir(cfg.output_dir))

    def set(self, model: Wrapper, cfg: Any, name: str, value: int) -> None:
        setattr(cfg, name, value)

    def extend(self, model: Wrapper, cfg: Any) -> None:
        cfg.many.append(len(cfg.many))

    def say(self, model: Wrapper, cfg: Any) -> None:
        print(f"a is {cfg.a}")
        logging.getLogger("finn").warning("in %s", cfg.output_dir)

    def chance(self, model: Wrapper, cfg: Any) -> float:
        return random.random()

    def forget(self, model: Wrapper, cfg: Any) -> None:
        model.data.pop("learned", None)

    def hide(self, model: Wrapper, cfg: Any) -> None:
        model.__dict__["hidden"] = [cfg.a]


FIELDS = st.sampled_from(["a", "b", "c", "many", "unknown"])
KNOWN = st.sampled_from(["a", "b", "c"])
FILES = st.sampled_from(["one.txt", "report/two.txt"])
TOP = st.just("one.txt")
OPERATIONS = st.one_of(
    st.tuples(st.just("read"), FIELDS),
    st.tuples(st.just("ask"), FIELDS),
    st.tuples(st.just("branch"), KNOWN, KNOWN),
    st.tuples(st.just("write"), FILES, KNOWN),
    st.tuples(st.just("append"), TOP),
    st.tuples(st.just("path_in_file"), TOP),
    st.tuples(st.just("remove"), FILES),
    st.tuples(st.just("look"), FILES),
    st.tuples(st.just("set"), KNOWN, st.integers(0, 2)),
    st.sampled_from(
        [
            *(("both",), ("everything",), ("content",), ("variable",), ("listing",), ("extend",), ("say",)),
            *(("chance",), ("forget",), ("hide",)),
        ]
    ),
)
STEPS = st.lists(st.lists(OPERATIONS, max_size=4), min_size=1, max_size=5)
FLAGS = st.fixed_dictionaries(
    {
        "a": st.integers(0, 3),
        "b": st.sampled_from([None, 0, 1]),
        "c": st.sampled_from(["x", "y"]),
        "many": st.lists(st.integers(0, 1), max_size=2),
        "file": st.sampled_from([None, "f1", "f2", "f1-again"]),
        "colour": st.sampled_from([None, "red"]),
        "model": st.sampled_from(["m", "n"]),
    }
)


class Chains:
    """Runs chains of steps in folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.store = ContentStore(str(folder / "store"))
        for name, text in (("f1", "one"), ("f2", "two"), ("f1-again", "one")):
            (folder / name).write_text(text)
        self.records: list[dict[str, Any]] = []
        self.output = ""

    def run(self, steps: list[Any], flags: dict[str, Any], *, cached: bool = True, environment: str = "env") -> Any:
        """Run steps and return everything that came of them."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        given = dict(flags)
        colour = given.pop("colour", None)
        if colour is None:
            os.environ.pop("COLOUR", None)
        else:
            os.environ["COLOUR"] = colour
        model: Any = Wrapper(Proto({"model": given.pop("model", "m")}))
        if given.get("file"):
            given["file"] = str(self.folder / given["file"])
        config = Config(str(self.out), **{**given, "many": list(given.get("many", []))})
        traces = Traces(self.store, DamagedEntry) if cached else None
        engine = Engine(traces, environment, str(self.folder / "build"), [], self.note)
        self.records = []
        self.said: list[str] = []
        sys.stdout = self
        try:
            for step in steps:
                done = engine.run(self.task(step), model, config)
                model = done.model
                self.records.append(done.record)
        finally:
            sys.stdout = sys.__stdout__
        model.save(str(self.folder / "final"))
        left = {name: value for name, value in vars(config).items() if name not in ("output_dir", "file")}
        return self.files(), (self.folder / "final").read_bytes(), left, self.said

    @staticmethod
    def task(step: Any) -> StepTask:
        """Return the task of a step."""
        if isinstance(step, StepTask):
            return step
        name = f"step_{hashlib.sha256(repr(step).encode()).hexdigest()[:8]}"
        interpreter = Interpreter([tuple(operation) for operation in step])
        return StepTask(name, lambda model, cfg: (interpreter(model, cfg), {}), {"operations": repr(step)})

    def files(self) -> dict[str, bytes | None]:
        """Return all files with their contents, and all folders."""
        found = sorted(self.out.rglob("*"))
        return {str(path.relative_to(self.out)): path.read_bytes() if path.is_file() else None for path in found}

    def note(self, event: dict[str, Any]) -> None:
        """Take an event."""

    def write(self, text: str) -> None:
        """Take what is printed."""
        self.said.append(text)

    def flush(self) -> None:
        """Do nothing."""

    @property
    def reused(self) -> list[bool]:
        """Which of the last chain's steps were reused."""
        return [record["reused"] for record in self.records]


@pytest.fixture
def chains(tmp_path: Path) -> Chains:
    """A store, and folders."""
    return Chains(tmp_path)


def test_random_pairs_through_the_cache_equal_runs_without(in_child: InChild, tmp_path: Path) -> None:
    def check_all() -> tuple[int, int, int]:
        counts = [0, 0, 0]
        chains = Chains(tmp_path)

        @settings(max_examples=250, suppress_health_check=list(HealthCheck), deadline=None, database=None)
        @given(STEPS, FLAGS, FLAGS)
        def check(steps: list[Any], first: dict[str, Any], second: dict[str, Any]) -> None:
            for flags in (first, second, first):
                expected = chains.run(steps, flags, cached=False)
                assert chains.run(steps, flags) == expected
                counts[1] += sum(chains.reused)
                counts[2] += len(chains.reused)
            counts[0] += 1

        check()
        return counts[0], counts[1], counts[2]

    pairs, reused, steps = in_child(check_all)
    assert pairs >= 200
    assert 0 < reused < steps


READ_A = [["read", "a"]]


@pytest.mark.parametrize(
    ("operations", "changed", "reused"),
    [
        ([("read", "a")], {"a": 1}, False),
        ([("read", "a")], {"b": 1}, True),
        ([("both",)], {"b": 1}, False),
        ([("ask", "unknown")], {"a": 1}, True),
        ([("branch", "a", "b")], {"b": 1}, True),
        ([("everything",)], {"c": "y"}, False),
        ([("everything",)], {"file": "f1-again"}, False),
        ([("read", "many")], {"many": [1]}, False),
        ([("content",)], {"file": "f2"}, False),
        ([("content",)], {"file": "f1-again"}, True),
        ([("content",)], {"file": None}, False),
        ([("read", "c")], {"file": "f2"}, True),
        ([("variable",)], {"colour": "red"}, False),
        ([("read", "a")], {"colour": "red"}, True),
        ([("read", "a")], {"model": "n"}, False),
        ([("hide",)], {}, False),
        ([("chance",)], {}, True),
    ],
)
def test_what_a_step_reads_decides_and_nothing_else(
    in_child: InChild, chains: Chains, operations: list[Operation], changed: dict[str, Any], reused: bool
) -> None:
    flags = {"file": "f1", "model": "m"}

    def run() -> list[bool]:
        chains.run([operations], flags)
        chains.run([operations], {**flags, **changed})
        return chains.reused

    assert in_child(run) == [reused]


def test_another_finn_and_another_step_change_the_key(in_child: InChild, chains: Chains) -> None:
    def run() -> list[list[bool]]:
        found = []
        for steps, environment in (([READ_A], "env"), ([READ_A], "env"), ([READ_A], "other"), ([[("both",)]], "env")):
            chains.run(steps, {}, environment=environment)
            found.append(chains.reused)
        return found

    assert in_child(run) == [[False], [True], [False], [False]]


def test_a_chain_of_reused_steps_doesn_t_load_the_model(in_child: InChild, chains: Chains) -> None:
    steps = [[("read", "a")], [("read", "b")], [("read", "c")]]

    def run() -> tuple[int, int]:
        chains.run(steps, {})
        Proto.parsed = 0
        chains.run(steps, {})
        none = Proto.parsed
        chains.run(steps, {"c": "y"})
        return none, Proto.parsed

    assert in_child(run) == (0, 1)


def test_configurations_that_come_to_the_same_model_share_what_follows(in_child: InChild, chains: Chains) -> None:
    steps = [[("branch", "a", "c"), ("forget",)], [("read", "b")], [("say",)]]

    def run() -> list[bool]:
        plain = StepTask("step_same", lambda model, cfg: (Wrapper(Proto({"a": cfg.a > 0})), {}), {})
        chains.run([plain, *steps[1:2]], {"a": 1})
        chains.run([plain, *steps[1:2]], {"a": 2})
        return chains.reused

    assert in_child(run) == [False, True]


def test_a_path_in_what_a_step_makes_binds_it_to_that_folder(in_child: InChild, chains: Chains, tmp_path: Path) -> None:
    def run() -> list[list[bool]]:
        found = []
        for operation in ("path_in_file", "look"):
            for folder in ("out", "out", "elsewhere"):
                chains.out = tmp_path / folder
                chains.run([[(operation, "one.txt")]], {})
                found.append(chains.reused)
        return found

    assert in_child(run) == [[False], [True], [False], [False], [True], [True]]


def test_the_record_says_which_read_differed(in_child: InChild, chains: Chains) -> None:
    def run() -> list[dict[str, Any]]:
        chains.run([READ_A], {"a": 1})
        first = chains.records[0]
        chains.run([READ_A], {"a": 2})
        return [first, chains.records[0]]

    first, second = in_child(run)
    assert first["reasons"] == ["no trace of this step with this model"]
    assert second["differs"] == [{"read": "field a", "now": 2, "then": 1}]
    assert [first["stored"], second["stored"]] == [True, True]
    assert first["group"] == second["group"]


def test_a_long_sweep_looks_up_as_fast_as_a_short_one(in_child: InChild, chains: Chains) -> None:
    def run() -> int:
        for value in range(30):
            chains.run([READ_A], {"a": value})
        shapes = [len(chains.store.entries("step-reads", group)) for group in chains.store.groups("step-reads")]
        return max(shapes)

    # One for all values; Python's own first reads (a module, a variable) may give the first point another.
    assert in_child(run) <= 2


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_model_is_dropped_and_the_build_told_to_start_again(
    in_child: InChild, chains: Chains, damage: str
) -> None:
    steps = [READ_A, [("read", "b")]]

    def run() -> list[Any]:
        expected = chains.run(steps, {})
        for path in list(Path(chains.store.blobs).rglob("*")):
            if path.is_file() and damage == "gone":
                path.unlink()
            elif path.is_file():
                path.chmod(0o644)
                path.write_bytes(path.read_bytes()[:-1])
        chains.store.warn = lambda text: None
        again = 0
        while True:
            try:
                found = chains.run(steps, {})
                return [found == expected, again]
            except DamagedModelError:
                again += 1

    # The last model is needed for the result, then the one before it to make it again.
    assert in_child(run) == [True, 2 if damage == "cut" else 0]


def test_a_full_disk_doesn_t_harm_the_build(in_child: InChild, chains: Chains) -> None:
    def run() -> list[str]:
        def refuse(content: bytes) -> str:
            raise OSError(28, "No space left on device")

        expected = chains.run([READ_A], {}, cached=False)
        chains.store.put_bytes = refuse  # type: ignore[method-assign, assignment] # that is the fault
        assert chains.run([READ_A], {}) == expected
        return list(chains.records[0]["reasons"])

    assert "No space left" in in_child(run)[-1]


def test_links_and_endless_output_are_reasons_not_to_reuse(in_child: InChild, chains: Chains) -> None:
    def link(model: Any, cfg: Any) -> Any:
        os.symlink("nowhere", os.path.join(cfg.output_dir, "link"))
        return model, {}

    def talk(model: Any, cfg: Any) -> Any:
        for _ in range(200):
            print("x" * 10_000)
        return model, {}

    def note(model: Any, cfg: Any) -> Any:
        return model, {"object": object()}

    def run() -> list[str]:
        found = []
        for body in (link, talk, note):
            chains.run([StepTask("step_odd", body, {"body": body.__name__})], {})
            found.append(chains.records[0]["reasons"][-1])
        return found

    reasons = in_child(run)
    assert reasons[0] == "it makes a link or special file: link"
    assert reasons[1] == "it prints more than can be kept"
    assert reasons[2].startswith("its notes or events are no data")


def test_two_builds_at_once_run_a_step_once(in_child: InChild, chains: Chains, tmp_path: Path) -> None:
    def slow(model: Any, cfg: Any) -> Any:
        threading.Event().wait(0.3)
        return model, {}

    def run() -> list[bool]:
        children = []
        for number in range(3):
            child = os.fork()
            if not child:
                chains.out = tmp_path / f"out{number}"
                chains.folder = tmp_path / f"folder{number}"
                chains.folder.mkdir()
                chains.run([StepTask("step_slow", slow, {})], {})
                os._exit(chains.reused[0])
            children.append(child)
        return sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1 for child in children)

    assert in_child(run) == [False, True, True]


# The user's own code


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Write modules of a user and import one of them afresh."""
    import importlib

    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "code").mkdir()

    def load(name: str, **sources: str) -> ModuleType:
        for each, text in sources.items():
            (tmp_path / "code" / f"{each}.py").write_text(text)
        for each in [each for each in sys.modules if each.startswith("userland_")]:
            del sys.modules[each]
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return load


STEP = "import userland_helper\n\ndef step(model, cfg):\n    return userland_helper.change(model, cfg)\n"
HELPER = "def change(model, cfg):\n    model.data['x'] = {}\n    return model\n"


def test_a_user_s_step_counts_by_its_source_and_that_of_what_it_uses(
    in_child: InChild, chains: Chains, user_module: Callable[..., ModuleType]
) -> None:
    versions = [
        {"userland_step": STEP, "userland_helper": HELPER.format(1)},
        {"userland_step": STEP, "userland_helper": HELPER.format(1)},
        {"userland_step": STEP, "userland_helper": HELPER.format(2)},
        {"userland_step": STEP + "# more\n", "userland_helper": HELPER.format(1)},
        {"userland_step": STEP, "userland_helper": HELPER.format(1), "userland_other": "x = 1\n"},
    ]

    def run() -> list[list[bool]]:
        found = []
        for sources in versions:
            module = user_module("userland_step", **sources)
            chains.run([StepTask("step", lambda model, cfg: (module.step(model, cfg), {}), {}, (module,))], {})  # noqa: B023 - it is called at once
            found.append(chains.reused)
        return found

    assert in_child(run) == [[False], [True], [False], [False], [True]]


def test_the_name_of_the_output_folder_in_a_user_s_report_binds_it_to_that_folder(
    in_child: InChild, chains: Chains, user_module: Callable[..., ModuleType], tmp_path: Path
) -> None:
    text = (
        "import os\n\ndef step(model, cfg):\n    with open(os.path.join(cfg.output_dir, 'r.txt'), 'w') as file:\n"
        "        file.write({})\n    return model\n"
    )

    def run() -> list[list[bool]]:
        found = []
        for written in ("'plain'", "os.path.basename(cfg.output_dir)"):
            module = user_module("userland_step", userland_step=text.format(written))
            for folder in ("first_place", "second_place", "second_place"):
                chains.out = tmp_path / folder
                task = StepTask("step", lambda model, cfg: (module.step(model, cfg), {}), {}, (module,))  # noqa: B023 - it is called at once
                chains.run([task], {})
                found.append(chains.reused)
        return found

    assert in_child(run) == [[False], [True], [True], [False], [False], [True]]


def test_models_without_one_protobuf_are_never_reused(in_child: InChild, chains: Chains) -> None:
    engine = Engine(Traces(chains.store, DamagedEntry), "env", "", [], chains.note)
    done = engine.run(StepTask("step", lambda model, cfg: (model, {}), {}), _Bare(), Config(str(chains.out)))
    assert done.record["reasons"] == ["a _Bare isn't a wrapper around one protobuf"]
    assert isinstance(done.model, Model)


class _Bare:
    """A model that nobody knows how to write."""
