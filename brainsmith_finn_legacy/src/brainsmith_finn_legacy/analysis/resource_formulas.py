"""What a layer would need with another folding, by FINN's own formulas where they are known.

FINN's estimates for matrix-vector layers made with HLS follow FINN-R (Blott et al., 2018); the formulas are those of
FINN+ 1.6.1 (`hls/matrixvectoractivation_hls.py`, `rtl/matrixvectoractivation_rtl.py`, `matrixvectoractivation.py`).
The part that depends on the folding is added to or taken from what FINN reported, so that what doesn't depend on it
need not be known. For other operators only bounds are given: between no change and a change in proportion to the
parallelism.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log2, prod
from typing import Literal

import attrs

from .cycle_formulas import Attributes, integers
from .datatypes import bits_of
from .layers import Layer
from .threshold_memories import threshold_memories

__all__ = ["Estimate", "predict_resources"]

#: FINN-R's factor of what is measured on what the operators add up to.
_OVERHEAD = 1.1
#: Depth of block RAMs by greatest width, as FINN assumes them: 18 Kb, simple dual port.
_SHAPES = ((1, 16384, 1), (2, 8192, 2), (4, 4096, 4), (9, 2048, 9))
_EMBEDDED_DEPTH = 128

Method = Literal["formula", "unchanged", "bounds"]


@attrs.frozen(kw_only=True)
class Estimate:
    """A predicted resource of a layer or of all.

    Args:
        value: the prediction; None where only bounds are known.
        low: the least that it may be.
        high: the most; None if nothing bounds it.
        method: `formula`: FINN's own; `unchanged`: the layer stays as it is; `bounds`: between no change and a change
            in proportion to the parallelism.
    """

    value: float | None
    low: float
    high: float | None
    method: Method


def predict_resources(layer: Layer, folding: Mapping[str, int]) -> dict[str, Estimate]:
    """Return what a layer would need, by metric; figures that its estimate lacks are missing.

    Args:
        layer: the layer as it was built.
        folding: the parallelism asked for.
    """
    now = {name: layer.folding[name] for name in folding if name in layer.folding}
    if now == folding:
        return {name: _known(value, "unchanged") for name, value in layer.resources.items()}
    return {name: _predict(layer, now, folding, name) for name in layer.resources}


def _known(value: float, method: Method) -> Estimate:
    return Estimate(value=value, low=value, high=value, method=method)


def _predict(layer: Layer, now: Mapping[str, int], folding: Mapping[str, int], name: str) -> Estimate:
    reported = layer.resources[name]
    try:
        before, after = (_formula(layer, layer.folded(each), name) for each in ({}, folding))
    except KeyError:
        return _bounds(reported, now, folding)
    # A matrix layer's LUTs have parts that don't depend on the folding; else the formula gives all, or is another
    # version's.
    if name == "util.lut" and layer.operator == "MVAU":
        value = max(0, round(reported + after - before))
        # FINN cuts both figures to whole numbers.
        return Estimate(value=value, low=max(0, value - 1), high=value + 1, method="formula")
    if before == reported:
        return _known(after, "formula")
    return _bounds(reported, now, folding)


def _bounds(reported: float, now: Mapping[str, int], folding: Mapping[str, int]) -> Estimate:
    """Between no change and a change in proportion; nothing stays nothing: FINN doesn't count it for this layer."""
    if reported == 0:
        return _known(0, "bounds")
    if set(now) != set(folding):
        return Estimate(value=None, low=0, high=None, method="bounds")
    scaled = reported * prod(folding.values()) / prod(now.values())
    return Estimate(value=None, low=min(reported, scaled), high=max(reported, scaled), method="bounds")


def _formula(layer: Layer, attributes: Attributes, name: str) -> float:
    """Return FINN's figure, for a matrix layer's LUTs without what doesn't depend on the folding.

    Raises:
        KeyError: if it isn't known.
    """
    if layer.op_type == "Thresholding_rtl":
        return threshold_memories(attributes)[name]
    if layer.operator != "MVAU":
        raise KeyError(layer.op_type)
    hls = layer.op_type.endswith("_hls")
    if name == "util.lut" and hls:
        return _lut(attributes)
    if name == "util.dsp" and hls:
        return _dsp(attributes)
    if name == "util.bram_18k":
        return _bram(attributes)
    if name == "util.uram":
        return _uram(attributes)
    raise KeyError(name)


def _pe_simd(a: Attributes) -> tuple[int, int]:
    return integers(a, "PE")[0], integers(a, "SIMD")[0]


def _text(a: Attributes, name: str) -> str:
    value = a[name]
    if not isinstance(value, str):
        raise KeyError(name)
    return value


def _lut(a: Attributes) -> float:
    """The LUTs of the processing elements, each with multipliers, adder tree, accumulator and thresholds."""
    pe, simd = _pe_simd(a)
    both = bits_of(a, "weightDataType") + bits_of(a, "inputDataType")
    multipliers = 0 if _text(a, "resType") == "dsp" else simd * (2 * ceil(both / 6) - 1) * both
    element = multipliers + both * (2 * simd - 1) + _accumulator_bits(a, both)
    return _OVERHEAD * pe * (element + _thresholds(a, both)) + _weights_in_luts(a)


def _accumulator_bits(a: Attributes, both: int) -> int:
    """The accumulator's width, or if that is less the one that the data types allow (arXiv:2301.13376)."""
    signed = int(not _text(a, "inputDataType").startswith(("UINT", "BINARY")))
    alpha = log2(integers(a, "MW")[0]) + both - 1 - signed
    return min(bits_of(a, "accDataType"), ceil(alpha + log2(1 + 2**-alpha) + 1))


def _thresholds(a: Attributes, both: int) -> int:
    if integers(a, "noActivation", (0,))[0] or a.get("ram_style_thresholds", "auto") != "distributed":
        return 0
    steps: int = 2 ** bits_of(a, "outputDataType") - 1
    depth = integers(a, "MH")[0] // integers(a, "PE")[0]
    rows: int = ceil(depth / 64) + 1
    return steps * _accumulator_bits(a, both) * rows


def _depth(a: Attributes) -> float:
    pe, simd = _pe_simd(a)
    return integers(a, "MW")[0] * integers(a, "MH")[0] / (pe * simd)


def _width(a: Attributes) -> int:
    pe, simd = _pe_simd(a)
    return pe * simd * bits_of(a, "weightDataType")


def _weights_in_luts(a: Attributes) -> int:
    mode, style = _text(a, "mem_mode"), a.get("ram_style", "auto")
    distributed = mode == "internal_decoupled" and style == "distributed"
    if distributed or (mode == "internal_embedded" and _depth(a) <= _EMBEDDED_DEPTH):
        return _width(a) * ceil(_depth(a) / 64)
    return 0


def _dsp(a: Attributes) -> int:
    pe, simd = _pe_simd(a)
    both = bits_of(a, "weightDataType") + bits_of(a, "inputDataType")
    return pe * simd * ceil(both / 48) if _text(a, "resType") == "dsp" else 0


def _bram(a: Attributes) -> int:
    mode, style = _text(a, "mem_mode"), a.get("ram_style", "auto")
    if mode not in ("internal_decoupled", "internal_embedded"):
        return 0
    depth, width = _depth(a), _width(a)
    if (mode == "internal_decoupled" and style in ("distributed", "ultra")) or (
        mode == "internal_embedded" and depth <= _EMBEDDED_DEPTH
    ):
        return 0
    for widest, words, bits in _SHAPES:
        if width <= widest:
            return ceil(depth / words) * ceil(width / bits)
    if width <= 18 or depth > 512:
        return ceil(depth / 1024) * ceil(width / 18)
    return ceil(depth / 512) * ceil(width / 36)


def _uram(a: Attributes) -> int:
    mode, style = _text(a, "mem_mode"), a.get("ram_style", "auto")
    decoupled = mode == "internal_decoupled" and style == "ultra"
    if decoupled or (mode == "internal_embedded" and _depth(a) > _EMBEDDED_DEPTH):
        return ceil(_width(a) / 72) * ceil(_depth(a) / 4096)
    return 0
