"""The browser's Plotly: that of the installed wheel, packed for browsers that take it so, and kept by them."""

from __future__ import annotations

import gzip
from importlib.metadata import version
from pathlib import Path

import plotly
import pytest
from starlette.applications import Starlette

from explorer.ui.plotly_library import PLOTLY_ROUTES, plotly_address
from tests.ui.asgi import get

APP = Starlette(routes=PLOTLY_ROUTES)
LIBRARY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


@pytest.mark.parametrize("accepted", ["", "gzip, deflate, br"])
def test_it_is_that_of_the_wheel_and_packed_where_a_browser_takes_it_packed(accepted: str) -> None:
    answer = get(APP, plotly_address(), accept_encoding=accepted)
    assert answer.status == 200
    is_packed = answer.headers.get("content-encoding") == "gzip"
    assert is_packed == ("gzip" in accepted)
    assert (gzip.decompress(answer.content) if is_packed else answer.content) == LIBRARY.read_bytes()
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "Accept-Encoding"


def test_its_address_changes_with_its_version() -> None:
    assert version("plotly") in plotly_address()
