"""Jobs that leave a file as pages show them: a Stop that is refused, and how many jobs are ahead."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.errors import InputError
from explorer.runs.records import JobStatus
from explorer.runs.store import Store
from explorer.ui import identity, services
from tests.runs.tiny import tiny_dataset, tiny_plan


class RefusingEngine:
    """An engine that stops no job."""

    def stop_job(self, job_id: str) -> None:
        raise InputError("there is no such job", job_id, "order it again")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store(tmp_path)
    monkeypatch.setattr(services, "store", lambda: store)
    monkeypatch.setattr(services, "engine", RefusingEngine)
    monkeypatch.setattr(identity, "_visitor_id", lambda: "0123456789abcdef01234567")  # AppTest has no cookies
    return store


@pytest.fixture
def run_id(store: Store) -> str:
    return store.create_run(tiny_plan(), store.save_dataset(tiny_dataset())).id


def page(job_id: str) -> None:
    from explorer.ui import services
    from explorer.ui.file_jobs import show_progress

    show_progress(services.store().jobs.get(job_id), None)


def test_stop_that_is_refused_says_why(store: Store, run_id: str) -> None:
    record, _ = store.jobs.create("MeasureSlice", run_id, "slices/a.npz", "slice")
    shown = AppTest.from_function(page, args=(record.id,)).run()
    assert not shown.error
    shown.button(f"stop-{record.id}").click().run()
    assert not shown.exception
    assert "there is no such job" in shown.error[0].value


def test_only_jobs_that_wait_for_the_same_workers_are_ahead(store: Store, run_id: str) -> None:
    works, _ = store.jobs.create("MeasureSlice", run_id, "slices/a.npz", "slice")
    store.jobs.set_status(works.id, JobStatus.RUNNING)
    store.jobs.create("SweepThresholds", run_id, "tradeoffs/a.npz", "sweep")
    first, _ = store.jobs.create("MeasureSlice", run_id, "slices/b.npz", "slice")
    second, _ = store.jobs.create("MeasureCurvature", run_id, "curvature/a.json", "curvature")
    for record, words in ((first, "Slice: waits for a worker"), (second, "Curvature: waits for a worker; 1 ahead")):
        shown = AppTest.from_function(page, args=(record.id,)).run()
        assert shown.get("progress")[0].proto.text == words
