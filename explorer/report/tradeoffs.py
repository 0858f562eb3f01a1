"""Recall against precision at every threshold: the curves, and the counts that the page's slider looks up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from explorer.figures.colours import colours_of
from explorer.figures.imagery import plain_text
from explorer.figures.tradeoffs import threshold_figure
from explorer.metrics.curves import THRESHOLDS, Curve, ToleranceCurve
from explorer.metrics.operating_point import why_not
from explorer.report.blocks import Figure
from explorer.report.source import RunSource
from explorer.runs.sweep_words import about_sweeps

_HEIGHT = 380  # pixels
_POINTS = 300  # of a curve, at most


@dataclass(frozen=True, eq=False)
class ThresholdBlock:
    """One class of runs that are measured on the same scenes under the same rule."""

    class_name: str
    rule: str  # in words
    counted: str  # what the rule counts: "objects" or "pixels"
    minimum_area: int  # pixels
    scenes: int  # how many the counts are summed over
    figures: tuple[Figure, Figure]  # under the match rule, and by pixels
    table: dict[str, Any]  # what the slider looks up, see ``_table``
    remarks: tuple[str, ...]  # why a curve is missing
    about: str  # what holds at every threshold
    colours: tuple[str, ...]  # of the runs
    first: bool  # of its dataset

    @property
    def labels(self) -> list[str]:
        """Of the runs."""
        return [run["label"] for run in self.table["runs"]]


def threshold_blocks(runs: Sequence[RunSource]) -> tuple[ThresholdBlock, ...]:
    """A block for each class of each dataset, the rarest class first. Runs without a sweep are left out."""
    groups: dict[tuple[object, ...], list[RunSource]] = {}
    colours = colours_of([run.label for run in runs])
    for run in runs:
        if run.sweep is not None:
            key = (run.reference.id, run.sweep.match_rule, run.reference.minimum_area, run.sweep.scenes)
            groups.setdefault(key, []).append(run)
    blocks: list[ThresholdBlock] = []
    for group in groups.values():
        classes = range(1, len(group[0].reference.classes))
        first = group[0].main_class
        blocks += [_block(group, class_id, colours) for class_id in sorted(classes, key=lambda each: each != first)]
    return tuple(blocks)


def missing_sweeps(runs: Sequence[RunSource]) -> tuple[str, ...]:
    """Which runs have no curves, and why."""
    return tuple(
        f"{run.label}: n/a, {run.without_sweep or 'the thresholds of this run were not swept'}."
        for run in runs
        if run.sweep is None
    )


def _block(runs: Sequence[RunSource], class_id: int, colours: Mapping[str, str]) -> ThresholdBlock:
    reference = runs[0].reference
    rule, area = reference.match_rule, reference.minimum_area
    remarks: list[str] = []
    figures = []
    for scope in ("object", "pixel"):
        shown: dict[str, Curve] = {}
        for run in runs:
            curve = _curve(run, class_id, scope)
            reason = why_not(curve)
            if reason:
                remarks.append(f"{run.label} has no curve of {_counted(scope, rule.counts_objects)}: n/a, {reason}.")
            else:
                shown[plain_text(run.label)] = _drawn(curve)
        chosen = {plain_text(run.label): run.chosen(class_id) for run in runs}
        own = {name: None if each is None else each.threshold for name, each in chosen.items()}
        words = "pixel" if scope == "pixel" else "object" if rule.counts_objects else "relaxed"
        drawn = {plain_text(run.label): (number, colours[run.label]) for number, run in enumerate(runs)}
        title = "Pixels" if scope == "pixel" else f"Match rule: {rule.words}"
        alt = f"precision over recall at every threshold, {title}"
        figures.append(Figure(threshold_figure(shown, own, words, drawn), _HEIGHT, alt, title=title))
    return ThresholdBlock(
        reference.classes[class_id],
        rule.words,
        "objects" if rule.counts_objects else "pixels",
        area,
        len(runs[0].sweep.scenes) if runs[0].sweep is not None else 0,
        (figures[0], figures[1]),
        _table(runs, class_id),
        tuple(remarks),
        about_sweeps({run.label: run.cut(class_id) for run in runs}, len(reference.classes)),
        tuple(colours[run.label] for run in runs),
        class_id == runs[0].main_class,
    )


def _curve(run: RunSource, class_id: int, scope: str) -> Curve:
    assert run.sweep is not None
    return run.sweep.of_class(class_id).curve("pixel" if scope == "pixel" else "object", run.reference.minimum_area)


def _drawn(curve: Curve) -> Curve:
    """The curve with no more points than can be seen."""
    step = -(-len(curve.thresholds) // _POINTS)
    kept = {each.name: getattr(curve, each.name)[::step] for each in fields(curve)}
    return replace(curve, **kept)


def _counted(scope: str, counts_objects: bool) -> str:
    return "objects" if scope == "object" and counts_objects else "pixels"


def _table(runs: Sequence[RunSource], class_id: int) -> dict[str, Any]:
    """Counts by threshold: ``{"thresholds": […], "runs": [{"label", "own", "chosen", "object": COUNTS, "pixel": …}]}``.

    ``COUNTS`` has found, false alarms and missed, one number a threshold; ``near`` are the predicted pixels that are
    right within a tolerance, where that is the rule. ``own`` is the run's threshold; ``chosen`` whether it chose it.
    """
    return {
        "thresholds": [round(float(value), 3) for value in THRESHOLDS],
        "runs": [
            {
                "label": run.label,
                "own": run.threshold(class_id),
                "chosen": run.chosen(class_id) is not None,
                **{scope: _counts(_curve(run, class_id, scope)) for scope in ("object", "pixel")},
            }
            for run in runs
        ],
    }


def _counts(curve: Curve) -> dict[str, list[int]]:
    places = [curve.at(float(threshold)) for threshold in THRESHOLDS]
    columns = {
        "found": curve.true_positives,
        "false": curve.false_positives,
        "missed": curve.false_negatives,
    }
    if isinstance(curve, ToleranceCurve):
        columns["near"] = curve.predicted_near
    return {name: np.asarray(values)[places].tolist() for name, values in columns.items()}
