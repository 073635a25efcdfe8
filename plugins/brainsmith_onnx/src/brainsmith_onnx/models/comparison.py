"""Compare models on the same inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs
import numpy as np

from .info import Array, ModelInfo, TensorInfo
from .running import Runner

__all__ = ["Comparison", "compare", "random_inputs", "tally"]


def random_inputs(info: ModelInfo, count: int, seed: int = 0) -> list[dict[str, Array]]:
    """Return sets of random inputs that fit a model: whole numbers for integer types, else a normal
    distribution.

    Args:
        info: the model's inputs.
        count: how many sets.
        seed: equal seeds give equal inputs.

    Raises:
        ConfigurationError: if an input has dynamic axes.
    """
    generator = np.random.default_rng(seed)
    return [{each.name: _random(generator, info.static_input(each.name)) for each in info.inputs} for _ in range(count)]


def _random(generator: np.random.Generator, tensor: TensorInfo) -> Array:
    shape = [size for size in tensor.shape if isinstance(size, int)]
    dtype = np.dtype(tensor.dtype)
    if tensor.datatype:
        return _random_of(generator, tensor.datatype, shape).astype(dtype)
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return generator.integers(max(limits.min, -128), min(limits.max, 127), shape, endpoint=True).astype(dtype)
    return generator.standard_normal(shape).astype(dtype)


def _random_of(generator: np.random.Generator, name: str, shape: list[int]) -> Array:
    """Return random values of a type of QONNX; of a wide one, those around 0."""
    from qonnx.core.datatype import DataType

    datatype = DataType[name]
    if not datatype.is_integer():
        return generator.standard_normal(shape)
    if name == "BIPOLAR":
        return 2 * generator.integers(0, 2, shape) - 1
    low, high = max(datatype.min(), -(2**15)), min(datatype.max(), 2**15)
    return generator.integers(int(low), int(high), shape, endpoint=True)


@attrs.frozen
class Comparison:
    """How far two models' outputs are apart.

    Args:
        sets: how many sets of inputs were run.
        largest_difference: the greatest absolute difference of any two values.
        largest_value: the greatest absolute value that the first model gave.
        agree: whether all values agree within the tolerance.
    """

    sets: int
    largest_difference: float
    largest_value: float
    agree: bool


def compare(
    before: Runner, after: Runner, inputs: Sequence[Mapping[str, Array]], *, rtol: float, atol: float
) -> Comparison:
    """Run two models on the same inputs and compare their outputs, in order.

    Args:
        before: the model that says what is right.
        after: the model that shall give the same.
        inputs: sets of inputs, by the names of the first; the second model's are taken in the same order.
        rtol: allowed difference relative to the first model's value.
        atol: allowed absolute difference, in units of the output.

    Raises:
        ConfigurationError: if one of them can't be run.
    """
    names = dict(zip((each.name for each in before.info.inputs), (x.name for x in after.info.inputs), strict=True))
    pairs = (
        pair
        for feeds in inputs
        for pair in zip(
            before.run(feeds).values(),
            after.run({names[name]: array for name, array in feeds.items()}).values(),
            strict=True,
        )
    )
    return tally(pairs, sets=len(inputs), rtol=rtol, atol=atol)


def tally(pairs: Iterable[tuple[Array, Array]], *, sets: int, rtol: float, atol: float) -> Comparison:
    """Compare arrays pair by pair.

    Args:
        pairs: what is right, and what shall be the same.
        sets: how many sets of inputs they are of.
        rtol: allowed difference relative to what is right.
        atol: allowed absolute difference.

    Example:
        >>> tally([(np.array([1.0]), np.array([1.5]))], sets=1, rtol=0.0, atol=0.1).largest_difference
        0.5
    """
    difference = value = 0.0
    agree = True
    for first, second in pairs:
        if first.shape != second.shape:
            return Comparison(sets, float("inf"), value, agree=False)
        wide = np.asarray(first, np.float64), np.asarray(second, np.float64)
        difference = max(difference, float(np.max(np.abs(wide[0] - wide[1]), initial=0.0)))
        value = max(value, float(np.max(np.abs(wide[0]), initial=0.0)))
        agree = agree and bool(np.allclose(wide[1], wide[0], rtol=rtol, atol=atol))
    return Comparison(sets, difference, value, agree)
