"""What a segmenter is given of a scene: the working scale, and channels that are computed from the stretched bands.

Everything is computed on whole scenes, before they are cut into crops or tiles, in training and in prediction alike.
The channels follow the trials on small objects in few scenes: local contrast, difference of Gaussians and white top-hat
at the size of an object do not change with a scene's haze or gain.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from explorer.imagery.scene import IGNORE, Scene, Stretch
from explorer.imagery.stretch import image_stretch, stretched

_CONTRAST_CHANNELS = 5


class InputSpec(BaseModel):
    """Scale and channels. The default is the stretched bands at the scene's own scale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: float = Field(1.0, gt=0, le=1, description="working scale: pixels of the segmenter per pixel of the scene")
    own_stretch: bool = Field(False, description="each scene is stretched by its own percentiles, not the dataset's")
    root: bool = Field(False, description="square root of the stretched bands, which widens their dark end")
    differences: bool = Field(False, description="normalised differences of all pairs of bands as further channels")
    contrast: bool = Field(False, description="local contrast, blobs, top-hat and surroundings as further channels")
    object_size: float = Field(16.0, gt=0, description="diameter of an object in pixels of the scene, for ``contrast``")

    def channels(self, bands: int) -> int:
        """Number of channels that come of this many bands."""
        pairs = bands * (bands - 1) // 2 if self.differences else 0
        return bands + pairs + (_CONTRAST_CHANNELS if self.contrast else 0)

    def working_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width at the working scale of a scene of this height and width."""
        height, width = size
        return max(1, round(height * self.scale)), max(1, round(width * self.scale))

    def working_area(self, area: int) -> int:
        """An area in pixels of the scene, in pixels at the working scale; at least 1."""
        return max(1, round(area * self.scale**2))


def stretch_for(
    image: NDArray[np.generic], stretch: Stretch, spec: InputSpec, valid: NDArray[np.bool_] | None
) -> Stretch:
    """The stretch of an image: its own, over its valid pixels, if the inputs say so, else the dataset's."""
    return image_stretch(image, valid) if spec.own_stretch else stretch


def prepared_image(
    image: NDArray[np.generic], stretch: Stretch, spec: InputSpec, valid: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """The channels of an image (C', h, w); bands come first, most values lie in [0, 1].

    Args:
        image: (C, H, W) in its own dtype.
        stretch: of the dataset.
        spec: scale and channels.
        valid: (H, W), False where the image has no data; those pixels do not count for its own stretch. None: all do.
    """
    bands = stretched(image, stretch_for(image, stretch, spec, valid))
    size = spec.working_size((image.shape[1], image.shape[2]))
    if size != image.shape[1:]:
        bands = np.stack([_mean_resized(band, size) for band in bands])
    if spec.root:
        bands = np.sqrt(bands)
    parts = [bands]
    if spec.differences:
        parts.append(_differences(bands))
    if spec.contrast:
        parts.append(_contrast(bands, spec.object_size * spec.scale))
    return np.concatenate(parts).astype(np.float32, copy=False)


def prepared_scene(scene: Scene, spec: InputSpec) -> Scene:
    """The scene with its label and objects at the working scale; its image stays as it is.

    A pixel takes the class that covers most of it, and is ignored where most of it is.
    """
    size = spec.working_size(scene.size)
    if size == scene.size:
        return scene
    ids = [int(value) for value in np.unique(scene.label)]
    shares = np.stack([_mean_resized((scene.label == value).astype(np.float32), size) for value in ids])
    label = np.array(ids, dtype=np.uint8)[shares.argmax(0)]
    objects = None
    if scene.objects is not None:
        objects = _resized_objects(scene.objects, (label > 0) & (label != IGNORE))
    return replace(scene, label=label, objects=objects)


def reduced_scene(scene: Scene, spec: InputSpec) -> Scene:
    """Likewise with the image, as float32 in its own units: what there is to show of the working scale."""
    size = spec.working_size(scene.size)
    if size == scene.size:
        return scene
    bands = [_mean_resized(band.astype(np.float32), size) for band in scene.image]
    valid = None if scene.valid is None else _mean_resized(scene.valid.astype(np.float32), size) >= np.float32(0.5)
    return replace(prepared_scene(scene, spec), image=np.stack(bands), valid=valid)


def _mean_resized(band: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Each pixel is the mean over the area that it covers."""
    resized = Image.fromarray(band).resize(size[::-1], Image.Resampling.BOX)
    return np.asarray(resized, dtype=np.float32)


def _resized_objects(objects: NDArray[np.int32], foreground: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Ids at another size: that of the object nearest to the middle of each foreground pixel."""
    height, width = foreground.shape
    rows = ((np.arange(height) + 0.5) * objects.shape[0] / height).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * objects.shape[1] / width).astype(np.intp)
    if not objects.any():
        return np.zeros(foreground.shape, dtype=np.int32)
    nearest = scipy.ndimage.distance_transform_edt(objects == 0, return_distances=False, return_indices=True)
    ids = objects[tuple(nearest)][np.ix_(rows, columns)]
    return np.where(foreground, ids, np.int32(0))


def _differences(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """(a − b) / (a + b), moved to [0, 1], of all pairs of bands: (C(C − 1)/2, h, w)."""
    pairs = [(a - b) / (a + b + 0.05) for i, a in enumerate(bands) for b in bands[i + 1 :]]
    none = np.zeros((0, *bands.shape[1:]), dtype=np.float32)
    return np.stack(pairs) * np.float32(0.5) + np.float32(0.5) if pairs else none


def _contrast(bands: NDArray[np.float32], diameter: float) -> NDArray[np.float32]:
    """(5, h, w): local contrast, difference of Gaussians, white top-hat, and the means of all and of the last band.

    Args:
        bands: (C, h, w).
        diameter: of an object, in pixels of these bands.
    """
    grey = bands.mean(0)
    window = 2 * max(2, round(4 * diameter)) + 1
    side = round(1.5 * diameter) | 1
    mean = scipy.ndimage.uniform_filter(grey, window, mode="reflect")
    square = scipy.ndimage.uniform_filter(grey * grey, window, mode="reflect")
    deviation = np.sqrt(np.maximum(square - mean * mean, 0)) + 0.01
    blobs = scipy.ndimage.gaussian_filter(grey, diameter / 6) - scipy.ndimage.gaussian_filter(grey, diameter / 2)
    raised = grey - scipy.ndimage.grey_opening(grey, (side, side))
    return np.stack(
        [
            ((grey - mean) / deviation / 6 + 0.5).clip(-0.25, 1.25),
            (blobs * 2.5 + 0.5).clip(-0.25, 1.25),
            (raised * 1.5 + 0.5).clip(0.5, 1.25),
            mean,
            scipy.ndimage.uniform_filter(bands[-1], window, mode="reflect"),
        ]
    )
