"""One cell of a grid of finished runs, trained live by the visitor, beside the finished run of that cell."""

from __future__ import annotations

from functools import partial

import streamlit as st

from explorer.errors import InputError
from explorer.figures.lesson_runs import TABLE_HEIGHT, table_figure
from explorer.lessons.experiments import GridRun
from explorer.lessons.words import Words
from explorer.runs.grid_plans import cell_plan
from explorer.runs.grids import Cell, GridName, load_grid
from explorer.runs.history import History
from explorer.runs.records import RunRecord
from explorer.training.presets import PRESETS
from explorer.ui import services
from explorer.ui.datasets import resolve
from explorer.ui.edited_plan import PLAN, PRESET
from explorer.ui.frame import stacking_columns
from explorer.ui.lesson_figure import lesson_figure
from explorer.ui.lesson_runs import axis_titles, show_table_caption
from explorer.ui.locks import is_locked
from explorer.ui.messages import show_problem
from explorer.ui.plan_editor import start_run

_POLL_SECONDS = 1.0
_CLASS = 1  # of the built-in datasets


def show_grid_run(experiment: GridRun, words: Words, key: str) -> None:
    """The grid with a cell to choose, the button that trains it, and what came of it."""
    grid = load_grid(experiment.grid)
    titles = axis_titles(grid, words)
    picture, settings = stacking_columns(key, 2)
    with settings:
        values = tuple(
            st.select_slider(title, axis.values, axis.values[len(axis.values) // 2],
                             partial(words.number, digits="g"), key=f"{key}-{axis.name}")
            for title, axis in zip(titles, grid.axes, strict=True)
        )  # fmt: skip
        kept, problem = f"{key}-run-{values}", f"{key}-problem"  # in the session
        st.button(
            words.train_cell, icon=":material/play_arrow:", key=f"{key}-train", type="primary",
            disabled=is_locked("start"), on_click=_train, args=(experiment.grid, values, kept, problem),
        )  # fmt: skip
        st.caption(words.train_cell_caption.format(grid.steps))
        refused = st.session_state.pop(problem, None)
        if isinstance(refused, InputError):
            show_problem(refused)
        run_id = st.session_state.get(kept)
        if run_id is None:
            _show_scores(grid.cell(*values), None, words)
        else:
            record = services.store().run(run_id)
            seconds = _POLL_SECONDS if record.status.active else None
            st.fragment(_follow, run_every=seconds)(run_id, grid.cell(*values), words, record.status.active)
        st.page_link("pages/train.py", label=words.cell_on_train, icon=":material/model_training:",
                     query_params=plan_query(experiment.grid, values))  # fmt: skip
    with picture:
        figure = table_figure(grid, "f1", titles, words.diverged, (values[0], values[1]))
        lesson_figure(figure, words, f"{key}-table", TABLE_HEIGHT)
        show_table_caption(grid, words.f1, len(grid.cells), words)


def plan_query(grid: GridName, values: tuple[float, ...]) -> dict[str, str]:
    """The address of the page Train with the plan of a cell.

    Args:
        grid: of the cell.
        values: of the grid's axes.

    Raises:
        InputError: there is no such cell.
    """
    loaded = load_grid(grid)
    linked = {PLAN: services.store().linked_plans.keep(cell_plan(loaded, values))}
    return linked | ({PRESET: loaded.loss} if loaded.loss in PRESETS else {})  # a preset of which Train says something


def _train(grid: GridName, values: tuple[float, ...], kept: str, problem: str) -> None:
    """Starts the run of a cell; a callback, so that a page that polls cannot start it twice."""
    try:
        loaded = load_grid(grid)
        st.session_state[kept] = start_run(cell_plan(loaded, values), resolve(f"builtin:{loaded.builtin}"))
    except InputError as error:
        st.session_state[problem] = error


def _follow(run_id: str, cell: Cell, words: Words, was_active: bool) -> None:
    """How far the run is, and its scores beside those of the finished one."""
    record = services.store().run(run_id)
    history = services.follower(run_id).history()
    if record.status.active:
        st.progress(min(1.0, history.last_step / history.most_steps),
                    words.training.format(history.last_step, history.most_steps))  # fmt: skip
    _show_scores(cell, (record, history), words)
    st.page_link("pages/train.py", label=record.name, icon=":material/monitoring:", query_params={"run": run_id})
    if was_active and not record.status.active:
        st.rerun()  # once: it no longer polls


def _show_scores(cell: Cell, live: tuple[RunRecord, History] | None, words: Words) -> None:
    status = words.diverged if cell.diverged else ""
    rows = [_row(words.cell_finished, (cell.recall, cell.precision, cell.f1), cell.restarts, status, words)]
    if live is not None:
        record, history = live
        scores = history.validations[-1].scores.classes[_CLASS].pixel if history.validations else None
        found = (None, None, None) if scores is None else (scores.recall, scores.precision, scores.f1)
        status = words.statuses.get(record.status, str(record.status))
        rows.append(_row(words.cell_live, found, history.returns, status, words))
    head = f"|  | {words.recall} | {words.precision} | {words.f1} | {words.restarts} |\n"
    st.markdown(head + "| --- | --- | --- | --- | --- |\n" + "\n".join(rows))
    st.caption(words.cell_caption)


def _row(name: str, scores: tuple[float | None, ...], restarts: int, status: str, words: Words) -> str:
    numbers = " | ".join(words.number(each) for each in scores)
    return f"| {name}{f': {status}' if status else ''} | {numbers} | {restarts} |"
