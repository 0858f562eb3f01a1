"""What plans for a dataset rest on: its fingerprint, and how long a step takes now. No torch.

The fingerprint is a property of the dataset: it is computed once and kept in a file beside the dataset's own. How long
a step takes depends on what else the machine does, so that it is measured anew each time.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.files import write_atomically
from explorer.training.fingerprint import Fingerprint

_VERSION = 1  # of what a file says; fingerprints of another version are computed anew


class Measurement(BaseModel):
    """A dataset as plans see it, on a machine as it is now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: Fingerprint
    step_seconds: dict[str, float]  # by kind of segmenter, of the plan that suits the dataset


def fingerprint_file(dataset: Path) -> Path:
    """Where the fingerprint of a dataset lies.

    >>> fingerprint_file(Path("datasets/4f2a.npz")).name
    '4f2a.fingerprint-1.json'

    Args:
        dataset: file of the dataset; its name is the hash of its content.
    """
    return dataset.with_name(f"{dataset.stem}.fingerprint-{_VERSION}.json")


def read_fingerprint(file: Path) -> Fingerprint | None:
    """The fingerprint in a file; None if there is none that can be read."""
    try:
        return Fingerprint.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def save_fingerprint(fingerprint: Fingerprint, file: Path) -> None:
    """Writes a fingerprint."""
    write_atomically(file, fingerprint.model_dump_json(indent=1).encode())
