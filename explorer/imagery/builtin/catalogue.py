"""The built-in datasets and the function that generates them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.random import Generator

from explorer.errors import InputError
from explorer.imagery.builtin import car_park, harbour, town
from explorer.imagery.match_rule import HALF_IOU
from explorer.imagery.objects import MINIMUM_AREA
from explorer.imagery.scene import Dataset, Scene


@dataclass(frozen=True)
class BuiltinInfo:
    """What is known about a built-in dataset before it is generated.

    Attributes:
        name: of the dataset, also on its card.
        sentence: one sentence on what the scenes show and why they are hard.
        classes: names; the position is the class id.
        scene: generates one scene from its name and a random generator.
        bands: names.
        training: number of training scenes.
        validation: number of validation scenes, the last ones generated.
    """

    name: str
    sentence: str
    classes: tuple[str, ...]
    scene: Callable[[str, Generator], Scene]
    bands: tuple[str, ...] = ("red", "green", "blue")
    training: int = 5
    validation: int = 3


BUILTIN: Mapping[str, BuiltinInfo] = MappingProxyType(
    {
        "car_park": BuiltinInfo(
            name="Car park",
            sentence="Cars cover about 1 % of the pixels, among skylights and containers of the same size.",
            classes=car_park.CLASSES,
            scene=car_park.car_park_scene,
        ),
        "harbour": BuiltinInfo(
            name="Harbour",
            sentence="Small and large ships, moored or under way, cover about 0.5 % of the pixels.",
            classes=harbour.CLASSES,
            scene=harbour.harbour_scene,
        ),
        "town": BuiltinInfo(
            name="Town",
            sentence="Four classes at once: buildings and roads are common, trees less so, and cars are rare.",
            classes=town.CLASSES,
            scene=town.town_scene,
        ),
    }
)


def builtin_dataset(key: str, seed: int = 0) -> Dataset:
    """Generates a built-in dataset; the same key and seed give the same pixels.

    Args:
        key: a key of ``BUILTIN``.
        seed: 0 or more; each seed gives different scenes of the same kind.

    Raises:
        InputError: there is no such key, or the seed is negative.
    """
    if key not in BUILTIN:
        raise InputError(f"there is no built-in dataset {key!r}", "dataset", f"choose one of {', '.join(BUILTIN)}")
    if seed < 0:
        raise InputError(f"the seed is {seed}", "seed", "use 0 or more")
    from explorer.imagery.assembly import make_dataset  # imports rasterio, 0.3 s: not at server start

    info = BUILTIN[key]
    scenes = [
        info.scene(f"{key.replace('_', '-')}-{number + 1}", scene_generator(key, seed, number))
        for number in range(info.training + info.validation)
    ]
    held_out = {scene.name for scene in scenes[info.training :]}
    return make_dataset(info.name, scenes, info.classes, held_out, minimum_area=MINIMUM_AREA, match_rule=HALF_IOU)


def scene_generator(key: str, seed: int, number: int) -> Generator:
    """The random generator of one scene, independent of the number of scenes."""
    return np.random.default_rng([seed, number, *key.encode()])
