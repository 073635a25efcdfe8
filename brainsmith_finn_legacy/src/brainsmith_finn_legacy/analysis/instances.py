"""Which FINN layer an instance of the implemented design belongs to.

FINN puts its layers into partitions and names the instances `StreamingDataflowPartition_1_MVAU_hls_3`; a register of
it is `top_i/StreamingDataflowPartition_1/inst/StreamingDataflowPartition_1_MVAU_hls_3/.../x_reg[2]/C`. The estimates
call that layer `MVAU_hls_3`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["InstanceMap"]

_PARTITION = re.compile(r"(StreamingDataflowPartition_[0-9]+)_(?=[A-Z])")
#: A node of FINN: its operator, how it is implemented or (before FINN 0.10) `_Batch`, its number.
_NODE = re.compile(r"[A-Z][A-Za-z0-9]*(?:_[A-Za-z][A-Za-z0-9]*)*_[0-9]+\Z")
_IMPLEMENTED = ("_hls", "_rtl", "_Batch")


class InstanceMap:
    """Maps instances of a design to layers.

    Args:
        layers: the layers' names, as FINN's estimates have them; none if there are no estimates.
        instances: names or paths of the instances that reports list. Where two partitions hold a layer of one name, as
            the DMAs of a design do, its instances keep their partitions' names in front.

    Example:
        >>> found = InstanceMap(["MVAU_hls_3"])
        >>> part = "top_i/StreamingDataflowPartition_1/inst/StreamingDataflowPartition_1_"
        >>> found.layer_of(f"{part}MVAU_hls_3/inst/x_reg[2]/C"), found.layer_of("top_i/zynq_ps/inst/PS7_i/CLK")
        ('MVAU_hls_3', '')
        >>> found.layer_of(f"{part}StreamingFIFO_rtl_0/inst/y_reg/D")
        'StreamingFIFO_rtl_0'
    """

    def __init__(self, layers: Iterable[str] = (), instances: Iterable[str] = ()) -> None:
        self._layers = frozenset(layers)
        partitions: dict[str, set[str]] = {}
        for instance in instances:
            for part in instance.split("/"):
                prefix, name = _split(part)
                if prefix and self._is_node(prefix, name):
                    partitions.setdefault(name, set()).add(prefix)
        self._ambiguous = frozenset(name for name, found in partitions.items() if len(found) > 1)

    @property
    def ambiguous(self) -> frozenset[str]:
        """The names that layers of several partitions have; the estimates can't tell which is which."""
        return self._ambiguous

    def layer_of(self, path: str) -> str:
        """Return the layer that an instance, cell or pin is in; "" for what is in none, such as an interconnect.

        Args:
            path: its name with the instances above it, separated by `/`.
        """
        found = (self._match(part) for part in path.split("/"))
        return next((name for name in found if name), "")

    def layer_of_instance(self, path: str) -> str:
        """Return the layer that an instance is as a whole; "" for a part of a layer and for what is none."""
        parts = path.split("/")
        above = any(self._match(part) for part in parts[:-1])
        return "" if above else self._match(parts[-1])

    def _match(self, part: str) -> str:
        prefix, name = _split(part)
        if not self._is_node(prefix, name):
            return ""
        return part if name in self._ambiguous else name

    def _is_node(self, prefix: str, name: str) -> bool:
        """Whether a name is a layer's: a known one, or one that looks like a node of FINN's."""
        if name in self._layers:
            return True
        # Without a partition in front, other tools' names look alike: only those that say how they are implemented.
        return bool(_NODE.match(name)) and (bool(prefix) or name.rpartition("_")[0].endswith(_IMPLEMENTED))


def _split(part: str) -> tuple[str, str]:
    """Return the partition that is written in front of a name, and the name."""
    found = _PARTITION.match(part)
    return (found[1], part[found.end() :]) if found else ("", part)
