"""Preprocessing steps: one that was run before with all that it reads the same isn't run again."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from ...context import StepContext, StepOutcome
from ...formats.json_values import JSONValue
from ...formats.serialization import from_data, to_data
from ...plugins.manager import Offer
from ...records import StepSpec
from ...store import ContentStore, DamagedEntry, Entry, StoreError
from ..workspace import file_digest
from .build_key import digest_of, plugin_code
from .code_digest import named_files, packages_digest
from .folder_files import NotReusableError, put_files, restore_files
from .step_reads import StepReads

__all__ = ["KIND", "StepCache"]

#: The kind of the store's entries for preprocessing steps.
KIND = "preprocessing"
_FORMAT = 1
_NAME = "outcome"
#: What of a configuration is no matter of a step, or is told to it in another way.
_PLACE = ("model_path", "output_dir")

_log = logging.getLogger("brainsmith")

State = dict[str, tuple[int, int]]


@attrs.frozen
class StepCache:
    """The stored outcome of one step.

    Args:
        store: where it is, or will be.
        context: what the step is given.
        name: the step's place and name, such as `01_fold`.
        plain: the key where the step doesn't look at the configuration.
        full: the key where it does.
    """

    store: ContentStore
    context: StepContext
    name: str
    plain: str
    full: str

    @classmethod
    def of(cls, root: Path, offer: Offer[StepSpec], context: StepContext, name: str) -> StepCache | None:
        """Return the place of a step's outcome, or None if what decides it can't be told."""
        files, code = named_files(context.parameters), plugin_code([offer.plugin], offer.record.target)
        if files is None or code is None:
            return None
        try:
            store = ContentStore(str(root))
        except StoreError as error:
            _log.warning("nothing is reused: %s", error)
            return None
        decides: dict[str, JSONValue] = {
            "format": _FORMAT,
            "step": name,
            "target": offer.record.target,
            "parameters": context.parameters,
            "settings": context.settings,
            "model": file_digest(Path(context.model_path)),
            "files": dict[str, JSONValue](files),
            "code": code,
            "packages": packages_digest(),
        }
        config = {key: value for key, value in context.config.to_dict().items() if key not in _PLACE}
        return cls(store, context, name, digest_of(decides), digest_of({**decides, "config": config}))

    @contextmanager
    def alone(self, give_up: Callable[[], bool]) -> Iterator[None]:
        """Let one of all processes run this at a time."""
        with self.store.single_flight(f"{KIND} {self.plain}", give_up):
            yield

    def restore(self) -> tuple[StepOutcome, float] | None:
        """Write the stored files into the build's folder and return the outcome and how long it took; or None."""
        for key in (self.plain, self.full):
            entry = self.store.entry(KIND, key, _NAME)
            if entry is not None and _holds(entry):
                return self._restored(entry)
        return None

    def _restored(self, entry: Entry) -> tuple[StepOutcome, float] | None:
        root, document = Path(self.context.output_dir), entry.document
        try:
            restore_files(self.store, root, document["files"])
        except DamagedEntry:  # said already; it is run again
            self.store.drop(entry)
            return None
        self.store.touch(entry)
        outcome = from_data(StepOutcome, document["outcome"], entry.path)
        found = attrs.evolve(
            outcome,
            model_path=str(root / outcome.model_path) if outcome.model_path else "",
            artifacts={name: str(root / path) for name, path in outcome.artifacts.items()},
        )
        return found, float(document["seconds"])

    def state(self) -> State:
        """Return what the files of the build's folder look like, so that it can be told which the step writes."""
        found: State = {}
        for path in Path(self.context.output_dir).rglob("*"):
            if path.is_symlink() or path.is_file():
                state = path.lstat()
                found[str(path)] = (state.st_size, state.st_mtime_ns)
        return found

    def put(self, before: State, outcome: StepOutcome, reads: StepReads, seconds: float) -> list[str]:
        """Store what a step gave; return why it can't be reused, if so.

        Args:
            before: the folder's `state` before it.
            outcome: what it gave.
            reads: what it was seen to do.
            seconds: how long it ran.
        """
        if reads.problems:
            return sorted(set(reads.problems))
        root = Path(self.context.output_dir)
        own = {str(root / name) for name in ("events.jsonl", "build.log")}
        written = [Path(name) for name, state in self.state().items() if before.get(name) != state and name not in own]
        try:
            given = _relative(outcome, root)
            files = put_files(
                self.store, root, sorted(written), [root], [Path(self.context.report_dir, f"{self.name}.log")]
            )
            document: dict[str, JSONValue] = {
                "step": self.name,
                "outcome": given,
                "files": files,
                "reads": dict[str, JSONValue](reads.files),
                "seconds": seconds,
            }
            blobs = sorted({str(item[1]) for item in files if isinstance(item, list)})
            self.store.write_entry(KIND, self.full if reads.config else self.plain, _NAME, document, blobs)
        except (NotReusableError, StoreError, OSError) as error:
            return [str(error)]
        return []


def _holds(entry: Entry) -> bool:
    """Whether the files that the step has read are as they were."""
    for name, digest in entry.document["reads"].items():
        try:
            if file_digest(Path(name)) != digest:
                return False
        except OSError:
            return False
    return True


def _relative(outcome: StepOutcome, root: Path) -> JSONValue:
    paths = [*([outcome.model_path] if outcome.model_path else []), *outcome.artifacts.values()]
    if not all(Path(path).is_relative_to(root) for path in paths):
        raise NotReusableError("it gives a file outside the build's folder")
    inside = attrs.evolve(
        outcome,
        model_path=str(Path(outcome.model_path).relative_to(root)) if outcome.model_path else "",
        artifacts={name: str(Path(path).relative_to(root)) for name, path in outcome.artifacts.items()},
    )
    data = to_data(inside)
    if str(root) in json.dumps(data):
        raise NotReusableError("its figures or warnings name the folder that they were made in")
    return data
