"""Parts of a page that follow a run in the browser, without the page being run: its status, its latest prediction."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.ui.run_status import Status

_FOLDER = Path(__file__).parent
_STATUS = """
<div class="live-status" role="status">
  <p><span class="badge"></span> · <span class="words"></span></p>
  <div class="bar"><div></div></div>
</div>
"""
_STATUS_STYLE = """
.live-status p { margin: 0 0 0.4rem; font-size: 1rem; color: var(--st-text-color); }
.live-status .badge { padding: 0.05rem 0.4rem; border-radius: 0.4rem; font-size: 0.875rem; }
.live-status .bar { height: 0.5rem; border-radius: 0.25rem; overflow: hidden; }
.live-status .bar { background: var(--st-secondary-background-color); }
.live-status .bar > div { height: 100%; background: var(--st-primary-color); transition: width 0.3s; }
""" + "\n".join(
    f".live-status .badge[data-colour={name}] {{ color: var(--st-{name}-text-color); "
    f"background: var(--st-{name}-background-color); }}"
    for name in ("gray", "blue", "yellow", "orange", "green", "red")
)
_PREDICTION = """
<div class="live-prediction">
  <p class="title"></p>
  <img alt="prediction: hits, misses and false alarms">
</div>
"""
_PREDICTION_STYLE = """
.live-prediction p { margin: 0 0 1rem; font-weight: 600; color: var(--st-text-color); }
.live-prediction img { width: 100%; display: block; border-radius: var(--st-base-radius); }
"""


@cache
def script(name: str) -> str:
    """A component's script, with what it needs to follow a run."""
    return "\n".join((_FOLDER / file).read_text("utf-8") for file in ("live_feed.js", name))


def base_path() -> str:
    """What comes before every address of the server: "" or "/name"."""
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def live_status(status: Status, key: str, url: str | None, structure: str) -> None:
    """The status of a run; as long as it is followed, the page runs again where more than its curves change.

    Args:
        status: of the run by now.
        key: unique on the page.
        url: where the run can be followed; None: nothing more will come.
        structure: see :func:`explorer.ui.live_feed.page_structure`, by now.
    """
    data = {"status": status.shown(), "url": url, "structure": structure}
    _component("live_status", _STATUS, _STATUS_STYLE)(key=key, data=data, on_changed_change=_seen)


def live_prediction(step: int, key: str, url: str | None, picture: str) -> None:
    """The latest prediction of a run.

    Args:
        step: at which it was made, by now.
        key: unique on the page.
        url: where the run can be followed; None: nothing more will come.
        picture: address of the picture, to which its step is added.
    """
    data = {"step": step, "url": url, "picture": picture}
    _component("live_prediction", _PREDICTION, _PREDICTION_STYLE)(key=key, data=data)


def _seen() -> None:
    """The page runs again; it looks at the run itself."""


def _component(name: str, html: str, css: str) -> Any:
    # Registered in each run: a component that is registered at import belongs to the session that imported it.
    return st.components.v2.component(name, html=html, css=css, js=script(f"{name}.js"), isolate_styles=False)
