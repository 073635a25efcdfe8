"""The first samples that two models see differently: kept while they run, written out at the end."""

from __future__ import annotations

import io
from pathlib import Path

import attrs
import numpy as np

from brainsmith_core.build.workspace import write_whole
from brainsmith_core.formats.json_values import JSONValue

from ..models import Array
from .scoring import predicted

__all__ = ["Agreement"]


@attrs.define(kw_only=True)
class Agreement:
    """How far a graph's outputs agree with those of the original model.

    Args:
        keep: how many disagreeing samples to keep.
        samples: how many were compared.
        disagreeing: how many of them mean another class.
        largest_difference: the greatest absolute difference of two outputs; None while none could be compared.
    """

    keep: int
    samples: int = 0
    disagreeing: int = 0
    largest_difference: float | None = None
    _indices: list[int] = attrs.field(factory=list)
    _kept: dict[str, list[Array]] = attrs.field(factory=dict)

    @property
    def fraction(self) -> float:
        """The share of samples that mean the same class."""
        return 1 - self.disagreeing / self.samples

    def add(self, start: int, inputs: Array, labels: Array, outputs: Array, original: Array) -> None:
        """Compare a batch.

        Args:
            start: index of the first sample.
            inputs: the samples.
            labels: what they are.
            outputs: what the graph gave.
            original: what the original model gave.
        """
        self.samples += len(inputs)
        mine, theirs = outputs.reshape(len(outputs), -1), original.reshape(len(original), -1)
        if mine.shape == theirs.shape:
            difference = np.abs(np.asarray(mine, np.float64) - np.asarray(theirs, np.float64))
            self.largest_difference = max(self.largest_difference or 0.0, float(difference.max(initial=0.0)))
        rows = np.flatnonzero(predicted(outputs) != predicted(original))
        self.disagreeing += len(rows)
        for row in rows[: self.keep - len(self._indices)]:
            self._indices.append(start + int(row))
            parts = {"inputs": inputs, "labels": labels, "outputs": outputs, "original_outputs": original}
            for name, values in parts.items():
                # A copy: a view would keep the whole batch in memory.
                self._kept.setdefault(name, []).append(np.array(values[row]))

    def to_data(self) -> dict[str, JSONValue]:
        """Return plain JSON data."""
        kept = self._kept
        rows: list[JSONValue] = [
            {
                "sample": sample,
                "label": kept["labels"][index].tolist(),
                "predicted": predicted(kept["outputs"][index][None])[0].item(),
                "original_predicted": predicted(kept["original_outputs"][index][None])[0].item(),
            }
            for index, sample in enumerate(self._indices)
        ]
        return {
            "with": "original",
            "samples": self.samples,
            "fraction": self.fraction,
            "disagreeing": self.disagreeing,
            "largest_output_difference": self.largest_difference,
            "first_disagreeing": rows,
        }

    def write(self, path: Path) -> bool:
        """Write the first disagreeing samples with both models' outputs as npz; nothing where all agree."""
        if not self._indices:
            return False
        content = io.BytesIO()
        np.savez_compressed(
            content,
            samples=np.array(self._indices),
            **{name: np.stack(values) for name, values in self._kept.items()},  # type: ignore[arg-type] # names are text
        )
        write_whole(path, content.getvalue())
        return True
