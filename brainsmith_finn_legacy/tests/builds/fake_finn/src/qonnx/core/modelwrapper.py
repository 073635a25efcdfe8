"""A model that is JSON behind the first bytes of an ONNX file: `{"nodes": [...]}`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

HEAD = b"\x08\x0a\x12\x00"


class NodeProto:
    """A node of a graph."""

    def __init__(self, **fields: Any) -> None:
        self.name: str = fields.get("name", "")
        self.op_type: str = fields["op_type"]
        self.domain: str = fields.get("domain", "")
        self.input: list[str] = fields.get("input", [])
        self.output: list[str] = fields.get("output", ["out"])
        self.attributes: dict[str, Any] = fields.get("attributes", {})


class Graph:
    """The nodes of a model."""

    def __init__(self, nodes: list[NodeProto]) -> None:
        self.node = nodes


class Transformation(Protocol):
    """What `ModelWrapper.transform` takes."""

    def apply(self, model: ModelWrapper) -> ModelWrapper:
        """Return the transformed model."""
        ...


class ModelProto:
    """What stands for the protobuf of a model."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def SerializeToString(self, deterministic: bool = False) -> bytes:  # noqa: N802 - as protobuf has it
        """Return the model as bytes."""
        nodes = [vars(node) for node in self.graph.node]
        return HEAD + json.dumps({"nodes": nodes}).encode()

    @classmethod
    def FromString(cls, data: bytes) -> ModelProto:  # noqa: N802 - as protobuf has it
        """Return the model in bytes."""
        return cls(Graph([NodeProto(**node) for node in json.loads(data[len(HEAD) :])["nodes"]]))


class ModelWrapper:
    """A model."""

    def __init__(self, path: str) -> None:
        data = Path(path).read_bytes()
        if not data.startswith(HEAD):
            raise ValueError(f"{path} is no model")
        self._model_proto = ModelProto.FromString(data)

    @property
    def graph(self) -> Graph:
        """The nodes of the model."""
        return self._model_proto.graph

    def get_tensor_datatype(self, tensor: str) -> str:
        """Return a tensor's data type: the part of its name behind the colon."""
        return tensor.partition(":")[2] or "FLOAT32"

    def transform(self, transformation: Transformation) -> ModelWrapper:
        """Return what a transformation makes."""
        return transformation.apply(self)

    def save(self, path: str) -> None:
        """Write the model to a file."""
        Path(path).write_bytes(self._model_proto.SerializeToString())
