"""Access to the attributes of a node."""

from __future__ import annotations

from typing import Any


class _Layer:
    def __init__(self, node: Any) -> None:
        self.onnx_node = node

    def get_nodeattr_types(self) -> dict[str, Any]:
        return dict.fromkeys(self.onnx_node.attributes, ("i", False, 0))

    def get_nodeattr(self, name: str) -> Any:
        return self.onnx_node.attributes[name]

    def set_nodeattr(self, name: str, value: Any) -> None:
        self.onnx_node.attributes[name] = value


def getCustomOp(node: Any) -> _Layer:  # noqa: N802 - QONNX calls it so
    """Return the object that gives access to a node's attributes."""
    return _Layer(node)
