"""Chooses the thresholds of a checkpoint on the scenes that its run held out, once; then they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import torch

from explorer.imagery.objects import peak_distances
from explorer.imagery.scene import Dataset, Scene
from explorer.imagery.splitting import FEWEST_SCENES, hold_out
from explorer.metrics.class_map import STEPS, in_thousandths
from explorer.metrics.curves import Curve, ObjectSweep, ToleranceCurve, sweep_objects
from explorer.metrics.matching import find_label_objects
from explorer.metrics.pixel_histogram import PixelHistogram
from explorer.metrics.threshold_choice import CANDIDATES, ChosenThreshold, choose_threshold
from explorer.metrics.tolerance import sweep_within
from explorer.runs.class_thresholds import OwnThresholds, read_own_thresholds, write_own_thresholds
from explorer.runs.evaluation import Scoring
from explorer.runs.folder import RunFolder
from explorer.runs.segmenters import find_checkpoint, load_predictor
from explorer.segmenter.prediction import Predictor


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
    scenes = hold_out(dataset.training, classes).validation if folder.plan().choose_threshold else ()
    chosen: tuple[ChosenThreshold, ...] = ()
    if scenes:
        predictor = load_predictor(folder, checkpoint, device)
        beside = len(dataset.training) < FEWEST_SCENES
        chosen = choose_thresholds(predictor, scenes, classes, scoring, trained_beside=beside)
    own = OwnThresholds(
        checkpoint,
        scoring.match_rule,
        scoring.minimum_area,
        tuple(scene.name for scene in scenes),
        chosen,
        peak_distances(dataset.training, classes),
    )
    path = folder.threshold_file if last else folder.thresholds_file(checkpoint)
    write_own_thresholds(own, path, dataset.classes)
    return own


def choose_thresholds(
    predictor: Predictor, scenes: Sequence[Scene], classes: int, scoring: Scoring, trained_beside: bool = False
) -> tuple[ChosenThreshold, ...]:
    """The threshold of each class 1, 2, … on the scenes.

    Args:
        classes: number of classes, background included.
        scoring: what the scores of objects rest on.
        trained_beside: the scenes are blocks of scenes that trained.
    """
    histogram = PixelHistogram(classes, bins=STEPS + 1)
    thousandths = np.round(CANDIDATES * STEPS)  # as in a threshold sweep
    sweeps = [ObjectSweep.none(thousandths)] * (classes - 1)
    near: list[list[ToleranceCurve]] = [[] for _ in range(1, classes)]
    rule, counts = scoring.match_rule, [0] * (classes - 1)
    for scene in scenes:
        probabilities = predictor.probabilities(scene.image)
        histogram.update(torch.from_numpy(probabilities)[None], torch.from_numpy(scene.label)[None])
        stored = in_thousandths(probabilities[1:]).astype(np.float32)
        for number, of_class in enumerate(stored):
            objects = find_label_objects(scene.label, number + 1, scene.objects)
            counts[number] += int(np.count_nonzero(objects.areas >= scoring.minimum_area))
            if rule.counts_objects:
                sweeps[number] += sweep_objects(of_class, objects, thousandths, rule)
            else:
                near[number].append(sweep_within(of_class, objects, rule.value or 0.0, thousandths, skeletons=False))
    names = [scene.name for scene in scenes]
    chosen = []
    for number, count in enumerate(counts):
        under_rule: Curve = sweeps[number].curve(scoring.minimum_area)
        if near[number]:
            under_rule = reduce(add, near[number])
        under_rule = replace(under_rule, thresholds=CANDIDATES)
        pixels = histogram.curve(number + 1)
        chosen.append(choose_threshold(number + 1, pixels, under_rule, rule, count, names, trained_beside))
    return tuple(chosen)
