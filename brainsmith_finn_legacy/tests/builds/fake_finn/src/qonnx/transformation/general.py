"""Transformations."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper


class GiveUniqueNodeNames:
    """Name the nodes after their operators."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix

    def apply(self, model: ModelWrapper) -> ModelWrapper:
        """Return the model with new names."""
        for index, node in enumerate(model.graph.node):
            node.name = f"{self.prefix}{node.op_type}_{index}"
        return model


class Fails:
    """Fail."""

    def apply(self, model: ModelWrapper) -> ModelWrapper:
        """Raise."""
        raise RuntimeError("this transformation fails")
