"""One step of a lesson: its text, the guess, and what is shown after it. Results leave the server after the guess."""

from __future__ import annotations

import math

import streamlit as st

from explorer.errors import InputError
from explorer.figures.lessons import (
    LINE_HEIGHT,
    VALUE_HEIGHT,
    line_figure,
    options_figure,
    options_height,
    value_figure,
)
from explorer.lessons.answers import FEWEST, ChoiceCounts, Distribution, Spread, fits, options_of, right_option
from explorer.lessons.model import LineGuess, Question, Step, ValueGuess
from explorer.lessons.words import Words
from explorer.runs.lesson_answers import Given
from explorer.ui.classroom import classroom
from explorer.ui.frame import PAGES
from explorer.ui.lesson_answers import Response, answer, forget, of_class, response
from explorer.ui.lesson_experiments import measured, require_result, show_experiment
from explorer.ui.lesson_figure import lesson_figure
from explorer.ui.lesson_grid_run import plan_query
from explorer.ui.lesson_line import draw_line, x_labels
from explorer.ui.messages import show_problem

_PAGES = {file.removeprefix("pages/").removesuffix(".py"): (file, icon) for file, icon in PAGES.values()}


def show_step(lesson: str, number: int, step: Step, words: Words) -> None:
    """Draws the step.

    Args:
        lesson: slug of its lesson.
        number: of the step, from 0.
        step: its content.
        words: of the language.
    """
    st.markdown(f"### {step.title}")
    if step.text:
        st.markdown(step.text)
    key = f"lesson-{lesson}-{number}"
    given = response(lesson, number)
    if given is not None and given.given is not None and not fits(step, given.given):
        given = None  # the lesson has been changed meanwhile
    if step.waits and given is None:
        _ask(lesson, number, step, words, key)
    else:
        _show_result(lesson, number, step, given, words, key)
    _show_links(step, words)


def _ask(lesson: str, number: int, step: Step, words: Words, key: str) -> None:
    """The guess or the question, with the buttons that take it; if it has no result, why."""
    try:
        if isinstance(step.guess, LineGuess | ValueGuess) and step.experiment is not None:
            require_result(step.experiment, step.guess.measure, _x(step.guess))
    except InputError as problem:  # now, and not once the visitor has guessed
        show_problem(problem)
        return
    with st.container(border=True):
        given = _question(step, words, key)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                words.guess if step.guess is not None else words.answer,
                type="primary",
                key=f"{key}-take",
                disabled=given is None,
                help=words.draw_first if given is None and isinstance(step.guess, LineGuess) else None,
                on_click=answer,
                args=(lesson, number, given),
            )
            st.button(words.skip, type="tertiary", key=f"{key}-skip", on_click=answer, args=(lesson, number, None))


def _question(step: Step, words: Words, key: str) -> Given | None:
    """What is asked, and its widget; None while nothing is chosen or drawn."""
    guess = step.guess
    if guess is not None:
        st.markdown(words.first_guess.format(guess.ask))
    elif step.question is not None:
        st.markdown(words.first_answer.format(step.question.ask))
    if isinstance(guess, LineGuess):
        line = draw_line(guess, words, f"{key}-line")
        st.caption(words.draw)
        return line
    if isinstance(guess, ValueGuess):
        start = guess.low + round((guess.high - guess.low) / 2 / guess.step) * guess.step
        unit = f" {guess.unit}".replace("%", "%%").rstrip()
        digits = max(0, -math.floor(math.log10(guess.step)))
        return float(
            st.slider(words.choose, guess.low, guess.high, start, guess.step, f"%.{digits}f{unit}", key=f"{key}-value")
        )
    options = options_of(step)
    return st.radio(
        words.choose, range(len(options)), None, options.__getitem__, key=f"{key}-option", label_visibility="collapsed"
    )


def _show_result(lesson: str, number: int, step: Step, given: Response | None, words: Words, key: str) -> None:
    """What was asked with the answer beside the result, the experiment, and what is said about it."""
    said = of_class(lesson, number, step) if given is not None and given.given is not None else None
    if given is not None:
        asked = step.guess.ask if step.guess is not None else step.question.ask if step.question is not None else ""
        st.markdown(f"**{asked}**")
        if given.given is None:
            st.caption(words.skipped)
    answered, first, second = st.container(), st.container(), st.container()
    drawn, explained = (second, first) if isinstance(step.guess, LineGuess | ValueGuess) else (first, second)
    if step.waits and step.after:
        explained.markdown(step.after)
    try:
        if given is not None:
            with answered:
                show_answer(step, given.given, said, words, key)
        if step.experiment is not None:
            with drawn:
                show_experiment(step.experiment, words, key)
    except InputError as problem:
        show_problem(problem)
    if given is not None:
        if said is None and given.given is not None and classroom().is_open:
            st.caption(words.class_few.format(FEWEST))
        st.button(words.again, icon=":material/undo:", type="tertiary", key=f"{key}-again",
                  on_click=forget, args=(lesson, number))  # fmt: skip


def show_answer(
    step: Step, given: Given | None, said: Distribution | None, words: Words, key: str, with_result: bool = True
) -> None:
    """An answer beside the result, and what the class has said.

    Args:
        step: with its guess or question.
        given: the visitor's answer; None: there is none.
        said: by the class; None: it is not shown.
        words: of the language.
        key: unique on the page.
        with_result: else it shows what was said alone.

    Raises:
        InputError: the result cannot be computed.
    """
    if isinstance(step.guess, LineGuess | ValueGuess):
        _show_numbers(step, step.guess, given, said, words, key, with_result)
    else:
        _show_options(step, given, said, words, key, with_result)
    if said is not None:
        st.caption(words.class_answers.format(said.answers))


def _x(guess: LineGuess | ValueGuess) -> tuple[float, ...]:
    return guess.x if isinstance(guess, LineGuess) else ()


def _show_numbers(
    step: Step,
    guess: LineGuess | ValueGuess,
    given: Given | None,
    said: Distribution | None,
    words: Words,
    key: str,
    with_result: bool,
) -> None:
    assert step.experiment is not None, "the model requires it"
    result = measured(step.experiment, guess.measure, _x(guess)) if with_result else None
    spread = said.summary if said is not None and isinstance(said.summary, Spread) else None
    limits = guess.low, guess.high
    mine = [] if given is None else list(given) if isinstance(given, tuple) else [float(given)]

    def named(name: str, value: float) -> tuple[str, float]:
        return f"{name}: {words.number(value, '.3g')} {guess.unit}".rstrip(), value

    if isinstance(guess, LineGuess):
        figure = line_figure(
            x_labels(guess, words),
            None if result is None else (words.result, result),
            (words.your_guess, mine) if mine else None,
            None if spread is None else (words.class_middle, spread.lower, spread.middle, spread.upper),
            (guess.x_title, guess.y_title),
            guess.unit,
            limits,
        )
    else:
        figure = value_figure(
            None if result is None else named(words.result, result[0]),
            named(words.your_guess, mine[0]) if mine else None,
            None
            if spread is None
            else (named(words.class_middle, spread.middle[0])[0], spread.lower[0], spread.middle[0], spread.upper[0]),
            guess.unit,
            limits,
        )
    lesson_figure(figure, words, f"{key}-result", LINE_HEIGHT if isinstance(guess, LineGuess) else VALUE_HEIGHT)
    away = [abs(one - other) for one, other in zip(mine, result or (), strict=False) if math.isfinite(other)]
    if away:
        text = words.mean_away if isinstance(guess, LineGuess) else words.away
        st.markdown(text.format(f"**{words.number(sum(away) / len(away), '.2g')} {guess.unit}**".replace(" **", "**")))


def _show_options(
    step: Step, given: Given | None, said: Distribution | None, words: Words, key: str, with_result: bool
) -> None:
    options, right = options_of(step), right_option(step) if with_result else None
    if right is None:
        pass  # what was said alone
    elif step.question is not None:
        _explain_answers(step.question, given, words)
    elif given == right or given is None:
        st.success(words.right_choice.format(options[right]) if given is not None else options[right],
                   icon=":material/check_circle:")  # fmt: skip
    else:
        st.warning(words.wrong_choice.format(options[int(_number(given))], options[right]),
                   icon=":material/compare_arrows:")  # fmt: skip
    if said is not None and isinstance(said.summary, ChoiceCounts):
        figure = options_figure(options, said.summary.counts, right)
        lesson_figure(figure, words, f"{key}-class", options_height(len(options)))


def _explain_answers(question: Question, given: Given | None, words: Words) -> None:
    """Every answer with what is said about it; the visitor's one and the right one are marked."""
    for number, each in enumerate(question.answers):
        mark = ":material/check_circle:" if each.right else ":material/cancel:"
        text = f"{mark} **{each.text}**" + (f" · {words.right}" if each.right else "")
        mine = f" · :gray-badge[{words.your_answer}]" if number == given else ""
        st.markdown(f"{text}{mine}  \n{each.why}")


def _number(given: Given) -> float:
    return math.nan if isinstance(given, tuple) else given


def _show_links(step: Step, words: Words) -> None:
    """Links to other pages with everything set."""
    if not step.links:
        return
    st.markdown(f"**{words.try_it}**")
    for link in step.links:
        file, icon = _PAGES[link.page]
        plan = {} if link.cell is None else plan_query(link.cell.grid, link.cell.values)
        st.page_link(file, label=link.label, icon=icon, query_params=link.query | plan)
