"""Arrays in `.npy` files and `.npz` members, read row by row: no more than one portion is ever in memory."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt

from brainsmith_core.errors import ConfigurationError, did_you_mean

__all__ = ["ArrayStream", "members"]

_BROKEN = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)


class ArrayStream:
    """An array in a file, of which rows are read one portion after the other.

    Args:
        path: a `.npy` file, or a `.npz` file.
        member: the array's name in a `.npz` file.

    Raises:
        ConfigurationError: if there is no such array, or it can't be read row by row.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/x.npy", np.arange(6).reshape(3, 2))
        ...     with ArrayStream(Path(folder, "x.npy")) as stream:
        ...         stream.shape, stream.read(2).tolist(), stream.read(2).tolist()
        ((3, 2), [[0, 1], [2, 3]], [[4, 5]])
    """

    def __init__(self, path: Path, member: str = "") -> None:
        self.path, self.member = path, member
        self.name = f"{path}, array {member}" if member else str(path)
        self._archive: zipfile.ZipFile | None = None
        self._file = self._open()
        try:
            self.shape, self.dtype = self._read_header()
        except BaseException:
            self.close()
            raise
        self._position = 0
        self._row_items = math.prod(self.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, count: int) -> npt.NDArray[Any]:
        """Return the next rows: at most `count`, none at the end.

        Raises:
            ConfigurationError: if the file ends too early or is damaged.
        """
        rows = min(count, self.shape[0] - self._position)
        size = rows * self._row_items * self.dtype.itemsize
        try:
            data = self._file.read(size) if size else b""
        except _BROKEN as error:
            raise self._damaged(str(error)) from error
        if len(data) < size:
            raise self._damaged(f"it ends after row {self._position + len(data) * rows // size}")
        self._position += rows
        return np.frombuffer(data, self.dtype).reshape(rows, *self.shape[1:])

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._archive is not None:
            self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> IO[bytes]:
        if not self.member:
            try:
                return self.path.open("rb")
            except OSError as error:
                raise ConfigurationError(f"{self.path} can't be read: {error.strerror or error}") from error
        names = members(self.path)
        if self.member not in names:
            hint = did_you_mean(self.member, names) or f"it holds {', '.join(names)}"
            raise ConfigurationError(f'{self.path} holds no array "{self.member}"', hint=hint)
        self._archive = zipfile.ZipFile(self.path)
        return self._archive.open(f"{self.member}.npy")

    def _read_header(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        try:
            version = np.lib.format.read_magic(self._file)
            header = np.lib.format.read_array_header_1_0 if version < (2, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = header(self._file)
        except _BROKEN as error:
            raise self._damaged(str(error)) from error
        if dtype.hasobject:
            text = f"{self.name} holds Python objects instead of numbers"
            raise ConfigurationError(text, hint="save it with one number type, without allow_pickle")
        if not shape:
            raise ConfigurationError(f"{self.name} is a single number, no array of samples")
        if fortran and len(shape) > 1:
            text = f"{self.name} is stored column by column, so it can't be read sample by sample"
            raise ConfigurationError(text, hint="save numpy.ascontiguousarray of it")
        return shape, dtype

    def _damaged(self, reason: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.name} can't be read: {reason}", hint="the file is damaged or no NumPy file: save it again"
        )


def members(path: Path) -> list[str]:
    """Return the names of the arrays in a `.npz` file.

    Raises:
        ConfigurationError: if it can't be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except _BROKEN as error:
        text = f"{path} can't be read: {error}"
        raise ConfigurationError(text, hint="the file is damaged or no .npz file: save it again") from error
    return [name.removesuffix(".npy") for name in names if name.endswith(".npy")]
