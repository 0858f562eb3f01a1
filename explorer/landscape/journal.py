"""The measured points of a slice in the making, one record a point, so that a kill at any moment loses none. No torch.

``<file>.part`` begins with a line of JSON (``SliceMeta``), then come records of float64, little-endian: the point's
place in the flattened grid, the value of every field, the standard error of every field. A torn last record is cut off.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from pydantic import ValidationError

from explorer.errors import InputError
from explorer.files import write_whole
from explorer.landscape.grid import Tile
from explorer.landscape.provenance import SliceMeta
from explorer.landscape.refine import Refinement
from explorer.landscape.slice import Slice, empty_refinement


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
            write_whole(self._path, meta.model_dump_json().encode() + b"\n" + _records(known))
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
