"""Landscape: an empty state, a slice that is measured and drawn in every view, a click, and errors in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.landscape.slice import Slice
from explorer.runs.records import RunStatus
from explorer.ui import services
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
    while store.run(run_id).status is not RunStatus.DONE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page.query_params["run"] = run_id
    return page


def measured(page: AppTest) -> AppTest:
    """Presses Measure, and looks again once the slice is finished."""
    next(each for each in page.button if each.label == "Measure").click().run()
    deadline = time.monotonic() + 90
    jobs = page.session_state["slice-jobs"]
    while not all(job.done() for job in jobs.values()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    page.run()
    assert not page.exception, page.exception
    return page


def test_nothing_trained_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page("pages/landscape.py").run()
    assert not page.exception
    assert "There is no run with a checkpoint yet" in texts(page)


def test_slice_is_measured_and_drawn_in_every_view(landscape: AppTest) -> None:
    landscape.run()
    assert "Nothing is measured here yet" in texts(landscape)
    landscape.select_slider(key="resolution").set_value(11).run()
    measured(landscape)
    assert "points measured (dots)" in texts(landscape)
    for view in ("Surfaces", "Disagreement", "Error", "Lines", "Contours"):
        next(each for each in landscape.segmented_control if each.label == "View").set_value(view).run()
        assert not landscape.exception, (view, landscape.exception)
        assert not landscape.error
    (path,) = landscape.session_state["slice-jobs"]
    landscape.session_state["clicked"] = (path, 0.5, -0.25)
    landscape.run()
    assert not landscape.exception
    assert "The mask at alpha 0.500, beta -0.250" in texts(landscape)
    assert Slice.load(Path(path)).measured.sum() > 50


def test_plane_that_cannot_be_says_why(landscape: AppTest) -> None:
    landscape.run()
    landscape.selectbox(key="plane").set_value("checkpoints").run()
    for number in range(3):
        names = landscape.selectbox(key=f"through-{number}-{len(landscape.selectbox(key='through-0-4').options)}")
        names.set_value(names.value).run()
    first = landscape.selectbox(key="through-0-4").value
    landscape.selectbox(key="through-1-4").set_value(first).run()
    landscape.selectbox(key="through-2-4").set_value(first).run()
    measured(landscape)
    assert "direction" in landscape.error[0].value


def test_line_shows_all_fields_on_axes_of_their_own(landscape: AppTest) -> None:
    landscape.run()
    landscape.toggle(key="line").set_value(True).run()
    landscape.select_slider(key="resolution").set_value(11).run()
    measured(landscape)
    assert next(each for each in landscape.segmented_control if each.label == "View").options == ["Lines"]
