"""The figures of a run through training, and those of several runs laid over each other. Landscapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from explorer.figures.colours import colours_of
from explorer.figures.comparison import compared_losses_figure, compared_scores_figure
from explorer.figures.imagery import plain_text
from explorer.figures.landscape import MOST_FIELDS, arrangement, contour_figure, line_figure
from explorer.figures.landscape_html import about
from explorer.figures.training import (
    other_losses_figure,
    rates_figure,
    schedule_figure,
    scores_figure,
    trained_loss_figure,
)
from explorer.landscape.plane_kinds import plane_kind
from explorer.landscape.slice import Slice
from explorer.report.blocks import Figure
from explorer.report.source import RunSource, thinned, thinning
from explorer.runs.compared_curves import unequal_validations

_ROW = 360  # pixels of a row of landscapes
_SHOWN = ("weighted_cross_entropy", "jaccard", "recall_{0}", "f1_{0}")  # of a landscape; {0}: the class
_VALIDATED = (
    "On as much of the validation scenes as the time allows, with the most probable class of each pixel: the result of "
    "the run is on all of them."
)
_OWN_AXIS = "Each loss has its own axis: values of two losses do not compare."


def run_figures(run: RunSource) -> tuple[Figure, ...]:
    """What a run did through training; empty before its first step."""
    history, steps = run.history, run.history.most_steps
    if not history.last_step:
        return ()
    bands = "Bands are phases, in the colour of their loss."
    of_classes = []
    for class_id in sorted(range(1, len(run.reference.classes)), key=lambda each: each != run.main_class):
        name = run.reference.classes[class_id]
        text = f"{_VALIDATED} Match rule: {run.reference.match_rule.words}."
        if not history.labels(class_id):
            text = f"n/a: what was validated holds no {name}. {text}"
        title = f"Recall and precision of {name}"
        figure = scores_figure(history, class_id, plain_text(name), steps)
        of_classes.append(Figure(figure, 290, f"{title}, by validation", f"{text} {bands}", title))
    return (
        Figure(schedule_figure(run.plan, history), 170, "learning rate and phases", "", "Schedule"),
        Figure(
            trained_loss_figure(history, steps),
            260,
            "the loss that is trained, by step",
            f"{bands} The line breaks where the loss changes: values of different losses do not compare.",
            "Training loss",
        ),
        *of_classes,
        Figure(
            other_losses_figure(history, steps), 520, "all logged losses by step", _OWN_AXIS,
            "All losses on the training batches",
        ),
        Figure(rates_figure(history, steps), 260, "gradient norm and learning rate", "", "Gradient norm and rate"),
    )  # fmt: skip


def compared_figures(runs: Sequence[RunSource]) -> tuple[Figure, ...]:
    """Recall, precision and losses of several runs through training, those on one dataset together."""
    colours = colours_of([plain_text(run.label) for run in runs])
    groups: dict[str, list[RunSource]] = {}
    for run in runs:
        if run.history.last_step:
            groups.setdefault(run.reference.id, []).append(run)
    return tuple(
        figure
        for group in groups.values()
        for figure in _compared_on_one_dataset(
            group, colours, f" on {group[0].reference.name}" if len(groups) > 1 else ""
        )
    )


def _compared_on_one_dataset(runs: Sequence[RunSource], colours: Mapping[str, str], where: str) -> Iterator[Figure]:
    """Figures of the runs of one dataset.

    Args:
        colours: by the run's name, as in the whole report.
        where: which dataset it is, if there are several.
    """
    histories = {plain_text(run.label): run.history for run in runs}
    unequal = unequal_validations({run.label: run.history for run in runs})
    reference, class_id = runs[0].reference, runs[0].main_class
    for scope, counted in (("object", f"the match rule {reference.match_rule.words}"), ("pixel", "pixels")):
        figure = compared_scores_figure(histories, colours, class_id, scope)
        text = f"{reference.classes[class_id]}{where}, counted by {counted}. {_VALIDATED}"
        text += f" {unequal}" if unequal else ""
        yield Figure(figure, 300, f"recall and precision by step, {counted}", text)
    text = f"On each run's own training batches{where}. {_OWN_AXIS}"
    yield Figure(compared_losses_figure(histories, colours), 430, "all logged losses by step", text)


def landscape_figure(run: RunSource) -> Figure | None:
    """Contours of a few fields of the run's slice, or its lines; None without a slice that has any of them."""
    if run.slice is None:
        return None
    wanted = run.slice.meta.request.watched or tuple(name.format(run.main_class) for name in _SHOWN)
    names = [name for name in wanted if name in run.slice.fields][:MOST_FIELDS]
    if not names:
        return None
    shown = _literal(thinned(run.slice))
    step = thinning(run.slice)
    text = f"{plane_kind(run.slice.meta.request.plane.kind).shows} {about(run.slice)} " + (
        f"Every {step} points along each side, one is shown: the counts in the picture are of these. "
        if step > 1
        else ""
    )
    text += "Sharpness depends on the scale of the weights: a flat place is no promise for other images."
    if run.slice.meta.report.is_line:
        return Figure(line_figure(shown, names), 380, "losses and metrics along a line", text)
    rows, _ = arrangement(len(names))
    return Figure(contour_figure(shown, names, plan=run.plan), rows * _ROW, "contours of losses and metrics", text)


def _literal(slice_: Slice) -> Slice:
    """The slice with the names of classes as they are, where Plotly would read marks."""
    fields = tuple(replace(field, label=plain_text(field.label)) for field in slice_.meta.fields)
    meta = slice_.meta.model_copy(update={"fields": fields, "run": plain_text(slice_.meta.run)})
    return replace(slice_, meta=meta)
