"""A slice: the fields on a plane, which points were measured, and where it all comes from. No torch.

A finished slice is one ``.npz``. While it is measured, every tile is appended to ``<file>.part`` at once, so that a
worker that is killed loses nothing but the tile in its hands, and a page can draw what there is.

========================  ============  ====================================================================
array                     shape         what
========================  ============  ====================================================================
``alpha``, ``beta``       (A,), (B,)    coordinates; a line has the one beta 0
``<field>``               (B, A)        measured or interpolated; NaN: undefined, or not smooth and not measured
``error_<field>``         (B, A)        estimated error of the interpolation, as a share of the field's range
``bar_<field>``           (B, A)        standard error over disjoint parts of the data, where measured
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


@dataclass(frozen=True, eq=False)
class Slice:
    """Fields over a plane; see above for the arrays."""

    alpha: Array
    beta: Array
    fields: Mapping[str, Array]
    error: Mapping[str, Array]  # of smooth fields
    bars: Mapping[str, Array]
    measured: NDArray[np.bool_]
    meta: SliceMeta

    @classmethod
    def of(cls, refinement: Refinement, meta: SliceMeta) -> Self:
        """The present state of a refinement."""
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
            bars={name: refinement.bars[:, column].reshape(shape) for name, column in columns.items()},
            measured=refinement.measured.reshape(shape).copy(),
            meta=meta,
        )

    def refinement(self) -> Refinement:
        """What was measured, ready to go on from."""
        refinement = empty_refinement(self.meta)
        indices = np.flatnonzero(self.measured)
        names = [info.name for info in self.meta.fields]
        values, bars = (
            np.stack([arrays[name].ravel()[indices] for name in names], axis=1) for arrays in (self.fields, self.bars)
        )
        refinement.add(Tile(indices, values, bars))
        return refinement

    def save(self, path: Path) -> None:
        """Writes the file, whole or not at all. The same slice gives the same bytes."""
        arrays: dict[str, NDArray[np.generic]] = {"alpha": self.alpha, "beta": self.beta, **self.fields}
        arrays |= {f"error_{name}": array for name, array in self.error.items()}
        arrays |= {f"bar_{name}": array for name, array in self.bars.items()}
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
                names = [info.name for info in meta.fields]
                return cls(
                    alpha=file["alpha"],
                    beta=file["beta"],
                    fields={name: file[name] for name in names},
                    error={info.name: file[f"error_{info.name}"] for info in meta.fields if info.smooth},
                    bars={name: file[f"bar_{name}"] for name in names},
                    measured=file["measured"],
                    meta=meta,
                )
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, ValidationError) as error:
            reason = "it is not there" if isinstance(error, FileNotFoundError) else "it is no slice of this program"
            raise InputError(f"cannot be read: {reason}", path.name, "remove it and measure it again") from None


def empty_refinement(meta: SliceMeta) -> Refinement:
    """A refinement of this slice with nothing measured yet."""
    request = meta.request
    return Refinement(meta.grid, meta.field_list, request.watched, request.tolerance, request.exhaustive)


def journal_path(path: Path) -> Path:
    """Where the points of a slice's file are kept while it is measured."""
    return path.with_name(f"{path.name}.part")


class Journal:
    """Appends tiles to the journal of a slice's file.

    Args:
        path: of the slice's file.
        meta: of the slice.
        known: what was measured before; it stands in the new journal from the start.
    """

    def __init__(self, path: Path, meta: SliceMeta, known: Tile) -> None:
        self._path = journal_path(path)
        try:
            write_atomically(self._path, meta.model_dump_json().encode() + b"\n" + _records(known))
            self._file = self._path.open("ab")
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", str(path), "choose another place") from None

    def append(self, tile: Tile) -> None:
        """Keeps a tile: it is in the file when this returns."""
        self._file.write(_records(tile))
        self._file.flush()

    def finish(self, finished: Slice, path: Path) -> None:
        """Writes the slice's file; the journal has done its work."""
        finished.save(path)
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _records(tile: Tile) -> bytes:
    return np.hstack([tile.indices[:, None], tile.values, tile.bars]).astype("<f8").tobytes()


def read_journal(path: Path) -> tuple[SliceMeta, Refinement] | None:
    """What the journal of a slice's file holds; None where there is none or its first line is torn."""
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
    """All points of the same slice that its file or its journal hold already, whatever tolerance they were for."""
    count = len(meta.fields)
    known = Tile(np.zeros(0, dtype=np.int64), np.zeros((0, count)), np.zeros((0, count)))
    found = read_journal(path)
    if found is None and path.exists():
        finished = Slice.load(path)
        found = finished.meta, finished.refinement()
    if found is None or not found[0].same_points(meta):
        return known
    measured = np.flatnonzero(found[1].measured)
    return Tile(measured, found[1].values[measured], found[1].bars[measured])


def read_slice(path: Path) -> Slice:
    """A slice as far as it is measured: in the making, or finished.

    Raises:
        InputError: there is neither, or it cannot be read.
    """
    begun = read_journal(path)
    if begun is not None and begun[1].count:
        return Slice.of(begun[1], begun[0])
    return Slice.load(path)
