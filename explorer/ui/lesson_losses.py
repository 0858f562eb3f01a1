"""Experiments of the lessons that are computed while the visitor waits: values and gradients on synthetic labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.figures.lessons import miss_gradient_figure
from explorer.figures.loss_lab import all_background_figure, bars_height, excess_loss_figure, synthetic_label_picture
from explorer.jobs.loss_lab_jobs import CompareMissed, GradientsWhereMissed
from explorer.lessons.experiments import (
    HIGHEST_POWER,
    LOWEST_POWER,
    AllBackground,
    Misses,
    MissGradient,
    PaintedMisses,
)
from explorer.lessons.words import Words
from explorer.losses.lab import (
    Cost,
    SyntheticLabel,
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
from explorer.ui.lesson_figure import lesson_figure, share_text
from explorer.ui.lesson_paint import paint_misses
from explorer.ui.loss_lab_answers import (
    OBJECT_SIDE,
    OBJECTS,
    RARE_OBJECTS,
    RARE_SIDE,
    all_background_losses,
    misses,
    with_numbers,
)

_SHARES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002)
_PROBABILITIES = tuple(float(p) for p in np.geomspace(10**LOWEST_POWER, 0.5, 40))
_MOST_PAINTED = 50  # pixels
_HASHED: dict[str | type, Any] = {LossSpec: LossSpec.model_dump_json}


def show_all_background(experiment: AllBackground, words: Words, key: str) -> None:
    """A label of which nothing is found; beside it accuracy and loss, or the loss of misses against false alarms."""
    shares = sorted({*_SHARES, experiment.share}, reverse=True)
    share = st.select_slider(
        words.share, shares, experiment.share, partial(share_text, words=words), key=f"{key}-share"
    )
    field = synthetic_label(RARE_OBJECTS, RARE_SIDE, share)
    left, right = stacking_columns(key, [2, 3])
    with left:
        st.markdown(f"**{words.all_background}**")
        picture = synthetic_label_picture(field, field.label == 1)
        st.image(picture, width=340, alt=words.all_background)
        right_pixels = share_text(1 - field.share, words)
        st.caption(words.all_background_caption.format(RARE_OBJECTS, right_pixels))
    with right:
        if experiment.compares != "false_alarms":
            st.metric(words.accuracy, right_pixels)
        if experiment.compares == "accuracy":
            return
        specs = with_numbers(experiment.losses, synthetic_balance(field))
        found = all_background_losses(specs, share, experiment.confidence)
        if experiment.compares == "loss":
            st.markdown(f"**{words.ce_of_it}**")
            figure = all_background_figure(found, whole=True).update_xaxes(title_text=words.ce_axis)
            lesson_figure(figure, words, f"{key}-loss", bars_height(len(found)))
            st.caption(words.ce_caption.format(share_text(experiment.confidence, words)))
        else:
            st.markdown(f"**{words.false_alarms_title}**")
            costs = [each.against_false_alarms for each in found]
            _show_ratios(costs, (words.misses, words.false_alarms), words, key)
            st.caption(words.false_alarms_caption)


def measure_all_background(experiment: AllBackground, measure: str, x: Sequence[float]) -> list[float]:
    """In percent: the pixels that are right; or the first loss of the loss where all are wrong, both minus that of a
    perfect prediction. x are foreground shares in percent."""
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
        column.caption(words.misses_caption.format(_recall(field, mask, words), found, OBJECTS))
    st.markdown(f"**{words.misses_title}**")
    _show_ratios(costs, titles, words, key)
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
        _show_ratios(costs, (words.painted, words.in_few), words, key)
        touched = len(np.unique(field.ids[mask]))
        counts = len(missed), touched, objects_found(field, mask), OBJECTS, _recall(field, mask, words)
        st.caption(words.painted_caption.format(*counts))


def show_miss_gradient(experiment: MissGradient, words: Words, key: str) -> None:
    """Gradients at a missed pixel against its probability, and their numbers at a probability of choice."""
    field = curve_label(experiment.share)
    specs = with_numbers(experiment.losses, synthetic_balance(field))
    start = round(math.log10(experiment.probability), 1)
    power = st.slider(f"{words.probability} (10ˣ)", LOWEST_POWER, HIGHEST_POWER, start, 0.1, key=f"{key}-p")
    p = 10**power
    gradients = _gradients(specs, experiment.share, _PROBABILITIES)
    titles = words.probability, words.gradient
    figure = miss_gradient_figure(specs, _PROBABILITIES, gradients, p, titles)
    lesson_figure(figure, words, f"{key}-gradient", 340)
    st.caption(words.gradient_caption.format(field.label.size, int(field.label.sum())))
    at_p = _gradients(specs, experiment.share, (p,))[:, 0]
    reference = float(_gradients((LossSpec(kind="cross_entropy"),), experiment.share, (p,))[0, 0])
    rows = [
        f"| {LOSSES[spec.kind].name} | {words.number(value, '.2g')} | {words.number(value / reference, '.2g')} |"
        for spec, value in zip(specs, at_p, strict=True)
    ]
    head = f"| {words.loss} | {words.gradient} | {words.times_ce} |\n| --- | --- | --- |\n"
    st.markdown(f"{words.gradient_pixel.format(words.number(p, '.2g'))}\n\n{head}" + "\n".join(rows))


def measure_miss_gradient(experiment: MissGradient, measure: str, x: Sequence[float]) -> list[float]:
    """Powers of ten: Jaccard's gradient ÷ that of cross-entropy; x are powers of ten of the probability."""
    specs = (LossSpec(kind="jaccard"), LossSpec(kind="cross_entropy"))
    probabilities = tuple(10.0**each for each in x) or (experiment.probability,)
    jaccard, reference = _gradients(specs, experiment.share, probabilities)
    return [math.log10(value) for value in jaccard / reference]


def _show_ratios(costs: Sequence[Cost], names: tuple[str, str], words: Words, key: str) -> None:
    """The ratio of each loss's values for two mistakes with these names."""
    first, second = names
    figure = excess_loss_figure(costs, first, second)
    figure.update_xaxes(title_text=words.larger_loss.format(second, first))
    lesson_figure(figure, words, f"{key}-ratio", bars_height(len(costs)))


def _recall(field: SyntheticLabel, mask: NDArray[np.bool_], words: Words) -> str:
    return words.localised(f"{100 * pixel_recall(field, mask):.1f} %")


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=_HASHED)
def _painted(specs: tuple[LossSpec, ...], share: float, missed: tuple[int, ...], confidence: float) -> tuple[Cost, ...]:
    return services.engine().ask(CompareMissed(specs, OBJECTS, OBJECT_SIDE, share, missed, confidence))


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=_HASHED)
def _gradients(specs: tuple[LossSpec, ...], share: float, probabilities: tuple[float, ...]) -> NDArray[np.float64]:
    return services.engine().ask(GradientsWhereMissed(specs, share, probabilities))
