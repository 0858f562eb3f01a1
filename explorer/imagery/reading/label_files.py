"""Which files of a set are labels, in which format, and which images they name."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.formats import read_bytes
from explorer.imagery.reading.labels import format_of, is_image, unsupported_format_of
from explorer.settings import Settings

Files = Mapping[str, bytes | Path]
"""Contents or paths by name; names may have folders."""

_SIGNATURE = 64  # bytes that tell an image from other files


class LabelFiles:
    """Which files are labels, in which format, and which images they name."""

    def __init__(self, files: Files, limits: Settings) -> None:
        self._files, self._limits = files, limits
        self._image_stems = {PurePosixPath(name).stem for name in files if not name.lower().endswith(".json")}
        self._listed: dict[str, Collection[str] | None] = {}

    def is_label(self, name: str) -> bool:
        """Whether a file that is no image is a label, also one in a format that is not read."""
        data = None if self._is_image(name) else self._data(name)
        if data is None:
            return False
        return format_of(data, name) is not None or unsupported_format_of(data, name) is not None

    def images_of(self, name: str) -> Collection[str]:
        """The images that a label file names."""
        if name not in self._listed:
            data = None if self._is_image(name) else self._data(name)
            found = None if data is None else format_of(data, name)
            self._listed[name] = None if found is None or found.images is None else found.images(data or b"", name)
        return self._listed[name] or ()

    def lists_images(self, name: str) -> bool:
        """Whether a label file names its images; where it is for one alone, its own name counts first."""
        if name not in self._files or not self.images_of(name):
            return False
        return self.is_shared(name) or PurePosixPath(name).stem not in self._image_stems

    def is_shared(self, name: str) -> bool:
        """Whether one file of this format may label many images."""
        data = None if self._is_image(name) else self._data(name)
        found = None if data is None else format_of(data, name)
        return found is not None and found.shared

    def why_unread(self, name: str | None) -> str:
        """Why a file in a known format is not read, and what to do instead; "" if it may be read."""
        data = None if name is None or self._is_image(name) else self._data(name)
        if name is None or data is None or format_of(data, name) is not None:
            return ""
        found = unsupported_format_of(data, name)
        return "" if found is None else f"{name}: {found.name}, which is not read — {found.instead}"

    def unsupported(self, names: Collection[str]) -> list[Note]:
        """Notes on files in formats that are not read."""
        return [Note("format_unsupported", reason) for name in names if (reason := self.why_unread(name))]

    def _is_image(self, name: str) -> bool:
        source = self._files.get(name, b"")
        try:
            with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
                return is_image(file.read(_SIGNATURE))
        except OSError:
            return False

    def _data(self, name: str) -> bytes | None:
        try:
            return read_bytes(self._files[name], name, self._limits, may_be_empty=True)
        except (InputError, KeyError):
            return None
