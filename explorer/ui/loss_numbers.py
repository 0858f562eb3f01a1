"""The formulas of the losses with the numbers of one pixel put in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.losses.lab import SyntheticLabel
from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec
from explorer.losses.worked_example import Crop, NoExample, Of, substituted

TERMS: dict[Of, str] = {
    "pixel": "this pixel's term",
    "object": "the term of its object",
    "crop": "the whole picture (it has no terms by pixel)",
}


def crop_of(field: SyntheticLabel, probability: NDArray[np.float64]) -> Crop:
    """A drawn field as a crop.

    Args:
        probability: (H, W), of the true class.
    """
    foreground = np.where(field.label == 1, probability, 1 - probability)
    return Crop(np.stack([1 - foreground, foreground]), field.label)


def show_numbers(specs: Sequence[LossSpec], crop: Crop, row: int, column: int) -> None:
    """For each loss its name, whose term it is, and its formula with the numbers.

    Args:
        specs: weights as numbers.
        crop: what the segmenter says, and the label.
        row: of the pixel.
        column: of the pixel.
    """
    for spec in specs:
        info = LOSSES[spec.kind]
        worked = substituted(spec, crop, row, column)
        mark = f'<span style="color:{info.color}">■</span> {info.name}'
        if not worked:
            st.markdown(f"{mark}: the pixel is ignored and counts nowhere.", unsafe_allow_html=True)
        for each in worked:
            part = "" if each.spec.kind == spec.kind else f", {each.factor:g} times {LOSSES[each.spec.kind].name}"
            if isinstance(each, NoExample):
                st.markdown(f"{mark}{part}: its arithmetic is not written out here.", unsafe_allow_html=True)
                continue
            st.markdown(f"{mark}{part}: {TERMS[each.of]}, **{each.value:.3g}**", unsafe_allow_html=True)
            st.latex(each.latex)
