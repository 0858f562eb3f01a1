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
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from explorer.errors import InputError
from explorer.files import write_whole
from explorer.landscape.grid import Tile
from explorer.landscape.provenance import SliceMeta
from explorer.landscape.refine import Refinement

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
            write_whole(path, content.getvalue())
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
