"""Scripts of the components that run in the browser, and the addresses that they ask."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


@cache
def script(*names: str) -> str:
    """A component's script, after those whose functions it calls, such as ``live_feed.js``, which follows a run."""
    return "\n".join((_FOLDER / name).read_text("utf-8") for name in names)


def base_path() -> str:
    """What comes before every address of the server: "" or "/name"."""
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""
