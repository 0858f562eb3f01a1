"""The plan editor: what it does not show it does not change, whatever plan goes in."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from explorer.losses.spec import LossSpec, Term
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.spec import PretrainedSpec, UNetSpec
from explorer.training.budget import Budget
from explorer.training.fingerprint import fingerprint
from explorer.training.plan import Augmentation, Intervention, Phase, Plan, Trigger
from explorer.training.planning import propose
from explorer.training.presets import PRESETS, preset_plan
from tests.runs.tiny import tiny_dataset

FULL = Plan(
    name="All fields",
    phases=(
        Phase(
            loss=LossSpec(
                kind="combined",
                terms=(Term(factor=0.3, loss=LossSpec(kind="dice")), Term(factor=2.0, loss=LossSpec(kind="focal"))),
            ),
            learning_rate=0.0037,
            steps=123,
            minimum_steps=17,
            trigger=Trigger(metric="f1", scope="object", threshold=0.77, relative=True, smoothing=0.2, patience=5),
            warmup_steps=11,
            decay="cosine",
        ),
        Phase(loss=LossSpec(kind="jaccard", aggregate="image"), learning_rate=3e-5, steps=45, optimizer="reset"),
    ),
    cycles=3,
    seed=7,
    segmenter=PretrainedSpec(rgb=(1, 0, 1), width=64, encoder_rate=0.35, border=True),
    inputs=InputSpec(scale=0.37, root=True, differences=True, contrast=True, object_size=9.0),
    batch_size=13,
    crop_size=80,
    object_share=0.33,
    balance_classes=True,
    upright=True,
    augmentation=Augmentation(gain=0.37, offset=0.12, channel_gain=0.21, channel_offset=0.07, zoom=0.13),
    weight_decay=0.0123,
    clip_gradient=0.7,
    averaging=0.997,
    carry_over=True,
    choose_threshold=True,
    flips=True,
    validations=17,
    seconds=45,
)
PLANS = {
    "full": FULL,
    "own size": FULL.model_copy(update={"segmenter": UNetSpec(width=12, depth=4)}),
    "bounds": FULL.model_copy(update={"averaging": 0.99999, "augmentation": Augmentation(gain=0.97)}),
    "built in": preset_plan("recall_first"),
} | {
    f"{preset} {kind}": propose(fingerprint(tiny_dataset()), preset, Budget(steps=600), segmenter=kind).plan
    for preset, kind in zip(PRESETS, ["pretrained", "unet"] * len(PRESETS), strict=False)
}


def editor_page() -> None:
    import streamlit as st

    from explorer.imagery.balance import class_balance
    from explorer.ui.plan_editor import edit_plan
    from tests.runs.tiny import tiny_dataset

    dataset = tiny_dataset()
    st.session_state["out"] = edit_plan(class_balance(dataset.training, dataset.classes), dataset.bands)


def opened(plan: Plan) -> AppTest:
    page = AppTest.from_function(editor_page, default_timeout=30)
    page.session_state["plan-base"] = plan
    page.session_state["plan-token"] = 1
    return page.run()


@pytest.mark.parametrize("name", list(PLANS))
def test_plan_comes_out_as_it_went_in(name: str) -> None:
    page = opened(PLANS[name])
    assert not page.exception
    assert page.session_state["out"] == PLANS[name]


def test_no_field_of_the_full_plan_has_its_default() -> None:
    """Else a field that the editor drops would come out right by chance."""
    usual = Plan(phases=FULL.phases)
    alike = [name for name in Plan.model_fields if getattr(FULL, name) == getattr(usual, name)]
    assert alike == ["phases", "interventions"]


def adopting_page() -> None:
    import streamlit as st

    from explorer.ui.plan_editor import adopt

    adopt(st.session_state["given"])


def test_interventions_stay_with_the_run_that_they_were_made_in() -> None:
    page = AppTest.from_function(adopting_page)
    page.session_state["given"] = FULL.model_copy(update={"interventions": (Intervention(step=3, learning_rate=0.1),)})
    page.run()
    assert page.session_state["plan-base"] == FULL


def test_segmenter_that_is_chosen_again_has_its_own_settings() -> None:
    page = opened(FULL)
    box = next(each for each in page.selectbox if each.label == "Segmenter")
    pretrained = box.value
    small = next(option for option in box.options if option.endswith("small"))
    box.set_value(small).run()
    assert page.session_state["out"].segmenter == UNetSpec(width=8, depth=2, border=True), "which any kind can have"
    next(each for each in page.selectbox if each.label == "Segmenter").set_value(pretrained).run()
    assert page.session_state["out"].segmenter == FULL.segmenter


def test_class_of_until_is_asked_for_only_where_a_phase_ends_early() -> None:
    def asked(plan: Plan) -> bool:
        return "Class of *Until*" in [each.label for each in opened(plan).selectbox]

    assert asked(FULL)
    assert not asked(PLANS["dice_ce unet"])


def test_seldom_changed_columns_are_shown_on_demand_and_edits_stay() -> None:
    page = opened(FULL)
    page.session_state["phases-1"] = {"edited_rows": {1: {"Steps": 99}}, "added_rows": [], "deleted_rows": []}
    page.run()
    assert "Decay" not in page.dataframe[0].proto.column_order
    page.toggle[0].set_value(True).run()
    assert "Decay" in page.dataframe[0].proto.column_order
    assert [phase.steps for phase in page.session_state["out"].phases] == [123, 99]
