"""What the readers of annotation files share: parsed JSON, its members, and the names of images in it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from explorer.errors import InputError
from explorer.imagery.reading.label_format import LabelRequest
from explorer.imagery.reading.names import escaped

_BOM = b"\xef\xbb\xbf"
_LOCAL_FILE = re.compile(r"/data/local-files/?\?d=", re.IGNORECASE)
_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of an uploaded file
_LISTED = 5  # names in a message


@lru_cache(maxsize=4)
def json_document(data: bytes) -> Any:
    """The parsed content of a JSON file; None if it is not JSON. Readers must not change it: it is kept."""
    if not data[:64].removeprefix(_BOM).lstrip().startswith((b"{", b"[")):
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError, MemoryError):
        return None


def member_list(document: Any, key: str) -> list[dict[str, Any]]:
    """The objects in a member that is a list; anything else in it is skipped."""
    found = document.get(key) if isinstance(document, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def text_of(value: Any) -> str:
    """A name or an id as text: 7, 7.0 and "7" are the same; empty if it is neither text nor a number.

    Characters that must not be shown are written as escapes.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return escaped(str(value).strip()) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def whole_number(value: Any) -> int | None:
    """A positive size in pixels; None if the value is none."""
    try:
        number = int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number > 0 else None


def declared_size(sizes: Iterable[tuple[Any, Any]], request: LabelRequest) -> tuple[int, int]:
    """Height and width to which coordinates refer: the first that a file declares, or else the image's own."""
    numbers = ((whole_number(height), whole_number(width)) for height, width in sizes)
    shape = request.raster.valid.shape
    return next(((height, width) for height, width in numbers if height and width), (shape[0], shape[1]))


def image_name(reference: str) -> str:
    """The path in a reference to an image: without scheme, host, query and Label Studio's prefix of uploads.

    ``/data/upload/3/0a1b2c3d-port%201.png`` is ``port 1.png``; ``s3://bucket/set/port.png`` is ``set/port.png``.
    """
    path = "/".join(_path(reference))
    if "data/upload/" in reference.lower():
        return _UPLOAD_PREFIX.sub("", path.rsplit("/", 1)[-1])
    return path


class ImageNames:
    """The names of images in an annotation file, and how an image is found among them.

    Letter case, the form of accented letters and percent-encoding do not matter. Base names are compared first, then
    without the prefix that Label Studio puts before uploads, then without the extension. Among several that fit, the
    one decides that has more of the folders in common.
    """

    def __init__(self, names: Iterable[str]):
        self.names = tuple(dict.fromkeys(names))
        self._by_key: list[dict[str, list[str]]] = [{} for _ in _RULES]
        for name in self.names:
            parts = _parts(name)
            for rule, found in zip(_RULES, self._by_key, strict=True):
                found.setdefault(rule(parts[-1]), []).append(name)

    def find(self, image: str, label: str) -> str:
        """The name in the file that means an image.

        Args:
            image: the image's file.
            label: the annotation file, for messages.

        Raises:
            InputError: the image is not listed, or it could be one of several.
        """
        parts = _parts(image)
        for rule, found in zip(_RULES, self._by_key, strict=True):
            names = found.get(rule(parts[-1]), [])
            if not names:
                continue
            common = [_common_tail(parts, _parts(name)) for name in names]
            if common.count(max(common)) == 1:
                return names[common.index(max(common))]
            raise InputError(
                f"{image} could be any of {shortened(names)}", label, "keep the folders of the images, or rename them"
            )
        raise InputError(
            f"{PurePosixPath(image).name} is not listed in {PurePosixPath(label).name}; it lists "
            f"{shortened([image_name(name) for name in self.names]) or 'no images'}",
            label,
            "leave the image out, or rename it as the file lists it",
        )


def shortened(names: Iterable[str]) -> str:
    """Names for a message: the first few, and "…" if there are more."""
    listed = [name if len(name) <= 80 else f"…{name[-79:]}" for name in dict.fromkeys(names)]
    return ", ".join(map(escaped, listed[:_LISTED])) + (" …" if len(listed) > _LISTED else "")


def _path(reference: str) -> tuple[str, ...]:
    local = _LOCAL_FILE.split(reference, maxsplit=1)
    if len(local) == 2:
        reference = local[1].split("&")[0]
    elif "://" in reference:
        reference = reference.split("://", 1)[1].split("?")[0].split("#")[0].partition("/")[2]
    parts = unquote(reference).replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", ".", "..")) or ("",)


def _parts(name: str) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", part).casefold() for part in _path(name))


def _common_tail(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """Number of folders that two paths have in common, from the last one up."""
    folders = zip(reversed(first[:-1]), reversed(second[:-1]), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], folders))


def _without_prefix(name: str) -> str:
    return _UPLOAD_PREFIX.sub("", name)


def _stem(name: str) -> str:
    return PurePosixPath(name).stem or name


_RULES: tuple[Callable[[str], str], ...] = (
    lambda name: name,
    _without_prefix,
    _stem,
    lambda name: _stem(_without_prefix(name)),
)
