"""The report of runs as a download: what it lacks is measured first, on a click."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import streamlit as st

from explorer.errors import InputError
from explorer.jobs.registry import SweepThresholds
from explorer.report.page import problem_html, report_html
from explorer.report.source import Imagery, RunSource, SweepChoice, cut_as_chosen, newest_slice, read_run, usual_sweeps
from explorer.runs.measurements import fingerprint_file, read_fingerprint
from explorer.runs.ownership import Visitor
from explorer.runs.records import RunRecord
from explorer.runs.threshold_sweep import ThresholdSweep
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.file_jobs import all_done, latest, order
from explorer.ui.identity import may_look_at, visitor
from explorer.ui.messages import show_problem
from explorer.ui.unique_labels import unique_labels

_REFUSED = "refused-report"  # in the session: why the last click on a button of this module came to nothing
_one_at_a_time = threading.Lock()  # a class clicks at one moment


def offer_report(records: Sequence[RunRecord], key: str) -> None:
    """A button that saves the report, or one that has measured what it needs, with its progress.

    Args:
        records: of runs that the visitor may look at, in the order of the report.
        key: of its widgets, one for each place.
    """
    if any(record.status.active for record in records):
        st.caption("Report: once no run in it trains or waits any more.")
        return
    jobs = [job for record in records for job in _sweep_jobs(record).values()]
    if not jobs:
        st.caption("Report: once the run has its first checkpoint.")
        return
    missing = [job for job in jobs if not job.file.exists()]
    asked = f"{key}-asked"
    # The first sweep of a run that has not ended chooses its thresholds, from which another sweep may follow
    wanted = list(dict.fromkeys((job.run, job.checkpoint) for job in jobs))
    if any(latest(job) is None for job in missing) and st.session_state.get(asked) != wanted:
        st.button(
            "Prepare the report",
            key=f"{key}-prepare",
            icon=":material/description:",
            on_click=_order,
            args=(missing, asked, wanted),
            width="stretch",
            help="Scores the last checkpoint at every threshold, which the report shows.",
        )
        problem = st.session_state.pop(_REFUSED, None)
        if problem is not None:
            show_problem(problem)
        return
    if all_done(jobs):
        name = f"{records[0].id}-report.html" if len(records) == 1 else "report.html"
        st.download_button(
            "Report" if len(records) == 1 else f"Report of {len(records)} runs",
            partial(_made, [record.id for record in records], visitor()),
            name,
            "text/html",
            key=f"{key}-download",
            icon=":material/description:",
            on_click="ignore",
            width="stretch",
            help="One HTML file with everything about the run: it needs no network, prints, and can be passed on.",
        )


def _sweep_jobs(record: RunRecord) -> dict[SweepChoice, SweepThresholds]:
    """The jobs that measure what the report shows of a run; none: it has no checkpoint yet."""
    store = services.store()
    folder, dataset = store.folder(record.id), store.dataset_file(record.dataset_id)
    return {
        each: SweepThresholds(folder.path, dataset, settings().device, each.checkpoint, each.rule, each.split)
        for each in usual_sweeps(folder)
    }


def _order(jobs: Sequence[SweepThresholds], asked: str, wanted: Sequence[tuple[Path, str]]) -> None:
    st.session_state.pop(_REFUSED, None)
    try:
        for job in jobs:
            order(job)
        st.session_state[asked] = wanted
    except InputError as problem:  # a callback: the page that shows it is drawn afterwards
        st.session_state[_REFUSED] = problem


def _made(run_ids: Sequence[str], me: Visitor) -> bytes:
    """The file, or a page that says why there is none. Called when the visitor clicks, outside of any page."""
    with _one_at_a_time:
        try:
            records = [_still_shown(run_id, me) for run_id in run_ids]
            names = unique_labels({record.id: record.name for record in records})
            sources = [_source(record, names[record.id]) for record in records]
            datasets = [source.imagery.dataset for source in sources if source.imagery is not None]
            largest = max((scene.label.size for dataset in datasets for scene in dataset.scenes), default=0)
            with services.alone_if_pixels(largest):
                return report_html(sources, datetime.now(UTC))
        except InputError as problem:
            return problem_html(problem)


def _still_shown(run_id: str, me: Visitor) -> RunRecord:
    """The run, which may have been deleted or kept to its owner since the page was drawn.

    Raises:
        InputError: it was.
    """
    record = services.store().run(run_id)
    if record.deleted is not None or not may_look_at(record, me):
        raise InputError("the run was deleted, or is no longer shared with you", run_id, "choose other runs")
    return record


def _source(record: RunRecord, label: str) -> RunSource:
    store = services.store()
    folder, jobs = store.folder(record.id), _sweep_jobs(record)
    swept = bool(jobs) and all(job.file.exists() for job in jobs.values())
    imagery, without = None, ""
    try:
        dataset = store.dataset(record.dataset_id)
        imagery = Imagery(dataset, read_fingerprint(fingerprint_file(store.dataset_file(record.dataset_id))))
    except InputError as problem:
        without = f"the imagery cannot be read: {problem.what}"
    return read_run(
        folder,
        label,
        cut_as_chosen(folder, {choice: _swept(job) for choice, job in jobs.items()}) if swept else None,
        imagery,
        newest_slice(folder),
        without_imagery=without,
        without_sweep="" if swept else "it has no checkpoint yet",
    )


def _swept(job: SweepThresholds) -> ThresholdSweep:
    return services.threshold_sweep(job.file, job.file.stat().st_mtime_ns)
