"""Changing a run while it trains: the loss of the current phase, its settings and the learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.errors import InputError
from explorer.imagery.balance import ClassShare
from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec
from explorer.runs.history import PhaseSpan
from explorer.runs.records import RunRecord
from explorer.training.commands import Steer
from explorer.ui import services
from explorer.ui.identity import may_change, require_change
from explorer.ui.locks import locked_controls, require_unlocked, say_locked
from explorer.ui.loss_controls import default_spec, loss_controls
from explorer.ui.messages import show_problem
from explorer.ui.plan_table import KIND_OF

_RATES = (*(float(f"{digit}e{power}") for power in range(-6, 0) for digit in (1, 2, 3, 5, 7)), 1.0)


def steer(record: RunRecord, spans: Sequence[PhaseSpan], shares: Sequence[ClassShare]) -> None:
    """Widgets that change the run from its next step on; changes are recorded with the step.

    Args:
        record: the run.
        spans: the phases that it has begun.
        shares: class balance of its training scenes.
    """
    if not (record.status.active or record.status.resumable) or not may_change(record):
        return
    position = (spans[-1].phase, spans[-1].cycle) if spans else (0, 0)
    phase = record.plan.phases[position[0]]
    key = f"steer-{record.id}-{position}"
    locked = locked_controls()
    is_new = f"{key}-rate" not in st.session_state  # Streamlit forgets the values of widgets that were not drawn
    st.markdown(f"**Steer phase {position[0] + 1}**")
    with st.container(border=True):
        fixed = bool(locked & {"losses", "plan"})
        loss = _loss(spans[-1].loss if spans else phase.loss, key, shares, fixed)
        present = spans[-1].learning_rate if spans else phase.learning_rate
        rate = st.select_slider(
            "Learning rate",
            _RATES,
            min(_RATES, key=lambda stop: abs(stop - present)),
            format_func=lambda stop: f"{stop:g}",
            key=f"{key}-rate",
            on_change=_mark,
            args=(f"{key}-rate-moved",),
            disabled=bool(locked & {"rate", "plan"}),
        )
        say_locked("losses", "rate", "plan")
        st.caption("Changes take effect at the next step, last until the phase ends, and are recorded.")
    before = None if is_new else st.session_state.get(f"{key}-drawn")
    change = _change(key, before, (rate, loss))
    st.session_state[f"{key}-drawn"] = rate, loss
    if change.loss is not None or change.learning_rate is not None:
        try:
            require_change(record)
            require_unlocked("plan")
            if change.loss is not None:
                require_unlocked("losses")
            if change.learning_rate is not None:
                require_unlocked("rate")
            services.engine().steer(record.id, change)
            st.caption(f":material/check: Sent: {_in_words(change)}.")
        except InputError as problem:
            show_problem(problem)


def _change(key: str, before: tuple[float, LossSpec] | None, now: tuple[float, LossSpec]) -> Steer:
    """What the visitor has changed since the widgets were last drawn.

    A late poll still carries the values of widgets that are gone, and Streamlit then calls their callbacks: what was
    marked counts only where the value differs, too.
    """
    moved = [st.session_state.pop(f"{key}-{what}-moved", False) for what in ("rate", "loss")]
    if before is None:
        return Steer()
    return Steer(
        learning_rate=now[0] if moved[0] and now[0] != before[0] else None,
        loss=now[1] if moved[1] and now[1] != before[1] else None,
    )


def _loss(present: LossSpec, key: str, shares: Sequence[ClassShare], fixed: bool) -> LossSpec:
    kinds = list(KIND_OF.values())
    if present.kind not in kinds:
        kinds.append(present.kind)
    kind = st.selectbox(
        "Loss",
        kinds,
        kinds.index(present.kind),
        lambda name: LOSSES[name].name,
        key=f"{key}-kind",
        on_change=_mark,
        args=(f"{key}-loss-moved",),
        disabled=fixed,
    )
    start = present if kind == present.kind else default_spec(kind)
    return loss_controls(start, f"{key}-{kind}", shares, lambda: _mark(f"{key}-loss-moved"), fixed)


def _in_words(change: Steer) -> str:
    rate = f"learning rate {change.learning_rate:g}" if change.learning_rate is not None else None
    loss = LOSSES[change.loss.kind].name if change.loss is not None else None
    return " and ".join(part for part in (rate, loss) if part)


def _mark(name: str) -> None:
    st.session_state[name] = True
