"""Answers of a class: kept once, summed up, and never with a name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from explorer.lessons.answers import ChoiceCounts, Spread, distribution, fits
from explorer.lessons.model import Step
from explorer.runs.lesson_answers import Given
from explorer.runs.store import Store

EXPERIMENT = {"kind": "all_background"}
CHOICE = Step.model_validate(
    {"title": "a", "text": "", "guess": {"kind": "choice", "ask": "?", "options": ["x", "y", "z"], "right": 1}}
)
VALUE = Step.model_validate(
    {
        "title": "a",
        "text": "",
        "experiment": EXPERIMENT,
        "guess": {"kind": "value", "ask": "?", "measure": "loss", "low": 0, "high": 10, "step": 1},
    }
)
LINE = Step.model_validate(
    {
        "title": "a",
        "text": "",
        "experiment": EXPERIMENT,
        "guess": {
            "kind": "line", "ask": "?", "measure": "loss", "x": [20, 10, 5], "x_title": "x", "y_title": "y",
            "low": 0, "high": 10,
        },
    }
)  # fmt: skip


def test_choices_are_counted() -> None:
    said = distribution(CHOICE, [0, 2, 2, 1, 2])
    assert said is not None
    assert said.summary == ChoiceCounts((1, 1, 3))
    assert said.answers == 5


def test_lines_have_a_middle_at_each_x() -> None:
    said = distribution(LINE, [(0.0, 1.0, 2.0), (1.0, 1.0, 4.0), (5.0, 1.0, 9.0)])
    assert said is not None
    assert said.summary == Spread((0.5, 1.0, 3.0), (1.0, 1.0, 4.0), (3.0, 1.0, 6.5))


def test_numbers_have_quartiles() -> None:
    said = distribution(VALUE, [0.0, 5.0, 10.0])
    assert said is not None
    assert said.summary == Spread((2.5,), (5.0,), (7.5,))


@pytest.mark.parametrize("few", [[], [1], [1, 2]])
def test_few_answers_are_not_summed_up(few: list[Given]) -> None:
    assert distribution(CHOICE, few) is None


@pytest.mark.parametrize(
    ("step", "given"),
    [(CHOICE, 3), (CHOICE, -1), (CHOICE, (1.0,)), (VALUE, 11.0), (VALUE, (1.0,)), (LINE, 1.0), (LINE, (1.0, 2.0)),
     (LINE, (1.0, 2.0, 11.0))],
)  # fmt: skip
def test_answers_to_an_earlier_form_of_a_step_are_left_out(step: Step, given: Given) -> None:
    assert not fits(step, given)
    assert distribution(step, [given] * 5) is None


def test_first_answer_of_a_visitor_counts_and_nothing_tells_whose_it_is(tmp_path: Path) -> None:
    store, long_ago = Store(tmp_path), datetime.now(UTC) - timedelta(hours=1)
    table = store.lesson_answers
    for visitor in ("zoe", "ann", "bob"):
        table.keep(visitor, "objects", 1, 2 if visitor == "ann" else 0, long_ago)
        table.keep(visitor, "objects", 1, 1, long_ago)  # a second guess
    table.keep("ann", "objects", 3, (1.0, 2.5), long_ago)
    table.keep("ann", "other", 0, 1, long_ago)
    found = table.of_lesson("objects", long_ago)
    assert found == {1: [0, 0, 2], 3: [(1.0, 2.5)]}, "by value, not by visitor or time"
    assert table.lessons(long_ago) == {"objects": 3, "other": 1}
    assert table.of_lesson("objects", datetime.now(UTC) + timedelta(seconds=1)) == {}


def test_answer_to_an_earlier_class_is_replaced(tmp_path: Path) -> None:
    table = Store(tmp_path).lesson_answers
    first_class = datetime.now(UTC) - timedelta(hours=1)
    table.keep("ann", "objects", 1, 0, first_class)
    second_class = datetime.now(UTC)
    assert table.of_lesson("objects", second_class) == {}
    table.keep("ann", "objects", 1, 2, second_class)
    assert table.of_lesson("objects", second_class) == {1: [2]}
    table.keep("ann", "objects", 1, 1, second_class)
    assert table.of_lesson("objects", second_class) == {1: [2]}, "a second guess in the same class"


def test_who_saw_the_result_first_has_not_guessed(tmp_path: Path) -> None:
    table, long_ago = Store(tmp_path).lesson_answers, datetime.now(UTC) - timedelta(hours=1)
    table.keep("ann", "objects", 1, None, long_ago)
    table.keep("ann", "objects", 1, 2, long_ago)
    assert table.of_lesson("objects", long_ago) == {}
    assert table.lessons(long_ago) == {}
