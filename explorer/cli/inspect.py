"""``inspect``: shows what is read from images and masks, and with which notes, without training."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from explorer.cli import imagery_options, parsing
from explorer.imagery.balance import class_balance
from explorer.imagery.notes import Note
from explorer.imagery.readings import Reading, SceneReport
from explorer.imagery.scene import IGNORE
from explorer.imagery.writing import write_label


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("inspect", help="show what is read from images and masks", description=__doc__)
    imagery_options.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--write-masks",
        type=Path,
        metavar="DIR",
        help="write each label as it is used, on its image's grid: class ids, 255 = ignore",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the table or the JSON; 0 with at least one usable scene, else 2."""
    reading = imagery_options.read_imagery(arguments)
    if arguments.write_masks is not None:
        for report in reading.reports:
            if report.scene is not None:
                write_label(arguments.write_masks, report.scene, reading.classes)
    if arguments.json:
        json.dump(as_json(reading), sys.stdout, indent=1, ensure_ascii=False)
        print()
    else:
        _print_table(reading)
    return 0 if any(report.scene is not None for report in reading.reports) else parsing.BAD_INPUT


def as_json(reading: Reading) -> dict[str, Any]:
    """What was read.

    ``{"scenes": [{"name", "image", "label", "status": "used" | "refused", "reason", "width", "height", "bands",
    "ignored_pixels", "classes": {NAME: {"pixels", "objects"}}, "notes": [{"code", "text"}]}], "classes": [NAMES,
    background first], "notes": [{"code", "text"}]}``. Fields without a value are null; the background has no objects.
    """
    skipped: list[dict[str, Any]] = [
        {"name": each.name, "image": None, "label": None, "status": "refused", "reason": each.reason, "width": None,
         "height": None, "bands": None, "ignored_pixels": None, "classes": {}, "notes": []}
        for each in reading.skipped
        if not each.expected
    ]  # fmt: skip
    return {
        "scenes": [_scene(report, reading.classes) for report in reading.reports] + skipped,
        "classes": list(reading.classes),
        "notes": _notes(reading.notes),
    }


def _scene(report: SceneReport, classes: tuple[str, ...]) -> dict[str, Any]:
    row, scene = report.row, report.scene
    raster = row.raster
    shares = () if scene is None else class_balance([scene], classes)
    return {
        "name": row.name,
        "image": row.pair.image,
        "label": row.pair.mask,
        "status": "refused" if scene is None else "used",
        "reason": report.reason or None,
        "width": None if raster is None else raster.valid.shape[1],
        "height": None if raster is None else raster.valid.shape[0],
        "bands": None if raster is None else len(raster.bands),
        "ignored_pixels": None if scene is None else int((scene.label == IGNORE).sum()),
        "classes": {share.name: {"pixels": share.pixels, "objects": share.objects} for share in shares},
        "notes": _notes(report.notes),
    }


def _notes(notes: tuple[Note, ...]) -> list[dict[str, str]]:
    return [{"code": note.code, "text": note.text} for note in notes]


def _print_table(reading: Reading) -> None:
    console = Console()
    table = Table("scene", "image", "label", "size", "classes: pixels (objects)", "notes or reason", show_lines=True)
    for each in as_json(reading)["scenes"]:
        counts = [
            f"{name}: {count['pixels']:,}" + ("" if count["objects"] is None else f" ({count['objects']})")
            for name, count in each["classes"].items()
        ]
        if each["ignored_pixels"]:
            counts.append(f"ignored: {each['ignored_pixels']:,}")
        size = "" if each["width"] is None else f"{each['width']}×{each['height']}×{each['bands']}"
        remarks = [f"{note['code']}: {note['text']}" for note in each["notes"]]
        if each["status"] == "refused":
            remarks.insert(0, f"refused: {each['reason']}")
        cells = (each["name"], each["image"] or "", each["label"] or "", size, "\n".join(counts), "\n".join(remarks))
        table.add_row(*(_plain(cell) for cell in cells))
    console.print(table)
    for note in reading.notes:
        console.print(_plain(f"{note.code}: {note.text}"), highlight=False)


def _plain(text: str) -> str:
    """A text without the brackets that rich reads as markup."""
    return text.replace("[", r"\[")
