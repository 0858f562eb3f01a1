"""Learn: short lessons, each with guesses before results; one Markdown file a lesson."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.lessons import reading
from explorer.lessons.model import Lesson
from explorer.lessons.reading import BrokenLesson
from explorer.lessons.words import WORDS, Words
from explorer.ui import address
from explorer.ui.frame import frame, wrapping_columns
from explorer.ui.lesson_answers import response, see, seen
from explorer.ui.lesson_step import show_step
from explorer.ui.messages import show_problem

LESSON, STEP, LANGUAGE = "lesson", "step", "lang"  # in the address
FIRST_LANGUAGE = "en"
ACROSS = 2  # cards in a row

Found = Sequence[Lesson | BrokenLesson]


def pick_language() -> str:
    """The language, of those that have lessons and words; the address decides."""
    known = [each for each in reading.languages(reading.LESSONS) if each in WORDS]
    shown = address.named(LANGUAGE, "language", known, WORDS[FIRST_LANGUAGE].name)
    if shown not in known:
        shown = FIRST_LANGUAGE
    key = f"language-{shown}"  # another widget once the address has changed
    st.segmented_control(
        "Language", known, default=shown, required=True, key=key, on_change=take_language, args=(key,),
        format_func=lambda each: WORDS[each].name, label_visibility="collapsed",
    )  # fmt: skip
    return shown


def take_language(key: str) -> None:
    """Puts the language that was chosen into the address."""
    chosen = st.session_state[key]
    st.query_params.pop(LANGUAGE, None)
    if chosen != FIRST_LANGUAGE:
        st.query_params[LANGUAGE] = chosen


def in_language(language: str) -> tuple[Found, set[str]]:
    """The lessons of a language, those that it lacks in English; and the slugs of the latter."""
    own = reading.lessons(language, reading.LESSONS)
    slugs = {each.slug for each in own}
    others = [each for each in reading.lessons(FIRST_LANGUAGE, reading.LESSONS) if each.slug not in slugs]
    found = [*own, *others]
    found.sort(key=lambda each: (isinstance(each, BrokenLesson), each.order if isinstance(each, Lesson) else 0))
    return found, {each.slug for each in others}


def open_step(slug: str | None, number: int = 0) -> None:
    """Shows a step of a lesson, or the list of lessons."""
    for name in (LESSON, STEP):
        st.query_params.pop(name, None)
    if slug is not None:
        st.query_params[LESSON] = slug
        if number:
            st.query_params[STEP] = str(number + 1)


def show_cards(found: Found, words: Words) -> None:
    """All lessons: what each is about, and how far the visitor is."""
    st.markdown(words.introduction)
    for start in range(0, len(found), ACROSS):
        columns = wrapping_columns(f"lessons-{start}", ACROSS)
        for column, lesson in zip(columns, found[start : start + ACROSS], strict=False):
            with column, st.container(border=True, height="stretch", key=f"tile-{lesson.slug}"):
                if isinstance(lesson, BrokenLesson):
                    st.markdown(f"**{words.broken}**")
                    show_problem(lesson.problem)
                else:
                    show_card(lesson, words)


def show_card(lesson: Lesson, words: Words) -> None:
    """One lesson with the button that opens it."""
    st.markdown(f"**{lesson.title}**  \n{lesson.goal}")
    looked = seen(lesson.slug)
    after = max(looked, default=-1) + 1
    done = after >= len(lesson.steps)
    st.caption(words.minutes.format(lesson.minutes) + (f" · :material/check: {words.done}" if done else ""))
    first = 0 if done else max(0, after - 1)
    label = words.go_on.format(first + 1) if looked and not done else words.start
    st.button(label, key=f"open-{lesson.slug}", type="primary" if not looked else "secondary", on_click=open_step,
              args=(lesson.slug, first))  # fmt: skip


def show_lesson(lesson: Lesson, following: Lesson | None, words: Words) -> None:
    """One step of a lesson, with the way to the others."""
    steps = [str(number + 1) for number in range(len(lesson.steps))]
    number = int(address.named(STEP, STEP, steps, steps[0]) or steps[0]) - 1
    see(lesson.slug, number)
    st.header(lesson.title, anchor=False)
    st.caption(lesson.goal)
    st.progress((number + 1) / len(steps), words.step.format(number + 1, len(steps)))
    show_step(lesson.slug, number, lesson.steps[number], words)
    waits = lesson.steps[number].waits and response(lesson.slug, number) is None
    with st.container(horizontal=True):
        st.button(words.back, icon=":material/arrow_back:", key="lesson-back", disabled=number == 0,
                  on_click=open_step, args=(lesson.slug, number - 1))  # fmt: skip
        if number + 1 < len(steps):
            st.button(words.next, icon=":material/arrow_forward:", key="lesson-next",
                      type="secondary" if waits else "primary", on_click=open_step,
                      args=(lesson.slug, number + 1))  # fmt: skip
        elif following is not None:
            st.button(words.next_lesson.format(following.title), icon=":material/arrow_forward:", key="lesson-after",
                      type="secondary" if waits else "primary", on_click=open_step,
                      args=(following.slug,))  # fmt: skip


frame("Learn")
with st.container(horizontal=True, vertical_alignment="center"):
    above = st.container(width="content")
    language = pick_language()
words = WORDS[language]
found, foreign = in_language(language)
by_slug = {each.slug: each for each in found}
slug = address.named(LESSON, LESSON, by_slug, words.all_lessons)
if slug not in by_slug:
    show_cards(found, words)
else:
    above.button(words.all_lessons, icon=":material/apps:", key="lesson-all", on_click=open_step, args=(None,))
    lesson = by_slug[slug]
    if isinstance(lesson, BrokenLesson):
        show_problem(lesson.problem)
    else:
        if slug in foreign:
            st.info(words.other_language, icon=":material/translate:")
        whole = [each for each in found if isinstance(each, Lesson)]
        place = whole.index(lesson)
        show_lesson(lesson, whole[place + 1] if place + 1 < len(whole) else None, words)
