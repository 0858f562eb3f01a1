"""Trade-offs: what each run can do at every threshold, and which one to take for the job at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from explorer.errors import InputError
from explorer.figures.imagery import scene_picture
from explorer.figures.outcome import OUTCOMES, outcome_picture, window
from explorer.figures.tradeoffs import (
    curves_table,
    objects_table,
    path_figure,
    precision_recall_figure,
    size_figure,
)
from explorer.imagery.scene import Dataset
from explorer.metrics.curves import Curve
from explorer.metrics.matching import find_label_objects, match
from explorer.metrics.objects import ObjectRecord, list_objects, recall_by_size
from explorer.metrics.operating_point import Advice, OperatingPoint, advise, operating_point, why_not
from explorer.runs.records import RunRecord
from explorer.runs.threshold_sweep import ThresholdSweep
from explorer.ui import services
from explorer.ui.frame import frame, stacking_columns
from explorer.ui.live_figure import live_figure
from explorer.ui.messages import escaped, show_problem
from explorer.ui.plan_editor import rarest

MOST_RUNS = 6
AROUND = 24  # pixels around an object that is looked at
PRICES = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
EXPLANATION = """
**Recall** is how much of what is there was found, **precision** how much of what was called one is one. A segmenter
gives each pixel a probability; the **threshold** says from where on it counts. A low one finds more and calls more by
mistake.

**Objects** are connected pixels, diagonals included, of at least 8 pixels; one is found if a predicted object overlaps
it by more than half of their union. The curve of objects need not be smooth or steady: as the threshold falls,
neighbours grow together and stop matching.

**The price.** If a miss costs as much as N false alarms, the cheapest threshold makes N · misses + false alarms the
least. The star is there. Scores come from the validation scenes: few objects make a rough estimate, so look at counts.
"""


def pick_runs() -> list[RunRecord]:
    """The runs to compare, all on one dataset; the first one is looked at closely."""
    store = services.store()
    able = {record.id: record for record in store.runs() if newest_checkpoint(record) and record.step}
    if not able:
        st.info("There is no trained run yet.", icon=":material/arrow_forward:")
        st.page_link("pages/train.py", label="Train one, with its controls", icon=":material/play_circle:")
        return []
    wanted = [run_id for run_id in st.query_params.get("runs", "").split(",") if run_id in able]
    if not wanted:
        first = next(iter(able.values()))
        wanted = [run_id for run_id, record in able.items() if record.id == first.id or together(record, first)]
        wanted.sort(key=lambda run_id: able[run_id].created)
    chosen = st.multiselect(
        "Runs, the first one is looked at closely",
        list(able),
        wanted[:MOST_RUNS],
        lambda run_id: run_label(able[run_id]),
        max_selections=MOST_RUNS,
        key="runs-chosen",
    )
    st.query_params["runs"] = ",".join(chosen)
    records = [able[run_id] for run_id in chosen]
    alike = [record for record in records if record.dataset_id == records[0].dataset_id]
    if len(alike) < len(records):
        st.warning("Runs on other datasets are left out: their scores do not compare.", icon=":material/info:")
    return alike


def together(record: RunRecord, other: RunRecord) -> bool:
    """Both were queued to be compared."""
    return record.group is not None and record.group == other.group


def newest_checkpoint(record: RunRecord) -> str | None:
    """Name of the last checkpoint."""
    names = sorted(path.name for path in services.store().folder(record.id).checkpoints.glob("*.safetensors"))
    return names[-1] if names else None


def run_label(record: RunRecord) -> str:
    """A run in a list and a legend."""
    return f"{record.name} · {record.id[:4]}"


def pick_checkpoint(record: RunRecord) -> str:
    """Of the run that is looked at closely; the others are shown at their last."""
    names = sorted(path.name for path in services.store().folder(record.id).checkpoints.glob("*.safetensors"))
    return st.selectbox(
        "Its checkpoint",
        names,
        len(names) - 1,
        lambda name: f"step {int(''.join(filter(str.isdigit, name.split('.')[0])))}",
        key=f"checkpoint-{record.id}-{len(names)}",
    )


def points_of(advice: Advice, names: Sequence[str]) -> dict[str, OperatingPoint]:
    """The cheapest point of each run that has one."""
    return {name: offer.point for name, offer in zip(names, advice.offers, strict=True) if offer.point is not None}


def say_advice(advice: Advice, names: Sequence[str], price: float, what: str) -> None:
    """Which run to take at this price, in one sentence, or why that cannot be said."""
    for name, offer in zip(names, advice.offers, strict=True):
        if offer.reason:
            st.caption(f"{escaped(name)}: n/a, {offer.reason}.")
    if advice.best is None:
        return
    offer = advice.offers[advice.best]
    if offer.point is None:
        return
    point = offer.point
    ties = ", as good as " + ", ".join(escaped(names[i]) for i in advice.ties) if advice.ties else ""
    st.success(
        f"If a miss costs as much as **{price:g}** false alarms: take **{escaped(names[advice.best])}** at threshold "
        f"**{point.threshold:.2f}**{ties}. It finds {point.true_positives} {what}, misses {point.false_negatives} and "
        f"raises {point.false_positives} false alarms: {offer.cost:.4g} in false alarms.",
        icon=":material/balance:",
    )


def draw_curves(
    curves: Mapping[str, Curve], threshold: float, best: Mapping[str, OperatingPoint], scope: str, focus: str
) -> None:
    """The curves that say something, and why the others do not."""
    misleading = {name: why_not(curve) for name, curve in curves.items()}
    for name, reason in misleading.items():
        if reason:
            st.caption(f"{escaped(name)} has no {scope} curve: n/a, {reason}.")
    shown = {name: curve for name, curve in curves.items() if not misleading[name]}
    live_figure(precision_recall_figure(shown, threshold, focus, best, scope), f"curves-{scope}", height=380)
    st.caption("A dot is where the slider stands, a star where the price is least; dotted lines have one F1.")


def say_point(point: OperatingPoint, what: str) -> None:
    """The numbers at the slider."""
    for column, (name, value) in zip(
        st.columns(6),
        (
            ("recall", ratio(point.recall)),
            ("precision", ratio(point.precision)),
            ("F1", ratio(point.f1)),
            (f"{what} found", f"{point.true_positives:,}"),
            ("missed", f"{point.false_negatives:,}"),
            ("false", f"{point.false_positives:,}"),
        ),
        strict=True,
    ):
        column.metric(name, value)


def ratio(value: float | None) -> str:
    """A share with two digits."""
    return "n/a" if value is None else f"{value:.2f}"


def found_in(
    measured: ThresholdSweep, dataset: Dataset, scene: int, class_id: int, threshold: float
) -> list[ObjectRecord]:
    """The objects of one scene at a threshold."""
    objects = find_label_objects(dataset.validation[scene].label, class_id)
    return list(list_objects(match(measured.predicted(scene, class_id, threshold), objects), objects))


def look_at_scene(measured: ThresholdSweep, dataset: Dataset, class_id: int, threshold: float) -> None:
    """The overlay of one scene, the table of its objects, and the object that was clicked."""
    number = st.selectbox(
        "Validation scene",
        range(len(measured.scenes)),
        format_func=lambda i: measured.scenes[i],
        key="scene-chosen",
    )
    scene = dataset.validation[number]
    label = np.where(scene.label == 255, 255, scene.label == class_id).astype(np.uint8)
    predicted = measured.predicted(number, class_id, threshold).astype(np.uint8)
    records = found_in(measured, dataset, number, class_id, threshold)
    table = objects_table(records)
    picture, facts = stacking_columns("overlay", [4, 3])
    with facts:
        event = st.dataframe(
            table,
            hide_index=True,
            height=300,
            on_select="rerun",
            selection_mode="single-row",
            key=f"objects-{number}-{class_id}",
            placeholder="–",
            column_config={"IoU": st.column_config.NumberColumn(format="%.2f")},
        )
        rows = event.selection.rows
        if rows and rows[0] < len(table):
            row = table.iloc[rows[0]]
            top, left = (max(0, int(row[axis]) - AROUND) for axis in ("row", "column"))
            crop = window(scene, top, left, (2 * AROUND, 2 * AROUND))
            part = (slice(top, top + 2 * AROUND), slice(left, left + 2 * AROUND))
            plain = scene_picture(crop, dataset.stretch, longest=480)
            one, two = st.columns(2)
            one.image(plain, width="stretch", caption=f"{row['outcome']}, {row['pixels']} pixels")
            two.image(outcome_picture(plain, predicted[part], label[part]), width="stretch", caption="its outcome")
        else:
            st.caption("Click the box before an object to see it.")
    with picture:
        plain = scene_picture(scene, dataset.stretch, longest=max(scene.size))
        st.image(outcome_picture(plain, predicted, label), width="stretch", alt="hits, misses and false alarms")
        st.markdown(
            " ".join(
                f'<span style="color:{colour}">■</span> {name}'
                for name, colour in OUTCOMES.items()
                if name != "wrong class"
            ),
            unsafe_allow_html=True,  # nothing of a user's is in it
        )


def compare(records: Sequence[RunRecord]) -> None:
    """Curves, threshold, price, scenes and sizes of the runs."""
    first = records[0]
    dataset = services.dataset(first.dataset_id)
    left, middle, right = st.columns(3)
    with left:
        checkpoint = pick_checkpoint(first)
    class_id = middle.selectbox(
        "Class",
        range(1, len(dataset.classes)),
        rarest(services.balance(first.dataset_id)) - 1,
        lambda k: dataset.classes[k],
        key=f"class-{first.dataset_id}",
    )
    scope = right.segmented_control(
        "Count", ["object", "pixel"], default="object", required=True, key="scope", bind="query-params"
    )
    names = [run_label(record) for record in records]
    measured = {
        name: services.tradeoffs(record.id, checkpoint if record is first else newest_checkpoint(record) or "")
        for name, record in zip(names, records, strict=True)
    }
    both = {
        name: {"object": each.of_class(class_id).object, "pixel": each.of_class(class_id).pixel}
        for name, each in measured.items()
    }
    curves = {name: scopes[scope] for name, scopes in both.items()}
    threshold = st.slider(
        "Threshold: a pixel counts from this probability on",
        0.02,
        0.98,
        0.5,
        0.02,
        key="threshold",
        bind="query-params",
    )
    say_point(operating_point(curves[names[0]], threshold), f"{scope}s")
    price = st.select_slider("A miss costs me as much as … false alarms", PRICES, 3.0, key="price")
    advice = advise([curves[name] for name in names], price)
    say_advice(advice, names, price, f"{scope}s")
    curve, path = stacking_columns("curves", 2)
    with curve:
        st.markdown("**At every threshold**")
        draw_curves(curves, threshold, points_of(advice, names), scope, names[0])
    with path:
        st.markdown(f"**The way through training: {escaped(names[0])}**")
        history = services.follower(first.id).history()
        live_figure(path_figure(history, class_id, scope), f"path-{first.id}-{scope}", height=380)
        st.caption("A dot a validation, most probable class, in the colour of the loss trained; large: end of a phase.")
    look_at_scene(measured[names[0]], dataset, class_id, threshold)
    st.markdown("**Recall by the object's size, at the slider**")
    sizes = {
        name: recall_by_size(
            [
                record
                for scene in range(len(each.scenes))
                for record in found_in(each, dataset, scene, class_id, threshold)
            ]
        )
        for name, each in measured.items()
    }
    if any(sizes.values()):
        live_figure(size_figure(sizes), "sizes", height=300)
        st.caption(
            "Groups of about as many objects each, from small to large; the bar says how many of them were found."
        )
    else:
        st.caption("n/a: the validation scenes hold no object of this class.")
    st.download_button(
        "All numbers as CSV",
        lambda: curves_table(both).to_csv(index=False).encode(),
        "tradeoffs.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


frame("Trade-offs")
try:
    chosen = pick_runs()
    if chosen:
        compare(chosen)
except InputError as problem:
    show_problem(problem)
with st.expander("What recall, precision, objects and the price mean"):
    st.markdown(EXPLANATION)
