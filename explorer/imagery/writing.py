"""Writes masks with their georeference: class ids as cloud-optimised GeoTIFF or PNG.

A file appears complete or not at all.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.imagery.ground import crs_of
from explorer.imagery.scene import IGNORE, GeoReference, Scene

NOTHING: Mapping[str, str] = MappingProxyType({})
"""Metadata of a file of which nothing is said."""

_BLOCK = 512  # pixels: side of a tile; larger masks have overviews


def write_mask(
    path: Path,
    mask: NDArray[np.uint8],
    georeference: GeoReference | None,
    classes: Sequence[str],
    about: Mapping[str, str] = NOTHING,
) -> None:
    """Writes class ids as a cloud-optimised GeoTIFF of one band; ``IGNORE`` is its nodata value.

    It is tiled and compressed. A pixel of an overview has the class that is commonest below it.

    Args:
        path: of the file.
        mask: (H, W), class ids.
        georeference: of the mask, if known.
        classes: names by id, written as tags of the band.
        about: what the mask rests on, written as tags of the file.

    Raises:
        InputError: the file cannot be written.
    """
    write_whole(path, mask_bytes(mask, georeference, classes, about))


def mask_bytes(
    mask: NDArray[np.uint8],
    georeference: GeoReference | None,
    classes: Sequence[str],
    about: Mapping[str, str] = NOTHING,
) -> bytes:
    """What ``write_mask`` writes."""
    crs = crs_of(georeference)
    placed = {} if georeference is None else {"transform": Affine(*georeference.transform), "crs": crs}
    profile = {"height": mask.shape[0], "width": mask.shape[1], "count": 1, "dtype": "uint8", "nodata": IGNORE}
    with MemoryFile() as plain, MemoryFile() as optimised, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with plain.open(driver="GTiff", compress="deflate", tiled=True, **profile, **placed) as file:
            file.write(mask, 1)
            file.update_tags(**about)
            file.set_band_description(1, "class id")
            file.update_tags(1, **{f"class_{i}": name for i, name in enumerate(classes)})
        with plain.open() as file:
            # GDAL's driver can only copy
            copy(file, optimised.name, driver="COG", compress="deflate", blocksize=_BLOCK, overview_resampling="mode")
        content: bytes = optimised.read()
        return content


def write_label(folder: Path, scene: Scene, classes: Sequence[str]) -> Path:
    """Writes a scene's label under the scene's name: as GeoTIFF where it has a georeference, else as PNG.

    Args:
        folder: made where it is missing; a scene whose name has folders lies in such.
        scene: class ids, 255 = ignore.
        classes: names by id, written as tags of a GeoTIFF.

    Returns:
        The file.

    Raises:
        InputError: the file cannot be written.
    """
    path = folder / f"{scene.name}.{'png' if scene.georeference is None else 'tif'}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror})", str(path.parent), "choose another path") from None
    if scene.georeference is not None:
        write_mask(path, scene.label, scene.georeference, classes)
        return path
    content = io.BytesIO()
    Image.fromarray(scene.label).save(content, "PNG")
    write_whole(path, content.getvalue())
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that a user has named.

    Raises:
        InputError: it cannot be written.
    """
    try:
        write_atomically(path, content)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", str(path), "choose another path") from None
