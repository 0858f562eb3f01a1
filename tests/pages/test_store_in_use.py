"""Every page of a second server says that the store is in use, and offers nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.jobs.lease import Lease
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.frame import PAGES
from tests.jobs.waiting import wait_for


@pytest.fixture
def used_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store that another server uses."""
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path))
    settings.cache_clear()
    st.cache_resource.clear()
    lease = Lease(tmp_path, lambda: None)
    yield tmp_path
    st.cache_resource.clear()
    lease.close()
    settings.cache_clear()


@pytest.mark.parametrize("page", [file for file, _ in PAGES.values()])
def test_every_page_says_so_and_offers_nothing(
    page: str, used_store: Path, open_page: Callable[[str], AppTest]
) -> None:
    services.start()
    wait_for(lambda: services.used_elsewhere() is not None)
    app = open_page(page).run()
    assert not app.exception
    (said,) = app.main.error
    assert "another server uses this store" in said.value.replace("\\", "")
    assert not app.button
    assert services.store().runs() == services.store().datasets() == []
