"""Splits scenes into training and validation: by scene, or one scene into blocks with a margin between them.

The two sides never share a pixel, and every class occurs on both sides where that is possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.scene import GeoReference, Scene

VALIDATION_SHARE = 0.25
MARGIN = 32
"""Pixels between the blocks of a split scene that belong to neither side; fewer in small scenes."""

_TRIES = 200  # random splits by scene that are compared
_POSITIONS = 16  # positions of the validation block that are tried along each axis


@dataclass(frozen=True)
class Split:
    """The scenes of each side."""

    training: tuple[Scene, ...]
    validation: tuple[Scene, ...]


def split(scenes: Sequence[Scene], classes: int, seed: int = 0) -> Split:
    """Splits by scene if there are two or more, otherwise by blocks.

    Args:
        scenes: at least one.
        classes: number of classes, background included.
        seed: the same seed gives the same split.

    Raises:
        InputError: there is only one scene and it is too small to be cut.
    """
    return split_scenes(scenes, classes, seed) if len(scenes) > 1 else split_blocks(scenes[0], classes, seed)


def split_scenes(scenes: Sequence[Scene], classes: int, seed: int = 0) -> Split:
    """Holds out a quarter of the scenes for validation, at least one.

    Compares many random choices and keeps the one with the most classes on both sides; among equals, the one with the
    most classes to train on; then the one whose validation side is closest to a quarter of each class's pixels.
    """
    counts = np.array([scene.pixel_counts(classes) for scene in scenes])  # (scenes, classes)
    held_out = max(1, round(len(scenes) * VALIDATION_SHARE))
    rng = np.random.default_rng(seed)
    choices = [rng.permutation(len(scenes))[:held_out] for _ in range(_TRIES)]
    total = counts.sum(axis=0)

    def merit(choice: NDArray[np.int64]) -> tuple[int, int, float]:
        held_out = counts[choice].sum(axis=0)
        return _merit(held_out, total - held_out, total)

    best = max(choices, key=merit)
    chosen = set(best.tolist())
    return Split(
        tuple(scene for index, scene in enumerate(scenes) if index not in chosen),
        tuple(scene for index, scene in enumerate(scenes) if index in chosen),
    )


def split_blocks(scene: Scene, classes: int, seed: int = 0) -> Split:
    """Cuts a quarter of a scene out as the validation block, with a margin to the training blocks.

    The block is a band of full width or full height, so that both sides stay as large as possible.

    Raises:
        InputError: fewer than 8 pixels along both axes.
    """
    rng = np.random.default_rng(seed)
    cuts = [cut for axis in (0, 1) for cut in _cuts(axis, scene.size[axis])]
    if not cuts:
        raise InputError("too small to be split into training and validation", scene.name, "give a second scene")
    profiles = [_profile(scene, axis, classes) for axis in (0, 1)]
    total = profiles[0].sum(axis=1)

    def merit(cut: _Cut) -> tuple[int, int, float]:
        counts = profiles[cut.axis]
        trained = np.sum([counts[:, slice(*span)].sum(axis=1) for span in cut.training], axis=0)
        return _merit(counts[:, slice(*cut.validation)].sum(axis=1), trained, total)

    best = max((cuts[index] for index in rng.permutation(len(cuts))), key=merit)
    return Split(best.training_pieces(scene), (best.piece(scene, *best.validation, "validation"),))


def _profile(scene: Scene, axis: int, classes: int) -> NDArray[np.int64]:
    """Pixels of each class in each row (axis 0) or column (axis 1), (classes, H or W)."""
    return np.array([np.count_nonzero(scene.label == class_id, axis=1 - axis) for class_id in range(classes)])


def _merit(held_out: NDArray[np.int64], trained: NDArray[np.int64], total: NDArray[np.int64]) -> tuple[int, int, float]:
    """Foreground classes on both sides, those to train on, and how far all shares are from the target (0 is best)."""
    both = int(((held_out > 0) & (trained > 0))[1:].sum())
    present = total > 0
    share = held_out[present] / total[present]
    return both, int((trained[1:] > 0).sum()), -float(np.abs(share - VALIDATION_SHARE).sum())


@dataclass(frozen=True)
class _Cut:
    axis: int  # 0: bands of rows, 1: bands of columns
    validation: tuple[int, int]  # start, stop
    training: tuple[tuple[int, int], ...]  # one block, or one on each side

    def training_pieces(self, scene: Scene) -> tuple[Scene, ...]:
        names = ("training",) if len(self.training) == 1 else ("training 1", "training 2")
        return tuple(self.piece(scene, *span, name) for span, name in zip(self.training, names, strict=True))

    def piece(self, scene: Scene, start: int, stop: int, name: str) -> Scene:
        rows, columns = (slice(start, stop), slice(None))[:: -1 if self.axis else 1]
        offset = (0, start) if self.axis else (start, 0)
        return replace(
            scene,
            name=f"{scene.name} ({name})",
            image=scene.image[:, rows, columns],
            label=scene.label[rows, columns],
            objects=None if scene.objects is None else scene.objects[rows, columns],
            georeference=_shifted(scene.georeference, *offset),
        )


def _cuts(axis: int, length: int) -> list[_Cut]:
    margin = max(1, min(MARGIN, length // 16))
    block = round(length * VALIDATION_SHARE)
    if length < 8:
        return []
    starts = {round(position) for position in np.linspace(0, length - block, _POSITIONS)}
    cuts = []
    for start in sorted(starts):
        spans = ((0, start - margin), (start + block + margin, length))
        training = tuple(span for span in spans if span[1] - span[0] >= block // 2)
        if training:
            cuts.append(_Cut(axis, (start, start + block), training))
    return cuts


def _shifted(georeference: GeoReference | None, row: int, column: int) -> GeoReference | None:
    if georeference is None:
        return None
    a, b, c, d, e, f = georeference.transform
    shifted = (a, b, c + a * column + b * row, d, e, f + d * column + e * row)
    return replace(georeference, transform=shifted)
