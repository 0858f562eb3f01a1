"""Uploads: files add up until they are used or discarded, also over reloads.

``explorer.ui.kept_files`` keeps them; here are the widgets of Imagery, and the name of the dataset that they become.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import get_args

import streamlit as st

from explorer.imagery.builtin import BUILTIN
from explorer.imagery.reading.layout import arrange
from explorer.runs.names import free_name
from explorer.runs.ownership import is_of
from explorer.runs.uploads import KeptFile, Side
from explorer.settings import MEBI, settings
from explorer.ui import services
from explorer.ui.identity import visitor
from explorer.ui.kept_files import KeptFiles, Listed
from explorer.ui.locks import say_locked

_KEPT = KeptFiles("upload", "used or discarded")
_FILES, _FOLDER = "Files or zips", "A folder"
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
    token = _KEPT.token()
    say_locked("upload")
    whole = st.segmented_control(
        "What to upload",
        [_FILES, _FOLDER],
        default=_FILES,
        required=True,
        key="upload-way",
        label_visibility="collapsed",
    )
    folder = "-folder" if whole == _FOLDER else ""  # of the widgets' keys
    left, right = st.columns(2)
    limit = f"At most {settings().max_file_bytes // MEBI} MiB per file, {settings().max_files} files."
    with left:
        listed = _KEPT.uploader(
            "images",
            f"images{folder}",
            "Images, or a zip of images and masks" if whole == _FILES else "Folder of images, or of images and masks",
            f"PNG, JPEG, TIFF or GeoTIFF, 1 to 16 bands, with the files that belong to them. {limit}",
            whole == _FOLDER,
        )
    with right:
        listed |= _KEPT.uploader(
            "masks",
            f"masks{folder}",
            "Masks, if they are separate" if whole == _FILES else "Folder of masks, if they are separate",
            "One per image, with the same name: harbour.tif and harbour_mask.png. Or files of polygons or annotations: "
            f"GeoJSON, GeoPackage, Shapefile, KML, FlatGeobuf, COCO, YOLO, labelme, CVAT, Label Studio. {limit}",
            whole == _FOLDER,
        )
    _KEPT.show_refused()
    used = _KEPT.used
    if isinstance(used, Files):
        _show_used()
        return used
    token = _KEPT.current or token  # the first file has begun an upload
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
    _KEPT.use(files.key.partition(":")[0], files)


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


def _show_used() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("These files are saved as a dataset. Other files begin a new one.")
        st.button("Clear", icon=":material/close:", on_click=_KEPT.discard, args=(None,))


def _show_kept(token: str, kept: Sequence[KeptFile], listed: Listed) -> None:
    """How much is kept, a button that throws it away, and a table of the files that no widget lists."""
    size = _in_words(sum({file.content: file.size for file in kept}.values()))
    many = f"{len(kept)} files ({size}) are" if len(kept) > 1 else f"One file ({size}) is"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{many} kept for {settings().upload_days:g} days, also if this page is reloaded, until you use or discard "
            "them. Nobody else sees them."
        )
        st.button("Discard files", icon=":material/delete:", on_click=_KEPT.discard, args=(token,))
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


def _remove(token: str, files: Sequence[KeptFile]) -> None:
    if services.uploads().exists(token):
        for file in files:
            services.uploads().remove(token, file.side, file.name)
