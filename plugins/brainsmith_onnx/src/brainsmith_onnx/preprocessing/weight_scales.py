"""The step width of quantised weights: the one that loses least."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..models import Array

__all__ = ["weight_scale"]

#: Which parts of the greatest weight are tried as the end of the range.
_PARTS = np.linspace(0.3, 1.0, 71)


def weight_scale(weights: Array, bits: int, axis: int | None, method: str) -> npt.NDArray[np.float32]:
    """Return the step width of signed weights without the most negative number (FINN's narrow range).

    Args:
        weights: the weights.
        bits: their width, at least 2.
        axis: the direction of the output channels for one step width each, or None for one in all.
        method: `max` makes room for the greatest weight, `mse` makes the mean squared error least.

    Returns:
        One number, or one for each channel in a shape that broadcasts against the weights.

    Example:
        >>> float(weight_scale(np.array([-3.0, 1.0, 3.0]), 3, None, "max"))
        1.0
    """
    wide = np.asarray(weights, np.float64)
    others = tuple(each for each in range(wide.ndim) if each != axis)
    keep = axis is not None
    steps = 2 ** (bits - 1) - 1
    # A channel of zeros needs a step width too: any will do.
    largest = np.abs(wide).max(axis=others if keep else None, keepdims=keep)
    largest = np.where(largest > 0, largest, 1.0)
    if method == "max":
        return np.asarray(largest / steps, np.float32)
    best, least = largest / steps, np.full(np.shape(largest), np.inf)
    for part in _PARTS:
        scale = largest * part / steps
        error = (np.clip(np.round(wide / scale), -steps, steps) * scale - wide) ** 2
        lost = error.sum(axis=others if keep else None, keepdims=keep)
        best, least = np.where(lost < least, scale, best), np.minimum(lost, least)
    return np.asarray(best, np.float32)
