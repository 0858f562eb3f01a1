"""A run that finds nothing says so on Train and offers remedies; a run that has ended shows its scores."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from explorer.jobs.engine import Engine
from explorer.losses.spec import LossSpec
from explorer.metrics.counts import ClassScores, ObjectScores, PixelScores, Scores
from explorer.runs.records import RunStatus
from explorer.training.diagnosis import nothing_found
from explorer.training.events import Ended, Event, PhaseChange, Started, Step, Validation, to_json
from explorer.training.plan import Phase
from explorer.ui import services
from tests.pages.look import address, button, run_of, status_line, texts
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]
FOUND = ClassScores(PixelScores(0.5, 0.5, 0.3, 0.5), ObjectScores(0.5, 0.5, 0.5, 1, 1, 1))
SILENT = ClassScores(PixelScores(None, 0.0, 0.0, 0.0), ObjectScores(None, 0.0, 0.0, 0, 0, 2))
WRONG = ClassScores(PixelScores(0.0, 0.0, 0.0, 0.0), ObjectScores(0.0, 0.0, 0.0, 0, 3, 2))
PLAN = tiny_plan(40, phases=(Phase(loss=LossSpec(kind="cross_entropy"), steps=40),))


def ran(*validations: ClassScores, ended: bool = True, message: str = "") -> str:
    """A run as its events tell it: ten steps before each validation."""
    store = services.store()
    run_id = store.create_run(PLAN, store.save_dataset(tiny_dataset())).id
    events: list[Event] = [Started(0, "cpu", 100, (1.0, 5.0)), PhaseChange(0, 0, 0, "start")]
    for number, scores in enumerate(validations, start=1):
        step = 10 * number
        events += [
            Step(step, 0, 0, 0.1, {"cross_entropy": 0.1}, 1.0, 1e-3, 1.0),
            Validation(step, 0, 0, Scores(None, {1: scores}), 64, 0.1),
        ]
    if ended:
        events.append(Ended(10 * len(validations), "done", message))
    store.folder(run_id).events_file.write_text("".join(f"{to_json(event)}\n" for event in events))
    store.ingest(run_id)
    if not ended:
        store.set_status(run_id, RunStatus.PAUSED)
    return run_id


def summary_of(nothing: bool) -> dict[str, object]:
    """The summary of a run with one class, as far as the page reads it."""
    scores = {"classes": {"1": {name: {"recall": 0.5, "precision": 0.5, "f1": 0.5} for name in ("object", "pixel")}}}
    return {
        "classes": ["background", "square"],
        "match_rule": "IoU > 0.1",
        "min_area": 6,
        "found_nothing": {"1": nothing},
        "threshold": {"1": 0.7},
        "threshold_source": "own",
        "threshold_choice": {"1": {"rule": "the best threshold, 0.9; halfway from there to ½"}},
        "threshold_scenes": ["north", "south"],
        "validation": scores,
        "validation_half": scores,
        "scenes": {"east": scores, "west": scores},
        "scenes_median": {"classes": {"1": {"object": {"f1": 0.25}, "pixel": {"f1": None}}}},
    }


@pytest.fixture
def train(open_page: OpenPage, measured: None) -> AppTest:
    return open_page("pages/train.py")


def opened(page: AppTest, run_id: str) -> AppTest:
    page.query_params["run"] = run_id
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize(
    ("validations", "said"),
    [
        ((FOUND, SILENT, SILENT), "since step 20: no pixel is predicted as it"),
        ((SILENT, WRONG), "since step 10: every predicted pixel is wrong"),
    ],
)
def test_run_that_finds_nothing_says_since_when(
    train: AppTest, validations: tuple[ClassScores, ...], said: str
) -> None:
    opened(train, ran(*validations, message="done, but nothing was found: no pixel"))
    assert "**Nothing found** of square" in train.error[0].value
    assert said in train.error[0].value
    assert status_line(train)["badge"] == "done, but nothing was found"
    assert not train.warning, "it is said once"


def test_run_that_found_something_is_done(train: AppTest) -> None:
    opened(train, ran(SILENT, FOUND))
    assert not train.error
    assert status_line(train)["badge"] == "done"


def test_run_whose_scores_at_the_end_are_nothing_is_not_plainly_done(train: AppTest) -> None:
    """What is scored at the end is more than what each validation looks at."""
    opened(train, ran(SILENT, FOUND, message="done, but nothing was found: no pixel"))
    assert status_line(train)["badge"] != "done"
    assert "nothing was found: no pixel" in texts(train).replace("\\", "")


def test_run_that_trains_on_says_so_at_once(train: AppTest) -> None:
    opened(train, ran(SILENT, ended=False))
    assert "Nothing found" in train.error[0].value


def test_each_likely_reason_has_a_button_for_each_remedy(train: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "_fill_slots", lambda _: None)  # runs stay in the queue
    run_id = ran(SILENT, SILENT)
    opened(train, run_id)
    dataset_id = services.store().run(run_id).dataset_id
    concerns = nothing_found(services.fingerprint(dataset_id), PLAN)
    assert len(concerns) > 1
    for concern in concerns:
        assert concern.text.split(",")[0].split("“")[0] in texts(train).replace("\\", "")
    remedies = [remedy for concern in concerns for remedy in concern.remedies]
    offered = [each.label for each in train.button if each.label.startswith("New run: ")]
    assert [label.casefold() for label in offered] == [f"new run: {remedy.title}".casefold() for remedy in remedies]
    for label, remedy in zip(offered, remedies, strict=True):
        opened(train, run_id)
        button(train, label).click().run()
        assert not train.exception
        started = services.store().run(run_of(train))
        assert (started.plan, started.dataset_id) == (remedy.plan, dataset_id)
        assert started.id != run_id, "the address shows the new run"
        services.engine().stop(started.id)


def test_remedy_stops_a_run_that_has_not_ended(train: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "_fill_slots", lambda _: None)
    stopped: list[str] = []
    monkeypatch.setattr(Engine, "stop", lambda _, stopping: stopped.append(stopping))
    run_id = ran(SILENT, ended=False)
    opened(train, run_id)
    next(each for each in train.button if each.label.startswith("New run: ")).click().run()
    assert stopped == [run_id]
    assert address(train)["run"] != run_id
    monkeypatch.undo()
    services.engine().stop(run_of(train))


@pytest.mark.parametrize(
    ("live", "at_the_end", "error", "badge"),
    [
        (FOUND, True, "on all validation scenes at its own threshold.", "done, but nothing was found"),
        (
            SILENT,
            True,
            "on all validation scenes at its own threshold, nor in any validation since step 10.",
            "done, but nothing was found",
        ),
        (SILENT, False, "", "done"),
        (FOUND, False, "", "done"),
    ],
)
def test_run_that_has_ended_is_judged_on_all_scenes_at_its_own_threshold(
    train: AppTest, live: ClassScores, at_the_end: bool, error: str, badge: str
) -> None:
    run_id = ran(live, message="done, but nothing was found: on the validation scenes …" if live is SILENT else "")
    services.store().folder(run_id).summary_file.write_text(json.dumps(summary_of(at_the_end)))
    opened(train, run_id)
    assert [each.value.partition(" of square ")[2] for each in train.error] == ([error] if error else [])
    assert status_line(train)["badge"] == badge
    only_at_half = live is SILENT and not at_the_end
    assert [("at ½. At the run's own threshold" in each.value) for each in train.warning] == [True] * only_at_half


def test_class_that_the_validated_parts_do_not_hold_has_no_curve_and_says_so(train: AppTest) -> None:
    absent = ClassScores(PixelScores(None, None, None, None), ObjectScores(None, None, None, 0, 0, 0))
    opened(train, ran(absent, ended=False))
    assert "n/a: the parts of the validation scenes that are looked at hold no square." in texts(train)


def test_ended_run_shows_its_scores_at_its_own_threshold_and_at_half(train: AppTest) -> None:
    run_id = ran(FOUND, FOUND)
    services.store().folder(run_id).summary_file.write_text(json.dumps(summary_of(nothing=False)))
    opened(train, run_id)
    assert list(train.dataframe[0].value["Threshold"]) == ["own (0.70)"] * 2 + ["½ (0.50)"] * 2
    said = texts(train).replace("\\", "")
    assert "Own threshold: the best threshold, 0.9; halfway from there to ½." in said
    assert "Chosen on 2 scenes or blocks that neither trained nor score: north, south." in said
    assert "Match rule: IoU > 0.1; objects from 6 pixels on." in said
    assert "Median of F1 over the 2 scenes at the first threshold: 0.250 (IoU > 0.1), n/a (pixels)." in said
    services.store().set_status(run_id, RunStatus.RUNNING)
    opened(train, run_id)
    assert not train.dataframe, "a run that trains has none yet"
