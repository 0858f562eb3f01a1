"""The server's store and engine: what they say when there is no cluster, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import streamlit as st

from explorer.errors import InputError
from explorer.files import locked
from explorer.imagery.builtin import BUILTIN
from explorer.jobs import engine
from explorer.runs.finished_runs import FINISHED_RUNS
from explorer.settings import settings
from explorer.ui import services
from tests.runs.tiny import tiny_dataset


@pytest.fixture
def no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path))
    monkeypatch.setenv("EXPLORER_SCHEDULER", "tcp://127.0.0.1:9")
    monkeypatch.setattr(services, "_FIRST_PAGE_SECONDS", 0.0)
    settings.cache_clear()
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()
    settings.cache_clear()


@pytest.mark.usefixtures("no_cluster")
def test_server_without_its_cluster_says_so_and_ends_in_order(caplog: pytest.LogCaptureFixture) -> None:
    async def serve() -> None:
        async with services.lifespan(None):
            while "EXPLORER_SCHEDULER" not in caplog.text:
                await asyncio.sleep(0.05)

    with ThreadPoolExecutor(1) as thread:  # the tests in a browser leave a running loop in this one
        thread.submit(asyncio.run, asyncio.wait_for(serve(), 30)).result()
    with pytest.raises(InputError, match="EXPLORER_SCHEDULER"):
        services.engine()


@pytest.mark.usefixtures("no_cluster")
def test_whoever_starts_the_server_reads_who_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"server.address": None, "server.port": 8501}
    monkeypatch.setattr(st, "get_option", options.get)
    listens, teacher, warning = services.who_reaches_the_app()
    assert services.teacher_token() in teacher
    assert "every address of this machine, port 8501: whoever reaches it uses it" in listens
    assert "EXPLORER_TLS_CA_FILE" in warning
    options["server.address"] = "127.0.0.1"
    monkeypatch.delenv("EXPLORER_SCHEDULER")
    settings.cache_clear()
    listens, _ = services.who_reaches_the_app()
    assert "only users of this machine" in listens


class ReadyEngine:
    """An engine whose workers are there."""

    starting = lost = False

    def __init__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.usefixtures("no_cluster")
def test_finished_runs_are_there_before_the_first_visitor_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "Engine", ReadyEngine)
    monkeypatch.setattr(services, "builtin_dataset", tiny_dataset)  # drawn in no time, and named by its key

    async def serve() -> list[str]:
        async with services.lifespan(None):
            while len(services.store().runs()) < len(FINISHED_RUNS):
                await asyncio.sleep(0.05)
            return [record.name for record in services.store().datasets()]

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, asyncio.wait_for(serve(), 30)).result() == list(reversed(BUILTIN))


@pytest.mark.usefixtures("no_cluster")
def test_second_server_of_a_store_says_so(tmp_path: Path) -> None:
    first = locked(tmp_path / "server.lock")
    with first, pytest.raises(InputError, match="another server uses this store") as refused:
        services.engine()
    assert refused.value.where == str(tmp_path)
    assert "EXPLORER_STORE" in refused.value.remedy
