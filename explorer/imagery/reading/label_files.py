"""Which files of a set are labels, in which format, and which images they name."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.formats import read_bytes
from explorer.imagery.reading.label_format import LabelFormat, LabelRequest, UnsupportedFormat
from explorer.imagery.reading.labels import format_of, is_image, unsupported_format_of
from explorer.imagery.reading.masks import Mask
from explorer.settings import Settings

Files = Mapping[str, bytes | Path]
"""Contents or paths by name; names may have folders."""

_SIGNATURE = 64  # bytes that tell an image from other files


@dataclass(frozen=True)
class _Recognised:
    format: LabelFormat | None = None
    unsupported: UnsupportedFormat | None = None
    images: Collection[str] = ()  # that the file names


class LabelFiles:
    """Which files are labels, in which format, and which images they name. Each file is recognised once.

    Args:
        files: all that may be labels, and the images beside them.
        limits: on their sizes.
        refused: files that must not be opened, with the reason.
        watch: is told the name of each file before it is opened.
    """

    def __init__(
        self, files: Files, limits: Settings, refused: Mapping[str, str], watch: Callable[[str], None]
    ) -> None:
        self._files, self._limits = files, limits
        self._refused, self._watch = refused, watch
        self._image_stems = {PurePosixPath(name).stem for name in files if not name.lower().endswith(".json")}
        self._known: dict[str, _Recognised] = {}

    def is_label(self, name: str) -> bool:
        """Whether a file that is no image is a label, also one in a format that is not read."""
        found = self._recognised(name)
        return found.format is not None or found.unsupported is not None

    def images_of(self, name: str) -> Collection[str]:
        """The images that a label file names."""
        return self._recognised(name).images

    def lists_images(self, name: str) -> bool:
        """Whether a label file names its images; where it is for one alone, its own name counts first."""
        if name not in self._files or not self.images_of(name):
            return False
        return self.is_shared(name) or PurePosixPath(name).stem not in self._image_stems

    def is_shared(self, name: str) -> bool:
        """Whether one file of this format may label many images."""
        found = self._recognised(name).format
        return found is not None and found.shared

    def why_unread(self, name: str | None) -> str:
        """Why a file in a known format is not read, and what to do instead; "" if it may be read."""
        found = None if name is None else self._recognised(name).unsupported
        return "" if found is None else f"{name}: {found.name}, which is not read — {found.instead}"

    def unsupported(self, names: Collection[str]) -> list[Note]:
        """Notes on files in formats that are not read."""
        return [Note("format_unsupported", reason) for name in names if (reason := self.why_unread(name))]

    def open(self, name: str) -> None:
        """Says that a file is about to be opened.

        Raises:
            InputError: it is refused.
        """
        if name in self._refused:
            raise InputError(self._refused[name], name, "leave it out, or save it again")
        self._watch(name)

    def read(self, name: str, request: LabelRequest) -> Mask:
        """Reads a label on its own grid.

        Raises:
            InputError: the file cannot be read, or is no label.
        """
        self.open(name)
        data = read_bytes(self._files[name], name, self._limits, may_be_empty=True)
        found = format_of(data, name) if is_image(data) else self._recognised(name).format
        if found is None:
            remedy = "save it as PNG, TIFF or GeoJSON; see the list of formats"
            raise InputError("not a label that is read", name, remedy)
        return found.read(data, name, request)

    def _recognised(self, name: str) -> _Recognised:
        """What a file is that is no image."""
        if name not in self._known:
            data = None if name in self._refused or self._is_image(name) else self._data(name)
            self._known[name] = _Recognised() if data is None else _recognise(data, name)
        return self._known[name]

    def _is_image(self, name: str) -> bool:
        source = self._files.get(name, b"")
        try:
            with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
                return is_image(file.read(_SIGNATURE))
        except OSError:
            return False

    def _data(self, name: str) -> bytes | None:
        self._watch(name)
        try:
            return read_bytes(self._files[name], name, self._limits, may_be_empty=True)
        except (InputError, KeyError):
            return None


def _recognise(data: bytes, name: str) -> _Recognised:
    found = format_of(data, name)
    if found is None:
        return _Recognised(unsupported=unsupported_format_of(data, name))
    return _Recognised(found, images=() if found.images is None else found.images(data, name))
