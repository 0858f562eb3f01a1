"""What a spec accepts, what it refuses and with which message, and what the registry promises about each kind."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pydantic import BaseModel, ValidationError

from explorer.errors import InputError
from explorer.losses import LOSSES, LossSpec
from explorer.losses.info import RESERVED
from explorer.losses.loss import build_loss, logged_losses, loss_function
from explorer.losses.spec import LARGEST, SMALLEST, ramped
from tests.losses.cases import FOUR, name, random_case

WEIGHTED = "weighted_cross_entropy"


def choices(kind: str, name: str) -> tuple[object, object]:
    """Two values of a setting that differ."""
    other: dict[str, tuple[object, object]] = {
        "class_weights": ((1.0, 1.0, 2.0), (1.0, 5.0, 2.0)),
        "aggregate": ("batch", "image"),
        "include_background": (True, False),
    }
    for setting in LOSSES[kind].settings:
        low, high = setting.low, setting.high
        other[setting.name] = (low + 0.25 * (high - low), low + 0.75 * (high - low))
    return other[name]


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        (kind, name)
        for kind, info in LOSSES.items()
        for name in info.accepts
        if name not in ("weight_cap", "terms", *(setting.end for setting in info.settings))
    ],
)
def test_every_setting_changes_the_loss(kind: str, setting: str) -> None:
    needed = {"class_weights": (1.0, 3.0, 2.0)} if LOSSES[kind].needs_class_weights else {}
    case = random_case(1, classes=3)
    first, second = (
        build_loss(LossSpec(kind=kind, **(needed | {setting: chosen})))(*case) for chosen in choices(kind, setting)
    )
    assert not torch.isclose(first, second), f"the function ignores {setting}, which the registry declares"


def test_names_of_settings_do_not_hide_what_a_spec_has() -> None:
    settings = {setting.name for info in LOSSES.values() for setting in info.settings}
    own = {name for name in dir(LossSpec) if not name.startswith(("_", "model_"))} - set(dir(BaseModel))
    assert (own | set(LossSpec.model_fields)) - settings == RESERVED
    with pytest.raises(ValueError, match="cannot be named 'aggregate'"):
        replace(LOSSES["focal"].settings[0], name="aggregate")


def combined(factor: float, loss: dict[str, object]) -> dict[str, object]:
    return {"kind": "combined", "terms": ({"factor": factor, "loss": loss},)}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "crossentropy"}, "kind"),
        ({"kind": "focal", "gama": 2}, "gama is not a setting of focal, which takes gamma, alpha, class_weights"),
        ({"kind": "cross_entropy", "no_such": None}, "no_such is not a setting of cross_entropy, which takes no sett"),
        ({"kind": "focal", "gamma": 10.5}, "gamma must lie between 0 and 10, got 10.5"),
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
        ({"kind": WEIGHTED, "class_weights": (1, 1e39)}, "not above 1e+12: 1e+39"),
        ({"kind": WEIGHTED, "class_weights": (3e38, 3e38)}, "class_weights must be finite and not negative, not above"),
        ({"kind": "focal", "class_weights": (1, 2e12)}, "class_weights must be finite and not negative, not above"),
        ({"kind": WEIGHTED, "class_weights": (1e-60, 1e-60)}, "class_weights are all below 1e-06: nothing would be"),
        ({"kind": "focal", "class_weights": (0, 9e-7)}, "class_weights are all below 1e-06: nothing would be learned"),
        ({"kind": WEIGHTED, "class_weights": ()}, "class_weights are all zero"),
        ({"kind": WEIGHTED, "class_weights": (0, 0)}, "class_weights are all zero"),
        ({"kind": WEIGHTED, "class_weights": "inverse"}, "class_weights"),
        ({"kind": WEIGHTED, "class_weights": "enet", "weight_cap": 0}, "weight_cap"),
        ({"kind": WEIGHTED, "class_weights": "enet", "weight_cap": 1e-60}, "weight_cap"),
        ({"kind": WEIGHTED, "class_weights": "enet", "weight_cap": float("inf")}, "weight_cap"),
        ({"kind": "combined"}, "combined needs terms"),
        ({"kind": "dice", "terms": ({"loss": {"kind": "dice"}},)}, "terms is not a setting of dice"),
        ({"kind": "combined", "terms": ({"factor": -1, "loss": {"kind": "dice"}},)}, "terms.0.factor"),
        ({"kind": "combined", "terms": ({"factor": 1e39, "loss": {"kind": "dice"}},)}, "terms.0.factor"),
        ({"kind": "combined", "terms": ({"factor": 3e38, "loss": {"kind": "dice"}},) * 2}, "terms.0.factor"),
        (
            {"kind": "combined", "terms": ({"factor": 0, "loss": {"kind": "dice"}},) * 2},
            "factors of terms are all zero",
        ),
        (
            {"kind": "combined", "terms": ({"factor": 1e-9, "loss": {"kind": "dice"}},)},
            "factors of terms are all below",
        ),
        (combined(1e9, combined(1e9, {"kind": "dice"})), "terms\n  factors of terms must be finite and not negative"),
        (combined(1e-4, combined(1e-4, {"kind": "dice"})), "terms\n  factors of terms are all below 1e-06"),
        (combined(1e9, {"kind": "focal", "class_weights": (1, 1e9)}), "terms\n  factors of terms must be finite"),
        ({"kind": "combined", "terms": ({"loss": {"kind": "focal", "alpha": 2}},)}, "terms.0.loss.alpha"),
        ({"kind": "combined", "terms": ({"loss": {"kind": "dice", "alpha": 1}},)}, "terms.0.loss.alpha"),
    ],
    ids=str,
)
def test_an_error_names_the_field(given: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LossSpec(**given)
    assert field in str(caught.value)


@pytest.mark.parametrize("extreme", [SMALLEST, LARGEST])
@pytest.mark.parametrize("kind", [WEIGHTED, "focal", "combined"])
def test_at_the_limits_a_loss_is_finite_and_teaches(kind: str, extreme: float) -> None:
    given = (
        combined(extreme, {"kind": "focal"}) if kind == "combined" else {"kind": kind, "class_weights": [extreme] * 2}
    )
    logits, labels = random_case(0, 2)
    logits = (50 * logits.float()).requires_grad_()
    loss = build_loss(LossSpec(**given))(logits, labels)
    loss.backward()
    gradient = logits.grad
    assert gradient is not None
    assert torch.isfinite(loss)
    assert 0 < gradient.square().sum() < torch.inf


@pytest.mark.parametrize("spec", FOUR, ids=name)
def test_a_spec_goes_through_json(spec: LossSpec) -> None:
    assert LossSpec.model_validate_json(spec.model_dump_json()) == spec
    assert hash(spec) == hash(spec.model_copy())


def test_plans_of_before_open_with_the_same_content() -> None:
    old = {
        "kind": "focal",
        "class_weights": None,
        "weight_cap": None,
        "gamma": 7.5,
        "alpha": None,
        "beta": None,
        "aggregate": "batch",
        "include_background": True,
        "terms": [],
    }
    spec = LossSpec.model_validate_json(json.dumps(old))
    dumped = json.loads(spec.model_dump_json())
    assert dumped == old | dict.fromkeys(dumped.keys() - old.keys())
    assert (spec.gamma, spec.alpha) == (7.5, None)
    for kind in ("focal_tversky", "object_jaccard"):  # their sliders are narrower
        assert [LossSpec(kind=kind, gamma=gamma).gamma for gamma in (0, 10)] == [0, 10]
    assert [LossSpec(kind="tversky", alpha=value, beta=value).beta for value in (0, 1)] == [0, 1]


RAMP = LossSpec(kind="boundary", alpha=0.2, alpha_end=0.6, reach=9)


@pytest.mark.parametrize(("share", "alpha"), [(0, 0.2), (0.25, 0.3), (1, 0.6), (-1, 0.2), (7, 0.6)])
def test_a_ramp_goes_in_a_straight_line_to_its_end(share: float, alpha: float) -> None:
    now = ramped(RAMP, share)
    assert now == LossSpec(kind="boundary", alpha=now.alpha, reach=9)
    assert now.alpha == pytest.approx(alpha)
    terms = ({"factor": 3, "loss": RAMP}, {"loss": {"kind": "dice"}})
    combined = ramped(LossSpec(kind="combined", terms=terms), share)
    assert combined.terms[0].loss.alpha == pytest.approx(alpha)
    assert (combined.terms[0].factor, combined.terms[1].loss) == (3, LossSpec(kind="dice"))


@pytest.mark.parametrize("spec", [LossSpec(kind="boundary"), LossSpec(kind="focal", alpha=0.3), *FOUR[-1:]], ids=name)
def test_what_does_not_ramp_stays_the_same_object(spec: LossSpec) -> None:
    assert ramped(spec, 0.5) is spec


def test_before_it_is_ramped_a_loss_has_its_first_value() -> None:
    case = random_case(0)
    assert build_loss(RAMP)(*case) == build_loss(ramped(RAMP, 0))(*case) != build_loss(ramped(RAMP, 1))(*case)


def test_the_end_of_a_ramp_is_a_setting_of_the_same_bounds() -> None:
    ends = {
        (kind, setting.end): setting.bounds for kind, info in LOSSES.items() for setting in info.settings if setting.end
    }
    assert set(ends) == {("boundary", "alpha_end")}
    for (kind, end), bounds in ends.items():
        (setting,) = (each for each in LOSSES[kind].settings if each.name == end)
        assert setting.default is None
        assert setting.bounds == bounds


def test_a_run_logs_what_it_trains_beside_what_every_run_logs() -> None:
    always = set(logged_losses((1, 2)))
    trained = ["dice_cross_entropy", "dice", "combined", "dice_cross_entropy"]
    assert set(logged_losses((1, 2), trained)) == always | {"dice_cross_entropy"}
    assert logged_losses((1, 2), trained)["dice_cross_entropy"].spec == LossSpec(kind="dice_cross_entropy")


def test_a_setting_is_a_number_or_an_error() -> None:
    assert LossSpec(kind="focal").number("gamma") == 2
    with pytest.raises(ValueError, match="alpha of focal has no value"):
        LossSpec(kind="focal").number("alpha")


def test_a_kind_that_is_not_in_the_registry_cannot_be_built() -> None:
    with pytest.raises(InputError, match="there is no loss 'mean_square'"):
        build_loss(LossSpec.model_construct(kind="mean_square", class_weights=None, terms=()))


@pytest.mark.parametrize(
    ("spec", "needed"),
    [
        (LossSpec(kind="dice"), False),
        (LossSpec(kind="object_jaccard"), True),
        (LossSpec(kind="combined", terms=({"loss": {"kind": "dice"}},)), False),
        (
            LossSpec(
                kind="combined",
                terms=({"loss": {"kind": "combined", "terms": [{"loss": {"kind": "object_cross_entropy"}}]}},),
            ),
            True,
        ),
    ],
)
def test_a_combined_loss_needs_the_objects_that_a_term_needs(spec: LossSpec, needed: bool) -> None:
    assert spec.needs_objects is needed


@pytest.mark.parametrize("kind", [kind for kind in LOSSES if kind not in (WEIGHTED, "combined")])
def test_what_is_left_out_takes_the_default_of_the_registry(kind: str) -> None:
    spec = LossSpec(kind=kind)
    for setting in LOSSES[kind].settings:
        assert getattr(spec, setting.name) == setting.default
        if setting.default is not None:
            assert setting.bounds[0] <= setting.low <= setting.default <= setting.high <= setting.bounds[1]


def test_every_kind_has_a_function_and_a_logged_value() -> None:
    assert len({loss_function(kind) for kind in LOSSES}) == len(LOSSES)
    assert set(logged_losses((1, 2))) == {kind for kind, info in LOSSES.items() if info.logged}
    for info in LOSSES.values():
        assert all((info.name, info.formula, info.sentence, info.source, info.fails_when))


THEME = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())["theme"]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_can_be_seen_on_both_themes(kind: str, theme: str) -> None:
    darker, lighter = sorted((luminance(LOSSES[kind].color), luminance(THEME[theme]["backgroundColor"])))
    contrast = (lighter + 0.05) / (darker + 0.05)
    assert contrast >= 2  # Okabe–Ito's sky blue and orange have no more on white


def test_no_two_losses_share_a_colour() -> None:
    assert len({info.color for info in LOSSES.values()}) == len(LOSSES)


def test_a_rule_must_become_numbers_first() -> None:
    rule = {"kind": WEIGHTED, "class_weights": "enet", "weight_cap": 20}
    spec = LossSpec(**rule)
    combined = LossSpec(kind="combined", terms=({"factor": 2, "loss": rule}, {"loss": {"kind": "dice"}}))
    for unresolved in (spec, combined):
        with pytest.raises(InputError, match="class_weights: the rule 'enet'"):
            build_loss(unresolved)
    asked = []
    resolved = combined.resolved(lambda rule, cap: asked.append((rule, cap)) or (1.0, 20.0))
    assert asked == [("enet", 20)]
    assert resolved.terms[0].loss == LossSpec(kind=WEIGHTED, class_weights=(1, 20))
    assert resolved.terms[1] == combined.terms[1]
    build_loss(resolved)


def test_as_many_weights_as_classes() -> None:
    logits, labels = random_case(0, 4)
    with pytest.raises(ValueError, match="class_weights must be 4 numbers"):
        build_loss(LossSpec(kind=WEIGHTED, class_weights=(1, 2)))(logits, labels)


@pytest.mark.parametrize(("logits", "labels"), [((2, 2, 4), (2, 4)), ((2, 2, 4, 4), (2, 4, 5)), ((2, 2, 4, 4), (4, 4))])
def test_shapes_that_do_not_belong_together(logits: tuple[int, ...], labels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"logits must be \(N, K, H, W\) and labels \(N, H, W\)"):
        build_loss(LossSpec(kind="dice"))(torch.zeros(logits), torch.zeros(labels, dtype=torch.long))


def test_specs_and_registry_import_no_torch() -> None:
    code = "import sys, explorer.losses, explorer.losses.weights, explorer.losses.lab; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
