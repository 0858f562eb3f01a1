"""YOLO segmentation text: one file per image, with a class number and a polygon in each line.

Coordinates are shares of the image's width and height. Names come from a ``data.yaml`` (``names:`` as a list or by
number) or a ``classes.txt`` or ``obj.names`` with a name per line. An empty file says that nothing is on the image.

Example::

    0 0.10 0.10 0.20 0.10 0.20 0.20
    1 0.50 0.50 0.75 0.50 0.75 0.90 0.50 0.90
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from explorer.errors import InputError
from explorer.imagery.reading.annotations.drawing import MAX_CORNERS, Annotation, LeftOut, draw, ring_of
from explorer.imagery.reading.formats import read_bytes
from explorer.imagery.reading.label_format import LabelFormat, LabelRequest
from explorer.imagery.reading.masks import Mask
from explorer.imagery.reading.names import escaped
from explorer.settings import Settings

_BOX = 4  # numbers after the class: centre, width and height
_TOLERANCE = 0.01  # rounding beyond the edge of the image
_HEAD = 65536  # bytes that tell whether a file is of this format
_LINES_CHECKED = 20
_NOT_LABELS = frozenset({"classes", "labelmap", "label_colors", "train", "val", "valid", "test", "readme", "license"})
_LONGEST_LIST = 128 * 1024  # bytes of a file with class names


def read_yolo(data: bytes, name: str, request: LabelRequest) -> Mask:
    """Draws the polygons of one image; each line is an object.

    Raises:
        InputError: the file has boxes only, or a line is not a class and shares of the image.
    """
    height, width = request.raster.valid.shape
    names = class_names(request.companions, name, request.limits)
    left_out, annotations = LeftOut(), []
    for number, (class_id, values) in enumerate(_lines(data, name), start=1):
        which = f"line {number}"
        outside = next((value for value in values if not -_TOLERANCE <= value <= 1 + _TOLERANCE), None)
        if outside is not None:
            raise InputError(
                f"{which}: {outside:g} is not a share of the image from 0 to 1", name, "export YOLO segmentation"
            )
        if len(values) in (_BOX, _BOX + 1):  # the fifth is a confidence
            left_out.kinds["boxes"] += 1
            continue
        if len(values) % 2:
            raise InputError(f"{which}: {len(values)} coordinates; x and y must come in pairs", name, "export it again")
        shares = [min(1.0, max(0.0, value)) for value in values]
        points = [(x * width, y * height) for x, y in zip(shares[::2], shares[1::2], strict=True)]
        ring = ring_of(points, name, which)
        if ring is None:
            left_out.kinds["outlines with fewer than three corners"] += 1
        else:
            annotations.append(Annotation(names.get(class_id, f"class {class_id}"), (ring,)))
    if left_out.kinds["boxes"] and not annotations:
        raise InputError(
            "YOLO boxes: a class and a box in each line, no outlines",
            name,
            "export YOLO segmentation (a class and a polygon in each line)",
        )
    return draw(annotations, (height, width), names.values(), name, request.limits, left_out.notes(name))


def class_names(companions: Mapping[str, bytes | Path], label: str, limits: Settings) -> dict[int, str]:
    """Class names by number, from the file that lies nearest to a label; empty if there is none.

    Args:
        companions: all files that are neither image nor label.
        label: the label file.
        limits: on the size of a file.
    """
    folder = PurePosixPath(label).parts[:-1]

    def distance(name: str) -> tuple[int, bool, str]:
        parts = PurePosixPath(name).parts[:-1]
        common = sum(1 for a, b in zip(parts, folder, strict=False) if a == b)
        return len(folder) + len(parts) - 2 * common, not name.lower().endswith((".yaml", ".yml")), name

    for name in sorted(companions, key=distance):
        base = PurePosixPath(name).name.lower()
        if base.endswith((".yaml", ".yml")):
            found = _names_in_yaml(_text(companions[name], name, limits))
        elif base in ("classes.txt", "obj.names") or base.endswith(".names"):
            lines = (escaped(line.strip()) for line in _text(companions[name], name, limits).splitlines())
            found = dict(enumerate(line for line in lines if line))
        else:
            continue
        if found:
            return found
    return {}


def _text(source: bytes | Path, name: str, limits: Settings) -> str:
    try:
        data = read_bytes(source, name, limits)
    except InputError:
        return ""
    return data.decode("utf-8-sig", "replace") if len(data) <= _LONGEST_LIST else ""


@lru_cache(maxsize=4)  # one file serves every label of an upload
def _names_in_yaml(text: str) -> dict[int, str]:
    try:
        document: Any = yaml.load(text, Loader=yaml.BaseLoader)  # all values stay text: a class may be called "no"
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    names = document.get("names") if isinstance(document, dict) else None
    if isinstance(names, list):
        return {number: escaped(name.strip()) for number, name in enumerate(names) if _is_name(name)}
    if isinstance(names, dict):
        pairs = {number: name for number, name in names.items() if isinstance(number, str) and _is_name(name)}
        return {int(number): escaped(name.strip()) for number, name in sorted(pairs.items()) if _is_number(number)}
    return {}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 8


def _lines(data: bytes, name: str) -> Iterator[tuple[int, list[float]]]:
    """Class number and coordinates of each line that is not empty."""
    corners = 0
    for number, line in enumerate(data.decode("utf-8-sig", "replace").splitlines(), start=1):
        parsed = _parse(line)
        if parsed is None:
            raise InputError(f"line {number} is not a class number and coordinates", name, "correct or delete it")
        corners += len(parsed[1]) // 2
        if corners > MAX_CORNERS:
            raise InputError(f"more than {MAX_CORNERS:,} corners", name, "simplify the outlines")
        if parsed[1]:
            yield parsed


def _parse(line: str) -> tuple[int, list[float]] | None:
    """A line's class and at least four finite numbers; no numbers if it is empty; None if it is something else."""
    parts = line.split()
    if not parts:
        return 0, []
    if not _is_number(parts[0]) or len(parts) <= _BOX:
        return None
    try:
        values = [float(part) for part in parts[1:]]
    except ValueError:
        return None
    return (int(parts[0]), values) if all(map(math.isfinite, values)) else None


def _recognise(data: bytes, name: str) -> bool:
    path = PurePosixPath(name.lower())
    if not data.strip():
        return path.suffix == ".txt" and path.stem not in _NOT_LABELS
    if b"\0" in data[:4096]:
        return False
    lines = data[:_HEAD].decode("utf-8-sig", "replace").splitlines()
    if len(data) > _HEAD:  # the last line may be cut
        lines = lines[:-1] or [lines[0].rpartition(" ")[0]]
    lines = [line for line in lines[:_LINES_CHECKED] if line.strip()]
    return bool(lines) and all(_parse(line) is not None for line in lines)


YOLO = LabelFormat(
    name="YOLO segmentation",
    recognised_by="text with a class number and coordinates in each line; an empty .txt is a background image",
    reads="polygons, and class names from data.yaml, classes.txt or obj.names",
    limits="boxes are left out; a file of boxes only is refused",
    recognise=_recognise,
    read=read_yolo,
)
