"""Knows a scene again when it comes back: hashes of some of its rows and columns.

A run keeps the marks of its scenes and none of their pixels. Scenes that are cut into blocks
(:mod:`explorer.imagery.splitting`) are cut along whole rows or columns, so that a block's marks are found in the scene
it was cut from, and the other way round. Scenes that were resampled, turned or cut along both axes are not known again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from explorer.imagery.scene import Scene

_LINES = 12  # marks a scene along each axis
_FEWEST = 2  # lines of an axis that are found again: one might be the frame of a scan


class SceneMark(BaseModel):
    """A scene's name and some of its lines."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    rows: tuple[str, ...]  # hashes of whole rows, at even distances, none of one colour
    columns: tuple[str, ...]

    @classmethod
    def of(cls, scene: Scene) -> SceneMark:
        """The marks of a scene: lines at even distances, without those of one colour."""
        rows, columns = (_spread(list(dict.fromkeys(_lines(scene.image, axis)))) for axis in (1, 2))
        return cls(name=scene.name, rows=rows, columns=columns)


def known_again(scene: Scene, marks: tuple[SceneMark, ...]) -> list[int]:
    """Positions of the marks that are found in the scene: it is the marked scene, holds it, or shares lines with it."""
    rows, columns = (frozenset(_lines(scene.image, axis)) for axis in (1, 2))
    return [
        position
        for position, mark in enumerate(marks)
        if len(rows.intersection(mark.rows)) >= _FEWEST or len(columns.intersection(mark.columns)) >= _FEWEST
    ]


def _lines(image: NDArray[np.generic], axis: int) -> Iterator[str]:
    """Hashes of the rows (axis 1) or columns (axis 2) of an image (C, H, W); those of one colour are left out."""
    lines = np.ascontiguousarray(np.moveaxis(image.astype(np.float32), axis, 0))  # (lines, C, along)
    for line in lines:
        if (line != line[:, :1]).any():
            yield hashlib.blake2b(line.tobytes(), digest_size=8).hexdigest()


def _spread(lines: list[str]) -> tuple[str, ...]:
    chosen = np.unique(np.linspace(0, len(lines) - 1, min(_LINES, len(lines))).round().astype(int))
    return tuple(lines[position] for position in chosen)
