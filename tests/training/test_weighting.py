"""Class weights that do not fit are refused before a run begins, and the field is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.__main__ import main
from explorer.errors import InputError
from explorer.imagery.balance import ClassShare
from explorer.losses.spec import LossSpec
from explorer.losses.weights import weights_of_shares
from explorer.training.plan import Intervention, Phase, Plan
from explorer.training.weighting import check_weights, logged_weights

THREE = {"kind": "weighted_cross_entropy", "class_weights": (1.0, 2.0, 3.0)}
DICE = Phase(loss=LossSpec(kind="dice"))


def combined(*losses: dict[str, object]) -> dict[str, object]:
    return {"kind": "combined", "terms": tuple({"loss": loss} for loss in losses)}


@pytest.mark.parametrize(
    ("plan", "where"),
    [
        (Plan(phases=(DICE, Phase(loss=LossSpec(**THREE)))), "phases[1].loss.class_weights"),
        (Plan(phases=(Phase(loss=LossSpec(kind="focal", class_weights=(1, 2, 3))),)), "phases[0].loss.class_weights"),
        (
            Plan(phases=(Phase(loss=LossSpec(**combined({"kind": "dice"}, THREE))),)),
            "phases[0].loss.terms[1].loss.class_weights",
        ),
        (
            Plan(phases=(Phase(loss=LossSpec(**combined(combined(THREE)))),)),
            "phases[0].loss.terms[0].loss.terms[0].loss.class_weights",
        ),
        (
            Plan(phases=(DICE,), interventions=(Intervention(step=3, loss=LossSpec(**THREE)),)),
            "interventions[0].loss.class_weights",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_weights_that_do_not_fit_the_classes_are_refused(plan: Plan, where: str) -> None:
    with pytest.raises(InputError, match="3 weights for 2 classes") as caught:
        check_weights(plan, 2)
    assert caught.value.where == where
    check_weights(plan, 3)


def test_the_logged_weights_are_those_of_the_plan_or_of_the_data() -> None:
    def weights_of(rule: str, cap: float | None) -> tuple[float, ...]:
        assert (rule, cap) == ("inverse_frequency", None)
        return (1.0, 40.0)

    assert logged_weights(Plan(phases=(DICE, Phase(loss=LossSpec(**THREE)))), weights_of) == (1, 2, 3)
    assert logged_weights(Plan(phases=(DICE,)), weights_of) == (1, 40)


def test_a_rule_of_the_plan_gives_the_logged_weights_with_its_cap() -> None:
    loss = LossSpec(kind="weighted_cross_entropy", class_weights="inverse_frequency", weight_cap=20)
    weights_of = weights_of_shares([ClassShare("ground", 990, None, 0.99), ClassShare("car", 10, 1, 0.01)])
    assert logged_weights(Plan(phases=(DICE, Phase(loss=loss))), weights_of) == (1, 20)
    assert logged_weights(Plan(phases=(DICE,)), weights_of) == pytest.approx((1, 99))


@pytest.mark.parametrize(
    ("loss", "where"),
    [
        ('{"kind": "weighted_cross_entropy", "class_weights": [1, 1e39]}', "phases[0].loss.class_weights: "),
        (
            '{"kind": "combined", "terms": [{"loss": {"kind": "focal", "class_weights": [1, 1e39]}}]}',
            "phases[0].loss.terms[0].loss.class_weights: ",
        ),
        ('{"kind": "combined", "terms": [{"factor": 1e39, "loss": {"kind": "dice"}}]}', "phases[0].loss.terms[0].fac"),
        ('{"kind": "weighted_cross_entropy", "class_weights": [1e-60, 1e-60]}', "phases[0].loss.class_weights: "),
        ('{"kind": "weighted_cross_entropy", "class_weights": [3e38, 3e38]}', "phases[0].loss.class_weights: "),
        (
            '{"kind": "weighted_cross_entropy", "class_weights": "enet", "weight_cap": 1e-60}',
            "phases[0].loss.weight_cap: ",
        ),
        ('{"kind": "combined", "terms": [{"factor": 0, "loss": {"kind": "dice"}}]}', "phases[0].loss.terms: "),
    ],
)
def test_numbers_with_which_nothing_can_be_learned_end_the_command_with_one_line(
    loss: str, where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(f'{{"phases": [{{"loss": {loss}, "steps": 3}}]}}')
    folders = ["--images", str(tmp_path), "--masks", str(tmp_path)]
    assert main(["train", *folders, "--plan", str(plan), "--device", "cpu", "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert where in said
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()
