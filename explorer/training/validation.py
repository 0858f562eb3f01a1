"""Scores of the segmenter on scenes that do not train, and the preview.

The segmenter sees the working scale; its probabilities are brought back to the scene's own grid before they are scored.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.scene import Scene, Stretch
from explorer.metrics.confusion import Labelled, score_predictions
from explorer.metrics.counts import Scores
from explorer.segmenter.inputs import InputSpec, prepared_image
from explorer.segmenter.network import Segmenter
from explorer.segmenter.tiling import predict_classes, predict_probabilities
from explorer.training.plan import Trigger
from explorer.training.reach import Probed, best_reachable
from explorer.training.schedule import MOST_PIXELS
from explorer.training.window_places import most_of_each_class, place_of_window

PREVIEW_SIDE = 256
CONTEXT = 32
"""Pixels of the working scale around a window that the segmenter sees and that are not scored, where the inputs differ
from the bands at the scene's own scale."""


@dataclass(frozen=True, eq=False)
class Window:
    """A part of a scene, on the device."""

    scene: str
    top: int
    left: int
    image: Tensor  # (C, h, w) float32: the part, prepared at the working scale, with what lies around it
    label: NDArray[np.uint8]  # (H, W)
    objects: NDArray[np.int32] | None  # (H, W), see Scene
    rows: Interpolation | None  # from the image to the label's grid; None: they are on the same grid
    columns: Interpolation | None


@dataclass(frozen=True, eq=False)
class Interpolation:
    """Bilinear interpolation along one axis: each of n values is a mean of two neighbours."""

    first: Tensor  # (n,) int64
    second: Tensor  # (n,) int64
    weight: Tensor  # (n,) float32, of the second


@dataclass(frozen=True, eq=False)
class Validated:
    """What a validation gives."""

    scores: Scores
    preview: NDArray[np.uint8]  # (H, W), class ids
    reachable: float | None  # of a relative trigger, see ``best_reachable``
    seconds: float


class Validator:
    """A fixed set of windows of scenes, at most about ``most_pixels`` in all.

    Of a scene that is too large, it takes the part with the most of each class, up to half of the part: one that is all
    foreground has no false alarms to show. Each class counts alike, so that a rare one is not left out for a common
    one. The preview is such a part of the window with the most of each class, so that its prediction comes with every
    validation at no extra cost.

    Args:
        scenes: at least one.
        classes: number of classes, background included.
        stretch: of the dataset.
        device: of the segmenter.
        minimum_area: in pixels; see :mod:`explorer.metrics.matching`.
        inputs: what the segmenter is given.
        most_pixels: of the scenes.
        rule: when a predicted object counts as one of the label.
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        classes: int,
        stretch: Stretch,
        device: torch.device,
        minimum_area: int,
        *,
        inputs: InputSpec | None = None,
        most_pixels: int = MOST_PIXELS,
        rule: MatchRule = HALF_IOU,
    ) -> None:
        self._classes, self._minimum_area, self._rule = classes, minimum_area, rule
        inputs = inputs or InputSpec()
        total = sum(scene.label.size for scene in scenes)
        shrink = min(1.0, most_pixels / total) ** 0.5 if total else 1.0
        sizes = [(min(h, round(h * shrink)), min(w, round(w * shrink))) for h, w in (each.size for each in scenes)]
        places = [place_of_window(scene.label, *size) for scene, size in zip(scenes, sizes, strict=True)]
        labels = [
            scene.label[top : top + height, left : left + width]
            for scene, (top, left), (height, width) in zip(scenes, places, sizes, strict=True)
        ]
        self._shown = most_of_each_class(labels)
        self.windows: list[Window] = []
        for scene, label, (top, left) in zip(scenes, labels, places, strict=True):
            prepared = _Prepared(scene, stretch, inputs, device)
            if len(self.windows) == self._shown:
                height, width = (min(side, PREVIEW_SIDE) for side in label.shape)
                down, right = place_of_window(label, height, width)
                self.preview = prepared.window(top + down, left + right, height, width)
            self.windows.append(prepared.window(top, left, *label.shape))

    @property
    def pixels(self) -> int:
        """Pixels that each validation scores."""
        return sum(window.label.size for window in self.windows)

    def validate(self, segmenter: Segmenter, trigger: Trigger | None = None) -> Validated:
        """Scores over the windows; each pixel has its most probable class.

        Args:
            segmenter: in evaluation mode.
            trigger: where it is relative, what is within its reach is measured as well.
        """
        began = time.perf_counter()
        reachable = None
        if trigger is not None and trigger.relative and trigger.class_id < self._classes:
            probabilities = [_probabilities(segmenter, window) for window in self.windows]
            predictions = [each.argmax(0).to(torch.uint8).cpu().numpy() for each in probabilities]
            probed = [
                Probed(each[trigger.class_id].cpu().numpy(), window.label, window.objects)
                for each, window in zip(probabilities, self.windows, strict=True)
            ]
            reachable = best_reachable(trigger, probed, self._minimum_area, self._rule)
        else:
            predictions = [_predicted(segmenter, window) for window in self.windows]
        labelled = (
            Labelled(predicted, window.label, window.objects)
            for predicted, window in zip(predictions, self.windows, strict=True)
        )
        scores = score_predictions(labelled, self._classes, self._minimum_area, self._rule)
        window, preview = self.windows[self._shown], self.preview
        top, left = preview.top - window.top, preview.left - window.left
        height, width = preview.label.shape
        shown = predictions[self._shown][top : top + height, left : left + width].copy()
        return Validated(scores, shown, reachable, time.perf_counter() - began)

    def predict_preview(self, segmenter: Segmenter) -> NDArray[np.uint8]:
        """The prediction (H, W) of the preview alone."""
        return _predicted(segmenter, self.preview)


def _predicted(segmenter: Segmenter, window: Window) -> NDArray[np.uint8]:
    if window.rows is None or window.columns is None:
        classes = predict_classes(segmenter, window.image)
    else:
        classes = _probabilities(segmenter, window).argmax(0).to(torch.uint8)
    predicted: NDArray[np.uint8] = classes.cpu().numpy()
    return predicted


def _probabilities(segmenter: Segmenter, window: Window) -> Tensor:
    """(K, H, W) float32, on the scene's own grid."""
    probabilities = predict_probabilities(segmenter, window.image)
    if window.rows is None or window.columns is None:
        return probabilities
    return interpolated(interpolated(probabilities, window.rows, dim=1), window.columns, dim=2)


def interpolated(values: Tensor, along: Interpolation, dim: int) -> Tensor:
    """Values at other places along one axis.

    >>> along = interpolation(start=0, stop=4, size=4, working=2, first=0, last=2, device=torch.device("cpu"))
    >>> interpolated(torch.tensor([0.0, 1.0]), along, dim=0)
    tensor([0.0000, 0.2500, 0.7500, 1.0000])
    """
    weight = along.weight.view([-1 if i == dim else 1 for i in range(values.dim())])
    return torch.lerp(values.index_select(dim, along.first), values.index_select(dim, along.second), weight)


def interpolation(
    start: int, stop: int, size: int, working: int, first: int, last: int, device: torch.device
) -> Interpolation:
    """From a part of the working scale to a part of the scene's grid, along one axis, as ``F.interpolate`` does it.

    Args:
        start, stop: of the part on the scene's grid.
        size: of the whole scene.
        working: of the whole scene at the working scale.
        first, last: of the part at the working scale, ``last`` not included.
    """
    places = ((np.arange(start, stop) + 0.5) * (working / size) - 0.5).clip(0, working - 1)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, working - 1)
    if below[0] < first or above[-1] >= last:
        raise ValueError(f"places {below[0]} to {above[-1]} lie outside {first} to {last}")
    return Interpolation(
        torch.from_numpy(below - first).to(device),
        torch.from_numpy(above - first).to(device),
        torch.from_numpy((places - below).astype(np.float32)).to(device),
    )


class _Prepared:
    """A scene from which windows are cut, prepared as a whole where a channel depends on what lies around a pixel."""

    def __init__(self, scene: Scene, stretch: Stretch, inputs: InputSpec, device: torch.device) -> None:
        self._scene, self._stretch, self._device = scene, stretch, device
        self._image = None if inputs == InputSpec() else prepared_image(scene.image, stretch, inputs, scene.valid)

    def window(self, top: int, left: int, height: int, width: int) -> Window:
        """The part of this height and width, in pixels of the scene."""
        scene, rows, columns = self._scene, slice(top, top + height), slice(left, left + width)
        along_rows = along_columns = None
        if self._image is None:
            image = prepared_image(scene.image[:, rows, columns], self._stretch, InputSpec())
        else:
            (top_row, bottom_row), (first_column, last_column) = (
                _seen(start, side, size, working)
                for start, side, size, working in zip(
                    (top, left), (height, width), scene.size, self._image.shape[1:], strict=True
                )
            )
            image = np.ascontiguousarray(self._image[:, top_row:bottom_row, first_column:last_column])
            if image.shape[1:] != (height, width):
                whole_height, whole_width = self._image.shape[1:]
                along_rows = interpolation(
                    top, top + height, scene.size[0], whole_height, top_row, bottom_row, self._device
                )
                along_columns = interpolation(
                    left, left + width, scene.size[1], whole_width, first_column, last_column, self._device
                )
        return Window(
            scene.name,
            top,
            left,
            torch.from_numpy(image).to(self._device),
            np.ascontiguousarray(scene.label[rows, columns]),
            None if scene.objects is None else np.ascontiguousarray(scene.objects[rows, columns]),
            along_rows,
            along_columns,
        )


def _seen(start: int, side: int, size: int, working: int) -> tuple[int, int]:
    """First and last pixel (not included) of the working scale that the segmenter sees of a window, along one axis."""
    scale = working / size
    return max(0, int(start * scale) - CONTEXT), min(working, math.ceil((start + side) * scale) + CONTEXT)
