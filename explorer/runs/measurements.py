"""What has been measured of a dataset once, for all who plan runs on it: its fingerprint, and how long steps take.

The file lies beside the dataset's own. No torch: a page that has it can propose plans at once, for any preset and any
budget.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.files import write_atomically
from explorer.training.fingerprint import Fingerprint

_VERSION = 1  # of what a file says; files of another version are measured anew


class Measurement(BaseModel):
    """A dataset as plans see it, on one kind of device."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: Fingerprint
    step_seconds: dict[str, float]  # by kind of segmenter, of the plan that suits the dataset


def measurement_file(dataset: Path, device: str) -> Path:
    """Where the measurement of a dataset lies.

    >>> measurement_file(Path("datasets/4f2a.npz"), "cuda:1").name
    '4f2a.measured-1-cuda_1.json'

    Args:
        dataset: file of the dataset; its name is the hash of its content.
        device: as in ``Settings.device``.
    """
    return dataset.with_name(f"{dataset.stem}.measured-{_VERSION}-{re.sub(r'[^a-z0-9]', '_', device)}.json")


def read_measurement(file: Path) -> Measurement | None:
    """The measurement in a file; None if there is none that can be read."""
    try:
        return Measurement.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def save_measurement(measurement: Measurement, file: Path) -> None:
    """Writes a measurement."""
    write_atomically(file, measurement.model_dump_json(indent=1).encode())
