"""A table of cases for ``inspect``: what lies on disk, what was chosen, and what must be read from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.__main__ import main
from explorer.imagery.notes import NOTE_CODES
from tests.imagery.encoders import geotiff, photo, png

HEIGHT, WIDTH = 40, 50
PLACES = ((5, 6), (20, 30))
"""Row and column of the two objects that most masks hold: squares of 5 px, 50 pixels together."""

PLAIN = {"background": 1950, "object": (50, 2)}
"""What is counted in such a mask."""

Files = Mapping[str, bytes | str]


@dataclass(frozen=True)
class Row:
    """What must be said of one scene.

    Attributes:
        classes: pixels of the background; pixels and objects of every other class.
        ignored: pixels.
        codes: of its notes, all of them.
        refused: a part of the reason; empty if the scene is used.
        said: parts of its notes.
        size: width, height and bands; not compared if empty.
    """

    classes: Mapping[str, int | tuple[int, int]] = field(default_factory=lambda: PLAIN)
    ignored: int = 0
    codes: tuple[str, ...] = ()
    refused: str = ""
    said: tuple[str, ...] = ()
    size: tuple[int, ...] = ()


@dataclass(frozen=True)
class Case:
    """Input and result of one call.

    Attributes:
        title: a sentence.
        files: makes the files by name; a name with the folder "masks" is given as a mask.
        scenes: by name; all scenes.
        options: of the command line, "{root}" is the folder of all files.
        classes: names, background first.
        codes: of the notes on the set, all of them.
        images, masks: what is given as ``--images`` and ``--masks``, below the folder of all files; without masks if
            there is no such file or folder.
        code: of the exit.
    """

    title: str
    files: Callable[[], Files]
    scenes: Mapping[str, Row]
    options: tuple[str, ...] = ()
    classes: tuple[str, ...] = ("background", "object")
    codes: tuple[str, ...] = ()
    images: str = "images"
    masks: str = "masks"
    code: int = 0


def table(*cases: Case) -> pytest.MarkDecorator:
    """The cases as parameters of a test."""
    assert len({case.title for case in cases}) == len(cases)
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.title) for case in cases])


def check(case: Case, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Writes the files, runs the command, and compares all that it says."""
    write(root, case.files())
    code, found = inspect(root, capsys, *case.options, images=case.images, masks=case.masks)
    rows = {scene["name"]: scene for scene in found["scenes"]}
    seen = {name: _seen(scene) for name, scene in rows.items()}
    assert seen == {name: _expected(row, rows.get(name)) for name, row in case.scenes.items()}
    assert tuple(found["classes"]) == case.classes
    assert sorted(note["code"] for note in found["notes"]) == sorted(case.codes), found["notes"]
    assert code == case.code


def write(root: Path, files: Files) -> None:
    """Writes files below a folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def inspect(
    root: Path, capsys: pytest.CaptureFixture[str], *options: str, images: str = "images", masks: str = "masks"
) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of ``inspect``; the JSON has the form that is documented."""
    given = ["--masks", str(root / masks)] if masks and (root / masks).exists() else []
    chosen = [option.replace("{root}", str(root)) for option in options]
    code = main(["inspect", "--images", str(root / images), *given, *chosen, "--json"])
    found = json.loads(capsys.readouterr().out)
    check_form(found)
    return code, found


_SCENE = {"name": str, "image": (str, type(None)), "label": (str, type(None)), "status": str,
          "reason": (str, type(None)), "width": (int, type(None)), "height": (int, type(None)),
          "bands": (int, type(None)), "ignored_pixels": (int, type(None)), "classes": dict, "notes": list}  # fmt: skip


def check_form(found: dict[str, Any]) -> None:
    """The form of the JSON, and what must hold of all imagery."""
    assert list(found) == ["scenes", "classes", "notes"]
    notes = list(found["notes"])
    for scene in found["scenes"]:
        assert list(scene) == list(_SCENE)
        assert all(isinstance(scene[key], types) for key, types in _SCENE.items())
        assert scene["status"] in ("used", "refused")
        assert (scene["status"] == "refused") == bool(scene["reason"])
        notes += scene["notes"]
        if scene["status"] == "used":
            assert list(scene["classes"]) == found["classes"]
            pixels = sum(counts["pixels"] for counts in scene["classes"].values())
            assert pixels + scene["ignored_pixels"] == scene["width"] * scene["height"]
            assert all(set(counts) == {"pixels", "objects"} for counts in scene["classes"].values())
            assert scene["image"]
            assert scene["label"]
    for note in notes:
        assert set(note) == {"code", "text"}
        assert note["code"] in NOTE_CODES
        assert len(note["text"]) > 10


def squares(value=1, *, dtype="uint8", places=PLACES, size=5, height=HEIGHT, width=WIDTH, ground=0):
    """(H, W) with squares of a value, or of one value each."""
    index = np.full((height, width), ground, dtype)
    values = value if isinstance(value, (list, tuple)) else [value] * len(places)
    for (row, column), each in zip(places, values, strict=True):
        index[row : row + size, column : column + size] = each
    return index


def picture(seed=0, bands=3, dtype="uint8", height=HEIGHT, width=WIDTH):
    """(C, H, W) of noise between 20 and 200, which no reader takes for anything else."""
    return (photo(height, width, bands, "uint8", seed) * (180 / 255) + 20).astype(dtype)


def png_picture(seed=0, **options) -> bytes:
    """Noise as PNG."""
    return png(picture(seed, **options).transpose(1, 2, 0))


def pngs(*masks) -> Files:
    """Scenes a, b, c … as PNG: a picture and a mask each."""
    files: dict[str, bytes] = {}
    for number, mask in enumerate(masks):
        name, (height, width) = "abcdefgh"[number], mask.shape[:2]
        files[f"images/{name}.png"] = png_picture(number, height=height, width=width)
        files[f"masks/{name}.png"] = png(mask)
    return files


def pictures(*names: str, **options) -> dict[str, bytes]:
    """Images as GeoTIFF, all in one place."""
    return {f"images/{name}.tif": geotiff(picture(number), **options) for number, name in enumerate(names)}


def both(row: Row) -> dict[str, Row]:
    """The same of the scenes a and b."""
    return {"a": row, "b": row}


def _seen(scene: Mapping[str, Any]) -> dict[str, Any]:
    counts = {
        name: each["pixels"] if each["objects"] is None else (each["pixels"], each["objects"])
        for name, each in scene["classes"].items()
    }
    return {
        "classes": counts,
        "ignored": scene["ignored_pixels"] or 0,
        "codes": sorted(note["code"] for note in scene["notes"]),
        "refused": scene["reason"] or "",
        "said": " ".join(note["text"] for note in scene["notes"]),
        "size": (scene["width"], scene["height"], scene["bands"]),
    }


def _expected(row: Row, scene: Mapping[str, Any] | None) -> dict[str, Any]:
    """The row in the form of ``_seen``; parts of texts are taken from the scene where it holds them."""
    seen = {"said": "", "refused": "", "size": ()} if scene is None else _seen(scene)
    said = seen["said"] if all(part in seen["said"] for part in row.said) else row.said
    right = bool(row.refused) == bool(seen["refused"]) and row.refused in seen["refused"]
    return {
        "classes": {} if row.refused else dict(row.classes),
        "ignored": row.ignored,
        "codes": sorted(row.codes),
        "refused": seen["refused"] if right else row.refused,
        "said": said,
        "size": row.size or seen["size"],
    }
