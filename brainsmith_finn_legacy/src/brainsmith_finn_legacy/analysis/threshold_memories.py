"""What the thresholds of a layer made with RTL take, as FINN estimates it.

The formula is that of FINN+ 1.6.1 (`rtl/thresholding_rtl.py`, `finn/util/memutil.py`): each PE searches its thresholds
as a tree, and each level of the tree is a memory of its own; for each memory FINN takes the primitive that wastes the
fewest bits.
"""

from __future__ import annotations

from math import ceil

from .cycle_formulas import Attributes, integers
from .datatypes import bits_of

__all__ = ["threshold_memories"]

#: Width and depth of memory primitives, with the resource that they are counted as, in FINN's order.
_PRIMITIVES = (
    (72, 4096, "util.uram"),
    (36, 8192, "util.uram"),
    (18, 16384, "util.uram"),
    (9, 32768, "util.uram"),
    (36, 512, "util.bram_18k"),
    (18, 1024, "util.bram_18k"),
    (9, 2048, "util.bram_18k"),
    (1, 64, "util.lut"),
)


def threshold_memories(a: Attributes) -> dict[str, int]:
    """Return the resources of all thresholds, by metric; all three that FINN counts are there.

    Args:
        a: the layer's attributes.

    Raises:
        KeyError: if one is missing.
    """
    pe = integers(a, "PE")[0]
    sets = max(1, integers(a, "mlo_max_iter", (0,))[0], integers(a, "bodies", (0,))[0])
    channels = integers(a, "NumChannels")[0] / pe * sets
    levels = bits_of(a, "outputDataType")
    if integers(a, "uniform_thres", (0,))[0]:
        memories = [(levels - level, channels * 2**level) for level in range(1, levels)]
    else:
        memories = [(bits_of(a, "weightDataType"), channels * 2**level) for level in range(levels)]
    found = {"util.lut": 0, "util.bram_18k": 0, "util.uram": 0}
    for width, depth in memories:
        resource, count = _least_waste(width, depth, _kind(a, depth))
        found[resource] += pe * count
    return found


def _kind(a: Attributes, depth: float) -> str:
    """Return the resource that the depth settings ask for, or ""."""
    block, ultra = (integers(a, name, (0,))[0] for name in ("depth_trigger_bram", "depth_trigger_uram"))
    if not block and not ultra:
        return ""
    if depth >= ultra:
        return "util.uram"
    return "util.bram_18k" if depth >= block else ""


def _least_waste(width: int, depth: float, kind: str) -> tuple[str, int]:
    """Return the resource that leaves the fewest bits unused, and how many of it a memory takes."""
    options = []
    for wide, deep, resource in _PRIMITIVES:
        if kind in ("", resource):
            count = ceil(width / wide) * ceil(depth / deep)
            options.append((count * wide * deep, resource, count))
    _, resource, count = min(options, key=lambda option: option[0])
    return resource, count
