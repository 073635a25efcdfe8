"""Run a step, or restore what it made."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import sys
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from .configuration import is_plain, recording, restore_fields, states, written_fields
from .folder import Snapshot, changes, mode_of, read_files, restore_files, snapshot
from .hidden import note_hidden
from .models import Model, Shape
from .observation import Observation
from .own import Own
from .printed import Printed, print_again
from .reads import Place, Reads
from .sources import Fingerprint, closure, digests, loaded_since, own_digest
from .traces import Found, Traces, group_of
from .values import canonical, decode
from .watch import watch

__all__ = ["Engine", "StepTask", "seed_random"]

_MARKERS = ("\0output\0", "\0build\0")


class StepTask(NamedTuple):
    """A step of a build.

    Args:
        name: what FINN calls it.
        body: runs it on a model and a configuration; returns the model and notes, which are data.
        identity: what it is, as data.
        modules: the modules of a step of the user's own.
    """

    name: str
    body: Callable[[Any, Any], Tuple[Any, Dict[str, Any]]]
    identity: Dict[str, Any]
    modules: Tuple[Any, ...] = ()


class Done(NamedTuple):
    """What came of a step.

    Args:
        model: the model behind it.
        notes: what `body` noted, now or when it ran.
        record: how it came about, for the build's provenance.
    """

    model: Model
    notes: Dict[str, Any]
    record: Dict[str, Any]


class Engine:
    """Runs the steps of one build.

    Args:
        traces: the traces in a store, or None: then all steps run and nothing is kept.
        environment: the identity of the FINN environment.
        build_dir: FINN_BUILD_DIR of this build.
        packages: the folders of FINN and QONNX.
        emit: gets the events that steps emit, again where they aren't run.
    """

    def __init__(
        self,
        traces: Optional[Traces],
        environment: str,
        build_dir: str,
        packages: List[str],
        emit: Callable[[Dict[str, Any]], None],
    ) -> None:
        self._traces = traces
        # Sets of text are in an order that the seed of hashes decides; FINN goes through some of them.
        self._common = [environment, own_digest() if traces is not None else "", os.environ.get("PYTHONHASHSEED")]
        self._build_dir = build_dir
        self._own = Own(packages)
        self._emit = emit
        self._events: Optional[List[Dict[str, Any]]] = None
        self._shape: Optional[Shape] = None
        self._fingerprint: Optional[Fingerprint] = None
        self._users: List[List[str]] = []
        self._patched = False

    def emit(self, event: Dict[str, Any]) -> None:
        """Pass an event on; what a step emits is kept with its trace."""
        if self._events is not None:
            self._events.append(dict(event))
        self._emit(event)

    def before_imports(self) -> None:
        """Look at FINN before the user's own code is imported, which may change it."""
        if self._traces is not None:
            self._fingerprint = Fingerprint()

    def after_imports(self) -> None:
        """See what the user's own code has changed: if it changed FINN, then it counts for every step."""
        if self._fingerprint is not None:
            self._users = digests(loaded_since(self._fingerprint.names, self._own))
            self._patched = self._fingerprint.changed()

    def run(self, task: StepTask, given: Any, config: Any) -> Done:
        """Return what a step makes of a model: restored if the store has it, else made now.

        Raises:
            DamagedModelError: if a model in the store can't be loaded any more.
        """
        model = given if isinstance(given, Model) else Model.of(given)
        self._shape = self._shape or model.shape
        record: Dict[str, Any] = {"step": task.name, "reused": False, "stored": False, "reasons": [], "differs": []}
        if self._traces is None or model.problem or not is_plain(config):
            if self._traces is not None:
                record["reasons"].append(model.problem or "the configuration isn't a plain dataclass")
            seed_random(task.name, model.digest)
            started = time.perf_counter()
            result, notes = task.body(model.wrapper, config)
            record["seconds"] = round(time.perf_counter() - started, 6)
            return Done(Model.of(result), notes, record)
        place = Place(config, self._build_dir)
        group = group_of(self._identity(task, model), model.identity)
        record["group"] = group
        return self._look_up_or_run(task, model, place, group, record)

    def _look_up_or_run(self, task: StepTask, model: Model, place: Place, group: str, record: Dict[str, Any]) -> Done:
        assert self._traces is not None
        found = self._traces.find(group, place)
        with contextlib.ExitStack() as locks:
            for _ in range(3):
                done = self._restored(found, place, record)
                if done is not None:
                    return done
                key = found.key
                locks.close()
                locks.enter_context(self._traces.store.single_flight(key))
                found = self._traces.find(group, place)  # whoever had the lock may have written it
                if found.trace is None and found.key == key:
                    break
            record["differs"] = found.differs
            if not found.known:
                record["reasons"].append("no trace of this step with this model")
            return self._run(task, model, place, group, record)

    def _restored(self, found: Found, place: Place, record: Dict[str, Any]) -> Optional[Done]:
        """Return what a trace holds, put in its place; None without a trace, or if a part of it is gone."""
        trace = found.trace
        if trace is None or self._traces is None:
            return None
        names = [trace["model"]["digest"], *(file[1] for file in trace["files"])]
        if not all(self._traces.store.has(name) for name in names):
            return None
        started = time.perf_counter()
        restore_files(self._traces.read, trace, place.output)
        restore_fields(place.config, trace["writes"], decode)
        print_again(trace["output"], _marked(place))
        for event in trace["events"]:
            self._emit({**event, "reused": True})
        about = trace["model"]
        model = Model(
            None,
            digest=about["digest"],
            state=about["state"],
            about=about["about"],
            read=self._traces.read,
            shape=self._shape,
        )
        record.update(reused=True, entry=found.key, saved_s=trace["seconds"], differs=[])
        record["seconds"] = round(time.perf_counter() - started, 6)
        return Done(model, trace["notes"], record)

    def _run(self, task: StepTask, model: Model, place: Place, group: str, record: Dict[str, Any]) -> Done:
        """Run a step under observation and store its trace if all that it did could be recorded."""
        assert self._traces is not None
        wrapper = model.wrapper
        seed_random(task.name, model.digest)
        reads = Reads()
        written: Set[str] = set()
        observation = Observation(place, reads, self._own)
        before, fields = snapshot(place.output), states(place.config)
        printed = Printed(_marked(place))
        self._events = []
        config = recording(place, reads, written)
        started = time.perf_counter()
        try:
            with printed, watch(observation):
                result, notes = task.body(wrapper, config)
        finally:
            events, self._events = self._events, None
        seconds = round(time.perf_counter() - started, 6)
        made = Model.of(result)
        record["seconds"] = seconds
        problems = [*observation.problems, *reads.opaque, *([made.problem] if made.problem else [])]
        if printed.too_long:
            problems.append("it prints more than can be kept")
        trace = {
            "step": task.name,
            "input": model.digest,
            "writes": written_fields(place.config, fields, written, problems),
            "output": [list(line) for line in printed.lines],
            "events": events,
            "notes": notes,
            "seconds": seconds,
        }
        if not problems:
            what, seen = (trace, made, model), (place, reads, observation, before)
            try:
                stored = self._store_trace(task, what, seen, group, problems)
                record.update(stored=not problems, entry=stored)
            except (OSError, self._traces.damaged) as error:  # a full disk mustn't harm the build
                problems.append(f"the store can't be written: {error}")
        record["reasons"].extend(problems)
        return Done(made, notes, record)

    def _store_trace(
        self,
        task: StepTask,
        what: Tuple[Dict[str, Any], Model, Model],
        seen: Tuple[Place, Reads, Observation, Snapshot],
        group: str,
        problems: List[str],
    ) -> str:
        """Put the blobs and the trace into the store; return the trace's place, or "" with the reason in `problems`."""
        assert self._traces is not None
        trace, made, given = what
        place, reads, observation, before = seen
        changed = changes(before, snapshot(place.output), observation.written)
        if changed.links:
            problems.append(f"it makes a link or special file: {changed.links[0]}")
            return ""
        contents = [made.content, *read_files(place.output, changed.files)]
        note_hidden(place, reads, [*contents, _text_of(trace)], given.content if task.modules else None)
        if reads.opaque:
            problems.extend(reads.opaque)
            return ""
        blobs = [self._traces.store.put_bytes(content) for content in contents]
        trace["reads"] = reads.listed()
        trace["model"] = {"digest": blobs[0], "state": made.state, "about": made.about}
        trace["files"] = [[name, digest, mode_of(place.output, name)] for name, digest in zip(changed.files, blobs[1:])]
        trace["folders"], trace["removed"] = changed.folders, changed.removed
        try:
            canonical(trace)
        except (TypeError, ValueError) as error:
            problems.append(f"its notes or events are no data: {error}")
            return ""
        return self._traces.write(group, trace, sorted(set(blobs)))

    def _identity(self, task: StepTask, model: Model) -> List[Any]:
        modules = {module.__name__: module for each in task.modules for module in closure(each, self._own)}
        sources = digests([modules[name] for name in sorted(modules)])
        everything = self._users if self._patched or model.about["domains"] else []
        return [*self._common, task.name, task.identity, sources, everything]


def _marked(place: Place) -> Dict[str, str]:
    return dict(zip(_MARKERS, (str(place.config.output_dir), place.build_dir)))


def _text_of(trace: Dict[str, Any]) -> bytes:
    """Return what a trace holds beside files, for a look at the folders that are named in it."""
    data = [trace["writes"], trace["notes"], trace["events"]]
    return json.dumps(data, ensure_ascii=False, default=str).encode("utf-8", "surrogateescape")


def seed_random(step: str, digest: str) -> None:
    """Give a step the same random numbers whenever it runs on the same model, here or in another process."""
    seed = int.from_bytes(hashlib.sha256(f"{step}\0{digest}".encode()).digest()[:4], "big")
    random.seed(seed)
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)
