"""Which foldings a layer allows, and which one FINN would choose for a throughput.

The choice follows FINN+ 1.6.1 (`finn/transformation/fpgadataflow/set_folding.py`, class `SetFolding`): of each layer
the least parallelism that needs no more cycles than the target; first SIMD, then PE for matrix-vector layers, PE
before SIMD for depthwise ones; then once more with the slowest layer's cycles, if the target can't be met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from brainsmith_core.errors import ConfigurationError, did_you_mean

from .cycle_formulas import formula_of, integers
from .datatypes import bits_of
from .layers import Layer

__all__ = ["WEIGHT_BITS", "Folding", "check_folding", "divisors", "folding_for"]

#: Parallelism by layer and FINN's attribute.
Folding = dict[str, dict[str, int]]

#: FINN's default for the width in bits of a PE's weights, `mvau_wwidth_max`.
WEIGHT_BITS = 36
#: Widest stream that HLS takes, in bits.
_STREAM_BITS = 8191
#: What PE and SIMD must divide, as names of attributes, in FINN's own order of trying.
_LIMITS: dict[str, dict[str, str]] = {
    "MVAU": {"SIMD": "MW", "PE": "MH"},
    "VVAU": {"PE": "Channels", "SIMD": "Kernel"},
    "Pool": {"PE": "Channels"},
    "Thresholding": {"PE": "NumChannels"},
    "DuplicateStreams": {"PE": "NumChannels"},
    "GlobalAccPool": {"PE": "NumChannels"},
    "LabelSelect": {"PE": "Labels"},
    "FMPadding": {"SIMD": "NumChannels"},
    "ConvolutionInputGenerator": {"SIMD": "IFMChannels"},
}
_SHAPED = {"PE": "out_shape"}


def divisors(number: int) -> list[int]:
    """Return the divisors of a number, least first.

    Example:
        >>> divisors(12)
        [1, 2, 3, 4, 6, 12]
    """
    return [each for each in range(1, number + 1) if number % each == 0]


def check_folding(layers: Mapping[str, Layer], folding: Mapping[str, Mapping[str, int]]) -> None:
    """Check that layers allow a folding.

    Args:
        layers: the layers.
        folding: the parallelism asked for, by layer and attribute.

    Raises:
        ConfigurationError: for an unknown layer or attribute, or a number that doesn't divide what it has to.
    """
    for name, changes in folding.items():
        if name not in layers:
            raise ConfigurationError(f'the build has no layer "{name}"', hint=did_you_mean(name, layers))
        layer = layers[name]
        known = formula_of(layer.op_type)
        for attribute, value in changes.items():
            if known is None or attribute not in known.folds:
                takes = f"it takes: {', '.join(known.folds)}" if known else "its cycle formula isn't known here"
                raise ConfigurationError(f"{name} ({layer.op_type}) has no folding attribute {attribute}", hint=takes)
            whole = _limit(layer, attribute)
            if whole is not None and (value < 1 or whole % value):
                text = f"{attribute}={value} of {name} doesn't divide {_limits(layer)[attribute]}={whole}"
                raise ConfigurationError(text, hint=f"it may be {', '.join(map(str, divisors(whole)))}")
            if value < 1:
                raise ConfigurationError(f"{attribute}={value} of {name} must be 1 or more")


def folding_for(
    layers: Mapping[str, Layer], target_cycles: int, weight_bits: int = WEIGHT_BITS
) -> tuple[Folding, list[str]]:
    """Return the folding that FINN would choose, and the layers for which that can't be said.

    Args:
        layers: the layers, with their attributes.
        target_cycles: cycles that a frame may take in each layer.
        weight_bits: width in bits that a PE's weights may have, FINN's `mvau_wwidth_max`.

    Returns:
        The parallelism by layer and attribute; and the names of layers that keep theirs, since attributes are missing
        or their operator isn't known here.
    """
    folding, kept = _pass(layers, target_cycles, weight_bits)
    reached = max((_cycles(layers[name], each) or 0 for name, each in folding.items()), default=0)
    reached = max(reached, *(layers[name].cycles or 0 for name in kept)) if kept else reached
    return _pass(layers, reached, weight_bits) if reached > target_cycles else (folding, kept)


def _pass(layers: Mapping[str, Layer], target: int, weight_bits: int) -> tuple[Folding, list[str]]:
    folding: Folding = {}
    kept: list[str] = []
    for name, layer in layers.items():
        if layer.operator == "ConvolutionInputGenerator" and layer.attributes.get("depthwise"):
            continue  # takes the PE of the layer that it feeds, below
        try:
            folding[name] = _choice(layer, target, weight_bits)
        except KeyError:
            kept.append(name)
    for name, consumer in _depthwise(layers):
        if consumer in folding:
            folding[name], folding[consumer] = _shared(layers[name], layers[consumer], folding[consumer], target)
        else:
            kept.append(name)
    return folding, kept


def _choice(layer: Layer, target: int, weight_bits: int) -> dict[str, int]:
    """Return FINN's folding of one layer; raises KeyError if something that it depends on isn't known."""
    if layer.operator == "MVAU":
        return _matrix(layer, target, weight_bits)
    names = [*_limits(layer)]
    if not names:
        raise KeyError(layer.op_type)
    folding = dict.fromkeys(names, 1)
    for name in names:
        whole = _limit(layer, name)
        if whole is None:
            raise KeyError(name)
        folding[name] = _least(layer, folding, name, whole, target)
        if _needed(layer, folding) <= target:
            break
    return folding


def _matrix(layer: Layer, target: int, weight_bits: int) -> dict[str, int]:
    """First SIMD, while the weights of a PE are narrow enough, then PE, while all weights are."""
    bits = bits_of(layer.attributes, "weightDataType")
    decoupled = layer.attributes.get("mem_mode") == "internal_decoupled"
    hls = layer.op_type.endswith("_hls")
    width, height = integers(layer.attributes, "MW")[0], integers(layer.attributes, "MH")[0]
    folding = {"SIMD": 1, "PE": 1}
    for simd in divisors(width):
        if _needed(layer, {**folding, "SIMD": simd}) > target and bits * simd > weight_bits:
            break
        folding["SIMD"] = simd
        if _needed(layer, folding) <= target:
            break
    for pe in divisors(height):
        if decoupled and hls and bits * pe * folding["SIMD"] > _STREAM_BITS:
            break
        folding["PE"] = pe
        if _needed(layer, folding) <= target:
            break
    return folding


def _shared(
    window: Layer, consumer: Layer, chosen: dict[str, int], target: int
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the folding of a depthwise window generator and of the layer that it feeds, which share their channels."""
    parallel = int(consumer.operator == "VVAU" and chosen.get("SIMD", 1) > 1)
    whole = _limit(consumer, "PE") or chosen["PE"]
    # FINN looks at the window generator's cycles before it sets parallel_window.
    wider = [each for each in divisors(whole) if each >= chosen["PE"]]
    pe = next((each for each in wider if _needed(window, {"SIMD": each}) <= target), wider[-1])
    return {"SIMD": pe, "parallel_window": parallel}, {**chosen, "PE": pe}


def _depthwise(layers: Mapping[str, Layer]) -> Iterator[tuple[str, str]]:
    """Yield depthwise window generators, each with the layer that it feeds."""
    takers = {tensor: name for name, layer in layers.items() for tensor in layer.inputs}
    for name, layer in layers.items():
        if layer.operator == "ConvolutionInputGenerator" and layer.attributes.get("depthwise"):
            yield name, next((takers[tensor] for tensor in layer.outputs if tensor in takers), "")


def _least(layer: Layer, folding: Mapping[str, int], name: str, whole: int, target: int) -> int:
    """Return the least divisor with which the target is met, else the greatest."""
    found = (value for value in divisors(whole) if _needed(layer, {**folding, name: value}) <= target)
    return next(found, whole)


def _needed(layer: Layer, folding: Mapping[str, int]) -> int:
    formula = formula_of(layer.op_type)
    if formula is None:
        raise KeyError(layer.op_type)
    return formula.compute(layer.folded(folding))


def _cycles(layer: Layer, folding: Mapping[str, int]) -> int | None:
    try:
        return _needed(layer, folding)
    except KeyError:
        return layer.cycles


def _limits(layer: Layer) -> dict[str, str]:
    if layer.operator == "Reshape" or layer.operator.startswith("Elementwise"):
        return _SHAPED
    return _LIMITS.get(layer.operator, {})


def _limit(layer: Layer, attribute: str) -> int | None:
    """Return what an attribute must divide; None if that isn't known."""
    name = _limits(layer).get(attribute)
    if name is None:
        return None
    try:
        values = integers(layer.attributes, name)
    except KeyError:
        return None
    return prod(values) if name == "Kernel" else values[-1]
