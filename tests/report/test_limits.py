"""The limits that a report states follow from the run."""

from __future__ import annotations

import copy
from dataclasses import replace

from explorer.imagery.match_rule import MatchRule
from explorer.report.limits import intended_use, limits
from explorer.report.source import RunSource
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.spec import PretrainedSpec
from explorer.training.events import Ended, Intervened, Step, Validation
from explorer.training.plan import Intervention, Trigger


def said(run: RunSource, *beside: RunSource) -> str:
    return "\n".join(limits(run, beside or (run,)))


def test_counts_are_those_of_the_run(run: RunSource) -> None:
    assert run.summary is not None
    found = run.summary["validation"]["classes"]["1"]["object"]
    there = found["true_positives"] + found["false_negatives"]
    text = said(run)
    assert "The scores rest on 1 validation scene; one odd scene can decide them." in text
    assert f"there are {there} objects to find" in text
    assert f"Objects of the label below {run.reference.minimum_area} px" in text
    assert "One seed" in text


def test_a_run_that_has_not_ended_has_no_scores(run: RunSource) -> None:
    assert said(replace(run, summary=None)).startswith("Nothing is scored yet")


def test_what_was_found_nowhere_is_said(run: RunSource) -> None:
    summary = copy.deepcopy(dict(run.summary or {}))
    summary["found_nothing"] = {"1": True}
    assert "no pixel was found" in said(replace(run, summary=summary))


def test_a_rule_that_a_blob_wins_is_named(run: RunSource) -> None:
    assert "one blob" not in said(run)
    rule = run.reference.model_copy(update={"match_rule": MatchRule.parse("overlap")})
    assert "one blob over everything" in said(replace(run, reference=rule))


def with_trigger(run: RunSource, choose_threshold: bool) -> RunSource:
    phase = run.plan.phases[0].model_copy(update={"trigger": Trigger()})
    return replace(run, plan=run.plan.model_copy(update={"phases": (phase,), "choose_threshold": choose_threshold}))


def test_triggers_that_watched_the_scenes_that_score_are_said(run: RunSource) -> None:
    assert "Triggers watched" not in said(run)
    watched = with_trigger(run, choose_threshold=False)
    assert "Triggers watched the validation scenes" in said(watched)
    unseen = tuple(each for each in run.events if not isinstance(each, Validation))
    assert "Triggers watched" not in said(replace(watched, events=unseen)), "there was nothing to watch"


def test_triggers_of_a_plan_that_chooses_its_threshold_never_watch_the_scenes_that_score(run: RunSource) -> None:
    held_out = with_trigger(run, choose_threshold=True)
    assert held_out.threshold_scenes
    assert "Triggers watched" not in said(held_out)
    assert run.own is not None
    blind = replace(held_out, own=replace(run.own, scenes=(), classes=()))
    assert "Triggers watched nothing" in said(blind)


def test_settings_that_limit_are_said(run: RunSource) -> None:
    changes = {"segmenter": PretrainedSpec(), "inputs": InputSpec(scale=0.25), "upright": True}
    changed = replace(run, plan=run.plan.model_copy(update=changes))
    text = said(changed)
    assert "ImageNet" in text
    assert "covers 4 pixels" in text
    assert "Up was taken to be up" in text
    assert "0.25 times their resolution" in intended_use(changed)


def test_seeds_beside_it_count_where_all_else_is_equal(run: RunSource) -> None:
    other = replace(run, plan=run.plan.model_copy(update={"seed": 7}))
    assert "2 seeds of this plan" in said(run, run, other)
    shorter = replace(run, plan=run.plan.model_copy(update={"seed": 7, "batch_size": 4}))
    assert "One seed" in said(run, run, shorter)


def test_seeds_that_were_steered_or_did_not_end_do_not_count(run: RunSource) -> None:
    other = replace(run, plan=run.plan.model_copy(update={"seed": 7}))
    going_on = replace(other, events=tuple(each for each in other.events if not isinstance(each, Ended)))
    at = next(number for number, each in enumerate(other.events) if isinstance(each, Step))
    change = Intervened(0, Intervention(step=0, learning_rate=0.5))
    steered = replace(other, events=(*other.events[:at], change, *other.events[at:]))
    for each in (going_on, steered):
        assert "One seed" in said(run, run, each)
        assert "One seed" in said(each, run, each)
