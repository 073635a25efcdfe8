"""The preferred implementation of layers: set before FINN specialises them, compared with what it chose after."""

from __future__ import annotations

from typing import Any, Dict, List

from .finn_access import custom_op, is_hardware_node

__all__ = ["KernelError", "prefer_kernels", "unmet_preferences"]

_STYLES = ("hls", "rtl")


class KernelError(ValueError):
    """A kernel that the configuration names isn't in the model."""


def prefer_kernels(model: Any, kernels: List[Dict[str, Any]]) -> Any:
    """Return the model with `preferred_impl_style` set on the layers that the kernels name.

    Args:
        model: a ModelWrapper, partitioned but not specialised yet.
        kernels: `name` (an operator of FINN), `style` (`hls`, `rtl`, or "" for FINN's choice), `optional`.

    Raises:
        KernelError: for a kernel without any layer, unless it is optional.
    """
    layers = [node for node in model.graph.node if is_hardware_node(node)]
    present = sorted({node.op_type for node in layers})
    for kernel in kernels:
        matching = [node for node in layers if node.op_type == kernel["name"]]
        if not matching and not kernel["optional"]:
            known = ", ".join(present) or "none"
            raise KernelError(f"the model has no {kernel['name']} layer; its kernels at this point: {known}")
        for node in matching:
            if kernel["style"]:
                custom_op(node).set_nodeattr("preferred_impl_style", kernel["style"])
    return model


def unmet_preferences(model: Any, kernels: List[Dict[str, Any]]) -> List[str]:
    """Return a sentence for each kernel that FINN has implemented in a way that isn't among those allowed.

    Args:
        model: a ModelWrapper after specialisation.
        kernels: as for `prefer_kernels`, with `allowed` backends.
    """
    found = []
    for kernel in kernels:
        others = [style for style in _STYLES if style not in kernel["allowed"]] if kernel["style"] else []
        for style in others:
            names = [node.name for node in model.graph.node if node.op_type == f"{kernel['name']}_{style}"]
            if names:
                wanted = " or ".join(kernel["allowed"]).upper()
                found.append(f"FINN can't make {', '.join(names)} in {wanted}, and made it in {style.upper()}")
    return found
