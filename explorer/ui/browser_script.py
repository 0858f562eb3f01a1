"""Scripts of the components that run in the browser, and the addresses that they ask."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


@cache
def script(name: str, follows_run: bool = True) -> str:
    """A component's script, with what it needs to follow a run, unless it does not follow one."""
    files = ("live_feed.js", name) if follows_run else (name,)
    return "\n".join((_FOLDER / file).read_text("utf-8") for file in files)


def base_path() -> str:
    """What comes before every address of the server: "" or "/name"."""
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""
