"""The result of a run as a table: own threshold and ½, objects under the match rule and pixels."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.ui.run_result import result_table, threshold_in_words


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
def test_each_threshold_has_scores_of_objects_and_of_pixels(
    changes: dict[str, Any], thresholds: list[str], recall: list[float]
) -> None:
    table = result_table(SUMMARY | changes, 1)
    objects, pixels = table[table["Counted"] == "IoU > 0.1"], table[table["Counted"] == "pixels"]
    assert len(table) == len(objects) + len(pixels)
    assert list(objects["Threshold"]) == list(pixels["Threshold"]) == thresholds
    assert list(objects["Recall"]) == recall
    assert list(pixels["Recall"]) == [0.9] * len(thresholds)
    assert pixels["Precision"].isna().all(), "undefined stays undefined"


def test_how_the_threshold_was_chosen_is_said_in_sentences() -> None:
    choice = {"rule": "the best threshold, 0.9", "split_rule": "split, since it helps", "smallest_rule": "40 px"}
    scenes = [f"scene {number}" for number in range(8)]
    summary = SUMMARY | {"threshold_choice": {"1": choice}, "threshold_scenes": scenes}
    assert threshold_in_words(summary, 1) == [
        "Own threshold: the best threshold, 0.9.",
        "Chosen on 8 scenes or blocks that neither trained nor score: scene 0, scene 1, scene 2, scene 3, scene 4, "
        "scene 5 and others.",
        "Touching objects: split, since it helps.",
        "Smallest predicted object: 40 px.",
    ]
    plain = SUMMARY | {"threshold_choice": {}, "threshold_source": "½"}
    assert threshold_in_words(plain, 1) == ["Threshold: ½."]
