"""Experiments of the lessons that are computed while the visitor waits: values and gradients on synthetic labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.figures.lessons import miss_gradient_figure
from explorer.figures.loss_lab import all_background_figure, bars_height, excess_loss_figure, synthetic_label_picture
from explorer.jobs.loss_lab_jobs import CompareMissed, GradientsWhereMissed
from explorer.lessons.experiments import AllBackground, Misses, MissGradient, PaintedMisses
from explorer.lessons.words import Words
from explorer.losses.lab import (
    Cost,
    curve_label,
    objects_found,
    pixel_recall,
    synthetic_balance,
    synthetic_label,
)
from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec
from explorer.ui import services
from explorer.ui.frame import stacking_columns
from explorer.ui.lesson_paint import paint_misses
from explorer.ui.live_figure import live_figure
from explorer.ui.loss_lab_answers import (
    OBJECT_SIDE,
    OBJECTS,
    RARE_OBJECTS,
    RARE_SIDE,
    all_background_losses,
    misses,
    with_numbers,
)
from explorer.ui.messages import percent

_SHARES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002)
_PROBABILITIES = tuple(float(p) for p in np.geomspace(1e-9, 0.5, 40))
_MOST_PAINTED = 50  # pixels
_HASHED: dict[str | type, Any] = {LossSpec: LossSpec.model_dump_json}


def show_all_background(experiment: AllBackground, words: Words, key: str) -> None:
    """A label of which nothing is found; beside it accuracy and loss, or the loss of misses against false alarms."""
    shares = sorted({*_SHARES, experiment.share}, reverse=True)
    share = st.select_slider(words.share, shares, experiment.share, percent, key=f"{key}-share")
    field = synthetic_label(RARE_OBJECTS, RARE_SIDE, share)
    found = all_background_losses(
        with_numbers(experiment.losses, synthetic_balance(field)), share, experiment.confidence
    )
    left, right = stacking_columns(key, [2, 3])
    with left:
        st.markdown(f"**{words.all_background}**")
        picture = synthetic_label_picture(field, field.label == 1)
        st.image(picture, width=340, alt=words.all_background)
        st.caption(words.all_background_caption.format(RARE_OBJECTS, percent(1 - field.share)))
    with right:
        if experiment.compares == "accuracy":
            st.metric(words.accuracy, percent(1 - field.share))
            st.markdown(f"**{words.ce_of_it}**")
            live_figure(all_background_figure(found, whole=True), f"{key}-loss", bars_height(len(found)))
            st.caption(words.ce_caption.format(percent(experiment.confidence)))
        else:
            st.markdown(f"**{words.false_alarms_title}**")
            costs = [each.against_false_alarms for each in found]
            live_figure(excess_loss_figure(costs, words.misses, words.false_alarms), f"{key}-ratio",
                        bars_height(len(found)))  # fmt: skip
            st.caption(words.false_alarms_caption)


def measure_all_background(experiment: AllBackground, measure: str, x: Sequence[float]) -> list[float]:
    """In percent: the pixels that are right, or the first loss of the loss where all are wrong; x are percentages."""
    found = []
    for share in [each / 100 for each in x] or [experiment.share]:
        field = synthetic_label(RARE_OBJECTS, RARE_SIDE, share)
        if measure == "accuracy":
            found.append(100 * (1 - field.share))
            continue
        specs = with_numbers(experiment.losses[:1], synthetic_balance(field))
        part = all_background_losses(specs, share, experiment.confidence)[0].share
        found.append(math.nan if part is None else 100 * part)
    return found


def show_misses(experiment: Misses, words: Words, key: str) -> None:
    """Many pixels of one object missed beside one pixel of many, and the ratio of each loss."""
    field = synthetic_label(OBJECTS, OBJECT_SIDE, experiment.share)
    specs = with_numbers(experiment.losses, synthetic_balance(field))
    masks, costs = misses(specs, experiment.share, experiment.of_one, experiment.of_many, experiment.confidence)
    titles = words.of_one.format(experiment.of_one), words.of_many.format(experiment.of_many)
    for column, mask, title in zip(stacking_columns(key, 2), masks, titles, strict=True):
        column.markdown(f"**{title}**")
        column.image(synthetic_label_picture(field, mask), width=380, alt=title)
        found = objects_found(field, mask)
        column.caption(words.misses_caption.format(pixel_recall(field, mask), found, OBJECTS))
    st.markdown(f"**{words.misses_title}**")
    live_figure(excess_loss_figure(costs, *titles), f"{key}-ratio", bars_height(len(costs)))
    st.caption(words.misses_text)


def show_painted_misses(experiment: PaintedMisses, words: Words, key: str) -> None:
    """A label to paint misses on; beside it each loss of them against as many misses in few objects."""
    field = synthetic_label(OBJECTS, OBJECT_SIDE, experiment.share)
    specs = with_numbers(experiment.losses, synthetic_balance(field))
    left, right = stacking_columns(key, [2, 3])
    with left:
        missed = paint_misses(field, _MOST_PAINTED, words, key)
        st.caption(words.paint_caption)
    with right:
        st.markdown(f"**{words.painted_title}**")
        if not missed:
            st.info(words.painted_none, icon=":material/brush:")
            return
        mask: NDArray[np.bool_] = np.zeros(field.ids.shape, dtype=bool)
        mask.flat[list(missed)] = True
        costs = _painted(specs, experiment.share, missed, experiment.confidence)
        live_figure(excess_loss_figure(costs, words.painted, words.in_few), f"{key}-ratio", bars_height(len(costs)))
        touched = len(np.unique(field.ids[mask]))
        counts = len(missed), touched, objects_found(field, mask), OBJECTS, pixel_recall(field, mask)
        st.caption(words.painted_caption.format(*counts))


def show_miss_gradient(experiment: MissGradient, words: Words, key: str) -> None:
    """Gradients at a missed pixel against its probability, and their numbers at a probability of choice."""
    field = curve_label(experiment.share)
    specs = with_numbers(experiment.losses, synthetic_balance(field))
    power = st.slider(
        f"{words.probability} (10ˣ)", -9.0, -0.5, round(math.log10(experiment.probability), 1), 0.1, key=f"{key}-p"
    )
    p = 10**power
    gradients = _gradients(specs, experiment.share, _PROBABILITIES)
    titles = words.probability, words.gradient
    live_figure(miss_gradient_figure(specs, _PROBABILITIES, gradients, p, titles), f"{key}-gradient", 340)
    st.caption(words.gradient_caption.format(field.label.size, int(field.label.sum())))
    at_p = _gradients(specs, experiment.share, (p,))[:, 0]
    reference = float(_gradients((LossSpec(kind="cross_entropy"),), experiment.share, (p,))[0, 0])
    rows = [
        f"| {LOSSES[spec.kind].name} | {value:.2g} | {value / reference:.2g} |"
        for spec, value in zip(specs, at_p, strict=True)
    ]
    head = f"| {words.loss} | {words.gradient} | {words.times_ce} |\n| --- | --- | --- |\n"
    st.markdown(f"{words.gradient_pixel.format(f'{p:.2g}')}\n\n{head}" + "\n".join(rows))


def measure_miss_gradient(experiment: MissGradient, measure: str, x: Sequence[float]) -> list[float]:
    """Powers of ten: Jaccard's gradient ÷ that of cross-entropy; x are powers of ten of the probability."""
    specs = (LossSpec(kind="jaccard"), LossSpec(kind="cross_entropy"))
    probabilities = tuple(10.0**each for each in x) or (experiment.probability,)
    jaccard, reference = _gradients(specs, experiment.share, probabilities)
    return [math.log10(value) for value in jaccard / reference]


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=_HASHED)
def _painted(specs: tuple[LossSpec, ...], share: float, missed: tuple[int, ...], confidence: float) -> tuple[Cost, ...]:
    return services.engine().ask(CompareMissed(specs, OBJECTS, OBJECT_SIDE, share, missed, confidence))


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=_HASHED)
def _gradients(specs: tuple[LossSpec, ...], share: float, probabilities: tuple[float, ...]) -> NDArray[np.float64]:
    return services.engine().ask(GradientsWhereMissed(specs, share, probabilities))
