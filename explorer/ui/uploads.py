"""Uploads: turns files into a dataset, once, and shows which of them were used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from explorer.errors import InputError
from explorer.figures.imagery import pairing_table
from explorer.imagery.datasets import Upload, dataset_from_files
from explorer.ui.messages import show_problem


def read_upload(images: Sequence[UploadedFile], masks: Sequence[UploadedFile]) -> Upload | InputError | None:
    """The result of reading the files: read once, and kept for the session."""
    ids = ",".join(file.file_id for file in (*images, *masks))
    if not ids:
        if "read" in st.session_state:
            kept, forget = st.columns([4, 1], vertical_alignment="center")
            kept.caption("These are the files you chose earlier. Choose others to replace them.")
            forget.button("Clear", on_click=st.session_state.pop, args=("read",), width="stretch")
    elif st.session_state.get("read-ids") != ids or "read" not in st.session_state:
        try:
            with st.spinner("Reading the files …"):
                result: Upload | InputError = dataset_from_files(
                    contents(images), contents(masks), name=name_of(images)
                )
        except InputError as problem:
            result = problem
        st.session_state["read-ids"], st.session_state["read"] = ids, result
    return st.session_state.get("read")


def name_of(images: Sequence[UploadedFile]) -> str:
    """The default name of the dataset: that of the only file."""
    return Path(images[0].name).stem if len(images) == 1 else "My imagery"


def contents(files: Sequence[UploadedFile]) -> Mapping[str, bytes]:
    """Bytes by name; a number is put before repeated names."""
    found: dict[str, bytes] = {}
    for file in files:
        name, count = file.name, 1
        while name in found:
            count += 1
            name = f"{count}/{file.name}"
        found[name] = file.getvalue()
    return found


def show_upload(upload: Upload) -> None:
    """The pairs, the unused files with the reason, and why there is no dataset, if there is none."""
    table = pairing_table(upload)
    unused = int((~table["used"]).sum())
    with st.expander(
        f"{len(table) - unused} of {len(table)} rows used" + (": see why" if unused else ""),
        expanded=unused > 0,
        icon=":material/link:",
    ):
        columns = {
            "used": st.column_config.CheckboxColumn(width=50),
            "image": st.column_config.TextColumn(width="medium"),
            "why not": st.column_config.TextColumn(width="large", help="Click a cell to read it in full."),
            "mask": st.column_config.TextColumn(width="medium"),
        }
        order = [name for name in columns if unused or name != "why not"]
        st.dataframe(table, hide_index=True, column_config=columns, column_order=order, placeholder="none")
    if upload.problem is not None:
        show_problem(upload.problem)
