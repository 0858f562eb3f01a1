"""Scenes that show the same: the same picture twice, exactly or nearly, found by perceptual hashes.

A perceptual hash alone takes scenes for equal that merely look alike (calm water, even texture). So a pair counts only
if the thumbnails, too, are nearly equal: as they are, and after their large-scale brightness is taken away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from explorer.imagery.scene import Scene

MOST_BITS = 10
"""Of the 64 bits of two hashes that may differ. Unrelated pictures differ in about 32."""

LEAST_CORRELATION = 0.95
_LEAST_DETAIL = 0.8  # correlation without the large-scale brightness
_LEAST_CONTRAST = 0.02  # standard deviation of a thumbnail of which the range is 0 to 1
_SIDE = 64  # pixels of a thumbnail
_SAMPLES = 512  # pixels of a side that are read for a thumbnail


@dataclass(frozen=True)
class Twin:
    """Two scenes that show the same: positions in the list."""

    first: int
    second: int
    kind: Literal["equal", "nearly equal", "mirrored or turned"]


def twins(scenes: Sequence[Scene]) -> list[Twin]:
    """All pairs of scenes that show the same, also where one is flipped or turned by quarter turns."""
    digests = [_digest(scene) for scene in scenes]
    thumbnails = [_thumbnail(scene) for scene in scenes]
    usable = [thumbnail is not None for thumbnail in thumbnails]
    flat = np.zeros((_SIDE, _SIDE), np.float32)
    filled = [flat if thumbnail is None else thumbnail for thumbnail in thumbnails]
    turned = [[_bits(view) for view in _views(thumbnail)] for thumbnail in filled]
    signs = np.array(turned, np.float32).reshape(len(scenes), 8, 64) * 2 - 1
    found = []
    for second in range(len(scenes)):
        bits = (64 - signs[:second, 0] @ signs[second].T) / 2  # (second, 8): bits that differ
        for first in range(second):
            if digests[first] == digests[second]:
                if usable[first]:
                    found.append(Twin(first, second, "equal"))
            elif usable[first] and usable[second]:
                views = _views(filled[second])
                near = [k for k in np.flatnonzero(bits[first] <= MOST_BITS) if _alike(filled[first], views[k])]
                if near:
                    found.append(Twin(first, second, "nearly equal" if near[0] == 0 else "mirrored or turned"))
    return found


def _digest(scene: Scene) -> bytes:
    digest = hashlib.blake2b(f"{scene.image.shape} {scene.image.dtype}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(scene.image).data)
    return digest.digest()


def _thumbnail(scene: Scene) -> NDArray[np.float32] | None:
    """(64, 64), 0 to 1, stretched by its own percentiles; None for a scene without any contrast."""
    step = max(1, min(scene.size) // _SAMPLES)
    grey = np.nan_to_num(scene.image[:, ::step, ::step].mean(axis=0, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = (float(value) for value in np.percentile(grey[::4, ::4], (1, 99)))
    if high - low <= 1e-3 * max(abs(low), abs(high)):
        return None
    grey = np.clip((grey - low) / (high - low), 0, 1)
    small = Image.fromarray(grey, "F").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    thumbnail = np.asarray(small, np.float32)
    return thumbnail if thumbnail.std() >= _LEAST_CONTRAST else None


def _bits(thumbnail: NDArray[np.float32]) -> NDArray[np.bool_]:
    bits: NDArray[np.bool_] = imagehash.phash(Image.fromarray((255 * thumbnail + 0.5).astype(np.uint8))).hash
    return bits


def _views(thumbnail: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The thumbnail itself, then its other seven orientations."""
    return [np.rot90(side, turns) for side in (thumbnail, thumbnail[:, ::-1]) for turns in range(4)]


def _alike(first: NDArray[np.float32], second: NDArray[np.float32]) -> bool:
    if _correlation(first, second) < LEAST_CORRELATION:
        return False
    details = [picture - ndimage.gaussian_filter(picture, 6.0) for picture in (first, second)]
    return _correlation(*details) >= _LEAST_DETAIL


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    spread = float(first.std() * second.std())
    return float(((first - first.mean()) * (second - second.mean())).mean()) / spread if spread > 0 else 0.0
