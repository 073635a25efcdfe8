"""What values a float model's tensors take on samples: ranges, whole or without their rarest values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeAlias

import attrs
import numpy as np
import onnx

from brainsmith_core.errors import ConfigurationError

from ..models import Array, Runner, expose

__all__ = ["Progress", "Range", "calibrate", "nobody"]

#: How finely values are counted for a percentile: a value is off by at most this part of the whole range.
_BINS = 4096


#: Told how far something is: `StepContext.progress`, or nobody.
Progress: TypeAlias = Callable[[int, int, str], None]


def nobody(done: int, total: int, what: str) -> None:
    """Hear of progress, and do nothing."""


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
    progress: Progress = nobody,
) -> dict[str, Range]:
    """Run a float model on samples and return the range of each tensor; memory doesn't grow with their number.

    Args:
        model: the model; shapes must be known.
        tensors: names of tensors in its graph.
        feeds: sets of inputs.
        method: `minmax` for the whole range, `percentile` to leave out the rarest values at each end.
        percentile: how much of the values a range holds at least, in per cent.
        progress: gets how many sets of inputs were run, of how many, and what is done with them.

    Raises:
        ConfigurationError: if the model can't be run, or gives NaN or infinity.
    """
    runner = _Counted(Runner(expose(model, tensors)), len(feeds) * (1 if method == "minmax" else 2), progress)
    ranges = _whole_ranges(runner, tensors, feeds)
    if method == "minmax":
        return ranges
    counts = {name: np.zeros(_BINS, np.int64) for name in tensors}
    for name, values in _values(runner, tensors, feeds):
        found = ranges[name]
        counts[name] += np.histogram(values, _BINS, range=(found.low, _above(found)))[0]
    return {name: _clipped(ranges[name], counts[name], percentile) for name in tensors}


class _Counted:
    """Runs a model, and says after each run how many of all there were."""

    def __init__(self, runner: Runner, total: int, progress: Progress) -> None:
        self._runner, self._total, self._progress, self._done = runner, total, progress, 0

    def run(self, feeds: dict[str, Array]) -> dict[str, Array]:
        found = self._runner.run(feeds)
        self._done += 1
        self._progress(self._done, self._total, "calibration runs")
        return found


def _values(runner: _Counted, tensors: Sequence[str], feeds: Sequence[dict[str, Array]]) -> Iterator[tuple[str, Array]]:
    for each in feeds:
        found = each | runner.run(each)
        yield from ((name, found[name]) for name in tensors)


def _whole_ranges(runner: _Counted, tensors: Sequence[str], feeds: Sequence[dict[str, Array]]) -> dict[str, Range]:
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
