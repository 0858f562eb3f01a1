"""What a run that has ended reached: scores at its own threshold and at ½, and what both rest on."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from explorer.runs.records import RunRecord
from explorer.ui import services
from explorer.ui.messages import escaped

_METRICS = ("recall", "precision", "f1")


def show_result(record: RunRecord, class_id: int) -> None:
    """The scores of one class from the run's summary; nothing before there is one.

    Args:
        record: of the run.
        class_id: the foreground class that is shown.
    """
    file = services.store().folder(record.id).summary_file
    if record.status.active or not file.is_file():
        return
    summary = json.loads(file.read_text(encoding="utf-8"))
    if "validation_half" not in summary:  # a run of an earlier version
        return
    name = services.dataset(record.dataset_id).classes[class_id]
    st.markdown(f"**Result for {escaped(name)} on all validation scenes**")
    table = result_table(summary, class_id)
    digits = {name: st.column_config.NumberColumn(format="%.3f") for name in table.columns[1:]}
    st.dataframe(table, hide_index=True, width="stretch", placeholder="n/a", column_config=digits)
    choice = summary["threshold_choice"].get(str(class_id))
    how = f"Own threshold: {choice['rule']}" if choice else f"Threshold: {summary['threshold_source']}"
    scenes = len(summary["threshold_scenes"])
    chosen_on = f", on {scenes} scenes or blocks that neither trained nor score" if choice else ""
    st.caption(
        f"{escaped(how)}{chosen_on}. Match rule: {summary['match_rule']}; objects from {summary['min_area']} pixels on."
    )


def result_table(summary: dict[str, Any], class_id: int) -> pd.DataFrame:
    """One row for each threshold: scores of pixels, and those under the match rule.

    Args:
        summary: see :mod:`explorer.runs.summary`.
        class_id: 1 or more.
    """
    own = summary["threshold"]
    rows = [("own" if summary["threshold_choice"] else "½", summary["validation"], own and own[str(class_id)])]
    if summary["threshold_choice"]:
        rows.append(("½", summary["validation_half"], 0.5 if len(summary["classes"]) == 2 else None))
    rule = summary["match_rule"]
    return pd.DataFrame(
        [
            {"Threshold": f"{which} ({value:.2f})" if value is not None else f"{which} (most probable class)"}
            | {f"{metric}, {rule}": scores["classes"][str(class_id)]["object"][metric] for metric in _METRICS}
            | {f"{metric}, pixels": scores["classes"][str(class_id)]["pixel"][metric] for metric in _METRICS}
            for which, scores, value in rows
        ]
    ).rename(columns=lambda column: column[:1].upper() + column[1:])
