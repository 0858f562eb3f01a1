"""Names of predictions, and where they are kept. No array library: the registry of jobs needs it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Literal

PredictionFile = Literal["mask", "geopackage", "geojson"]
"""What a prediction can be packed as: class ids as GeoTIFF, or objects as vectors."""

FOLDER = "predictions"
"""In a run's folder."""

_NAME = re.compile(r"[0-9a-f]{24}")


def prediction_name(*of: object) -> str:
    """The same for the same image, checkpoint, settings and visitor. A visitor's id is secret: nobody can guess it.

    Args:
        of: all that the prediction depends on, and whose it is.
    """
    return hashlib.blake2b(repr(of).encode(), digest_size=12).hexdigest()


def prediction_file(run: Path, name: str) -> Path:
    """Where a prediction is kept.

    Args:
        run: folder of the run.
        name: see ``prediction_name``.

    Raises:
        ValueError: it is no name.
    """
    return run / relative_file(name)


def run_of(file: Path) -> str:
    """The id of the run in whose folder a prediction is kept."""
    return file.parent.parent.name


def relative_file(name: str) -> str:
    """Likewise, relative to the run's folder, as jobs are listed."""
    if not is_name(name):
        raise ValueError(f"{name!r} names no prediction")
    return f"{FOLDER}/{name}.npz"


def name_of(file: str) -> str | None:
    """The name of the prediction in a file, relative to the run's folder; None: it is another file."""
    path = Path(file)
    return path.stem if str(path.parent) == FOLDER and is_name(path.stem) else None


def is_name(text: str) -> bool:
    """Whether a text can be the name of a prediction."""
    return _NAME.fullmatch(text) is not None
