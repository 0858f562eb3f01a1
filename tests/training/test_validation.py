"""Validation windows: bounded, where the foreground is; the preview is a part of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import Scene
from explorer.runs.evaluation import Scoring, evaluate_scenes
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.network import Segmenter, build_segmenter
from explorer.segmenter.prediction import Predictor
from explorer.segmenter.spec import UNetSpec
from explorer.segmenter.tiling import predict_classes
from explorer.training.plan import Trigger
from explorer.training.reach import Probed, best_reachable
from explorer.training.validation import (
    PREVIEW_SIDE,
    Validator,
    _probabilities,
    interpolated,
    interpolation,
)
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


SMALLER = InputSpec(scale=0.5, root=True, contrast=True, object_size=8)


def test_small_scenes_are_scored_on_their_own_grid_whatever_the_working_scale() -> None:
    dataset = tiny_dataset()
    segmenter = build_segmenter(SMALLER.channels(2), 2, UNetSpec(width=4, depth=1), 0)
    validator = Validator(dataset.validation, 2, dataset.stretch, CPU, 1, inputs=SMALLER)
    for window, scene in zip(validator.windows, dataset.validation, strict=True):
        assert window.image.shape == (2 + 5, 32, 32)
        assert np.array_equal(window.label, scene.label)
    validated = validator.validate(segmenter)
    predictor = Predictor(segmenter, dataset.stretch, SMALLER)
    assert validated.scores == evaluate_scenes(predictor, dataset.validation, 2, Scoring(1)).half
    assert validated.preview.shape == (64, 64)


def test_a_window_is_seen_with_what_lies_around_it_as_the_whole_scene_is() -> None:
    """The segmenter passes a channel on: its logit is the image itself, brought back to the scene's grid."""

    class Passes(Segmenter):
        multiple = 1  # type: ignore[assignment]

        def __init__(self) -> None:
            super().__init__()
            self.unused = torch.nn.Parameter(torch.zeros(1))  # tells its device

        def forward(self, images: Tensor) -> Tensor:
            return torch.cat([torch.full_like(images[:, :1], 0.5), images[:, :1]], dim=1)

    (scene,) = scenes((400, 700), (300, 500), count=1)
    dataset = make_dataset("large", [scene, replace(scene, name="other")], ("background", "thing"))
    inputs = InputSpec(scale=0.3)
    validator = Validator([scene], 2, dataset.stretch, CPU, 1, inputs=inputs, most_pixels=60_000)
    (window,) = validator.windows
    height, width = window.label.shape
    assert 32 + 0.3 * height < window.image.shape[1] <= 2 * 32 + 0.3 * height + 2
    whole = Predictor(Passes(), dataset.stretch, inputs).probabilities(scene.image)
    rows, columns = slice(window.top, window.top + height), slice(window.left, window.left + width)
    predicted = _probabilities(Passes(), window).numpy()
    np.testing.assert_allclose(predicted, whole[:, rows, columns], atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_interpolation_is_that_of_the_whole_axis(size: int, working: int, data: st.DataObject) -> None:
    working = min(size, working)
    start = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.integers(start + 1, size))
    values = torch.rand(working, generator=torch.Generator().manual_seed(size))
    whole = F.interpolate(values[None, None], size=size, mode="linear", align_corners=False)[0, 0]
    first = max(0, int(start * working / size) - 1)
    last = min(working, int(stop * working / size) + 2)
    part = interpolation(start, stop, size, working, first, last, CPU)
    torch.testing.assert_close(interpolated(values[first:last], part, dim=0), whole[start:stop])


def test_what_is_within_reach_is_measured_for_a_relative_trigger_alone() -> None:
    dataset = tiny_dataset()
    validator = Validator(dataset.validation, 2, dataset.stretch, CPU, 1)
    segmenter = build_segmenter(2, 2, UNetSpec(width=4, depth=1), 0)
    plain, relative = (validator.validate(segmenter, Trigger(metric="f1", relative=wanted)) for wanted in (False, True))
    assert plain.reachable is None
    predictor = Predictor(segmenter, dataset.stretch)
    probed = [
        Probed(predictor.probabilities(scene.image)[1], scene.label, scene.objects) for scene in dataset.validation
    ]
    assert relative.reachable == best_reachable(Trigger(metric="f1"), probed, 1)
    assert relative.scores == plain.scores
