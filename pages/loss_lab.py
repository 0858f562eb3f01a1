"""Loss lab: what each loss wants, on drawn labels and on a run's segmenter. Nothing is trained here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.figures.loss_lab import (
    CURVES_HEIGHT,
    blindness_figure,
    costs_figure,
    curves_figure,
    field_picture,
    in_rows,
)
from explorer.imagery.balance import ClassShare
from explorer.losses.lab import SyntheticLabel, curve_label, objects_found, synthetic_label
from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec
from explorer.ui.frame import frame, stacking_columns
from explorer.ui.live_figure import live_figure
from explorer.ui.loss_choice import pick_losses, set_losses
from explorer.ui.loss_gradients import show_gradients
from explorer.ui.loss_lab_answers import (
    BLIND_OBJECTS,
    BLIND_SIDE,
    OBJECT_SIDE,
    OBJECTS,
    blindness,
    curves,
    misses,
    with_numbers,
)
from explorer.ui.loss_numbers import crop_of, show_numbers
from explorer.ui.messages import show_problem

AREA = OBJECT_SIDE**2
EXPLANATION = """
**The pull** of a loss on a pixel is minus its gradient by the logit of the pixel's true class, times the number of
pixels: what the next step of training does to it. On that scale plain cross-entropy pulls with 1 − p, so that a
pull of 5 is five times what cross-entropy could ever do. Only shapes and ratios can be compared between losses, not
values: 0.2 of Jaccard distance and 0.2 of cross-entropy are not the same.

**One object or fifty pixels.** Pixel recall is the same whether one object is lost or fifty are nibbled at; who counts
ships lost one in the first case and none in the second. A loss that adds up pixels cannot tell the two apart. A loss
with a term for each object, and not linear in it, can.

**99 % background.** The mean over pixels gives a class as much say as it has pixels. Weights give the rare class
its say back, and every false alarm gets cheaper against a miss: recall rises and precision pays.

**Gradients in weight space** say whether two losses ask for the same step. Where their cosine is near 1 it hardly
matters which one trains; where it is near 0 or below, changing from one to the other changes where training goes.
"""


def field_shares(field: SyntheticLabel) -> tuple[ClassShare, ...]:
    """The balance of a drawn field, as loss controls want it."""
    objects = int(field.label.sum())
    ground = field.label.size - objects
    return (
        ClassShare("background", ground, None, 1 - field.share),
        ClassShare("objects", objects, int(field.ids.max()), field.share),
    )


def percent(share: float) -> str:
    return f"{100 * share:g} %"


def show_curves(kinds: Sequence[LossKind]) -> None:
    """Loss and pull against the probability of the true class."""
    share = st.select_slider(
        "Foreground share",
        (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
        0.01,
        percent,
        key="share",
        help="How many of the pixels belong to objects.",
        bind="query-params",
    )
    field = curve_label(share)
    picture, settings = stacking_columns("curves", [3, 1])
    with settings:
        specs = set_losses(kinds, field_shares(field), "field")
    with picture:
        specs = with_numbers(specs, field_shares(field))
        rows, _ = in_rows(len(specs))
        click = live_figure(curves_figure(curves(specs, share)), f"curves-{len(specs)}", CURVES_HEIGHT * rows)
        st.caption(
            "All pixels give their true class the probability p; below each loss, how hard it pulls a pixel of an "
            "object (solid) and of the background (dotted) to the right. Every panel has its own axis; click a curve "
            "to put its p into every formula."
        )
        if click is not None and isinstance(click.x, float):
            st.session_state["lab-point"] = click.x, click.curve % 3 == 2
        if "lab-point" in st.session_state:
            show_point(specs, field, *st.session_state["lab-point"])


def show_point(specs: Sequence[LossSpec], field: SyntheticLabel, p: float, on_background: bool) -> None:
    """Every formula at the point of a curve that was clicked."""
    row, column = np.argwhere(field.label != on_background)[0]
    with st.container(border=True):
        place = "of the background" if on_background else "of an object"
        st.markdown(f"**A pixel {place}** where every pixel gives its true class p = {p:.3g}:")
        show_numbers(specs, crop_of(field, np.full(field.label.shape, p)), int(row), int(column))
        st.button("Close", icon=":material/close:", on_click=st.session_state.pop, args=("lab-point",))


def show_misses(kinds: Sequence[LossKind]) -> None:
    """Many pixels of one object against one pixel of many objects."""
    first, second, third, fourth = st.columns(4)
    of_one = first.slider(
        "Pixels missed of one object", 1, AREA, 50, key="of_one", help=f"It has {AREA}.", bind="query-params"
    )
    of_many = second.slider("Objects that lose one pixel", 1, OBJECTS, 50, key="of_many", bind="query-params")
    share = third.select_slider(
        "Foreground share", (0.05, 0.1, 0.2, 0.3), 0.3, percent, key="field", bind="query-params"
    )
    with fourth:
        confidence = pick_confidence()
    field = synthetic_label(OBJECTS, OBJECT_SIDE, share)
    picture, settings = stacking_columns("misses", [3, 1])
    with settings:
        specs = set_losses(kinds, field_shares(field), "field")
    with picture:
        specs = with_numbers(specs, field_shares(field))
        masks, costs = misses(specs, share, of_one, of_many, confidence)
        titles = f"{of_one} of one object", f"1 of {of_many} objects"
        for column, mask, title in zip(st.columns(2), masks, titles, strict=True):
            column.markdown(f"**Missed pixels: {title}**")
            column.image(field_picture(field, mask), width="stretch", alt=f"field of objects, {title} missed")
            recall = 1 - mask.sum() / field.label.sum()
            column.caption(
                f"Pixel recall **{100 * recall:.1f} %**, objects found **{objects_found(field, mask)} of {OBJECTS}** "
                "(IoU above one half). Blue: found, orange: missed."
            )
        st.markdown(f"**How much more {titles[0]} costs than {titles[1]}**")
        live_figure(costs_figure(costs, titles[0], titles[1]), "costs", 90 + 34 * len(costs))
        st.caption(
            "What each loss charges for the left picture, divided by what it charges for the right one. At ×1 it "
            "cannot tell a lost object from many that are nibbled at."
        )
        show_wrong(specs, field, dict(zip(("on the left", "on the right"), masks, strict=True)), confidence)


def show_blindness(kinds: Sequence[LossKind]) -> None:
    """Why a segmenter that finds nothing is nearly right, and what weights do about it."""
    first, second = st.columns(2)
    background = first.select_slider(
        "Background",
        (0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998),
        0.99,
        percent,
        key="background",
        bind="query-params",
    )
    with second:
        confidence = pick_confidence()
    field = synthetic_label(BLIND_OBJECTS, BLIND_SIDE, 1 - background)
    picture, settings = stacking_columns("blind", [3, 1])
    with settings:
        specs = set_losses(kinds, field_shares(field), "field")
    with picture:
        specs = with_numbers(specs, field_shares(field))
        found = blindness(specs, 1 - background, confidence)
        left, right = st.columns([1, 2])
        with left:
            st.markdown("**Nothing is found**")
            st.image(field_picture(field, field.label == 1), width="stretch", alt="every object missed")
            st.caption(f"**{100 * (1 - field.share):.3g} %** of all pixels are right, and not one object is found.")
        with right:
            st.markdown("**What that costs**")
            live_figure(blindness_figure(found), "blind", 90 + 34 * len(found))
            st.caption(
                "In percent of what the same loss charges for being wrong everywhere. Cross-entropy charges the share "
                "of the objects: it is content with finding nothing."
            )
        st.markdown("**How much more a miss costs than a false alarm**")
        live_figure(
            costs_figure([each.against_false_alarms for each in found], "misses", "false alarms"),
            "balance",
            90 + 34 * len(found),
        )
        st.caption(
            "All objects missed, against as many pixels of false alarms beside them. Far to the right a loss pushes to "
            "recall and takes false alarms in its stride; at ×1 both cost the same."
        )
        show_wrong(specs, field, {"on the field": field.label == 1}, confidence)


def show_wrong(
    specs: Sequence[LossSpec], field: SyntheticLabel, missed: Mapping[str, NDArray[np.bool_]], confidence: float
) -> None:
    """Every formula for one missed pixel of each picture, if the visitor wants it."""
    if not st.toggle("Put the numbers of a missed pixel into the formulas", key="numbers", bind="query-params"):
        return
    for place, mask in missed.items():
        row, column = np.argwhere(mask)[0]
        with st.container(border=True):
            st.markdown(f"**A missed pixel {place}**, p = {1 - confidence:.3g} of its true class:")
            show_numbers(specs, crop_of(field, np.where(mask, 1 - confidence, confidence)), int(row), int(column))


def pick_confidence() -> float:
    """How sure the segmenter is of what it decides, right or wrong."""
    return st.select_slider(
        "Confidence",
        (0.6, 0.75, 0.9, 0.95, 0.99, 0.999),
        0.99,
        percent,
        key="confidence",
        help="The probability that the segmenter gives to what it decides, where it is right and where it is wrong.",
        bind="query-params",
    )


VIEWS = {
    "Curves": show_curves,
    "One object or fifty pixels": show_misses,
    "99 % background": show_blindness,
    "On imagery": show_gradients,
}

frame("Loss lab")
view = st.segmented_control(
    "What to look at",
    list(VIEWS),
    default="Curves",
    required=True,
    key="view",
    bind="query-params",
    label_visibility="collapsed",
)
chosen = pick_losses()
if not chosen:
    st.info("Choose at least one loss above.", icon=":material/arrow_upward:")
else:
    try:
        VIEWS[view](chosen)
    except InputError as problem:
        show_problem(problem)
with st.expander("What pull, weights and cosines mean"):
    st.markdown(EXPLANATION)
