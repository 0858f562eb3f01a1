"""The formulas of the losses with the values of one pixel inserted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.losses.lab import SyntheticLabel
from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec
from explorer.losses.worked_example import Crop, NotWorkedOut, Of, substituted

TERMS: dict[Of, str] = {
    "pixel": "the term of this pixel",
    "object": "the term of its object",
    "crop": "the loss of the whole picture (it is no sum over pixels)",
}


def uniform_crop(field: SyntheticLabel, p: float) -> Crop:
    """A prediction that gives the true class the probability ``p`` at every pixel."""
    return _crop(field, np.full(field.label.shape, p))


def crop_with_misses(field: SyntheticLabel, missed: NDArray[np.bool_], confidence: float) -> Crop:
    """A prediction that is wrong at the missed pixels, (H, W), and gives what it predicts this confidence."""
    return _crop(field, np.where(missed, 1 - confidence, confidence))


def first_pixel(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the first pixel in the mask (H, W), which is not empty."""
    row, column = np.argwhere(mask)[0]
    return int(row), int(column)


def _crop(field: SyntheticLabel, probability: NDArray[np.float64]) -> Crop:
    """The field with the probability (H, W) of the true class."""
    foreground = np.where(field.label == 1, probability, 1 - probability)
    return Crop(np.stack([1 - foreground, foreground]), field.label)


def show_numbers(specs: Sequence[LossSpec], crop: Crop, row: int, column: int) -> None:
    """For each loss its name, what the value belongs to, and the formula with the values.

    Args:
        specs: class weights as numbers.
        crop: prediction and label.
        row: of the pixel.
        column: of the pixel.
    """
    for spec in specs:
        info = LOSSES[spec.kind]
        worked = substituted(spec, crop, row, column)
        mark = f'<span style="color:{info.color}">■</span> {info.name}'
        if not worked:
            st.markdown(f"{mark}: the pixel is ignored.", unsafe_allow_html=True)
        for each in worked:
            part = "" if each.spec.kind == spec.kind else f", {each.factor:g} times {LOSSES[each.spec.kind].name}"
            if isinstance(each, NotWorkedOut):
                st.markdown(f"{mark}{part}: its arithmetic is not written out here.", unsafe_allow_html=True)
                continue
            st.markdown(f"{mark}{part}: {TERMS[each.of]}, **{each.value:.3g}**", unsafe_allow_html=True)
            st.latex(each.latex)
