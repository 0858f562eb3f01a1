"""Reads uploads. A worker takes the jobs; the files are opened by confined processes, and by nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any

from explorer.errors import InputError
from explorer.imagery.choices import Polygon
from explorer.jobs.confinement import ConfinedError, ConfinedProcesses, Confines
from explorer.jobs.registry import PlaceAreas, ReadImages, ReadUpload
from explorer.runs.decoded_image import DecodedImage
from explorer.runs.image_reading import ImagesToRead
from explorer.runs.upload_reading import UploadReading, UploadToRead

_MOST_REFUSED = 3  # files of an upload on which readers fail; each costs the time until then


@cache
def readers() -> ConfinedProcesses:
    """The processes in which uploads are read."""
    return ConfinedProcesses("explorer.runs.upload_reading")


def read_upload(job: ReadUpload) -> UploadReading:
    """Reads an upload; a file on which the reader fails is left out, with the reason.

    Raises:
        InputError: none of the files could be used, too many make the reader fail, or all of them need too much memory.
    """
    answer: UploadReading = _read("read_upload", job.upload, (), job.limit)
    return answer


def place_areas(job: PlaceAreas) -> dict[str, tuple[Polygon, ...]]:
    """Areas of interest from a vector file.

    Raises:
        InputError: it cannot be read, or lies on none of the scenes.
    """
    answer: dict[str, tuple[Polygon, ...]] = _read("place_areas", job.upload, (job.data, job.name), job.limit)
    return answer


def read_images(job: ReadImages) -> tuple[DecodedImage, ...]:
    """Decodes the images of an upload; a file on which the reader fails is listed with the reason.

    Raises:
        InputError: too many make the reader fail, or all of them need too much memory.
    """
    answer: tuple[DecodedImage, ...] = _read("read_images", job.upload, (), job.limit, ImagesToRead.__module__)
    return answer


def _read(
    function: str,
    upload: UploadToRead | ImagesToRead,
    more: tuple[object, ...],
    seconds: float,
    module: str | None = None,
) -> Any:
    limits = upload.limits
    mapped = 2 * limits.max_total_decoded_bytes + 2 * limits.max_decoded_bytes
    confines = Confines(limits.reading_memory, mapped, limits.reading_seconds, seconds)
    refused: dict[str, str] = {}
    while True:
        try:
            return readers().run(function, (upload, *more, refused), confines, module)
        except ConfinedError as failure:
            if failure.file in refused or len(refused) >= _MOST_REFUSED or not failure.file:
                remedy = "leave it out, or save it in another form" if failure.file else "upload fewer or smaller files"
                raise InputError(failure.what, failure.file or "upload", remedy) from None
            refused[failure.file] = failure.what
