"""Reads the images of an upload to predict for them, without labels. Runs in a confined process.

In an upload's folder, ``decoded/<version of its files>/`` holds the pixels of each image, and ``images.pickle``, which
only such processes write and read, what is known of them.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from explorer.errors import InputError
from explorer.files import locked, write_atomically, writing
from explorer.imagery.reading.georeference import SIDE_FILE_SUFFIXES
from explorer.imagery.reading.raster import read_raster
from explorer.imagery.reading.upload import unpack
from explorer.runs.decoded_image import DecodedImage, save_raster
from explorer.settings import MEBI, Settings

Watch = Callable[[str], None]

_VERSION = "images 2"  # changes with what is kept


@dataclass(frozen=True)
class ImagesToRead:
    """The files of an upload, images and what belongs to them."""

    folder: Path  # for what is decoded
    files: Mapping[str, Path]  # by the name that they came with
    keep_fill: bool  # use pixels with a suspected fill value as they are
    limits: Settings

    @property
    def version(self) -> str:
        """Changes with the files, and with what their reader is told."""
        files = [[name, path.name] for name, path in self.files.items()]
        told = [_VERSION, files, self.keep_fill, self.limits.model_dump_json()]
        return hashlib.blake2b(json.dumps(told).encode(), digest_size=12).hexdigest()


def read_images(upload: ImagesToRead, refused: Mapping[str, str], watch: Watch) -> tuple[DecodedImage, ...]:
    """Decodes every image, those in zips included; files that lie beside one (``.tfw``, ``.prj``, …) go with it.

    Args:
        upload: the files.
        refused: files that must not be opened, with the reason.
        watch: is told the name of each file before it is opened.

    Returns:
        One for each file that is no side file, in the order of their names.

    Raises:
        InputError: the upload is gone, or there is no room on the disk.
    """
    try:
        upload.folder.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise InputError("there is no such upload", "upload", "upload the files again") from None
    busy = "another page reads this upload"
    with locked(upload.folder / "lock", upload.limits.reading_seconds, busy, "try again"), writing(upload.folder):
        return _read(upload, refused, watch)


def _read(upload: ImagesToRead, refused: Mapping[str, str], watch: Watch) -> tuple[DecodedImage, ...]:
    folder = upload.folder / upload.version
    known = folder / "images.pickle"
    if known.exists():
        kept: tuple[DecodedImage, ...] = pickle.loads(known.read_bytes())
        return kept
    for old in upload.folder.glob("*"):
        if old != folder and old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    unpacked = unpack(upload.files, upload.limits, refused, watch)
    read = [DecodedImage(each.name, None, reason=each.reason) for each in unpacked.skipped if not each.expected]
    total = 0
    for number, (name, source) in enumerate(sorted(unpacked.files.items())):
        if PurePosixPath(name).suffix.lower() in SIDE_FILE_SUFFIXES:
            continue
        if name in refused:
            read.append(DecodedImage(name, None, reason=refused[name]))
            continue
        watch(name)
        try:
            raster = read_raster(source, name, upload.limits, companions=unpacked.files, keep_fill=upload.keep_fill)
            size = raster.image.nbytes + raster.valid.nbytes
            if total + size > upload.limits.max_total_decoded_bytes:
                most = upload.limits.max_total_decoded_bytes / MEBI
                raise InputError(
                    f"with it, the upload takes more than {most:,.0f} MiB once decoded", name, "upload less"
                )
            read.append(save_raster(raster, folder / f"{number}.npz"))
            total += size
        except InputError as problem:
            read.append(DecodedImage(name, None, reason=problem.what, remedy=problem.remedy))
    write_atomically(known, pickle.dumps(tuple(read)))
    return tuple(read)
