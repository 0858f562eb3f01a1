"""Scores of the segmenter on the validation scenes, and the preview."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from explorer.imagery.scene import IGNORE, Scene, Stretch
from explorer.imagery.stretch import stretched
from explorer.metrics.confusion import Labelled, score_predictions
from explorer.metrics.counts import Scores
from explorer.segmenter.network import Segmenter
from explorer.segmenter.tiling import predict_classes

MOST_PIXELS = 400_000  # scored in each validation; the summary at the end covers all
PREVIEW_SIDE = 256


@dataclass(frozen=True, eq=False)
class Window:
    """A part of a validation scene, on the device."""

    scene: str
    top: int
    left: int
    image: Tensor  # (C, H, W) float32, stretched
    label: NDArray[np.uint8]  # (H, W)
    objects: NDArray[np.int32] | None  # (H, W), see Scene


class Validator:
    """A fixed set of windows of the validation scenes, at most ``MOST_PIXELS`` in all.

    Of a scene that is too large, it takes the part with the most foreground. The preview is a part of the window with
    the most foreground, so that its prediction comes with every validation at no extra cost.
    """

    def __init__(
        self, scenes: Sequence[Scene], classes: int, stretch: Stretch, device: torch.device, minimum_area: int
    ) -> None:
        self._classes, self._minimum_area = classes, minimum_area
        total = sum(scene.label.size for scene in scenes)
        shrink = min(1.0, MOST_PIXELS / total) ** 0.5 if total else 1.0
        self.windows = [
            _window(scene, [round(side * shrink) for side in scene.size], stretch, device) for scene in scenes
        ]
        self._most_foreground = max(range(len(scenes)), key=lambda i: int(_foreground(self.windows[i].label).sum()))
        self.preview = _preview(self.windows[self._most_foreground])

    @property
    def pixels(self) -> int:
        """Pixels that each validation scores."""
        return sum(window.label.size for window in self.windows)

    def validate(self, segmenter: Segmenter) -> tuple[Scores, NDArray[np.uint8], float]:
        """Scores over the windows, the prediction (H, W) of the preview, and the seconds that it took."""
        began = time.perf_counter()
        predictions = [_predicted(segmenter, window) for window in self.windows]
        labelled = (
            Labelled(predicted, window.label, window.objects)
            for predicted, window in zip(predictions, self.windows, strict=True)
        )
        scores = score_predictions(labelled, self._classes, self._minimum_area)
        window, preview = self.windows[self._most_foreground], self.preview
        top, left = preview.top - window.top, preview.left - window.left
        height, width = preview.label.shape
        shown = predictions[self._most_foreground][top : top + height, left : left + width].copy()
        return scores, shown, time.perf_counter() - began

    def predict_preview(self, segmenter: Segmenter) -> NDArray[np.uint8]:
        """The prediction (H, W) of the preview alone."""
        return _predicted(segmenter, self.preview)


def _predicted(segmenter: Segmenter, window: Window) -> NDArray[np.uint8]:
    classes: NDArray[np.uint8] = predict_classes(segmenter, window.image).cpu().numpy()
    return classes


def _preview(window: Window) -> Window:
    """The part of a window, at most ``PREVIEW_SIDE`` along each side, that holds the most foreground."""
    height, width = (min(side, PREVIEW_SIDE) for side in window.label.shape)
    top, left = _most_foreground_window(window.label, height, width)
    rows, columns = slice(top, top + height), slice(left, left + width)
    objects = None if window.objects is None else window.objects[rows, columns]
    return Window(
        window.scene,
        window.top + top,
        window.left + left,
        window.image[:, rows, columns],
        window.label[rows, columns],
        objects,
    )


def _window(scene: Scene, sides: Sequence[int], stretch: Stretch, device: torch.device) -> Window:
    height, width = (min(side, most) for side, most in zip(sides, scene.size, strict=True))
    top, left = _most_foreground_window(scene.label, height, width)
    rows, columns = slice(top, top + height), slice(left, left + width)
    image = torch.from_numpy(stretched(scene.image[:, rows, columns], stretch)).to(device)
    objects = None if scene.objects is None else np.ascontiguousarray(scene.objects[rows, columns])
    return Window(scene.name, top, left, image, np.ascontiguousarray(scene.label[rows, columns]), objects)


def _most_foreground_window(label: NDArray[np.uint8], height: int, width: int) -> tuple[int, int]:
    """Top and left of the window of this size with the most foreground."""
    if label.shape == (height, width):
        return 0, 0
    density = ndimage.uniform_filter(_foreground(label).astype(np.float32), (height, width), mode="constant")
    # The filter is centred: keep only positions at which the window lies inside the scene.
    rows, columns = label.shape[0] - height + 1, label.shape[1] - width + 1
    inside = density[height // 2 : height // 2 + rows, width // 2 : width // 2 + columns]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(top), int(left)


def _foreground(label: NDArray[np.uint8]) -> NDArray[np.bool_]:
    foreground: NDArray[np.bool_] = (label > 0) & (label != IGNORE)
    return foreground
