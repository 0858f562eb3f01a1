"""Has an upload read with the visitor's choices: workers decode the files, the server opens none of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from explorer.errors import InputError
from explorer.imagery.archive import load_dataset
from explorer.imagery.choices import Polygon, ReadingChoices
from explorer.imagery.readings import Reading
from explorer.jobs.registry import PlaceAreas, ReadUpload
from explorer.runs.upload_reading import UploadReading, UploadToRead
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.kept_files import ask_for_files
from explorer.ui.uploads import Files

_CHOICES, _READ, _AREAS = "reading-choices", "reading-upload", "reading-areas"  # in the session


@dataclass(frozen=True, eq=False)
class _Kept:
    key: object
    reading: Reading
    of_files: UploadReading


def read_upload(files: Files) -> Reading | InputError:
    """What the files are with the choices made so far, or why none of them could be used."""
    chosen = choices(files)
    key = (files.key, version(chosen))
    kept: _Kept | None = st.session_state.get(_READ)
    if kept is None or kept.key != key:
        try:
            with st.spinner("Reading the files …"):
                found = ask_for_files(
                    ReadUpload(_to_read(files, chosen)), lambda found: [found.dataset] if found.dataset else []
                )
                dataset = None if found.dataset is None else load_dataset(found.dataset, mapped=True)
        except InputError as problem:
            return problem
        kept = _Kept(key, replace(found.reading, dataset=dataset), found)
    reading = kept.reading
    if reading.choices != chosen:
        dataset = reading.dataset and replace(reading.dataset, choices=chosen)
        reading = replace(reading, choices=chosen, dataset=dataset)
    st.session_state[_READ] = replace(kept, reading=reading)
    return reading


def version(chosen: ReadingChoices) -> str:
    """Changes with every choice that the dataset depends on; colours are for the screen only."""
    return chosen.model_copy(update={"colours": {}}).model_dump_json()


def labels_version(chosen: ReadingChoices) -> str:
    """Changes with every choice that the labels depend on."""
    return version(chosen.model_copy(update={"minimum_area": None, "match_rule": None}))


def shown_of_files() -> UploadReading:
    """Thumbnails and properties of the files that ``read_upload`` has read."""
    kept: _Kept = st.session_state[_READ]
    return kept.of_files


def areas_in(files: Files, data: bytes, name: str) -> dict[str, tuple[Polygon, ...]]:
    """The polygons of a vector file in the pixels of each scene.

    Raises:
        InputError: the file cannot be read, or its polygons lie on none of the scenes.
    """
    key = files.key, choices(files).for_files(), hash(data), name
    kept: tuple[object, dict[str, tuple[Polygon, ...]]] | None = st.session_state.get(_AREAS)
    if kept is None or kept[0] != key:
        found = services.engine().ask(PlaceAreas(_to_read(files, choices(files)), data, name))
        kept = st.session_state[_AREAS] = key, found
    return kept[1]


def choices(files: Files) -> ReadingChoices:
    """What the visitor has chosen about these files; kept with them, so that a reload changes nothing."""
    kept: tuple[str, ReadingChoices] | None = st.session_state.get(_CHOICES)
    token = _token(files)
    if kept is None or kept[0] != token:
        kept = st.session_state[_CHOICES] = token, services.uploads().choices(token)
    return kept[1]


def choose_reading(files: Files, chosen: ReadingChoices) -> None:
    """Makes these the choices; a callback of buttons and tables."""
    st.session_state[_CHOICES] = _token(files), chosen
    services.uploads().keep_choices(_token(files), chosen)


def forget_choices(files: Files) -> None:
    """Takes all choices back."""
    choose_reading(files, ReadingChoices())


def _token(files: Files) -> str:
    return files.key.partition(":")[0]


def _to_read(files: Files, chosen: ReadingChoices) -> UploadToRead:
    folder = services.uploads().decoded(_token(files)).resolve()
    images, masks = ({name: path.resolve() for name, path in side.items()} for side in (files.images, files.masks))
    return UploadToRead(folder, images, masks, files.name, chosen, settings())
