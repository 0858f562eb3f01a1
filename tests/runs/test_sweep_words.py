"""What stands beside the counts of a sweep: what is split and left out, and that each class stands alone."""

from __future__ import annotations

from explorer.imagery.match_rule import HALF_IOU
from explorer.metrics.splitting_predictions import ObjectCut
from explorer.metrics.threshold_choice import ChosenThreshold
from explorer.runs.class_thresholds import OwnThresholds
from explorer.runs.sweep_words import about_sweeps, cut_of


def test_cuts_are_said_once_where_all_runs_have_the_same() -> None:
    cut = ObjectCut(12.0, 40)
    text = about_sweeps({"a": cut, "b": cut}, 2)
    assert text.startswith(
        "At every threshold, predictions that touch are split, and objects below 40 px are left out."
    )
    assert "A result at ½ is of predictions as they are" in text


def test_cuts_are_said_run_by_run_where_they_differ() -> None:
    text = about_sweeps({"a": ObjectCut(None, 40), "b": ObjectCut()}, 2)
    assert "a: objects below 40 px are left out; b: predictions are taken as they are." in text


def test_several_classes_stand_alone() -> None:
    assert "Each class is thresholded by itself" in about_sweeps({"a": ObjectCut()}, 3)
    assert "by itself" not in about_sweeps({"a": ObjectCut()}, 2)


def test_a_sweep_cuts_as_it_was_asked_to_and_drops_what_the_class_chose() -> None:
    chosen = ChosenThreshold(1, 0.3, "F1", 0.5, 4, ("north",), "the best", smallest=40)
    own = OwnThresholds("step_1.safetensors", HALF_IOU, 1, ("north",), (chosen,), (12.0,))
    assert cut_of(own, 1, split=True) == ObjectCut(12.0, 40)
    assert cut_of(own, 1, split=False) == ObjectCut(None, 40)
    assert cut_of(None, 1, split=False) == ObjectCut()
