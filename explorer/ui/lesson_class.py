"""What a class has guessed and answered in the lessons, for the page Class: distributions, never who said what.

The result of a step is shown once the teacher asks for it, so that the class can talk about its guesses first.
"""

from __future__ import annotations

import streamlit as st

from explorer.errors import InputError
from explorer.lessons import reading
from explorer.lessons.answers import FEWEST, distribution
from explorer.lessons.model import Lesson
from explorer.lessons.words import WORDS
from explorer.ui import services
from explorer.ui.identity import visitor
from explorer.ui.lesson_answers import class_since
from explorer.ui.lesson_step import show_answer
from explorer.ui.messages import show_problem

_FIRST_LANGUAGE = "en"  # of the page Class, which a lesson has if it can
_REFRESH_SECONDS = 5.0


@st.fragment(run_every=_REFRESH_SECONDS)
def show_class_answers() -> None:
    """A lesson to choose, and what was answered to each of its steps."""
    if not visitor().teacher:
        st.rerun()
    st.header("Lessons", anchor=False)
    asked = services.store().lesson_answers.lessons(class_since())
    offered = [each for each in _lessons() if each.slug in asked]
    if not offered:
        st.info(
            "Once somebody has made a guess on the page Learn, the guesses and answers of the class appear here.",
            icon=":material/school:",
        )
        return
    titles = {each.slug: f"{each.title} (visitors: {asked[each.slug]})" for each in offered}
    slug = st.selectbox("Lesson", list(titles), format_func=titles.__getitem__, key="class-lesson")
    lesson = next(each for each in offered if each.slug == slug)
    given = services.store().lesson_answers.of_lesson(lesson.slug, class_since())
    for number, step in enumerate(lesson.steps):
        if not given.get(number):
            continue
        said = distribution(step, given[number])
        with st.expander(f"{step.title} (answers: {len(given[number])})"):
            if said is None:
                st.caption(f"Shown from {FEWEST} answers on, so that nobody's own can be told.")
                continue
            key = f"class-{lesson.slug}-{number}"
            with_result = st.toggle("Show the result", key=f"{key}-with-result")
            try:
                show_answer(step, None, said, WORDS.get(lesson.language, WORDS[_FIRST_LANGUAGE]), key, with_result)
            except InputError as problem:
                show_problem(problem)


def _lessons() -> list[Lesson]:
    """Every lesson once: in English, or in the first other language that has it."""
    found: dict[str, Lesson] = {}
    for language in reading.languages(reading.LESSONS):  # English first
        for each in reading.lessons(language, reading.LESSONS):
            if isinstance(each, Lesson):
                found.setdefault(each.slug, each)
    return sorted(found.values(), key=lambda each: (each.order, each.slug))
