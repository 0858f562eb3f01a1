"""The fingerprint of a dataset as a file beside the dataset's own: it is computed once. No torch."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from explorer.files import write_atomically
from explorer.training.fingerprint import Fingerprint

_VERSION = 1  # of what a file says; fingerprints of another version are computed anew


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
