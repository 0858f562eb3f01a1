"""Landscape: the losses and metrics around a checkpoint, measured while one looks; click a point to see its mask."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import streamlit as st

from explorer.errors import InputError
from explorer.figures.landscape import (
    MOST_FIELDS,
    contour_figure,
    disagreement_figure,
    error_figure,
    line_figure,
    surface_figure,
)
from explorer.figures.landscape_html import about, to_html
from explorer.figures.outcome import outcome_picture
from explorer.landscape.export import to_csv, to_vtk
from explorer.landscape.slice import Slice, read_slice
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.registry import LOSSES, LossKind
from explorer.runs.records import RunRecord
from explorer.runs.slice_files import CurvatureReport, PointPrediction, progress_of, slice_file, state_of, stop_file
from explorer.ui import services
from explorer.ui.frame import frame, stacking_columns
from explorer.ui.live_figure import Click, live_figure
from explorer.ui.messages import escaped, show_problem
from explorer.ui.slice_request import pick_slice, step_of

POLL_SECONDS = 0.7
LIVE = {"extent": 1.15, "resolution": 13, "budget": 169, "tolerance": 0.05}  # of the plane that follows a run
EXPLANATION = """
**What is drawn.** A segmenter has tens of thousands of weights; a slice goes from a trained state along two directions
and measures every loss and metric at each point, all from one pass over the same validation crops. White dots
were measured, the rest is interpolated where a field is smooth; precision and object scores jump and are shown only as
measured. Holes are undefined values.

**What it cannot show.** Two directions are next to nothing among so many: what lies off the plane stays unseen, and a
checkpoint drawn on it may lie far above or below (the path's dots shrink with the distance). How flat it looks depends
on how weights are scaled, so flat does not mean that it generalises.

**Disagreement.** Orange: going downhill for this loss lowers the metric there. Blue: it raises it.
"""


def pick_run() -> RunRecord | None:
    """A run that has checkpoints."""
    runs = {record.id: record for record in services.store().runs() if checkpoints_of(record.id)}
    if not runs:
        st.info("There is no run with a checkpoint yet.", icon=":material/arrow_forward:")
        st.page_link("pages/train.py", label="Train one", icon=":material/play_circle:")
        return None
    wanted = st.query_params.get("run")
    if wanted is not None and wanted not in runs:
        st.caption(f"There is no run {escaped(wanted)} here; another one is shown.")
    ids = list(runs)
    chosen = st.selectbox(
        "Run",
        ids,
        ids.index(wanted) if wanted in runs else 0,
        lambda run_id: f"{runs[run_id].name} on {runs[run_id].dataset_name} · {run_id[:4]}",
        key="landscape-run",
    )
    st.query_params["run"] = chosen
    return runs[chosen]


def checkpoints_of(run_id: str) -> list[str]:
    """Names of a run's checkpoints, oldest first."""
    return sorted(path.name for path in services.store().folder(run_id).checkpoints.glob("*.safetensors"))


def measure(record: RunRecord, request: SliceRequest, out: Path) -> None:
    """Orders the slice, unless it is on its way."""
    jobs = st.session_state.setdefault("slice-jobs", {})
    if str(out) in jobs and not jobs[str(out)].done():
        return
    stop_file(out).unlink(missing_ok=True)
    jobs[str(out)] = services.engine().slice(
        "explorer.jobs.landscape:slice_job",
        services.store().folder(record.id).path,
        services.store().dataset_file(record.dataset_id),
        request.model_dump_json(),
        out,
    )


@st.cache_resource(show_spinner=False, max_entries=24)
def slice_of(path: Path, state: tuple[int, int]) -> Slice:
    """What there is of a slice in this state, worked out once for all who look at it."""
    return read_slice(path)


def is_measuring(out: Path) -> bool:
    """This visitor has ordered the slice, and it is not finished."""
    job = st.session_state.get("slice-jobs", {}).get(str(out))
    return job is not None and not job.done()


def complain_of_job(out: Path) -> None:
    """Why the slice could not be measured, if it could not."""
    job = st.session_state.get("slice-jobs", {}).get(str(out))
    if job is not None and job.status == "error":
        error = job.exception()
        show_problem(
            error if isinstance(error, InputError) else InputError(str(error), "slice", "choose another plane")
        )


def show_progress(out: Path, request: SliceRequest) -> None:
    """How far it is, time left, and a button that stops it."""
    progress = progress_of(out)
    bar, stop = st.columns([5, 1], vertical_alignment="center")
    if progress is None or progress.done:
        bar.progress(0.0, "Building the plane, measuring the first points …")
    else:
        bar.progress(
            min(1.0, progress.measured / max(1, progress.expected)),
            f"{progress.measured} of about {progress.expected} points measured, {progress.seconds_left:.0f} s left",
        )
    if stop.button("Stop", icon=":material/stop:", width="stretch", key="stop-slice"):
        stop_file(out).touch()


def show_slice(record: RunRecord, request: SliceRequest, out: Path) -> None:
    """The slice, redrawn while it is measured."""
    st.fragment(_show_slice, run_every=POLL_SECONDS if is_measuring(out) else None)(record, request, out)


def _show_slice(record: RunRecord, request: SliceRequest, out: Path) -> None:
    measuring = is_measuring(out)
    if st.session_state.get("was-measuring") == str(out) and not measuring:
        st.session_state["was-measuring"] = None
        st.rerun()
    st.session_state["was-measuring"] = str(out) if measuring else None
    if measuring:
        show_progress(out, request)
    complain_of_job(out)
    state = state_of(out)
    if measuring and progress_of(out) is None and not out.exists():
        return  # nothing but the plane so far
    if state is None:
        if not measuring:
            st.info("Nothing is measured here yet. Choose a plane and press Measure.", icon=":material/landscape:")
        return
    shown = slice_of(out, state)
    draw(record, shown, out, request)


def draw(record: RunRecord, shown: Slice, out: Path, request: SliceRequest) -> None:
    """The chosen fields in the chosen view, then what a click says."""
    infos = {info.name: info for info in shown.meta.fields}
    one_dimension = shown.meta.report.is_line
    start: list[str] = [name for name in ("weighted_cross_entropy", "jaccard") if name in infos]
    start += [f"f1_{len(shown.meta.classes) - 1}"]
    names = st.multiselect(
        "Fields",
        list(infos),
        start,
        lambda name: infos[name].label,
        max_selections=None if one_dimension else MOST_FIELDS,
        key="fields",
    )
    if not names:
        st.info("Choose a field to see it.", icon=":material/arrow_upward:")
        return
    kinds = ["Lines"] if one_dimension else ["Contours", "Surfaces", "Disagreement", "Error", "Lines"]
    left, right = st.columns([3, 1], vertical_alignment="center")
    kind = left.segmented_control("View", kinds, default=kinds[0], required=True, key=f"view-{one_dimension}")
    logarithmic = right.toggle("Log losses", True, key="logarithmic")
    plan, height = record.plan, 380 if len(names) <= 2 else 720
    key = f"{kind}-{out.stem}-{len(names)}"
    click: Click | None = None
    match kind:
        case "Contours":
            click = live_figure(contour_figure(shown, names, logarithmic, plan), key, height, out.stem)
        case "Surfaces":
            click = live_figure(surface_figure(shown, names, logarithmic, plan), key, height, out.stem)
        case "Lines":
            click = live_figure(line_figure(shown, names), key, 420, out.stem)
        case "Error":
            smooth = [name for name in names if name in shown.error]
            if smooth:
                st.caption(f"Estimated error of {infos[smooth[0]].label}, in percent of its range. Dots are measured.")
                live_figure(error_figure(shown, smooth[0]), key, 420, out.stem)
            else:
                st.caption("n/a: none of these fields is interpolated.")
        case "Disagreement":
            show_disagreement(shown, names, key, out.stem, record)
    st.caption(about(shown))
    show_path(shown)
    if click is not None and isinstance(click.x, int | float):
        st.session_state["clicked"] = (str(out), float(click.x), 0.0 if kind == "Lines" else float(click.y or 0.0))
    show_point(record, request, out, shown)
    show_exports(record, shown, names, out)


def show_disagreement(shown: Slice, names: list[str], key: str, image: str, record: RunRecord) -> None:
    """Where the first chosen loss falls while the first chosen metric falls."""
    groups = {info.name: info.group for info in shown.meta.fields}
    losses = [name for name in names if groups[name] == "loss"]
    metrics = [name for name in names if groups[name] == "pixel"]
    if not losses or not metrics:
        st.caption("Choose a loss and a pixel metric among the fields.")
        return
    infos = {info.name: info.label for info in shown.meta.fields}
    st.caption(
        f"Going downhill for {infos[losses[0]]}: blue where that raises {infos[metrics[0]]} (cosine 1), orange where "
        "it lowers it (−1)."
    )
    live_figure(disagreement_figure(shown, losses[0], metrics[0], record.plan), key, 420, image)


def show_path(shown: Slice) -> None:
    """The path in numbers: coordinates, distance off the plane, true against on-plane loss."""
    if not shown.meta.path:
        return
    with st.expander("The path: how far off the plane, true and on-plane loss"):
        kinds = [name for name in shown.meta.path[-1].true if name in LOSSES]
        rows = []
        for point in shown.meta.path:
            row: dict[str, object] = {"step": point.step, "alpha": point.alpha, "beta": point.beta}
            row["off the plane"] = point.distance
            for kind in kinds[:3]:
                row[f"{LOSSES[kind].name}, true"] = point.true[kind]
                row[f"{LOSSES[kind].name}, on the plane"] = point.on_plane[kind]
            rows.append(row)
        st.dataframe(rows, hide_index=True)


def show_point(record: RunRecord, request: SliceRequest, out: Path, shown: Slice) -> None:
    """What the segmenter would predict at the point that was clicked."""
    path, alpha, beta = st.session_state.get("clicked", (None, 0.0, 0.0))
    if path != str(out):
        st.caption("Click a point to see what the segmenter would predict there.")
        return
    crop = st.number_input("Validation crop", 0, 999, 0, key="crop")
    st.markdown(f"**The mask at alpha {alpha:.3f}, beta {beta:.3f}**")
    began = time.perf_counter()
    try:
        folder = services.store().folder(record.id)
        job = "explorer.jobs.landscape:point_job"
        answer: PointPrediction = services.engine().quick(
            job, folder.path, request.model_dump_json(), alpha, beta, int(crop)
        ).result()  # fmt: skip
    except InputError as problem:
        show_problem(problem)
        return
    seconds = time.perf_counter() - began
    plain = (255 * np.clip(answer.image[[0, 1, 2] if len(answer.image) >= 3 else [0, 0, 0]], 0, 1)).astype(np.uint8)
    picture = plain.transpose(1, 2, 0).repeat(2, 0).repeat(2, 1)
    here, centre, label, numbers = st.columns([2, 2, 2, 3])
    here.image(outcome_picture(picture, answer.mask, answer.label), width="stretch", caption="here")
    centre.image(outcome_picture(picture, answer.centre_mask, answer.label), width="stretch", caption="at the centre")
    label.image(outcome_picture(picture, answer.label * (answer.label < 255), answer.label), width="stretch",
                caption="the label")  # fmt: skip
    labels = {info.name: info.label for info in shown.meta.fields}
    numbers.dataframe(
        [{"field": labels.get(name, name), "value": value} for name, value in answer.values.items()],
        hide_index=True,
        height=230,
        placeholder="n/a",
    )
    st.caption(f"Blue is found, orange missed, purple falsely called. Answered in {seconds:.2f} s.")


def show_exports(record: RunRecord, shown: Slice, names: list[str], out: Path) -> None:
    """Files with the provenance in them, and the command that makes the same slice again."""
    folder = services.store().folder(record.id)
    command = shown.meta.command(str(folder.path), f"{out.stem}.npz")
    with st.expander("Take it with you"):
        columns = st.columns(4)
        offers = (
            (
                "HTML",
                lambda: to_html(shown, names, record.plan, str(folder.path), f"{out.stem}.html").encode(),
                "html",
                "text/html",
            ),
            ("CSV", lambda: to_csv(shown).encode(), "csv", "text/csv"),
            ("VTK", lambda: to_vtk(shown).encode(), "vtk", "text/plain"),
            ("NPZ", out.read_bytes, "npz", "application/octet-stream"),
        )
        for column, (label, content, ending, kind) in zip(columns, offers, strict=True):
            column.download_button(
                label,
                content,
                f"{record.id}-{out.stem}.{ending}",
                kind,
                disabled=ending == "npz" and not out.exists(),
                icon=":material/download:",
                on_click="ignore",
                width="stretch",
                key=f"take-{ending}",
            )
        st.caption("PNG: the camera over the figure. The same slice without a browser:")
        st.code(command, language="bash", wrap_lines=True)


def show_curvature(record: RunRecord, checkpoint: str) -> None:
    """Top eigenvalues and trace of a loss at the centre, with the line that the learning rate draws."""
    with st.expander("Curvature at the centre"):
        kinds: list[LossKind] = [kind for kind in LOSSES if kind != "combined"]
        loss = st.selectbox("Loss", kinds, 1, lambda kind: LOSSES[kind].name, key="curvature-loss")
        if not st.button("Measure the curvature", icon=":material/show_chart:"):
            return
        with st.spinner("Multiplying the Hessian …"):
            report: CurvatureReport = services.engine().slice(
                "explorer.jobs.landscape:curvature_job", services.store().folder(record.id).path, loss, checkpoint
            ).result()  # fmt: skip
        pairs = zip(report.eigenvalues, report.residuals, strict=True)
        st.markdown(
            "Largest eigenvalues: "
            + ", ".join(f"**{value:.4g}** (residual {rest:.1g})" for value, rest in pairs)
            + "  \n"
            f"Trace: **{report.trace:.4g}** ± {report.trace_error:.2g}, over {report.parameters:,} weights  \n"
            f"2 / learning rate: {report.stable:.4g}. Plain gradient descent at {report.learning_rate:g} would leave "
            "directions that bend more than this; Adam rescales each weight, so that it is a guide only."
        )


def follow(record: RunRecord) -> None:
    """A small plane of the run's own path, measured anew as checkpoints arrive."""
    st.fragment(_follow, run_every=2.0)(record)


def _follow(record: RunRecord) -> None:
    names = checkpoints_of(record.id)
    if len(names) < 4:
        st.info("It needs four checkpoints to draw a path.", icon=":material/hourglass_empty:")
        return
    request = SliceRequest.model_validate({"plane": {"kind": "pca"}, "checkpoint": names[-1]} | LIVE)
    out = slice_file(services.store().folder(record.id), request)
    followed = st.session_state.setdefault("followed", [])
    busy = any(is_measuring(path) for path in followed)
    if not busy and out not in followed:
        followed.append(out)
        measure(record, request, out)
    ready = [path for path in followed if path.exists() and f"/{record.id}/" in str(path)]
    if not ready:
        st.caption("Measuring the first plane …")
        return
    shown = slice_of(ready[-1], state_of(ready[-1]) or (0, 0))
    fields = [name for name in ("weighted_cross_entropy", "jaccard") if name in shown.fields]
    live_figure(contour_figure(shown, fields, True, record.plan), f"follow-{record.id}", 380)
    st.caption(
        f"Up to step {step_of(shown.meta.checkpoint)}. The plane is fitted anew for each checkpoint, so that the "
        "picture turns as the path grows. " + about(shown)
    )


frame("Landscape")
try:
    chosen = pick_run()
    if chosen is not None:
        controls, picture = stacking_columns("landscape", [1, 3])
        with controls:
            following = chosen.status.active and st.toggle("Follow the training", key="follow", bind="query-params")
            asked = None if following else pick_slice(checkpoints_of(chosen.id))
            place = None if asked is None else slice_file(services.store().folder(chosen.id), asked)
            if asked is not None and place is not None:
                if st.button("Measure", type="primary", icon=":material/play_arrow:", width="stretch", key="measure"):
                    measure(chosen, asked, place)
                show_curvature(chosen, asked.checkpoint or checkpoints_of(chosen.id)[-1])
        with picture:
            if asked is None or place is None:
                follow(chosen)
            else:
                show_slice(chosen, asked, place)
except InputError as problem:
    show_problem(problem)
with st.expander("What a slice shows, and what it cannot show"):
    st.markdown(EXPLANATION)
