"""The report on Train and Trade-offs: it is prepared on a click, then it is there to be saved."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from explorer.report import page as page_module
from explorer.runs.folder import RunFolder
from explorer.runs.ownership import Visitor
from explorer.runs.records import RunStatus
from explorer.runs.training import execute
from explorer.ui import report_download, services
from tests.pages.conftest import VISITOR
from tests.pages.look import texts
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]


def trained(steps: int, dataset: str = "tiny", dataset_owner: str | None = None) -> str:
    """A run that has ended, trained here."""
    store = services.store()
    dataset_id = store.save_dataset(tiny_dataset(dataset), dataset_owner)
    run_id = store.create_run(tiny_plan(steps), dataset_id, owner=VISITOR).id
    folder: RunFolder = store.folder(run_id)
    for _ in execute(folder, store.dataset(dataset_id), device="cpu"):
        pass
    store.ingest(run_id)
    assert store.run(run_id).status is RunStatus.DONE
    return run_id


def downloads(page: AppTest) -> list[str]:
    return [each.proto.label for each in page.get("download_button")]


def test_report_is_prepared_on_a_click_and_then_saved(open_page: OpenPage) -> None:
    page = open_page("pages/train.py")
    run_id = trained(6)
    page.query_params["run"] = run_id
    page.run()
    assert not page.exception, page.exception
    assert "Report" not in downloads(page), "what it needs is not measured yet"
    assert not services.store().jobs.active(), "nothing is measured unasked"
    page.button(key=f"report-{run_id}-prepare").click().run()
    deadline = time.monotonic() + 60
    while services.store().jobs.active():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page.run()
    assert not page.exception, page.exception
    assert "Report" in downloads(page)

    made = report_download._made([run_id], Visitor(VISITOR, "me"))
    assert b'class="thresholds"' in made
    assert b"data:image/webp" in made

    compared = open_page("pages/tradeoffs.py")
    compared.query_params["runs"] = run_id
    compared.run()
    assert not compared.exception, compared.exception
    assert "Report" in downloads(compared)


def test_a_run_that_trains_has_none_yet(open_page: OpenPage) -> None:
    page = open_page("pages/train.py")
    store = services.store()
    run_id = store.create_run(tiny_plan(5), store.save_dataset(tiny_dataset()), owner=VISITOR).id
    page.query_params["run"] = run_id
    page.run()
    assert "Report: once the run has its first checkpoint." in texts(page)
    store.set_status(run_id, RunStatus.RUNNING)
    page.run()
    assert "Report: once no run in it trains" in texts(page)
    store.set_status(run_id, RunStatus.STOPPED)


def test_a_second_sweep_that_follows_from_the_first_needs_no_second_click(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("pages/train.py")
    run_id = trained(4)
    page.query_params["run"] = run_id
    page.run()
    page.button(key=f"report-{run_id}-prepare").click().run()
    usual = report_download.usual_sweeps
    monkeypatch.setattr(
        report_download, "usual_sweeps", lambda folder: tuple(replace(each, split=True) for each in usual(folder))
    )
    deadline = time.monotonic() + 60
    while "Report" not in downloads(page):
        assert time.monotonic() < deadline
        assert f"report-{run_id}-prepare" not in [each.key for each in page.button]
        time.sleep(0.05)
        page.run()
    store = services.store()
    assert list(store.folder(run_id).path.glob("sweeps/*-split.npz"))


def test_what_keeps_the_report_from_being_made_is_in_the_file(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_page("pages/train.py").run()
    run_id = trained(4, "elsewhere", "somebody-else")
    assert b"no longer shared with you" in report_download._made([run_id], Visitor("another-visitor", "another"))
    monkeypatch.setattr(page_module, "MOST_BYTES", 1000)
    made = report_download._made([run_id], Visitor(VISITOR, "me"))
    assert made.startswith(b"<!doctype html>")
    assert b"the report would take" in made
