"""Writes masks with their georeference: class ids as GeoTIFF or PNG, object outlines as GeoJSON.

A file appears complete or not at all.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rasterio.crs import CRS
from rasterio.features import shapes
from rasterio.io import MemoryFile
from rasterio.warp import transform_geom

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.imagery.scene import IGNORE, GeoReference, Scene

_DEGREES = "EPSG:4326"  # RFC 7946


def write_mask(path: Path, mask: NDArray[np.uint8], georeference: GeoReference | None, classes: Sequence[str]) -> None:
    """Writes class ids as a compressed GeoTIFF of one band; ``IGNORE`` is its nodata value.

    Args:
        path: of the file.
        mask: (H, W), class ids.
        georeference: of the mask, if known.
        classes: names by id, written as tags of the band.

    Raises:
        InputError: the file cannot be written.
    """
    georeferencing = (
        {} if georeference is None else {"transform": Affine(*georeference.transform), "crs": _crs(georeference)}
    )
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            height=mask.shape[0],
            width=mask.shape[1],
            count=1,
            dtype="uint8",
            nodata=IGNORE,
            compress="deflate",
            **georeferencing,
        ) as file:
            file.write(mask, 1)
            file.set_band_description(1, "class id")
            file.update_tags(1, **{f"class_{i}": name for i, name in enumerate(classes)})
        _write(path, memory.read())


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
    _write(path, content.getvalue())
    return path


def write_outlines(
    path: Path,
    mask: NDArray[np.uint8],
    georeference: GeoReference | None,
    classes: Sequence[str],
) -> None:
    """Writes one polygon per object (8-connected pixels of one foreground class) as GeoJSON.

    Coordinates are degrees (WGS 84), as RFC 7946 requires; without a georeference, they are columns and rows.

    Args:
        path: of the file.
        mask: (H, W), class ids.
        georeference: of the mask, if known.
        classes: names by id.

    Raises:
        InputError: the file cannot be written.
    """
    transform = Affine(*georeference.transform) if georeference is not None else Affine.identity()
    crs = _crs(georeference) if georeference is not None else None
    inside = (mask > 0) & (mask != IGNORE)
    features = [
        {
            "type": "Feature",
            "properties": {"class": classes[int(value)], "class_id": int(value)},
            "geometry": outline if crs is None else transform_geom(crs, _DEGREES, outline),
        }
        for outline, value in shapes(mask, mask=inside, connectivity=8, transform=transform)
    ]
    _write(path, json.dumps({"type": "FeatureCollection", "features": features}).encode())


def _write(path: Path, content: bytes) -> None:
    try:
        write_atomically(path, content)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", str(path), "choose another path") from None


def _crs(georeference: GeoReference) -> CRS | None:
    return CRS.from_user_input(georeference.crs) if georeference.crs else None
