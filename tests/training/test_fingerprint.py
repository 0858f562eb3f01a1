"""The fingerprint of the scenes that train: what is measured, and of which scenes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import IGNORE, Dataset, Scene
from explorer.imagery.splitting import hold_out
from explorer.training.fingerprint import Fingerprint, fingerprint, lies_lower
from tests.training.kinds import KINDS


@cache
def of(kind: str) -> Fingerprint:
    return fingerprint(KINDS[kind]())


@pytest.mark.parametrize("kind", KINDS)
def test_a_fingerprint_is_the_same_after_json(kind: str) -> None:
    assert Fingerprint.model_validate_json(of(kind).model_dump_json()) == of(kind)


@pytest.mark.parametrize(
    ("kind", "guessed", "share", "diameter"),
    [
        ("ships", "objects", (0.001, 0.005), (8, 12)),
        ("nuclei", "objects", (0.1, 0.2), (17, 26)),
        ("trees", "points", (0.02, 0.06), (6, 7)),
        ("planes", "objects", (0.1, 0.25), (90, 130)),
        ("cracks", "thin", (0.005, 0.02), (20, 40)),
        ("town", "objects", (0.4, 0.55), (55, 70)),
    ],
)
def test_kind_share_and_size_are_those_of_the_scenes(
    kind: str, guessed: str, share: tuple[float, float], diameter: tuple[float, float]
) -> None:
    (only,) = of(kind).classes
    assert only.kind == guessed
    assert share[0] < only.share < share[1]
    assert only.diameters is not None
    assert diameter[0] < only.diameters.p50 < diameter[1]
    assert only.diameters.p5 <= only.diameters.p25 <= only.diameters.p50 <= only.diameters.p75 <= only.diameters.p95


def test_brightness_is_how_much_the_medians_differ() -> None:
    assert of("ships").brightness == pytest.approx(10, rel=0.1)  # 700 to 7000
    assert of("town").brightness == pytest.approx(1, rel=0.1)


def test_scenes_far_apart_use_little_of_the_common_range() -> None:
    random = np.random.default_rng(0)
    label = np.zeros((64, 64))
    label[10:20, 10:20] = 1
    images = [(level + random.integers(0, 51, (1, 64, 64))).astype(np.uint8) for level in (0, 100, 200, 100)]
    apart = fingerprint(dataset_of(*(scene(label, image, str(i)) for i, image in enumerate(images))))
    assert apart.own_range == pytest.approx(50 / 250, abs=0.02)
    alike = fingerprint(dataset_of(*(scene(label, images[1], str(i)) for i in range(4))))
    assert alike.own_range == pytest.approx(1, abs=0.02)


def test_objects_that_touch_are_counted_where_they_were_drawn_one_by_one() -> None:
    assert of("nuclei").classes[0].touching > 0.2
    assert 0.2 < of("town").classes[0].touching < 0.8
    assert of("trees").classes[0].touching == 0
    assert of("nuclei").instances
    assert not of("trees").instances


def test_only_the_scenes_that_train_have_a_part_in_it() -> None:
    dataset = KINDS["nuclei"]()
    parts = hold_out(dataset.training, 2)
    found = of("nuclei")
    assert [each.name for each in found.scenes] == [scene.name for scene in parts.training]
    assert found.held_out == tuple(scene.name for scene in parts.validation)
    assert not {each.name for each in found.scenes} & {scene.name for scene in dataset.validation}
    covered = sum(int((scene.label == 1).sum()) for scene in parts.training)
    assert found.classes[0].share * found.pixels == pytest.approx(covered)


def scene(label: np.ndarray, image: np.ndarray | None = None, name: str = "s") -> Scene:
    values = np.full((1, *label.shape), 7, np.uint8) if image is None else image
    return Scene(name, values, label.astype(np.uint8), ("grey",))


def dataset_of(*scenes: Scene, classes: int = 2) -> Dataset:
    names = ["background", *(f"class {i}" for i in range(1, classes))]
    return make_dataset("d", scenes, names, validation=[scenes[-1].name], minimum_area=4)


def test_a_class_without_objects_has_no_sizes() -> None:
    label = np.zeros((64, 64))
    label[10:20, 10:20] = 1
    other = label.copy()
    other[30:40, 30:40] = 2
    found = fingerprint(dataset_of(scene(label), scene(other, name="v"), classes=3))
    first, second = found.classes
    assert first.occurs
    assert first.diameters is not None
    assert not second.occurs
    assert (second.diameters, second.sides, second.share, second.objects) == (None, None, 0, 0)
    assert second.typical_diameter == second.thickness == 0
    assert found.rarest == first
    assert found.class_id(second) == 2


def test_specks_below_the_minimum_area_have_no_part_in_the_sizes() -> None:
    label = np.zeros((64, 64))
    label[::4, ::4] = 1  # 256 specks of one pixel
    label[20:29, 20:29] = 0
    label[21:28, 21:28] = 1
    found = fingerprint(dataset_of(scene(label), scene(label, name="v"))).classes[0]
    assert found.objects > 100
    assert found.diameters is not None
    assert found.diameters.p5 == found.diameters.p95 == pytest.approx((49 * 4 / np.pi) ** 0.5)


def test_values_that_are_ignored_or_not_numbers_have_no_part_in_the_medians() -> None:
    label = np.zeros((64, 64))
    label[10:20, 10:20] = 1
    label[40:] = IGNORE
    image = np.full((1, 64, 64), 5.0)
    image[0, 40:] = 900
    image[0, 0, :9] = np.nan
    found = fingerprint(dataset_of(scene(label, image), scene(label, image, name="v")))
    assert {each.medians for each in found.scenes} == {(5.0,)}


def test_values_below_zero_have_no_ratio_of_brightness() -> None:
    label = np.zeros((64, 64))
    label[10:20, 10:20] = 1
    decibels = np.full((1, 64, 64), -12.0)
    assert fingerprint(dataset_of(scene(label, decibels), scene(label, decibels, name="v"))).brightness is None


def test_the_fingerprint_follows_the_scenes_and_not_their_order_in_memory() -> None:
    dataset = KINDS["trees"]()
    copied = replace(dataset, training=tuple(replace(each, label=each.label.copy()) for each in dataset.training))
    assert fingerprint(copied) == fingerprint(dataset)


def half_mask(lower: int, upper: int) -> NDArray[np.bool_]:
    """A scene of an odd height with so many pixels of a class below and above its middle row."""
    mask = np.zeros((9, 10), bool)
    mask[-1, :lower], mask[0, :upper] = True, True
    mask[4] = True  # in neither half
    return mask


@pytest.mark.parametrize(
    ("halves", "expected"),
    [
        ([(3, 1)] * 4 + [(1, 0)] * 4, 0.75 / (0.25 * (8 / 7) ** 0.5 / 8**0.5)),
        ([(1, 3)] * 4 + [(0, 1)] * 4, -0.75 / (0.25 * (8 / 7) ** 0.5 / 8**0.5)),
        ([(2, 1), (1, 2)] * 4, 0.0),
        ([(2, 1)] * 7 + [(0, 0)], None),
        ([(1, 0)] * 8, 1000.0),  # all the same: the error has a floor
    ],
)
def test_by_how_many_standard_errors_a_class_lies_lower(halves: list[tuple[int, int]], expected: float | None) -> None:
    found = lies_lower([half_mask(*each) for each in halves])
    assert found == (None if expected is None else pytest.approx(expected))
