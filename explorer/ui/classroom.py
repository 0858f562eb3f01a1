"""The state of the class in memory, so that thirty browsers can ask for it without the database.

The Class page changes it through here; it is kept in the store, too, and holds after a restart.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

import streamlit as st

from explorer.runs.class_state import ClassState
from explorer.runs.store import Store
from explorer.settings import settings
from explorer.ui import services


class Classroom:
    """What holds for the class now. Safe to use from several threads.

    Args:
        store: where it is kept.
        is_open: there is a class from the start.
    """

    def __init__(self, store: Store, is_open: bool) -> None:
        self._store, self._turn = store, threading.Lock()
        kept = store.class_table.state()
        self.is_open = is_open or kept is not None
        self.state = kept or ClassState()
        self.version = time.time_ns() // 1_000_000  # another one after a restart
        self._of_page: dict[str, str] = {}  # ids of visitors, by the names that their open pages ask under
        self._seen: dict[str, float] = {}  # by visitor: when an open page of theirs asked last

    def change(self, make: Callable[[ClassState], ClassState]) -> None:
        """Changes the state, from what it is now; pages that are open follow within seconds."""
        with self._turn:
            changed = make(self.state)
            if changed == self.state:
                return
            self._store.class_table.keep(changed)
            self.is_open, self.state = True, changed
            self.version += 1

    def page_of(self, visitor_id: str) -> str:
        """A name that nobody can guess, under which the visitor's open pages ask for changes."""
        with self._turn:
            known = {each: name for name, each in self._of_page.items()}
            name = known.get(visitor_id) or secrets.token_urlsafe(9)
            self._of_page[name] = visitor_id
        return name

    def look(self, page: str) -> int:
        """A number that another one replaces with each change; notes that a page of the visitor is open.

        Args:
            page: from ``page_of``; after a restart of the server it may be unknown.
        """
        visitor_id = self._of_page.get(page)
        if visitor_id is not None:
            self._seen[visitor_id] = time.monotonic()
        return self.version

    def here(self, seconds: float) -> set[str]:
        """Ids of the visitors of whom an open page has asked so recently."""
        since = time.monotonic() - seconds
        return {visitor_id for visitor_id, seen in list(self._seen.items()) if seen >= since}

    def open(self) -> None:
        """Has pages that are drawn from now on ask for changes."""
        self.is_open = True


@st.cache_resource(show_spinner=False)
def classroom() -> Classroom:
    """The one of this server. There is a class once a teacher was there, and where a token for teachers was set."""
    return Classroom(services.store(), settings().teacher_token is not None)
