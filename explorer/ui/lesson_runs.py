"""Experiments of the lessons on runs that come with the app: grids of short runs, paths of runs, slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from explorer.errors import InputError
from explorer.figures.lesson_runs import (
    PATHS_HEIGHT,
    SLICES_HEIGHT,
    TABLE_HEIGHT,
    Path,
    cell_score,
    paths_figure,
    slices_figure,
    table_figure,
    weights_figure,
)
from explorer.figures.lessons import LINE_HEIGHT, values_figure
from explorer.imagery.builtin import BUILTIN
from explorer.landscape.slice import Slice
from explorer.lessons.experiments import GridCurves, GridLine, GridTable, RunPaths, Slices
from explorer.lessons.words import Words
from explorer.runs.grids import Grid, load_grid
from explorer.runs.history import History
from explorer.runs.slice_files import slice_version
from explorer.ui import services
from explorer.ui.finished_runs import have_finished_runs
from explorer.ui.lesson_figure import lesson_figure
from explorer.ui.messages import escaped

_DASHES = ("solid", "dash", "dot")
_GOOD_F1 = 0.5
_CLASS = 1  # of the built-in datasets that finished runs were trained on


def show_grid_line(experiment: GridLine, words: Words, key: str) -> None:
    """Scores against the one setting of a grid."""
    grid = load_grid(experiment.grid)
    labels = [f"{cell.values[0]:g}" for cell in grid.cells]
    values = {getattr(words, name): [cell_score(cell, name) for cell in grid.cells] for name in experiment.shows}
    titles = axis_titles(grid, words)[0], words.score_at_half
    lesson_figure(values_figure(labels, values, _DASHES[: len(values)], titles), words, f"{key}-grid", LINE_HEIGHT)
    st.caption(words.grid_caption.format(len(grid.cells), _dataset(grid), grid.steps))


def measure_grid_line(experiment: GridLine, measure: str, x: Sequence[float]) -> list[float]:
    """A score by pixels at threshold ½; x are values of the setting, each of which has a run."""
    grid = load_grid(experiment.grid)
    return [cell_score(grid.cell(value), measure) for value in x]


def show_grid_curves(experiment: GridCurves, words: Words, key: str) -> None:
    """The runs of a grid at threshold ½, beside the first one at every threshold."""
    grid = load_grid(experiment.grid)
    names = words.threshold_curve, words.runs_at_half
    figure = weights_figure(grid, names, (words.recall, words.precision))
    lesson_figure(figure, words, f"{key}-curves", PATHS_HEIGHT)
    st.caption(words.curves_caption.format(_dataset(grid), grid.steps))


def show_grid_table(experiment: GridTable, words: Words, key: str) -> None:
    """A score in each cell of a grid with two axes, or in some of its rows."""
    grid = load_grid(experiment.grid)
    titles = axis_titles(grid, words)
    figure = table_figure(grid, experiment.shows, titles, words.diverged, only=experiment.rows)
    lesson_figure(figure, words, f"{key}-table", TABLE_HEIGHT)
    rows = experiment.rows or grid.axes[0].values
    show_table_caption(grid, getattr(words, experiment.shows), len(rows) * len(grid.axes[1].values), words)


def show_table_caption(grid: Grid, score: str, runs: int, words: Words) -> None:
    """What the cells of a table are: the score, of how many runs, on which data, by which rule."""
    st.caption(words.table_caption.format(score, runs, _dataset(grid), grid.steps))


def measure_grid_table(experiment: GridTable, measure: str, x: Sequence[float]) -> list[float]:
    """How many cells have an F1 of at least ½; or the score in the last row that is drawn, at x on the second axis."""
    grid = load_grid(experiment.grid)
    if measure == "good_cells":
        return [float(sum((cell.f1 or 0) >= _GOOD_F1 for cell in grid.cells))]
    return [cell_score(grid.cell(row, value), experiment.shows) for row in (experiment.rows or ())[-1:] for value in x]


def show_run_paths(experiment: RunPaths, words: Words, key: str) -> None:
    """Runs on the recall–precision plane; or a table of what each has reached at its end."""
    histories = _histories(experiment.runs)
    rule = next(iter(histories.values())).validations[-1].scores.match_rule.words
    counted = words.objects.format(words.localised(rule)) if experiment.scope == "object" else words.pixels
    name = escaped(services.store().dataset_record(services.store().run(experiment.runs[0]).dataset_id).classes[_CLASS])
    if experiment.shows == "path":
        paths = [_path(run_id, each, experiment.scope) for run_id, each in histories.items()]
        titles = words.recall, words.precision, words.step_of_run
        lesson_figure(paths_figure(paths, titles), words, f"{key}-paths", PATHS_HEIGHT)
        st.caption(words.paths_caption.format(counted, name))
        return
    head = f"| {words.run} | {words.recall} | {words.precision} | {words.f1} |\n| --- | --- | --- | --- |\n"
    rows = []
    for run_id, each in histories.items():
        scores = getattr(each.validations[-1].scores.classes[_CLASS], experiment.scope)
        numbers = " | ".join(words.number(getattr(scores, score)) for score in ("recall", "precision", "f1"))
        rows.append(f"| {escaped(services.store().run(run_id).name)} | {numbers} |")
    st.markdown(head + "\n".join(rows))
    st.caption(words.end_caption.format(counted, name))


def measure_run_paths(experiment: RunPaths, measure: str, x: Sequence[float]) -> list[float]:
    """A score of the first run, at the validations at steps x, or at its last one.

    Raises:
        InputError: the run was not validated at one of these steps.
    """
    run_id = experiment.runs[0]
    steps, values = _histories([run_id])[run_id].scores(_CLASS, experiment.scope, measure)
    by_step = {int(step): float(value) for step, value in zip(steps, values, strict=True)}
    for step in x:
        if step not in by_step:
            known = ", ".join(map(str, by_step))
            raise InputError(f"there is no validation at step {step:g}", run_id, f"take x from {known}")
    return [by_step[int(step)] for step in x] or [float(values[-1])]


def show_slices(experiment: Slices, words: Words, key: str) -> None:
    """One field at a time on several planes around one checkpoint."""
    slices = _slices(experiment)
    infos = {field.name: field for field in slices[0][1].meta.fields}
    field: str = st.segmented_control(
        words.field, list(experiment.fields), default=experiment.fields[0], required=True, key=f"{key}-field",
        format_func=lambda name: infos[name].label,
    )  # fmt: skip
    titled = [(getattr(words, f"plane_{kind}"), each) for kind, each in slices]
    figure = slices_figure(titled, field, infos[field].group == "loss", infos[field].smooth)
    lesson_figure(figure, words, f"{key}-slices", SLICES_HEIGHT)
    meta, record = slices[0][1].meta, services.store().run(experiment.run)
    step = int("".join(filter(str.isdigit, meta.checkpoint.split(".")[0])))
    st.caption(words.slices_caption.format(step, escaped(record.name), escaped(record.dataset_name)))
    rows, is_loss = [], infos[field].group == "loss"
    for title, each in titled:
        report = each.meta.report
        cosine = words.number(round(report.cosine, 2) + 0.0)  # without the sign of −0
        lowest = f"{below_centre(each, field):.0f} %" if is_loss else "n/a"  # a low score is no better one
        length = f" {words.number(report.norms[0], '.3g')} |" if experiment.lengths else ""
        rows.append(f"| {title} | {cosine} | {int(each.measured.sum())} | {lowest} |{length}")
    head = words.slices_head + (words.slices_length if experiment.lengths else "")
    st.markdown(f"{head}\n|{' --- |' * (head.count('|') - 1)}\n" + "\n".join(rows))


def measure_slices(experiment: Slices, measure: str, x: Sequence[float]) -> list[float]:
    """About the first field and the last plane: how far its lowest value lies below the centre, in percent; or how
    many times as long the first plane's unit is as that of the last one. There is no x."""
    slices = _slices(experiment)
    first, last = slices[0][1], slices[-1][1]
    if measure == "lowest":
        return [below_centre(last, experiment.fields[0])]
    return [first.meta.report.norms[0] / last.meta.report.norms[0]]


def below_centre(slice_: Slice, field: str) -> float:
    """How far the lowest value of a field lies below that of the centre, in percent of it."""
    values = slice_.fields[field]
    centre = values[np.abs(slice_.beta).argmin(), np.abs(slice_.alpha).argmin()]
    return float(100 * (1 - np.nanmin(values) / centre))


def _histories(run_ids: Sequence[str]) -> dict[str, History]:
    """What the finished runs did.

    Raises:
        InputError: one of them is not there.
    """
    have_finished_runs(run_ids)
    for run_id in run_ids:
        services.store().run(run_id)
    found = {run_id: services.follower(run_id).history() for run_id in run_ids}
    for run_id, each in found.items():
        if not each.validations:
            raise InputError("the run has not been validated", run_id, "name a run that has ended")
    return found


def _path(run_id: str, history: History, scope: str) -> Path:
    steps, recall = history.scores(_CLASS, scope, "recall")
    _, precision = history.scores(_CLASS, scope, "precision")
    losses = [
        next((span.loss.kind for span in history.spans if step <= span.end), history.spans[-1].loss.kind)
        for step in steps
    ]
    return Path(
        services.store().run(run_id).name,
        tuple(int(step) for step in steps),
        tuple(float(value) for value in recall),
        tuple(float(value) for value in precision),
        tuple(losses),
    )


def _slices(experiment: Slices) -> list[tuple[str, Slice]]:
    """The kinds of planes with their slices.

    Raises:
        InputError: one of them is not there, or lacks a field.
    """
    slices: list[tuple[str, Slice]] = [(kind, _slice(experiment.run, kind)) for kind in experiment.planes]
    for name in experiment.fields:
        if any(name not in each.fields for _, each in slices):
            known = ", ".join(slices[0][1].fields)
            raise InputError(f"the slices have no field {name}", experiment.run, f"take {known}")
    return slices


def _slice(run_id: str, kind: str) -> Slice:
    """The slice of a kind that came with a finished run."""
    have_finished_runs([run_id])
    folder = services.store().folder(run_id).path / "slices"
    files = sorted(folder.glob(f"{kind}-*.npz"), key=lambda file: file.stat().st_mtime_ns)
    if not files:
        raise InputError(f"there is no slice on a {kind} plane", run_id, "measure it on the page Landscape")
    return services.measured_slice(files[0], slice_version(files[0]) or (0, 0))


def _dataset(grid: Grid) -> str:
    return BUILTIN[grid.builtin].name


def axis_titles(grid: Grid, words: Words) -> tuple[str, ...]:
    """Titles of the axes of a grid, in their order."""
    return tuple(words.axes.get(axis.name, axis.label) for axis in grid.axes)
