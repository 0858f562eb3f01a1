"""What a visitor has guessed and answered in lessons: in their session, and, where there is a class, in its store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from explorer.lessons.answers import Distribution, distribution
from explorer.lessons.model import Step
from explorer.runs.lesson_answers import Given
from explorer.ui import services
from explorer.ui.class_overview import CLASS_HOURS
from explorer.ui.classroom import classroom
from explorer.ui.identity import visitor

_ANSWERS = "lesson-answers"  # in the session: by lesson and step
_RESULTS = "lesson-results-seen"  # in the session: lessons and steps whose result was shown, ever
_SEEN = "lesson-steps-seen"  # in the session: the steps of each lesson that were looked at


@dataclass(frozen=True)
class Response:
    """What a visitor did at a step that waits."""

    given: Given | None  # None: looked at the result without a guess


def response(lesson: str, step: int) -> Response | None:
    """What the visitor has answered; None: nothing yet.

    Args:
        lesson: its slug.
        step: number in the lesson, from 0.
    """
    answers: dict[tuple[str, int], Response] = st.session_state.setdefault(_ANSWERS, {})
    return answers.get((lesson, step))


def answer(lesson: str, step: int, given: Given | None) -> None:
    """Takes an answer; None looks at the result without one. The class keeps a visitor's first one, if it was given
    before the result was seen."""
    st.session_state.setdefault(_ANSWERS, {})[lesson, step] = Response(given)
    results: set[tuple[str, int]] = st.session_state.setdefault(_RESULTS, set())
    if classroom().is_open:
        first = None if (lesson, step) in results else given
        services.store().lesson_answers.keep(visitor().id, lesson, step, first, class_since())
    results.add((lesson, step))


def forget(lesson: str, step: int) -> None:
    """Lets the visitor guess again."""
    st.session_state.setdefault(_ANSWERS, {}).pop((lesson, step), None)


def see(lesson: str, step: int) -> None:
    """Notes that the visitor has looked at a step."""
    st.session_state.setdefault(_SEEN, {}).setdefault(lesson, set()).add(step)


def seen(lesson: str) -> set[int]:
    """The steps of a lesson that the visitor has looked at."""
    steps: set[int] = st.session_state.setdefault(_SEEN, {}).get(lesson, set())
    return steps


def class_since() -> datetime:
    """From when on answers are those of the class that is there now."""
    return datetime.now(UTC) - timedelta(hours=CLASS_HOURS)


def of_class(lesson: str, number: int, step: Step) -> Distribution | None:
    """What the class has answered to a step; None if there is no class, or too few have answered."""
    if not classroom().is_open:
        return None
    return distribution(step, services.store().lesson_answers.of_lesson(lesson, class_since()).get(number, []))
