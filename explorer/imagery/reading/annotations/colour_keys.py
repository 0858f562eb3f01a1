"""Files that say which class each colour of raster masks is: labelmap.txt (VOC, CVAT), class_dict.csv, CamVid.

Example of a labelmap.txt::

    # label:color_rgb:parts:actions
    background:0,0,0::
    ship:128,0,0::
"""

from __future__ import annotations

import re

from explorer.errors import InputError
from explorer.imagery.reading.mask_values import VOID_COLOURS
from explorer.imagery.reading.names import escaped
from explorer.imagery.reading.roles import IGNORE_NAME
from explorer.imagery.scene import BACKGROUND

_NAMES = {"background": BACKGROUND, "void": IGNORE_NAME, "ignore": IGNORE_NAME, "ignored": IGNORE_NAME}
_RED, _GREEN, _BLUE = (rf"(?P<{band}>\d{{1,3}})" for band in ("red", "green", "blue"))
_LINES = (
    re.compile(rf"(?P<name>[^:]+):\s*{_RED}\s*,\s*{_GREEN}\s*,\s*{_BLUE}\s*(?::[^:]*){{0,2}}"),  # labelmap.txt
    re.compile(rf"(?P<name>[^,]+),\s*{_RED}\s*,\s*{_GREEN}\s*,\s*{_BLUE}"),  # class_dict.csv
    re.compile(rf"{_RED}\s+{_GREEN}\s+{_BLUE}\s+(?P<name>[A-Za-z_].*)"),  # label_colors.txt of CamVid
)
_WITHOUT_COLOUR = re.compile(r"[^:]+::[^:]*:[^:]*")
_HEADER = re.compile(r"(#.*|name\s*,\s*r\s*,\s*g\s*,\s*b)?", re.IGNORECASE)
_LONGEST = 65536  # bytes


def is_colour_key(data: bytes, name: str) -> bool:
    """Whether a file is a list of classes with their colours."""
    lines = _content(data)
    return any(map(_match, lines)) and any(
        all(pattern.fullmatch(line) or _WITHOUT_COLOUR.fullmatch(line) for line in lines) for pattern in _LINES
    )


def read_labelmap(data: bytes, name: str) -> dict[tuple[int, int, int], str]:
    """The class of each colour (red, green, blue), in the order of the file.

    "background" becomes ``BACKGROUND``; "void", "ignore" and "ignored" become ``IGNORE_NAME``. The colours of VOC's
    borders are ignored unless the file names them.

    Raises:
        InputError: a line is not a class and its colour, or two classes have one colour.
    """
    colours: dict[tuple[int, int, int], str] = {}
    for line in _content(data):
        found = _match(line)
        if found is None and _WITHOUT_COLOUR.fullmatch(line):
            continue
        if found is None:
            raise InputError(f"{line[:60]!r} is not a class and its colour", name, 'write lines like "ship:128,0,0::"')
        red, green, blue = (int(found[band]) for band in ("red", "green", "blue"))
        label = escaped(found["name"].strip().strip('"'))
        label = _NAMES.get(label.casefold(), label)
        if max(red, green, blue) > 255:
            raise InputError(f"{label} has the colour {red},{green},{blue}", name, "use numbers from 0 to 255")
        if colours.setdefault((red, green, blue), label) != label:
            raise InputError(
                f"{colours[red, green, blue]} and {label} have one colour", name, "give each class its own colour"
            )
    if not colours:
        raise InputError("names no colour", name, 'write lines like "ship:128,0,0::"')
    return colours | {void: IGNORE_NAME for void in VOID_COLOURS if void not in colours}


def _match(line: str) -> re.Match[str] | None:
    return next((match for match in (pattern.fullmatch(line) for pattern in _LINES) if match), None)


def _content(data: bytes) -> list[str]:
    """Lines without comments, a header and empty ones; none if the file is not a short text."""
    if len(data) > _LONGEST or b"\0" in data:
        return []
    lines = data.decode("utf-8-sig", "replace").splitlines()
    return [line.strip() for line in lines if not _HEADER.fullmatch(line.strip())]
