"""Reads an upload with the visitor's choices: the files once, and what their values mean again at each choice."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from explorer.errors import InputError
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.datasets import ReadFiles, Reading, label_scenes, read_files
from explorer.ui import services
from explorer.ui.uploads import Files

_CHOICES, _READ, _LABELLED = "reading-choices", "reading-files", "reading-labelled"  # in the session


def read_upload(files: Files) -> Reading | InputError:
    """What the files are with the choices made so far, or why none of them could be used."""
    chosen = choices(files)
    key = (files.key, version(chosen))
    labelled: tuple[object, Reading] | None = st.session_state.get(_LABELLED)
    if labelled is None or labelled[0] != key:
        try:
            with st.spinner("Reading the files …"):
                labelled = key, label_scenes(_read(files, chosen), files.name, chosen)
        except InputError as problem:
            return problem
    reading = labelled[1]
    if reading.choices != chosen:
        dataset = reading.dataset and replace(reading.dataset, choices=chosen)
        reading = replace(reading, choices=chosen, dataset=dataset)
    st.session_state[_LABELLED] = key, reading
    return reading


def version(chosen: ReadingChoices) -> str:
    """Changes with every choice that the dataset depends on; colours are for the screen only."""
    return chosen.model_copy(update={"colours": {}}).model_dump_json()


def labels_version(chosen: ReadingChoices) -> str:
    """Changes with every choice that the labels depend on."""
    return version(chosen.model_copy(update={"minimum_area": None, "match_rule": None}))


def read_rows(files: Files) -> ReadFiles:
    """The images and masks behind ``read_upload``, decoded."""
    return _read(files, choices(files))


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


def _read(files: Files, chosen: ReadingChoices) -> ReadFiles:
    key = (files.key, chosen.for_files())
    kept: tuple[object, ReadFiles] | None = st.session_state.get(_READ)
    if kept is None or kept[0] != key:
        kept = st.session_state[_READ] = key, read_files(files.images, files.masks or None, chosen)
    return kept[1]
