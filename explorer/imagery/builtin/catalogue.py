"""The list of built-in datasets and the one function that generates any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.random import Generator

from explorer.errors import InputError
from explorer.imagery.builtin import car_park
from explorer.imagery.scene import Dataset, Scene, Stretch


@dataclass(frozen=True)
class BuiltinInfo:
    """What a visitor reads about a built-in dataset before it is generated.

    Attributes:
        title: its name on the card and as a dataset.
        sentence: one sentence on what is in it and why it is hard.
        classes: names; the position is the class id.
        interest: id of the class whose recall and precision matter.
        training: training scenes.
        validation: validation scenes, the last ones generated.
        scene: draws one scene from its name and a generator.
        bands: names.
    """

    title: str
    sentence: str
    classes: tuple[str, ...]
    interest: int
    training: int
    validation: int
    scene: Callable[[str, Generator], Scene]
    bands: tuple[str, ...] = ("red", "green", "blue")


BUILTIN: Mapping[str, BuiltinInfo] = MappingProxyType(
    {
        "car_park": BuiltinInfo(
            title="Car park",
            sentence="Cars cover about 1 % of the pixels, among skylights, containers and trees of their size.",
            classes=car_park.CLASSES,
            interest=car_park.CAR,
            training=6,
            validation=3,
            scene=car_park.car_park_scene,
        ),
    }
)


def builtin_dataset(key: str, seed: int = 0) -> Dataset:
    """Generate a built-in dataset; the same key and seed give the same pixels.

    Args:
        key: a key of ``BUILTIN``.
        seed: 0 or more; each gives other scenes of the same kind.

    Raises:
        InputError: there is no such key, or the seed is negative.
    """
    if key not in BUILTIN:
        raise InputError(
            f"there is no built-in dataset {key!r}", "dataset", f"take one of {', '.join(BUILTIN)}"
        )
    if seed < 0:
        raise InputError(f"the seed is {seed}", "seed", "take 0 or more")
    info = BUILTIN[key]
    count = info.training + info.validation
    scenes = [
        info.scene(
            f"{key.replace('_', '-')}-{number + 1}", np.random.default_rng([seed, number, *key.encode()])
        )
        for number in range(count)
    ]
    training, validation = tuple(scenes[: info.training]), tuple(scenes[info.training :])
    return Dataset(
        info.title, info.classes, info.bands, training, validation, Stretch((0.0,) * 3, (255.0,) * 3)
    )
