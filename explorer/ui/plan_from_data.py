"""The plan that follows from a dataset: how long to train, the proposal, and why it is as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from explorer.training.budget import Budget
from explorer.training.diagnosis import before_training
from explorer.training.fingerprint import Fingerprint
from explorer.training.plan import Plan
from explorer.training.planning import Choice
from explorer.ui.edited_plan import adopt
from explorer.ui.locks import is_locked, is_locked_by_link_alone
from explorer.ui.messages import escaped

_KEY, _STEPS = "training-time", "Steps"
_CHOSEN = "training-time-chosen"  # in the session: the time that was chosen last
BUDGETS: dict[str, Budget | None] = {
    "30 s": Budget(seconds=30),
    "1 min": Budget(seconds=60),
    "90 s": Budget(seconds=90),
    "2 min": Budget(seconds=120),
    "5 min": Budget(seconds=300),
    _STEPS: None,
}
"""How long a run may train, as the page offers it; None: a number of steps."""

USUAL_BUDGET = "90 s"
_USUAL = Budget(seconds=90)
_USUAL_STEPS = 600


def pick_budget() -> Budget:
    """Seconds of training on this machine, or steps; the address keeps the choice (``?training-time=``).

    One that is locked stays as it was; for a visitor who has chosen none yet, it is that of the link that locks it.
    """
    if is_locked("length"):
        return _locked_budget()
    budget = _chosen_budget()
    st.session_state[_CHOSEN] = budget
    return budget


def _locked_budget() -> Budget:
    of_link = BUDGETS.get(st.query_params.get(_KEY, "")) if is_locked_by_link_alone("length") else None
    budget: Budget = st.session_state.setdefault(_CHOSEN, of_link or _USUAL)
    words = {each: name for name, each in BUDGETS.items() if each is not None}
    st.selectbox(
        "Training time", [words.get(budget, f"{budget.steps} steps")], disabled=True, key="training-time-locked"
    )
    return budget


def _chosen_budget() -> Budget:
    time, number = st.columns(2) if _STEPS in (st.session_state.get(_KEY), st.query_params.get(_KEY)) else (st, st)
    chosen = time.selectbox(
        "Training time",
        list(BUDGETS),
        list(BUDGETS).index(USUAL_BUDGET),
        key=_KEY,
        bind="query-params",
        help="On this machine: the time of a step is measured first, which takes a second.",
    )
    budget = BUDGETS[chosen]
    if budget is not None:
        return budget
    steps = number.number_input("Steps", 10, 1_000_000, _USUAL_STEPS, 50, key="training-steps", bind="query-params")
    return Budget(steps=int(steps))


def show_reasons(choices: Sequence[Choice], changed: bool) -> None:
    """What was chosen from the data, with the reason for each choice.

    Args:
        choices: of the plan as it was proposed.
        changed: the plan that is trained differs from it.
    """
    with st.expander("Why this plan", icon=":material/fact_check:"):
        st.caption(
            "Chosen from the training scenes, apart from those on which the threshold is chosen and those that score."
            + (" **The plan was changed since.**" if changed else "")
        )
        rows = [(choice.name, choice.value, choice.reason) for choice in choices]
        st.table(pd.DataFrame(rows, columns=["Setting", "Choice", "Reason"]).set_index("Setting"))


def show_warnings(fingerprint: Fingerprint, plan: Plan, is_allowed: Callable[[Plan], bool]) -> None:
    """What speaks against the plan before it is trained, with a button for each remedy, which changes the plan.

    Args:
        fingerprint: of the dataset.
        plan: to be trained.
        is_allowed: whether no lock forbids a plan.
    """
    for concern in before_training(fingerprint, plan):
        with st.container(horizontal=True, vertical_alignment="center", key=f"concern-{concern.code}"):
            st.warning(escaped(concern.text), icon=":material/warning:")
            for number, remedy in enumerate(concern.remedies):
                key = f"before-{concern.code}-{number}"
                st.button(
                    remedy.title,
                    icon=":material/build:",
                    key=key,
                    disabled=not is_allowed(remedy.plan),
                    on_click=adopt,
                    args=(remedy.plan,),
                )
