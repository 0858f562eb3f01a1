"""Images to predict for: uploaded, kept in the store over reloads, and decoded by workers.

They are uploads of their own, whose token is in the address. The session holds which files of the widget are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from explorer.errors import InputError
from explorer.jobs.registry import ReadImages
from explorer.runs.decoded_image import DecodedImage
from explorer.runs.image_reading import ImagesToRead
from explorer.runs.uploads import KeptFile, Side
from explorer.runs.usage import Sent, in_words
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.address import say_unknown
from explorer.ui.identity import visitor
from explorer.ui.locks import is_locked, require_unlocked, say_locked
from explorer.ui.messages import show_problem

_TOKEN = "images"  # in the address
_KEPT = "images-kept"  # in the session: the token
_TAKEN = "images-taken"  # by the id of a widget's file: the name that it is kept under
_REFUSED = "images-refused"  # why files of the last upload are not kept
_TURN = "images-turn"  # how often the widget was replaced by an empty one
_READ = "images-read"  # what was decoded, and of which files
_SIDE: Side = "images"


def pick_images(keep_fill: bool) -> Sequence[DecodedImage]:
    """An uploader whose files add up, and what is kept of earlier visits.

    Args:
        keep_fill: see ``ImagesToRead``.

    Returns:
        What was decoded, files that cannot be used among it; none while there is nothing.
    """
    token = _token()
    say_locked("upload")
    turn = st.session_state.get(_TURN, 0)
    key = f"predict-images-{turn}"
    listed = st.file_uploader(  # of any kind: what cannot be read is listed with the reason
        "Images to predict for",
        accept_multiple_files=True,
        key=key,
        disabled=is_locked("upload"),
        on_change=_changed,
        args=(key,),
        help="PNG, JPEG, TIFF or GeoTIFF with the bands of the run's images, or a zip of them, with the files that lie "
        f"beside them (.tfw, .prj, .aux.xml). At most {in_words(settings().max_file_bytes)} per file.",
    )
    st.session_state[f"{key}-listed"] = {file.file_id for file in listed}
    for problem in st.session_state.get(_REFUSED, ()):
        show_problem(problem)
    token = st.session_state.get(_KEPT, token)  # the first file has begun an upload
    kept = services.uploads().files(token) if token is not None else ()
    if token is None or not kept:
        return ()
    with st.container(horizontal=True, vertical_alignment="center"):
        size = in_words(sum({file.content: file.size for file in kept}.values()))
        st.caption(f"{size} kept for {settings().upload_days:g} days, also over a reload. Nobody else sees it.")
        st.button("Discard images", icon=":material/delete:", on_click=_discard, args=(token,))
    return _read(token, kept, keep_fill)


def _read(token: str, kept: Sequence[KeptFile], keep_fill: bool) -> Sequence[DecodedImage]:
    key = token, tuple(kept), keep_fill
    known: tuple[object, Sequence[DecodedImage]] | None = st.session_state.get(_READ)
    if known is not None and known[0] == key and all(image.file is None or image.file.exists() for image in known[1]):
        return known[1]
    files = {name: path.resolve() for name, path in services.uploads().kept_files(token, _SIDE).items()}
    folder: Path = services.uploads().decoded(token).resolve()
    with st.spinner("Reading the images …"):
        found = services.engine().ask(ReadImages(ImagesToRead(folder, files, keep_fill, settings())))
    st.session_state[_READ] = key, found
    return found


def _token() -> str | None:
    """The token of the upload: the address names it, else the session has it from an earlier visit."""
    uploads = services.uploads()
    asked = st.query_params.get(_TOKEN)
    if asked and not uploads.is_of(asked, visitor().id):
        days = f"{settings().upload_days:g} days"
        say_unknown([asked], "upload", f"it was discarded, nobody has added to it for {days}, or it is somebody else's")
        del st.query_params[_TOKEN]
        asked = None
    token = asked or st.session_state.get(_KEPT)
    if not token or not uploads.exists(token):
        st.session_state.pop(_KEPT, None)
        return None
    st.session_state[_KEPT] = st.query_params[_TOKEN] = token
    return str(token)


def _changed(key: str) -> None:
    """Keeps the files that have come to the widget's list, and throws away those that were taken off it."""
    uploads, files = services.uploads(), st.session_state.get(key) or []
    taken: dict[str, str] = st.session_state.setdefault(_TAKEN, {})
    st.session_state[_REFUSED] = []
    token = st.session_state.get(_KEPT)
    if token is not None and not uploads.exists(token):
        token = None
    for file_id in st.session_state.get(f"{key}-listed", set()) - {file.file_id for file in files}:
        name = taken.pop(file_id, None)
        if token is not None and name is not None and name not in taken.values():
            uploads.remove(token, _SIDE, name)
    new: list[UploadedFile] = [file for file in files if file.file_id not in taken]
    if not new:
        return
    try:
        require_unlocked("upload")
        if token is None:
            token = st.session_state[_KEPT] = uploads.begin(visitor().id)
        sent = [Sent(file.name, file.size, file.getvalue) for file in new]
        outcomes = services.store().usage.add_upload(uploads, token, _SIDE, sent, visitor().id)
    except InputError as problem:  # a callback: the page that shows it is drawn afterwards
        st.session_state[_REFUSED] = [problem]
        return
    for file, outcome in zip(new, outcomes, strict=True):
        if isinstance(outcome, InputError):
            st.session_state[_REFUSED].append(outcome)
        else:
            taken[file.file_id] = outcome
    st.query_params[_TOKEN] = token


def _discard(token: str) -> None:
    services.uploads().discard(token)
    for name in (_KEPT, _REFUSED, _TAKEN, _READ):
        st.session_state.pop(name, None)
    st.query_params.pop(_TOKEN, None)
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
