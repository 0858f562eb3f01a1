"""What a browser is sent of a run: little, the same for all, and enough to draw what a page would draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from starlette.applications import Starlette

from explorer.figures.live import FIGURES
from explorer.runs import event_log
from explorer.runs.records import RunStatus
from explorer.runs.store import Store
from explorer.runs.training import execute
from explorer.settings import settings
from explorer.ui import identity, live_feed, services
from explorer.ui.live_feed import ROUTES, feed, live_address, prediction_address
from tests.runs.tiny import tiny_dataset, tiny_plan
from tests.ui.asgi import get


class Idle:
    """An engine that does nothing."""

    starting, problem = False, None

    def place(self, _: str) -> None:
        """No run waits for a slot."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path))
    settings.cache_clear()
    st.cache_resource.clear()
    made = Store(tmp_path)
    monkeypatch.setattr(services, "store", lambda: made)
    monkeypatch.setattr(services, "engine", Idle)
    monkeypatch.setattr(identity, "_visitor_id", lambda: "a" * 24)
    monkeypatch.setattr(live_feed.LiveFeed._look, "__defaults__", (0.0,))
    monkeypatch.setattr(event_log, "_FLUSH_SECONDS", 0.0)
    yield made
    st.cache_resource.clear()
    settings.cache_clear()


APP = Starlette(routes=ROUTES)


class Job:
    """A run that trains a little at a time."""

    def __init__(self, store: Store, steps: int = 60) -> None:
        self.id = store.create_run(tiny_plan(steps), store.save_dataset(tiny_dataset())).id
        store.set_status(self.id, RunStatus.QUEUED)
        self._store = store
        self._events = execute(store.folder(self.id), tiny_dataset(), device="cpu")

    def makes(self, steps: int) -> None:
        """So many steps more."""
        made = 0
        for event in self._events:
            made += event.kind == "step"
            if made == steps:
                break
        self._store.ingest(self.id)


def asked(run_id: str, since: int = 0, figures: Sequence[str] = FIGURES) -> dict[str, Any]:
    answer = get(APP, live_address(run_id), since=since, **dict.fromkeys(figures, since))
    assert answer.status == 200
    return answer.json()


Curves = dict[str, dict[str, tuple[list[float], list[float]]]]  # by figure and name


def taken(shown: Curves, answer: dict[str, Any]) -> None:
    """As the browser does it."""
    for figure, parts in answer.get("figures", {}).items():
        curves = {} if parts.get("whole") else shown.get(figure, {})
        for name, (kept, x, y) in parts.get("curves", {}).items():
            old_x, old_y = curves.get(name, ([], []))
            curves[name] = (old_x[:kept] + x, old_y[:kept] + y)
        shown[figure] = curves


def test_who_follows_has_what_one_who_comes_later_gets_whole(store: Store) -> None:
    job, number = Job(store), 0
    curves: Curves = {}
    for steps in (1, 4, 13, 2, 30):
        job.makes(steps)
        answer = asked(job.id, number)
        taken(curves, answer)
        number = answer["number"]
        whole: Curves = {}
        taken(whole, asked(job.id))
        assert curves == whole
    assert curves["rates"]["norm"][0][-1] == 50


def test_figures_out_of_view_are_not_sent_and_have_all_once_they_are_in_view(store: Store) -> None:
    job = Job(store)
    job.makes(5)
    shown: Curves = {}
    first = asked(job.id)
    taken(shown, first)
    job.makes(5)
    second = asked(job.id, first["number"], ["trained"])
    assert set(second["figures"]) == {"trained"}
    taken(shown, second)
    job.makes(5)
    hidden = asked(job.id, second["number"], [])
    assert "figures" not in hidden
    assert "step 15" in hidden["status"]["words"], "the status is there all the same"
    numbers = {"trained": second["number"], "rates": first["number"], "scores": first["number"]}
    taken(shown, get(APP, live_address(job.id), since=hidden["number"], **numbers).json())
    whole: Curves = {}
    taken(whole, asked(job.id))
    assert {name: shown[name] for name in numbers} == {name: whole[name] for name in numbers}


def test_where_nothing_is_new_nothing_is_sent(store: Store) -> None:
    job = Job(store)
    job.makes(20)
    number = asked(job.id)["number"]
    again = get(APP, live_address(job.id), since=number, **dict.fromkeys(FIGURES, number))
    assert again.json().keys() == {"number", "page"}
    assert len(again.content) < 100


def test_all_who_ask_get_the_same_bytes_made_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(store)
    job.makes(10)
    number = asked(job.id)["number"]
    job.makes(5)
    made: list[int] = []
    make = live_feed.LiveFeed._made
    monkeypatch.setattr(live_feed.LiveFeed, "_made", lambda *args: made.append(1) or make(*args))
    answers = {get(APP, live_address(job.id), since=number, trained=number).content for _ in range(30)}
    assert (len(answers), len(made)) == (1, 1)


def test_who_has_fallen_behind_or_has_seen_another_server_gets_all(store: Store) -> None:
    job = Job(store)
    job.makes(2)
    first = asked(job.id)["number"]
    for _ in range(live_feed._MOMENTS):
        job.makes(1)
        asked(job.id)
    for since in (first, 7, 10**15):
        assert all(parts["whole"] for parts in asked(job.id, since)["figures"].values())
    for since in ("x", "-1", "9" * 5000, "²"):
        assert get(APP, live_address(job.id), since=since, trained=since).json()["figures"]["trained"]["whole"]
    assert len(feed(job.id)._answers) == 2, "nobody can fill the memory by asking"
    for shown in range(200):
        known = [number for number in feed(job.id)._seen for _ in range(6)]
        get(
            APP,
            live_address(job.id),
            since=known[shown % 48],
            trained=known[shown * 7 % 48],
            rates=known[shown * 5 % 48],
        )
    assert len(feed(job.id)._answers) <= live_feed._ANSWERS


def test_the_page_is_told_to_run_again_for_what_only_it_can_draw(store: Store) -> None:
    job = Job(store)
    job.makes(30)
    structure = feed(job.id).structure()
    job.makes(20)
    assert feed(job.id).structure() == structure, "steps and validations are sent"
    assert asked(job.id)["page"] == structure
    store.set_status(job.id, RunStatus.PAUSED, "No space left")
    assert feed(job.id).structure() != structure
    assert asked(job.id)["page"] == feed(job.id).structure()


def test_until_there_is_a_step_the_browser_asks_more_often(store: Store) -> None:
    job = Job(store)
    assert asked(job.id)["wait"] < 1000
    job.makes(1)
    assert "wait" not in asked(job.id)


def test_predictions_are_pictures_by_their_step(store: Store) -> None:
    job = Job(store)
    job.makes(12)
    step = asked(job.id)["preview"]
    picture = get(APP, prediction_address(job.id), step=step)
    assert (picture.status, picture.headers["content-type"]) == (200, "image/webp")
    assert picture.content[8:12] == b"WEBP"
    assert get(APP, prediction_address(job.id), step=7).status == 404


@pytest.mark.parametrize(
    "address", [live_address("nowhere"), f"{live_address('nowhere')}/prediction/x", live_address("%2e%2e")]
)
def test_an_unknown_run_is_said_to_be_unknown(store: Store, address: str) -> None:
    answer = get(APP, address)
    assert answer.status == 404
    assert b"no such run" in answer.content
