"""The bytes of a file, and what kind of file they are. Kinds are told by content, never by the name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from explorer.errors import InputError
from explorer.settings import MEBI, Settings


class FileKind(StrEnum):
    """What a file holds."""

    PNG = "PNG"
    JPEG = "JPEG"
    TIFF = "TIFF"
    ZIP = "zip"
    GEOJSON = "GeoJSON"


_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", FileKind.PNG),
    (b"\xff\xd8\xff", FileKind.JPEG),
    (b"II*\0", FileKind.TIFF),
    (b"MM\0*", FileKind.TIFF),
    (b"II+\0", FileKind.TIFF),  # BigTIFF
    (b"MM\0+", FileKind.TIFF),
    (b"PK\x03\x04", FileKind.ZIP),
    (b"PK\x05\x06", FileKind.ZIP),  # a zip without members
)


def kind_of(data: bytes) -> FileKind | None:
    """The kind of a file, from its first bytes; None for all that is not read here."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    text = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return FileKind.GEOJSON if text.startswith(b"{") else None


def read_bytes(source: Path | bytes, name: str, limits: Settings) -> bytes:
    """The content of a file, within the size limit.

    Raises:
        InputError: the file is missing, cannot be read, is empty or too large.
    """
    too_large = InputError(
        f"larger than {limits.max_file_bytes / MEBI:g} MiB",
        name,
        "cut it into tiles or raise EXPLORER_MAX_FILE_BYTES",
    )
    if isinstance(source, Path):
        try:
            if source.stat().st_size > limits.max_file_bytes:
                raise too_large
            source = source.read_bytes()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", name, "check the path") from error
    if len(source) > limits.max_file_bytes:
        raise too_large
    if not source:
        raise InputError("the file is empty", name, "save or send it again")
    return source
