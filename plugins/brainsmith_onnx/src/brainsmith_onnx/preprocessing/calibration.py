"""What values a float model's tensors take on samples: ranges, whole or without their rarest values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import attrs
import numpy as np
import onnx

from brainsmith_core.errors import ConfigurationError

from ..models import Array, Runner, expose

__all__ = ["Range", "calibrate"]

#: How finely values are counted for a percentile: a value is off by at most this part of the whole range.
_BINS = 4096


@attrs.frozen
class Range:
    """The values that a tensor takes.

    Args:
        low: the least one, in the tensor's own unit.
        high: the greatest one.
        whole: whether all of them are whole numbers.
    """

    low: float
    high: float
    whole: bool = False


def calibrate(
    model: onnx.ModelProto,
    tensors: Sequence[str],
    feeds: Sequence[dict[str, Array]],
    method: Literal["minmax", "percentile"],
    percentile: float,
) -> dict[str, Range]:
    """Run a float model on samples and return the range of each tensor; memory doesn't grow with their number.

    Args:
        model: the model; shapes must be known.
        tensors: names of tensors in its graph.
        feeds: sets of inputs.
        method: `minmax` for the whole range, `percentile` to leave out the rarest values at each end.
        percentile: how much of the values a range holds at least, in per cent.

    Raises:
        ConfigurationError: if the model can't be run, or gives NaN or infinity.
    """
    runner = Runner(expose(model, tensors))
    ranges = _whole_ranges(runner, tensors, feeds)
    if method == "minmax":
        return ranges
    counts = {name: np.zeros(_BINS, np.int64) for name in tensors}
    for name, values in _values(runner, tensors, feeds):
        found = ranges[name]
        counts[name] += np.histogram(values, _BINS, range=(found.low, _above(found)))[0]
    return {name: _clipped(ranges[name], counts[name], percentile) for name in tensors}


def _values(runner: Runner, tensors: Sequence[str], feeds: Sequence[dict[str, Array]]) -> Iterator[tuple[str, Array]]:
    for each in feeds:
        found = each | runner.run(each)
        yield from ((name, found[name]) for name in tensors)


def _whole_ranges(runner: Runner, tensors: Sequence[str], feeds: Sequence[dict[str, Array]]) -> dict[str, Range]:
    low, high = dict.fromkeys(tensors, np.inf), dict.fromkeys(tensors, -np.inf)
    whole = dict.fromkeys(tensors, True)
    for name, values in _values(runner, tensors, feeds):
        if not np.isfinite(values).all():
            raise ConfigurationError(f'the model\'s tensor "{name}" is NaN or infinite for the calibration samples')
        low[name], high[name] = min(low[name], float(values.min())), max(high[name], float(values.max()))
        whole[name] = whole[name] and bool((values == np.round(values)).all())
    return {name: Range(low[name], high[name], whole[name]) for name in tensors}


def _above(found: Range) -> float:
    return found.high if found.high > found.low else found.low + 1.0


def _clipped(found: Range, counts: Array, percentile: float) -> Range:
    """Return the range without the rarest values at each end that has any."""
    edges = np.linspace(found.low, _above(found), _BINS + 1)
    share = np.cumsum(counts) / counts.sum()
    inside = percentile / 100
    high = float(edges[int(np.searchsorted(share, inside)) + 1])
    low = float(edges[int(np.searchsorted(share, 1 - inside, side="right"))])
    return Range(min(low, 0.0) if found.low < 0 else found.low, min(high, found.high), found.whole)
