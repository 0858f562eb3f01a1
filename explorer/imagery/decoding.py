"""Decodes a file by what its content says it is."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import InputError
from explorer.imagery.decoded import Decoded
from explorer.imagery.gdal import decode_with_gdal
from explorer.imagery.picture import decode_picture
from explorer.imagery.sources import FileKind, kind_of, read_bytes
from explorer.settings import Settings, settings

_IHDR_DEPTH, _IHDR_COLOUR = 24, 25  # offsets in a PNG of its bits per sample and its colour type
_PNG_GREY = 0


def decode(source: Path | bytes, name: str, limits: Settings | None = None) -> Decoded:
    """Decodes a PNG, JPEG or TIFF.

    Args:
        source: a path, or the file's content.
        name: what to call the file in messages.
        limits: size limits; those of the installation if not given.

    Raises:
        InputError: not such a file, unreadable, truncated, too large or with values that are not read.
    """
    limits = limits or settings()
    data = read_bytes(source, name, limits)
    kind = kind_of(data)
    if kind not in (FileKind.PNG, FileKind.JPEG, FileKind.TIFF):
        what = f"a {kind} file, not an image" if kind else "not a PNG, JPEG or TIFF file"
        raise InputError(what, name, "save the image as PNG or TIFF")
    decoder = decode_with_gdal if kind is FileKind.TIFF or _is_deep_colour(data, kind) else decode_picture
    try:
        return decoder(data, kind, name, limits)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError("does not fit into memory", name, "cut it into tiles") from error
    except Exception as error:  # broken files make the decoders raise nearly every type there is
        raise InputError(f"unreadable or truncated ({_one_line(error)})", name, "save or send it again") from error


def _is_deep_colour(data: bytes, kind: FileKind) -> bool:
    header = data[_IHDR_DEPTH : _IHDR_COLOUR + 1]
    return kind is FileKind.PNG and len(header) == 2 and header[0] == 16 and header[1] != _PNG_GREY


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
