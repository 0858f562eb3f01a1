"""What a class has answered to a step, summed up: counts, or the middle and the quartiles. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.lessons.model import ChoiceGuess, LineGuess, Step, ValueGuess
from explorer.runs.lesson_answers import Given

FEWEST = 3
"""So many answers are summed up for others, so that nobody's own can be told from it."""


@dataclass(frozen=True)
class ChoiceCounts:
    """How often each option was chosen."""

    counts: tuple[int, ...]


@dataclass(frozen=True)
class Spread:
    """Quartiles of numbers, at each value of x where the answers are lines; of single numbers there is one of each."""

    lower: tuple[float, ...]
    middle: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True)
class Distribution:
    """The answers of a class to one step."""

    answers: int
    summary: ChoiceCounts | Spread


def fits(step: Step, given: Given) -> bool:
    """Whether an answer can be one to this step: a lesson may have been changed since it was given."""
    guess = step.guess
    if isinstance(guess, LineGuess):
        return isinstance(given, tuple) and len(given) == len(guess.x) and _within(given, guess.low, guess.high)
    if isinstance(given, tuple):
        return False
    if isinstance(guess, ValueGuess):
        return _within((given,), guess.low, guess.high)
    options = len(guess.options) if isinstance(guess, ChoiceGuess) else 0
    options = options or (len(step.question.answers) if step.question is not None else 0)
    return isinstance(given, int) and 0 <= given < options


def distribution(step: Step, given: Sequence[Given]) -> Distribution | None:
    """The answers to a step summed up; None if there are fewer than ``FEWEST``.

    Args:
        step: of the lesson.
        given: of the class; those that do not fit the step are left out.
    """
    fitting = [each for each in given if fits(step, each)]
    if len(fitting) < FEWEST:
        return None
    if isinstance(step.guess, LineGuess | ValueGuess):
        table = np.array([each if isinstance(each, tuple) else (each,) for each in fitting], dtype=float)
        lower, middle, upper = (tuple(map(float, row)) for row in np.quantile(table, (0.25, 0.5, 0.75), axis=0))
        return Distribution(len(fitting), Spread(lower, middle, upper))
    options = len(step.guess.options) if step.guess is not None else len(step.question.answers) if step.question else 0
    counts = np.bincount([int(each) for each in fitting if not isinstance(each, tuple)], minlength=options)
    return Distribution(len(fitting), ChoiceCounts(tuple(int(count) for count in counts)))


def right_option(step: Step) -> int | None:
    """The number (from 0) of the right option or answer; None where a number or a line is asked for."""
    if isinstance(step.guess, ChoiceGuess):
        return step.guess.right - 1
    if step.question is not None:
        return next(i for i, answer in enumerate(step.question.answers) if answer.right)
    return None


def options_of(step: Step) -> tuple[str, ...]:
    """The options or answers to choose from; none where a number or a line is asked for."""
    if isinstance(step.guess, ChoiceGuess):
        return step.guess.options
    return () if step.question is None else tuple(answer.text for answer in step.question.answers)


def _within(values: Sequence[float], low: float, high: float) -> bool:
    return all(low <= value <= high for value in values)
