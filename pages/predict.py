"""Predict: what a run finds on new images, with mask and objects to take away."""

from __future__ import annotations

import streamlit as st

from explorer.errors import InputError
from explorer.runs.class_thresholds import thresholds_of
from explorer.runs.prediction_names import prediction_file
from explorer.runs.records import RunRecord
from explorer.ui import services
from explorer.ui.frame import frame, stacking_columns
from explorer.ui.messages import escaped, show_problem
from explorer.ui.pickers import pick_checkpoint, pick_run, runs_with_checkpoints
from explorer.ui.prediction_source import pick_source, problem_of, show_notes
from explorer.ui.prediction_view import show_prediction
from explorer.ui.predictions import is_one_shown, offer_prediction, prediction_job, shown_prediction

EXPLANATION = """
**Threshold.** The segmenter gives each pixel a probability for each class; a pixel is of a class from its threshold on.
At first that is the run's own threshold, chosen on scenes that neither trained nor score. Moving it needs no new
prediction. At another threshold, objects are neither split nor left out at first: that was chosen with the run's own.

**Objects** are connected pixels of one class (diagonals count). The **score** is the mean probability of the class
inside the object: it sorts objects, and is no measure of how often such objects are right; *Trade-offs* shows that.

**Area.** Square metres are measured on the ellipsoid, so that they are right in any coordinate reference system; in UTM
they differ from the grid's by 0.2 % at most. An image without a georeference has none.

**Flips** predict for the image mirrored as well and take the mean: four times as long, usually a little better.

**Downloads.** The mask is a cloud-optimised GeoTIFF. Objects have class, class_id, score, area_px and area_m2; without
a georeference, their coordinates are columns and rows. GeoJSON has degrees (WGS 84): it needs an image that names its
coordinate reference system.

**Who sees it.** A prediction is yours alone, also on a run of somebody else. It is kept with the run until you delete
it on *Storage*, and counts towards your share. The image is kept with your uploads for some days.
"""


def choose(record: RunRecord) -> None:
    """Checkpoint, image and settings, and the button that predicts."""
    folder = services.store().folder(record.id)
    reference = folder.dataset()
    bands = ", ".join(reference.bands)
    image, how = stacking_columns("choose", [4, 3])
    with how:
        checkpoint = pick_checkpoint(record).name
        flips = st.toggle(
            "Flips", folder.plan().flips, key=f"flips-{record.id[:6]}", bind="query-params",
            help="Mean over mirrored images: four times as long. At first as the run's plan says.",
        )  # fmt: skip
    with image:
        source = pick_source(record, reference)
    with how:
        st.caption(f"Classes: {escaped(', '.join(reference.classes[1:]))}. Bands: {escaped(bands)}.")
        if source is None:
            return
        problem, forced = problem_of(source, record, reference), False
        if problem is not None:
            st.warning(f"**{escaped(source.name)}**: {escaped(problem)}.", icon=":material/warning:")
            forced = st.checkbox("Predict all the same", key="predict-force")
        offer_prediction(prediction_job(record, source, checkpoint, flips, forced), problem)


def show(record: RunRecord) -> None:
    """The prediction, once it is there."""
    shown = shown_prediction(record)
    if shown is None:
        return
    name, prediction = shown
    folder, meta = services.store().folder(record.id), prediction.meta
    applied = thresholds_of(folder, "own", len(meta.classes), meta.checkpoint)
    show_notes(meta.notes)
    show_prediction(prediction_file(folder.path, name), name, prediction, applied)


frame("Predict")
try:
    run = pick_run(runs_with_checkpoints())
    if run is not None:
        with st.expander("Image and checkpoint", icon=":material/add_photo_alternate:", expanded=not is_one_shown()):
            try:
                choose(run)
            except InputError as problem:
                show_problem(problem)
        show(run)
except InputError as problem:
    show_problem(problem)
with st.expander("Thresholds, objects, areas and who sees a prediction"):
    st.markdown(EXPLANATION)
