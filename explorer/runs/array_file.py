"""Arrays in one file that is mapped into memory: they take none of the process, and the disk only what they hold."""

from __future__ import annotations

import mmap
import os
import pickle
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_ALIGNED = 64  # bytes


class ArrayFile:
    """A file of arrays, mapped as a whole. Arrays that it gives back cannot be written to.

    Args:
        path: of the file, which is created where it is missing.
        most: bytes that it may hold; the file is as long, but has holes.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.fstat(self._file).st_size < most:
            os.ftruncate(self._file, most)
        self._pages = mmap.mmap(self._file, 0)
        self._start = np.frombuffer(self._pages, np.uint8).__array_interface__["data"][0]
        self._used = 0

    def keep(self, array: NDArray[Any]) -> NDArray[Any]:
        """Gives the array from the file; the array itself where the file is full.

        Raises:
            OSError: the disk is.
        """
        if self._used + array.nbytes > len(self._pages) or not array.size:
            return array
        os.posix_fallocate(self._file, self._used, array.nbytes)  # a full disk would end the process while it writes
        kept = np.ndarray(array.shape, array.dtype, self._pages, self._used)
        kept[...] = array
        kept.flags.writeable = False
        self._used += -(-array.nbytes // _ALIGNED) * _ALIGNED
        return kept

    def trim(self) -> None:
        """Makes the file as long as what it holds; nothing can be kept afterwards."""
        os.ftruncate(self._file, self._used)

    def dump(self, value: object, file: IO[bytes]) -> None:
        """Pickles a value; of arrays that lie in the file, only where they lie."""
        _Pickler(self, file).dump(value)

    def load(self, file: IO[bytes]) -> Any:
        """A value that ``dump`` has pickled."""
        return _Unpickler(self, file).load()

    def _place(self, array: NDArray[Any]) -> int | None:
        """Where an array begins in the file; None if it lies elsewhere."""
        place = int(array.__array_interface__["data"][0]) - int(self._start)
        return place if array.size and 0 <= place < len(self._pages) else None

    def _at(self, place: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> NDArray[Any]:
        found = np.ndarray(shape, dtype, self._pages, place, strides)
        found.flags.writeable = False
        return found


class _Pickler(pickle.Pickler):
    def __init__(self, arrays: ArrayFile, file: IO[bytes]) -> None:
        super().__init__(file, protocol=5)
        self._arrays = arrays

    def persistent_id(self, value: Any) -> tuple[Any, ...] | None:
        place = self._arrays._place(value) if isinstance(value, np.ndarray) else None
        return None if place is None else (place, value.shape, value.strides, value.dtype.str)


class _Unpickler(pickle.Unpickler):
    def __init__(self, arrays: ArrayFile, file: IO[bytes]) -> None:
        super().__init__(file)
        self._arrays = arrays

    def persistent_load(self, held: Any) -> NDArray[Any]:
        return self._arrays._at(*held)
