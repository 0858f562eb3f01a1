"""The fixed set of validation crops that a run's slices are measured on, and the file that keeps it. No torch.

``cut_crops`` draws the set once; every point of every slice sees the same pixels. ``LandscapeData`` adds what else a
slice needs of the dataset and stores all of it in the run's folder, so that the dataset itself is not needed.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.objects import MINIMUM_AREA, object_maps
from explorer.imagery.scene import IGNORE, Scene, Stretch
from explorer.segmenter.inputs import InputSpec, prepared_image, prepared_scene

CROPS, CROP_SIZE = 16, 128
"""Number of crops, and pixels along each side of one."""

LANDSCAPE_DATA_FILE = "landscape.npz"
"""Name of the file in a run's folder."""

_FOREGROUND_SHARE = 0.5
"""At least this share of the crops contains an object, where there are enough: recall is undefined without one."""


@dataclass(frozen=True)
class CropOrigin:
    """The scene and the pixel of a crop's upper left corner, at the working scale."""

    scene: str
    top: int
    left: int


@dataclass(frozen=True, eq=False)
class Crops:
    """A fixed set of labelled crops, all of one size."""

    images: NDArray[np.float32]  # (N, C, H, W), as the segmenter takes them; bands first
    labels: NDArray[np.uint8]  # (N, H, W), class ids, 255 = ignore
    ids: NDArray[np.int32]  # (N, H, W), objects' ids, 0 = none
    owners: NDArray[np.int32]  # (N, K − 1, H, W), the nearest object of each foreground class, 0 = none
    origins: tuple[CropOrigin, ...] = ()

    @property
    def classes(self) -> int:
        """K, background included."""
        return int(self.owners.shape[1]) + 1

    @property
    def content_hash(self) -> str:
        """16 hexadecimal digits that change with any pixel or label."""
        digest = hashlib.blake2b(digest_size=8)
        for array in (self.images, self.labels):
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def cut_crops(
    scenes: Sequence[Scene],
    classes: int,
    stretch: Stretch,
    inputs: InputSpec | None = None,
    count: int = CROPS,
    size: int = CROP_SIZE,
    seed: int = 0,
) -> Crops:
    """Draws crops that do not overlap; half of them contain an object where there are enough of these.

    Foreground classes take turns, the rarest first, so that none is left out for a common one. A scene that is smaller
    than a crop is padded with ignored pixels. Channels are computed and objects found in the whole scene, then cropped.

    Args:
        scenes: of the validation, at their own scale.
        classes: number of classes, background included.
        stretch: of the dataset.
        inputs: working scale and channels; the stretched bands at the scene's own scale if not given.
        count: of the crops.
        size: pixels along each side of one, at the working scale.
        seed: of the draw.

    Raises:
        InputError: there is no scene, or no pixel of them is valid.
    """
    inputs = inputs or InputSpec()
    working = [prepared_scene(scene, inputs) for scene in scenes]
    origins = [
        (index, top, left)
        for index, scene in enumerate(working)
        for top in _starts(scene.size[0], size)
        for left in _starts(scene.size[1], size)
        if (scene.label[top : top + size, left : left + size] != IGNORE).any()
    ]
    if not origins:
        raise InputError("no pixel of the validation scenes is labelled", "dataset", "label some, or split differently")
    random = np.random.default_rng(seed)
    origins = [origins[index] for index in random.permutation(len(origins))]
    shows = [_foreground(working[i].label[top : top + size, left : left + size]) for i, top, left in origins]
    first = [origins[place] for place in _in_turns(shows, round(count * _FOREGROUND_SHARE))]
    rest = [origin for origin in origins if origin not in first]
    chosen = sorted((first + rest)[:count])
    images, labels, ids, owners = [], [], [], []
    for index, corners in groupby(chosen, lambda origin: origin[0]):  # one scene's maps in memory at a time
        scene = working[index]
        maps = object_maps(scene.label, classes, scene.objects)
        image = prepared_image(scene.image, stretch, inputs, scene.valid)
        for _, top, left in corners:
            images.append(_cut(image, top, left, size, "edge"))
            labels.append(_cut(scene.label, top, left, size, IGNORE))
            ids.append(_cut(maps.ids, top, left, size, 0))
            owners.append(_cut(maps.owners, top, left, size, 0))
    return Crops(
        images=np.stack(images),
        labels=np.stack(labels),
        ids=np.stack(ids),
        owners=np.stack(owners),
        origins=tuple(CropOrigin(scenes[i].name, top, left) for i, top, left in chosen),
    )


def _starts(length: int, size: int) -> list[int]:
    return list(range(0, length - size + 1, size)) or [0]


def _foreground(label: NDArray[np.uint8]) -> frozenset[int]:
    """The foreground classes that occur."""
    return frozenset(int(each) for each in np.unique(label) if 0 < each < IGNORE)


def _in_turns(shows: Sequence[frozenset[int]], count: int) -> list[int]:
    """Positions of up to ``count`` crops with foreground, each class in its turn, that in the fewest crops first.

    >>> _in_turns([frozenset({1}), frozenset(), frozenset({1}), frozenset({1, 2})], count=2)
    [3, 0]
    """
    holding = {
        each: [place for place, shown in enumerate(shows) if each in shown] for each in frozenset().union(*shows)
    }
    turns = sorted(holding, key=lambda each: (len(holding[each]), each))
    chosen: list[int] = []
    while len(chosen) < count and any(holding.values()):
        for each in turns:
            left = holding[each] = [place for place in holding[each] if place not in chosen]
            if left and len(chosen) < count:
                chosen.append(left[0])
    return chosen


def _cut(array: NDArray[Any], top: int, left: int, size: int, fill: int | str) -> NDArray[Any]:
    """(…, size, size), padded below and to the right with a number, or with the last pixels ("edge")."""
    part = array[..., top : top + size, left : left + size]
    down, right = (size - side for side in part.shape[-2:])
    if not down and not right:
        return part
    edge = [(0, 0)] * (array.ndim - 2) + [(0, down), (0, right)]
    return np.pad(part, edge, mode="edge") if fill == "edge" else np.pad(part, edge, constant_values=int(fill))


@dataclass(frozen=True, eq=False)
class LandscapeData:
    """Validation crops, with what a slice needs of the dataset."""

    crops: Crops
    classes: tuple[str, ...]  # names, background first
    class_weights: tuple[float, ...]  # of the weighted cross-entropy
    dataset_id: str  # hash of the dataset's content
    minimum_area: int = MINIMUM_AREA  # pixels of the crops, of the object metrics; earlier versions do not say it
    match_rule: MatchRule = HALF_IOU  # of the object metrics, for the crops' pixels; that of earlier versions, too

    def save(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        crops = self.crops
        about = {
            "classes": self.classes,
            "class_weights": self.class_weights,
            "data": self.dataset_id,
            "minimum_area": self.minimum_area,
            "match_rule": str(self.match_rule),
            "places": [asdict(origin) for origin in crops.origins],
        }
        content = io.BytesIO()
        np.savez_compressed(
            content,
            images=crops.images,
            labels=crops.labels,
            ids=crops.ids,
            owners=crops.owners,
            about=np.array(json.dumps(about)),
        )
        write_atomically(path, content.getvalue())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a file.

        Raises:
            InputError: it is not there or cannot be read.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                origins = tuple(CropOrigin(**origin) for origin in about["places"])
                crops = Crops(file["images"], file["labels"], file["ids"], file["owners"], origins)
        except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
            raise InputError(
                "the validation crops of this run are missing or cannot be read", str(path), "resume or repeat the run"
            ) from None
        return cls(
            crops,
            tuple(about["classes"]),
            tuple(about["class_weights"]),
            about["data"],
            about.get("minimum_area", MINIMUM_AREA),
            MatchRule.parse(about.get("match_rule", str(HALF_IOU))),
        )
