"""What a run's slices are measured on, kept in one file beside the run, so that the dataset is not needed. No torch."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np

from explorer.errors import InputError
from explorer.files import write_whole
from explorer.landscape.crops import Crops, Place

MATERIAL_FILE = "landscape.npz"
"""Its name in a run's folder."""


@dataclass(frozen=True, eq=False)
class Material:
    """Validation crops and what goes with them."""

    crops: Crops
    classes: tuple[str, ...]  # names, background first
    class_weights: tuple[float, ...]  # of the weighted cross-entropy
    data: str  # fingerprint of the dataset

    def save(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        crops = self.crops
        about = {
            "classes": self.classes,
            "class_weights": self.class_weights,
            "data": self.data,
            "places": [asdict(place) for place in crops.places],
        }
        content = io.BytesIO()
        np.savez_compressed(
            content,
            images=crops.images,
            labels=crops.labels,
            ids=crops.ids,
            owners=crops.owners,
            about=np.array(json.dumps(about)),
        )
        write_whole(path, content.getvalue())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a file.

        Raises:
            InputError: it is not there or cannot be read.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                places = tuple(Place(**place) for place in about["places"])
                crops = Crops(file["images"], file["labels"], file["ids"], file["owners"], places)
        except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
            raise InputError(
                "the validation crops of this run are not there or cannot be read", str(path), "train it on, or anew"
            ) from None
        return cls(crops, tuple(about["classes"]), tuple(about["class_weights"]), about["data"])
