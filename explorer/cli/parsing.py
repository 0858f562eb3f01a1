"""Parsing that the commands share."""

from __future__ import annotations

import argparse
import csv
import math
import sys
from pathlib import Path
from typing import NoReturn

from explorer.errors import InputError
from explorer.training.plan import Plan
from explorer.training.presets import PRESETS

BAD_INPUT = 2
"""Exit code for input that the caller can correct."""


class Parser(argparse.ArgumentParser):
    """Reports an error in one line, without printing the usage first."""

    def error(self, message: str) -> NoReturn:
        """Ends with exit code 2."""
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def folder(text: str) -> Path:
    """An argument that names an existing folder."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return path


def positive(text: str) -> int:
    """An argument that is a whole number above zero."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above zero")
    return number


def natural(text: str) -> int:
    """An argument that is a whole number, zero or more."""
    return 0 if text == "0" else positive(text)


def seconds(text: str) -> float:
    """An argument that is a time in seconds, above zero."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above zero")
    return number


def plan_in_file(text: str) -> Plan:
    """The plan in a file.

    Raises:
        InputError: there is no such file, nor such a preset, or the file is no plan.
    """
    if not Path(text).is_file():
        raise InputError(
            "is neither a preset nor a file", f"--plan {text}", f"give a plan file or one of {', '.join(PRESETS)}"
        )
    return Plan.read(Path(text))


def report_problem(problem: InputError) -> int:
    """Prints one line on stderr and gives the exit code."""
    print(f"error: {' '.join(str(problem).split())}", file=sys.stderr)
    return BAD_INPUT


def listed(text: str) -> tuple[str, ...]:
    """The parts between commas; one that holds a comma is quoted, as in CSV."""
    try:
        parts = next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error as error:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is no list with commas: {error}") from None
    return tuple(part.strip() for part in parts if part.strip())
