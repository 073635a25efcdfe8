"""Traces of steps in the store, found by the model that goes in, the step, and what the step reads.

There are two kinds of entries. `step-reads` says for a model and a step which reads a trace has; there are few of them,
one for each way that the step can take. `step` is the trace itself, filed under the values of those reads: so a look-up
costs the same, however many configurations a sweep has.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Type

from .models import DamagedModelError
from .reads import Place, current_values, differences
from .values import digest_of

__all__ = ["Found", "Traces", "group_of"]

_READS, _STEP = "step-reads", "step"
_FORMAT = 1
_SHOWN = 12


class Found(NamedTuple):
    """What the store knows of a step.

    Args:
        trace: the trace whose reads all match, or None.
        key: what a run of the step must lock: the values of its reads, as far as it is known what it reads.
        differs: without a trace: how what is read now differs from what it was in the nearest one.
        known: whether there is any trace of the step with this model.
    """

    trace: Optional[Dict[str, Any]]
    key: str
    differs: List[Dict[str, Any]]
    known: bool


class Traces:
    """The traces in a store.

    Args:
        store: a ContentStore.
        damaged: the exception by which it says that something is gone or damaged.
    """

    def __init__(self, store: Any, damaged: Type[Exception]) -> None:
        self.store = store
        self.damaged = damaged

    def read(self, digest: str) -> bytes:
        """Return a blob.

        Raises:
            DamagedModelError: if it is gone, or damaged; the store has dropped it then.
        """
        try:
            return bytes(self.store.read(digest))
        except self.damaged as error:
            raise DamagedModelError(str(error)) from error

    def find(self, group: str, place: Place) -> Found:
        """Return the trace of a step that matches what it would read now."""
        nearest: Optional[List[Dict[str, Any]]] = None
        key = group
        shapes = self.store.entries(_READS, group)
        for shape in shapes:
            reads = shape.document["reads"]
            values = current_values(place, [read[:2] for read in reads])
            if values is None:
                continue
            key = _key(group, values)
            for entry in self.store.entries(_STEP, key):
                if entry.document.get("format") == _FORMAT and entry.document["reads"] == values:
                    self.store.touch(entry)
                    self.store.touch(shape)
                    return Found(entry.document, key, [], True)
            differs = differences(values, reads)
            if nearest is None or len(differs) < len(nearest):
                nearest = differs
        return Found(None, key, (nearest or [])[:_SHOWN], bool(shapes))

    def write(self, group: str, trace: Dict[str, Any], blobs: List[str]) -> str:
        """Store a trace, whose blobs are in the store already; return where it is filed."""
        reads = trace["reads"]
        key = _key(group, reads)
        self.store.write_entry(_STEP, key, "trace", {"format": _FORMAT, **trace}, blobs)
        names = digest_of([read[:2] for read in reads])
        if not any(shape.name == names for shape in self.store.entries(_READS, group)):
            self.store.write_entry(_READS, group, names, {"step": trace["step"], "reads": reads}, [])
        return key


def _key(group: str, values: List[List[Any]]) -> str:
    return digest_of([group, values])


def group_of(step: Any, model: List[Any]) -> str:
    """Return where all traces of a step with a model are filed."""
    return digest_of([step, model])
