"""Where browsers get Plotly: from the installed wheel, so that nothing comes from another host; before it is needed.

It is packed once for all: where Streamlit serves it, each of thirty browsers has four megabytes packed for itself.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import streamlit as st
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from explorer.ui.browser_script import base_path, script

_PATH = f"/live/plotly-{version('plotly')}.min.js"
_SOON, _LATER = 0, 1500  # milliseconds
_FOR_EVER = "public, max-age=31536000, immutable"


def plotly_address() -> str:
    """The address of the library, which changes with its version."""
    return base_path() + _PATH


def load_plotly_ahead(has_figures: bool) -> None:
    """Has the browser load Plotly once it has nothing else to do: the first figure is then drawn at once.

    Args:
        has_figures: this page may draw one; else, the page itself comes first by some distance.
    """
    # Registered in each run: a component that is registered at import belongs to the session that imported it.
    component = st.components.v2.component(
        "plotly_ahead", html="<div></div>", js=script("plotly_library.js", "plotly_ahead.js"), isolate_styles=False
    )
    component(key="plotly-ahead", data={"address": plotly_address(), "wait": _SOON if has_figures else _LATER})


async def _library(request: Request) -> Response:
    headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
    takes_packed = "gzip" in request.headers.get("accept-encoding", "")
    content = await to_thread.run_sync(_packed if takes_packed else _plain)
    if takes_packed:
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type="text/javascript", headers=headers)


def _plain() -> bytes:
    """Found without importing Plotly, for which the first page does not wait."""
    package = find_spec("plotly")
    assert package is not None
    return (Path(str(package.origin)).parent / "package_data" / "plotly.min.js").read_bytes()


@cache
def _packed() -> bytes:
    return gzip.compress(_plain(), 6, mtime=0)


PLOTLY_ROUTES = (Route(_PATH, _library),)
"""Addresses of the server beside its pages."""
