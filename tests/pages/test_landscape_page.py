"""Landscape: an empty state, a slice that is measured and drawn in every view, a click, and errors in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.jobs.registry import PredictPoint
from explorer.landscape.slice import Slice
from explorer.runs.records import JobStatus, RunStatus
from explorer.ui import services
from explorer.ui.pickers import step_of
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]


def texts(page: AppTest) -> str:
    return " ".join(each.value for each in (*page.error, *page.info, *page.caption, *page.markdown))


@pytest.fixture
def landscape(open_page: OpenPage) -> AppTest:
    """The page, with a run that has been trained."""
    page = open_page("pages/landscape.py")
    store, engine = services.store(), services.engine()
    run_id = store.create_run(tiny_plan(120), store.save_dataset(tiny_dataset())).id
    engine.submit(run_id)
    deadline = time.monotonic() + 60
    while store.run(run_id).status is not RunStatus.DONE or run_id in engine._training:  # until its job has ended, too
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page.query_params["run"] = run_id
    return page


def wait_for_jobs() -> None:
    deadline = time.monotonic() + 90
    while services.store().jobs.active():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def run_of(page: AppTest) -> str:
    given = page.query_params["run"]
    return given if isinstance(given, str) else given[0]


def checkpoints(run_id: str) -> list[Path]:
    return services.store().folder(run_id).checkpoint_files()


def add_checkpoint(run_id: str, content: bytes | None = None) -> None:
    """A further one, as a run that trains writes it; a copy of the last one unless its content is given."""
    last = checkpoints(run_id)[-1]
    last.with_name(f"step_{step_of(last.name) + 20:08}.safetensors").write_bytes(content or last.read_bytes())


def measured(page: AppTest) -> AppTest:
    """Presses Measure, and looks again once the slice is finished."""
    next(each for each in page.button if each.label == "Measure").click().run()
    wait_for_jobs()
    page.run()
    assert not page.exception, page.exception
    return page


class Rerun(Exception):  # noqa: N818 — what ``st.rerun`` does, where a test calls a fragment
    """The page begins again."""


Fragments = dict[str, tuple[float | None, Callable[[], None]]]


@pytest.fixture
def fragments(monkeypatch: pytest.MonkeyPatch) -> Fragments:
    """The fragments of the page's last run by the name of their function: how often they poll, and a poll."""
    seen: Fragments = {}
    original = st.fragment

    def fragment(function: Callable[..., None], run_every: float | None = None) -> Callable[..., None]:
        def drawn(*args: object) -> None:
            seen[function.__name__] = run_every, partial(function, *args)
            original(function, run_every=run_every)(*args)

        return drawn

    monkeypatch.setattr(st, "fragment", fragment)
    return seen


def begins_again(fragment: Callable[[], None]) -> bool:
    """Whether a poll of a fragment begins the page again."""

    def rerun() -> None:
        raise Rerun

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "rerun", rerun)
        try:
            fragment()
        except Rerun:
            return True
    return False


def test_nothing_trained_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page("pages/landscape.py").run()
    assert not page.exception
    assert "No run has a checkpoint yet" in texts(page)


def test_slice_is_measured_and_drawn_in_every_view(landscape: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    landscape.run()
    assert "Nothing has been measured" in texts(landscape)
    landscape.select_slider(key="resolution").set_value(11).run()
    measured(landscape)
    assert "points measured (dots)" in texts(landscape)
    for view in ("Surfaces", "Agreement", "Error", "Lines", "Contours"):
        next(each for each in landscape.segmented_control if each.label == "View").set_value(view).run()
        assert not landscape.exception, (view, landscape.exception)
        assert not landscape.error
    (path,) = (services.store().folder(run_of(landscape)).path / "slices").glob("*.npz")
    landscape.query_params["point"] = "0.5,-0.25"
    engine, asked = services.engine(), list[PredictPoint]()
    answered = engine.ask
    monkeypatch.setattr(engine, "ask", lambda question: asked.append(question) or answered(question))
    for _ in range(3):  # as a page that polls
        landscape.run()
        assert not landscape.exception
        assert "Prediction at α = 0.500, β = -0.250" in texts(landscape)
        assert "Purple: false alarm. Computed in" in texts(landscape)
    assert len(asked) == 1
    landscape.number_input(key="crop").set_value(1).run()
    assert [question.crop for question in asked] == [0, 1]
    assert Slice.load(path).measured.sum() > 50


def test_plane_that_cannot_be_says_why(landscape: AppTest) -> None:
    landscape.run()
    landscape.selectbox(key="plane").set_value("checkpoints").run()
    first = landscape.select_slider(key="through-0").value
    for number in (1, 2):
        landscape.select_slider(key=f"through-{number}").set_value(first).run()
    measured(landscape)
    assert "direction" in landscape.error[0].value


def test_centre_and_slice_stay_when_checkpoints_arrive(landscape: AppTest) -> None:
    landscape.run()
    run_id = run_of(landscape)
    centre = landscape.select_slider(key="centre")
    last = centre.options[-1]
    landscape.select_slider(key="resolution").set_value(11).run()
    measured(landscape)
    assert "points measured (dots)" in texts(landscape)
    add_checkpoint(run_id)
    landscape.run()
    centre = landscape.select_slider(key="centre")
    assert (centre.options[-2], centre.value) == (last, int(last))  # nobody chose it
    assert "points measured (dots)" in texts(landscape)
    landscape.selectbox(key="plane").set_value("checkpoints").run()
    second = step_of(checkpoints(run_id)[1].name)
    landscape.select_slider(key="through-0").set_value(second).run()
    add_checkpoint(run_id)
    landscape.run()
    assert landscape.select_slider(key="through-0").value == second


def test_chosen_centre_stays_when_checkpoints_arrive(landscape: AppTest) -> None:
    landscape.run()
    run_id = run_of(landscape)
    chosen = step_of(checkpoints(run_id)[1].name)
    landscape.select_slider(key="centre").set_value(chosen).run()
    add_checkpoint(run_id)
    landscape.run()
    assert landscape.select_slider(key="centre").value == chosen


def test_line_shows_all_fields_on_axes_of_their_own(landscape: AppTest) -> None:
    landscape.run()
    landscape.toggle(key="line").set_value(True).run()
    landscape.select_slider(key="resolution").set_value(11).run()
    measured(landscape)
    assert next(each for each in landscape.segmented_control if each.label == "View").options == ["Lines"]


def test_slice_outlives_its_tab_and_is_stopped_by_another(landscape: AppTest, open_page: OpenPage) -> None:
    landscape.run()
    landscape.select_slider(key="tolerance").set_value(0.002).run()
    next(each for each in landscape.button if each.label == "Measure").click().run()
    (job,) = services.store().jobs.active(run_of(landscape))
    other = open_page("pages/landscape.py")  # another visitor, who has ordered nothing
    other.query_params["run"] = run_of(landscape)
    other.run()
    deadline = time.monotonic() + 30
    while not any(each.label == "Stop" for each in other.button):
        assert time.monotonic() < deadline
        other.run()
    assert "slice around" in other.get("progress")[0].proto.text
    next(each for each in other.button if each.label == "Stop").click().run()
    wait_for_jobs()
    assert services.store().jobs.get(job.id).status in (JobStatus.STOPPED, JobStatus.DONE)
    other.run()
    assert "Stopped: random slice" in texts(other)


def test_a_slice_is_stopped_after_the_settings_have_changed(landscape: AppTest, fragments: Fragments) -> None:
    landscape.run()
    assert fragments["_show_other_jobs"][0] is None
    landscape.select_slider(key="tolerance").set_value(0.002)
    landscape.select_slider(key="resolution").set_value(61)
    landscape.slider(key="budget").set_value(3721).run()  # takes longer than this test
    next(each for each in landscape.button if each.label == "Measure").click().run()
    (job,) = services.store().jobs.active(run_of(landscape))
    assert fragments["_show_other_jobs"][0] is None  # it is shown with its slice
    deadline = time.monotonic() + 30
    while not (services.store().folder(job.run_id).path / job.file).parent.exists():  # until a worker has begun
        assert time.monotonic() < deadline
        time.sleep(0.05)
    landscape.slider(key="extent").set_value(0.5).run()
    every, poll = fragments["_show_other_jobs"]
    assert every is not None
    assert "slice around" in landscape.get("progress")[0].proto.text
    landscape.button(key=f"stop-{job.id}").click().run()
    wait_for_jobs()
    assert services.store().jobs.get(job.id).status is JobStatus.STOPPED
    assert begins_again(poll)
    landscape.run()
    assert fragments["_show_other_jobs"][0] is None


def test_following_shows_progress_and_failures_and_ends_with_the_training(
    landscape: AppTest, fragments: Fragments
) -> None:
    run_id, store = run_of(landscape), services.store()
    store.set_status(run_id, RunStatus.RUNNING)
    landscape.run()
    landscape.toggle(key="follow").set_value(True).run()
    assert "Pca slice around" in landscape.get("progress")[0].proto.text
    assert [each.label for each in landscape.button if each.label == "Stop"]
    wait_for_jobs()
    landscape.run()
    assert "The plane is fitted again" in texts(landscape)
    add_checkpoint(run_id, b"broken")
    landscape.run()
    wait_for_jobs()
    landscape.run()
    assert "not a readable checkpoint" in landscape.error[0].value
    assert "The plane is fitted again" in texts(landscape)  # the last one that could be measured
    every, poll = fragments["_follow"]
    assert every is not None
    assert not begins_again(poll)
    store.set_status(run_id, RunStatus.DONE)
    assert begins_again(poll)


def test_curvature_is_measured_once_and_kept(landscape: AppTest, fragments: Fragments) -> None:
    landscape.run()
    next(each for each in landscape.button if each.label == "Measure the curvature").click().run()
    every, poll = fragments["_show_curvature"]
    assert every is not None
    wait_for_jobs()
    assert begins_again(poll)
    landscape.run()
    every, poll = fragments["_show_curvature"]
    assert every is None  # polling has ended
    assert not begins_again(poll)
    assert "Largest eigenvalues" in texts(landscape)
    assert not [each for each in landscape.button if each.label == "Measure the curvature"]
