"""What a graph consists of: the layers that became hardware, those that didn't, and why."""

from __future__ import annotations

from collections import Counter
from types import TracebackType
from typing import Any, Dict, List, Optional

from .finn_access import custom_op, is_hardware_node

__all__ = [
    "FoldingError",
    "UnconvertedModelError",
    "check_conversion",
    "check_folding",
    "count_hardware",
    "describe_unmapped",
    "node_at_fault",
    "unmapped_nodes",
]

_SHOWN = 8

# Which attributes hold what a folding factor must divide; the first one that a node has counts.
_FOLDED = {"PE": ("MH", "Channels", "NumChannels", "Labels"), "SIMD": ("MW", "IFMChannels", "NumChannels")}


# What most of a network's work is done in, before and after FINN has made hardware layers of it.
_WEIGHT_OPERATORS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "XnorPopcountMatMul")
_WEIGHT_LAYERS = ("MVAU", "VVAU", "MatrixVectorActivation", "VectorVectorActivation", "StreamingFCLayer")


class FoldingError(ValueError):
    """A folding factor is illegal for its layer."""


class UnconvertedModelError(ValueError):
    """FINN has made hardware of nothing that matters in the model."""


def count_hardware(model: Any) -> Dict[str, int]:
    """Return how many layers of each kind are hardware layers."""
    return dict(Counter(node.op_type for node in model.graph.node if is_hardware_node(node)))


def unmapped_nodes(model: Any) -> List[Dict[str, Any]]:
    """Return the nodes that aren't hardware layers, each with the data types of its inputs."""
    return [
        {
            "name": node.name or node.output[0],
            "op_type": node.op_type,
            "inputs": [_data_type(model, tensor) for tensor in node.input if tensor],
        }
        for node in model.graph.node
        if not is_hardware_node(node) and node.op_type != "StreamingDataflowPartition"
    ]


def describe_unmapped(nodes: List[Dict[str, Any]], original: Any) -> str:
    """Return unmapped nodes as text, such as `Conv_0 ("conv1" in the model; Conv of FLOAT32, FLOAT32)`.

    Args:
        nodes: as `unmapped_nodes` gives them; FINN has renamed them.
        original: the model as it came in; its names are given where each operator of a kind is still there.
    """
    kinds = Counter(node["op_type"] for node in nodes)
    names: Dict[str, List[str]] = {}
    for node in original.graph.node:
        names.setdefault(node.op_type, []).append(node.name)
    known = {kind: iter(names[kind]) for kind, count in kinds.items() if len(names.get(kind, ())) == count}
    shown = [_describe(node, next(known[node["op_type"]], "") if node["op_type"] in known else "") for node in nodes]
    shown = shown[:_SHOWN]
    more = [f"and {len(nodes) - _SHOWN} more"] if len(nodes) > _SHOWN else []
    return "; ".join(shown + more)


def node_at_fault(trace: Optional[TracebackType]) -> Optional[Dict[str, str]]:
    """Return the node that the innermost frame with a node in its local variables worked on, or None."""
    found = None
    while trace is not None:
        found = _node_in(trace.tb_frame.f_locals) or found
        trace = trace.tb_next
    return found


def check_conversion(model: Any) -> None:
    """Check that FINN made hardware of at least one layer with weights, if there are any; FINN itself doesn't mind.

    Raises:
        UnconvertedModelError: if all of them were left outside the accelerator.
    """
    outside = [node for node in model.graph.node if node.op_type in _WEIGHT_OPERATORS]
    inside = [node for node in model.graph.node if node.op_type.startswith(_WEIGHT_LAYERS)]
    if outside and not inside:
        text = "FINN makes no layer with weights of this model; are its weights and activations quantised?"
        raise UnconvertedModelError(text)


def check_folding(model: Any) -> None:
    """Check that each folding factor divides what it folds; FINN+ notices late, FINN 0.10 never.

    Raises:
        FoldingError: naming all layers whose PE or SIMD is illegal.
    """
    faults = [fault for node in model.graph.node if is_hardware_node(node) for fault in _folding_faults(node)]
    if faults:
        raise FoldingError("illegal folding: " + "; ".join(faults))


def _folding_faults(node: Any) -> List[str]:
    layer = custom_op(node)
    known = layer.get_nodeattr_types()
    faults = []
    for factor in sorted(_FOLDED.keys() & known.keys()):
        value = int(layer.get_nodeattr(factor))
        total, name = _folded_total(layer, known, factor)
        if total is not None and (value < 1 or total % value):
            faults.append(f"{factor}={value} of {node.name} doesn't divide {name}={total}")
    return faults


def _folded_total(layer: Any, known: Dict[str, Any], factor: str) -> Any:
    if factor == "SIMD" and "Kernel" in known:  # depthwise: the window is folded
        total = 1
        for size in layer.get_nodeattr("Kernel"):
            total *= int(size)
        return total, "k_h*k_w"
    for name in _FOLDED[factor]:
        if name in known:
            return int(layer.get_nodeattr(name)), name
    return None, ""


def _describe(node: Dict[str, Any], original: str) -> str:
    own = f'"{original}" in the model; ' if original not in ("", node["name"]) else ""
    return f"{node['name']} ({own}{node['op_type']} of {', '.join(node['inputs'])})"


def _data_type(model: Any, tensor: str) -> str:
    found = model.get_tensor_datatype(tensor)
    return str(getattr(found, "name", found))


def _node_in(variables: Dict[str, Any]) -> Optional[Dict[str, str]]:
    for value in variables.values():
        node = getattr(value, "onnx_node", value)
        if type(node).__name__ == "NodeProto":
            return {"name": node.name or (node.output[0] if node.output else ""), "op_type": node.op_type}
    return None
