"""Loss lab: values and gradients of the losses, on synthetic labels and on a run's segmenter. Nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.figures.loss_lab import (
    all_background_figure,
    bars_height,
    curves_figure,
    curves_height,
    excess_loss_figure,
    is_of_background,
    synthetic_label_picture,
)
from explorer.losses.lab import (
    SyntheticLabel,
    curve_label,
    objects_found,
    pixel_recall,
    synthetic_balance,
    synthetic_label,
)
from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec
from explorer.ui import address
from explorer.ui.evidence import show_loss_evidence
from explorer.ui.frame import frame, shown_alone, stacking_columns, wrapping_columns
from explorer.ui.live_figure import live_figure
from explorer.ui.loss_choice import pick_losses, set_losses
from explorer.ui.loss_gradients import show_gradients
from explorer.ui.loss_lab_answers import (
    OBJECT_SIDE,
    OBJECTS,
    RARE_OBJECTS,
    RARE_SIDE,
    all_background_losses,
    curves,
    misses,
    with_numbers,
)
from explorer.ui.loss_numbers import crop_with_misses, first_pixel, show_numbers, uniform_crop
from explorer.ui.messages import percent, show_problem

EXPLANATION = """
**Gradient magnitude.** The gradients shown are those by the logit of a pixel's true class, times −1 and times the
number of pixels. On this scale that of plain cross-entropy is 1 − p, so 5 is five times the most that cross-entropy
can reach. Compare shapes and ratios between losses, not values: a Jaccard distance of 0.2 and a cross-entropy of 0.2
have nothing in common.

**One object or fifty pixels.** Pixel recall is the same whether one object is missed or fifty objects lose a pixel
each. For a count of ships, the first case misses one and the second none. A loss that is a sum over pixels cannot
tell them apart. A loss with a nonlinear term for each object can.

**99 % background.** In a mean over pixels, a class counts as much as it has pixels. Class weights make a rare class
count more and a false alarm count less than a miss: recall rises, precision falls.

**Cosines in weight space** say whether two losses lead to the same training step. Near 1, either can be used; near 0
or below, switching from one to the other changes the direction of training.
"""


def show_curves(kinds: Sequence[LossKind]) -> None:
    """Loss and gradient against the probability of the true class."""
    share = st.select_slider(
        "Foreground share",
        (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
        0.01,
        percent,
        key="share",
        help="Share of the pixels that belong to objects.",
        bind="query-params",
    )
    field = curve_label(share)
    picture, settings = stacking_columns("curves", [3, 1])
    with settings:
        specs = set_losses(kinds, synthetic_balance(field), "field")
    with picture, shown_alone():
        specs = with_numbers(specs, synthetic_balance(field))
        click = live_figure(curves_figure(curves(specs, share)), f"curves-{len(specs)}", curves_height(len(specs)))
        st.caption(
            "The prediction gives the true class the probability p at every pixel. Below each loss: its gradient at a "
            "pixel of an object (solid) and of the background (dotted). Every panel has its own axis. Click a curve "
            "to insert its p into the formulas."
        )
        if click is not None and isinstance(click.x, float):
            st.session_state["lab-point"] = click.x, is_of_background(click.curve)
        if "lab-point" in st.session_state:
            show_point(specs, field, *st.session_state["lab-point"])


def show_point(specs: Sequence[LossSpec], field: SyntheticLabel, p: float, on_background: bool) -> None:
    """Every formula at the point of a curve that was clicked."""
    row, column = first_pixel(field.label != on_background)
    with st.container(border=True):
        where = "of the background" if on_background else "of an object"
        st.markdown(f"**A pixel {where}**, with p = {p:.3g} of the true class at every pixel:")
        show_numbers(specs, uniform_crop(field, p), row, column)
        st.button("Close", icon=":material/close:", on_click=st.session_state.pop, args=("lab-point",),
                  key="close-point")  # fmt: skip


def show_misses(kinds: Sequence[LossKind]) -> None:
    """Many pixels of one object against one pixel of many objects."""
    first, second, third, fourth = wrapping_columns("misses-inputs", 4)
    share = third.select_slider(
        "Foreground share", (0.05, 0.1, 0.2, 0.3), 0.3, percent, key="field", bind="query-params"
    )
    field = synthetic_label(OBJECTS, OBJECT_SIDE, share)
    of_one = first.slider(
        "Pixels missed of one object",
        1,
        field.object_area,
        50,
        key="of_one",
        help=f"It has {field.object_area} pixels.",
        bind="query-params",
    )
    of_many = second.slider("Objects that lose one pixel", 1, OBJECTS, 50, key="of_many", bind="query-params")
    with fourth:
        confidence = pick_confidence()
    picture, settings = stacking_columns("misses", [3, 1])
    with settings:
        specs = set_losses(kinds, synthetic_balance(field), "field")
    with picture, shown_alone():
        specs = with_numbers(specs, synthetic_balance(field))
        masks, costs = misses(specs, share, of_one, of_many, confidence)
        titles = f"{of_one} of one object", f"1 of {of_many} objects"
        for column, mask, title in zip(st.columns(2), masks, titles, strict=True):
            column.markdown(f"**Missed pixels: {title}**")
            column.image(synthetic_label_picture(field, mask), width="stretch", alt=f"synthetic label, {title} missed")
            column.caption(
                f"Pixel recall **{pixel_recall(field, mask):.1%}**, "
                f"objects found **{objects_found(field, mask)} of {OBJECTS}** (IoU > 0.5). Blue: found, orange: missed."
            )
        st.markdown(f"**Loss of missing {titles[0]} ÷ loss of missing {titles[1]}**")
        live_figure(excess_loss_figure(costs, titles[0], titles[1]), "costs", bars_height(len(costs)))
        st.caption(
            "Both losses are counted from that of a perfect prediction. At ×1 the loss cannot tell one missed object "
            "from many objects that lose a pixel each."
        )
        show_wrong(specs, field, dict(zip(("on the left", "on the right"), masks, strict=True)), confidence)


def show_all_background(kinds: Sequence[LossKind]) -> None:
    """Why predicting only background is nearly right, and what class weights change."""
    first, second = st.columns(2)
    share = first.select_slider(
        "Background share",
        (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002),
        0.01,
        remainder,
        key="background",
        bind="query-params",
    )
    with second:
        confidence = pick_confidence()
    field = synthetic_label(RARE_OBJECTS, RARE_SIDE, share)
    picture, settings = stacking_columns("blind", [3, 1])
    with settings:
        specs = set_losses(kinds, synthetic_balance(field), "field")
    with picture, shown_alone():
        specs = with_numbers(specs, synthetic_balance(field))
        found = all_background_losses(specs, share, confidence)
        left, right = st.columns([1, 2])
        with left:
            st.markdown("**All background**")
            st.image(synthetic_label_picture(field, field.label == 1), width="stretch", alt="every object missed")
            st.caption(f"**{remainder(field.share)}** of all pixels are right, and no object is found.")
        with right:
            st.markdown("**Loss of that prediction**")
            live_figure(all_background_figure(found), "blind", bars_height(len(found)))
            st.caption(
                "In percent of the same loss where every pixel is wrong. For cross-entropy this is the share of the "
                "objects: predicting only background is close to the minimum."
            )
        st.markdown("**Loss of misses ÷ loss of false alarms**")
        live_figure(
            excess_loss_figure([each.against_false_alarms for each in found], "misses", "false alarms"),
            "balance",
            bars_height(len(found)),
        )
        st.caption(
            "All objects missed, against false alarms on as many pixels. A loss far to the right favours recall and "
            "tolerates false alarms; at ×1 both count the same."
        )
        show_wrong(specs, field, {"of an object": field.label == 1}, confidence)


def show_wrong(
    specs: Sequence[LossSpec], field: SyntheticLabel, missed: Mapping[str, NDArray[np.bool_]], confidence: float
) -> None:
    """The formulas for one missed pixel of each picture, if switched on."""
    if not st.toggle("Show the formulas for a missed pixel", key="numbers", bind="query-params"):
        return
    for place, mask in missed.items():
        with st.container(border=True):
            st.markdown(f"**A missed pixel {place}**, predicted as background with a confidence of {confidence:g}:")
            show_numbers(specs, crop_with_misses(field, mask, confidence), *first_pixel(mask))


def pick_confidence() -> float:
    """The probability of the predicted class, right or wrong."""
    return st.select_slider(
        "Confidence",
        (0.6, 0.75, 0.9, 0.95, 0.99, 0.999),
        0.99,
        percent,
        key="confidence",
        help="The probability that the prediction gives to its class, both where it is right and where it is wrong.",
        bind="query-params",
    )


def remainder(share: float) -> str:
    """The rest of a share, in percent."""
    return percent(1 - share)


VIEWS = {
    "Curves": show_curves,
    "One object or fifty pixels": show_misses,
    "99 % background": show_all_background,
    "On imagery": show_gradients,
}

frame("Loss lab")
address.named("view", "view", VIEWS, next(iter(VIEWS)))
view = st.segmented_control(
    "View",
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
        show_loss_evidence(chosen)
    except InputError as problem:
        show_problem(problem)
with st.expander("Gradients, weights and cosines explained"):
    st.markdown(EXPLANATION)
