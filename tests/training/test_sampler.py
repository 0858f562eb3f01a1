"""Crops: a pure function of seed and step, inside the scene, laid around objects as often as the plan says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import IGNORE, Dataset, Scene
from explorer.training.plan import Plan
from explorer.training.sampler import Sampler
from tests.runs.tiny import tiny_dataset, tiny_plan

CPU = torch.device("cpu")
TINY = tiny_dataset()


def sampler_of(plan: Plan, dataset: Dataset = TINY) -> Sampler:
    return Sampler(dataset.training, len(dataset.classes), dataset.stretch, plan, CPU)


def sparse_dataset() -> Dataset:
    """One object of 4×4 pixels in each scene of 256×256: a crop that falls anywhere misses it."""
    label = np.zeros((256, 256), np.uint8)
    label[100:104, 60:64] = 1
    image = np.arange(256 * 256, dtype=np.float32).reshape(1, 256, 256)
    return make_dataset("sparse", [Scene(name, image, label, ("grey",)) for name in "ab"], ("background", "thing"))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), step=st.integers(0, 10**6))
def test_places_depend_on_seed_and_step_alone(seed: int, step: int) -> None:
    plan = tiny_plan(seed=seed, batch_size=4)
    crops = sampler_of(plan).crops(step)
    asked_before = sampler_of(plan)
    asked_before.crops(step + 1)
    torch.rand(3)
    np.random.rand(3)
    assert asked_before.crops(step) == crops
    assert crops != sampler_of(plan).crops(step + 1)
    for crop in crops:
        assert 0 <= crop.top <= 64 - plan.crop_size
        assert 0 <= crop.left <= 64 - plan.crop_size


def test_image_label_and_objects_are_cut_and_turned_alike() -> None:
    """The image holds the number of its pixel, so that a crop tells where each of its pixels came from."""
    number = np.arange(64 * 64).reshape(1, 64, 64).astype(np.float32)
    label = (np.arange(64 * 64).reshape(64, 64) % 7 == 0).astype(np.uint8)
    scenes = [Scene(name, number, label, ("number",)) for name in "ab"]
    dataset = make_dataset("numbers", scenes, ("background", "thing"))
    sampler = sampler_of(tiny_plan(batch_size=8, crop_size=32), dataset)
    turned = set()
    for step in range(5):
        crops = sampler.crops(step)
        images, labels = sampler.images(crops), sampler.labels(crops)
        assert images.is_contiguous(memory_format=torch.channels_last)
        low, high = dataset.stretch.low[0], dataset.stretch.high[0]
        numbers = (images[:, 0].double() * (high - low) + low).round().long()
        inside = (images[:, 0] > 0) & (images[:, 0] < 1)
        assert inside.float().mean() > 0.9
        assert ((numbers % 7 == 0) == labels.bool())[inside].float().mean() > 0.999
        prediction = sampler.prediction(torch.zeros(8, 2, 32, 32), labels, crops, with_objects=True)
        ids, _, _ = prediction.objects
        assert ((ids > 0) == (labels == 1)).all()
        turned |= {(crop.turns, crop.flip) for crop in crops}
    assert len(turned) == 8


def test_objects_that_were_drawn_one_by_one_stay_apart() -> None:
    """Two halves of a square that touch: crops show both ids, and some are placed around each."""
    label, drawn = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.int32)
    label[20:30, 20:30], drawn[20:30, 20:25], drawn[20:30, 25:30] = 1, 8, 3
    image = np.random.default_rng(0).random((1, 64, 64), np.float32)
    scenes = [Scene(name, image, label, ("grey",), objects=drawn) for name in "ab"]
    sampler = sampler_of(
        tiny_plan(batch_size=16, crop_size=32, object_share=1.0),
        make_dataset("halves", scenes, ("background", "thing")),
    )
    crops = sampler.crops(0)
    labels = sampler.labels(crops)
    ids, owners, bound = sampler.prediction(torch.zeros(16, 2, 32, 32), labels, crops, with_objects=True).objects
    assert set(ids.unique().tolist()) == {0, 1, 2}
    assert set(owners.unique().tolist()) == {1, 2}
    assert bound == 3
    assert (owners[:, 0][ids > 0] == ids[ids > 0]).all()
    whole = (labels == 1).flatten(1).sum(1) == 100
    assert whole.any()
    assert ((ids == 1).flatten(1).sum(1)[whole] == 50).all()


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0.0, 0.15), (0.5, 0.35, 0.75), (1.0, 1.0, 1.0)])
def test_the_share_of_crops_around_an_object(share: float, low: float, high: float) -> None:
    sampler = sampler_of(tiny_plan(batch_size=16, crop_size=32, object_share=share), sparse_dataset())
    hits = torch.cat([sampler.labels(sampler.crops(step)).flatten(1).any(1) for step in range(20)])
    assert low <= hits.float().mean() <= high


def test_a_scene_smaller_than_a_crop_is_padded_with_ignore() -> None:
    label = np.ones((20, 40), np.uint8)
    label[0, 0] = 0
    image = np.random.default_rng(0).random((1, 20, 40), np.float32)
    dataset = make_dataset("small", [Scene(name, image, label, ("grey",)) for name in "ab"], ("background", "thing"))
    sampler = sampler_of(tiny_plan(crop_size=48), dataset)
    labels = sampler.labels(sampler.crops(0))
    assert labels.shape == (2, 48, 48)
    assert ((labels == 1).sum((1, 2)) == 20 * 40 - 1).all()
    assert ((labels == IGNORE).sum((1, 2)) == 48 * 48 - 20 * 40).all()
    assert torch.isfinite(sampler.images(sampler.crops(0))).all()
