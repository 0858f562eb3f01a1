"""Uploads: files add up until they are used or discarded, also over reloads.

What is uploaded is kept in the store (see ``explorer.runs.uploads``), and the address has its token. The session holds
which files of the widgets have been kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import get_args

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from explorer.errors import InputError
from explorer.imagery.builtin import BUILTIN
from explorer.imagery.reading.layout import arrange
from explorer.runs.names import free_name
from explorer.runs.ownership import is_of
from explorer.runs.uploads import KeptFile, Side
from explorer.runs.usage import Sent
from explorer.settings import MEBI, settings
from explorer.ui import services
from explorer.ui.address import say_unknown
from explorer.ui.identity import visitor
from explorer.ui.locks import is_locked, require_unlocked, say_locked
from explorer.ui.messages import show_problem

_TOKEN = "upload"  # in the address
_FILES, _FOLDER = "Files or zips", "A folder"
_KEPT = "upload-kept"  # in the session: token of the upload that is shown
_USED = "upload-used"  # what was saved as a dataset, and is shown until other files come
_TAKEN = "upload-taken"  # by the id of a widget's file: its side, and the name that it is kept under
_REFUSED = "upload-refused"  # why files of the last upload are not kept
_TURN = "upload-turn"  # how often the widgets were replaced by empty ones
_LONGEST_NAME = 54  # of a dataset, without its number
_GENERAL_FOLDERS = {"image", "images", "img", "imgs", "data", "train", "training", "val", "valid", "validation", "test"}


@dataclass(frozen=True)
class Files:
    """What a visitor has uploaded."""

    images: Mapping[str, Path]  # by the name that they came with; masks may be among them
    masks: Mapping[str, Path]
    name: str  # for the dataset
    key: str  # changes with the files


def pick_files() -> Files | None:
    """Two uploaders, whose files add up, and what is kept of earlier uploads; None while there is nothing."""
    token = _token()
    say_locked("upload")
    whole = st.segmented_control(
        "What to upload",
        [_FILES, _FOLDER],
        default=_FILES,
        required=True,
        key="upload-way",
        label_visibility="collapsed",
    )
    left, right = st.columns(2)
    limit = f"At most {settings().max_file_bytes // MEBI} MiB per file, {settings().max_files} files."
    with left:
        listed = _uploader(
            "images",
            "Images, or a zip of images and masks" if whole == _FILES else "Folder of images, or of images and masks",
            f"PNG, JPEG, TIFF or GeoTIFF, 1 to 16 bands, with the files that belong to them. {limit}",
            whole == _FOLDER,
        )
    with right:
        listed |= _uploader(
            "masks",
            "Masks, if they are separate" if whole == _FILES else "Folder of masks, if they are separate",
            "One per image, with the same name: harbour.tif and harbour_mask.png. Or files of polygons or annotations: "
            f"GeoJSON, GeoPackage, Shapefile, KML, FlatGeobuf, COCO, YOLO, labelme, CVAT, Label Studio. {limit}",
            whole == _FOLDER,
        )
    for problem in st.session_state.get(_REFUSED, ()):
        show_problem(problem)
    used: Files | None = st.session_state.get(_USED)
    if used is not None:
        _show_used()
        return used
    token = st.session_state.get(_KEPT, token)  # the first file has begun an upload
    kept = services.uploads().files(token) if token is not None else ()
    if token is None or not kept:
        return None
    _show_kept(token, kept, listed)
    images, masks = (services.uploads().kept_files(token, side) for side in get_args(Side))
    key = ",".join(f"{file.side}/{file.name}/{file.content}" for file in kept)
    return Files(images, masks, name_of(images or masks, taken_names()), f"{token}:{hash(key)}")


def is_kept(files: Files) -> bool:
    """Whether the files are still there; not once they were used."""
    return services.uploads().exists(files.key.partition(":")[0])


def kept_bytes(files: Files) -> int:
    """What the files take, which are thrown away once they are used."""
    token = files.key.partition(":")[0]
    return sum(file.size for file in services.uploads().files(token)) if services.uploads().exists(token) else 0


def forget_used(files: Files) -> None:
    """Throws the files away that have become a dataset; the session shows what was read until others come."""
    services.uploads().discard(files.key.partition(":")[0])
    st.session_state[_USED] = files
    st.session_state.pop(_KEPT, None)
    st.query_params.pop(_TOKEN, None)


def taken_names() -> set[str]:
    """Names that a new dataset cannot have."""
    return {record.name for record in services.store().datasets() if is_of(record, visitor())} | {
        info.name for info in BUILTIN.values()
    }


def name_of(names: Iterable[str], taken: Iterable[str]) -> str:
    """The name of a dataset: that of its folder, its zip or its images, with a number where it is taken.

    Args:
        names: of the files, with their folders.
        taken: names of other datasets.
    """
    paths = [PurePosixPath(name.replace("\\", "/")) for name in names]
    zips = [path for path in paths if path.suffix.lower() == ".zip"]
    images = [PurePosixPath(name) for name in arrange([str(path) for path in paths], None, lambda _: True).images]
    folder = _common_folder(paths)
    first = zips or images or paths
    name = folder or (first[0].stem if first else "")
    more = f" and {len(images) - 1} more" if len(images) > 1 and not folder and not zips else ""
    name = " ".join("".join(each for each in name if each.isprintable()).split())
    return free_name((name[: _LONGEST_NAME - len(more)].strip() or "My imagery") + more, taken)


def _common_folder(paths: Sequence[PurePosixPath]) -> str:
    """The innermost folder that holds all files and does not merely say what they are; "" if there is none."""
    shared: list[str] = []
    for parts in zip(*(path.parent.parts for path in paths), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    own = [part for part in shared if part.lower() not in _GENERAL_FOLDERS and part not in (".", "..", "/")]
    return own[-1] if own else ""


def _token() -> str | None:
    """The token of the upload that is shown: the address names it, else the session has it from an earlier visit."""
    uploads = services.uploads()
    asked = st.query_params.get(_TOKEN)
    if asked and not uploads.is_of(asked, visitor().id):
        days = f"{settings().upload_days:g} days"
        say_unknown(
            [asked], "upload", f"it was used or discarded, nobody has added to it for {days}, or it is somebody else's"
        )
        del st.query_params[_TOKEN]
        asked = None
    token = asked or st.session_state.get(_KEPT)
    if not token or not uploads.exists(token):
        st.session_state.pop(_KEPT, None)
        return None
    if asked and asked != st.session_state.get(_KEPT):
        st.session_state.pop(_USED, None)
    st.session_state[_KEPT] = st.query_params[_TOKEN] = token
    return str(token)


def _uploader(side: Side, label: str, help_text: str, folder: bool) -> set[tuple[Side, str]]:
    """One uploader; gives side and name of the files that its own list shows."""
    turn = st.session_state.get(_TURN, 0)
    key = f"{side}{'-folder' if folder else ''}{f'-{turn}' if turn else ''}"
    files = st.file_uploader(  # of any kind: what cannot be read is listed with the reason
        label,
        accept_multiple_files="directory" if folder else True,
        key=key,
        help=help_text,
        disabled=is_locked("upload"),
        on_change=_changed,
        args=(side, key),
    )
    st.session_state[f"{key}-listed"] = {file.file_id for file in files}
    taken = st.session_state.get(_TAKEN, {})
    return {taken[file.file_id] for file in files if file.file_id in taken}


def _changed(side: Side, key: str) -> None:
    """Keeps the files that have come to a widget's list, and throws away those that were taken off it."""
    uploads, files = services.uploads(), st.session_state.get(key) or []
    taken: dict[str, tuple[Side, str]] = st.session_state.setdefault(_TAKEN, {})
    st.session_state[_REFUSED] = []
    token = st.session_state.get(_KEPT)
    if token is not None and not uploads.exists(token):
        token = None
    present = {file.file_id for file in files}
    for file_id in st.session_state.get(f"{key}-listed", set()) - present:
        where = taken.pop(file_id, None)
        if token is not None and where is not None and where not in taken.values():
            uploads.remove(token, *where)
    new: list[UploadedFile] = [file for file in files if file.file_id not in taken]
    if not new:
        return
    if st.session_state.pop(_USED, None) is not None:
        _empty_the_widgets()  # they list what was used
    try:
        require_unlocked("upload")
        if token is None:
            token = st.session_state[_KEPT] = uploads.begin(visitor().id)
        sent = [Sent(file.name, file.size, file.getvalue) for file in new]
        outcomes = services.store().usage.add_upload(uploads, token, side, sent, visitor().id)
    except InputError as problem:  # a callback: the page that shows it is drawn afterwards
        st.session_state[_REFUSED] = [problem]
        return
    for file, outcome in zip(new, outcomes, strict=True):
        if isinstance(outcome, InputError):
            st.session_state[_REFUSED].append(outcome)
        else:
            taken[file.file_id] = side, outcome
    st.query_params[_TOKEN] = token


def _empty_the_widgets() -> None:
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def _show_used() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("These files are saved as a dataset. Other files begin a new one.")
        st.button("Clear", icon=":material/close:", on_click=_discard, args=(None,))


def _show_kept(token: str, kept: Sequence[KeptFile], listed: set[tuple[Side, str]]) -> None:
    """How much is kept, a button that throws it away, and a table of the files that no widget lists."""
    size = _in_words(sum({file.content: file.size for file in kept}.values()))
    many = f"{len(kept)} files ({size}) are" if len(kept) > 1 else f"One file ({size}) is"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{many} kept for {settings().upload_days:g} days, also if this page is reloaded, until you use or discard "
            "them. Nobody else sees them."
        )
        st.button("Discard files", icon=":material/delete:", on_click=_discard, args=(token,))
    earlier = [file for file in kept if (file.side, file.name) not in listed]
    if not earlier:
        return
    with st.expander(
        f"{len(earlier)} file{'s' if len(earlier) > 1 else ''} uploaded before", icon=":material/history:"
    ):
        rows = [{"file": file.name, "among": file.side, "size": _in_words(file.size)} for file in earlier]
        key = f"earlier-{token}-{len(earlier)}"
        event = st.dataframe(rows, hide_index=True, on_select="rerun", selection_mode="multi-row", key=key)
        ticked = [earlier[row] for row in event.selection.rows if row < len(earlier)]
        st.button(
            "Remove the ticked files", icon=":material/close:", disabled=not ticked, on_click=_remove,
            args=(token, ticked),
        )  # fmt: skip


def _in_words(size: int) -> str:
    return f"{size / MEBI:.1f} MiB" if size >= MEBI else f"{max(1, round(size / 1024))} KiB"


def _discard(token: str | None) -> None:
    if token is not None:
        services.uploads().discard(token)
    for name in (_KEPT, _USED, _REFUSED, _TAKEN):
        st.session_state.pop(name, None)
    st.query_params.pop(_TOKEN, None)
    _empty_the_widgets()


def _remove(token: str, files: Sequence[KeptFile]) -> None:
    if services.uploads().exists(token):
        for file in files:
            services.uploads().remove(token, file.side, file.name)
