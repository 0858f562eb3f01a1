"""Pages without a browser, on a store of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.settings import settings
from explorer.training.fingerprint import fingerprint
from explorer.ui import finished_runs, identity, services

VISITOR = "0123456789abcdef01234567"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server with a fresh store, for all tests of a module: its workers take seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_STORE", str(tmp_path_factory.mktemp("store")))
        patch.setattr(identity, "_visitor_id", lambda: VISITOR)  # one browser: AppTest has no cookies
        patch.setattr(finished_runs, "_added", lambda _builtin: None)  # of their own runs, most tests say what is shown
        settings.cache_clear()
        st.cache_resource.clear()
        yield
        st.cache_resource.clear()
    settings.cache_clear()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fingerprints as they are, without a worker, and a step that takes 0.1 s, without training any."""
    monkeypatch.setattr(services, "fingerprint", cache(lambda dataset_id: fingerprint(services.dataset(dataset_id))))
    monkeypatch.setattr(services, "step_seconds", lambda *_: 0.1)


@pytest.fixture
def open_page(server: None) -> Callable[[str], AppTest]:
    """Gives a page of the app, by its file, as a new visitor sees it; run it to see it."""

    def opened(path: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        return app if path == "app.py" else app.switch_page(path)

    return opened
