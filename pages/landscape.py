"""Landscape: losses and metrics around a checkpoint, drawn while they are measured; a click shows the mask there."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from explorer.errors import InputError
from explorer.figures.landscape import (
    MOST_FIELDS,
    agreement_figure,
    contour_figure,
    error_figure,
    line_figure,
    path_table,
    surface_figure,
)
from explorer.figures.landscape_html import about, to_html
from explorer.figures.outcome import point_pictures
from explorer.jobs.job import FileJob
from explorer.jobs.registry import MeasureCurvature, MeasureSlice, PredictPoint
from explorer.landscape.export import to_csv, to_vtk
from explorer.landscape.slice import Slice
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.registry import LOSSES
from explorer.runs.job_files import read_progress
from explorer.runs.records import RunRecord
from explorer.runs.slice_files import PointPrediction, load_curvature, slice_version
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.file_jobs import (
    POLL_SECONDS,
    is_active,
    latest,
    order,
    show_ending,
    show_progress,
    wait_for_first,
)
from explorer.ui.frame import frame, shown_alone, stacking_columns
from explorer.ui.live_figure import Click, live_figure, shared_figure
from explorer.ui.messages import show_problem
from explorer.ui.pickers import pick_run, runs_with_checkpoints, step_of
from explorer.ui.slice_request import pick_slice
from explorer.ui.unique_labels import unique_labels

FOLLOWING = {"extent": 1.15, "resolution": 13, "budget": 169, "tolerance": 0.05}  # of the plane that follows a run
FOLLOW_SECONDS = 2.0
POINT = "point"  # in the address: the coordinates of the point that was clicked
EXPLANATION = """
**What is drawn.** A segmenter has tens of thousands of weights. A slice moves from a trained state along two directions
and measures every loss and metric at each point, from one forward pass over the same validation crops. White dots were
measured; the rest is interpolated where a field is smooth. Precision and object scores are discontinuous, so they are
shown only where they were measured. Gaps are undefined values.

**What it cannot show.** Two directions out of tens of thousands show little: what lies off the plane is not seen, and a
checkpoint drawn on it may lie far above or below (the dots of the path shrink with the distance). How flat a slice
looks depends on how weights are scaled, so flat does not mean that the segmenter generalises.

**How exact it is.** Each batch of points is predicted before it is measured, and the slice is finished when such errors
say that 95 % of all points are within the tolerance. What no measured point has touched is not foreseen: a step or a
spike between two points can be off by several times as much. *Error* shows how much is expected where.

**Agreement.** Blue: a step down this loss raises the metric there. Orange: it lowers the metric.
"""


def job_of(record: RunRecord, request: SliceRequest) -> MeasureSlice:
    """The job that measures a slice of a run."""
    store = services.store()
    return MeasureSlice(store.folder(record.id).path, store.dataset_file(record.dataset_id), settings().device, request)


def show_slice(record: RunRecord, job: MeasureSlice) -> None:
    """The slice, redrawn while it is measured."""
    st.fragment(_show_slice, run_every=POLL_SECONDS if is_active(job) else None)(record, job, is_active(job))


def _show_slice(record: RunRecord, job: MeasureSlice, was_active: bool) -> None:
    ordered = latest(job)
    active = ordered is not None and ordered.status.active
    if active != was_active:
        st.rerun()  # polling begins or ends
    if active and ordered is not None:
        show_progress(ordered, read_progress(job.file))
    show_ending(job)
    if active:
        wait_for_first(lambda: can_be_drawn(job, True))
    version = slice_version(job.file)
    if version is None or not can_be_drawn(job, active):
        if not active:
            st.info(
                "Nothing has been measured here yet. Choose a plane and press Measure.", icon=":material/landscape:"
            )
        return
    draw(record, services.measured_slice(job.file, version), job)


def can_be_drawn(job: MeasureSlice, active: bool) -> bool:
    """Whether the slice's file, or the journal of one that is being measured, holds points."""
    if job.file.exists():
        return True
    return slice_version(job.file) is not None and (not active or read_progress(job.file) is not None)


def show_other_jobs(record: RunRecord, elsewhere: Sequence[FileJob]) -> None:
    """What else works on the run, with a Stop: ordered with other settings or by other visitors.

    Args:
        elsewhere: jobs whose progress the page shows in another place.
    """
    files = frozenset(str(job.file.relative_to(job.run)) for job in elsewhere)
    active = any(each.file not in files for each in services.store().jobs.active(record.id))
    st.fragment(_show_other_jobs, run_every=POLL_SECONDS if active else None)(record, files, active)


def _show_other_jobs(record: RunRecord, elsewhere: frozenset[str], were_active: bool) -> None:
    if not show_active_jobs(record, elsewhere) and were_active:
        st.rerun()  # polling ends


def show_active_jobs(record: RunRecord, elsewhere: frozenset[str] = frozenset()) -> bool:
    """Progress and Stop of all that works on a run, except for these files; whether there is any."""
    store = services.store()
    active = [each for each in store.jobs.active(record.id) if each.file not in elsewhere]
    for each in active:
        show_progress(each, read_progress(store.folder(record.id).path / each.file))
    return bool(active)


def draw(record: RunRecord, shown: Slice, job: MeasureSlice) -> None:
    """The chosen fields in the chosen view, then the prediction at the point that was clicked."""
    labels = unique_labels({field.name: field.label for field in shown.meta.fields})
    one_dimension = shown.meta.report.is_line
    names = st.multiselect(
        "Fields",
        list(labels),
        [name for name in ("weighted_cross_entropy", "jaccard", f"f1_{len(shown.meta.classes) - 1}") if name in labels],
        labels.__getitem__,
        max_selections=None if one_dimension else MOST_FIELDS,
        key="fields",
        bind="query-params",
    )
    if not names:
        st.info("Choose a field to see it.", icon=":material/arrow_upward:")
        return
    kinds = ["Lines"] if one_dimension else ["Contours", "Surfaces", "Agreement", "Error", "Lines"]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = st.segmented_control("View", kinds, default=kinds[0], required=True, key="slice-view",
                                    bind="query-params")  # fmt: skip
        logarithmic = st.toggle("Log scale (losses)", True, key="logarithmic", bind="query-params")
    with shown_alone():
        click = draw_view(shown, names, kind, logarithmic, record, job)
        st.caption(about(shown))
    if shown.meta.path:
        with st.expander("Path of the optimizer: distance off the plane, true and on-plane losses"):
            st.dataframe(path_table(shown), hide_index=True)
    if click is not None and isinstance(click.x, int | float):
        st.query_params[POINT] = f"{click.x:.6g},{0.0 if kind == 'Lines' else click.y or 0.0:.6g}"
    show_point(job, shown)
    show_downloads(record, shown, names, job)


def draw_view(
    shown: Slice, names: list[str], kind: str, logarithmic: bool, record: RunRecord, job: MeasureSlice
) -> Click | None:
    """The chosen fields in the chosen view; gives the point that was clicked."""
    plan, height, stem = record.plan, 380 if len(names) <= 2 else 720, job.file.stem
    key = f"{kind}-{stem}-{len(names)}"
    match kind:
        case "Contours":
            return live_figure(shared_figure(contour_figure, shown, tuple(names), logarithmic, plan), key, height, stem)
        case "Surfaces":
            return live_figure(shared_figure(surface_figure, shown, tuple(names), logarithmic, plan), key, height, stem)
        case "Lines":
            return live_figure(shared_figure(line_figure, shown, tuple(names)), key, 420, stem)
        case "Error":
            show_error(shown, names, key, stem)
        case "Agreement":
            show_agreement(shown, names, key, record, stem)
    return None


def show_error(shown: Slice, names: list[str], key: str, image: str) -> None:
    """The estimated interpolation error of the first chosen field that is interpolated."""
    labels = {field.name: field.label for field in shown.meta.fields}
    smooth = [name for name in names if name in shown.error]
    if not smooth:
        st.caption("n/a: none of these fields is interpolated.")
        return
    st.caption(f"Estimated error of {labels[smooth[0]]}, in percent of its range. Dots were measured.")
    live_figure(shared_figure(error_figure, shown, smooth[0]), key, 420, image)


def show_agreement(shown: Slice, names: list[str], key: str, record: RunRecord, image: str) -> None:
    """Where the first chosen loss falls while the first chosen metric falls."""
    fields = {field.name: field for field in shown.meta.fields}
    losses = [name for name in names if fields[name].group == "loss"]
    metrics = [name for name in names if fields[name].group == "pixel"]
    if not losses or not metrics:
        st.caption("Choose a loss and a pixel metric among the fields.")
        return
    loss, metric = fields[losses[0]].label, fields[metrics[0]].label
    st.caption(f"A step down {loss}: blue where it raises {metric} (cosine 1), orange where it lowers it (−1).")
    live_figure(shared_figure(agreement_figure, shown, losses[0], metrics[0], record.plan), key, 420, image)


def show_point(job: MeasureSlice, shown: Slice) -> None:
    """What the segmenter predicts with the weights at the point that was clicked."""
    clicked = st.query_params.get(POINT)
    if clicked is None:
        st.caption("Click a point to see the prediction there.")
        return
    alpha, beta = (float(each) for each in clicked.split(","))
    crop = st.number_input("Validation crop", 0, 999, 0, key="crop", bind="query-params")
    st.markdown(f"**Prediction at α = {alpha:.3f}, β = {beta:.3f}**")
    path = tuple(point.checkpoint for point in shown.meta.path)
    question = PredictPoint(job.run, job.request, path, alpha, beta, int(crop))
    try:
        answer, seconds = predicted(question, str(job.file), alpha, beta, int(crop), shown.meta.report.content_hash)
    except InputError as problem:
        show_problem(problem)
        return
    labels = {field.name: field.label for field in shown.meta.fields}
    pictures = point_pictures(answer.image, answer.label, {"here": answer.mask, "at the centre": answer.centre_mask})
    *columns, numbers = st.columns([2, 2, 2, 3])
    for column, (caption, picture) in zip(columns, pictures.items(), strict=True):
        column.image(picture, width="stretch", caption=caption)
    numbers.dataframe(
        [{"field": labels.get(name, name), "value": value} for name, value in answer.values.items()],
        hide_index=True,
        height=230,
        placeholder="n/a",
    )
    st.caption(f"Blue: hit. Orange: miss. Purple: false alarm. Computed in {seconds:.2f} s.")


@st.cache_data(show_spinner="Waiting for the worker …", max_entries=64)
def predicted(
    _question: PredictPoint, file: str, alpha: float, beta: float, crop: int, plane: str
) -> tuple[PointPrediction, float]:
    """The prediction at a point and the seconds it took, asked once: the page polls while a slice is measured.

    Args:
        _question: what the worker is asked; the others distinguish it.
        file: of the slice.
        alpha, beta: coordinates of the point.
        crop: index of the validation crop.
        plane: hash of its vectors.

    Raises:
        InputError: see ``Engine.ask``.
    """
    began = time.perf_counter()
    answer = services.engine().ask(_question)
    return answer, time.perf_counter() - began


def show_downloads(record: RunRecord, shown: Slice, names: list[str], job: MeasureSlice) -> None:
    """Files with the provenance in them, and the command that makes the same slice again."""
    folder, stem = str(job.run), job.file.stem
    offers = (
        ("HTML", lambda: to_html(shown, names, record.plan, folder, f"{stem}.html").encode(), "html", "text/html"),
        ("CSV", lambda: to_csv(shown).encode(), "csv", "text/csv"),
        ("VTK", lambda: to_vtk(shown).encode(), "vtk", "text/plain"),
        ("NPZ", job.file.read_bytes, "npz", "application/octet-stream"),
    )
    with st.expander("Download"):
        for column, (label, content, ending, kind) in zip(st.columns(4), offers, strict=True):
            column.download_button(
                label,
                content,
                f"{record.id}-{stem}.{ending}",
                kind,
                disabled=ending == "npz" and not job.file.exists(),
                icon=":material/download:",
                on_click="ignore",
                width="stretch",
                key=f"download-{ending}",
            )
        st.caption("PNG: the camera button over the figure. The same slice without a browser:")
        st.code(shown.meta.command(folder, f"{stem}.npz"), language="bash", wrap_lines=True)


def show_curvature(record: RunRecord, checkpoint: str) -> MeasureCurvature:
    """Top eigenvalues and trace of a loss at the centre, against the bound that the learning rate sets.

    Returns:
        The job that measures them, whether it has been ordered or not.
    """
    with st.expander("Curvature at the centre"):
        kinds = [kind for kind in LOSSES if kind != "combined"]
        loss = st.selectbox("Loss", kinds, 1, lambda kind: LOSSES[kind].name, key="curvature-loss")
        store = services.store()
        job = MeasureCurvature(
            store.folder(record.id).path, store.dataset_file(record.dataset_id), settings().device, loss, checkpoint
        )
        active = is_active(job)
        if not job.file.exists() and not active:
            if st.button("Measure the curvature", icon=":material/show_chart:", key="measure-curvature"):
                order(job)
                st.rerun()
            show_ending(job)
        else:
            st.fragment(_show_curvature, run_every=POLL_SECONDS if active else None)(job, active)
    return job


def _show_curvature(job: MeasureCurvature, was_active: bool) -> None:
    ordered = latest(job)
    if (ordered is not None and ordered.status.active) != was_active:
        st.rerun()  # polling begins or ends
    if was_active and ordered is not None:
        show_progress(ordered, read_progress(job.file))
        return
    report = load_curvature(job.file)
    pairs = zip(report.eigenvalues, report.residuals, strict=True)
    st.markdown(
        "Largest eigenvalues: " + ", ".join(f"**{value:.4g}** (residual {rest:.1g})" for value, rest in pairs) + "  \n"
        f"Trace: **{report.trace:.4g}** ± {report.trace_error:.2g} (standard error), {report.parameters:,} weights  \n"
        f"2 / learning rate: {report.stable:.4g}. Plain gradient descent at the rate of this checkpoint, "
        f"{report.learning_rate:g}, is unstable along directions of larger curvature. Adam rescales each weight, so "
        "that for it this is a guide only."
    )


def follow(record: RunRecord) -> None:
    """A small plane of the run's own path, measured again as checkpoints arrive."""
    st.fragment(_follow, run_every=FOLLOW_SECONDS)(record)


def _follow(record: RunRecord) -> None:
    store = services.store()
    if not store.run(record.id).status.active:
        st.rerun()  # polling ends
    try:
        _follow_path(record)
    except InputError as problem:
        show_problem(problem)


def _follow_path(record: RunRecord) -> None:
    store = services.store()
    files = store.folder(record.id).checkpoint_files()
    if len(files) < 4:
        st.info("A path needs four checkpoints.", icon=":material/hourglass_empty:")
        return
    request = SliceRequest.model_validate({"plane": {"kind": "pca"}, "checkpoint": files[-1].name} | FOLLOWING)
    followed: list[MeasureSlice] = st.session_state.setdefault(f"followed-{record.id}", [])
    job = job_of(record, request)
    if job not in followed and not any(is_active(other) for other in followed):
        followed.append(job)
        order(job)
    ready = [other for other in followed if other.file.exists()]
    show_active_jobs(record)
    show_ending(followed[-1])
    if not ready:
        return
    shown = services.measured_slice(ready[-1].file, slice_version(ready[-1].file) or (0, 0))
    fields = tuple(name for name in ("weighted_cross_entropy", "jaccard") if name in shown.fields)
    live_figure(shared_figure(contour_figure, shown, fields, True, record.plan), f"follow-{record.id}", 380)
    st.caption(
        f"Up to step {step_of(shown.meta.checkpoint)}. The plane is fitted again for each checkpoint, so the picture "
        "turns as the path grows. " + about(shown)
    )


frame("Landscape")
try:
    chosen = pick_run(runs_with_checkpoints())
    if chosen is not None:
        controls, shown_slice = stacking_columns("landscape", [2, 5])
        wanted: MeasureSlice | None = None
        curvature: MeasureCurvature | None = None
        with controls:
            if not (chosen.status.active and st.toggle("Follow the training", key="follow", bind="query-params")):
                names = [file.name for file in services.store().folder(chosen.id).checkpoint_files()]
                wanted = job_of(chosen, pick_slice(chosen.id, names))
                if st.button("Measure", type="primary", icon=":material/play_arrow:", width="stretch", key="measure"):
                    order(wanted)
                curvature = show_curvature(chosen, wanted.request.checkpoint or names[-1])
        with shown_slice:
            if wanted is None or curvature is None:
                follow(chosen)
            else:
                show_other_jobs(chosen, (wanted, curvature))
                show_slice(chosen, wanted)
except InputError as problem:
    show_problem(problem)
with st.expander("What a slice shows, and what it cannot show"):
    st.markdown(EXPLANATION)
