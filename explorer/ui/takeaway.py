"""What a visitor takes home from a run: its plan, its numbers, its segmenter."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer.runs.records import RunRecord
from explorer.ui import services


def takeaway(record: RunRecord) -> None:
    """Downloads of a run, read from its folder when they are asked for."""
    folder = services.store().folder(record.id)
    with st.expander("Take it with you"):
        _offer("Plan", folder.plan_file, f"{record.id}-plan.json", "application/json")
        _offer("Metrics", folder.metrics_file, f"{record.id}-metrics.csv", "text/csv")
        _offer("Summary", folder.summary_file, f"{record.id}-summary.json", "application/json")
        _offer("Events", folder.events_file, f"{record.id}-events.jsonl", "application/jsonl")
        checkpoints = sorted(folder.checkpoints.glob("*.safetensors"))
        if checkpoints:
            _offer(
                "Last checkpoint", checkpoints[-1], f"{record.id}-{checkpoints[-1].name}", "application/octet-stream"
            )
        st.caption("The same run without a browser: python -m explorer train --plan the plan's file.")


def _offer(label: str, path: Path, name: str, kind: str) -> None:
    if path.exists():
        st.download_button(
            label,
            path.read_bytes,
            name,
            kind,
            key=f"take-{name}",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
        )
