"""Curves and settings of compared runs, as the page Compare shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from explorer.figures.colours import colours_of
from explorer.figures.compared_curves import Quantity, RunLook, curves_figure, curves_height
from explorer.imagery.scene import Dataset
from explorer.losses.registry import LOSSES, LossKind
from explorer.runs.compared_curves import (
    Axis,
    Points,
    lines_of,
    on_axis,
    seed_groups,
    unequal_validations,
    was_steered,
)
from explorer.runs.compared_settings import TrainedPlan, compare_settings
from explorer.runs.history import SECONDS, History, logged_curve
from explorer.runs.records import RunRecord
from explorer.ui import services
from explorer.ui.frame import wrapping_columns
from explorer.ui.live_figure import live_figure
from explorer.ui.messages import escaped
from explorer.ui.sweeps import short_labels

POLL_SECONDS = 2.0
_AXES: tuple[Axis, ...] = ("steps", "seconds")
_AXIS_TITLES: Mapping[Axis, str] = {"steps": "step", "seconds": "seconds of training"}
_SCORES = (("recall", "recall"), ("precision", "precision"), ("f1", "F1"))
_NO_POINTS: Points = (np.empty(0), np.empty(0))


def show_curves(records: Sequence[RunRecord], class_id: int) -> None:
    """Scores and losses of runs on one dataset over steps or seconds; they follow the runs while any of them trains.

    Args:
        records: the runs, in the order of their colours.
        class_id: whose scores are shown.
    """
    histories = {each.id: services.follower(each.id).history() for each in records}
    left, middle, right, last = wrapping_columns("curve-settings", [3, 3, 3, 3])
    axis = left.segmented_control("Over", _AXES, default=_AXES[0], required=True, key="over", bind="query-params")
    smoothing = middle.slider(
        "Smoothing (% of the axis)",
        0,
        20,
        0,
        key="smoothing",
        bind="query-params",
        help="A running mean: a value counts 1/e as much once the axis has gone on by this part of it.",
    )
    log = right.toggle("Logarithmic losses", True, key="log-losses", bind="query-params")
    as_band = last.toggle(
        "Seeds as a band",
        True,
        key="bands",
        bind="query-params",
        disabled=all(len(group) == 1 for group in _groups(records, histories)),
        help="Runs that differ in nothing but the seed: their mean, and from the lowest to the highest.",
    )
    offered = list(dict.fromkeys(kind for history in histories.values() for kind in history.losses))
    trained = [kind for kind in offered if any(_trains(each, kind) for each in records)]
    kinds = st.multiselect(
        "Losses",
        offered,
        trained,
        lambda kind: LOSSES[kind].name,
        key="compared-losses",
        help="At first those that any of the runs trains. All are logged on the training batches of every run.",
    )

    def draw() -> None:
        _draw_curves(records, class_id, _Look(axis or "steps", smoothing / 100, log, as_band, tuple(kinds)))

    if any(each.status.active for each in records):
        st.fragment(lambda: _follow(records, draw), run_every=POLL_SECONDS)()
    else:
        draw()


def _follow(records: Sequence[RunRecord], draw: Callable[[], None]) -> None:
    """Draws what the runs have done by now; the whole page again once one has ended or another has begun."""
    now = [services.store().run(each.id).status for each in records]
    if [status.active for status in now] != [each.status.active for each in records]:
        st.rerun()
    draw()


def _groups(records: Sequence[RunRecord], histories: Mapping[str, History]) -> list[list[RunRecord]]:
    return seed_groups(records, {each.id for each in records if was_steered(each.plan, histories[each.id])})


def _trains(record: RunRecord, kind: LossKind) -> bool:
    return any(phase.loss.kind == kind for phase in record.plan.phases)


@dataclass(frozen=True)
class _Look:
    """What the visitor has chosen about the curves."""

    axis: Axis
    smoothing: float  # reach of the running mean, as a share of the axis
    log: bool  # losses on logarithmic axes
    as_band: bool
    losses: tuple[LossKind, ...]


def _draw_curves(records: Sequence[RunRecord], class_id: int, look: _Look) -> None:
    histories = {each.id: services.follower(each.id).history() for each in records}
    end = max((_last(history, look.axis) for history in histories.values()), default=0.0)
    if not end:
        st.info("No run has made a step yet. The curves appear with the first.", icon=":material/hourglass_empty:")
        return
    groups = _groups(records, histories) if look.as_band else [[each] for each in records]
    ids, looks = [[each.id for each in group] for group in groups], run_looks(records, groups)

    def quantity(title: str, take: Callable[[History], Points], is_score: bool) -> Quantity:
        curves = {run_id: on_axis(history, take(history), look.axis) for run_id, history in histories.items()}
        return Quantity(title, lines_of(ids, curves, look.smoothing * end, is_score), is_score)

    def draw(quantities: Sequence[Quantity], key: str) -> None:
        figure = curves_figure(quantities, looks, _AXIS_TITLES[look.axis], end, look.log)
        live_figure(figure, f"{key}-{look.axis}", height=curves_height(len(quantities)))

    dataset = services.dataset(records[0].dataset_id)
    st.markdown(f"**Scores of {escaped(dataset.classes[class_id])} on the validation scenes**")
    if any(history.validations for history in histories.values()):
        scores = [
            quantity(f"{scope} {words}", partial(_scores, class_id=class_id, scope=scope, metric=metric), is_score=True)
            for scope in ("object", "pixel")
            for metric, words in _SCORES
        ]
        labels = short_labels(records)
        unequal = unequal_validations({escaped(labels[each]): history for each, history in histories.items()})
        if unequal:
            st.warning(unequal, icon=":material/warning:")
        draw(scores, "compared-scores")
        st.caption(_about_scores(dataset, look, any(line.band for each in scores for line in each.lines)))
    else:
        st.caption("The scores appear with the first validation.")
    st.markdown("**Losses on the training batches**")
    if not look.losses:
        st.caption("Choose losses above to see them.")
        return
    losses = [quantity(LOSSES[kind].name, partial(_logged, kind=kind), is_score=False) for kind in look.losses]
    draw(losses, f"compared-losses-{'-'.join(look.losses)}")
    st.caption(
        "Each loss has its own axis: values of two losses do not compare. All at their default settings, whichever "
        "loss is trained. Of neighbouring steps, the lowest and the highest are drawn."
    )


def _scores(history: History, class_id: int, scope: str, metric: str) -> Points:
    return history.scores(class_id, scope, metric)


def _logged(history: History, kind: LossKind) -> Points:
    return history.curves.get(logged_curve(kind), _NO_POINTS)


def _about_scores(dataset: Dataset, look: _Look, has_bands: bool) -> str:
    """What the numbers rest on, and how they are drawn."""
    parts = [
        "Each validation scores pixels at ½ (of several classes, the most probable one), and objects by the match rule",
        f"{dataset.match_rule.words}, from {dataset.minimum_area} pixels on. Star: the best measured value.",
    ]
    if has_bands:
        parts.append("Band: lowest to highest of the seeds or repeats, not smoothed; line: their mean.")
    if look.smoothing:
        parts.append(f"**Smoothed**: a running mean over {100 * look.smoothing:.0f} % of the axis; pale: as measured.")
    return " ".join(parts)


def _last(history: History, axis: Axis) -> float:
    if axis == "steps":
        return float(history.last_step)
    _, seconds = history.curves.get(SECONDS, _NO_POINTS)
    return float(seconds[-1]) if len(seconds) else 0.0


def run_looks(records: Sequence[RunRecord], groups: Sequence[Sequence[RunRecord]]) -> dict[tuple[str, ...], RunLook]:
    """Names and colours by the ids of what a line shows: one run, or a group, which has those of its first run.

    A run of a group has its own look, too: where another one has no points yet, there is no band.
    """
    labels = short_labels(records)
    colours = colours_of(labels)
    looks: dict[tuple[str, ...], RunLook] = {
        (run_id,): RunLook(label, colours[run_id]) for run_id, label in labels.items()
    }
    for group in groups:
        if len(group) > 1:
            first = group[0]
            name = f"{first.name} ({_repeated(group)})"
            looks[tuple(each.id for each in group)] = RunLook(name, colours[first.id])
    return looks


def _repeated(group: Sequence[RunRecord]) -> str:
    """How often a plan was trained: runs of one seed say nothing about others."""
    runs, seeds = len(group), len({each.plan.seed for each in group})
    if seeds == runs:
        return f"n = {runs} seeds"
    return f"n = {runs} repeats of one seed" if seeds == 1 else f"n = {runs} runs, {seeds} seeds"


def show_settings(records: Sequence[RunRecord]) -> None:
    """The settings of the runs side by side, as they trained: those that differ, on demand all."""
    folders = [services.store().folder(each.id) for each in records]
    settings = compare_settings([TrainedPlan(each.dataset(), each.plan(), each.events()) for each in folders])
    every = st.toggle("Also those that are equal", key="equal-settings", bind="query-params")
    shown = [each for each in settings if each.differs or every]
    labels = short_labels(records)
    rows = [[each.label, *each.values] for each in shown]
    if not rows:
        st.info("All settings of these runs are equal.", icon=":material/drag_handle:")
        return
    table = pd.DataFrame(rows, columns=["Setting", *labels.values()])
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content" if len(rows) < 30 else 800,
        column_config={"Setting": st.column_config.TextColumn(pinned=True, width=270)},
    )
    equal = len(settings) - sum(each.differs for each in settings)
    st.caption(f"{len(settings) - equal} settings differ, {equal} are equal. A dash: the run has no such setting.")
