"""The latest prediction of a run as pictures, each made once for all who look."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image

from explorer.figures.colours import class_colours
from explorer.figures.imagery import scene_picture
from explorer.figures.outcome import label_picture, outcome_picture, window
from explorer.imagery.scene import Scene
from explorer.training.events import Preview
from explorer.ui import services

_SIDE = 512  # pixels
_QUALITY = 85  # of WebP


@lru_cache(maxsize=512)
def prediction_picture(run_id: str, dataset_id: str, preview: Preview) -> bytes:
    """The crop with the outcome of each pixel, as WebP."""
    dataset, crop = services.dataset(dataset_id), _crop(run_id, dataset_id, preview)
    plain = scene_picture(crop, dataset.stretch, longest=_SIDE)
    return _webp(outcome_picture(plain, _prediction(run_id, preview), crop.label))


@lru_cache(maxsize=128)
def preview_label_picture(run_id: str, dataset_id: str, preview: Preview) -> bytes:
    """The crop with its label, as WebP."""
    dataset = services.dataset(dataset_id)
    return _webp(label_picture(_crop(run_id, dataset_id, preview), dataset.stretch, _SIDE, class_colours(dataset)))


def _prediction(run_id: str, preview: Preview) -> np.ndarray:
    with Image.open(services.store().folder(run_id).previews / preview.file) as png:
        return np.asarray(png)


def _crop(run_id: str, dataset_id: str, preview: Preview) -> Scene:
    validation = services.dataset(dataset_id).validation
    scene = next(scene for scene in validation if scene.name == preview.scene)
    return window(scene, preview.top, preview.left, _prediction(run_id, preview).shape[:2])


def _webp(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", quality=_QUALITY)
    return buffer.getvalue()
