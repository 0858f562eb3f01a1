"""Chooses the thresholds of a checkpoint on the scenes that its run held out, once; then they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import torch

from explorer.imagery.scene import Dataset, Scene
from explorer.imagery.splitting import FEWEST_SCENES, hold_out
from explorer.metrics.class_map import STEPS, in_thousandths
from explorer.metrics.curves import ObjectSweep, sweep_objects
from explorer.metrics.matching import find_label_objects
from explorer.metrics.pixel_histogram import PixelHistogram
from explorer.metrics.threshold_choice import CANDIDATES, ChosenThreshold, choose_threshold
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
) -> OwnThresholds | None:
    """The thresholds of a checkpoint, chosen on the threshold scenes; kept in the folder once they are.

    They are chosen under the match rule and with the minimum area that the run remembers of its dataset.

    Args:
        folder: of the run.
        dataset: that the run trained on; its training scenes are split as the training did.
        checkpoint: its file's name; the newest one that can be read if not given.
        device: see ``load_predictor``.
        last: the run has ended with this checkpoint: its thresholds become those of the run, chosen anew.

    Returns:
        None: the plan holds no scenes out.

    Raises:
        InputError: there is no such checkpoint, or it cannot be read.
    """
    if not folder.plan().choose_threshold:
        return None
    if checkpoint is None:
        checkpoint, _ = find_checkpoint(folder)
    own = None if last else read_own_thresholds(folder, checkpoint)
    if own is not None:
        return own
    reference = folder.dataset()
    scoring = Scoring(reference.minimum_area, reference.match_rule)
    scenes = hold_out(dataset.training, len(dataset.classes)).validation
    chosen = choose_thresholds(
        load_predictor(folder, checkpoint, device),
        scenes,
        len(dataset.classes),
        scoring,
        trained_beside=len(dataset.training) < FEWEST_SCENES,
    )
    own = OwnThresholds(
        Path(checkpoint).name,
        scoring.match_rule,
        scoring.minimum_area,
        scoring.split,
        tuple(scene.name for scene in scenes),
        chosen,
    )
    path = folder.threshold_file if last else folder.thresholds_file(checkpoint)
    write_own_thresholds(own, path, dataset.classes)
    return own


def choose_thresholds(
    predictor: Predictor, scenes: Sequence[Scene], classes: int, scoring: Scoring, trained_beside: bool = False
) -> tuple[ChosenThreshold, ...]:
    """The threshold of each class 1, 2, … on the scenes; ½ for all where there is no scene.

    Args:
        classes: number of classes, background included.
        scoring: what the scores of objects rest on.
        trained_beside: the scenes are blocks of scenes that trained.
    """
    histogram = PixelHistogram(classes, bins=STEPS + 1)
    sweeps: list[list[ObjectSweep]] = [[] for _ in range(1, classes)]
    counts = [0] * (classes - 1)
    for scene in scenes:
        probabilities = predictor.probabilities(scene.image)
        histogram.update(torch.from_numpy(probabilities)[None], torch.from_numpy(scene.label)[None])
        stored = in_thousandths(probabilities[1:]).astype(np.float32)
        for class_id, of_class in enumerate(stored, start=1):
            objects = find_label_objects(scene.label, class_id, scene.objects)
            counts[class_id - 1] += int(np.count_nonzero(objects.areas >= scoring.minimum_area))
            sweeps[class_id - 1].append(sweep_objects(of_class, objects, np.round(CANDIDATES * STEPS)))
    names = [scene.name for scene in scenes]
    chosen = []
    for class_id, (of_scenes, count) in enumerate(zip(sweeps, counts, strict=True), start=1):
        curve = None
        if of_scenes:
            pooled = replace(reduce(add, of_scenes), thresholds=CANDIDATES)
            curve = pooled.curve(scoring.minimum_area)
        chosen.append(
            choose_threshold(
                class_id, histogram.curve(class_id), curve, scoring.match_rule, count, names, trained_beside
            )
        )
    return tuple(chosen)
