"""The figure of what a plan did on the benchmark's datasets."""

from __future__ import annotations

from typing import Literal

import pytest

from explorer.figures.evidence import evidence_figure, evidence_height
from explorer.training.evidence import Interval, Outcome

UNDEFINED = Interval(mean=None, low=None, high=None)


def outcome(dataset: str, precision: Interval, at: Literal["half", "own"] = "half") -> Outcome:
    return Outcome(
        dataset=dataset,
        plan="CE",
        losses=("cross_entropy",),
        segmenter="Small U-Net",
        steps=240,
        preset="ce_only",
        measure="iou:0.5",
        at=at,
        recall=Interval(mean=0.6, low=0.5, high=0.8),
        precision=precision,
        f1=Interval(mean=0.4, low=0.3, high=0.45),
        seeds=8,
        units=3,
    )


def test_scores_and_intervals_are_drawn() -> None:
    figure = evidence_figure([outcome("Ships", Interval(mean=0.3, low=0.1, high=0.4)), outcome("Cars", UNDEFINED)])
    recall, precision, f1 = figure.data
    assert (list(recall.x), list(f1.x)) == ([0.6, 0.6], [0.4, 0.4])
    assert list(recall.error_x.array) == pytest.approx([0.2, 0.2])
    assert list(recall.error_x.arrayminus) == pytest.approx([0.1, 0.1])
    assert list(precision.x) == [0.3], "an undefined score is left out"
    assert list(figure.layout.yaxis.ticktext) == ["Ships", "Cars"]


def test_first_dataset_is_at_the_top() -> None:
    figure = evidence_figure([outcome("Ships", UNDEFINED), outcome("Cars", UNDEFINED)])
    first, second = figure.layout.yaxis.tickvals
    low, high = figure.layout.yaxis.range
    assert low < second < first < high


@pytest.mark.parametrize(("at", "words"), [("half", "at threshold ½"), ("own", "at each run's own threshold")])
def test_axis_names_the_threshold(at: Literal["half", "own"], words: str) -> None:
    layout = evidence_figure([outcome("Ships", UNDEFINED, at)]).layout
    assert words in layout.xaxis.title.text
    assert layout.margin.b >= 40, "the axis has room for its numbers and its title"


def test_more_datasets_take_more_room() -> None:
    one = outcome("Ships", UNDEFINED)
    assert evidence_height([one]) < evidence_height([one, one])
