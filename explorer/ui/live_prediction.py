"""The latest prediction of a run, which the browser follows while it trains."""

from __future__ import annotations

import streamlit as st

from explorer.ui.browser_script import script

_HTML = """
<div class="live-prediction">
  <p class="title"></p>
  <img alt="prediction: hits, misses and false alarms">
</div>
"""
_CSS = """
.live-prediction p { margin: 0 0 1rem; font-weight: 600; color: var(--st-text-color); }
.live-prediction img { width: 100%; display: block; border-radius: var(--st-base-radius); }
"""


def live_prediction(step: int, key: str, url: str | None, picture: str) -> None:
    """Draws the latest prediction, or updates the one with this key.

    Args:
        step: at which it was made, by now.
        key: unique on the page.
        url: where the run can be followed; None: nothing more will come.
        picture: address of the picture, to which its step is added.
    """
    # Registered in each run: a component that is registered at import belongs to the session that imported it.
    component = st.components.v2.component(
        "live_prediction", html=_HTML, css=_CSS, js=script("live_feed.js", "live_prediction.js"), isolate_styles=False
    )
    component(key=key, data={"step": step, "url": url, "picture": picture})
