"""Reads an upload for its page: decodes the files once, and leaves the dataset as a file. Runs in a confined process.

In an upload's folder, ``decoded/<version of its files>/`` holds what was decoded (``rows.pickle`` and ``arrays``, which
only such processes write and read) and the datasets that follow from the choices about it, of which the last few stay.
The page gets what it shows in words and thumbnails, and maps the dataset into its memory.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import explorer.imagery
from explorer.errors import InputError
from explorer.files import atomic_file, locked, writing
from explorer.imagery.archive import save_dataset
from explorer.imagery.areas import areas_in_file
from explorer.imagery.choices import NODATA, Polygon, ReadingChoices
from explorer.imagery.datasets import label_scenes, read_files
from explorer.imagery.reading.mask_values import pixels_of
from explorer.imagery.readings import ReadFiles, Reading, ReadRow, SceneReport
from explorer.imagery.scene import Scene
from explorer.imagery.thumbnails import file_thumbnail, value_thumbnail
from explorer.runs.array_file import ArrayFile
from explorer.settings import Settings

Watch = Callable[[str], None]

_MOST_PICTURES = 24  # of files that are not used
_KEPT_DATASETS = 3


@dataclass(frozen=True)
class UploadToRead:
    """The files of an upload, and what was chosen about them."""

    folder: Path  # for what is decoded
    images: Mapping[str, Path]
    masks: Mapping[str, Path]
    name: str  # of the dataset
    choices: ReadingChoices
    limits: Settings

    @property
    def version(self) -> str:
        """Changes with the files, with what their readers are told, and with the readers themselves."""
        readers = Path(explorer.imagery.__file__).parent.rglob("*.py")
        told = [
            [[name, path.name] for name, path in self.images.items()],
            [[name, path.name] for name, path in self.masks.items()],
            self.choices.for_files().model_dump_json(),
            self.limits.model_dump_json(),
            max(path.stat().st_mtime_ns for path in readers),
        ]
        return hashlib.blake2b(json.dumps(told).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, eq=False)
class UploadReading:
    """What the page shows of an upload.

    Attributes:
        reading: without pixels and without the dataset.
        dataset: the file with the dataset; None if there is none.
        examples: of each value of the masks, a thumbnail.
        looks: thumbnails of files that are not used, by their names.
        properties: of the features of vector files.
    """

    reading: Reading
    dataset: Path | None
    examples: tuple[str, ...]
    looks: Mapping[str, str]
    properties: tuple[str, ...]


def read_upload(upload: UploadToRead, refused: Mapping[str, str], watch: Watch) -> UploadReading:
    """Reads an upload with the visitor's choices.

    Args:
        upload: files and choices.
        refused: files that must not be opened, with the reason.
        watch: is told the name of each file before it is opened.

    Raises:
        InputError: none of the files could be used, or there is no room on the disk.
    """
    with _alone_with(upload):
        return _read(upload, refused, watch)


def _read(upload: UploadToRead, refused: Mapping[str, str], watch: Watch) -> UploadReading:
    with writing(upload.folder):
        rows, looks = _rows(upload, refused, watch)
    watch("")
    reading = label_scenes(rows, upload.name, upload.choices, limits=upload.limits)
    dataset = None
    if reading.dataset is not None:
        chosen = hashlib.blake2b(upload.choices.model_dump_json().encode() + upload.name.encode(), digest_size=8)
        dataset = upload.folder / upload.version / f"dataset-{chosen.hexdigest()}.npz"
        save_dataset(reading.dataset, dataset)
        for old in sorted(dataset.parent.glob("dataset-*.npz"), key=lambda file: file.stat().st_mtime)[
            :-_KEPT_DATASETS
        ]:
            old.unlink(missing_ok=True)
    properties = dict.fromkeys(name for row in rows.rows if row.mask is not None for name in row.mask.properties)
    return UploadReading(_without_pixels(reading), dataset, _examples(rows, reading), looks, tuple(properties))


def place_areas(
    upload: UploadToRead, data: bytes, name: str, refused: Mapping[str, str], watch: Watch
) -> dict[str, tuple[Polygon, ...]]:
    """The polygons of a vector file in the pixels of each scene of an upload, see ``areas_in_file``.

    Raises:
        InputError: the file cannot be read, or its polygons lie on none of the scenes.
    """
    with _alone_with(upload):
        rows, _ = _rows(upload, refused, watch)
    watch(name)
    rasters = {row.name: row.raster for row in rows.rows if row.raster is not None}
    return areas_in_file(data, name, rasters, upload.limits)


@contextmanager
def _alone_with(upload: UploadToRead) -> Iterator[None]:
    """Waits for other processes that read the same upload.

    Raises:
        InputError: they take too long, or the upload is gone.
    """
    try:
        upload.folder.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise InputError("there is no such upload", "upload", "upload the files again") from None
    busy = "another page reads this upload"
    with locked(upload.folder / "lock", upload.limits.reading_seconds, busy, "try again"):
        yield


def _rows(upload: UploadToRead, refused: Mapping[str, str], watch: Watch) -> tuple[ReadFiles, Mapping[str, str]]:
    """What was decoded of the files, from an earlier reading if there is one; and the looks of those not used."""
    folder = upload.folder / upload.version
    decoded, arrays = folder / "rows.pickle", folder / "arrays"
    if decoded.exists():
        with decoded.open("rb") as file:
            kept: tuple[ReadFiles, Mapping[str, str]] = ArrayFile(arrays, 0).load(file)
        return kept
    for old in upload.folder.glob("*"):
        if old != folder and old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    arrays.unlink(missing_ok=True)  # of a reading that was broken off
    limits = upload.limits
    held = ArrayFile(arrays, limits.max_total_decoded_bytes + 2 * limits.max_decoded_bytes)
    try:
        return _decoded(upload, refused, watch, held, decoded)
    except BaseException:
        arrays.unlink(missing_ok=True)
        raise


def _decoded(
    upload: UploadToRead, refused: Mapping[str, str], watch: Watch, held: ArrayFile, decoded: Path
) -> tuple[ReadFiles, Mapping[str, str]]:
    """Decodes the files into ``held``, and keeps what refers to it in the file ``decoded``."""
    limits = upload.limits
    read = read_files(
        upload.images,
        upload.masks or None,
        upload.choices,
        limits,
        refused=refused,
        watch=watch,
        keep=lambda row: _on_disk(row, held),
    )
    looks = {}
    for name, data in list(read.unpaired.items())[:_MOST_PICTURES]:
        if name not in refused:
            watch(name)
            looks[name] = file_thumbnail(data, name, limits)
    read = replace(read, unpaired={})
    with atomic_file(decoded) as file:
        held.dump((read, looks), file)
    held.trim()
    return read, looks


def _on_disk(row: ReadRow, held: ArrayFile) -> ReadRow:
    raster, mask = row.raster, row.mask
    if raster is not None:
        raster = replace(raster, image=held.keep(raster.image), valid=held.keep(raster.valid))
    if mask is not None:
        mask = replace(
            mask,
            index=held.keep(mask.index),
            ignored=held.keep(mask.ignored),
            nodata=None if mask.nodata is None else held.keep(mask.nodata),
            objects=None if mask.objects is None else held.keep(mask.objects),
        )
    return replace(row, raster=raster, mask=mask)


def _examples(read: ReadFiles, reading: Reading) -> tuple[str, ...]:
    """Of each value, a crop around its largest area."""
    rows = [row for row in read.rows if row.mask is not None]
    examples = []
    for value in reading.values:
        row = rows[value.mask]
        assert row.mask is not None
        assert row.raster is not None
        number = int(value.text) if value.text.isdecimal() else -1
        where = row.mask.nodata if value.text == NODATA else pixels_of(row.mask, (value.text, number))
        has_any = where is not None and bool(where.any())  # no pixels have colours of a palette, for example
        examples.append(value_thumbnail(row.raster, where) if has_any and where is not None else "")
    return tuple(examples)


def _without_pixels(reading: Reading) -> Reading:
    reports = tuple(
        SceneReport(replace(report.row, raster=None, mask=None), report.scene and _emptied(report.scene), report.reason)
        for report in reading.reports
    )
    return replace(reading, reports=reports, dataset=None)


def _emptied(scene: Scene) -> Scene:
    """A scene without its pixels: its name, bands and notes."""
    none = np.zeros((0, 0), np.uint8)
    return replace(scene, image=none[None], label=none, objects=None, valid=None)
