"""The plan editor: a table of phases, the settings of their losses, and the rest of the plan; and starting a plan.

Edits survive a visit to another page: Streamlit drops the widgets' state there, so each pass keeps the plan as it is,
and a new set of widgets starts from it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import streamlit as st
from pydantic import ValidationError
from streamlit.elements.lib.column_types import ColumnConfig

from explorer.errors import InputError, explain_validation
from explorer.imagery.balance import ClassShare
from explorer.losses.registry import LOSSES, LossKind
from explorer.losses.spec import LossSpec
from explorer.runs.class_state import CONTROLS, as_given
from explorer.runs.requests import PlannedRun
from explorer.runs.store import Store
from explorer.settings import settings
from explorer.training.plan import Plan, Trigger
from explorer.ui import services
from explorer.ui.edited_plan import adopt, plan_now
from explorer.ui.frame import stacking_columns
from explorer.ui.identity import require_dataset, visitor
from explorer.ui.locks import is_locked, locked_problem, require_unlocked
from explorer.ui.loss_controls import default_spec, loss_controls
from explorer.ui.messages import show_problem
from explorer.ui.plan_settings import input_settings, main_settings, pick_segmenter, pick_watched, watched_class
from explorer.ui.plan_table import COLUMNS, KIND_OF, SELDOM, TRIGGERS, phases_of, table_of

if TYPE_CHECKING:
    import pandas as pd

DOUBLE_CLICK_SECONDS = 2.0
_LAST = "started-last"  # in the session: when, what, and the id of its run
_ALL_COLUMNS = "plan-all-columns"  # in the session
_LOCKED = "plan-locked"  # in the session: names of controls that were locked when the editor was drawn last
_LOCKED_COLUMNS = {
    "losses": ("Loss",),
    "rate": ("Learning rate", "Decay"),
    "length": ("Steps", "Until", "Threshold", "Minimum steps", "Warm-up (steps)"),
}
_COLUMNS: dict[str, ColumnConfig] = {
    "Learning rate": st.column_config.NumberColumn(
        width=112, min_value=1e-7, max_value=1.0, format="%.2g", default=1e-3
    ),
    "Steps": st.column_config.NumberColumn(width=70, min_value=1, max_value=1_000_000, step=1, default=200),
    "Until": st.column_config.SelectboxColumn(
        options=list(TRIGGERS),
        help="Ends the phase early: once this score is reached, no longer improves, or is this share of the best that "
        "any probability threshold reaches.",
    ),
    "Threshold": st.column_config.NumberColumn(
        width=98,
        min_value=0.001,
        max_value=1.0,
        help="The score to reach, or its share of the best; for “plateaus”, the smallest rise that counts.",
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
        width=132, min_value=0, step=1, help="Steps over which the learning rate rises from zero."
    ),
    "Decay": st.column_config.SelectboxColumn(
        width=80,
        options=["none", "cosine"],
        default="none",
        help="Whether the learning rate falls to zero along a half cosine after the warm-up.",
    ),
}

Start = tuple[Plan, PlannedRun | None]
"""A plan, and what it follows from; None: not from the data, or from another plan."""


def edit_plan(shares: Sequence[ClassShare], bands: Sequence[str], locked: Collection[str] = frozenset()) -> Plan | None:
    """The editor.

    Args:
        shares: class balance of the training scenes.
        bands: names of the dataset's bands.
        locked: names of controls whose widgets are disabled, see :mod:`explorer.ui.locks`.

    Returns:
        The edited plan; None while it is invalid, with the error shown.
    """
    if "plan-now" in st.session_state and (
        f"phases-{st.session_state['plan-token']}" not in st.session_state  # the visitor comes back from another page
        or st.session_state.get(_LOCKED, frozenset()) != frozenset(locked)  # a table that is locked is another table
    ):
        adopt(st.session_state["plan-now"])
    st.session_state[_LOCKED] = frozenset(locked)
    base: Plan = st.session_state["plan-base"]
    key = f"phases-{st.session_state['plan-token']}"
    table = _edit_phases(base, key, locked)
    kinds = [KIND_OF[name] for name in dict.fromkeys(table["Loss"].dropna())]
    usual = watched_class(base, rarest(shares))
    left, right = stacking_columns("editor", 2)
    whole = "plan" in locked
    fixed_length = whole or "length" in locked
    with left:
        losses = {kind: _settings(base, kind, f"{key}-{kind}", shares, whole or "losses" in locked) for kind in kinds}
        watched = pick_watched(usual, key, shares, fixed_length) if table["Until"].notna().any() else usual
    with right, st.expander("Cycles, seed, segmenter, batches", expanded=True):
        rest = main_settings(base, key, whole, fixed_length) | {"segmenter": pick_segmenter(base, key, bands, whole)}
    with st.expander("Input, augmentation, optimiser, threshold"):
        rest |= input_settings(base, key, whole, fixed_length)
    plan = _assembled(base, table, losses, watched, rest)
    if plan is not None:
        st.session_state["plan-now"] = plan
    return plan


def start_run(
    plan: Plan,
    dataset_id: str,
    others: Sequence[Start] = (),
    planned: PlannedRun | None = None,
    given: Plan | None = None,
) -> str:
    """Queues a plan, then the plans to compare it with, in this order.

    The second click of a double click starts nothing: it may arrive before the page has changed.

    Args:
        plan: of the run to show.
        dataset_id: the store's id of the dataset that all train on.
        others: plans that are trained after it, as one group with it, and what they follow from.
        planned: what the first plan follows from.
        given: the plan that it was edited from, which it agrees with in all that is locked; None: it was not edited.

    Returns:
        The id of the plan's run.

    Raises:
        InputError: a lock forbids it, or too many of the visitor's runs wait.
    """
    _require_unlocked(plan, given or plan)
    wanted = plan, dataset_id, tuple(others)
    began, started, run_id = st.session_state.get(_LAST, (0.0, None, ""))
    if started == wanted and time.monotonic() - began < DOUBLE_CLICK_SECONDS:
        return str(run_id)
    engine = services.engine()  # first: where it cannot start, no runs are made that nobody trains
    run_id, *rest = _created(services.store(), plan, dataset_id, others, planned)
    st.session_state[_LAST] = time.monotonic(), wanted, run_id
    for each in (run_id, *rest):
        engine.submit(each)
    return run_id


def _require_unlocked(plan: Plan, given: Plan) -> None:
    """Refuses to start what the teacher has locked.

    Raises:
        InputError: starting is locked, or a part of the plan that was changed.
    """
    require_unlocked("start")
    broken = [each for each in CONTROLS if is_locked(each) and as_given(plan, given, {each}) != plan]
    if broken:
        raise locked_problem(broken)


def _edit_phases(base: Plan, key: str, locked: Collection[str]) -> pd.DataFrame:
    """The table of phases; columns that are seldom changed are shown on demand."""
    more = st.session_state.get(_ALL_COLUMNS, False)
    fixed = [column for control, columns in _LOCKED_COLUMNS.items() if control in locked for column in columns]
    table = st.data_editor(
        table_of(base),
        key=key,
        num_rows="fixed" if fixed or "plan" in locked else "dynamic",
        disabled=True if "plan" in locked else fixed,
        hide_index=True,
        column_order=COLUMNS if more else COLUMNS[:SELDOM],
        column_config={"Loss": _loss_column(base), **_COLUMNS},
        width="stretch",
        placeholder="–",
    )
    # another order of columns is another table, which would forget what was edited
    st.toggle(
        "All columns: optimizer state, warm-up, decay",
        more,
        key=_ALL_COLUMNS,
        on_change=lambda: adopt(plan_now() or base),
    )
    triggers = {
        (phase.trigger.class_id, phase.trigger.smoothing, phase.trigger.patience)
        for phase in base.phases
        if phase.trigger is not None
    }
    if len(triggers) > 1:
        st.caption(
            "The phases of the plan differ in class, smoothing or patience of *Until*. All get those of the first."
        )
    return table


def _loss_column(base: Plan) -> ColumnConfig:
    """The losses to choose from; a combined loss comes from a plan file, so that only a plan with one offers it."""
    used = {phase.loss.kind for phase in base.phases}
    offered = [name for name, kind in KIND_OF.items() if kind != "combined" or kind in used]
    return st.column_config.SelectboxColumn(options=offered, required=True, width=165)


def _settings(base: Plan, kind: LossKind, key: str, shares: Sequence[ClassShare], fixed: bool) -> LossSpec:
    """The settings of one loss, which all phases with it share."""
    info = LOSSES[kind]
    same = [phase.loss for phase in base.phases if phase.loss.kind == kind]
    start = same[0] if same else default_spec(kind)
    if not (info.settings or info.takes_class_weights or info.region or kind == "combined"):
        return start
    with st.expander(f"Settings of {info.name}", expanded=info.takes_class_weights and kind != "focal"):
        if len(set(same)) > 1:
            st.caption("The phases of the plan differ in the settings of this loss. Here, all get those of the first.")
        return loss_controls(start, key, shares, disabled=fixed)


def rarest(shares: Sequence[ClassShare]) -> int:
    """The foreground class with the fewest pixels, which pages show first."""
    return min(range(1, len(shares)), key=lambda k: shares[k].pixels or float("inf"))


def _assembled(
    base: Plan, table: pd.DataFrame, losses: dict[LossKind, LossSpec], watched: int, rest: dict[str, object]
) -> Plan | None:
    trigger = next((phase.trigger for phase in base.phases if phase.trigger is not None), None)
    like = trigger or Trigger()
    try:
        phases = phases_of(table, losses, watched, like.smoothing, like.patience)
        plan = Plan.model_validate(base.model_dump() | rest | {"phases": phases})
        # lengths that were chosen by hand hold, whatever time they take
        return plan if plan.steps == base.steps else plan.model_copy(update={"seconds": None})
    except ValidationError as error:
        show_problem(InputError(*explain_validation(error), "correct it in the plan"))
    except InputError as problem:
        show_problem(problem)
    return None


def require_room_for(name: str, runs: int = 1) -> None:
    """Refuses more runs of the visitor than may wait or train, and those for which there is no room in their share.

    Args:
        name: of the first one.
        runs: that are to be made.

    Raises:
        InputError: there is no room.
    """
    store, me = services.store(), visitor().id
    store.usage.require_room(me, name, settings())
    active = sum(record.owner == me and record.status.active for record in store.runs())
    if active + runs > settings().visitor_runs:
        raise InputError(
            f"{active} of your runs wait or train, at most {settings().visitor_runs} can",
            name,
            "wait until some have ended, or stop some",
        )


def _created(
    store: Store, plan: Plan, dataset_id: str, others: Sequence[Start], planned: PlannedRun | None
) -> list[str]:
    me = visitor().id
    require_dataset(dataset_id)
    require_room_for(plan.name, 1 + len(others))
    first = store.create_run(plan, dataset_id, planned=planned, owner=me)
    if others:
        store.set_group(first.id, first.id)
    return [first.id, *(store.create_run(other, dataset_id, first.id, why, me).id for other, why in others)]
