"""Fields of one forward against the registry's own functions in double precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.errors import InputError
from explorer.imagery.match_rule import MatchRule
from explorer.imagery.scene import IGNORE
from explorer.landscape.crops import Crops
from explorer.landscape.segment_sums.evaluate import FieldEvaluator
from explorer.landscape.segment_sums.formulas import FORMULAS, covers
from explorer.landscape.segment_sums.segments import PARTS
from explorer.losses import LOSSES, LossSpec
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from explorer.losses.spec import logged_specs
from explorer.metrics.confusion import Labelled, score_predictions
from tests.landscape.scenes import NAMES, make_crops
from tests.losses.cases import BINARY, FOUR, name

CPU = torch.device("cpu")
WEIGHTS = (1.0, 8.0, 6.0, 4.0)
MORE = (
    LossSpec(kind="focal", gamma=0.0, class_weights=(1.0, 3.0)),
    LossSpec(kind="weighted_cross_entropy", class_weights=(0.0, 1.0)),
    LossSpec(kind="object_jaccard", gamma=3.0),
)
"""Settings at an edge, beside those of the table."""


def make_logits(crops: Crops, spread: float, seed: int = 0) -> Tensor:
    count, height, width = crops.labels.shape
    noise = torch.randn(count, crops.classes, height, width, generator=torch.Generator().manual_seed(seed))
    truth = torch.from_numpy(np.where(crops.labels == IGNORE, 0, crops.labels)).long()
    return spread * (noise + torch.nn.functional.one_hot(truth, crops.classes).permute(0, 3, 1, 2))


def reference(logits: Tensor, crops: Crops, spec: LossSpec, images: slice) -> float:
    labels, ids, owners = (torch.from_numpy(array) for array in (crops.labels, crops.ids, crops.owners))
    prediction = Prediction(logits[images].double(), labels[images], ids[images], owners[images])
    return float(build_loss(spec).of(prediction))


def part_of(crops: Crops, part: int) -> slice:
    belongs = np.flatnonzero(np.arange(len(crops.labels)) * PARTS // len(crops.labels) == part)
    return slice(belongs[0], belongs[-1] + 1)


@pytest.mark.parametrize("spread", [0.1, 3.0, 30.0])
def test_with_three_classes_every_loss_equals_its_own_function(spread: float) -> None:
    crops = make_crops(classes=3)
    specs = logged_specs(WEIGHTS[:3])
    assert set(specs) == {kind for kind, info in LOSSES.items() if info.logged}
    evaluator = FieldEvaluator(crops, specs, NAMES[:3], CPU)
    logits = make_logits(crops, spread).to(memory_format=torch.channels_last)
    values = evaluator(logits)
    for column, field in enumerate(evaluator.fields[: len(specs)]):
        check_loss(values[:, column], logits, crops, specs[field.name])


@pytest.mark.parametrize(
    ("classes", "spec"),
    [
        pytest.param(classes, spec, id=f"{classes}-{name(spec)}")
        for classes, table in ((2, (*BINARY, *MORE)), (4, FOUR))
        for spec in table
    ],
)
@pytest.mark.parametrize("spread", [0.1, 3.0, 30.0])
def test_every_case_of_the_table_equals_its_own_function(classes: int, spec: LossSpec, spread: float) -> None:
    """The one proof that the formulas over segments are those of ``explorer.losses``."""
    crops = make_crops(classes=classes)
    logits = make_logits(crops, spread)
    values = FieldEvaluator(crops, {spec.kind: spec}, NAMES[:classes], CPU)(logits)
    check_loss(values[:, 0], logits, crops, spec)


def check_loss(values: np.ndarray, logits: Tensor, crops: Crops, spec: LossSpec) -> None:
    """The whole set, then every part of it, against the loss's own function in double precision."""
    assert values[0] == pytest.approx(reference(logits, crops, spec, slice(None)), rel=2e-6)
    for part in range(PARTS):
        wanted = reference(logits, crops, spec, part_of(crops, part))
        assert values[1 + part] == pytest.approx(wanted, rel=2e-6, abs=1e-9), (spec.kind, part)


def test_the_table_has_cases_for_every_formula() -> None:
    for table in (BINARY, FOUR):
        assert {spec.kind for spec in table if covers(spec)} == set(FORMULAS)
    assert not all(covers(spec) for spec in BINARY)  # what is left to the losses' own functions is tried too


def test_a_loss_that_is_not_in_the_registry_is_refused() -> None:
    unknown = LossSpec.model_construct(**LossSpec(kind="dice").model_dump() | {"kind": "mean_square"})
    with pytest.raises(InputError, match="there is no loss 'mean_square'"):
        FieldEvaluator(make_crops(), {"mean_square": unknown}, NAMES[:2], CPU)


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("minimum_area", [1, 8, 20])
@pytest.mark.parametrize(
    ("classes", "rule"), [(2, "iou:0.5"), (4, "iou:0.5"), (4, "iou:0.1"), (4, "centroid:2.5"), (4, "tolerance:1")]
)
def test_metrics_equal_the_scores_of_validation(classes: int, rule: str, minimum_area: int, drawn: bool) -> None:
    match_rule = MatchRule.parse(rule)
    crops = make_crops(classes=classes)
    if drawn:  # every object is two that touch: its even rows and its odd ones
        crops = replace(crops, ids=2 * crops.ids - (crops.ids > 0) * (np.arange(32)[:, None] % 2).astype(np.int32))
    logits = make_logits(crops, 3.0)
    evaluator = FieldEvaluator(
        crops, {}, NAMES[:classes], CPU, objects=True, minimum_area=minimum_area, rule=match_rule
    )
    values = dict(zip((field.name for field in evaluator.fields), evaluator(logits).T, strict=True))
    predicted = logits.argmax(1).to(torch.uint8).numpy()
    for group, images in [(0, slice(None)), *((1 + part, part_of(crops, part)) for part in range(PARTS))]:
        labelled = map(Labelled, predicted[images], crops.labels[images], crops.ids[images])
        wanted = score_predictions(labelled, classes, minimum_area, match_rule)
        for class_id, of_class in wanted.classes.items():
            for metric in ("precision", "recall", "iou", "f1"):
                check(values[f"{metric}_{class_id}"][group], getattr(of_class.pixel, metric))
            for metric in ("precision", "recall", "f1") if class_id else ():
                check(values[f"object_{metric}_{class_id}"][group], getattr(of_class.object, metric))


def check(value: float, wanted: float | None) -> None:
    assert np.isnan(value) if wanted is None else value == pytest.approx(wanted, abs=1e-12)


def test_undefined_precision_is_nan_and_zero_recall_is_zero() -> None:
    crops = make_crops()
    logits = torch.zeros(6, 2, 32, 32)
    evaluator = FieldEvaluator(crops, {}, NAMES[:2], CPU)
    values = dict(zip((field.name for field in evaluator.fields), evaluator(logits)[0], strict=True))
    assert np.isnan(values["precision_1"])
    assert values["recall_1"] == 0  # measured, not "not computed"
    assert values["recall_0"] == 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_logits_that_are_not_finite_make_a_hole(bad: float) -> None:
    crops = make_crops()
    logits = make_logits(crops, 1.0)
    logits[3, 1, 20, 20] = bad
    assert np.isnan(FieldEvaluator(crops, logged_specs(WEIGHTS[:2]), NAMES[:2], CPU)(logits)).all()


def test_ignored_pixels_do_not_matter() -> None:
    crops = make_crops()
    evaluator = FieldEvaluator(crops, logged_specs(WEIGHTS[:2]), NAMES[:2], CPU, objects=True)
    logits = make_logits(crops, 2.0)
    other = logits.clone()
    other[:, :, :2] = -7
    np.testing.assert_array_equal(evaluator(logits)[:, :10], evaluator(other)[:, :10])


def test_objects_cut_by_the_edge_of_a_crop_equal_the_loss_own_function() -> None:
    crops = make_crops()
    owners = crops.owners.copy()
    owners[:, :, :16][crops.ids[:, None, :16] == 0] = 99  # the nearest object lies outside the crop
    crops = replace(crops, owners=owners)
    specs = logged_specs(WEIGHTS[:2])
    logits = make_logits(crops, 1.0)
    value = FieldEvaluator(crops, {"object_jaccard": specs["object_jaccard"]}, NAMES[:2], CPU)(logits)[0, 0]
    assert value == pytest.approx(reference(logits, crops, specs["object_jaccard"], slice(None)), rel=2e-6)


def test_one_crop_has_no_parts_to_compare() -> None:
    crops = make_crops(count=2)
    assert FieldEvaluator(crops, {}, NAMES[:2], CPU).parts == 2


def test_bad_input_is_refused() -> None:
    crops = make_crops()
    with pytest.raises(InputError, match="names"):
        FieldEvaluator(crops, {}, NAMES[:3], CPU)
    with pytest.raises(InputError, match="ignored"):
        FieldEvaluator(replace(crops, labels=np.full_like(crops.labels, IGNORE)), {}, NAMES[:2], CPU)
