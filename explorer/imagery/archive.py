"""Datasets on disk: one ``.npz`` with arrays and a JSON header, no pickle; and the hash of a dataset's content."""

from __future__ import annotations

import hashlib
import json
import mmap
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from explorer.errors import InputError
from explorer.files import atomic_file
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.notes import Note
from explorer.imagery.objects import MINIMUM_AREA
from explorer.imagery.scene import Dataset, GeoReference, Scene, Stretch

_VERSION = 3
"""1 had sentences for notes, and neither objects nor choices; 2 not where images have no data. Both are read."""


class _SceneHeader(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    bands: tuple[str, ...]
    crs: str | None = None
    transform: tuple[float, float, float, float, float, float] | None = None
    has_objects: bool = False
    has_valid: bool = False
    notes: tuple[Note, ...] = ()


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    name: str
    classes: tuple[str, ...]
    bands: tuple[str, ...]
    notes: tuple[Note, ...]
    choices: ReadingChoices = ReadingChoices()
    minimum_area: int = MINIMUM_AREA  # of datasets of version 1
    match_rule: MatchRule = HALF_IOU
    low: tuple[float, ...]
    high: tuple[float, ...]
    training: tuple[_SceneHeader, ...]
    validation: tuple[_SceneHeader, ...]

    @field_validator("notes", mode="before")
    @classmethod
    def _of_version_1(cls, notes: list[object]) -> list[object]:
        return [Note("earlier_version", note) if isinstance(note, str) else note for note in notes]


def save_dataset(dataset: Dataset, path: Path) -> None:
    """Writes a dataset; the file appears complete or not at all."""
    arrays = dict(_arrays(dataset))
    header = np.frombuffer(_header(dataset).model_dump_json().encode(), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        np.savez(file, allow_pickle=False, header=header, **arrays)


def archived_bytes(dataset: Dataset) -> int:
    """About how many bytes :func:`save_dataset` writes: nothing is compressed."""
    return sum(array.nbytes for _, array in _arrays(dataset))


def load_dataset(path: Path, mapped: bool = False) -> Dataset:
    """Reads a dataset that :func:`save_dataset` wrote.

    Args:
        path: of its file.
        mapped: leave the arrays on the disk, from where the system fetches what is looked at, and make them read-only.

    Raises:
        InputError: the file is missing, broken, or not a dataset of this version.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            header = _Header.model_validate_json(archive["header"].tobytes())
            if header.version > _VERSION:
                raise InputError(f"a dataset of version {header.version}", str(path), "create it again from its images")
            arrays = MappedArrays(file) if mapped else archive
            scenes = {
                side: tuple(_scene(scene, arrays, f"{side}{index}") for index, scene in enumerate(headers))
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
        choices=header.choices,
        minimum_area=header.minimum_area,
        match_rule=header.match_rule,
        **scenes,
    )


class MappedArrays(Mapping[str, NDArray[Any]]):
    """The arrays of an ``.npz`` whose members are stored as they are, as views of the one mapped file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with zipfile.ZipFile(file) as archive:
            self._members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}

    def __getitem__(self, name: str) -> NDArray[Any]:
        member = self._members[name]
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError("compressed")
        start = member.header_offset
        lengths = self._pages[start + 26 : start + 30]  # of the member's name and of its extra field
        start += 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
        self._file.seek(start)
        if np.lib.format.read_magic(self._file) != (1, 0):
            raise ValueError("an array of another version")
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(self._file)
        return np.ndarray(shape, dtype, self._pages, self._file.tell(), order="F" if by_columns else "C")

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


def content_hash(dataset: Dataset) -> str:
    """A hash of everything that a run on this dataset depends on: pixels, labels, names, split and stretch.

    Notes and choices are not part of it: they say how the content came about.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(_hashed(_header(dataset)), separators=(",", ":"), ensure_ascii=False).encode())
    for key, array in _arrays(dataset):
        digest.update(json.dumps([key, array.dtype.str, array.shape]).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _hashed(header: _Header) -> dict[str, Any]:
    """What the hash covers. Fields that version 1 did not have take part where they differ from what it meant."""
    fields = header.model_dump(mode="json", exclude={"choices"}) | {"version": 1, "notes": ()}
    if fields["minimum_area"] == MINIMUM_AREA:
        del fields["minimum_area"]
    if header.match_rule == HALF_IOU:
        del fields["match_rule"]
    for scene in (*fields["training"], *fields["validation"]):
        del scene["notes"]
        for field in ("has_objects", "has_valid"):
            if not scene[field]:
                del scene[field]
    return fields


def _arrays(dataset: Dataset) -> Iterator[tuple[str, NDArray[np.generic]]]:
    for side, scenes in (("training", dataset.training), ("validation", dataset.validation)):
        for index, scene in enumerate(scenes):
            yield f"{side}{index}_image", scene.image
            yield f"{side}{index}_label", scene.label
            if scene.objects is not None:
                yield f"{side}{index}_objects", scene.objects
            if scene.valid is not None:
                yield f"{side}{index}_valid", scene.valid


def _header(dataset: Dataset) -> _Header:
    return _Header(
        version=_VERSION,
        name=dataset.name,
        classes=dataset.classes,
        bands=dataset.bands,
        notes=dataset.notes,
        choices=dataset.choices,
        minimum_area=dataset.minimum_area,
        match_rule=dataset.match_rule,
        low=dataset.stretch.low,
        high=dataset.stretch.high,
        training=tuple(_scene_header(scene) for scene in dataset.training),
        validation=tuple(_scene_header(scene) for scene in dataset.validation),
    )


def _scene_header(scene: Scene) -> _SceneHeader:
    georeference = scene.georeference
    return _SceneHeader(
        name=scene.name,
        bands=scene.bands,
        crs=georeference.crs if georeference else None,
        transform=georeference.transform if georeference else None,
        has_objects=scene.objects is not None,
        has_valid=scene.valid is not None,
        notes=scene.notes,
    )


def _scene(header: _SceneHeader, arrays: Mapping[str, NDArray[Any]], key: str) -> Scene:
    return Scene(
        header.name,
        arrays[f"{key}_image"],
        arrays[f"{key}_label"],
        header.bands,
        GeoReference(header.crs, header.transform) if header.transform else None,
        arrays[f"{key}_objects"] if header.has_objects else None,
        header.notes,
        arrays[f"{key}_valid"] if header.has_valid else None,
    )
