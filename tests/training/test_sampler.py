"""Crops: a pure function of seed and step, inside the scene, laid around objects as often as the plan says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import IGNORE, Dataset, Scene
from explorer.segmenter.inputs import InputSpec, prepared_image
from explorer.training.plan import Augmentation, Plan
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


def test_where_up_is_up_crops_are_only_mirrored_and_otherwise_the_same() -> None:
    plan, dataset = tiny_plan(batch_size=8, crop_size=32), tiny_dataset()
    free = [crop for step in range(5) for crop in sampler_of(plan, dataset).crops(step)]
    upright = sampler_of(plan.model_copy(update={"upright": True}), dataset)
    found = [crop for step in range(5) for crop in upright.crops(step)]
    assert found == [replace(crop, turns=0) for crop in free]
    assert {crop.flip for crop in found} == {False, True}


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


@pytest.mark.parametrize(("balanced", "low", "high"), [(False, 0.0, 0.1), (True, 0.4, 0.6)])
def test_a_class_of_few_objects_is_seen_as_often_as_one_of_many(balanced: bool, low: float, high: float) -> None:
    """A hundred specks of one class at the left, and one object of another at the right."""
    label = np.zeros((64, 256), np.uint8)
    label[2:62:6, 2:62:6] = 1
    label[30:38, 200:208] = 2
    image = np.zeros((1, 64, 256), np.uint8)
    dataset = make_dataset("two", [Scene(name, image, label, ("grey",)) for name in "ab"], ("ground", "speck", "pond"))
    plan = tiny_plan(batch_size=16, crop_size=32, object_share=1.0, balance_classes=balanced)
    sampler = Sampler(dataset.training, 3, dataset.stretch, plan, torch.device("cpu"))
    hits = torch.cat([(sampler.labels(sampler.crops(step)) == 2).flatten(1).any(1) for step in range(20)])
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


def earlier_crops(sampler: Sampler, plan: Plan, step: int) -> list[tuple[int, int, int, int, bool]]:
    """Scene, top, left, turns and flip as they were drawn before there was augmentation."""
    random = np.random.default_rng([plan.seed, step])
    (anchors,) = sampler._anchors
    on_object = random.random(plan.batch_size) < plan.object_share
    crops = []
    for around_object in on_object:
        if around_object:
            scene, row, column = (int(v) for v in anchors[random.integers(len(anchors))])
            top, left = (v - int(random.integers(plan.crop_size)) for v in (row, column))
        else:
            scene = int(random.choice(3, p=[1 / 3, 1 / 3, 1 / 3]))
            top, left = (int(random.integers(0, 64 - plan.crop_size + 1)) for _ in range(2))
        top, left = (int(np.clip(v, 0, 64 - plan.crop_size)) for v in (top, left))
        crops.append((scene, top, left, int(random.integers(4)), bool(random.integers(2))))
    return crops


JITTER = Augmentation(gain=0.4, offset=0.2, channel_gain=0.1, channel_offset=0.05)


def test_augmentation_is_drawn_after_what_early_plans_draw() -> None:
    for augmentation in (Augmentation(), JITTER):
        plan = tiny_plan(batch_size=8, augmentation=augmentation)
        sampler = sampler_of(plan)
        for step in range(5):
            crops = sampler.crops(step)
            assert [(c.scene, c.top, c.left, c.turns, c.flip) for c in crops] == earlier_crops(sampler, plan, step)
            assert {crop.side for crop in crops} == {plan.crop_size}


def test_an_early_plan_takes_the_crops_as_they_are() -> None:
    sampler = sampler_of(tiny_plan(batch_size=4))
    assert torch.equal(sampler.batch(3).images, sampler.images(sampler.crops(3)))


def test_gain_and_offset_are_those_of_a_crop_and_of_each_of_its_channels() -> None:
    plan = tiny_plan(batch_size=16, augmentation=JITTER)
    sampler = sampler_of(plan)
    gains, offsets = [], []
    for step in range(20):
        batch = sampler.batch(step)
        plain = sampler.images(sampler.crops(step))
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(batch.images, sampler.batch(step).images), "a pure function of the step"
        for image, before in zip(batch.images, plain, strict=True):
            for channel, unchanged in zip(image.double().flatten(1), before.double().flatten(1), strict=True):
                design = torch.stack([unchanged, torch.ones_like(unchanged)], 1)
                gain, offset = torch.linalg.lstsq(design, channel[:, None]).solution[:, 0].tolist()
                assert torch.allclose(design @ torch.tensor([gain, offset]).double(), channel, atol=1e-5)
                gains.append(gain)
                offsets.append(offset - (1 - gain) / 2)  # around the middle grey
    of_crop = np.array(gains).reshape(-1, 2)
    assert 0.6 * 0.9 <= min(gains) < 0.7
    assert 1.3 < max(gains) <= 1.4 * 1.1
    assert max(np.abs(offsets)) <= 0.25 + 1e-5
    assert np.corrcoef(of_crop.T)[0, 1] > 0.9, "most of it is common to the channels"
    assert (np.abs(of_crop[:, 0] - of_crop[:, 1]) > 1e-3).mean() > 0.9, "but not all"


def test_zoomed_crops_keep_their_object_and_show_image_label_and_ids_of_one_place() -> None:
    """The image is bright where the label is, so that both can be compared after resizing."""
    label = np.zeros((256, 256), np.uint8)
    label[100:120, 60:80] = 1
    scenes = [Scene(name, label[None] * np.float32(1), label, ("grey",)) for name in "ab"]
    dataset = make_dataset("squares", scenes, ("background", "thing"))
    plan = tiny_plan(batch_size=16, crop_size=64, object_share=1.0, augmentation=Augmentation(zoom=0.5))
    sampler = sampler_of(plan, dataset)
    sides, areas = [], []
    for step in range(4):
        crops = sampler.crops(step)
        images, labels = sampler.images(crops), sampler.labels(crops)
        assert images.shape == (16, 1, 64, 64)
        assert labels.shape == (16, 64, 64)
        assert labels.flatten(1).any(1).all(), "the centre of the object stays inside"
        assert ((images[:, 0] > 0.5) == (labels == 1)).float().mean() > 0.99
        ids, _, _ = sampler.prediction(torch.zeros(16, 2, 64, 64), labels, crops, with_objects=True).objects
        assert ((ids > 0) == (labels == 1)).all()
        whole = [c.top <= 100 and c.top + c.side >= 120 and c.left <= 60 and c.left + c.side >= 80 for c in crops]
        for crop, area, complete in zip(crops, (labels == 1).flatten(1).sum(1).tolist(), whole, strict=True):
            assert 0 <= crop.top <= 256 - crop.side
            assert 0 <= crop.left <= 256 - crop.side
            sides.append(crop.side)
            if complete:
                areas.append(area / (20 * 64 / crop.side) ** 2)
    assert 32 <= min(sides) < 40
    assert 88 < max(sides) <= 96
    assert len(areas) > 20
    assert np.abs(np.array(areas) - 1).max() < 0.12


def test_a_zoomed_crop_is_never_larger_than_its_scene() -> None:
    sampler = sampler_of(tiny_plan(batch_size=16, crop_size=64, augmentation=Augmentation(zoom=0.5)))
    assert {crop.side for step in range(5) for crop in sampler.crops(step)} <= set(range(32, 65))
    assert sampler.batch(0).images.shape == (16, 2, 64, 64)


def test_crops_are_taken_at_the_working_scale() -> None:
    dataset = sparse_dataset()
    inputs = InputSpec(scale=0.5, root=True, contrast=True)
    sampler = sampler_of(tiny_plan(batch_size=8, crop_size=64, object_share=1.0, inputs=inputs), dataset)
    crops = sampler.crops(0)
    labels = sampler.labels(crops)
    assert (labels == 1).flatten(1).sum(1).median() == 4, "4×4 pixels of the scene are 2×2 at half its scale"
    assert sampler.images(crops).shape == (8, 6, 64, 64)
    prepared = prepared_image(dataset.training[0].image, dataset.stretch, inputs)
    crop = crops[0]
    expected = torch.from_numpy(prepared[:, crop.top : crop.top + 64, crop.left : crop.left + 64].copy())
    turned = torch.rot90(expected, crop.turns, (-2, -1))
    assert torch.equal(sampler.images(crops)[0], turned.flip(-1) if crop.flip else turned)
