"""Validation windows: bounded, where the foreground is; the preview is a part of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import Scene
from explorer.runs.evaluation import Scoring, evaluate_scenes
from explorer.segmenter.network import build_segmenter
from explorer.segmenter.prediction import Predictor
from explorer.segmenter.spec import UNetSpec
from explorer.segmenter.tiling import predict_classes
from explorer.training.validation import PREVIEW_SIDE, Validator
from tests.runs.tiny import tiny_dataset

CPU = torch.device("cpu")
SEGMENTER = build_segmenter(1, 2, UNetSpec(width=4, depth=1), 0)


def scenes(side: tuple[int, int], corner: tuple[int, int], count: int = 2) -> list[Scene]:
    label = np.zeros(side, np.uint8)
    label[corner[0] : corner[0] + 12, corner[1] : corner[1] + 12] = 1
    image = np.random.default_rng(0).random((1, *side), np.float32)
    return [Scene(f"scene{i}", image, label, ("grey",)) for i in range(count)]


def test_small_scenes_are_looked_at_whole() -> None:
    dataset = tiny_dataset()
    validator = Validator(dataset.validation, 2, dataset.stretch, CPU, dataset.minimum_area)
    assert [window.label.shape for window in validator.windows] == [scene.size for scene in dataset.validation]
    segmenter = build_segmenter(2, 2, UNetSpec(width=4, depth=1), 0)
    validated = validator.validate(segmenter)
    predictor = Predictor(segmenter, dataset.stretch)
    assert validated.scores == evaluate_scenes(predictor, dataset.validation, 2, Scoring(dataset.minimum_area)).half
    assert validated.seconds > 0


@pytest.mark.parametrize("corner", [(0, 0), (300, 500), (388, 688)])
def test_of_a_large_scene_the_part_with_the_foreground_is_looked_at(corner: tuple[int, int]) -> None:
    of_two = scenes((400, 700), corner)
    dataset = make_dataset("large", of_two, ("background", "thing"))
    validator = Validator(of_two, 2, dataset.stretch, CPU, dataset.minimum_area, most_pixels=60_000)
    assert 0.9 * 60_000 < validator.pixels <= 1.05 * 60_000
    for window, scene in zip(validator.windows, of_two, strict=True):
        height, width = window.label.shape
        inside = scene.label[window.top : window.top + height, window.left : window.left + width]
        assert np.array_equal(inside, window.label)
        assert (window.label == 1).sum() == 12 * 12
        assert window.image.shape == (1, height, width)


def test_the_preview_is_cut_from_what_the_validation_saw() -> None:
    of_two = scenes((300, 400), (250, 330))
    dataset = make_dataset("medium", of_two, ("background", "thing"))
    validator = Validator(of_two, 2, dataset.stretch, CPU, dataset.minimum_area)
    preview = validator.preview
    assert preview.label.shape == (PREVIEW_SIDE, PREVIEW_SIDE)
    assert (preview.label == 1).sum() == 12 * 12
    shown = validator.validate(SEGMENTER).preview
    whole = predict_classes(SEGMENTER, validator.windows[0].image).numpy()
    rows = slice(preview.top, preview.top + PREVIEW_SIDE)
    columns = slice(preview.left, preview.left + PREVIEW_SIDE)
    assert np.array_equal(shown, whole[rows, columns])
    inner = slice(16, -16)  # alone, the preview's edges lack the neighbourhood, and GroupNorm sees other pixels
    assert (validator.predict_preview(SEGMENTER)[inner, inner] == shown[inner, inner]).mean() > 0.9


def test_objects_in_windows_are_those_that_were_drawn_from_the_minimum_area_on() -> None:
    of_two = scenes((400, 700), (300, 500))
    drawn = np.zeros((400, 700), np.int32)
    drawn[300:312, 500:502], drawn[300:312, 502:512] = 5, 9  # 24 and 120 pixels
    of_two = [replace(scene, objects=drawn) for scene in of_two]
    dataset = make_dataset("large", of_two, ("background", "thing"))
    for minimum_area, there in ((24, 4), (25, 2), (121, 0)):
        validator = Validator(of_two, 2, dataset.stretch, CPU, minimum_area, most_pixels=60_000)
        of_class = validator.validate(SEGMENTER).scores.classes[1].object
        assert of_class.true_positives + of_class.false_negatives == there
    window, preview = validator.windows[0], validator.preview
    top, left = preview.top - window.top, preview.left - window.left
    assert preview.objects is not None
    assert window.objects is not None
    height, width = preview.label.shape
    assert np.array_equal(preview.objects, window.objects[top : top + height, left : left + width])
    assert set(np.unique(preview.objects)) == {0, 5, 9}
