"""Chooses the thresholds of a checkpoint on the scenes that its run held out, once; then they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial, reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.objects import median_diameter, near_others, object_areas, objects_of_class
from explorer.imagery.scene import Dataset, Scene
from explorer.imagery.splitting import hold_out
from explorer.metrics.class_map import STEPS, in_thousandths
from explorer.metrics.curves import Curve, ObjectSweep, PixelCurve, ToleranceCurve, sweep_objects
from explorer.metrics.cut_choice import NEAR_GAP, LabelSizes, choose_cut
from explorer.metrics.matching import LabelObjects, find_label_objects
from explorer.metrics.splitting_predictions import ObjectCut, cut_thousandths, without_specks
from explorer.metrics.threshold_choice import CANDIDATES, ChosenThreshold, choose_threshold
from explorer.metrics.tolerance import sweep_within
from explorer.runs.class_thresholds import OwnThresholds, read_own_thresholds, write_own_thresholds
from explorer.runs.evaluation import Scoring
from explorer.runs.folder import RunFolder
from explorer.runs.segmenters import find_checkpoint, load_predictor
from explorer.segmenter.prediction import Predictor

_COARSE: NDArray[np.float64] = np.arange(100, 901, 100) / STEPS
"""Thresholds at which ways to cut objects out are compared."""


def own_thresholds(
    folder: RunFolder,
    dataset: Dataset,
    checkpoint: str | None = None,
    device: str = "auto",
    last: bool = False,
) -> OwnThresholds:
    """The thresholds of a checkpoint, chosen on the threshold scenes; kept in the folder once they are.

    They are chosen under the match rule and with the minimum area that the run remembers of its dataset.

    Args:
        folder: of the run.
        dataset: that the run trained on; its training scenes are split as the training did.
        checkpoint: its file's name; the newest one that can be read if not given.
        device: see ``load_predictor``.
        last: the run has ended with this checkpoint: its thresholds become those of the run, chosen anew.

    Raises:
        InputError: there is no such checkpoint, or it cannot be read.
    """
    if checkpoint is None:
        checkpoint, _ = find_checkpoint(folder)
    own = None if last else read_own_thresholds(folder, checkpoint)
    if own is not None:
        return own
    reference, classes = folder.dataset(), len(dataset.classes)
    scoring = Scoring(reference.minimum_area, reference.match_rule)
    sizes = label_sizes(dataset.training, classes, reference.minimum_area)
    scenes = hold_out(dataset.training, classes).validation if folder.plan().choose_threshold else ()
    chosen: tuple[ChosenThreshold, ...] = ()
    if scenes:
        predictor = load_predictor(folder, checkpoint, device)
        chosen = choose_thresholds(predictor, scenes, dataset.training, sizes, scoring)
    own = OwnThresholds(
        checkpoint,
        scoring.match_rule,
        scoring.minimum_area,
        tuple(scene.name for scene in scenes),
        chosen,
        tuple(round(each.diameter, 1) for each in sizes),
    )
    path = folder.threshold_file if last else folder.thresholds_file(checkpoint)
    write_own_thresholds(own, path, dataset.classes)
    return own


def label_sizes(scenes: Sequence[Scene], classes: int, minimum_area: int) -> tuple[LabelSizes, ...]:
    """The objects of class 1, 2, … in the labels of training scenes.

    Args:
        classes: number of classes, background included.
        minimum_area: in pixels; the areas of smaller objects are left out.
    """
    areas = [each[each >= minimum_area] for each in object_areas(scenes, classes)]
    return tuple(
        LabelSizes(median_diameter(of_class), float(np.quantile(of_class, 0.1)) if len(of_class) else 1.0)
        for of_class in areas
    )


def near_share(scenes: Sequence[Scene], class_id: int, diameter: float) -> float:
    """The share of the labelled objects of a class that have another one near; 0 without objects.

    Args:
        class_id: 1 or more.
        diameter: of a typical object, in pixels.
    """
    found = [objects_of_class(scene.label, class_id, scene.objects) for scene in scenes]
    near = [near_others(ids, count, NEAR_GAP * diameter) for ids, count in found]
    return float(np.concatenate(near).mean()) if sum(map(len, near)) else 0.0


def choose_thresholds(
    predictor: Predictor,
    scenes: Sequence[Scene],
    training: Sequence[Scene],
    sizes: Sequence[LabelSizes],
    scoring: Scoring,
) -> tuple[ChosenThreshold, ...]:
    """The threshold of each class 1, 2, … on the scenes, and how objects are cut out at it.

    Args:
        training: the training scenes, whose labels decide what the threshold scenes cannot tell.
        sizes: of class 1, 2, … in the training scenes.
        scoring: what the scores of objects rest on; its cuts do not matter.
    """
    stored = [in_thousandths(predictor.probabilities(scene.image, scene.valid)[1:]) for scene in scenes]
    chosen = []
    for number, of_class in enumerate(sizes):
        values = [of_scene[number] for of_scene in stored]
        choice = _ClassChoice(number + 1, scenes, values, of_class, scoring)
        near = partial(near_share, training, number + 1, of_class.diameter)
        cut = choose_cut(of_class, scoring.match_rule, choice.count, choice.value, near)
        chosen.append(
            replace(
                choice.threshold(cut.split, cut.smallest, CANDIDATES),
                split=cut.split,
                smallest=cut.smallest,
                split_rule=cut.split_rule,
                smallest_rule=cut.smallest_rule,
            )
        )
    return tuple(chosen)


@dataclass(frozen=True, eq=False)
class _ClassChoice:
    """One class on the threshold scenes."""

    class_id: int
    scenes: Sequence[Scene]
    values: Sequence[NDArray[np.uint16]]  # one a scene: (H, W), in 1/STEPS
    sizes: LabelSizes
    scoring: Scoring

    @cached_property
    def objects(self) -> list[LabelObjects]:
        """Of each scene."""
        return [find_label_objects(scene.label, self.class_id, scene.objects) for scene in self.scenes]

    @property
    def count(self) -> int:
        """Objects that are at least as large as the minimum area."""
        return sum(int(np.count_nonzero(each.areas >= self.scoring.minimum_area)) for each in self.objects)

    @cached_property
    def separated(self) -> list[NDArray[np.uint16]]:
        """The values with lines between neighbours."""
        return [cut_thousandths(values, ObjectCut(self.sizes.diameter or None)) for values in self.values]

    def value(self, split: bool, smallest: int) -> float:
        """The criterion, at the best of a few thresholds."""
        return self.threshold(split, smallest, _COARSE).value or 0.0

    def threshold(self, split: bool, smallest: int, thresholds: NDArray[np.float64]) -> ChosenThreshold:
        """The best of the thresholds with a cut."""
        thousandths, rule = np.round(thresholds * STEPS), self.scoring.match_rule
        swept: list[ObjectSweep] = []
        within: list[ToleranceCurve] = []
        pixels = np.zeros((2, len(thresholds)), dtype=np.int64)
        there = 0
        for scene, objects, values in zip(
            self.scenes, self.objects, self.separated if split else self.values, strict=True
        ):
            left = _without_specks_at(values, smallest, thousandths)
            of_class = scene.label == self.class_id
            there += int(np.count_nonzero(of_class))
            pixels += [_at_least(left[chosen], thousandths) for chosen in (of_class, ~of_class & objects.valid)]
            if rule.counts_objects:
                swept.append(sweep_objects(left, objects, thousandths, rule))
            else:
                within.append(sweep_within(left, objects, rule.value or 0.0, thousandths, skeletons=False))
        of_pixels = PixelCurve(thresholds, pixels[0], pixels[1], there - pixels[0])
        under_rule: Curve = reduce(add, swept).curve(self.scoring.minimum_area) if swept else reduce(add, within)
        under_rule = replace(under_rule, thresholds=thresholds)
        names = [scene.name for scene in self.scenes]
        return choose_threshold(self.class_id, of_pixels, under_rule, rule, self.count, names)


def _without_specks_at(
    values: NDArray[np.uint16], smallest: int, thousandths: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The values (H, W) such that at each of the thresholds, and only there, specks are gone."""
    left = np.zeros(values.shape, dtype=np.float32)
    for threshold in thousandths:
        left[without_specks(values >= threshold, smallest)] = threshold
    return left


def _at_least(values: NDArray[np.float32], thousandths: NDArray[np.float64]) -> NDArray[np.int64]:
    return len(values) - np.searchsorted(np.sort(values), thousandths.astype(np.float32), side="left")
