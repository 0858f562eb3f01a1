"""Built-in datasets: the same for a seed, rare objects that stay apart, a fixed split."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import pytest
from scipy.ndimage import label as components

from explorer.errors import InputError
from explorer.imagery.builtin import BUILTIN, builtin_dataset
from explorer.imagery.scene import Dataset

EIGHT = np.ones((3, 3), bool)


@cache
def dataset(key: str, seed: int = 0) -> Dataset:
    return builtin_dataset(key, seed)


def digest(made: Dataset) -> str:
    content = hashlib.sha256()
    for scene in made.scenes:
        content.update(scene.name.encode() + scene.image.tobytes() + scene.label.tobytes())
    return content.hexdigest()


@pytest.mark.parametrize("key", BUILTIN)
def test_same_seed_same_pixels_other_seed_others(key: str) -> None:
    assert digest(builtin_dataset(key, 0)) == digest(dataset(key))
    assert digest(dataset(key, 1)) != digest(dataset(key))


@pytest.mark.parametrize("key", BUILTIN)
def test_dataset_is_what_its_card_says(key: str) -> None:
    info, made = BUILTIN[key], dataset(key)
    assert (made.name, made.classes, made.bands) == (info.title, info.classes, info.bands)
    assert (len(made.training), len(made.validation)) == (info.training, info.validation)
    assert len({scene.name for scene in made.scenes}) == len(made.scenes)
    for scene in made.scenes:
        assert scene.image.shape == (len(info.bands), *scene.size)
        assert set(np.unique(scene.label)) <= set(range(len(info.classes)))
        assert scene.image.std() > 15, "a picture, not a flat field"


SHARES = {"car_park": (0.008, 0.014), "harbour": (0.003, 0.008), "town": (0.004, 0.014)}
"""Least and most share of the class of interest over a dataset."""


@pytest.mark.parametrize("key", BUILTIN)
@pytest.mark.parametrize("seed", [0, 1])
def test_class_of_interest_is_rare_and_its_objects_large_enough(key: str, seed: int) -> None:
    info, made = BUILTIN[key], dataset(key, seed)
    share = np.mean([(scene.label == info.interest).mean() for scene in made.scenes])
    least, most = SHARES[key]
    assert least < share < most
    for scene in made.scenes:
        numbered, count = components(scene.label == info.interest, EIGHT)
        assert count >= 3, scene.name
        assert np.bincount(numbered.ravel())[1:].min() >= 30, scene.name


@pytest.mark.parametrize(("key", "seed"), [("nowhere", 0), ("car_park", -1)])
def test_bad_key_and_seed_are_input_errors(key: str, seed: int) -> None:
    with pytest.raises(InputError):
        builtin_dataset(key, seed)
