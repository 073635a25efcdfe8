"""Models by digest. One that was restored is loaded only when a step must run on it.

What counts of a model is its protobuf, serialised deterministically, and plain attributes of the wrapper. A wrapper
with anything else has a state in memory that no file holds, so what made it isn't reused.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any, Callable, Dict, List, Optional

from ..graph import count_hardware

__all__ = ["DamagedModelError", "Model", "Shape"]

_OWN_DOMAINS = ("", "finn.", "qonnx.", "ai.onnx", "onnx.brevitas")


class DamagedModelError(RuntimeError):
    """Something in the store is damaged or gone that a build had counted on; it has to start again without it."""


class Shape:
    """How a model is put together: the classes of the wrapper and of its protobuf, as FINN itself has made them."""

    def __init__(self, wrapper: Any) -> None:
        self.wrapper: Any = type(wrapper)
        self.name, self.proto = _protobuf(wrapper)

    def load(self, content: bytes, state: Dict[str, Any]) -> Any:
        """Return a wrapper around a model; none of the repairs that a wrapper does on opening a file are done."""
        made = self.wrapper.__new__(self.wrapper)
        made.__dict__.update(state)
        made.__dict__[self.name] = self.proto.FromString(content)
        return made


class Model:
    """A model between two steps, as FINN's builder sees it: it can be saved, and used as if it were the wrapper.

    Args:
        wrapper: the model itself, if it is in memory.
        digest: of the serialised protobuf; "" if it can't be serialised.
        state: plain attributes of the wrapper.
        about: `hardware` (layers by kind) and `domains` (of its operators that aren't FINN's).
        read: gives the serialised protobuf of a model that isn't in memory.
        shape: how to load it.
    """

    def __init__(
        self,
        wrapper: Any,
        *,
        digest: str = "",
        state: Optional[Dict[str, Any]] = None,
        about: Optional[Dict[str, Any]] = None,
        read: Optional[Callable[[str], bytes]] = None,
        shape: Optional[Shape] = None,
    ) -> None:
        self._wrapper = wrapper
        self.digest = digest
        self.state = state or {}
        self._about = about
        self._read = read
        self.shape = shape
        self.content = b""
        self.problem = ""

    @classmethod
    def of(cls, wrapper: Any) -> Model:
        """Return the model of a wrapper, with its digest."""
        model = cls(wrapper)
        try:
            model.shape = Shape(wrapper)
        except TypeError as error:
            model.problem = str(error)
            return model
        proto = vars(wrapper)[model.shape.name]
        model.state = {name: value for name, value in vars(wrapper).items() if name != model.shape.name}
        hidden = [name for name, value in model.state.items() if not _is_plain(value)]
        if hidden:
            model.problem = f"the model holds in memory what no file holds ({hidden[0]})"
        model.content = proto.SerializeToString(deterministic=True)
        model.digest = hashlib.sha256(model.content).hexdigest()
        return model

    @property
    def wrapper(self) -> Any:
        """The model itself; loaded now if it wasn't.

        Raises:
            DamagedModelError: if the store doesn't have it any more.
        """
        if self._wrapper is None:
            assert self.shape is not None
            self._wrapper = self.shape.load(self._stored(), self.state)
        return self._wrapper

    @property
    def identity(self) -> List[Any]:
        """What stands for the model in a key."""
        return [self.digest, sorted(self.state.items())]

    @property
    def about(self) -> Dict[str, Any]:
        """What is asked of a model that isn't loaded."""
        if self._about is None:
            domains = {str(node.domain) for node in self.wrapper.graph.node}
            foreign = sorted(name for name in domains if name and not name.startswith(_OWN_DOMAINS[1:]))
            self._about = {"hardware": count_hardware(self.wrapper), "domains": foreign}
        return self._about

    def save(self, path: Any) -> None:
        """Write the model into a file.

        Raises:
            DamagedModelError: if the store doesn't have it any more.
        """
        if self._wrapper is not None:
            self._wrapper.save(path)
            return
        with open(os.fspath(path), "wb") as file:
            file.write(self._stored())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.wrapper, name)

    def _stored(self) -> bytes:
        assert self._read is not None
        return self._read(self.digest)


def _protobuf(wrapper: Any) -> Any:
    held = [(name, value) for name, value in vars(wrapper).items() if hasattr(value, "SerializeToString")]
    if len(held) != 1:
        raise TypeError(f"a {type(wrapper).__name__} isn't a wrapper around one protobuf")
    return held[0][0], type(held[0][1])


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (bool, int, float, str)
