"""A prediction for one image: what a run's segmenter makes of it, kept so that any threshold can be tried. No torch.

The file holds the probabilities in whole thousandths, rounded down, the lines along which objects that touch come
apart, and a picture of the image: neither the segmenter nor the image is needed again. Arrays are stored as they are,
so that a server maps them and reads what it looks at.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.errors import InputError
from explorer.files import atomic_file
from explorer.imagery.archive import MappedArrays
from explorer.imagery.bands import telling_names
from explorer.imagery.ground import pixel_side
from explorer.imagery.notes import Note
from explorer.imagery.pictures import Picture
from explorer.imagery.scene import IGNORE, GeoReference, Raster, Scene
from explorer.imagery.stretch import outside_stretch, stretch_scene
from explorer.metrics.class_map import classes_of_thousandths
from explorer.metrics.splitting_predictions import ObjectCut, without_specks
from explorer.runs.folder import DatasetReference

_HALF = (0.5,)
_OTHER_SIZE = 1.5  # of pixels on the ground, as a factor


class PredictionMeta(BaseModel):
    """What a prediction is of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str  # its name
    classes: tuple[str, ...]
    checkpoint: str
    flips: bool
    step: int  # every so many-th row and column of the image is in the picture
    crs: str | None = None
    transform: tuple[float, float, float, float, float, float] | None = None
    notes: tuple[Note, ...] = ()  # of whoever read the image
    diameters: tuple[float, ...] = ()  # of typical objects of class 1, 2, …, in pixels; 0 or none: not known


@dataclass(frozen=True, eq=False)
class Prediction:
    """Probabilities of one image, before any threshold.

    Attributes:
        meta: what it is of.
        values: (K − 1, H, W), probabilities of the classes 1, 2, … in 1/STEPS, rounded down.
        valid: (H, W), False where the image has no data.
        lines: (K − 1, H, W), where pixels must become background so that objects that touch come apart; no class is
            there, (0, H, W), where the size of objects is not known or no split was asked for.
        most_probable: (H, W), the most probable class; None with two classes, where ½ says it.
        picture: (h, w, 3), every ``meta.step``-th row and column of the image as the segmenter sees it.
    """

    meta: PredictionMeta
    values: NDArray[np.uint16]
    valid: NDArray[np.bool_]
    lines: NDArray[np.bool_]
    most_probable: NDArray[np.uint8] | None
    picture: Picture

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        return self.valid.shape[0], self.valid.shape[1]

    @property
    def georeference(self) -> GeoReference | None:
        """Of the image."""
        return GeoReference(self.meta.crs, self.meta.transform) if self.meta.transform else None

    def mask(self, thresholds: Sequence[float] | None, cuts: Sequence[ObjectCut] = ()) -> NDArray[np.uint8]:
        """The class of each pixel (H, W), ``IGNORE`` where the image has no data.

        The 8-connected components of a class are its objects, as ``evaluate`` counts them.

        Args:
            thresholds: of class 1, 2, …; None: ½, or the most probable of three or more classes.
            cuts: how the objects of class 1, 2, … are cut out; none: they are taken as they are. Neighbours come apart
                where ``lines`` are there.
        """
        if thresholds is None and self.most_probable is not None:
            classes = np.array(self.most_probable)
        else:
            classes = classes_of_thousandths(self.values, thresholds or _HALF)
        for class_id, cut in enumerate(cuts, start=1):
            inside = classes == class_id
            kept = inside & ~self.lines[class_id - 1] if cut.diameter is not None and len(self.lines) else inside
            classes[inside & ~without_specks(kept, cut.smallest)] = 0
        classes[~self.valid] = IGNORE
        return classes

    def about(self, run: str, thresholds: Sequence[float] | None, cuts: Sequence[ObjectCut] = ()) -> dict[str, str]:
        """What a mask rests on, for the metadata of files: tags of a GeoTIFF, a table of a GeoPackage, …

        Args:
            run: its id, or the name of its folder.
            thresholds: as ``mask`` takes them.
            cuts: likewise.
        """
        names = self.meta.classes[1:]
        if thresholds is None and self.most_probable is not None:
            said = {"threshold": "none: each pixel has its most probable class"}
        else:
            said = {f"threshold_{k}": f"{value:g}" for k, value in enumerate(thresholds or _HALF, start=1)}
        for class_id, (name, cut) in enumerate(zip(names, cuts or (ObjectCut(),) * len(names), strict=True), start=1):
            is_split = cut.diameter is not None and len(self.lines) > 0
            said |= {f"class_{class_id}": name, f"split_{class_id}": "yes" if is_split else "no",
                     f"smallest_{class_id}": f"{cut.smallest} px"}  # fmt: skip
        notes = " ".join(note.text for note in self.meta.notes)
        return {
            "image": self.meta.image,
            "run": run,
            "checkpoint": self.meta.checkpoint,
            "flips": "yes" if self.meta.flips else "no",
            **said,
            **({"notes": notes} if notes else {}),
        }


def cuts_for(
    own: Sequence[ObjectCut], meta: PredictionMeta, split: bool | None, smallest: int | None
) -> tuple[ObjectCut, ...]:
    """How objects of class 1, 2, … are cut out of a prediction.

    Args:
        own: as the run chose; none: nothing was chosen, and predictions are taken as they are.
        meta: of the prediction.
        split: whether neighbours are separated, of all classes; None: as the run chose for each.
        smallest: pixels; smaller objects are dropped; None: as the run chose for each class.
    """
    count = len(meta.classes) - 1
    known = meta.diameters or (0.0,) * count
    return tuple(
        ObjectCut(cut.diameter if split is None else (diameter or None) if split else None, smallest or cut.smallest)
        for cut, diameter in zip(own or (ObjectCut(),) * count, known, strict=True)
    )


def save_prediction(prediction: Prediction, path: Path) -> None:
    """Writes the file whole or not at all."""
    arrays = {
        "values": prediction.values,
        "valid": prediction.valid,
        "lines": prediction.lines,
        "picture": prediction.picture,
        "meta": np.frombuffer(prediction.meta.model_dump_json().encode(), dtype=np.uint8),
    }
    if prediction.most_probable is not None:
        arrays["most_probable"] = prediction.most_probable
    path.parent.mkdir(exist_ok=True)
    with atomic_file(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_prediction(path: Path) -> Prediction:
    """Maps what ``save_prediction`` wrote; the arrays cannot be written to.

    Raises:
        InputError: the file is not there or cannot be read.
    """
    try:
        with path.open("rb") as file:
            arrays = MappedArrays(file)
            return Prediction(
                PredictionMeta.model_validate_json(arrays["meta"].tobytes()),
                arrays["values"],
                arrays["valid"],
                arrays["lines"],
                arrays["most_probable"] if "most_probable" in set(arrays) else None,
                arrays["picture"],
            )
    except (OSError, KeyError, ValueError, ValidationError, zipfile.BadZipFile) as error:
        raise InputError(f"cannot be read ({error})", "prediction", "predict again") from None


def raster_of(scene: Scene) -> Raster:
    """The image of a dataset's scene, to predict for: its label says nothing of where it has data."""
    valid = np.ones(scene.size, np.bool_) if scene.valid is None else scene.valid
    notes, ignored = scene.notes, (scene.label == IGNORE) & valid
    if ignored.any():
        text = (
            f"{ignored.mean():.1%} of the pixels are ignored in the scene's label; they are predicted like all others."
        )
        notes = (*notes, Note("ignored_predicted", text))
    return Raster(scene.name, scene.image, valid, scene.bands, scene.georeference, notes=notes)


def as_trained(raster: Raster, reference: DatasetReference, is_stretched: bool = False) -> Raster:
    """An image as those of a run were given to its segmenter, with a note if its pixels are of another size.

    Args:
        raster: as it was read.
        reference: what the run remembers of its dataset.
        is_stretched: it was stretched by its own percentiles already.

    Raises:
        InputError: it has another number of bands.
    """
    if len(raster.bands) != len(reference.bands):
        raise InputError(
            f"{len(raster.bands)} band(s), the run was trained on {len(reference.bands)}",
            raster.name,
            "use an image with the same bands as the run's",
        )
    size = _other_pixel_size(raster, reference)
    raster = raster if size is None else replace(raster, notes=(*raster.notes, size))
    if reference.choices.stretch == "scene" and not is_stretched:
        return replace(raster, image=stretch_scene(raster.image, raster.valid))
    return raster


def misfits(raster: Raster, reference: DatasetReference, with_values: bool = True) -> tuple[Note, ...]:
    """Why an image is not of the kind that the run was trained on, so that somebody must accept it; none: it is.

    Args:
        raster: stretched as those of the run were, see ``as_trained``.
        reference: what the run remembers of its dataset.
        with_values: also look whether its values lie outside the range of the run's.
    """
    outside = outside_stretch(raster.image, raster.valid, reference.stretch) if with_values else None
    values = (Note("values_outside_stretch", outside),) if outside else ()
    pairs = zip(telling_names(raster.bands), telling_names(reference.bands), strict=True)
    if all(own is None or other is None or own == other for own, other in pairs):
        return values
    text = f"its bands are {', '.join(raster.bands)}, the run was trained on {', '.join(reference.bands)}"
    return (Note("other_bands", text), *values)


def accepted(raster: Raster, problems: Sequence[Note]) -> Raster:
    """The image with the notes of what it is predicted for in spite of."""
    notes = (Note(problem.code, f"Predicted all the same, although {problem.text}.") for problem in problems)
    return replace(raster, notes=(*raster.notes, *notes))


def said_together(problems: Sequence[Note]) -> str:
    """What is wrong with an image, in one sentence."""
    return "; ".join(problem.text for problem in problems)


def _other_pixel_size(raster: Raster, reference: DatasetReference) -> Note | None:
    height, width = raster.valid.shape
    side, usual = pixel_side(raster.georeference, (height, width)), reference.pixel_side
    if side is None or usual is None or max(side / usual, usual / side) <= _OTHER_SIZE:
        return None
    text = (
        f"Its pixels measure {side:.3g} m on the ground, those of the run's images {usual:.3g} m: objects have "
        f"{usual / side:.2g} times the size in pixels that the run was trained on. Resample it, unless that is meant."
    )
    return Note("pixel_size_differs", text)
