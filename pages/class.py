"""Class: what a teacher sees and decides while the class works. Others see a field for the token."""

from __future__ import annotations

import threading
import time

import streamlit as st

from explorer.ui import services
from explorer.ui.class_controls import control_class
from explorer.ui.class_overview import CLASS_HOURS, collected, show_class
from explorer.ui.frame import LOCKABLE, frame
from explorer.ui.identity import visitor
from explorer.ui.lesson_class import show_class_answers

TOKEN = "token"  # in the address
FIELD, REFUSED = "teacher-token", "teacher-token-refused"  # in the session
WRONG_SECONDS = 1.0  # that a wrong token takes, one after another for the whole server
EXPLANATION = f"""
**Who is there** was seen in the last minute. **The class** is whoever was seen in the last {CLASS_HOURS} hours: their
runs are on the wall and in the zip.

**Locks** disable controls and pages for all but teachers, at once and after a restart, until you take them back. A plan
in which something locked was changed goes back to its preset there, and cannot start with the change.

**What you do not see:** images, labels and predictions of others, and the names of datasets and classes, unless their
owner has shared them with the class. Names of visitors, plans and scores are yours to see. Of guesses and answers in
lessons you see how they are distributed, not whose they are; visitors see the same once they have answered.

**The zip** holds for each visitor and run its plan, its summary and its table of metrics, and an index of all.
"""


@st.cache_resource(show_spinner=False)
def turn() -> threading.Lock:
    """Held while a token is compared, so that several browsers guess no faster than one."""
    return threading.Lock()


def take_token(given: str) -> None:
    """Makes the visitor a teacher, if the token is the right one."""
    with turn():
        if not services.store().visitors.make_teacher(visitor().id, given, services.teacher_token()):
            st.session_state[REFUSED] = True
            time.sleep(WRONG_SECONDS)


def take_field() -> None:
    """Takes the token from the field and empties it."""
    given = st.session_state[FIELD].strip()
    st.session_state[FIELD] = ""
    if given:
        take_token(given)


def ask_for_token() -> None:
    """A field for the token."""
    st.markdown(
        "This page is for teachers: enter the token that whoever runs the server has set or reads at its start."
    )
    st.text_input("Teacher's token", type="password", key=FIELD, on_change=take_field)
    if st.session_state.pop(REFUSED, False):
        st.error(
            "This is not the token. Look for it where the server was started, and try again.", icon=":material/key:"
        )


frame("Class")
if TOKEN in st.query_params:
    linked = st.query_params[TOKEN]
    del st.query_params[TOKEN]
    if not visitor().teacher:
        take_token(linked)
        st.rerun()
if visitor().teacher:
    show_class()
    show_class_answers()
    control_class(LOCKABLE)
    st.download_button(
        "Collect the results (zip)",
        collected,
        "class-results.zip",
        "application/zip",
        icon=":material/download:",
        key="collect",
        on_click="ignore",
    )
    with st.expander("Class, locks and what a teacher sees explained"):
        st.markdown(EXPLANATION)
else:
    ask_for_token()
