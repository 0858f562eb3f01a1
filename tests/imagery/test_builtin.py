"""Built-in datasets: reproducible, with rare and separate objects, as their cards say."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import label as components

from explorer.errors import InputError
from explorer.imagery.builtin import BUILTIN, builtin_dataset, car_park, harbour, town
from explorer.imagery.builtin.catalogue import scene_generator
from explorer.imagery.scene import Dataset, Scene

EIGHT = np.ones((3, 3), bool)


@cache
def dataset(key: str) -> Dataset:
    return builtin_dataset(key)


def digest(scene: Scene) -> str:
    return hashlib.sha256(scene.image.tobytes() + scene.label.tobytes()).hexdigest()


@pytest.mark.parametrize("key", BUILTIN)
def test_the_seed_determines_the_pixels(key: str) -> None:
    made = dataset(key).scenes[0]
    again, other = (BUILTIN[key].scene(made.name, scene_generator(key, seed, 0)) for seed in (0, 1))
    assert digest(again) == digest(made)
    assert digest(other) != digest(made)
    assert len({digest(scene) for scene in dataset(key).scenes}) == len(dataset(key).scenes)


@pytest.mark.parametrize("key", BUILTIN)
def test_the_dataset_agrees_with_its_description(key: str) -> None:
    info, made = BUILTIN[key], dataset(key)
    assert (made.name, made.classes, made.bands) == (info.name, info.classes, info.bands)
    assert (len(made.training), len(made.validation)) == (info.training, info.validation)
    assert len({scene.name for scene in made.scenes}) == len(made.scenes)
    for scene in made.scenes:
        assert scene.image.shape == (len(info.bands), *scene.size)
        assert set(np.unique(scene.label)) <= set(range(len(info.classes)))
        assert scene.image.std() > 15, "a picture, not a flat field"


INTEREST = {"car_park": car_park.CAR, "harbour": harbour.SHIP, "town": town.CAR}
"""Id of the class whose recall and precision matter."""

SHARES = {"car_park": (0.008, 0.014), "harbour": (0.003, 0.008), "town": (0.004, 0.014)}
"""Least and most share of the class of interest over a dataset."""

SMALLEST = {"car_park": 70, "harbour": 25, "town": 30}
"""Fewest pixels of an object of interest; in the town, trees can hide part of a car."""


@pytest.mark.parametrize("key", BUILTIN)
def test_class_of_interest_is_rare_and_its_objects_large_enough(key: str) -> None:
    interest, made = INTEREST[key], dataset(key)
    share = np.mean([(scene.label == interest).mean() for scene in made.scenes])
    least, most = SHARES[key]
    assert least < share < most
    for scene in made.scenes:
        numbered, count = components(scene.label == interest, EIGHT)
        assert count >= 3, scene.name
        areas = np.bincount(numbered.ravel())[1:]
        assert areas.min() >= SMALLEST[key], scene.name
        assert areas.max() < 4 * np.median(areas) or key == "harbour", "no two cars have merged"


@pytest.mark.parametrize("key", BUILTIN)
def test_the_card_shows_a_generated_scene(key: str) -> None:
    with Image.open(Path(__file__).parents[2] / "assets" / "builtin" / f"{key}.jpg") as card:
        shown = np.asarray(card, float).transpose(2, 0, 1)
    made = BUILTIN[key].scene(key, scene_generator(key, 0, 0)).image[:, 70:250]
    assert np.abs(shown - made).mean() < 8, "regenerate it: python -m explorer.imagery.builtin assets/builtin"


@pytest.mark.parametrize(("key", "seed"), [("nowhere", 0), ("car_park", -1)])
def test_bad_key_and_seed_are_input_errors(key: str, seed: int) -> None:
    with pytest.raises(InputError):
        builtin_dataset(key, seed)
