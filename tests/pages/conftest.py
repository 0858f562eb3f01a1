"""Pages without a browser, on a store of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.settings import settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def open_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], AppTest]]:
    """Gives a page of the app, by its file, as a new visitor of a new server sees it; run it to see it."""
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "store"))
    settings.cache_clear()
    st.cache_resource.clear()

    def opened(path: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        return app if path == "app.py" else app.switch_page(path)

    yield opened
    st.cache_resource.clear()
    settings.cache_clear()
