"""Which image a prediction is for: one that was uploaded, a validation scene, or a scene of another dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from explorer.imagery.notes import Note
from explorer.imagery.scene import Raster, Scene
from explorer.runs.decoded_image import DecodedImage, load_raster
from explorer.runs.folder import DatasetReference
from explorer.runs.prediction import as_trained, misfits, raster_of, said_together
from explorer.runs.records import RunRecord
from explorer.ui import address, services
from explorer.ui.datasets import dataset_choices, resolve
from explorer.ui.image_uploads import pick_images
from explorer.ui.messages import escaped, without_options
from explorer.ui.unique_labels import unique_labels

UPLOAD, VALIDATION, OTHER = "Upload", "Validation scene", "Another dataset"
SOURCES = (UPLOAD, VALIDATION, OTHER)
_IMAGE, _DATA = "image", "data"  # in the address
_PROBLEM = "predict-problem"  # in the session: of which image the values were compared last, and what was found


@dataclass(frozen=True)
class Source:
    """An image to predict for.

    Attributes:
        name: of the image.
        file: of the decoded image, or of the dataset.
        scene: name of the scene in the dataset; None for a decoded image.
        content: tells it from other images of this name.
    """

    name: str
    file: Path
    scene: str | None
    content: str


def pick_source(record: RunRecord, reference: DatasetReference) -> Source | None:
    """Where the image comes from, and which one it is; None while there is none.

    Raises:
        InputError: the images cannot be read.
    """
    address.named("from", "source of images", SOURCES, UPLOAD)
    origin = st.segmented_control("Image from", SOURCES, default=UPLOAD, required=True, key="from", bind="query-params")
    if origin == UPLOAD:
        return _pick_upload(pick_images(reference.choices.keep_fill))
    if origin == VALIDATION:
        return _pick_scene(record.dataset_id, services.dataset(record.dataset_id).validation)
    choices = {choice: name for choice, name in dataset_choices().items() if choice != record.dataset_id}
    known = address.named(_DATA, "dataset", choices, "another one")
    shown = known or next(iter(choices))
    address.select("Dataset of the scene", list(choices), shown, choices.__getitem__, _taker(_DATA))
    dataset_id = resolve(shown)
    return _pick_scene(dataset_id, services.dataset(dataset_id).scenes)


def problem_of(source: Source, record: RunRecord, reference: DatasetReference) -> str | None:
    """Why the image is not of the kind that the run was trained on, as the job would say; None: it is.

    Raises:
        InputError: it has another number of bands than the run's.
    """
    key = source, record.id
    known: tuple[object, str | None] | None = st.session_state.get(_PROBLEM)
    if known is None or known[0] != key:
        raster, is_stretched = _raster(source)
        by_itself = reference.choices.stretch == "scene"  # then no value lies outside
        as_trained(raster, reference, is_stretched or by_itself)
        known = key, said_together(misfits(raster, reference, not by_itself)) or None
        st.session_state[_PROBLEM] = known
    return known[1]


def show_notes(notes: Sequence[Note]) -> None:
    """What the reader of an image did or suspects."""
    for note in notes:
        st.caption(f":material/info: {escaped(without_options(note.text))}")


def _raster(source: Source) -> tuple[Raster, bool]:
    """The image with its pixels on the disk, and whether it was stretched by its own percentiles."""
    if source.scene is None:
        return load_raster(source.file), False
    dataset = services.dataset(source.file.name.partition(".")[0])
    scene = next(each for each in dataset.scenes if each.name == source.scene)
    return raster_of(scene), dataset.choices.stretch == "scene"


def _pick_upload(images: Sequence[DecodedImage]) -> Source | None:
    for image in images:
        if image.file is None:
            said = f"{image.reason} — {image.remedy}" if image.remedy else image.reason
            st.warning(f"**{escaped(image.name)}** is left out: {escaped(said)}.", icon=":material/block:")
    usable = {image.name: image for image in images if image.file is not None}
    if not usable:
        if not images:
            st.info("Upload an image, or choose a validation scene for a quick look.", icon=":material/upload_file:")
        return None
    shown = _shown_image(list(usable))
    image = usable[shown]
    height, width = image.size
    bands = f"{len(image.bands)} band{'s' if len(image.bands) > 1 else ''}"
    place = "with a georeference" if image.crs else "without a georeference"
    st.caption(f"{width} × {height} pixels, {bands}, {image.data_type}, {place}.")
    show_notes(image.notes)
    assert image.file is not None
    return Source(image.name, image.file, None, image.file.parent.name)


def _pick_scene(dataset_id: str, scenes: Sequence[Scene]) -> Source:
    shown = _shown_image([scene.name for scene in scenes])
    return Source(shown, services.store().dataset_file(dataset_id), shown, dataset_id)


def _shown_image(names: Sequence[str]) -> str:
    """A selectbox of images; the address names the chosen one."""
    shown = address.named(_IMAGE, "image", names, names[0]) or names[0]
    labels = unique_labels({name: name for name in names})
    address.select("Image", names, shown, labels.__getitem__, _taker(_IMAGE))
    return shown


def _taker(parameter: str) -> Callable[[str], None]:
    def take(choice: str) -> None:
        st.query_params[parameter] = choice

    return take
