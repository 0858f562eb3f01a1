"""What the tests of confined processes have done there: reading many uploads, and misbehaving."""

from __future__ import annotations

import os
import signal
import time

import numpy as np

from explorer.errors import InputError
from explorer.imagery.datasets import label_scenes, read_files
from explorer.jobs.confinement import Watch
from explorer.settings import Settings
from tests.imagery.reading.hostile_files import Upload


def read(upload: Upload, watch: Watch) -> str:
    """What an upload leads to, in words."""
    try:
        reading = label_scenes(read_files(upload, limits=Settings(), watch=watch), "upload")
    except InputError as problem:
        return str(problem)
    told = [*(note.text for note in reading.notes), *(report.reason for report in reading.reports), *reading.classes]
    return "\n".join([str(reading.problem or "a dataset"), *told])


def read_all(uploads: list[tuple[str, Upload]], watch: Watch) -> list[tuple[str, str]]:
    """What each upload leads to; anything but an input error is a failure, and begins with "!"."""
    outcomes = []
    for what, upload in uploads:
        try:
            outcomes.append((what, read(upload, lambda _, what=what: watch(what))))
        except Exception as error:
            outcomes.append((what, f"! {type(error).__name__}: {error}"[:300]))
    return outcomes


def misbehave(how: str, watch: Watch) -> str:
    """Fails while it reads "b.tif"."""
    watch("a.tif")
    watch("b.tif")
    match how:
        case "memory":
            return str(np.ones(1 << 30, np.uint8).sum())
        case "hang":
            time.sleep(600)
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
        case "error":
            raise KeyError("b")
        case "refuse":
            raise InputError("no image", "b.tif", "save it again")
    return how
