"""Trade-offs: recall against precision of runs at every threshold, and which run and threshold suit the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.errors import InputError
from explorer.figures.colours import colours_of
from explorer.figures.tradeoffs import (
    curves_table,
    path_figure,
    precision_recall_figure,
    size_figure,
    thresholds_table,
)
from explorer.imagery.match_rule import MatchRule
from explorer.lessons.glossary import explained
from explorer.metrics.curves import Curve, ObjectCurve, ToleranceCurve
from explorer.metrics.objects import recall_by_size
from explorer.metrics.operating_point import Advice, OperatingPoint, advise, operating_point, why_not
from explorer.metrics.threshold_choice import ChosenThreshold
from explorer.runs.object_sets import ObjectSet
from explorer.runs.records import RunRecord
from explorer.runs.sweep_words import about_sweeps, cut_of
from explorer.runs.threshold_sweep import ClassSweep, Scope
from explorer.ui import address, services
from explorer.ui.file_jobs import all_done
from explorer.ui.frame import frame, shown_alone, stacking_columns, wrapping_columns
from explorer.ui.live_figure import live_figure
from explorer.ui.match_rules import counted, pick_rule_of_address
from explorer.ui.messages import escaped, show_problem
from explorer.ui.object_counts import counts_of, show_asked_objects, show_count_buttons, show_counts_table
from explorer.ui.pickers import on_first_dataset, pick_checkpoint, pick_class, pick_runs, runs_with_checkpoints, step_of
from explorer.ui.plan_editor import rarest
from explorer.ui.report_download import offer_report
from explorer.ui.scene_outcome import show_scene
from explorer.ui.sweeps import compared_checkpoints, own_choice, own_thresholds_of, short_labels, sweep_job

SCOPES: tuple[Scope, ...] = ("object", "pixel")
MISS_COSTS = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
EXPLANATION = """
**Recall** is the share of what is there that was found; **precision** is the share of what was predicted that is right.
A segmenter gives each pixel a probability; a pixel is predicted where its probability reaches the **threshold**. A low
threshold finds more and makes more false alarms.

**Objects** are connected pixels (diagonals count); labelled objects that were drawn one by one stay apart where they
touch. The object curve need not be smooth: as the threshold falls, neighbours grow together and stop matching.

**Match rule:** when a predicted object counts as a labelled one. *IoU > 0.5* asks for outlines that agree; *IoU > 0.1*
suits small objects whose outlines are generous; *any overlap* and *centre inside* ask for the place only, and one blob
over everything wins them; *centroids within d px* suits labels that are points; *pixels within d px* compares pixels,
not objects, for thin connected things such as roads and cracks, with recall and precision of the skeletons beside them.

**Own threshold:** chosen on scenes that neither trained nor score, under the dataset's match rule. A run without such
scenes has none; ½ is its threshold then. Runs compare at their own thresholds and at ½.

**Minimum object area.** All objects are matched first. Then a labelled object below the minimum counts as neither hit
nor miss, nor does what found it count as a false alarm; a predicted object that matches nothing is a false alarm from
this area on.

**Cost of a miss.** If a miss costs as much as N false alarms, the best threshold minimises N · misses + false alarms;
the star marks it. That threshold and the scores come from the same validation scenes, so the score at the star is
optimistic; with few objects it is a rough estimate, so look at the counts.
"""


def compare_thresholds(
    curves: Mapping[str, Curve],
    own: Mapping[str, ChosenThreshold | None],
    noun: str,
    objects: Mapping[str, ObjectSet],
    about: str,
) -> dict[int, str]:
    """The runs at their own thresholds and at ½; gives why a run finds nothing at its own, by its position.

    Args:
        objects: what the counts of each run are of; none where pixels are counted.
        about: what holds at every threshold, in sentences.
    """
    points: dict[str, dict[str, OperatingPoint]] = {}
    silent: dict[int, str] = {}
    for number, (name, curve) in enumerate(curves.items()):
        chosen = own[name]
        here = operating_point(curve, 0.5 if chosen is None else chosen.threshold)
        points[name] = ({} if chosen is None else {"own": here}) | {"½": operating_point(curve, 0.5)}
        if not here.true_positives:
            silent[number] = f"it finds nothing at {'½' if chosen is None else 'its own threshold'}"
            st.error(
                f"**{escaped(name)}** finds nothing at threshold {here.threshold:.2f}.", icon=":material/search_off:"
            )
    st.markdown("**At own thresholds and at ½**")
    show_counts_table(
        thresholds_table(points),
        [_at(objects, name, point) for name, of_run in points.items() for point in of_run.values()],
        "thresholds-table",
        {name: st.column_config.NumberColumn(format="%.2f") for name in ("threshold", "recall", "precision", "F1")},
    )
    st.caption(f"Counts are {noun}, at the measured threshold nearest to the own one. {about}")
    return silent


def _at(objects: Mapping[str, ObjectSet], name: str, point: OperatingPoint) -> ObjectSet | None:
    """What a run finds at the threshold of a point; None where pixels are counted."""
    return replace(objects[name], threshold=point.threshold) if objects else None


def say_advice(advice: Advice, names: Sequence[str], cost: float, what: str, objects: Mapping[str, ObjectSet]) -> None:
    """Which run to take at this cost of a miss, in one sentence, or why that cannot be said."""
    for name, offer in zip(names, advice.offers, strict=True):
        if offer.reason:
            st.caption(f"{escaped(name)}: n/a, {offer.reason}.")
    if advice.best is None:
        return
    offer = advice.offers[advice.best]
    if offer.point is None:
        return
    point = offer.point
    ties = ", tied with " + ", ".join(escaped(names[i]) for i in advice.ties) if advice.ties else ""
    st.success(
        f"If a miss costs as much as **{cost:g}** false alarms: take **{escaped(names[advice.best])}** at threshold "
        f"**{point.threshold:.2f}**{ties}. It finds {point.true_positives} {what}, misses {point.false_negatives} and "
        f"makes {point.false_positives} false alarms: a total cost of {offer.cost:.4g} false alarms.",
        icon=":material/balance:",
    )
    advised = _at(objects, names[advice.best], point)
    if advised is not None:
        show_count_buttons(counts_of(point), advised, "advised")
    st.caption(
        "This threshold was chosen on the scenes that are counted here: on others it will do worse. A run's own "
        "threshold was chosen on scenes that are not counted."
    )


def draw_curves(
    curves: Mapping[str, Curve], threshold: float, best: Mapping[str, OperatingPoint], of_what: str, focus: str
) -> None:
    """The curves that mean something, and why the others do not.

    Args:
        of_what: recall and precision of objects, of pixels, or relaxed, within a tolerance.
    """
    misleading = {name: why_not(curve) for name, curve in curves.items()}
    for name, reason in misleading.items():
        if reason:
            st.caption(f"{escaped(name)} has no {of_what} curve: n/a, {reason}.")
    shown = {name: curve for name, curve in curves.items() if not misleading[name]}
    at = {name: operating_point(curve, threshold) for name, curve in shown.items()}
    figure = precision_recall_figure(shown, at, "at the slider", focus, best, of_what, colours_of(curves))
    live_figure(figure, f"curves-{of_what}", height=380)
    st.caption("Dot: the threshold of the slider. Star: the least cost. Dotted lines: equal F1.")


def pick_minimum_area(field: DeltaGenerator, usual: int, of_class: ClassSweep, name: str) -> int:
    """The minimum area of objects in pixels, with how many of the class are below it.

    Args:
        field: where to draw the widget.
        usual: of the dataset, where the visitor chooses none.
        of_class: a sweep over the validation scenes.
        name: of the class.
    """
    chosen = field.number_input(
        "Minimum object area (px)",
        min_value=1,
        value=None,
        placeholder=f"{usual}, the dataset's",
        key="min-area",
        bind="query-params",
        help=f"{explained('minimum_area')} Clear it to take the dataset's.",
    )
    area = usual if chosen is None else int(chosen)
    below, total = of_class.object.below(area), len(of_class.object.areas)
    st.caption(
        f"{below:,} of {total:,} objects of class {escaped(name)} in the validation scenes are smaller than {area} "
        + ("pixels" if area > 1 else "pixel")
        + (": they count as neither hit nor miss." if below else ".")
    )
    return area


def show_counts(point: OperatingPoint, what: str, objects: ObjectSet | None) -> None:
    """The numbers at the slider's threshold.

    Args:
        what: is counted, in the plural.
        objects: the counted ones, with any outcome; None: pixels are counted.
    """
    values = {
        "recall": ratio(point.recall),
        "precision": ratio(point.precision),
        "F1": ratio(point.f1),
    }
    if objects is None:
        values |= {
            f"{what} found": f"{point.true_positives:,}",
            "missed": f"{point.false_negatives:,}",
            "false alarms": f"{point.false_positives:,}",
        }
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        for name, value in values.items():
            st.metric(name, value, width="content")
        if objects is not None:
            show_count_buttons(counts_of(point), objects, "at-slider")


def show_more(curve: Curve, of_class: ClassSweep, threshold: float, rule: MatchRule) -> None:
    """What stands beside recall and precision: panoptic quality, skeletons, or the precision of pixels."""
    at = curve.at(threshold)
    pixels = operating_point(of_class.pixel, threshold)
    parts = [f"precision of pixels {ratio(pixels.precision)}, recall {ratio(pixels.recall)}"]
    if isinstance(curve, ObjectCurve) and rule.has_panoptic_quality:
        counts = curve.counts(at)
        parts.append(
            f"panoptic quality {ratio(counts.panoptic_quality)} = segmentation quality "
            f"{ratio(counts.segmentation_quality)} · recognition quality {ratio(counts.recognition_quality)}"
        )
    if isinstance(curve, ToleranceCurve):
        parts.append(f"skeletons: recall {curve.skeleton_recall[at]:.2f}, precision {curve.skeleton_precision[at]:.2f}")
    st.caption(f"Match rule: {rule.words}. Beside it: {'; '.join(parts)}.")


def ratio(value: float | None) -> str:
    """A share with two digits."""
    return "n/a" if value is None else f"{value:.2f}"


def compare(records: Sequence[RunRecord]) -> None:
    """Curves, threshold, cost, scenes and sizes of the runs; the first one in detail."""
    first = records[0]
    dataset = services.dataset(first.dataset_id)
    left, middle, right = st.columns(3)
    with left:
        checkpoint = pick_checkpoint(first).name
    with middle:
        class_id = pick_class(dataset.classes, rarest(services.balance(first.dataset_id)))
    address.named("scope", "count", SCOPES, SCOPES[0])
    scope = right.segmented_control("Count", SCOPES, default=SCOPES[0], required=True, key="scope", bind="query-params")
    rules, area, splits = wrapping_columns("rules", [4, 3, 3])
    with rules:
        rule = pick_rule_of_address(dataset.match_rule, f"rule-{first.dataset_id}")
    usual = own_choice(first, checkpoint, class_id)
    split = splits.toggle("Split predictions that touch", usual is not None and usual.split, key="split",
                          bind="query-params", disabled=not rule.counts_objects,
                          help="By a watershed; at first as the run chose.")  # fmt: skip
    checkpoints = [checkpoint, *compared_checkpoints(records[1:])]
    labels = short_labels(records)
    jobs = {
        labels[each.id]: sweep_job(each, name, rule, split and rule.counts_objects)
        for each, name in zip(records, checkpoints, strict=True)
    }
    if not all_done(list(jobs.values())):
        return
    sweeps = {label: services.threshold_sweep(job.file, job.file.stat().st_mtime_ns) for label, job in jobs.items()}
    names = list(sweeps)
    minimum_area = dataset.minimum_area
    if rule.counts_objects:
        minimum_area = pick_minimum_area(
            area, minimum_area, sweeps[names[0]].of_class(class_id), dataset.classes[class_id]
        )
    curves = {name: sweep.of_class(class_id).curve(scope, minimum_area) for name, sweep in sweeps.items()}
    noun = "pixels" if scope == "pixel" else counted(rule)
    of_what = scope if scope == "pixel" or rule.counts_objects else "relaxed"
    own = {labels[each.id]: own_choice(each, name, class_id) for each, name in zip(records, checkpoints, strict=True)}
    usual = own[names[0]]
    objects_of = {
        labels[each.id]: ObjectSet(each.id, step_of(name), 0.5, split, class_id, rule, minimum_area, "found")
        for each, name in zip(records, checkpoints, strict=True)
        if scope == "object" and rule.counts_objects
    }
    about = about_sweeps(
        {
            escaped(labels[each.id]): cut_of(own_thresholds_of(each, name), class_id, split and rule.counts_objects)
            for each, name in zip(records, checkpoints, strict=True)
        },
        len(dataset.classes),
    )
    silent = compare_thresholds(curves, own, noun, objects_of, about)
    threshold = st.slider(
        "Threshold: a pixel is predicted from this probability on",
        0.02,
        0.98,
        0.5 if usual is None else round(50 * usual.threshold) / 50,
        0.02,
        key="threshold",
        bind="query-params",
    )
    point = operating_point(curves[names[0]], threshold)
    show_counts(point, noun, _at(objects_of, names[0], point))
    show_more(curves[names[0]], sweeps[names[0]].of_class(class_id), threshold, rule)
    cost = st.select_slider("Cost of a miss, in false alarms", MISS_COSTS, 3.0, key="miss-cost",
                            bind="query-params")  # fmt: skip
    advice = advise(list(curves.values()), cost, silent)
    if rule.may_choose or scope == "pixel":
        say_advice(advice, names, cost, noun, objects_of)
    with shown_alone():
        curve, path = stacking_columns("curves", 2)
    with curve:
        st.markdown("**At every threshold**")
        draw_curves(curves, threshold, advice.points(names), of_what, names[0])
    with path:
        st.markdown(f"**During training: {escaped(names[0])}**")
        history = services.follower(first.id).history()
        live_figure(path_figure(history, class_id, scope), f"path-{first.id}-{scope}", height=380)
        st.caption(
            "One dot per validation, with the most probable class of each pixel, in the colour of the loss trained. "
            "Large: the end of a phase."
            + (
                f" Match rule: {dataset.match_rule.words}, objects from {dataset.minimum_area} pixels on."
                if scope == "object"
                else ""
            )
        )
    objects = {
        name: sweep.objects(dataset.validation, class_id, threshold, minimum_area) for name, sweep in sweeps.items()
    }
    show_scene(sweeps[names[0]], dataset, objects[names[0]], class_id, threshold, rule)
    st.markdown("**Recall by object size, at the threshold of the slider**")
    sizes = {name: recall_by_size(record for scene in found for record in scene) for name, found in objects.items()}
    if any(sizes.values()):
        live_figure(size_figure(sizes), "sizes", height=300)
        st.caption("Groups of about equally many objects, from small to large; the bar is the share that was found.")
    elif rule.counts_objects:
        st.caption("n/a: the validation scenes hold no object of this class.")
    else:
        st.caption("n/a: the match rule compares pixels, not objects.")
    both: dict[str, dict[str, Curve]] = {
        name: {s: sweep.of_class(class_id).curve(s, minimum_area) for s in SCOPES} for name, sweep in sweeps.items()
    }
    numbers, report = wrapping_columns("downloads", [1, 1])
    numbers.download_button(
        "Download all numbers (CSV)",
        lambda: curves_table(both).to_csv(index=False).encode(),
        "tradeoffs.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
        key="download-tradeoffs",
    )
    with report:
        offer_report(records, "report-compared")


frame("Trade-offs")
try:
    chosen = pick_runs(runs_with_checkpoints(), "Runs; the first one is shown in detail")
    if chosen:
        compare(on_first_dataset(chosen))
    show_asked_objects()
except InputError as problem:
    show_problem(problem)
with st.expander("What recall, precision, objects and the cost of a miss mean"):
    st.markdown(EXPLANATION)
