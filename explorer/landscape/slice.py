"""A slice and its file: the fields on a plane, which points were measured, and its provenance. No torch.

A finished slice is one ``.npz`` (``Slice``). While it is being measured, its file is a journal, ``<file>.part``
(``Journal``): every tile is appended at once, so that a killed worker loses one tile at most and a page can draw what
is there. ``read_slice`` reads whichever of the two is there; ``known_points`` gives the points that either holds.

========================  ============  ====================================================================
array                     shape         meaning
========================  ============  ====================================================================
``alpha``, ``beta``       (A,), (B,)    coordinates; a line has the one beta 0. Fields, errors and bars of slices
                                        that come with the app are rounded, and in single precision
``<field>``               (B, A)        measured or interpolated; NaN: undefined, or not smooth and not measured
``error_<field>``         (B, A)        estimated error of the interpolation, as a share of the field's range
``bar_<field>``           (B, A)        standard error of the value, from disjoint parts of the data; where measured
``measured``              (B, A) bool   the point was measured
``meta``                  ()            JSON, see ``SliceMeta``
========================  ============  ====================================================================
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.landscape.grid import Tile
from explorer.landscape.refine import Refinement
from explorer.landscape.slice_meta import SliceMeta

Array = NDArray[np.float64]
_NO_NUMBERS = ("measured", "meta")


@dataclass(frozen=True, eq=False)
class Slice:
    """Fields over a plane; see above for the arrays."""

    alpha: Array
    beta: Array
    fields: Mapping[str, Array]
    error: Mapping[str, Array]  # of the interpolation; smooth fields only
    standard_errors: Mapping[str, Array]
    measured: NDArray[np.bool_]
    meta: SliceMeta

    @classmethod
    def of(cls, refinement: Refinement, meta: SliceMeta) -> Self:
        """The current state of a refinement."""
        estimate, shape = refinement.estimate(), refinement.grid.shape
        columns = {field.name: column for column, field in enumerate(refinement.fields)}
        return cls(
            alpha=refinement.grid.alpha,
            beta=refinement.grid.beta,
            fields={name: estimate.values[:, column].reshape(shape) for name, column in columns.items()},
            error={
                field.name: estimate.error[:, columns[field.name]].reshape(shape)
                for field in refinement.fields
                if field.smooth
            },
            standard_errors={
                name: refinement.standard_errors[:, column].reshape(shape) for name, column in columns.items()
            },
            measured=refinement.measured.reshape(shape).copy(),
            meta=meta,
        )

    def refinement(self) -> Refinement:
        """A refinement that holds the measured points, to continue from."""
        refinement = empty_refinement(self.meta)
        indices = np.flatnonzero(self.measured)
        names = [field.name for field in self.meta.fields]
        values, standard_errors = (
            np.stack([arrays[name].ravel()[indices] for name in names], axis=1)
            for arrays in (self.fields, self.standard_errors)
        )
        refinement.add(Tile(indices, values, standard_errors))
        return refinement

    def save(self, path: Path) -> None:
        """Writes the file, whole or not at all. The same slice gives the same bytes.

        Raises:
            InputError: it cannot be written there.
        """
        arrays: dict[str, NDArray[np.generic]] = {"alpha": self.alpha, "beta": self.beta, **self.fields}
        arrays |= {f"error_{name}": array for name, array in self.error.items()}
        arrays |= {f"bar_{name}": array for name, array in self.standard_errors.items()}
        arrays |= {"measured": self.measured, "meta": np.array(self.meta.model_dump_json())}
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
        try:
            write_atomically(path, content.getvalue())
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", str(path), "choose another place") from None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a file.

        Raises:
            InputError: it is not there or no slice.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                meta = SliceMeta.model_validate_json(str(file["meta"]))
                names = [field.name for field in meta.fields]
                doubles = {name: file[name].astype(np.float64) for name in file.files if name not in _NO_NUMBERS}
                return cls(
                    alpha=doubles["alpha"],
                    beta=doubles["beta"],
                    fields={name: doubles[name] for name in names},
                    error={field.name: doubles[f"error_{field.name}"] for field in meta.fields if field.smooth},
                    standard_errors={name: doubles[f"bar_{name}"] for name in names},
                    measured=file["measured"],
                    meta=meta,
                )
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, ValidationError) as error:
            reason = "it is not there" if isinstance(error, FileNotFoundError) else "it is not a slice of this program"
            raise InputError(f"cannot be read: {reason}", path.name, "remove it and measure it again") from None


def empty_refinement(meta: SliceMeta) -> Refinement:
    """A refinement of this slice with nothing measured yet."""
    request = meta.request
    return Refinement(meta.grid, meta.fields, request.watched, request.tolerance, request.exhaustive)


def journal_path(path: Path) -> Path:
    """The journal of a slice's file."""
    return path.with_name(f"{path.name}.part")


class Journal:
    """Appends tiles to the journal of a slice's file.

    Args:
        path: of the slice's file.
        meta: of the slice.
        known: points that are measured already; the new journal begins with them.

    Raises:
        InputError: the journal cannot be written there.
    """

    def __init__(self, path: Path, meta: SliceMeta, known: Tile) -> None:
        self._path = journal_path(path)
        try:
            write_atomically(self._path, meta.model_dump_json().encode() + b"\n" + _records(known))
            self._file = self._path.open("ab")
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", str(path), "choose another place") from None

    def append(self, tile: Tile) -> None:
        """Appends a tile, which is in the file when this returns."""
        self._file.write(_records(tile))
        self._file.flush()

    def finish(self, finished: Slice, path: Path) -> None:
        """Writes the slice's file and removes the journal."""
        finished.save(path)
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _records(tile: Tile) -> bytes:
    return np.hstack([tile.indices[:, None], tile.values, tile.standard_errors]).astype("<f8").tobytes()


def read_journal(path: Path) -> tuple[SliceMeta, Refinement] | None:
    """What the journal of a slice's file holds; None where there is none or its first line is incomplete."""
    try:
        header, _, records = journal_path(path).read_bytes().partition(b"\n")
        meta = SliceMeta.model_validate_json(header)
    except (FileNotFoundError, ValidationError):
        return None
    count = len(meta.fields)
    width = 1 + 2 * count
    table = np.frombuffer(records[: len(records) // (8 * width) * 8 * width], dtype="<f8").reshape(-1, width)
    refinement = empty_refinement(meta)
    refinement.add(Tile(table[:, 0].astype(np.int64), table[:, 1 : 1 + count], table[:, 1 + count :]))
    return meta, refinement


def known_points(path: Path, meta: SliceMeta) -> Tile:
    """The points that a slice's file or journal holds already, whatever tolerance they were measured for.

    Args:
        path: of the slice's file.
        meta: of the slice to be measured; points of another plane, dataset or segmenter are left out.
    """
    count = len(meta.fields)
    known = Tile(np.zeros(0, dtype=np.int64), np.zeros((0, count)), np.zeros((0, count)))
    found = read_journal(path)
    if found is None and path.exists():
        finished = Slice.load(path)
        found = finished.meta, finished.refinement()
    if found is None or not found[0].same_points(meta):
        return known
    measured = np.flatnonzero(found[1].measured)
    return Tile(measured, found[1].values[measured], found[1].standard_errors[measured])


def read_slice(path: Path) -> Slice:
    """A slice as far as it is measured: finished or in progress.

    Raises:
        InputError: there is neither, or it cannot be read.
    """
    journal = read_journal(path)
    if journal is not None and journal[1].count:
        return Slice.of(journal[1], journal[0])
    return Slice.load(path)
