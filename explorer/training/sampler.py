"""Training crops, cut on the device.

The dataset stays on the device, stretched, with the ids and cells of its objects; a batch is a few crops with flips and
quarter turns. The crops of a step depend on the seed and the step alone, so that there is no sampler state to save: a
resumed run gets the crops that it would have had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from explorer.imagery.objects import ObjectMaps, object_maps
from explorer.imagery.scene import IGNORE, Scene, Stretch
from explorer.imagery.stretch import stretched
from explorer.losses.prediction import Prediction
from explorer.training.plan import Plan


@dataclass(frozen=True)
class SampledCrop:
    """Position and orientation of a crop."""

    scene: int
    top: int
    left: int
    turns: int  # quarter turns, 0 to 3
    flip: bool


@dataclass(frozen=True, eq=False)
class Batch:
    """The crops of one step."""

    crops: Sequence[SampledCrop]
    images: Tensor  # (N, C, S, S) float32, channels_last
    labels: Tensor  # (N, S, S) uint8


@dataclass(frozen=True, eq=False)
class DeviceScene:
    """A scene on the device, padded to at least the crop's size."""

    image: Tensor  # (C, H, W) float32, stretched
    label: Tensor  # (H, W) uint8
    objects: Tensor  # (K, H, W) int32: ids, then the owners of each foreground class
    id_bound: int  # above all of them


class Sampler:
    """Crops of the training scenes.

    Args:
        scenes: the training scenes.
        classes: number of classes, background included.
        plan: batch size, crop size, seed and the share of foreground crops.
    """

    def __init__(
        self, scenes: Sequence[Scene], classes: int, stretch: Stretch, plan: Plan, device: torch.device
    ) -> None:
        self._plan, self._device = plan, device
        maps = [object_maps(scene.label, classes, scene.objects) for scene in scenes]
        self._scenes = [
            _on_device(scene, of_scene, stretch, plan.crop_size, device)
            for scene, of_scene in zip(scenes, maps, strict=True)
        ]
        self._sizes = np.array([scene.label.shape for scene in self._scenes])
        self._id_bound = max(scene.id_bound for scene in self._scenes)
        self._anchors = _object_centres(maps)
        area = self._sizes.prod(1)
        self._chance = area / area.sum()

    def crops(self, step: int) -> list[SampledCrop]:
        """Positions of this step's crops: a pure function of the plan's seed and the step."""
        plan = self._plan
        random = np.random.default_rng([plan.seed, step])
        on_object = random.random(plan.batch_size) < plan.object_share
        crops = []
        for around_object in on_object:
            if around_object and len(self._anchors):
                scene, row, column = (int(v) for v in self._anchors[random.integers(len(self._anchors))])
                top, left = (v - int(random.integers(plan.crop_size)) for v in (row, column))
            else:
                scene = int(random.choice(len(self._chance), p=self._chance))
                top, left = (int(random.integers(0, side - plan.crop_size + 1)) for side in self._sizes[scene])
            height, width = self._sizes[scene]
            top, left = (int(np.clip(v, 0, side - plan.crop_size)) for v, side in ((top, height), (left, width)))
            crops.append(SampledCrop(scene, top, left, int(random.integers(4)), bool(random.integers(2))))
        return crops

    def batch(self, step: int) -> Batch:
        """The crops of this step."""
        crops = self.crops(step)
        return Batch(crops, self.images(crops), self.labels(crops))

    def images(self, crops: Sequence[SampledCrop]) -> Tensor:
        """(N, C, S, S) float32, channels_last."""
        size = self._plan.crop_size
        batch = torch.empty(
            (len(crops), len(self._scenes[0].image), size, size),
            device=self._device,
            memory_format=torch.channels_last,
        )
        for slot, crop in zip(batch, crops, strict=True):
            slot.copy_(self._cut(self._scenes[crop.scene].image, crop))
        return batch

    def labels(self, crops: Sequence[SampledCrop]) -> Tensor:
        """(N, S, S) uint8."""
        return torch.stack([self._cut(self._scenes[crop.scene].label, crop) for crop in crops])

    def prediction(
        self, logits: Tensor, labels: Tensor, crops: Sequence[SampledCrop], with_objects: bool
    ) -> Prediction:
        """Logits with their labels and, where a loss needs objects, the objects' ids and cells."""
        if not with_objects:
            return Prediction(logits, labels)
        objects = torch.stack([self._cut(self._scenes[crop.scene].objects, crop) for crop in crops])
        return Prediction(logits, labels, objects[:, 0], objects[:, 1:], self._id_bound)

    def _cut(self, array: Tensor, crop: SampledCrop) -> Tensor:
        size = self._plan.crop_size
        part = array[..., crop.top : crop.top + size, crop.left : crop.left + size]
        part = torch.rot90(part, crop.turns, (-2, -1)) if crop.turns else part
        return part.flip(-1) if crop.flip else part


def _on_device(scene: Scene, maps: ObjectMaps, stretch: Stretch, least: int, device: torch.device) -> DeviceScene:
    down, right = (max(0, least - side) for side in scene.size)
    edge = ((0, 0), (0, down), (0, right))
    image = np.pad(stretched(scene.image, stretch), edge, mode="edge")
    label = np.pad(scene.label, edge[1:], constant_values=IGNORE)
    objects = np.pad(np.concatenate([maps.ids[None], maps.owners]), edge)
    return DeviceScene(
        image=torch.from_numpy(image).to(device),
        label=torch.from_numpy(label).to(device),
        objects=torch.from_numpy(objects).to(device),
        id_bound=int(objects.max()) + 1,
    )


def _object_centres(maps: Sequence[ObjectMaps]) -> NDArray[np.int64]:
    """(n, 3): scene, and row and column of the centre of every object's bounding box."""
    centres = [
        (i, (box[0].start + box[0].stop) // 2, (box[1].start + box[1].stop) // 2)
        for i, of_scene in enumerate(maps)
        for box in ndimage.find_objects(of_scene.ids)
        if box is not None
    ]
    return np.array(centres, dtype=np.int64).reshape(-1, 3)
