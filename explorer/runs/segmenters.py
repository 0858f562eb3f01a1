"""What a run's segmenter predicts, and its counts at every threshold.

The one place where a checkpoint becomes a segmenter.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.scene import Dataset
from explorer.metrics.class_map import STEPS, in_thousandths
from explorer.metrics.curves import THRESHOLDS, ObjectSweep, sweep_objects
from explorer.metrics.matching import find_label_objects
from explorer.metrics.pixel_histogram import PixelHistogram
from explorer.metrics.splitting_predictions import ObjectCut, cut_thousandths
from explorer.metrics.tolerance import sweep_within
from explorer.runs.folder import RunFolder
from explorer.runs.job_files import JobProgress, Report
from explorer.runs.threshold_sweep import ClassSweep, ThresholdSweep
from explorer.segmenter.network import Segmenter, build_segmenter
from explorer.segmenter.prediction import Predictor
from explorer.training.checkpoints import Checkpoint, load_checkpoint, load_weights
from explorer.training.device import pick_device

_NAME = re.compile(r"(?:(?P<run>[\w-]+)/)?(?P<file>step_\d+\.safetensors)")


def find_checkpoint(folder: RunFolder, name: str | None = None) -> tuple[str, Checkpoint]:
    """A checkpoint of a run, or of another run in the same folder, with its name.

    Args:
        name: "step_00000100.safetensors", or "RUN/step_00000100.safetensors" of another run in the same folder; the
            newest one that can be read if not given.

    Raises:
        InputError: there is no such checkpoint, or it cannot be read.
    """
    if name is not None:
        parts = _NAME.fullmatch(name)
        if parts is None:
            raise InputError(f"{name!r} names no checkpoint", "checkpoint", "for example step_00000100.safetensors")
        run = RunFolder(folder.path.resolve().parent / parts["run"]) if parts["run"] else folder
        return name, load_checkpoint(run.checkpoints / parts["file"])
    for file in reversed(folder.checkpoint_files()):
        try:
            return file.name, load_checkpoint(file)
        except InputError:
            continue
    raise InputError("the run has no checkpoint yet", str(folder.path), "train it first")


def load_segmenter(folder: RunFolder, checkpoint: str | None = None, device: str = "auto") -> Segmenter:
    """The segmenter of a run, as it was at a checkpoint.

    Args:
        folder: of the run.
        checkpoint: see ``find_checkpoint``.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".

    Raises:
        InputError: the folder is no run, it has no such checkpoint, or the device is not there.
    """
    plan, dataset = folder.plan(), folder.dataset()
    _, state = find_checkpoint(folder, checkpoint)
    channels = plan.inputs.channels(len(dataset.bands))
    segmenter = build_segmenter(channels, len(dataset.classes), plan.segmenter, plan.seed, pretrained=False)
    load_weights(segmenter, state)
    return segmenter.to(pick_device(device)).eval()


def load_predictor(
    folder: RunFolder, checkpoint: str | None = None, device: str = "auto", flips: bool | None = None
) -> Predictor:
    """Likewise, ready for images in their own dtype.

    Args:
        flips: see ``Predictor``; as the plan says if not given.

    Raises:
        InputError: see ``load_segmenter``.
    """
    segmenter, plan = load_segmenter(folder, checkpoint, device), folder.plan()
    flips = plan.flips if flips is None else flips
    return Predictor(segmenter, folder.dataset().stretch, plan.inputs, flips, plan.upright)


def sweep_thresholds(
    folder: RunFolder,
    dataset: Dataset,
    checkpoint: str,
    device: str = "auto",
    report: Report = lambda _: None,
    rule: MatchRule = HALF_IOU,
    cuts: Sequence[ObjectCut] = (),
) -> ThresholdSweep:
    """The pixels and objects of every foreground class at every threshold, over the validation scenes.

    Args:
        folder: of the run.
        dataset: whose validation scenes are swept.
        checkpoint: its name.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        report: called after each scene, first for the pixels, then for each class's objects.
        rule: when a predicted object counts as one of the label.
        cuts: how the objects of class 1, 2, … are cut out, at every threshold; none: they are taken as they are.
    """
    predictor = load_predictor(folder, checkpoint, device)
    classes, scenes = len(dataset.classes), dataset.validation
    histogram = PixelHistogram(classes, bins=STEPS + 1)
    expected, began, done = len(scenes) * classes, time.perf_counter(), 0

    def advance() -> None:
        nonlocal done
        done += 1
        left = (time.perf_counter() - began) / done * (expected - done)
        report(JobProgress(done, expected, "scenes", left))

    kept: list[NDArray[np.uint16]] = []
    for scene in scenes:
        values = predictor.probabilities(scene.image, scene.valid)
        stored = in_thousandths(values[1:])
        for number, cut in enumerate(cuts):
            stored[number] = cut_thousandths(stored[number], cut)
            values[number + 1] = (stored[number] + np.float32(0.5)) / STEPS  # in the middle: rounded down again
        histogram.update(torch.from_numpy(values)[None], torch.from_numpy(scene.label)[None])
        kept.append(stored)
        advance()
    # in whole thousandths, so that the object curve agrees with what is drawn at a threshold
    thousandths = np.round(THRESHOLDS * STEPS)
    swept: list[ClassSweep] = []
    for class_id in range(1, classes):
        matched, near = ObjectSweep.none(thousandths), []
        for number, scene in enumerate(scenes):
            objects = find_label_objects(scene.label, class_id, scene.objects)
            values_of_class = kept[number][class_id - 1].astype(np.float32)
            if rule.counts_objects:
                matched += sweep_objects(values_of_class, objects, thousandths, rule)
            else:
                near.append(sweep_within(values_of_class, objects, rule.value or 0.0, thousandths))
            advance()
        of_pixels = replace(reduce(add, near), thresholds=THRESHOLDS) if near else None
        swept.append(ClassSweep(histogram.curve(class_id), replace(matched, thresholds=THRESHOLDS), of_pixels))
    return ThresholdSweep(checkpoint, tuple(scene.name for scene in scenes), tuple(swept), tuple(kept), rule)
