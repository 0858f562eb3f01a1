"""A segmenter with an output for where objects meet: what it is trained for, and what it does to the predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import Dataset, Scene
from explorer.segmenter.border import BorderSegmenter, border_loss, border_target, outputs_of, separated
from explorer.segmenter.network import build_segmenter, count_parameters, parameter_groups
from explorer.segmenter.spec import PretrainedSpec, SegmenterSpec, UNetSpec
from explorer.training.checkpoints import load_checkpoint, load_weights
from explorer.training.events import CheckpointSaved, Step
from explorer.training.loop import train
from tests.runs.tiny import tiny_plan

SPECS = [UNetSpec(width=4, depth=1, border=True), PretrainedSpec(border=True)]


@pytest.mark.parametrize("classes", [2, 4])
def test_what_the_border_takes_from_objects_goes_to_the_background(classes: int) -> None:
    logits, border = torch.randn(2, classes, 5, 6), torch.randn(2, 5, 6)
    apart, known, b = separated(logits, border).exp(), logits.softmax(1), border.sigmoid()[:, None]
    torch.testing.assert_close(apart.sum(1), torch.ones(2, 5, 6))
    torch.testing.assert_close(apart[:, 1:], known[:, 1:] * (1 - b))
    torch.testing.assert_close(apart[:, :1], known[:, :1] + (1 - known[:, :1]) * b)
    torch.testing.assert_close(separated(logits, torch.full_like(border, -200.0)).exp(), known)


def test_confident_logits_stay_finite() -> None:
    found = separated(torch.tensor([300.0, -300.0]).view(1, 2, 1, 1), torch.tensor([[[300.0]]]))
    assert torch.isfinite(found).all()


def test_border_loss_is_the_mean_over_pixels_of_objects_and_between_them() -> None:
    ids, weight = torch.tensor([[[1, 2, 0, 3, 3, 0]]]), torch.tensor([[[1.0, 1.0, 1.0, 0.0, 1.0, 1.0]]])
    logits = torch.tensor([[[0.5, -1.0, 2.0, 9.0, 0.3, 7.0]]])
    on, off = -torch.sigmoid(logits).log(), -torch.sigmoid(-logits).log()
    assert border_target(ids).tolist() == [[[True, True, True, False, False, False]]]
    expected = (on[0, 0, :3].sum() + off[0, 0, 4]) / 4
    torch.testing.assert_close(border_loss(logits, ids, weight), expected)
    assert border_loss(logits, torch.zeros_like(ids), weight) == 0


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_it_has_one_output_more_and_the_rates_of_its_kind(spec: SegmenterSpec) -> None:
    segmenter = build_segmenter(3, 2, spec, 0)
    assert isinstance(segmenter, BorderSegmenter)
    plain = build_segmenter(3, 2, spec.model_copy(update={"border": False}), 0)
    assert count_parameters(segmenter) == spec.parameters(3, 2) > count_parameters(plain)
    images = torch.rand(1, 3, 32, 32)
    logits, border = outputs_of(segmenter, images)
    assert border is not None
    assert (logits.shape, border.shape) == ((1, 2, 32, 32), (1, 32, 32))
    torch.testing.assert_close(segmenter(images), separated(logits, border))
    assert segmenter.multiple == plain.multiple
    assert [factor for _, factor in parameter_groups(segmenter)] == [factor for _, factor in parameter_groups(plain)]
    assert outputs_of(plain, images)[1] is None


def pairs() -> Dataset:
    """Pairs of squares that touch and were drawn one by one; they are darker where they touch, as cells are."""
    random, scenes = np.random.default_rng(0), []
    for number in range(4):
        label, ids = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.int32)
        for index, (row, column) in enumerate(((4, 6), (24, 34), (44, 10))):
            label[row : row + 10, column : column + 20] = 1
            ids[row : row + 10, column : column + 10] = 2 * index + 1
            ids[row : row + 10, column + 10 : column + 20] = 2 * index + 2
        bright = 120.0 * label
        bright[border_target(torch.from_numpy(ids)[None])[0].numpy()] = 60
        image = (random.normal(60, 5, (1, 64, 64)) + bright).clip(0, 255).astype(np.uint8)
        scenes.append(Scene(f"pairs{number}", image, label, ("grey",), objects=ids))
    return make_dataset("pairs", scenes, ("background", "square"))


def test_a_run_learns_where_objects_meet(tmp_path: Path) -> None:
    dataset = pairs()
    plan = tiny_plan(120, segmenter=UNetSpec(width=8, depth=2, border=True), batch_size=8, crop_size=32)
    phase = plan.phases[0].model_copy(update={"learning_rate": 1e-2})
    plan = plan.model_copy(update={"phases": (phase,)})
    events = list(train(plan, dataset, device="cpu", checkpoints=tmp_path))
    assert all(event.loss is not None for event in events if isinstance(event, Step))
    last = [event.file for event in events if isinstance(event, CheckpointSaved)][-1]
    segmenter = build_segmenter(1, 2, plan.segmenter, 0).eval()
    load_weights(segmenter, load_checkpoint(tmp_path / last))
    scene = dataset.validation[0]
    assert scene.objects is not None
    low, high = dataset.stretch.low[0], dataset.stretch.high[0]
    image = torch.from_numpy(((scene.image - low) / (high - low)).clip(0, 1).astype(np.float32))[None]
    with torch.inference_mode():
        _, border = outputs_of(segmenter, image)
    assert border is not None
    meets = border_target(torch.from_numpy(scene.objects)[None])[0]
    found, inside = border[0].sigmoid(), torch.from_numpy(scene.label == 1) & ~meets
    assert found[meets].mean() > 0.5
    assert found[inside].mean() < 0.1
