"""What quantisation cost: accuracy before and after where there are labels, agreement always."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import numpy as np
import onnx

from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, Stage

from ..models import Array, Runner, TensorInfo, describe
from .batches import rebatched
from .calibration import Progress, nobody
from .samples import Samples

__all__ = ["Cost", "measure"]

#: How many samples go through a quantised model at once: qonnx takes as long for one as for hundreds.
_BATCH = 128


@attrs.frozen(kw_only=True)
class Cost:
    """What quantisation cost.

    Args:
        samples: how many samples it was measured on.
        same: for how many both models say the same class.
        correct_before: how many the float model says right; None without labels.
        correct_after: how many the quantised model says right; None without labels.
    """

    samples: int
    same: int
    correct_before: int | None = None
    correct_after: int | None = None

    @property
    def loss(self) -> float | None:
        """The accuracy that was lost, as a fraction; None without labels."""
        if self.correct_before is None or self.correct_after is None:
            return None
        return (self.correct_before - self.correct_after) / self.samples

    def check(self, most: float | None) -> None:
        """Check that no more accuracy was lost than allowed.

        Args:
            most: what may be lost, as a fraction; None for anything.

        Raises:
            ConfigurationError: if more was lost, or if that can't be said without labels.
        """
        if most is None:
            return
        if self.loss is None:
            text = "max_accuracy_loss is given, but the samples have no labels"
            raise ConfigurationError(text, hint="give labelled samples in `evaluate`, or leave it out")
        if self.loss > most:
            text = (
                f"quantisation lost {self.loss:.4f} of accuracy ({self.correct_before} of {self.samples} right before, "
            )
            text += f"{self.correct_after} after), and at most {most} is allowed"
            raise ConfigurationError(text, hint="give more bits, in all or to single layers, or per_channel scales")

    def to_dict(self) -> dict[str, JSONValue]:
        """Return it for a report."""
        return {
            "evaluated_samples": self.samples,
            "same_class": self.same,
            "correct_before": self.correct_before,
            "correct_after": self.correct_after,
            "accuracy_loss": self.loss,
        }

    def metrics(self) -> list[Metric]:
        """Return its figures."""
        figures: dict[str, float | None] = {"quantization.agreement": self.same / self.samples}
        if self.correct_before is not None and self.correct_after is not None:
            figures["quantization.accuracy_before"] = self.correct_before / self.samples
            figures["quantization.accuracy_after"] = self.correct_after / self.samples
            figures["quantization.accuracy_loss"] = self.loss
        return [Metric(name=name, value=value, unit="fraction", stage=Stage.MODEL) for name, value in figures.items()]


def measure(before: Runner, after: onnx.ModelProto, samples: Samples, progress: Progress = nobody) -> Cost:
    """Compare a quantised model with the float one on samples; the class is the place of the greatest output.

    Args:
        before: the float model.
        after: the quantised one.
        samples: what to compare on.
        progress: gets how many samples both models have run, counted together, of how many.

    Raises:
        ConfigurationError: if a model can't be run, or doesn't give a row of scores for each sample.
    """
    count = len(samples)

    def show(done: int) -> None:
        progress(done, 2 * count, "samples through both models")

    expected = _classes(before, samples, show)
    found = _classes(Runner(rebatched(after, min(_BATCH, count))), samples, lambda done: show(count + done))
    if samples.labels is not None:
        _check_labels(samples.labels, describe(after).outputs[0])
    same = int((expected == found).sum())
    if samples.labels is None:
        return Cost(samples=len(samples), same=same)
    return Cost(
        samples=len(samples),
        same=same,
        correct_before=int((expected == samples.labels).sum()),
        correct_after=int((found == samples.labels).sum()),
    )


def _classes(
    runner: Runner, samples: Samples, show: Callable[[int], None]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    parts, done = list[Array](), 0
    for part in runner.stream(samples.inputs):
        parts.append(part)
        done += len(part)
        show(done)
    scores = np.concatenate(parts)
    return np.asarray(scores.reshape(len(scores), -1).argmax(axis=1), np.int64)


def _check_labels(labels: Array, output: TensorInfo) -> None:
    """Refuse labels that are no class of the model: the accuracy would be that of another dataset."""
    sizes = output.shape[1:]
    if labels.dtype.kind not in "iuf" or (labels != labels.round()).any():
        raise ConfigurationError("the labels aren't whole numbers", hint="give the number of each sample's class")
    if not all(isinstance(size, int) for size in sizes):
        return
    classes = math.prod(size for size in sizes if isinstance(size, int))
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        label = f"the label of sample {wrong[0]} is {labels[wrong[0]]:g}"
        text = f"{label}, but the model knows the classes 0 to {classes - 1}"
        raise ConfigurationError(text, hint="a dataset of another model, or labels that don't count from 0")
