"""Lesson files: YAML between two lines ``---``, then steps under ``## `` headings.

A step may begin with a fence ``yaml`` that names its experiment, guess, question and links; a line ``---`` in its text
separates what is shown at once from what is shown after the guess or the answer::

    ---
    title: A title
    goal: What is learned
    minutes: 5
    order: 8
    ---

    ## First step

    ```yaml
    experiment: {kind: all_background, share: 0.01}
    guess: {kind: choice, ask: "…?", options: [more, less], right: 1}
    ```

    Text of the step.

    ---

    What is said with the result.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from explorer.errors import InputError, explain_validation
from explorer.lessons.model import Lesson

LESSONS = Path(__file__).resolve().parents[2] / "assets" / "lessons"
"""One folder for each language, in it one file for each lesson."""

_HEADING = re.compile(r"^## +(.+?) *$")
_RULE = "---"
_STEP_FIELDS = ("experiment", "guess", "question", "links")


@dataclass(frozen=True)
class BrokenLesson:
    """A file that is no lesson, and why: a page shows it in the lesson's place."""

    slug: str
    problem: InputError


def languages(folder: Path = LESSONS) -> tuple[str, ...]:
    """The languages that have lessons, English first."""
    found = sorted(each.name for each in folder.iterdir() if each.is_dir() and any(each.glob("*.md")))
    return tuple(sorted(found, key=lambda name: name != "en"))


def lessons(language: str, folder: Path = LESSONS) -> tuple[Lesson | BrokenLesson, ...]:
    """All lessons of a language in their order; broken ones last.

    Args:
        language: one of ``languages``.
        folder: of all languages.
    """
    files = sorted((folder / language).glob("*.md"))
    found = [_read_kept(file, file.stat().st_mtime_ns if file.exists() else 0) for file in files]
    whole = sorted((each for each in found if isinstance(each, Lesson)), key=lambda each: (each.order, each.slug))
    return (*whole, *(each for each in found if isinstance(each, BrokenLesson)))


@lru_cache(maxsize=256)
def _read_kept(file: Path, _written: int) -> Lesson | BrokenLesson:
    """A lesson, read once for each state of its file."""
    try:
        return read_lesson(file)
    except InputError as problem:
        return BrokenLesson(file.stem, problem)


def read_lesson(file: Path) -> Lesson:
    """A lesson from its file.

    Raises:
        InputError: names the file, the line or field, and what is expected there.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", _place(file), "save it as UTF-8 text") from None
    if not lines or lines[0].strip() != _RULE or _RULE not in (line.strip() for line in lines[1:]):
        remedy = "begin the file with a line ---, the fields title, goal, minutes and order, and a line ---"
        raise InputError("has no front matter", f"{_place(file)}, line 1", remedy)
    end = next(number for number, line in enumerate(lines) if number and line.strip() == _RULE)
    fields = _mapping("\n".join(lines[1:end]), file, 1)
    steps = [_step(file, *part) for part in _sections(file, lines, end + 1)]
    given = fields | {"slug": file.stem, "language": file.parent.name, "steps": steps}
    try:
        return Lesson.model_validate(given)
    except ValidationError as error:
        what, where = explain_validation(error)
        number = re.match(r"steps\[(\d+)\]", where)
        in_step = f' (step {int(number[1]) + 1}, "{steps[int(number[1])]["title"]}")' if number else ""
        raise InputError(f"{what}{in_step}", f"{_place(file)}, field {where or 'of the lesson'}",
                         "correct the field; CONTRIBUTING.md describes all of them") from None  # fmt: skip


def _sections(file: Path, lines: list[str], start: int) -> list[tuple[str, list[str], int]]:
    """Title, lines and the number of the first line (from 0) of each step."""
    found: list[tuple[str, list[str], int]] = []
    fenced = False
    for number, line in enumerate(lines[start:], start):
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else _HEADING.match(line)
        if heading is not None:
            found.append((heading[1], [], number + 1))
        elif found:
            found[-1][1].append(line)
        elif line.strip():
            raise InputError("text before the first step", f"{_place(file)}, line {number + 1}",
                             "put a heading that begins with ## above it")  # fmt: skip
    return found


def _step(file: Path, title: str, lines: list[str], start: int) -> dict[str, Any]:
    """The fields of a step."""
    first = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    fields: dict[str, Any] = {}
    if first < len(lines) and lines[first].strip() == "```yaml":
        end = next((i for i in range(first + 1, len(lines)) if lines[i].strip() == "```"), None)
        if end is None:
            raise InputError("a fence is not closed", f"{_place(file)}, line {start + first + 1}", "end it with ```")
        fields = _mapping("\n".join(lines[first + 1 : end]), file, start + first + 1)
        for name in fields:
            if name not in _STEP_FIELDS:
                at = next((i for i in range(first, end) if lines[i].strip("\"' ").startswith(name)), first + 1)
                raise InputError(f"{name!r} is no field of a step", f"{_place(file)}, line {start + at + 1}",
                                 f"take {', '.join(_STEP_FIELDS)}")  # fmt: skip
        lines = lines[end + 1 :]
    at = next((i for i, line in enumerate(lines) if line.strip() == _RULE), len(lines))
    text, after = ("\n".join(part).strip() for part in (lines[:at], lines[at + 1 :]))
    return {"title": title, "text": text, "after": after} | fields


def _mapping(text: str, file: Path, before: int) -> dict[str, Any]:
    """Fields in YAML.

    Args:
        text: the YAML.
        file: that it stands in.
        before: lines of the file before it.
    """
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: the 30th of February
        mark = getattr(error, "problem_mark", None)
        line = before + 1 + (mark.line if mark is not None else 0)
        what = getattr(error, "problem", None) or error
        raise InputError(f"not YAML: {what}", f"{_place(file)}, line {line}",
                         "put texts with a colon or a #, and dates, in quotation marks") from None  # fmt: skip
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise InputError("no fields", f"{_place(file)}, line {before + 1}", "write one field a line: name: value")
    return found


def _place(file: Path) -> str:
    """The file as a teacher names it: its folder, which is the language, and its name."""
    return f"{file.parent.name}/{file.name}"
