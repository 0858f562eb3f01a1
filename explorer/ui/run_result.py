"""What a run that has ended reached: scores at its own threshold and at ½, and what both rest on."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from explorer.imagery.match_rule import MatchRule
from explorer.runs.object_sets import ObjectSet
from explorer.runs.records import RunRecord
from explorer.ui import services
from explorer.ui.messages import escaped
from explorer.ui.object_counts import show_count_buttons
from explorer.ui.pickers import step_of

_CUTS = (("Touching objects", "split_rule"), ("Smallest predicted object", "smallest_rule"))
_NAMES = 6  # of scenes, at most


def read_summary(record: RunRecord) -> dict[str, Any] | None:
    """The summary of a run that has ended, see :mod:`explorer.runs.summary`; None if there is none of this version."""
    file = services.store().folder(record.id).summary_file
    if record.status.active or not file.is_file():
        return None
    summary: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return summary if "validation_half" in summary else None


def show_result(record: RunRecord, summary: dict[str, Any], class_id: int) -> None:
    """The scores of one class from the run's summary.

    Args:
        record: of the run.
        summary: see :func:`read_summary`.
        class_id: the foreground class that is shown.
    """
    name = services.dataset(record.dataset_id).classes[class_id]
    st.markdown(f"**Result for {escaped(name)} on all validation scenes**")
    digits = {name: st.column_config.NumberColumn(format="%.3f") for name in ("Recall", "Precision", "F1")}
    table = result_table(summary, class_id)
    st.dataframe(table, hide_index=True, width="stretch", placeholder="n/a", column_config=digits)
    st.caption(
        f"Match rule: {summary['match_rule']}; objects from {summary['min_area']} pixels on."
        + _median(summary, class_id)
    )
    objects = counted_objects(record, summary, class_id)
    if objects is not None:
        counts = summary["validation"]["classes"][str(class_id)]["object"]
        show_count_buttons(
            {
                "found": counts["true_positives"],
                "missed": counts["false_negatives"],
                "false": counts["false_positives"],
            },
            objects,
            f"result-{record.id}-{class_id}",
        )
    with st.expander("How the threshold was chosen", icon=":material/tune:"):
        st.markdown("\n".join(f"- {escaped(each)}" for each in threshold_in_words(summary, class_id)))


def counted_objects(record: RunRecord, summary: dict[str, Any], class_id: int) -> ObjectSet | None:
    """The objects that the scores at the first threshold count, with any outcome.

    None where they cannot be shown one by one: the match rule counts pixels, several classes compete for each pixel, or
    the summary is of an earlier version.

    Args:
        record: of the run.
        summary: see :mod:`explorer.runs.summary`.
        class_id: 1 or more.
    """
    files = services.store().folder(record.id).checkpoint_files()
    if not {"match", "split"} <= summary.keys() or len(summary["classes"]) > 2 or not files:
        return None
    rule = MatchRule.parse(summary["match"])
    if not rule.counts_objects:
        return None
    threshold, split = summary["threshold"][str(class_id)], summary["split"][str(class_id)]
    step, area = step_of(files[-1].name), summary["min_area"]
    return ObjectSet(record.id, step, threshold, split, class_id, rule, area, "found")


def threshold_in_words(summary: dict[str, Any], class_id: int) -> list[str]:
    """Sentences: by which rule the threshold was chosen, on what, and how objects are cut out at it.

    Args:
        summary: see :mod:`explorer.runs.summary`.
        class_id: 1 or more.
    """
    choice = summary["threshold_choice"].get(str(class_id))
    if not choice:
        return [f"Threshold: {summary['threshold_source']}."]
    scenes = summary["threshold_scenes"]
    names = ", ".join(scenes[:_NAMES]) + (" and others" if len(scenes) > _NAMES else "")
    return [
        f"Own threshold: {choice['rule']}.",
        f"Chosen on {len(scenes)} scenes or blocks that neither trained nor score: {names}.",
        *(f"{what}: {choice[name]}." for what, name in _CUTS if choice.get(name)),
    ]


def result_table(summary: dict[str, Any], class_id: int) -> pd.DataFrame:
    """Two rows for each threshold: the scores under the match rule, and those of pixels.

    Args:
        summary: see :mod:`explorer.runs.summary`.
        class_id: 1 or more.
    """
    own, chosen = summary["threshold"], bool(summary["threshold_choice"])
    thresholds = [("own" if chosen else "½", own and own[str(class_id)], summary["validation"])]
    if chosen:
        thresholds.append(("½", 0.5 if len(summary["classes"]) == 2 else None, summary["validation_half"]))
    rows = []
    for which, value, scores in thresholds:
        threshold = f"{which} (most probable class)" if value is None else f"{which} ({value:.2f})"
        for scope, counted in (("object", summary["match_rule"]), ("pixel", "pixels")):
            of_class = scores["classes"][str(class_id)][scope]
            rows.append((threshold, counted, *(of_class[metric] for metric in ("recall", "precision", "f1"))))
    return pd.DataFrame(rows, columns=["Threshold", "Counted", "Recall", "Precision", "F1"])


def _median(summary: dict[str, Any], class_id: int) -> str:
    """In words, F1 in the middle of the scenes: one odd scene hides the others in what is pooled."""
    if len(summary["scenes"]) < 2:
        return ""
    of_class = summary["scenes_median"]["classes"][str(class_id)]
    objects, pixels = (
        "n/a" if value is None else f"{value:.3f}" for value in (of_class["object"]["f1"], of_class["pixel"]["f1"])
    )
    return (
        f" Median of F1 over the {len(summary['scenes'])} scenes at the first threshold: {objects} "
        f"({summary['match_rule']}), {pixels} (pixels)."
    )
