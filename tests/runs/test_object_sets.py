"""Objects behind a count: their text in an address, and the list that agrees with the count."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.imagery.match_rule import MatchRule
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.object_sets import ObjectSet, objects_of
from explorer.runs.segmenters import sweep_thresholds
from explorer.runs.training import execute
from tests.runs.tiny import tiny_dataset, tiny_plan

SET = ObjectSet("ab12cd34ef56", 240, 0.662, True, 2, MatchRule.parse("centroid:6.5"), 8, "false")


@pytest.mark.parametrize("rule", ["iou:0.5", "overlap", "centre", "centroid:6.5", "tolerance:2"])
@pytest.mark.parametrize("outcome", ["found", "missed", "false"])
def test_text_comes_back_the_same(rule: str, outcome: str) -> None:
    objects = ObjectSet("ab12", 0, 0.02, False, 1, MatchRule.parse(rule), 1, outcome)  # type: ignore[arg-type]
    assert ObjectSet.parse(str(objects)) == objects
    assert ObjectSet.parse(str(SET)) == SET


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab12",
        "ab12~240~660~split~1~iou:0.5~8",
        "ab12~240~660~split~1~iou:0.5~8~lost",
        "ab12~240~660~torn~1~iou:0.5~8~missed",
        "ab12~240~0~split~1~iou:0.5~8~missed",
        "ab12~240~1001~split~1~iou:0.5~8~missed",
        "ab12~-1~660~split~1~iou:0.5~8~missed",
        "ab12~240~660~split~0~iou:0.5~8~missed",
        "ab12~240~660~split~1~iou:7~8~missed",
        "ab12~²~660~split~1~iou:0.5~8~missed",
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        ObjectSet.parse(text)


def test_lists_agree_with_the_curve(tmp_path: Path) -> None:
    dataset = tiny_dataset()
    folder = RunFolder.create(tmp_path, tiny_plan(40), DatasetReference.to(dataset))
    for _ in execute(folder, dataset, device="cpu"):
        pass
    measured = sweep_thresholds(folder, dataset, "step_00000040.safetensors", "cpu", rule=MatchRule.parse("iou:0.1"))
    curve = measured.of_class(1).curve("object", 8)
    for low, high in ((0.3, 0.6), (0.5, 0.5)):
        placed = objects_of([(measured, low), (measured, high)], dataset.validation, 1, 8)
        for position, threshold in enumerate((low, high)):
            at = curve.at(threshold)
            outcomes = [each.object.outcomes[position] for each in placed]
            assert outcomes.count("found") == curve.true_positives[at]
            assert outcomes.count("missed") == curve.false_negatives[at]
        assert {each.scene for each in placed} <= set(range(len(dataset.validation)))
    alone = objects_of([(measured, 0.5)], dataset.validation, 1, 8)
    assert [each.object.outcomes for each in alone].count(("false",)) == curve.false_positives[curve.at(0.5)]
    within = sweep_thresholds(folder, dataset, "step_00000040.safetensors", "cpu", rule=MatchRule.parse("tolerance:2"))
    assert objects_of([(within, 0.5)], dataset.validation, 1, 8) == ()
