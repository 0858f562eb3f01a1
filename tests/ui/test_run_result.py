"""The result of a run as a table: own threshold and ½, objects under the match rule and pixels."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.ui.run_result import result_table


def scores(found: float) -> dict[str, Any]:
    objects = {"recall": found, "precision": 0.5, "f1": 0.4}
    pixels = {"recall": 0.9, "precision": None, "f1": 0.3}
    return {"classes": {"1": {"object": objects, "pixel": pixels}}}


SUMMARY: dict[str, Any] = {
    "classes": ["background", "ship"],
    "match_rule": "IoU > 0.1",
    "threshold": {"1": 0.7},
    "threshold_choice": {"1": {"rule": "the best threshold, 0.9"}},
    "validation": scores(0.6),
    "validation_half": scores(0.8),
}
COLUMNS = [
    "Threshold",
    *("Recall, IoU > 0.1", "Precision, IoU > 0.1", "F1, IoU > 0.1"),
    *("Recall, pixels", "Precision, pixels", "F1, pixels"),
]


@pytest.mark.parametrize(
    ("changes", "thresholds", "recall"),
    [
        ({}, ["own (0.70)", "½ (0.50)"], [0.6, 0.8]),
        ({"threshold": {"1": 0.5}, "threshold_choice": {}}, ["½ (0.50)"], [0.6]),
        (
            {"threshold": None, "threshold_choice": {}, "classes": ["background", "ship", "pier"]},
            ["½ (most probable class)"],
            [0.6],
        ),
    ],
)
def test_thresholds_stand_below_each_other(changes: dict[str, Any], thresholds: list[str], recall: list[float]) -> None:
    table = result_table(SUMMARY | changes, 1)
    assert list(table.columns) == COLUMNS
    assert list(table["Threshold"]) == thresholds
    assert list(table["Recall, IoU > 0.1"]) == recall
    assert table["Precision, pixels"].isna().all(), "undefined stays undefined"
