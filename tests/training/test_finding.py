"""A run that finds nothing: since when, of which class, and in words."""

from __future__ import annotations

import pytest

from explorer.metrics.counts import ClassScores, ObjectScores, PixelScores, Scores
from explorer.training.events import Validation
from explorer.training.finding import Silence, found_nothing_since, not_found_message, silences

NAMES = ("background", "car", "house")
# precision and recall of a class: found, nothing predicted, all wrong, not in the label
FOUND, NOTHING, WRONG, ABSENT = (0.5, 0.1), (None, 0.0), (0.0, 0.0), (None, None)


def seen(*classes: tuple[float | None, float | None]) -> Scores:
    by_id = {
        k: ClassScores(PixelScores(p, r, r, r), ObjectScores(p, r, r, 0, 0, 0))
        for k, (p, r) in enumerate([(1.0, 1.0), *classes])
    }
    return Scores(None, by_id)


def run(*scores: Scores) -> list[Validation]:
    return [Validation(10 * number, 0, 0, each, 64, 0.1) for number, each in enumerate(scores, start=1)]


@pytest.mark.parametrize(
    ("validations", "expected", "since"),
    [
        ([], (), None),
        ([seen(FOUND)], (), None),
        ([seen(NOTHING)], (Silence(1, 10, False),), 10),
        ([seen(FOUND), seen(NOTHING), seen(WRONG)], (Silence(1, 20, True),), 20),
        ([seen(NOTHING), seen(FOUND), seen(NOTHING)], (Silence(1, 30, False),), 30),
        ([seen(NOTHING), seen(FOUND)], (), None),
        ([seen(FOUND, NOTHING)], (Silence(2, 10, False),), None),
        ([seen(NOTHING, WRONG), seen(NOTHING, FOUND), seen(NOTHING, WRONG)],
         (Silence(1, 10, False), Silence(2, 30, True)), 30),
        ([seen(NOTHING, ABSENT)], (Silence(1, 10, False),), 10),
        ([seen(ABSENT, ABSENT)], (), None),
    ],
)  # fmt: skip
def test_since_when_nothing_is_found(
    validations: list[Scores], expected: tuple[Silence, ...], since: int | None
) -> None:
    assert silences(run(*validations)) == expected
    assert found_nothing_since(run(*validations)) == since


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (seen(FOUND, FOUND), ""),
        (seen(FOUND, ABSENT), ""),
        (Scores(None, {}), ""),
        (
            seen(NOTHING, ABSENT),
            "done, but nothing was found: on the validation scenes no pixel is predicted as “car”",
        ),
        (
            seen(NOTHING, WRONG),
            "done, but nothing was found: on the validation scenes no pixel predicted as “car” or “house” is right",
        ),
        (
            seen(FOUND, NOTHING),
            "done, but not every class was found: on the validation scenes no pixel is predicted as “house”",
        ),
    ],
)
def test_the_end_of_a_run_says_what_was_not_found(scores: Scores, words: str) -> None:
    assert not_found_message(scores, NAMES) == words
