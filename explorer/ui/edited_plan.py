"""The plan that a visitor edits, and where it came from, as the session keeps them between pages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import streamlit as st

from explorer.runs.class_state import as_given
from explorer.training.plan import Plan
from explorer.ui import services
from explorer.ui.page_tools import has_arrived

PLAN = "plan"  # in the address: short id of an edited plan
PRESET = "preset"  # in the address and in the session
OFFERED = "preset-offered"  # in the session: the preset, if the visitor has not chosen it
SOURCE = "plan-source"  # in the session: dataset, preset and time from which the plan came, and the plan
_BASE, _NOW, _TOKEN = "plan-base", "plan-now", "plan-token"
_REPLACED = "plan-replaced"
_LINKED = "plan-linked"  # in the session: the short id that the address had last


@dataclass(frozen=True)
class _Kept:
    """A plan that was replaced without its visitor's doing."""

    plan: Plan
    preset: str | None
    offered: str | None
    source: tuple[tuple[object, ...], Plan] | None


def adopt(plan: Plan) -> None:
    """Makes this the plan that the editor starts from, instead of what was edited; interventions are dropped."""
    st.session_state.pop(_NOW, None)
    st.session_state[_BASE] = plan.model_copy(update={"interventions": ()})
    st.session_state[_TOKEN] = st.session_state.get(_TOKEN, 0) + 1


def plan_now() -> Plan | None:
    """The plan as it was edited last in this session; None before one was adopted."""
    now: Plan | None = st.session_state.get(_NOW, st.session_state.get(_BASE))
    return now


def has_plan() -> bool:
    """A plan has been adopted in this session."""
    return _BASE in st.session_state


def given_plan() -> Plan | None:
    """The plan as its preset gave it; None for the plan of an earlier run."""
    if st.session_state.get(PRESET) is None:
        return None
    source: tuple[tuple[object, ...], Plan] | None = st.session_state.get(SOURCE)
    return None if source is None else source[1]


def is_edited() -> bool:
    """The plan is another than its preset gave, so that taking the preset again would lose something."""
    return has_plan() and plan_now() != given_plan()


def take_preset(chosen: str) -> None:
    """Makes the chosen preset the one that the plan comes from."""
    st.session_state[OFFERED] = None
    st.session_state.pop(SOURCE, None)
    remember_preset(chosen)


def remember_preset(key: str | None) -> None:
    """Keeps the preset in the session and in the address."""
    st.session_state[PRESET] = key
    if key is None:
        st.query_params.pop(PRESET, None)
    else:
        st.query_params[PRESET] = key


def take_linked_plan() -> str | None:
    """Takes the plan that the address names (``?plan=``), or the preset's own where it names none any more.

    Returns:
        The id in the address, if no plan has it.
    """
    asked, linked = st.query_params.get(PLAN), st.session_state.get(_LINKED)
    if asked is None and linked is not None and not has_arrived():
        given = given_plan()
        if given is not None:
            adopt(given)
        st.session_state[_LINKED] = None
    elif asked is not None and asked != linked:
        plan = services.store().linked_plans.read(asked)
        if plan is None:
            del st.query_params[PLAN]
            return asked
        adopt(plan)
        st.session_state[_LINKED] = asked
    return None


def link_plan(plan: Plan) -> None:
    """Has the address name the plan if it is another than its preset gave."""
    edited = plan != given_plan()
    key = services.store().linked_plans.keep(plan) if edited else None
    st.session_state[_LINKED] = key
    if key is not None:
        st.query_params[PLAN] = key
    else:
        st.query_params.pop(PLAN, None)


def replace_plan(preset: str) -> None:
    """Takes a preset in the place of the plan, which is kept if it was edited, and can be taken back."""
    plan = plan_now()
    if plan is not None and is_edited():
        state = st.session_state
        state[_REPLACED] = _Kept(plan, state.get(PRESET), state.get(OFFERED), state.get(SOURCE))
    take_preset(preset)


def replaced_plan() -> Plan | None:
    """The edited plan that was replaced last, if it has not been taken back."""
    kept: _Kept | None = st.session_state.get(_REPLACED)
    return None if kept is None else kept.plan


def take_plan_back() -> None:
    """Edits the plan again that was replaced."""
    kept: _Kept | None = st.session_state.pop(_REPLACED, None)
    if kept is None:
        return
    adopt(kept.plan)
    st.session_state[OFFERED] = kept.offered
    if kept.source is None:
        st.session_state.pop(SOURCE, None)
    else:
        st.session_state[SOURCE] = kept.source
    remember_preset(kept.preset)


def forget_replaced_plan() -> None:
    """Keeps the replaced plan no longer."""
    st.session_state.pop(_REPLACED, None)


def hold_to(given: Plan, locked: Collection[str]) -> bool:
    """Takes back what locks forbid of the edited plan; says whether there was something."""
    plan = plan_now()
    if plan is None or not locked:
        return False
    held = as_given(plan, given, locked)
    if held == plan:
        return False
    adopt(held)
    return True
