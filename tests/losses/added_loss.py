"""What a new loss with its own setting must be able to do; ``test_adding_a_loss.py`` runs this in a copied tree."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from streamlit.testing.v1 import AppTest

from explorer.landscape.segment_sums.evaluate import FieldEvaluator
from explorer.losses import LOSSES, LossSpec
from explorer.losses.loss import build_loss, logged_losses
from explorer.losses.prediction import Prediction
from explorer.losses.spec import logged_specs
from explorer.training.events import Step, from_json, to_json
from explorer.training.plan import Plan
from explorer.ui.plan_table import KIND_OF
from tests.landscape.scenes import NAMES, make_crops

KIND = "smooth_dice"


def test_its_setting_is_accepted_and_belongs_to_it_alone() -> None:
    assert LossSpec(kind=KIND).number("epsilon") == 1
    spec = LossSpec(kind=KIND, epsilon=3)
    assert spec.epsilon == 3
    assert LossSpec.model_validate_json(spec.model_dump_json()) == spec
    assert hash(spec) == hash(spec.model_copy())
    assert spec != LossSpec(kind=KIND)
    with pytest.raises(ValidationError, match="epsilon must lie between 0 and 10, got 11"):
        LossSpec(kind=KIND, epsilon=11)
    with pytest.raises(ValidationError, match="epsilon is not a setting of dice"):
        LossSpec(kind="dice", epsilon=3)
    with pytest.raises(ValidationError, match="gamma is not a setting of smooth_dice, which takes epsilon"):
        LossSpec(kind=KIND, gamma=1)
    assert Plan.read('{"phases": [{"loss": {"kind": "smooth_dice", "epsilon": 2}}]}').phases[0].loss.epsilon == 2
    assert LossSpec.model_validate({"kind": "dice", "gamma": None}).gamma is None  # plans of before open


def test_it_is_computed_and_its_setting_counts() -> None:
    labels = torch.randint(0, 2, (2, 8, 8), generator=torch.Generator().manual_seed(0))
    logits = torch.randn(2, 2, 8, 8, generator=torch.Generator().manual_seed(1)).requires_grad_()
    values = [build_loss(LossSpec(kind=KIND, epsilon=epsilon))(logits, labels) for epsilon in (0, 10)]
    assert values[0] > values[1]
    values[0].backward()
    assert logits.grad is not None
    assert logits.grad.any()
    both = LossSpec(kind="combined", terms=({"factor": 2, "loss": {"kind": KIND, "epsilon": 0}},))
    assert build_loss(both)(logits, labels).item() == pytest.approx(2 * values[0].item())


def test_every_run_logs_it() -> None:
    assert KIND in logged_losses((1.0, 9.0))
    step = Step(1, 0, 0, 0.5, {KIND: 0.25}, 1.0, 1e-3, 0.1)
    assert from_json(to_json(step)) == step


def test_a_slice_has_its_field() -> None:
    crops = make_crops()
    logits = torch.randn(len(crops.labels), 2, 32, 32, generator=torch.Generator().manual_seed(2))
    evaluator = FieldEvaluator(crops, logged_specs((1.0, 9.0)), NAMES[:2], torch.device("cpu"))
    column = [field.name for field in evaluator.fields].index(KIND)
    assert evaluator.fields[column].label == LOSSES[KIND].name
    prediction = Prediction(logits, torch.from_numpy(crops.labels))
    wanted = build_loss(LossSpec(kind=KIND)).of(prediction).item()
    assert evaluator(logits)[0, column] == pytest.approx(wanted, rel=1e-6)


def page() -> None:
    from explorer.losses import LossSpec
    from explorer.ui.loss_controls import loss_controls

    spec = loss_controls(LossSpec(kind="smooth_dice", epsilon=2), "new", ())
    import streamlit as st

    st.text(spec.model_dump_json(exclude_defaults=True))


def test_pages_offer_it_with_a_slider() -> None:
    assert KIND_OF[LOSSES[KIND].name] == KIND
    app = AppTest.from_function(page).run()
    assert not app.exception
    (slider,) = app.slider
    assert (slider.label, slider.min, slider.max, slider.value) == ("Smoothing ε", 0, 5, 2)
    slider.set_value(3.5).run()
    assert '"epsilon":3.5' in app.text[0].value
