"""Checks of datasets: each fires where it should, stays silent where it should, and its mend removes the finding."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import assert_never

import numpy as np
import pytest
from rasterio.warp import transform
from scipy import ndimage

from explorer.errors import InputError
from explorer.imagery.assembly import revise
from explorer.imagery.builtin import BUILTIN, builtin_dataset
from explorer.imagery.checks import (
    CHECKS,
    Finding,
    LeaveOut,
    Mend,
    SetMinimumArea,
    SplitAgain,
    StretchPerScene,
    check_dataset,
)
from explorer.imagery.checks.alignment import best_shift
from explorer.imagery.scene import IGNORE, Dataset, GeoReference, Scene
from explorer.imagery.stretch import fit_stretch

SIDE = 96


def picture(seed: int, side: int = SIDE) -> np.ndarray:
    """(3, side, side) uint8: clouds of about 8 px, other ones for each seed."""
    clouds = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(3, side, side)), (0, 4, 4))
    return (127 + 30 * clouds / clouds.std()).clip(1, 255).astype(np.uint8)


def squares(class_id: int = 1, count: int = 20, side: int = 4) -> np.ndarray:
    """(SIDE, SIDE): a grid of this many separate squares."""
    label = np.zeros((SIDE, SIDE), np.uint8)
    for k in range(count):
        row, column = 6 + 12 * (k // 7), 6 + 12 * (k % 7)
        label[row : row + side, column : column + side] = class_id
    return label


def scene(name: str, image: np.ndarray | int, label: np.ndarray | None = None, **more) -> Scene:
    pixels = picture(image) if isinstance(image, int) else image
    return Scene(name, pixels, squares() if label is None else label, ("red", "green", "blue"), **more)


def dataset(training, validation, classes=("background", "car"), **more) -> Dataset:
    return Dataset(
        "d", classes, ("red", "green", "blue"), tuple(training), tuple(validation), fit_stretch(training), **more
    )


def sound() -> Dataset:
    return dataset([scene("a", 1), scene("b", 2), scene("c", 3)], [scene("d", 4)])


def found(made: Dataset, code: str) -> tuple[Finding, ...]:
    return next(check for check in CHECKS if check.code == code).findings(made)


@cache
def builtin(key: str) -> Dataset:
    return builtin_dataset(key)


def class_in(*names: str) -> Dataset:
    """Four scenes, of which the named ones have the class "ship", too; d validates."""
    both = squares() + squares(2, 7)[::-1]
    scenes = [scene(name, seed, both if name in names else None) for seed, name in enumerate("abcd")]
    return dataset(scenes[:3], scenes[3:], ("background", "car", "ship"))


def small_objects() -> Dataset:
    """20 objects of 16 px in each scene, and in one of them 20 of 4 px."""
    return dataset([scene("a", 1), scene("b", 2, squares(side=2))], [scene("c", 3)], minimum_area=8)


def of_brightness(factor: float) -> Dataset:
    dark = (picture(4) / factor).astype(np.uint8)
    return dataset([scene("a", 1), scene("b", 2)], [scene("dark", dark)])


def with_copy(change: Callable[[np.ndarray], np.ndarray]) -> Dataset:
    """c, in training, and d, in validation, are the same but for a change."""
    return dataset([scene("a", 1), scene("b", 2), scene("c", 3)], [scene("d", change(picture(3)))])


def brighter_and_noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(9).normal(0, 3, image.shape)
    return (0.8 * image + 30 + noise).clip(0, 255).astype(np.uint8)


def at(east: float, north: float = 0.0, crs: str | None = "EPSG:32616") -> GeoReference:
    return GeoReference(crs, (1.0, 0.0, 500_000 + east, 0.0, -1.0, 3_700_000 + north))


def in_degrees(place: GeoReference) -> GeoReference:
    """Nearly the same place in longitude and latitude."""
    _, _, x, _, _, y = place.transform
    (west, east), (north, south) = transform("EPSG:32616", "EPSG:4326", [x, x + 1], [y, y - 1])
    return GeoReference("EPSG:4326", (east - west, 0.0, west, 0.0, south - north, north))


def on_ground(*places: GeoReference | None) -> Dataset:
    """The last scene validates."""
    scenes = [
        scene(name, seed, georeference=place) for seed, (name, place) in enumerate(zip("abcd", places, strict=False))
    ]
    return dataset(scenes[:-1], scenes[-1:])


def moved(made: Dataset, rows: int, columns: int) -> Dataset:
    """The labels moved down and to the right."""

    def move(one: Scene) -> Scene:
        return replace(one, label=ndimage.shift(one.label, (rows, columns), order=0, cval=0))

    return replace(made, training=tuple(map(move, made.training)), validation=tuple(map(move, made.validation)))


def mended(made: Dataset, mend: Mend) -> Dataset:
    """The dataset after what the button does."""
    held_out = [one.name for one in made.validation]
    match mend:
        case SplitAgain(validation):
            return revise(made, made.name, made.classes, validation)
        case LeaveOut(scenes):
            return revise(made, made.name, made.classes, held_out, scenes)
        case SetMinimumArea(pixels):
            return revise(made, made.name, made.classes, held_out, minimum_area=pixels)
        case StretchPerScene():
            return replace(made, choices=made.choices.model_copy(update={"stretch": "scene"}))
    assert_never(mend)


FIRES = {
    "a class in training only": ("class_missing", lambda: class_in("a", "b"), SplitAgain),
    "a class in validation only, of one scene": ("class_missing", lambda: class_in("d"), None),
    "a class nowhere": ("class_missing", lambda: class_in(), None),
    "a third of the objects is too small": ("below_minimum_area", small_objects, SetMinimumArea),
    "a scene is a quarter as bright": ("brightness_differs", lambda: of_brightness(4), StretchPerScene),
    "the same scene on both sides": ("duplicates", lambda: with_copy(np.copy), LeaveOut),
    "a brighter, noisy copy on the other side": ("duplicates", lambda: with_copy(brighter_and_noisy), SplitAgain),
    "a mirrored copy on the other side": ("duplicates", lambda: with_copy(lambda image: image[:, :, ::-1]), SplitAgain),
    "the same scene twice in training": (
        "duplicates", lambda: dataset([scene("a", 1), scene("b", 1)], [scene("c", 3)]), LeaveOut,
    ),
    "five objects in validation": (
        "few_objects", lambda: dataset([scene("a", 1)], [scene("b", 2, squares(count=5))]), None,
    ),
    "half of a scene on the ground of another": (
        "ground_overlap", lambda: on_ground(at(0), at(500), at(48)), SplitAgain,
    ),
    "overlap across two coordinate systems": (
        "ground_overlap", lambda: on_ground(at(0), at(5000), in_degrees(at(48))), SplitAgain,
    ),
    "the car park's labels 5 px to the right": ("label_offset", lambda: moved(builtin("car_park"), 0, 5), None),
}  # fmt: skip
"""Code of the check, a dataset, the kind of mend."""


def unlike_but_alike(change: float) -> Dataset:
    """Calm water: every scene has the same light from the left, and waves of its own."""
    light = np.linspace(100, 140, SIDE)[None, None, :]
    waves = [light + change * np.random.default_rng(seed).normal(size=(3, SIDE, SIDE)) for seed in range(3)]
    scenes = [scene(f"w{k}", wave.clip(0, 255).astype(np.uint8)) for k, wave in enumerate(waves)]
    return dataset(scenes[:2], scenes[2:])


def one_below() -> Dataset:
    """40 objects; one of them has 4 px."""
    label = squares()
    label[80:82, 80:82] = 1
    return dataset([scene("a", 1), scene("b", 2, label)], [scene("c", 3)])


def with_crumbs() -> Dataset:
    """A road of 5 × 96 px in each scene, and ten single pixels that were cut off it."""
    label = np.zeros((SIDE, SIDE), np.uint8)
    label[0:40] = 1
    label[50:52:2, 0:40:4] = 1
    return dataset([scene("a", 1, label)], [scene("b", 2, label)])


SILENT = {
    "each class on both sides": ("class_missing", lambda: class_in("a", "d")),
    "one object of forty is too small": ("below_minimum_area", one_below),
    "crumbs of a large object": ("below_minimum_area", with_crumbs),
    "small objects, and a minimum of 4 px": ("below_minimum_area", lambda: replace(small_objects(), minimum_area=4)),
    "a scene is half as bright": ("brightness_differs", lambda: of_brightness(2)),
    "values below zero have no ratio": ("brightness_differs", lambda: decibels()),
    "other pictures": ("duplicates", sound),
    "calm water": ("duplicates", lambda: unlike_but_alike(4)),
    "flat scenes": ("duplicates", lambda: unlike_but_alike(0.2)),
    "empty scenes": ("duplicates", lambda: empty()),
    "twenty objects": ("few_objects", sound),
    "neighbours on the ground": ("ground_overlap", lambda: on_ground(at(0), at(2 * SIDE), at(SIDE))),
    "no georeference": ("ground_overlap", lambda: on_ground(None, None, None)),
    "overlap where one scene is ignored": ("ground_overlap", lambda: half_ignored()),
    "a coordinate system that nobody knows": ("ground_overlap", lambda: on_ground(at(0), at(0, crs="EPSG:999999"))),
    "labels that fit": ("label_offset", lambda: builtin("car_park")),
    "labels on other pictures": ("label_offset", sound),
}  # fmt: skip


def empty() -> Dataset:
    return dataset([scene("a", np.zeros((3, SIDE, SIDE)))], [scene("b", np.zeros((3, SIDE, SIDE)))])


def decibels() -> Dataset:
    low = picture(1).astype(np.float32) / 10 - 20
    return dataset([scene("a", low)], [scene("b", low / 10)])


def half_ignored() -> Dataset:
    """Two scenes overlap by half, but only one of them counts there."""
    made = on_ground(at(0), at(48))
    label = made.training[0].label.copy()
    label[:, 48:] = IGNORE
    return replace(made, training=(replace(made.training[0], label=label),))


@pytest.mark.parametrize("case", FIRES)
def test_a_check_fires_and_its_mend_removes_the_finding(case: str) -> None:
    code, make, mend = FIRES[case]
    made = make()
    (finding,) = found(made, code)
    assert finding.code == code
    assert finding.text
    assert set(finding.scenes) <= {one.name for one in made.scenes}
    if mend is None:
        assert finding.mend is None
    else:
        assert isinstance(finding.mend, mend)
        assert finding.mend.button
        assert found(mended(made, finding.mend), code) == ()


def test_every_check_is_tried_and_says_what_it_means() -> None:
    assert {code for code, _, _ in FIRES.values()} == {check.code for check in CHECKS}
    assert all(check.title and check.meaning.endswith(".") for check in CHECKS)


@pytest.mark.parametrize("case", SILENT)
def test_a_check_stays_silent(case: str) -> None:
    code, make = SILENT[case]
    assert found(make(), code) == ()


def test_a_sound_dataset_has_no_findings() -> None:
    assert check_dataset(sound()) == ()


@pytest.mark.parametrize("key", BUILTIN)
def test_built_in_scenes_are_aligned_and_unlike_each_other(key: str) -> None:
    codes = {finding.code for finding in check_dataset(builtin(key))}
    assert codes <= {"few_objects"}


def test_findings_name_their_figures() -> None:
    (small,) = found(small_objects(), "below_minimum_area")
    assert small.text == "20 of 60 objects of 'car' have fewer than 8 pixels, the minimum area."
    assert small.scenes == ("b",)
    assert small.mend == SetMinimumArea(4)
    (few,) = found(dataset([scene("a", 1)], [scene("b", 2, squares(count=5))]), "few_objects")
    assert few.text == "'car' has 5 objects in validation: each is 20 points of recall."
    (overlap,) = found(on_ground(at(0), at(500), at(48)), "ground_overlap")
    assert overlap.text == "1 pair overlaps on the ground: a and c (50 %) of the smaller scene."
    (copy,) = found(with_copy(lambda image: image[:, :, ::-1]), "duplicates")
    assert copy.text == "1 pair of scenes on both sides of the split: c and d (mirrored or turned)."


def test_objects_that_touch_are_counted_one_by_one() -> None:
    label = np.zeros((SIDE, SIDE), np.uint8)
    label[10:12, 10:90] = 1
    ids = np.zeros((SIDE, SIDE), np.int32)
    ids[10:12, 10:90] = 1 + np.arange(80) // 2
    touching = dataset([scene("a", 1, label, objects=ids)], [scene("b", 2)])
    (finding,) = found(touching, "below_minimum_area")
    assert finding.text.startswith("40 of 60 objects")


def test_a_better_split_keeps_copies_and_neighbours_together_and_every_class_on_both_sides() -> None:
    both = squares() + squares(2, 7)[::-1]
    made = dataset(
        [scene("a", 1, both), scene("b", 2, both, georeference=at(0)), scene("c", 3)],
        [
            scene("turned a", np.rot90(picture(1), 1, (1, 2)), both),
            scene("d", 5, georeference=at(20)),
            scene("e", 6),
            scene("f", 7),
        ],
        ("background", "car", "ship"),
    )
    mends = {finding.mend for finding in check_dataset(made)} - {None}
    assert len(mends) == 1, "one mend for copies and for neighbours"
    better = mended(made, mends.pop())
    held_out = {one.name for one in better.validation}
    assert len(held_out & {"a", "turned a"}) in (0, 2)
    assert len(held_out & {"b", "d"}) in (0, 2)
    assert {"class_missing", "duplicates", "ground_overlap"}.isdisjoint(f.code for f in check_dataset(better))


@pytest.mark.parametrize("change", [np.copy, brighter_and_noisy])
def test_two_copies_alone_have_no_mend(change: Callable[[np.ndarray], np.ndarray]) -> None:
    (finding,) = found(dataset([scene("a", 1)], [scene("b", change(picture(1)))]), "duplicates")
    assert finding.mend is None


def test_of_equal_scenes_the_one_that_validates_is_kept() -> None:
    (finding,) = found(dataset([scene("a", 1), scene("b", 2), scene("c", 1)], [scene("d", 1)]), "duplicates")
    assert finding.text == "3 pairs of equal scenes, 2 of them on both sides of the split: a = c, a = d, c = d."
    assert finding.mend == LeaveOut(("a", "c"))


@pytest.mark.parametrize("mend", [SplitAgain(()), SplitAgain(("a", "b", "c", "d")), LeaveOut(("d",))])
def test_a_mend_never_empties_a_side(mend: SplitAgain | LeaveOut) -> None:
    with pytest.raises(InputError, match="no scene is left"):
        mended(sound(), mend)


@pytest.mark.parametrize("key", BUILTIN)
@pytest.mark.parametrize("move", [(5, 0), (-5, 5), (0, -12)])
def test_the_shift_of_labels_is_found(key: str, move: tuple[int, int]) -> None:
    shift = best_shift(moved(builtin(key), *move).scenes)
    assert shift is not None
    assert shift.suspected
    assert (shift.rows, shift.columns) == (-move[0], -move[1])


def test_a_suspected_shift_says_where_to_move_the_labels() -> None:
    (finding,) = found(moved(builtin("car_park"), 6, -5), "label_offset")
    assert "Moved 5 px to the right and 6 px up" in finding.text


@pytest.mark.parametrize("label", [np.zeros((SIDE, SIDE), np.uint8), np.full((SIDE, SIDE), IGNORE, np.uint8)])
def test_labels_without_outlines_have_no_shift(label: np.ndarray) -> None:
    assert best_shift([scene("a", 1, label)]) is None
    assert best_shift([scene("a", picture(1)[:, :6, :6], squares()[:6, :6])]) is None


@pytest.mark.parametrize(("factor", "times"), [(4, r"4\.\d times"), (256, "more than 100 times")])
def test_the_ratio_to_a_black_scene_is_given_as_a_bound(factor: float, times: str) -> None:
    (finding,) = found(of_brightness(factor), "brightness_differs")
    assert re.search(rf", {times} as much", finding.text), finding.text
