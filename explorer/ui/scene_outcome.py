"""One scene under a threshold: the outcome of each pixel, the table of its objects, and the one that was ticked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.figures.colours import OUTCOMES
from explorer.figures.imagery import scene_picture
from explorer.figures.outcome import class_outcome_picture, object_pictures
from explorer.figures.tradeoffs import objects_table
from explorer.imagery.match_rule import MatchRule
from explorer.imagery.scene import Dataset, Scene, Stretch
from explorer.metrics.objects import ObjectRecord
from explorer.runs.threshold_sweep import ThresholdSweep
from explorer.ui import address
from explorer.ui.frame import stacking_columns
from explorer.ui.unique_labels import position_labels


def show_scene(
    sweep: ThresholdSweep,
    dataset: Dataset,
    objects: Sequence[Sequence[ObjectRecord]],
    class_id: int,
    threshold: float,
    rule: MatchRule,
) -> None:
    """One scene with the outcome of each pixel, the table of its objects, and the object that was clicked."""
    labels = position_labels(sweep.scenes)
    address.named("scene", "validation scene", labels.values(), labels[0])
    number = st.selectbox(
        "Validation scene", range(len(labels)), format_func=labels.__getitem__, key="scene", bind="query-params"
    )
    scene, predicted = dataset.validation[number], sweep.predicted(number, class_id, threshold)
    picture, facts = stacking_columns("overlay", [4, 3])
    if not rule.counts_objects:
        facts.caption("No table of objects: the match rule compares pixels.")
    else:
        with facts:
            _show_objects(objects[number], scene, dataset.stretch, predicted, class_id, f"objects-{number}-{class_id}")
    with picture:
        plain = scene_picture(scene, dataset.stretch, longest=max(scene.size))
        shown = class_outcome_picture(plain, predicted, scene.label, class_id)
        st.image(shown, width="stretch", alt="hits, misses and false alarms")
        show_outcome_legend(wrong_class=False)


def show_outcome_legend(wrong_class: bool) -> None:
    """The colours of pixels in a picture of outcomes.

    Args:
        wrong_class: whether there are several foreground classes, which can be confused.
    """
    named = {name: colour for name, colour in OUTCOMES.items() if wrong_class or name != "wrong class"}
    st.markdown(
        " ".join(f'<span style="color:{colour}">■</span> {name}' for name, colour in named.items()),
        unsafe_allow_html=True,  # nothing of a user's is in it
    )


def _show_objects(
    records: Sequence[ObjectRecord],
    scene: Scene,
    stretch: Stretch,
    predicted: NDArray[np.bool_],
    class_id: int,
    key: str,
) -> None:
    """The table of a scene's objects, and the one that was ticked."""
    table = objects_table(records)
    event = st.dataframe(
        table,
        hide_index=True,
        height=300,
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        placeholder="–",
        column_config={"IoU": st.column_config.NumberColumn(format="%.2f")},
    )
    rows = event.selection.rows
    if rows and rows[0] < len(table):
        chosen = table.iloc[rows[0]]
        pair = object_pictures(scene, stretch, predicted, class_id, chosen["row"], chosen["column"])
        one, two = st.columns(2)
        one.image(pair[0], width="stretch", caption=f"{chosen['outcome']}, {chosen['pixels']} pixels")
        two.image(pair[1], width="stretch", caption="outcome")
    else:
        st.caption("Tick the box of an object to see it.")
