"""The plan editor: a table of phases, the settings of their losses, and the rest of the plan; and starting a plan.

Edits survive a visit to another page: Streamlit drops the widgets' state there, so each pass keeps the plan as it is,
and a new set of widgets starts from it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from explorer.errors import InputError, explain_validation
from explorer.imagery.balance import ClassShare
from explorer.losses.registry import LOSSES, LossKind
from explorer.losses.spec import LossSpec
from explorer.runs.store import Store
from explorer.segmenter.spec import SIZES, PretrainedSpec, SegmenterSpec
from explorer.training.plan import Plan, Trigger
from explorer.ui import services
from explorer.ui.frame import stacking_columns
from explorer.ui.loss_controls import default_spec, loss_controls
from explorer.ui.messages import show_problem
from explorer.ui.plan_table import KIND_OF, TRIGGERS, phases_of, table_of
from explorer.ui.unique_labels import position_labels

DOUBLE_CLICK_SECONDS = 2.0
_LAST = "started-last"  # in the session: when, what, and the id of its run
_COLUMNS = {
    "Loss": st.column_config.SelectboxColumn(options=list(KIND_OF), required=True, width=165),
    "Learning rate": st.column_config.NumberColumn(
        width=120, min_value=1e-7, max_value=1.0, format="%.2g", default=1e-3
    ),
    "Steps": st.column_config.NumberColumn(width=76, min_value=1, max_value=1_000_000, step=1, default=200),
    "Until": st.column_config.SelectboxColumn(
        width=100,
        options=list(TRIGGERS),
        help="Ends the phase early: once this validation score is reached; “of "
        "reachable”: this share of the highest score that a usable threshold gives.",
    ),
    "Threshold": st.column_config.NumberColumn(
        width=102,
        min_value=0.001,
        max_value=1.0,
        help="The score to reach; for “plateaus”, the smallest rise that counts.",
    ),
    "Minimum steps": st.column_config.NumberColumn(
        width=124, min_value=0, step=1, help="The phase does not end before this step."
    ),
    "Optimizer state": st.column_config.SelectboxColumn(
        width=128,
        options=["keep", "reset"],
        default="keep",
        help="Whether the phase keeps AdamW's moments or begins without any.",
    ),
    "Warm-up (steps)": st.column_config.NumberColumn(
        width=138, min_value=0, step=1, help="Steps over which the learning rate rises from zero."
    ),
    "Decay": st.column_config.SelectboxColumn(
        width=92,
        options=["none", "cosine"],
        default="none",
        help="With cosine, the learning rate falls to zero along a half cosine once the warm-up is over.",
    ),
}


def adopt(plan: Plan) -> None:
    """Makes this the plan that the editor starts from, instead of what was edited; interventions are dropped."""
    st.session_state.pop("plan-now", None)
    st.session_state["plan-base"] = plan.model_copy(update={"interventions": ()})
    st.session_state["plan-token"] = st.session_state.get("plan-token", 0) + 1


def has_plan() -> bool:
    """A plan has been adopted in this session."""
    return "plan-base" in st.session_state


def edit_plan(shares: Sequence[ClassShare]) -> Plan | None:
    """The editor.

    Args:
        shares: class balance of the training scenes.

    Returns:
        The edited plan; None while it is invalid, with the error shown.
    """
    if f"phases-{st.session_state['plan-token']}" not in st.session_state and "plan-now" in st.session_state:
        adopt(st.session_state["plan-now"])  # the visitor comes back from another page
    base: Plan = st.session_state["plan-base"]
    key = f"phases-{st.session_state['plan-token']}"
    table = st.data_editor(
        table_of(base),
        key=key,
        num_rows="dynamic",
        hide_index=True,
        column_config=_COLUMNS,
        width="stretch",
        placeholder="–",
    )
    kinds = [KIND_OF[name] for name in dict.fromkeys(table["Loss"].dropna()) if name in KIND_OF]
    left, right = stacking_columns("editor", 2)
    with left:
        losses = {kind: _settings(base, kind, f"{key}-{kind}", shares) for kind in kinds}
    with right, st.expander("Cycles, seed, segmenter, batches", expanded=True):
        rest = _rest(base, key, shares)
    plan = _assembled(base, table, losses, rest)
    if plan is not None:
        st.session_state["plan-now"] = plan
    return plan


def start_run(plan: Plan, dataset_id: str, others: Sequence[Plan] = ()) -> str:
    """Queues a plan, then the plans to compare it with, in this order.

    The second click of a double click starts nothing: it may arrive before the page has changed.

    Args:
        plan: of the run to show.
        dataset_id: the store's id of the dataset that all train on.
        others: plans that are trained after it, as one group with it.

    Returns:
        The id of the plan's run.
    """
    wanted = plan, dataset_id, tuple(others)
    began, started, run_id = st.session_state.get(_LAST, (0.0, None, ""))
    if started == wanted and time.monotonic() - began < DOUBLE_CLICK_SECONDS:
        return str(run_id)
    run_id, *rest = _created(services.store(), plan, dataset_id, others)
    st.session_state[_LAST] = time.monotonic(), wanted, run_id
    for each in (run_id, *rest):
        services.engine().submit(each)
    return run_id


def _settings(base: Plan, kind: LossKind, key: str, shares: Sequence[ClassShare]) -> LossSpec:
    """The settings of one loss, which all phases with it share."""
    info = LOSSES[kind]
    same = [phase.loss for phase in base.phases if phase.loss.kind == kind]
    start = same[0] if same else default_spec(kind)
    if not (info.settings or info.takes_class_weights or info.region):
        return start
    with st.expander(f"Settings of {info.name}", expanded=info.takes_class_weights and kind != "focal"):
        if len(set(same)) > 1:
            st.caption("The phases of the plan differ in the settings of this loss. Here, all get those of the first.")
        return loss_controls(start, key, shares)


def _rest(base: Plan, key: str, shares: Sequence[ClassShare]) -> dict[str, object]:
    left, right = st.columns(2)
    sizes: dict[str, SegmenterSpec] = {**SIZES}
    if base.segmenter not in SIZES.values():
        sizes["as in the plan"] = base.segmenter
    names = list(sizes)
    trigger = next((phase.trigger for phase in base.phases if phase.trigger is not None), None)
    watched = trigger.class_id if trigger is not None else rarest(shares)
    return {
        "name": left.text_input("Name", base.name, max_chars=80, key=f"{key}-name") or base.name,
        "cycles": left.number_input("Cycles", 1, 50, base.cycles, key=f"{key}-cycles"),
        "seed": left.number_input("Seed", 0, 2**31 - 1, base.seed, key=f"{key}-seed"),
        "segmenter": sizes[
            left.selectbox(
                "Segmenter",
                names,
                [sizes[name] for name in names].index(base.segmenter),
                key=f"{key}-segmenter",
                help="A U-Net with GroupNorm: "
                + ", ".join(f"{name} has {_size(spec)}" for name, spec in sizes.items())
                + ".",
            )
        ],
        "batch_size": right.number_input("Batch size", 1, 256, base.batch_size, key=f"{key}-batch"),
        "crop_size": right.select_slider(
            "Crop size (px)",
            sorted({32, 48, 64, 96, 128, 160, 192, 256, base.crop_size}),
            base.crop_size,
            key=f"{key}-crop",
        ),
        "object_share": right.slider(
            "Foreground crop share",
            0.0,
            1.0,
            base.object_share,
            0.05,
            key=f"{key}-share",
            help="Share of the crops that are placed around an object; the others are placed at random.",
        ),
        "watched": right.selectbox(
            "Class of *Until*",
            range(len(shares)),
            min(watched, len(shares) - 1),
            position_labels(share.name for share in shares).__getitem__,
            key=f"{key}-watched",
        ),
    }


def rarest(shares: Sequence[ClassShare]) -> int:
    """The foreground class with the fewest pixels, which pages show first."""
    return min(range(1, len(shares)), key=lambda k: shares[k].pixels or float("inf"))


def _size(spec: SegmenterSpec) -> str:
    if isinstance(spec, PretrainedSpec):
        return f"a pretrained encoder, decoder of width {spec.width}"
    return f"width {spec.width}, depth {spec.depth}"


def _assembled(
    base: Plan, table: pd.DataFrame, losses: dict[LossKind, LossSpec], rest: dict[str, object]
) -> Plan | None:
    watched = rest.pop("watched")
    trigger = next((phase.trigger for phase in base.phases if phase.trigger is not None), None)
    like = trigger or Trigger()
    try:
        phases = phases_of(table, losses, int(str(watched)), like.smoothing, like.patience)
        return Plan.model_validate(base.model_dump() | rest | {"phases": phases})
    except ValidationError as error:
        show_problem(InputError(*explain_validation(error), "correct it in the plan"))
    except InputError as problem:
        show_problem(problem)
    return None


def _created(store: Store, plan: Plan, dataset_id: str, others: Sequence[Plan]) -> list[str]:
    first = store.create_run(plan, dataset_id)
    if others:
        store.set_group(first.id, first.id)
    return [first.id, *(store.create_run(other, dataset_id, first.id).id for other in others)]
