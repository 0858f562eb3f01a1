"""Training crops, cut on the device.

The dataset stays on the device, prepared as the segmenter takes it, with the ids and cells of its objects; a batch is a
few crops with flips, quarter turns (unless up is up) and what the plan's augmentation adds. All that is drawn for a
step depends on the seed and the step alone, so that there is no sampler state to save: a resumed run gets the crops
that it would have had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from explorer.imagery.objects import ObjectMaps, object_maps
from explorer.imagery.scene import IGNORE, Scene, Stretch
from explorer.losses.prediction import Prediction
from explorer.segmenter.inputs import InputSpec, prepared_image, prepared_scene
from explorer.training.plan import Augmentation, Plan


@dataclass(frozen=True)
class SampledCrop:
    """Position, size and orientation of a crop, in pixels of the working scale."""

    scene: int
    top: int
    left: int
    turns: int  # quarter turns, 0 to 3
    flip: bool
    side: int  # of the part of the scene that is cut out and resized to the plan's crop size


@dataclass(frozen=True, eq=False)
class Draws:
    """What the augmentation makes of the channels of each crop."""

    gain: NDArray[np.float32]  # (N, C)
    offset: NDArray[np.float32]  # (N, C)


@dataclass(frozen=True, eq=False)
class Batch:
    """The crops of one step."""

    crops: Sequence[SampledCrop]
    images: Tensor  # (N, C, S, S) float32, channels_last
    labels: Tensor  # (N, S, S) uint8


@dataclass(frozen=True, eq=False)
class DeviceScene:
    """A scene on the device, padded to at least the crop's size."""

    image: Tensor  # (C, H, W) float32, prepared
    label: Tensor  # (H, W) uint8
    objects: Tensor  # (K, H, W) int32: ids, then the owners of each foreground class
    id_bound: int  # above all of them


class Sampler:
    """Crops of the training scenes.

    Args:
        scenes: the training scenes.
        classes: number of classes, background included.
        plan: inputs, batch size, crop size, seed, the share of foreground crops, and augmentation.
    """

    def __init__(
        self, scenes: Sequence[Scene], classes: int, stretch: Stretch, plan: Plan, device: torch.device
    ) -> None:
        self._plan, self._device = plan, device
        scenes = [prepared_scene(scene, plan.inputs) for scene in scenes]
        maps = [object_maps(scene.label, classes, scene.objects) for scene in scenes]
        self._scenes = [
            _on_device(scene, of_scene, stretch, plan.inputs, plan.crop_size, device)
            for scene, of_scene in zip(scenes, maps, strict=True)
        ]
        self._channels = len(self._scenes[0].image)
        self._sizes = np.array([scene.label.shape for scene in self._scenes])
        self._id_bound = max(scene.id_bound for scene in self._scenes)
        self._anchors = _object_centres(scenes, maps, by_class=plan.balance_classes)
        area = self._sizes.prod(1)
        self._chance = area / area.sum()

    def crops(self, step: int) -> list[SampledCrop]:
        """This step's crops: a pure function of the plan's seed and the step."""
        return self._drawn(step)[0]

    def batch(self, step: int) -> Batch:
        """The crops of this step, augmented."""
        crops, draws = self._drawn(step)
        images = self.images(crops)
        if draws is not None:
            images = augmented(images, draws)
        return Batch(crops, images, self.labels(crops))

    def _drawn(self, step: int) -> tuple[list[SampledCrop], Draws | None]:
        """All that is drawn for a step. Plans without augmentation draw what they always drew."""
        plan = self._plan
        random = np.random.default_rng([plan.seed, step])
        on_object = random.random(plan.batch_size) < plan.object_share
        crops, fixed = [], []
        for around_object in on_object:
            if around_object and self._anchors:
                anchors = self._anchors[random.integers(len(self._anchors)) if len(self._anchors) > 1 else 0]
                scene, row, column = (int(v) for v in anchors[random.integers(len(anchors))])
                top, left = (v - int(random.integers(plan.crop_size)) for v in (row, column))
                fixed.append((row, column))
            else:
                scene = int(random.choice(len(self._chance), p=self._chance))
                top, left = (int(random.integers(0, side - plan.crop_size + 1)) for side in self._sizes[scene])
                fixed.append((top + plan.crop_size // 2, left + plan.crop_size // 2))
            height, width = self._sizes[scene].tolist()
            top, left = (min(max(v, 0), side - plan.crop_size) for v, side in ((top, height), (left, width)))
            turns, flip = int(random.integers(4)), bool(random.integers(2))
            crops.append(SampledCrop(scene, top, left, 0 if plan.upright else turns, flip, plan.crop_size))
        if plan.augmentation == Augmentation():
            return crops, None
        shares = random.uniform(-1, 1, (plan.batch_size, 3 + 2 * self._channels))
        zooms = 1 + plan.augmentation.zoom * shares[:, 0]
        zoomed = [self._zoomed(*each) for each in zip(crops, zooms, fixed, strict=True)]
        return zoomed, _draws(plan.augmentation, shares[:, 1:])

    def _zoomed(self, crop: SampledCrop, zoom: float, fixed: tuple[int, int]) -> SampledCrop:
        """The crop of another part of the scene, in which a pixel keeps its place: an object's centre stays inside."""
        sides = self._sizes[crop.scene]
        side = min(round(crop.side * zoom), int(sides.min()))
        top, left = (
            int(np.clip(round(pixel - (pixel - start) * side / crop.side), 0, most - side))
            for pixel, start, most in zip(fixed, (crop.top, crop.left), sides, strict=True)
        )
        return replace(crop, top=top, left=left, side=side)

    def images(self, crops: Sequence[SampledCrop]) -> Tensor:
        """(N, C, S, S) float32, channels_last, not augmented."""
        size = self._plan.crop_size
        batch = torch.empty(
            (len(crops), self._channels, size, size),
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
        part = array[..., crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
        if crop.side != self._plan.crop_size:
            part = _resized(part, self._plan.crop_size)
        part = torch.rot90(part, crop.turns, (-2, -1)) if crop.turns else part
        return part.flip(-1) if crop.flip else part


def augmented(images: Tensor, draws: Draws) -> Tensor:
    """(x − ½)·gain + ½ + offset, crop by crop and channel by channel: contrast changes around the middle grey.

    >>> draws = Draws(gain=np.float32([[2.0]]), offset=np.float32([[0.25]]))
    >>> augmented(torch.tensor([[[[0.0, 1.0]]]]), draws)
    tensor([[[[-0.2500,  1.7500]]]])

    Values end between −1 and 2, which keeps rare large draws from dominating a batch.

    Args:
        images: (N, C, S, S) float32, on any device.
        draws: of N crops and C channels.
    """
    gain, offset = (
        torch.from_numpy(values).to(images.device)[:, :, None, None] for values in (draws.gain, draws.offset)
    )
    return torch.addcmul(offset + (1 - gain) / 2, images, gain).clamp_(-1, 2)


def _draws(augmentation: Augmentation, shares: NDArray[np.float64]) -> Draws:
    """Gains (1 + g)(1 + g_c) and offsets o + o_c.

    Args:
        shares: (N, 2 + 2C), from −1 to 1: of g and o, then of each g_c, then of each o_c.
    """
    gain, offset = 1 + augmentation.gain * shares[:, :1], augmentation.offset * shares[:, 1:2]
    of_gain, of_offset = np.split(shares[:, 2:], 2, axis=1)
    return Draws(
        (gain * (1 + augmentation.channel_gain * of_gain)).astype(np.float32),
        (offset + augmentation.channel_offset * of_offset).astype(np.float32),
    )


def _resized(part: Tensor, size: int) -> Tensor:
    """A square part (…, s, s) as (…, size, size): bilinear where it holds floating point numbers, else nearest."""
    if part.is_floating_point():
        return F.interpolate(part[None], size=(size, size), mode="bilinear", align_corners=False)[0]
    nearest = torch.arange(1, 2 * size, 2, device=part.device) * part.shape[-1] // (2 * size)
    return part.index_select(-2, nearest).index_select(-1, nearest)


def _on_device(
    scene: Scene, maps: ObjectMaps, stretch: Stretch, inputs: InputSpec, least: int, device: torch.device
) -> DeviceScene:
    down, right = (max(0, least - side) for side in scene.label.shape)
    edge = ((0, 0), (0, down), (0, right))
    image = np.pad(prepared_image(scene.image, stretch, inputs, scene.valid), edge, mode="edge")
    label = np.pad(scene.label, edge[1:], constant_values=IGNORE)
    objects = np.pad(np.concatenate([maps.ids[None], maps.owners]), edge)
    return DeviceScene(
        image=torch.from_numpy(image).to(device),
        label=torch.from_numpy(label).to(device),
        objects=torch.from_numpy(objects).to(device),
        id_bound=int(objects.max()) + 1,
    )


def _object_centres(
    scenes: Sequence[Scene], maps: Sequence[ObjectMaps], by_class: bool
) -> tuple[NDArray[np.int64], ...]:
    """Scene, row and column of the centre of every object's bounding box, as arrays (n, 3) without empty ones.

    Args:
        scenes: with labels at the working scale.
        maps: their objects.
        by_class: an array for each class that occurs, instead of one for all objects.
    """
    centres: dict[int, list[tuple[int, int, int]]] = {}
    for i, (scene, of_scene) in enumerate(zip(scenes, maps, strict=True)):
        for number, box in enumerate(ndimage.find_objects(of_scene.ids), start=1):
            if box is not None:
                rows, columns = box
                class_id = int(scene.label[box][of_scene.ids[box] == number][0]) if by_class else 0
                centre = (i, (rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2)
                centres.setdefault(class_id, []).append(centre)
    return tuple(np.array(centres[class_id], dtype=np.int64) for class_id in sorted(centres))
