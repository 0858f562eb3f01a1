"""Compare: runs side by side, in their curves, scores, settings, validation crops, and object by object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from explorer.errors import InputError
from explorer.figures.colours import colours_of
from explorer.figures.tradeoffs import precision_recall_figure, thresholds_table
from explorer.imagery.match_rule import MatchRule
from explorer.metrics.operating_point import operating_point, why_not
from explorer.runs.records import RunRecord
from explorer.ui import address, services
from explorer.ui.compared_objects import show_crops, show_objects
from explorer.ui.compared_runs import show_curves, show_settings
from explorer.ui.frame import frame, stacking_columns
from explorer.ui.live_figure import live_figure
from explorer.ui.match_rules import counted, pick_rule_of_address
from explorer.ui.messages import escaped, show_problem
from explorer.ui.object_counts import show_asked_objects, show_counts_table
from explorer.ui.pickers import offered_runs, pick_class, pick_runs
from explorer.ui.plan_editor import rarest
from explorer.ui.sweeps import SweptRun, about_swept_runs, short_labels, swept_runs
from explorer.ui.unique_labels import unique_labels

VIEWS = ("Curves", "Recall and precision", "Settings", "Crops", "Objects")
EXPLANATION = """
**Curves.** One panel a quantity; two losses never share an axis. A fair comparison has the same dataset, steps and
crops: *Settings* shows what differs. One run of each plan says little: train the same plan with other seeds, and see
in the band whether the difference is larger than what the seed makes.

**Own threshold.** Recall and precision, crops and objects are shown where each run itself chose to be, on scenes that
neither trained nor score; ½ where it held none out. Runs at their own thresholds are compared as they would be used.

**Objects.** A labelled object is found where a predicted one matches it under the match rule. The objects that only one
of two runs finds show what a loss is good for: small ones, pale ones, those that touch. One scene more can change such
a list: look at the counts.
"""


def pick_dataset(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The runs on one of their datasets, which the visitor chooses where there are several."""
    names = unique_labels({each.dataset_id: each.dataset_name for each in records})
    if len(names) == 1:
        return list(records)
    st.info(
        "These runs are on different datasets. Scores, losses and objects compare on one dataset only; settings are "
        "shown for all.",
        icon=":material/info:",
    )
    by_name = {name: dataset_id for dataset_id, name in names.items()}
    address.named("on", "dataset of these runs", by_name, next(iter(by_name)))
    chosen = st.selectbox("Dataset", list(by_name), key="on", bind="query-params")
    return [each for each in records if each.dataset_id == by_name.get(chosen or "", records[0].dataset_id)]


def with_checkpoint(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The runs that have a checkpoint; the page says which have none yet."""
    ready = [each for each in records if services.store().folder(each.id).checkpoint_files()]
    late = [each for each in records if each not in ready]
    if late:
        names = ", ".join(escaped(f"{each.name} · {each.id[:6]}") for each in late)
        st.info(f"No checkpoint yet, so left out here: {names}.", icon=":material/hourglass_empty:")
    return ready


def show_recall_and_precision(
    runs: Sequence[SweptRun], class_id: int, rule: MatchRule, colours: Mapping[str, str]
) -> None:
    """The curves of all runs, each with its own threshold, and the counts there.

    Args:
        runs: on one dataset.
        class_id: 1 or more.
        rule: under which they were counted.
        colours: by the run's id, as in the other views.
    """
    dataset = services.dataset(runs[0].record.dataset_id)
    curves = {run.label: run.sweep.of_class(class_id).curve("object", dataset.minimum_area) for run in runs}
    points = {run.label: operating_point(curves[run.label], run.threshold) for run in runs}
    reasons = {name: why_not(curve) for name, curve in curves.items()}
    for name, reason in reasons.items():
        if reason:
            st.caption(f"{escaped(name)} has no curve: n/a, {reason}.")
    shown = {name: curve for name, curve in curves.items() if not reasons[name]}
    of_what = "object" if rule.counts_objects else "relaxed"
    live_figure(
        precision_recall_figure(
            shown,
            points,
            "at its own threshold, or ½",
            None,
            {},
            of_what,
            {run.label: colours[run.record.id] for run in runs},
        ),
        f"compared-recall-{of_what}",
        height=420,
    )
    st.caption(
        f"Counted: {counted(rule)}, match rule {rule.words}, from {dataset.minimum_area} pixels on. Dot: the measured "
        "threshold nearest to the run's own; ½ for a run without one. Dotted lines: equal F1. "
        + about_swept_runs(runs, len(dataset.classes))
    )
    show_counts_table(
        thresholds_table({run.label: {"own" if run.is_own else "½": points[run.label]} for run in runs}),
        [
            replace(run.objects(class_id, dataset.minimum_area), threshold=points[run.label].threshold)
            if rule.counts_objects
            else None
            for run in runs
        ],
        "compared-thresholds",
        {name: st.column_config.NumberColumn(format="%.2f") for name in ("threshold", "recall", "precision", "F1")},
    )


def show_predictions(view: str, records: Sequence[RunRecord], class_id: int) -> None:
    """The views that need predictions on the validation scenes.

    Args:
        view: one of ``VIEWS``.
        records: on one dataset.
        class_id: 1 or more.
    """
    dataset = services.dataset(records[0].dataset_id)
    rule = dataset.match_rule
    if view != "Crops":
        rule = pick_rule_of_address(rule, f"compared-rule-{records[0].dataset_id}")
    ready = with_checkpoint(records)
    runs = swept_runs(ready, class_id, rule) if ready else []
    if not runs:
        return
    if view == "Recall and precision":
        show_recall_and_precision(runs, class_id, rule, colours_of([each.id for each in records]))
    elif view == "Crops":
        show_crops(runs, class_id)
    elif rule.counts_objects:
        show_objects(runs, class_id)
    else:
        st.info("n/a: this match rule compares pixels, not objects. Choose another one.", icon=":material/rule:")


def link_on(records: Sequence[RunRecord]) -> None:
    """Links to the pages that show these runs in other ways."""
    runs = {"runs": ",".join(each.id for each in records)}
    with st.container(horizontal=True):
        st.page_link("pages/tradeoffs.py", label="Trade-offs of these runs", icon=":material/balance:",
                     query_params=runs)  # fmt: skip
        labels = short_labels(records)
        for each in records:
            st.page_link("pages/landscape.py", label=f"Landscape of {escaped(labels[each.id])}",
                         icon=":material/landscape:", query_params={"run": each.id})  # fmt: skip


def compare(records: Sequence[RunRecord]) -> None:
    """The view that the address names, of these runs."""
    address.named("show", "view", VIEWS, VIEWS[0])
    above = st.container()
    views, classes = stacking_columns("views", [3, 1])
    view = views.segmented_control("View", VIEWS, default=VIEWS[0], required=True, key="show", bind="query-params")
    if view == "Settings":
        show_settings(records)
        return
    with above:
        alike = pick_dataset(records)
    with classes:
        dataset_id = alike[0].dataset_id
        class_id = pick_class(services.dataset(dataset_id).classes, rarest(services.balance(dataset_id)))
    if view == "Curves" or view is None:
        show_curves(alike, class_id)
    else:
        show_predictions(view, alike, class_id)


frame("Compare")
try:
    chosen = pick_runs(offered_runs(), "Runs")
    if chosen:
        compare(chosen)
        link_on(chosen)
    show_asked_objects()
except InputError as problem:
    show_problem(problem)
with st.expander("Curves, own thresholds and objects explained"):
    st.markdown(EXPLANATION)
