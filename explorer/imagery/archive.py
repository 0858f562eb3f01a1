"""Datasets on disk: one ``.npz`` with arrays and a JSON header, no pickle; and the hash of a dataset's content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.errors import InputError
from explorer.files import atomic_file
from explorer.imagery.scene import Dataset, GeoReference, Scene, Stretch

_VERSION = 1


class _SceneHeader(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    bands: tuple[str, ...]
    crs: str | None = None
    transform: tuple[float, float, float, float, float, float] | None = None


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    name: str
    classes: tuple[str, ...]
    bands: tuple[str, ...]
    notes: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    training: tuple[_SceneHeader, ...]
    validation: tuple[_SceneHeader, ...]


def save_dataset(dataset: Dataset, path: Path) -> None:
    """Writes a dataset; the file appears complete or not at all."""
    arrays = dict(_arrays(dataset))
    header = np.frombuffer(_header(dataset).model_dump_json().encode(), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        np.savez(file, allow_pickle=False, header=header, **arrays)


def load_dataset(path: Path) -> Dataset:
    """Reads a dataset that :func:`save_dataset` wrote.

    Raises:
        InputError: the file is missing, broken, or not a dataset of this version.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            header = _Header.model_validate_json(archive["header"].tobytes())
            if header.version != _VERSION:
                raise InputError(f"a dataset of version {header.version}", str(path), "create it again from its images")
            scenes = {
                side: tuple(
                    _scene(scene, archive[f"{side}{index}_image"], archive[f"{side}{index}_label"])
                    for index, scene in enumerate(headers)
                )
                for side, headers in (("training", header.training), ("validation", header.validation))
            }
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError("no such dataset", str(path), "check the path") from error
    except ValidationError as error:
        raise InputError("not a dataset of this app", str(path), "create it again from its images") from error
    except Exception as error:  # a broken zip or array: BadZipFile, KeyError, ValueError, struct.error …
        raise InputError("the dataset's file is broken", str(path), "create it again from its images") from error
    return Dataset(
        header.name,
        header.classes,
        header.bands,
        stretch=Stretch(header.low, header.high),
        notes=header.notes,
        **scenes,
    )


def content_hash(dataset: Dataset) -> str:
    """A hash of everything that a run on this dataset depends on: pixels, labels, names, split and stretch.

    The notes are not part of it.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(_header(dataset).model_copy(update={"notes": ()}).model_dump_json().encode())
    for key, array in _arrays(dataset):
        digest.update(json.dumps([key, array.dtype.str, array.shape]).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _arrays(dataset: Dataset) -> Iterator[tuple[str, NDArray[np.generic]]]:
    for side, scenes in (("training", dataset.training), ("validation", dataset.validation)):
        for index, scene in enumerate(scenes):
            yield f"{side}{index}_image", scene.image
            yield f"{side}{index}_label", scene.label


def _header(dataset: Dataset) -> _Header:
    return _Header(
        version=_VERSION,
        name=dataset.name,
        classes=dataset.classes,
        bands=dataset.bands,
        notes=dataset.notes,
        low=dataset.stretch.low,
        high=dataset.stretch.high,
        training=tuple(_scene_header(scene) for scene in dataset.training),
        validation=tuple(_scene_header(scene) for scene in dataset.validation),
    )


def _scene_header(scene: Scene) -> _SceneHeader:
    georeference = scene.georeference
    if georeference is None:
        return _SceneHeader(name=scene.name, bands=scene.bands)
    return _SceneHeader(name=scene.name, bands=scene.bands, crs=georeference.crs, transform=georeference.transform)


def _scene(header: _SceneHeader, image: NDArray[np.generic], label: NDArray[np.uint8]) -> Scene:
    georeference = GeoReference(header.crs, header.transform) if header.transform else None
    return Scene(header.name, image, label, header.bands, georeference)
