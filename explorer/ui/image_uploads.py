"""Images to predict for: uploaded, kept in the store over reloads, and decoded by workers.

They are uploads of their own, see ``explorer.ui.kept_files``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from explorer.jobs.registry import ReadImages
from explorer.runs.decoded_image import DecodedImage
from explorer.runs.image_reading import ImagesToRead
from explorer.runs.uploads import KeptFile, Side
from explorer.runs.usage import in_words
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.kept_files import KeptFiles, ask_for_files
from explorer.ui.locks import say_locked

_FILES = KeptFiles("images", "discarded")
_READ = "images-read"  # in the session: what was decoded, and of which files
_SIDE: Side = "images"


def pick_images(keep_fill: bool) -> Sequence[DecodedImage]:
    """An uploader whose files add up, and what is kept of earlier visits.

    Args:
        keep_fill: see ``ImagesToRead``.

    Returns:
        What was decoded, files that cannot be used among it; none while there is nothing.
    """
    token = _FILES.token()
    say_locked("upload")
    _FILES.uploader(
        _SIDE,
        "predict-images",
        "Images to predict for",
        "PNG, JPEG, TIFF or GeoTIFF with the bands of the run's images, or a zip of them, with the files that lie "
        f"beside them (.tfw, .prj, .aux.xml). At most {in_words(settings().max_file_bytes)} per file.",
    )
    _FILES.show_refused()
    token = _FILES.current or token  # the first file has begun an upload
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
        found = ask_for_files(
            ReadImages(ImagesToRead(folder, files, keep_fill, settings())),
            lambda found: [image.file for image in found if image.file is not None],
        )
    st.session_state[_READ] = key, found
    return found


def _discard(token: str) -> None:
    _FILES.discard(token)
    st.session_state.pop(_READ, None)
