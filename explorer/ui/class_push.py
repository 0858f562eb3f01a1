"""Pages that follow the teacher: a lock takes effect on a page that is open, and a push sends everybody elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from explorer.runs.ownership import Visitor
from explorer.training.presets import PRESETS
from explorer.ui.browser_script import base_path, script
from explorer.ui.classroom import classroom
from explorer.ui.edited_plan import PRESET, replace_plan

FOLLOW_SECONDS = 5.0
"""Between two looks of a page that is open."""
_PATH = "/live/class"
_ICON = ":material/campaign:"
_SEEN = "push-seen"  # in the session: number of the latest push that the visitor has been sent by
_SAID = "push-said"  # in the session: a sentence for the next page


def take_push(title: str, pages: Mapping[str, tuple[str, str]], me: Visitor) -> None:
    """Sends the visitor where the teacher has sent all since their page was opened; says so once they are there.

    A visitor who comes later starts where their link leads. Teachers stay where they are.

    Args:
        title: of the page that is drawn.
        pages: file and icon of each page by its title.
        me: the visitor.
    """
    said = st.session_state.pop(_SAID, None)
    if said is not None:
        st.toast(said, icon=_ICON)
    push = classroom().state.push
    number = 0 if push is None else push.number
    seen = st.session_state.setdefault(_SEEN, number)
    st.session_state[_SEEN] = number
    if push is None or number == seen or me.teacher:
        return
    there = {_name(file): each for each, (file, _) in pages.items()}.get(push.page)
    if there is None or (push.preset is not None and push.preset not in PRESETS):
        return  # kept by another version
    query = {}
    said = f"The teacher has opened {there} for all."
    if push.preset is not None:
        replace_plan(push.preset)
        query = {PRESET: push.preset}
        said = f"The teacher has opened the preset “{PRESETS[push.preset].name}” for all."
    elif there == title:
        st.toast(said, icon=_ICON)
        return
    st.session_state[_SAID] = said
    st.switch_page(pages[there][0], query_params=query)


def pushed_preset() -> str | None:
    """The preset that the teacher opened for all last; None if there was none."""
    push = classroom().state.push
    return push.preset if push is not None and push.preset in PRESETS else None


def follow_class(me: Visitor) -> None:
    """Has the page drawn again within seconds of a change by the teacher; costs nothing where there is no class.

    The browser asks for a number in memory, at an address of its own: no page runs for it, and no database is asked.
    """
    room = classroom()
    if me.teacher:
        room.open()
    if not room.is_open:
        return
    # Registered in each run: a component that is registered at import belongs to the session that imported it.
    component = st.components.v2.component(
        "class_follower", html="<div class='class-follower'></div>", js=script("class_follower.js"),
        isolate_styles=False,
    )  # fmt: skip
    url = f"{base_path()}{_PATH}/{room.page_of(me.id)}"
    data = {"url": url, "version": room.version, "seconds": FOLLOW_SECONDS}
    component(key="class-follower", data=data, on_changed_change=_changed)


def _changed() -> None:
    """A change has the page drawn again; that is all."""


async def _look(request: Request) -> Response:
    """What an open page asks every few seconds."""
    version = classroom().look(request.path_params["page"])
    return Response(str(version), media_type="text/plain", headers={"Cache-Control": "no-store"})


def _name(file: str) -> str:
    """The name of a page as the address has it."""
    return "" if file == "app.py" else Path(file).stem


CLASS_ROUTES = (Route(_PATH + "/{page}", _look),)
"""Addresses of the server beside its pages."""
