"""Splits scenes into training and validation: by scene, or one scene into blocks with a margin between them.

The two sides never share a pixel, and every class occurs on both sides where that is possible. ``hold_out`` splits the
training scenes once more: what it holds out neither trains nor scores, and the probability threshold is chosen on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.scene import IGNORE, GeoReference, Scene

VALIDATION_SHARE = 0.25
MARGIN = 32
"""Pixels between the blocks of a split scene that belong to neither side; fewer in small scenes."""

HOLD_OUT_SHARE = 1 / 6
"""Of the training scenes, or of each of them, on which the threshold is chosen."""

FEWEST_SCENES = 5
"""With fewer training scenes than this, a block of each is held out and no whole scene."""

_SMALLEST_BLOCK = 4  # pixels across; a scene that gives none is not cut by ``hold_out``
_TRIES = 200  # random splits by scene that are compared
_POSITIONS = 16  # positions of the validation block that are tried along each axis


@dataclass(frozen=True)
class Split:
    """The scenes of each side."""

    training: tuple[Scene, ...]
    validation: tuple[Scene, ...]  # of ``hold_out``: those on which the threshold is chosen


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
    return _whole_scenes(scenes, classes, VALIDATION_SHARE, seed)


def hold_out(scenes: Sequence[Scene], classes: int) -> Split:
    """Holds out a part of the training scenes, on which the threshold and the triggers of a run are decided.

    Five scenes or more: a sixth of the scenes, at least one, chosen as ``split_scenes`` chooses. Fewer: a band of each
    scene, so that no scene is lost to training. Cross-validation over few scenes would train the segmenter once for
    each; bands cost no training time. But a band lies in a scene that trained, so that the segmenter does better there
    than on a scene that it has never seen, and a threshold from bands tends to be too bold
    (:mod:`explorer.metrics.threshold_choice` says what is done about it).

    A band keeps the margins beside it in its image, with the label ``IGNORE``: they are what the segmenter sees round
    the band, and are on neither side. Bands of all scenes are chosen such that every class is on both sides where that
    is possible, then such that they hold about a sixth of each class and little is lost in the margins. The same
    scenes give the same parts.

    Args:
        scenes: the training scenes, at least one.
        classes: number of classes, background included.

    Returns:
        ``training``: what trains. ``validation``: what is held out, empty where every scene is too small to be cut
        (fewer than 21 pixels along both axes). Parts of a scene are named after it: "port_3 (threshold block)",
        "port_3 (training block)" or, of two, "port_3 (training block 1)".
    """
    if len(scenes) >= FEWEST_SCENES:
        return _whole_scenes(scenes, classes, HOLD_OUT_SHARE, seed=0)
    held_out, trained = np.zeros(classes, np.int64), np.sum([scene.pixel_counts(classes) for scene in scenes], axis=0)
    training: list[Scene] = []
    validation: list[Scene] = []
    for scene in scenes:
        profiles = [_profile(scene, axis, classes) for axis in (0, 1)]
        total = profiles[0].sum(axis=1)
        cuts = [
            (cut, held, kept)
            for axis in (0, 1)
            for cut in _cuts(axis, scene.size[axis], HOLD_OUT_SHARE)
            if cut.validation[1] - cut.validation[0] >= _SMALLEST_BLOCK
            for held, kept in [_sides(profiles[axis], cut)]
        ]
        if not cuts:
            training.append(scene)
            continue
        trained -= total  # what the other scenes train on, those that are not cut yet in whole
        best, held, kept = max(cuts, key=lambda each: _joint_merit(each[1], each[2], total, held_out, trained))
        held_out, trained = held_out + held, trained + kept
        training += best.training_pieces(scene, "training block")
        validation.append(best.piece_with_margins(scene, "threshold block"))
    return Split(tuple(training), tuple(validation))


def _whole_scenes(scenes: Sequence[Scene], classes: int, share: float, seed: int) -> Split:
    counts = np.array([scene.pixel_counts(classes) for scene in scenes])  # (scenes, classes)
    held_out = max(1, round(len(scenes) * share))
    rng = np.random.default_rng(seed)
    choices = [rng.permutation(len(scenes))[:held_out] for _ in range(_TRIES)]
    total = counts.sum(axis=0)

    def merit(choice: NDArray[np.int64]) -> tuple[int, int, float]:
        held_out = counts[choice].sum(axis=0)
        return _merit(held_out, total - held_out, total, share)

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
    cuts = [cut for axis in (0, 1) for cut in _cuts(axis, scene.size[axis], VALIDATION_SHARE)]
    if not cuts:
        raise InputError("too small to be split into training and validation", scene.name, "give a second scene")
    profiles = [_profile(scene, axis, classes) for axis in (0, 1)]
    total = profiles[0].sum(axis=1)

    def merit(cut: _Cut) -> tuple[int, int, float]:
        return _merit(*_sides(profiles[cut.axis], cut), total, VALIDATION_SHARE)

    best = max((cuts[index] for index in rng.permutation(len(cuts))), key=merit)
    return Split(best.training_pieces(scene, "training"), (best.piece(scene, *best.validation, "validation"),))


def are_blocks(training: Sequence[str], validation: Sequence[str]) -> bool:
    """Whether scenes of these names are the blocks of one scene, see ``split_blocks``, and no whole scenes.

    >>> are_blocks(["port (training 1)", "port (training 2)"], ["port (validation)"])
    True
    >>> are_blocks(["tile (1)"], ["tile (2)"])
    False
    """
    if len(validation) != 1 or not validation[0].endswith(" (validation)"):
        return False
    scene = validation[0].removesuffix(" (validation)")
    return set(training) <= {f"{scene} ({name})" for name in ("training", "training 1", "training 2")}


def _profile(scene: Scene, axis: int, classes: int) -> NDArray[np.int64]:
    """Pixels of each class in each row (axis 0) or column (axis 1), (classes, H or W)."""
    return np.array([np.count_nonzero(scene.label == class_id, axis=1 - axis) for class_id in range(classes)])


def _sides(profile: NDArray[np.int64], cut: _Cut) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pixels of each class that a cut holds out and those that train, (classes,) each."""
    trained = np.sum([profile[:, slice(*span)].sum(axis=1) for span in cut.training], axis=0)
    return profile[:, slice(*cut.validation)].sum(axis=1), trained


def _merit(
    held_out: NDArray[np.int64], trained: NDArray[np.int64], total: NDArray[np.int64], target: float
) -> tuple[int, int, float]:
    """Foreground classes on both sides, those to train on, and how far all shares are from the target (0 is best)."""
    present = total > 0
    share = held_out[present] / total[present]
    return *_classes_on_sides(held_out, trained), -float(np.abs(share - target).sum())


def _joint_merit(
    held_out: NDArray[np.int64],
    trained: NDArray[np.int64],
    total: NDArray[np.int64],
    held_out_elsewhere: NDArray[np.int64],
    trained_elsewhere: NDArray[np.int64],
) -> tuple[int, int, float]:
    """The classes on the sides over all scenes; then how far one scene's shares are from the target, and its losses."""
    present = total > 0
    share, lost = held_out[present] / total[present], 1 - (held_out + trained)[present] / total[present]
    both, to_train = _classes_on_sides(held_out_elsewhere + held_out, trained_elsewhere + trained)
    return both, to_train, -float((np.abs(share - HOLD_OUT_SHARE) + lost).sum())


def _classes_on_sides(held_out: NDArray[np.int64], trained: NDArray[np.int64]) -> tuple[int, int]:
    """Number of foreground classes that are on both sides, and of those to train on."""
    return int(((held_out > 0) & (trained > 0))[1:].sum()), int((trained[1:] > 0).sum())


@dataclass(frozen=True)
class _Cut:
    axis: int  # 0: bands of rows, 1: bands of columns
    validation: tuple[int, int]  # start, stop
    training: tuple[tuple[int, int], ...]  # one block, or one on each side
    margin: int

    def training_pieces(self, scene: Scene, name: str) -> tuple[Scene, ...]:
        names = (name,) if len(self.training) == 1 else (f"{name} 1", f"{name} 2")
        return tuple(self.piece(scene, *span, name) for span, name in zip(self.training, names, strict=True))

    def piece_with_margins(self, scene: Scene, name: str) -> Scene:
        """The validation block with the margins beside it, which are ignored."""
        start, stop = self.validation
        first, last = max(0, start - self.margin), min(scene.size[self.axis], stop + self.margin)
        piece = self.piece(scene, first, last, name)
        label = piece.label.copy()
        along = label if self.axis == 0 else label.T  # a view
        along[: start - first] = along[stop - first :] = IGNORE
        objects = None if piece.objects is None else np.where(label == IGNORE, np.int32(0), piece.objects)
        return replace(piece, label=label, objects=objects)

    def piece(self, scene: Scene, start: int, stop: int, name: str) -> Scene:
        rows, columns = (slice(start, stop), slice(None))[:: -1 if self.axis else 1]
        offset = (0, start) if self.axis else (start, 0)
        return replace(
            scene,
            name=f"{scene.name} ({name})",
            image=scene.image[:, rows, columns],
            label=scene.label[rows, columns],
            objects=None if scene.objects is None else scene.objects[rows, columns],
            valid=None if scene.valid is None else scene.valid[rows, columns],
            georeference=_shifted(scene.georeference, *offset),
        )


def _cuts(axis: int, length: int, share: float) -> list[_Cut]:
    margin = max(1, min(MARGIN, length // 16))
    block = round(length * share)
    if length < 8:
        return []
    starts = {round(position) for position in np.linspace(0, length - block, _POSITIONS)}
    cuts = []
    for start in sorted(starts):
        spans = ((0, start - margin), (start + block + margin, length))
        training = tuple(span for span in spans if span[1] - span[0] >= block // 2)
        if training:
            cuts.append(_Cut(axis, (start, start + block), training, margin))
    return cuts


def _shifted(georeference: GeoReference | None, row: int, column: int) -> GeoReference | None:
    if georeference is None:
        return None
    a, b, c, d, e, f = georeference.transform
    shifted = (a, b, c + a * column + b * row, d, e, f + d * column + e * row)
    return replace(georeference, transform=shifted)
