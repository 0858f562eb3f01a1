"""Files that visitors send to a page: they add up until they are used or discarded, also over reloads.

What is sent is kept in the store (see ``explorer.runs.uploads``), and the address has its token. The session holds
which files of the widgets have been kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from explorer.errors import InputError
from explorer.jobs.job import Answer, Job
from explorer.runs.uploads import Side
from explorer.runs.usage import Sent
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.address import say_unknown
from explorer.ui.identity import visitor
from explorer.ui.locks import is_locked, require_unlocked
from explorer.ui.messages import show_problem

_TRIES = 5  # of a reading that others overtake
Listed = set[tuple[Side, str]]
"""Side and name of files, under which they are kept."""


@dataclass(frozen=True)
class KeptFiles:
    """The uploads of a page.

    Attributes:
        name: of the token in the address, and what keys of the session begin with.
        gone: how an upload may have come to its end, in words.
    """

    name: str
    gone: str

    def token(self) -> str | None:
        """The token of the upload that is shown: that in the address, else the session's, from an earlier visit."""
        uploads = services.uploads()
        asked = st.query_params.get(self.name)
        if asked and not uploads.is_of(asked, visitor().id):
            days = f"{settings().upload_days:g} days"
            say_unknown(
                [asked], "upload", f"it was {self.gone}, nobody has added to it for {days}, or it is somebody else's"
            )
            del st.query_params[self.name]
            asked = None
        token = asked or self.current
        if not token or not uploads.exists(token):
            st.session_state.pop(self._key("kept"), None)
            return None
        if asked and asked != self.current:
            st.session_state.pop(self._key("used"), None)
        st.session_state[self._key("kept")] = st.query_params[self.name] = token
        return str(token)

    @property
    def current(self) -> str | None:
        """The token that the session has; a widget's first file begins an upload before the page is drawn."""
        token: str | None = st.session_state.get(self._key("kept"))
        return token

    @property
    def used(self) -> object | None:
        """What was made of the files, see ``use``; None: nothing, or other files have come."""
        return st.session_state.get(self._key("used"))

    def uploader(self, side: Side, key: str, label: str, help_text: str, whole_folder: bool = False) -> Listed:
        """One uploader; gives the files that its own list shows.

        Args:
            side: among which its files are kept.
            key: of the widget, to which is added how often it was emptied.
            label: of the widget.
            help_text: likewise.
            whole_folder: a folder is chosen instead of files.
        """
        turn = st.session_state.get(self._key("turn"), 0)
        key = f"{key}-{turn}" if turn else key
        files = st.file_uploader(  # of any kind: what cannot be read is listed with the reason
            label,
            accept_multiple_files="directory" if whole_folder else True,
            key=key,
            help=help_text,
            disabled=is_locked("upload"),
            on_change=self._changed,
            args=(side, key),
        )
        st.session_state[f"{key}-listed"] = {file.file_id for file in files}
        taken = st.session_state.get(self._key("taken"), {})
        return {taken[file.file_id] for file in files if file.file_id in taken}

    def show_refused(self) -> None:
        """Why files of the last upload are not kept."""
        for problem in st.session_state.get(self._key("refused"), ()):
            show_problem(problem)

    def use(self, token: str, made: object) -> None:
        """Throws the files away; the session keeps what was made of them until others come."""
        services.uploads().discard(token)
        st.session_state[self._key("used")] = made
        st.session_state.pop(self._key("kept"), None)
        st.query_params.pop(self.name, None)

    def discard(self, token: str | None) -> None:
        """Throws the files away, if there are any, and all that the session knows of them."""
        if token is not None:
            services.uploads().discard(token)
        for name in ("kept", "used", "refused", "taken"):
            st.session_state.pop(self._key(name), None)
        st.query_params.pop(self.name, None)
        self._empty_the_widgets()

    def _changed(self, side: Side, key: str) -> None:
        """Keeps the files that have come to a widget's list, and throws away those that were taken off it."""
        uploads, files = services.uploads(), st.session_state.get(key) or []
        taken: dict[str, tuple[Side, str]] = st.session_state.setdefault(self._key("taken"), {})
        refused: list[InputError] = []
        st.session_state[self._key("refused")] = refused
        token = self.current
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
        if st.session_state.pop(self._key("used"), None) is not None:
            self._empty_the_widgets()  # they list what was used
        try:
            require_unlocked("upload")
            if token is None:
                token = st.session_state[self._key("kept")] = uploads.begin(visitor().id)
            sent = [Sent(file.name, file.size, file.getvalue) for file in new]
            outcomes = services.store().usage.add_upload(uploads, token, side, sent, visitor().id)
        except InputError as problem:  # a callback: the page that shows it is drawn afterwards
            refused.append(problem)
            return
        for file, outcome in zip(new, outcomes, strict=True):
            if isinstance(outcome, InputError):
                refused.append(outcome)
            else:
                taken[file.file_id] = side, outcome
        st.query_params[self.name] = token

    def _empty_the_widgets(self) -> None:
        st.session_state[self._key("turn")] = st.session_state.get(self._key("turn"), 0) + 1

    def _key(self, name: str) -> str:
        return f"{self.name}-{name}"


def ask_for_files(job: Job[Answer], left: Callable[[Answer], Iterable[Path]]) -> Answer:
    """What a reading of kept files found, once what it has left is there.

    A reading of fewer files that a rerun has overtaken may end late, and makes room by removing what this one has left:
    then it is asked for again.

    Args:
        job: reads the files.
        left: the files that the answer refers to.

    Raises:
        InputError: what the job raises; or other readings do not leave what this one found.
    """
    for _ in range(_TRIES):
        found = services.engine().ask(job)
        if all(file.exists() for file in left(found)):
            return found
    raise InputError("other pages read these files at the same time", "upload", "close them, and reload this page")
