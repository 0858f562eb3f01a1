"""What a class has guessed and answered in the lessons, for the page Class: distributions, never who said what."""

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

_LANGUAGE = "en"  # of the page Class
_REFRESH_SECONDS = 5.0


@st.fragment(run_every=_REFRESH_SECONDS)
def show_class_answers() -> None:
    """A lesson to choose, and what was answered to each of its steps."""
    if not visitor().teacher:
        st.rerun()
    st.header("Lessons", anchor=False)
    asked = services.store().lesson_answers.lessons(class_since())
    offered = [
        each for each in reading.lessons(_LANGUAGE, reading.LESSONS) if isinstance(each, Lesson) and each.slug in asked
    ]
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
            try:
                show_answer(step, None, said, WORDS[_LANGUAGE], f"class-{lesson.slug}-{number}")
            except InputError as problem:
                show_problem(problem)
