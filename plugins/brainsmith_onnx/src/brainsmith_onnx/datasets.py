"""Datasets of samples and labels: an npz file, a pair of npy files, or a folder; read batch by batch, never whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import attrs
import numpy as np
import numpy.typing as npt

from brainsmith_core.errors import ConfigurationError, MissingRequirementError

from .array_stream import ArrayStream, members

__all__ = ["Batch", "Dataset", "open_dataset"]

_INPUTS = ("inputs", "input", "x", "X", "x_test", "X_test", "images", "samples", "data")
_LABELS = ("labels", "label", "y", "Y", "y_test", "Y_test", "targets", "target")
_LABEL_TABLE = "labels.csv"


@attrs.frozen(kw_only=True, eq=False)
class Batch:
    """Samples that follow each other in a dataset.

    Args:
        start: index of the first one.
        inputs: the samples.
        labels: what each of them is.
    """

    start: int
    inputs: npt.NDArray[Any]
    labels: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.inputs)


class _Source(Protocol):
    """Where a dataset's samples come from, in order."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def read(self, count: int) -> npt.NDArray[Any]:
        """Return the next samples: at most `count`."""

    def close(self) -> None:
        """Close the files."""


class Dataset:
    """Samples with their labels, in order; a context manager that closes its files.

    Args:
        path: where it lies.
        inputs: the samples.
        labels: the labels.
    """

    def __init__(self, path: Path, inputs: _Source, labels: _Source) -> None:
        self.path = path
        self._inputs, self._labels = inputs, labels
        self._open = ExitStack()
        self._open.callback(inputs.close)
        self._open.callback(labels.close)

    def __len__(self) -> int:
        return self._inputs.shape[0]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return self._inputs.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The number type of the samples."""
        return self._inputs.dtype

    @property
    def label_shape(self) -> tuple[int, ...]:
        """The shape of one label: `()` for a number."""
        return self._labels.shape[1:]

    @property
    def label_dtype(self) -> np.dtype[Any]:
        """The number type of the labels."""
        return self._labels.dtype

    def batches(self, size: int, limit: int | None = None) -> Iterator[Batch]:
        """Yield all samples in order, once; only one batch is in memory.

        Args:
            size: samples in a batch; the last one may have fewer.
            limit: end after so many samples.

        Raises:
            ConfigurationError: for damaged files, and for samples that hold no numbers (NaN) or infinity.
        """
        total = len(self) if limit is None else min(limit, len(self))
        for start in range(0, total, size):
            count = min(size, total - start)
            batch = Batch(start=start, inputs=self._inputs.read(count), labels=self._labels.read(count))
            self._check_numbers(batch)
            yield batch

    def _check_numbers(self, batch: Batch) -> None:
        for what, values in (("sample", batch.inputs), ("label", batch.labels)):
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                rows = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
                kind = "NaN" if np.isnan(values).any() else "infinity"
                text = f"{what} {batch.start + int(rows[0])} of {self.path} holds {kind}"
                raise ConfigurationError(text, hint="clean the dataset")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()


def open_dataset(
    path: Path, labels: Path | None = None, *, inputs_name: str | None = None, labels_name: str | None = None
) -> Dataset:
    """Open a dataset; its samples aren't read yet.

    Args:
        path: a `.npz` file with samples and labels; a `.npy` file of samples; or a folder of `.npy` files, one for
            each sample, with `labels.csv` (lines `FILE,LABEL`) or one sub-folder for each class, named by its number.
        labels: the `.npy` file of labels that belongs to a `.npy` file of samples.
        inputs_name: the samples' name in a `.npz` file, if it isn't one of the usual ones.
        labels_name: the labels' name in a `.npz` file, if it isn't one of the usual ones.

    Raises:
        MissingRequirementError: if there is no such file.
        ConfigurationError: if it is no dataset, is empty, or has more or fewer labels than samples.
    """
    for each in (path, *([labels] if labels else [])):
        if not each.exists():
            raise MissingRequirementError(f"there is no dataset {each}", hint="check the path")
    with ExitStack() as opened:
        if path.is_dir():
            samples, classes = _open_folder(path)
        else:
            samples, classes = _open_arrays(path, labels, inputs_name, labels_name, opened)
        _check_counts(path, samples, classes)
        opened.pop_all()
    return Dataset(path, samples, classes)


def _open_arrays(
    path: Path, labels: Path | None, inputs_name: str | None, labels_name: str | None, opened: ExitStack
) -> tuple[_Source, _Source]:
    if path.suffix == ".npz":
        names = members(path)
        samples = opened.enter_context(ArrayStream(path, _member(path, names, inputs_name, _INPUTS, "samples")))
        if labels is not None:
            return samples, opened.enter_context(ArrayStream(labels))
        return samples, opened.enter_context(ArrayStream(path, _member(path, names, labels_name, _LABELS, "labels")))
    if path.suffix != ".npy":
        text = f"the dataset {path} is no .npz file, no .npy file and no folder"
        raise ConfigurationError(text, hint="save it with numpy.savez(FILE, inputs=..., labels=...)")
    if labels is None:
        text = f"the dataset {path} has no labels"
        raise ConfigurationError(text, hint="give their .npy file as labels_npy, or a .npz file with both")
    return opened.enter_context(ArrayStream(path)), opened.enter_context(ArrayStream(labels))


def _member(path: Path, names: list[str], given: str | None, usual: tuple[str, ...], what: str) -> str:
    if given is not None:
        return given
    found = [name for name in usual if name in names]
    if not found:
        text = f"the dataset {path} has no {what}: it holds {', '.join(names) or 'no array'}"
        hint = f"call them {usual[0]}, or say their name with {usual[0]}_name"
        raise ConfigurationError(text, hint=hint)
    return found[0]


def _check_counts(path: Path, samples: _Source, labels: _Source) -> None:
    if not samples.shape[0]:
        raise ConfigurationError(f"the dataset {path} is empty")
    if samples.shape[0] != labels.shape[0]:
        text = f"the dataset {path} has {samples.shape[0]} samples, but {labels.shape[0]} labels"
        raise ConfigurationError(text, hint="give one label for each sample")
    for what, source in (("samples", samples), ("labels", labels)):
        if source.dtype.kind not in "buif":
            text = f"the {what} of {path} are {source.dtype}, not numbers"
            raise ConfigurationError(text, hint="save them as whole numbers or floats")


class _Files:
    """Samples that are one file each."""

    def __init__(self, files: list[Path]) -> None:
        self._files, self._position = files, 0
        first = _load(files[0])
        self.shape = (len(files), *first.shape)
        self.dtype = first.dtype

    def read(self, count: int) -> npt.NDArray[Any]:
        """Return the next samples."""
        files = self._files[self._position : self._position + count]
        self._position += len(files)
        samples = [self._checked(path) for path in files]
        return np.stack(samples)

    def close(self) -> None:
        """Nothing is open between two reads."""

    def _checked(self, path: Path) -> npt.NDArray[Any]:
        sample = _load(path)
        if sample.shape != self.shape[1:]:
            text = f"the sample {path} has the shape {sample.shape}, the first one {self.shape[1:]}"
            raise ConfigurationError(text, hint="give samples of one shape")
        return sample


class _Numbers:
    """Labels that are in memory: one number for each file of a folder."""

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self._values, self._position = values, 0
        self.shape, self.dtype = values.shape, values.dtype

    def read(self, count: int) -> npt.NDArray[Any]:
        """Return the next labels."""
        found = self._values[self._position : self._position + count]
        self._position += len(found)
        return found

    def close(self) -> None:
        """Nothing is open."""


def _load(path: Path) -> npt.NDArray[Any]:
    with ArrayStream(path) as stream:
        return stream.read(len(stream))


def _open_folder(folder: Path) -> tuple[_Source, _Source]:
    table = folder / _LABEL_TABLE
    pairs = _from_table(folder, table) if table.is_file() else _from_classes(folder)
    if not pairs:
        raise ConfigurationError(f"the dataset {folder} is empty: it holds no .npy file")
    return _Files([path for path, _ in pairs]), _Numbers(np.array([label for _, label in pairs]))


def _from_table(folder: Path, table: Path) -> list[tuple[Path, int]]:
    pairs = []
    with table.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.reader(lines), start=1):
            if not row or (number == 1 and [cell.strip() for cell in row] == ["file", "label"]):
                continue
            pairs.append(_from_row(folder, table, number, row))
    return pairs


def _from_row(folder: Path, table: Path, number: int, row: list[str]) -> tuple[Path, int]:
    where = f"{table}, line {number}"
    if len(row) != 2 or not row[1].strip().isdecimal():
        raise ConfigurationError(f"{where} must read FILE,LABEL with a class number, but is {','.join(row)}")
    path = folder / row[0].strip()
    if not path.is_file():
        raise ConfigurationError(f"{where} names {row[0].strip()}, which isn't in {folder}")
    return path, int(row[1])


def _from_classes(folder: Path) -> list[tuple[Path, int]]:
    loose = sorted(path.name for path in folder.glob("*.npy"))
    if loose:
        text = f"the dataset {folder} has no labels for {loose[0]}"
        hint = f"write {_LABEL_TABLE} with lines FILE,LABEL, or put samples into sub-folders named by class number"
        raise ConfigurationError(text, hint=hint)
    pairs = []
    for sub in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(sub.glob("*.npy"))
        if files and not sub.name.isdecimal():
            text = f"the dataset {folder} has the sub-folder {sub.name}, which is no class number"
            raise ConfigurationError(text, hint=f"name it by its number, or write {_LABEL_TABLE} with lines FILE,LABEL")
        pairs += [(path, int(sub.name)) for path in files]
    return sorted(pairs, key=lambda pair: (pair[1], pair[0]))
