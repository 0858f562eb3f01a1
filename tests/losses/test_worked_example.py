"""Numbers put into formulas come out as the torch losses do."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from explorer.imagery.scene import IGNORE
from explorer.losses import LossSpec
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from explorer.losses.worked_example import Crop, NotWorkedOut, Worked, substituted, substitution
from explorer.losses.worked_example.parts import OF_PARTS
from explorer.losses.worked_example.regions import OVERLAPS
from tests.losses.cases import FOUR, WEIGHTS, name, random_case

OF_CROP = {*OVERLAPS, *OF_PARTS, "soft_jaccard"}
OF_OBJECT = ("object_jaccard", "scale_location")


def crop_of(seed: int, classes: int) -> tuple[Crop, torch.Tensor, torch.Tensor]:
    logits, labels = random_case(seed, classes, (1, 8, 7))
    return Crop(logits.softmax(1)[0].numpy(), labels[0].numpy().astype(np.uint8)), logits, labels


def everywhere(spec: LossSpec, crop: Crop) -> list[float]:
    found = [each for place in np.ndindex(crop.label.shape) for each in substituted(spec, crop, *place)]
    return [each.value for each in found if isinstance(each, Worked)]


@pytest.mark.parametrize("spec", [s for s in FOUR if s.kind != "combined"], ids=name)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_value_is_the_losses(spec: LossSpec, seed: int) -> None:
    crop, logits, labels = crop_of(seed, 4)
    value = build_loss(spec)(logits, labels).item()
    terms = everywhere(spec, crop)
    if any(isinstance(each, NotWorkedOut) for each in substituted(spec, crop, 0, 0)):
        assert not terms
    elif spec.kind in OF_CROP:
        assert terms == pytest.approx([value] * crop.label.size, rel=1e-9)
    elif spec.kind == "lovasz":
        assert sum(terms) == pytest.approx(value, rel=1e-9)
    elif spec.kind == "weighted_cross_entropy":
        weights = np.array(WEIGHTS)[crop.label[crop.valid]]
        assert sum(terms) / weights.sum() == pytest.approx(value, rel=1e-9)
    elif spec.kind not in OF_OBJECT:
        assert len(terms) == crop.valid.sum()
        assert np.mean(terms) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    "spec",
    [
        LossSpec(kind="object_jaccard", gamma=1.0),
        LossSpec(kind="object_jaccard", gamma=2.0),
        LossSpec(kind="scale_location", location_factor=0.0),
        LossSpec(kind="scale_location", location_factor=3.0),
    ],
    ids=name,
)
def test_the_terms_of_objects_have_the_losses_mean(spec: LossSpec) -> None:
    crop, logits, labels = crop_of(3, 2)
    ids, owners, _ = Prediction(logits, labels).objects
    terms = {}
    for place in np.ndindex(crop.label.shape):
        for each in substituted(spec, crop, *place):
            assert each.of == "object"
            owner = int(owners[0, 0][place])
            assert terms.setdefault(owner, each.value) == each.value  # the same for all pixels of a cell
    assert len(terms) == int(ids.max())
    assert np.mean(list(terms.values())) == pytest.approx(build_loss(spec)(logits, labels).item(), rel=1e-9)


def test_objects_that_were_drawn_one_by_one_have_their_own_terms() -> None:
    """Three touching pixels, two objects: p = 0.8 and 0.5 on the first, 0.4 on the second."""
    foreground = np.array([[0.8, 0.5, 0.4, 0.2]])
    label, drawn = np.array([[1, 1, 1, 0]], np.uint8), np.array([[4, 4, 9, 0]], np.int32)
    crop = Crop(np.stack([1 - foreground, foreground]), label, drawn)
    spec = LossSpec(kind="object_jaccard", gamma=1)
    (first,), (second,) = (substituted(spec, crop, 0, column) for column in (1, 2))
    assert first.value == pytest.approx(1 - 1.3 / 2)
    assert second.value == pytest.approx(1 - 0.4 / (1 + 0.2))  # the false alarm beside it is its own
    weighted = LossSpec(kind="object_cross_entropy")
    (first,), (second,) = (substituted(weighted, crop, 0, column) for column in (1, 2))
    assert first.value == pytest.approx(-np.log(0.5) * 3 / (2 * 2))  # 3 pixels of 2 objects, 2 of them its own
    assert second.value == pytest.approx(-np.log(0.4) * 3 / (2 * 1))


def test_a_false_alarm_that_nobody_owns() -> None:
    crop, logits, labels = crop_of(4, 2)
    labels[labels == 1] = 0
    crop = Crop(crop.probability, labels[0].numpy().astype(np.uint8))
    for kind in OF_OBJECT:
        spec = LossSpec(kind=kind)
        assert sum(everywhere(spec, crop)) == pytest.approx(build_loss(spec)(logits, labels).item(), rel=1e-9)


def test_what_is_written_is_the_formula_with_numbers() -> None:
    probability = np.array([[[0.25, 0.9]], [[0.75, 0.1]]])
    crop = Crop(probability, np.array([[1, 0]], dtype=np.uint8))
    focal = LossSpec(kind="focal", gamma=2, alpha=0.75)
    (worked,) = substituted(focal, crop, 0, 0)
    assert worked.latex == r"0.75 \cdot (1-0.75)^{2} \cdot \left(-\log(0.75)\right) = 0.0135"
    assert worked.of == "pixel"
    (worked,) = substituted(LossSpec(kind="jaccard", include_background=False), crop, 0, 0)
    assert worked.latex == r"1-\frac{0.75}{0.75 + 0.1 + 0.25} = 0.318"
    assert worked.of == "crop"
    (worked,) = substituted(LossSpec(kind="object_jaccard"), crop, 0, 0)
    assert worked.latex == r"\left(1-\frac{0.75}{1 + 0.1}\right)^{2} = 0.101"
    tiny = Crop(np.array([[[1 - 1e-7]], [[1e-7]]]), np.array([[1]], dtype=np.uint8))
    (worked,) = substituted(LossSpec(kind="cross_entropy"), tiny, 0, 0)
    assert worked.latex == r"\left(-\log(1 \cdot 10^{-7})\right) = 16.1"


def test_a_combined_loss_is_worked_term_by_term() -> None:
    crop, _, _ = crop_of(5, 2)
    terms = ({"factor": 0.5, "loss": {"kind": "cross_entropy"}}, {"factor": 2, "loss": {"kind": "dice"}})
    row, column = np.argwhere(crop.valid)[0]
    first, second = substituted(LossSpec(kind="combined", terms=terms), crop, row, column)
    assert (first.factor, first.of, second.factor, second.of) == (0.5, "pixel", 2, "crop")


def test_a_loss_that_is_not_written_out_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(substitution._BY_PIXEL, "focal")
    crop, _, _ = crop_of(6, 2)
    focal, dice = LossSpec(kind="focal"), LossSpec(kind="dice")
    assert substituted(focal, crop, 0, 0) == (NotWorkedOut(focal, 1.0),)
    both = LossSpec(kind="combined", terms=({"factor": 3, "loss": focal}, {"loss": dice}))
    first, second = substituted(both, crop, 0, 0)
    assert first == NotWorkedOut(focal, 3.0)
    assert isinstance(second, Worked)


def test_an_ignored_pixel_has_no_term() -> None:
    crop, _, _ = crop_of(6, 2)
    row, column = np.argwhere(crop.label == IGNORE)[0]
    assert substituted(LossSpec(kind="focal"), crop, row, column) == ()
    assert len(substituted(LossSpec(kind="dice"), crop, row, column)) == 1


def test_the_server_may_import_it() -> None:
    code = "import sys, explorer.losses.worked_example; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_compound_shows_the_values_of_its_parts() -> None:
    """Two pixels, p = ½ and ¼ of their true class: Dice of class 1 is 1 − 2·¼/(¾ + 1), of class 0 1 − 2·½/(5/4 + 1)."""
    crop = Crop(np.array([[[0.5, 0.75]], [[0.5, 0.25]]]), np.array([[0, 1]], np.uint8))
    (both,) = substituted(LossSpec(kind="dice_cross_entropy", ce_factor=2), crop, 0, 0)
    dice, cross_entropy = (5 / 7 + 5 / 9) / 2, (np.log(2) + np.log(4)) / 2
    assert isinstance(both, Worked)
    assert (both.of, both.value) == ("crop", pytest.approx(dice + 2 * cross_entropy))
    shown = r"\underbrace{0.635}_{\text{Dice}} + 2 \cdot \underbrace{1.04}_{\text{cross-entropy}} = 2.71"
    assert both.latex == shown
    (hardest,) = substituted(LossSpec(kind="dice_topk", top_share=0.1), crop, 0, 0)
    assert hardest.value == pytest.approx(dice + np.log(4))
    (focal,) = substituted(LossSpec(kind="unified_focal", focal_share=1, delta=0.5, gamma=0), crop, 0, 0)
    assert focal.value == pytest.approx(cross_entropy / 2)


def test_soft_labels_boundaries_and_objects_are_written_with_their_numbers() -> None:
    """Three pixels, the first of class 1: p = 0.8, 0.4, 0.1."""
    foreground = np.array([[0.8, 0.4, 0.1]])
    crop = Crop(np.stack([1 - foreground, foreground]), np.array([[1, 0, 0]], np.uint8))
    (soft,) = substituted(LossSpec(kind="soft_jaccard", smoothing=0.3, include_background=False), crop, 0, 0)
    # q: 0.7 + 0.3 · 1/2, 0.3 · 1/3, 0; D = 0.05 + 0.3 + 0.1, B = 1.3 + 0.95
    assert soft.latex == r"1-\frac{2.25 - 0.45}{2.25 + 0.45} = 0.333"
    (far,) = substituted(LossSpec(kind="boundary", alpha=1.0, reach=5), crop, 0, 0)
    # half a pixel from the contour twice, then 1.5 pixels, in units of 5
    assert far.value == pytest.approx((0.2 * 0.1 + 0.4 * 0.1 + 0.1 * 0.3) / 3)
    (where,) = substituted(LossSpec(kind="scale_location", location_factor=0), crop, 0, 0)
    # S = 1.3, A = 1: v = 0.0225
    assert where.latex.startswith(r"1-\frac{1.02}{1.32} \cdot \frac{0.8}{1 + 0.5} + ")
    assert where.value == pytest.approx(1 - 1.0225 / 1.3225 * 0.8 / 1.5)
    (both,) = substituted(LossSpec(kind="component_dice_cross_entropy", component_share=1), crop, 0, 0)
    dice, mean = 0.7 / (1 + 1.3), -np.log([0.8, 0.6, 0.9]).mean()
    assert both.value == pytest.approx(dice + mean)
    assert both.latex == rf"\underbrace{{{dice + mean:.3g}}}_{{\text{{both by object}}}} = {dice + mean:.3g}"
