"""What a spec accepts, what it refuses and how it says so, and that torch waits until ``build``."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError

from explorer.errors import InputError
from explorer.losses import LOSSES, LossSpec
from explorer.losses.loss import FUNCTIONS, logged_losses
from tests.losses.cases import FOUR, name, random_case

WEIGHTED = "weighted_cross_entropy"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "crossentropy"}, "kind"),
        ({"kind": "focal", "gama": 2}, "gama"),
        ({"kind": "focal", "gamma": -1}, "gamma"),
        ({"kind": "focal", "gamma": float("nan")}, "gamma"),
        ({"kind": "focal", "alpha": 1.5}, "alpha"),
        ({"kind": "focal", "beta": 0.5}, "beta is not a setting of focal, which takes gamma, alpha, class_weights"),
        ({"kind": "dice", "gamma": 2}, "gamma is not a setting of dice"),
        ({"kind": "cross_entropy", "class_weights": (1, 2)}, "class_weights is not a setting of cross_entropy"),
        ({"kind": "cross_entropy", "aggregate": "image"}, "aggregate is not a setting of cross_entropy"),
        ({"kind": "object_jaccard", "include_background": False}, "include_background is not a setting"),
        ({"kind": "jaccard", "aggregate": "pixel"}, "aggregate"),
        ({"kind": WEIGHTED}, "needs class_weights"),
        ({"kind": WEIGHTED, "class_weights": (1, -2)}, "class_weights must be finite and not negative"),
        ({"kind": WEIGHTED, "class_weights": (1, float("inf"))}, "class_weights must be finite"),
        ({"kind": WEIGHTED, "class_weights": (0, 0)}, "class_weights are all zero"),
        ({"kind": WEIGHTED, "class_weights": "inverse"}, "class_weights"),
        ({"kind": WEIGHTED, "class_weights": "enet", "weight_cap": 0}, "weight_cap"),
        ({"kind": "combined"}, "combined needs terms"),
        ({"kind": "dice", "terms": ({"loss": {"kind": "dice"}},)}, "terms is not a setting of dice"),
        ({"kind": "combined", "terms": ({"factor": -1, "loss": {"kind": "dice"}},)}, "terms.0.factor"),
        ({"kind": "combined", "terms": ({"loss": {"kind": "focal", "alpha": 2}},)}, "terms.0.loss.alpha"),
    ],
    ids=str,
)
def test_an_error_names_the_field(given: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LossSpec(**given)
    assert field in str(caught.value)


@pytest.mark.parametrize("spec", FOUR, ids=name)
def test_a_spec_goes_through_json(spec: LossSpec) -> None:
    assert LossSpec.model_validate_json(spec.model_dump_json()) == spec
    assert hash(spec) == hash(spec.model_copy())


@pytest.mark.parametrize("kind", [kind for kind in LOSSES if kind not in (WEIGHTED, "combined")])
def test_what_is_left_out_takes_the_default_of_the_registry(kind: str) -> None:
    spec = LossSpec(kind=kind)
    for setting in LOSSES[kind].settings:
        assert getattr(spec, setting.name) == setting.default
        if setting.default is not None:
            assert setting.low <= setting.default <= setting.high


def test_every_kind_has_an_entry_a_function_and_a_logged_value() -> None:
    assert list(FUNCTIONS) == list(LOSSES)
    assert set(logged_losses((1, 2))) == set(LOSSES) - {"combined"}
    for info in LOSSES.values():
        assert all((info.name, info.formula, info.sentence, info.source, info.fails_when))
    assert len({info.color for info in LOSSES.values()}) == len(LOSSES)


def test_a_rule_must_become_numbers_first() -> None:
    rule = {"kind": WEIGHTED, "class_weights": "enet", "weight_cap": 20}
    spec = LossSpec(**rule)
    combined = LossSpec(kind="combined", terms=({"factor": 2, "loss": rule}, {"loss": {"kind": "dice"}}))
    for unresolved in (spec, combined):
        with pytest.raises(InputError, match="class_weights: the rule 'enet'"):
            unresolved.build()
    asked = []
    resolved = combined.resolved(lambda rule, cap: asked.append((rule, cap)) or (1.0, 20.0))
    assert asked == [("enet", 20)]
    assert resolved.terms[0].loss == LossSpec(kind=WEIGHTED, class_weights=(1, 20))
    assert resolved.terms[1] == combined.terms[1]
    resolved.build()


def test_as_many_weights_as_classes() -> None:
    logits, labels = random_case(0, 4)
    with pytest.raises(ValueError, match="class_weights must be 4 numbers"):
        LossSpec(kind=WEIGHTED, class_weights=(1, 2)).build()(logits, labels)


@pytest.mark.parametrize(("logits", "labels"), [((2, 2, 4), (2, 4)), ((2, 2, 4, 4), (2, 4, 5)), ((2, 2, 4, 4), (4, 4))])
def test_shapes_that_do_not_belong_together(logits: tuple[int, ...], labels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"logits must be \(N, K, H, W\) and labels \(N, H, W\)"):
        LossSpec(kind="dice").build()(torch.zeros(logits), torch.zeros(labels, dtype=torch.long))


def test_specs_and_registry_import_no_torch() -> None:
    code = "import sys, explorer.losses, explorer.losses.weights, explorer.losses.lab; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
