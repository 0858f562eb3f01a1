"""Threshold sweeps of the runs that a page compares: which checkpoint, which job, and what each run chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from explorer.imagery.match_rule import MatchRule
from explorer.jobs.registry import SweepThresholds
from explorer.metrics.splitting_predictions import ObjectCut
from explorer.metrics.threshold_choice import HALF, ChosenThreshold
from explorer.runs.class_thresholds import OwnThresholds, read_own_thresholds
from explorer.runs.object_sets import ObjectSet
from explorer.runs.records import RunRecord
from explorer.runs.sweep_words import about_sweeps, cut_of
from explorer.runs.threshold_sweep import ThresholdSweep
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.file_jobs import all_done
from explorer.ui.messages import escaped
from explorer.ui.pickers import step_of
from explorer.ui.unique_labels import unique_labels


@dataclass(frozen=True, eq=False)
class SweptRun:
    """A run at one threshold of its sweep."""

    record: RunRecord
    label: str  # short, unique among the runs of a page
    job: SweepThresholds
    sweep: ThresholdSweep
    threshold: float
    is_own: bool  # the threshold is what the run chose; else ½, since it held no scenes out
    cut: ObjectCut  # how the sweep cuts the objects of the class out

    @property
    def threshold_words(self) -> str:
        """The threshold and whose it is."""
        return f"own threshold {self.threshold:.2f}" if self.is_own else f"threshold {self.threshold:.2f} (½: no own)"

    def objects(self, class_id: int, minimum_area: int) -> ObjectSet:
        """What it finds of a class; ``dataclasses.replace`` gives what it misses or falsely reports."""
        return ObjectSet(self.record.id, step_of(self.job.checkpoint), self.threshold, self.job.split, class_id,
                         self.job.rule, minimum_area, "found")  # fmt: skip


def short_labels(records: Sequence[RunRecord]) -> dict[str, str]:
    """Labels for legends and titles, by id."""
    return unique_labels({each.id: each.name if each.example else f"{each.name} · {each.id[:6]}" for each in records})


def swept_runs(records: Sequence[RunRecord], class_id: int, rule: MatchRule) -> list[SweptRun]:
    """Runs at their own thresholds, objects cut out as each has chosen; orders the sweeps that are missing.

    Args:
        records: on one dataset, all with a checkpoint.
        class_id: 1 or more.
        rule: when a predicted object counts as one of the label.

    Returns:
        None of them while any sweep is missing; the page then shows how far it is.
    """
    choices = [(each, name, own_choice(each, name, class_id)) for each, name in zip(
        records, compared_checkpoints(records), strict=True)]  # fmt: skip
    jobs = [
        sweep_job(each, name, rule, chosen is not None and chosen.split and rule.counts_objects)
        for each, name, chosen in choices
    ]
    if not all_done(jobs):
        return []
    labels = short_labels(records)
    return [
        SweptRun(
            each,
            labels[each.id],
            job,
            services.threshold_sweep(job.file, job.file.stat().st_mtime_ns),
            HALF if chosen is None else chosen.threshold,
            chosen is not None,
            cut_of(own_thresholds_of(each, job.checkpoint), class_id, job.split),
        )
        for (each, _, chosen), job in zip(choices, jobs, strict=True)
    ]


def sweep_job(record: RunRecord, checkpoint: str, rule: MatchRule, split: bool) -> SweepThresholds:
    """The job that scores a checkpoint at every threshold."""
    store = services.store()
    folder, dataset = store.folder(record.id).path, store.dataset_file(record.dataset_id)
    return SweepThresholds(folder, dataset, settings().device, checkpoint, rule, split)


def own_choice(record: RunRecord, checkpoint: str, class_id: int) -> ChosenThreshold | None:
    """What the run chose for a class: the threshold, and how objects are cut out.

    None if it held no scenes out, or if neither the run nor a sweep has ended.
    """
    own = own_thresholds_of(record, checkpoint)
    return own.classes[class_id - 1] if own is not None and own.scenes else None


def own_thresholds_of(record: RunRecord, checkpoint: str) -> OwnThresholds | None:
    """The thresholds of a checkpoint, else those of the run; None if neither the run nor a sweep has ended."""
    folder = services.store().folder(record.id)
    return read_own_thresholds(folder, checkpoint) or read_own_thresholds(folder)


def about_swept_runs(runs: Sequence[SweptRun], classes: int) -> str:
    """What holds at every threshold of the runs' sweeps, as Markdown.

    Args:
        runs: at the thresholds of one class.
        classes: of their dataset, background included.
    """
    return about_sweeps({escaped(run.label): run.cut for run in runs}, classes)


def compared_checkpoints(records: Sequence[RunRecord]) -> list[str]:
    """Names of the checkpoints that are compared: the last ones when the runs were chosen.

    A run that trains makes others meanwhile. They are offered, since each would replace the curves by a progress bar.
    """
    kept: dict[str, str] = st.session_state.setdefault("compared", {})
    newer = {}
    for record in records:
        names = [file.name for file in services.store().folder(record.id).checkpoint_files()]
        if kept.setdefault(record.id, names[-1]) not in names:
            kept[record.id] = names[-1]
        if kept[record.id] != names[-1]:
            newer[record.id] = names[-1]
    if newer:
        st.button(
            "Use the newest checkpoints", icon=":material/update:", key="use-newest-checkpoints",
            on_click=kept.update, args=(newer,),
            help="Runs in this comparison have made newer checkpoints.",
        )  # fmt: skip
    return [kept[record.id] for record in records]
