"""A second server on one store, in a real browser: pages say who is there; it takes over when that one dies."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
from playwright.sync_api import Page, expect

from explorer.runs.records import RunRecord, RunStatus
from explorer.runs.store import Store
from explorer.ui.frame import PAGES
from tests.browser.conftest import running_server, settled
from tests.jobs.waiting import wait_for


def server_of(store: Path) -> int:
    """The process that listens for a store."""
    (found,) = [
        process.pid
        for process in psutil.Process().children()
        if "streamlit" in process.cmdline() and process.environ().get("EXPLORER_STORE") == str(store)
    ]
    return found


def wait_until_workers_are_there() -> None:
    """Returns once no process has come or gone for some seconds: a worker that is ended as it starts complains."""
    last: tuple[set[int], float] = set(), time.monotonic()
    while time.monotonic() - last[1] < 4:
        now = {process.pid for process in psutil.Process().children(recursive=True)}
        if now != last[0]:
            last = now, time.monotonic()
        time.sleep(0.2)


def trained(store: Store) -> list[RunRecord]:
    """The runs that do not come with the app."""
    return [record for record in store.runs() if not record.example]


def test_a_second_server_harms_no_run_and_takes_over_when_the_first_is_killed(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "store"
    with running_server(path, tmp_path / "first.txt", is_killed=True) as first:
        page.goto(first)
        settled(page)
        page.get_by_role("button", name="Train on it").first.click()
        page.wait_for_url("**/train?run=*")
        store, first_process = Store(path), server_of(path)
        (run,) = trained(store)
        wait_for(lambda: store.run(run.id).step > 5, 150)
        before = store.run(run.id).step
        with running_server(path, tmp_path / "second.txt") as second:
            for file, _ in PAGES.values():
                page.goto(f"{second}/{'' if file == 'app.py' else Path(file).stem}?run={run.id}")
                settled(page)
                expect(page.get_by_text(f"another server uses this store: process {first_process} on")).to_be_visible()
                assert page.get_by_test_id("stMain").get_by_role("button").count() == 0, "there is nothing to do here"
            wait_for(lambda: store.run(run.id).step > before, 60)
            assert store.run(run.id).status is RunStatus.RUNNING, "its run was not taken for lost"
            assert len(trained(store)) == 1
            os.kill(first_process, signal.SIGKILL)
            page.goto(f"{second}/train?run={run.id}")
            expect(page.get_by_role("button", name="Resume")).to_be_visible()
            assert store.run(run.id).status is RunStatus.INTERRUPTED
            wait_until_workers_are_there()
