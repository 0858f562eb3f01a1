"""What a run reached on its validation scenes, from its summary: at its own thresholds and at ½."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from explorer.report.blocks import UNKNOWN, Table, number
from explorer.report.source import RunSource

_METRICS = ("recall", "precision", "f1")
_COUNTS = ("true_positives", "false_negatives", "false_positives")
_COLUMNS = ("Class", "Threshold", "Counted", "Recall", "Precision", "F1", "IoU", "Found", "Missed", "False alarms")
_SCENE_COLUMNS = ("Scene", "Used for", "Class", "F1", "Found", "Missed", "False alarms", "Pixel F1")


def why_no_result(run: RunSource) -> str:
    """Why there are no scores; empty where there are."""
    if run.summary is not None:
        return ""
    if run.ended is None:
        return "the run has not ended: only then are its thresholds chosen and all validation scenes scored"
    return "the run left no summary of this version"


def result_table(run: RunSource) -> Table | None:
    """Scores of every foreground class at the own threshold and at ½, under the match rule and by pixels."""
    if run.summary is None:
        return None
    return Table(_COLUMNS, tuple(_rows(run.summary, run)), frozenset(range(3, len(_COLUMNS))))


def compared_table(runs: tuple[RunSource, ...]) -> Table | None:
    """The same of several runs, for each the class that is shown first; None where no run has ended."""
    if all(run.summary is None for run in runs):
        return None
    several = len({run.reference.classes[run.main_class] for run in runs}) > 1
    kept = [place for place, column in enumerate(_COLUMNS) if column != "IoU" and (several or column != "Class")]
    rows: list[tuple[str, ...]] = []
    for run in runs:
        rows.append((run.label,))
        if run.summary is None:
            rows.append((UNKNOWN,) * len(kept))
            continue
        rows += [tuple(row[place] for place in kept) for row in _rows(run.summary, run, only=run.main_class)]
    names = tuple(_COLUMNS[place] for place in kept)
    return Table(names, tuple(rows), frozenset(range(names.index("Recall"), len(names))))


def median_table(run: RunSource) -> Table | None:
    """Medians over the scenes where a score is defined, at the first threshold; None with fewer than two scenes."""
    if run.summary is None or len(run.summary["scenes"]) < 2:
        return None
    rows = []
    for class_id, name in _foreground(run):
        of_class = run.summary["scenes_median"]["classes"][class_id]
        for scope, counted in (("object", run.summary["match_rule"]), ("pixel", "pixels")):
            rows.append((name, counted, *(number(of_class[scope][metric]) for metric in _METRICS)))
    return Table(("Class", "Counted", "Recall", "Precision", "F1"), tuple(rows), frozenset({2, 3, 4}))


def scene_table(run: RunSource) -> Table | None:
    """The validation scenes at the first threshold, the worst first."""
    if run.summary is None:
        return None
    uses: Mapping[str, str] = run.summary["scene_use"] or {}
    rows = []
    for scene, scores in run.summary["scenes"].items():
        for class_id, name in _foreground(run):
            of_class = scores["classes"][class_id]
            found = of_class["object"]
            counts = (f"{found[count]:,}" for count in _COUNTS)
            f1 = (found["f1"], of_class["pixel"]["f1"])
            used = uses.get(scene, UNKNOWN)
            rows.append((f1, (scene, used, name, number(f1[0]), *counts, number(f1[1]))))
    rows.sort(key=lambda row: [2.0 if value is None else value for value in row[0]])
    numeric = frozenset(range(3, len(_SCENE_COLUMNS)))
    return Table(_SCENE_COLUMNS, tuple(cells for _, cells in rows), numeric).first_rows()


def threshold_sentences(run: RunSource) -> tuple[str, ...]:
    """How the threshold of each class was chosen, and how objects are cut out at it."""
    if run.summary is None:
        return ()
    sentences = [f"Threshold: {run.summary['threshold_source'].replace(': ', ', ', 1)}."]
    for class_id, name in _foreground(run):
        choice = run.summary["threshold_choice"].get(class_id)
        if choice:
            sentences.append(f"{name}: {choice['rule']}.")
            sentences += [f"{name}: {choice[rule]}." for rule in ("split_rule", "smallest_rule") if choice.get(rule)]
    if run.summary["flips"]:
        sentences.append("Predictions are means over the image and its flips.")
    return tuple(sentences)


def _foreground(run: RunSource) -> list[tuple[str, str]]:
    """Ids, as JSON has them, and names."""
    return [(str(class_id), name) for class_id, name in enumerate(run.reference.classes) if class_id]


def _rows(summary: Mapping[str, Any], run: RunSource, only: int | None = None) -> Iterator[tuple[str, ...]]:
    own, was_chosen = summary["threshold"], bool(summary["threshold_choice"])
    scored = [("own" if was_chosen else "½", own, summary["validation"])]
    if was_chosen:
        half = {class_id: 0.5 for class_id, _ in _foreground(run)} if len(summary["classes"]) == 2 else None
        scored.append(("½", half, summary["validation_half"]))
    for class_id, name in _foreground(run):
        if only is not None and class_id != str(only):
            continue
        for which, thresholds, scores in scored:
            value = f"{thresholds[class_id]:.3f}" if thresholds else "most probable class"
            of_class = scores["classes"][class_id]
            for scope, counted in (("object", summary["match_rule"]), ("pixel", "pixels")):
                values = of_class[scope]
                counts = [f"{values[count]:,}" if count in values else "–" for count in _COUNTS]
                metrics = [number(values[metric]) for metric in _METRICS]
                iou = number(values["iou"]) if "iou" in values else "–"
                yield name, f"{which} ({value})", counted, *metrics, iou, *counts
