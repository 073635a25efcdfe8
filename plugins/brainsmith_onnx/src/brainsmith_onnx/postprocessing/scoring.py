"""What counts as right: the class with the largest score, one of the k largest, or what a function of yours says."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from brainsmith_core.errors import ConfigurationError
from brainsmith_core.plugins.manager import load_target

from ..models import Array

__all__ = ["CustomScore", "Score", "TopK", "Total", "make_score", "predicted"]


class Score(Protocol):
    """Says of each sample how right the model is."""

    #: The metric's name in the vocabulary.
    metric: str
    #: What is asked for, for reports.
    title: str

    def rate(self, outputs: Array, labels: Array, start: int) -> Array:
        """Return a number for each sample: for a classification 1 where it is right, else 0.

        Args:
            outputs: what the model gave, one row for each sample.
            labels: what each sample is.
            start: index of the first sample, for messages.
        """


class TopK:
    """Right is a sample whose label is among the `k` classes with the largest scores; of equal scores the first counts.

    Args:
        k: how many classes.

    Example:
        >>> TopK(1).rate(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]), 0).tolist()
        [1.0, 0.0]
    """

    def __init__(self, k: int) -> None:
        self.k = k
        self.metric = "accuracy.top1" if k == 1 else "accuracy.topk"
        self.title = f"top{k}"

    def rate(self, outputs: Array, labels: Array, start: int) -> Array:
        """Return 1 for each sample that is right, else 0.

        Raises:
            ConfigurationError: for labels that are no class numbers of this model.
        """
        scores = outputs.reshape(len(outputs), -1)
        wanted = _class_numbers(labels, start)
        if scores.shape[1] == 1:
            return self._of_classes(scores, wanted)
        classes = scores.shape[1]
        _check_range(wanted, classes, start)
        if self.k > classes:
            raise ConfigurationError(f"k is {self.k}, but the model knows {classes} classes")
        own = np.take_along_axis(scores, wanted[:, None], axis=1)
        earlier = np.arange(classes)[None, :] < wanted[:, None]
        before = (scores > own) | ((scores == own) & earlier)
        return np.asarray(before.sum(axis=1) < self.k, np.float64)

    def _of_classes(self, outputs: Array, wanted: Array) -> Array:
        if self.k != 1:
            raise ConfigurationError(
                f"{self.title} needs scores of all classes, but the model gives one number", hint="set k to 1"
            )
        return np.asarray(outputs[:, 0] == wanted, np.float64)


class CustomScore:
    """What a function of the user's says: called with outputs and labels of a batch, it gives a number for each sample.

    Args:
        target: the function, as `module:function`.

    Raises:
        ConfigurationError: if it can't be imported.
    """

    metric = "accuracy.custom"

    def __init__(self, target: str) -> None:
        self.title = target
        self._function: Callable[[Array, Array], Any] = load_target(target, "the metric")
        if not callable(self._function):
            raise ConfigurationError(f"the metric {target} can't be called", hint="name a function")

    def rate(self, outputs: Array, labels: Array, start: int) -> Array:
        """Return the function's number for each sample.

        Raises:
            ConfigurationError: if it fails or gives something else.
        """
        try:
            found = np.asarray(self._function(outputs, labels), np.float64)
        except Exception as error:  # foreign code: the user's function
            text = f"the metric {self.title} failed for sample {start} and later: {type(error).__name__}: {error}"
            raise ConfigurationError(text) from error
        if found.shape != (len(outputs),) or not np.isfinite(found).all():
            text = f"the metric {self.title} gave {found.shape} for {len(outputs)} samples"
            raise ConfigurationError(text, hint="it must return one finite number for each sample")
        return found


def make_score(method: str, k: int) -> Score:
    """Return what a step's parameters ask for.

    Args:
        method: `top1`, `topk`, or `module:function`.
        k: how many classes count for `topk`.

    Raises:
        ConfigurationError: for anything else.
    """
    if ":" in method:
        return CustomScore(method)
    if method in ("top1", "topk"):
        return TopK(1 if method == "top1" else k)
    raise ConfigurationError(f'there is no metric "{method}"', hint="write top1, topk or module:function")


class Total:
    """The mean of all samples' numbers; exact for whole ones.

    Example:
        >>> total = Total()
        >>> total.add(np.array([1.0, 0.0])), total.add(np.array([1.0, 1.0]))
        (None, None)
        >>> total.count, total.sum, total.mean
        (4, 3.0, 0.75)
    """

    def __init__(self) -> None:
        self.count = 0
        self._sums: list[float] = []

    def add(self, values: Array) -> None:
        """Add a batch."""
        self.count += len(values)
        # Without rounding, so that the figure doesn't depend on the size of the batches; the list stays short.
        self._sums.append(math.fsum(values.tolist()))
        if len(self._sums) > 1024:
            self._sums = [math.fsum(self._sums)]

    @property
    def sum(self) -> float:
        """The sum of all."""
        return math.fsum(self._sums)

    @property
    def mean(self) -> float:
        """The mean of all; there must be one."""
        return self.sum / self.count


def predicted(outputs: Array) -> Array:
    """Return the class that each output means: that of the largest score, or the number itself where there is one.

    Example:
        >>> predicted(np.array([[0.1, 0.9], [0.8, 0.2]])).tolist()
        [1, 0]
    """
    scores = outputs.reshape(len(outputs), -1)
    return np.asarray(scores[:, 0] if scores.shape[1] == 1 else scores.argmax(axis=1))


def _class_numbers(labels: Array, start: int) -> Array:
    flat = labels.reshape(len(labels), -1)
    if flat.shape[1] != 1:
        text = f"each label has {flat.shape[1]} numbers; top1 and topk need the number of the class"
        raise ConfigurationError(text, hint="save numpy.argmax(labels, axis=1), or give a metric of your own")
    values = flat[:, 0]
    whole = values.astype(np.int64)
    wrong = np.flatnonzero(whole != values)
    if len(wrong):
        first = int(wrong[0])
        raise ConfigurationError(f"label {start + first} is {values[first]}, which is no class number")
    return np.asarray(whole)


def _check_range(labels: Array, classes: int, start: int) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        first = int(wrong[0])
        text = f"label {start + first} is {labels[first]}, but the model knows the classes 0 to {classes - 1}"
        raise ConfigurationError(text, hint="a dataset of another model, or labels that don't count from 0")
