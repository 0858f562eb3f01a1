"""A button that carries on from a finished run that comes with the app."""

from __future__ import annotations

import streamlit as st

from explorer.errors import InputError
from explorer.runs.carrying_on import carry_on
from explorer.runs.records import RunRecord
from explorer.ui import services
from explorer.ui.identity import visitor
from explorer.ui.locks import is_locked, require_unlocked
from explorer.ui.messages import show_problem
from explorer.ui.plan_editor import require_room_for

_REFUSED = "carry-on-refused"  # in the session: why nothing was carried on


def offer_to_carry_on(record: RunRecord) -> None:
    """For a run that comes with the app: a button that copies it and trains the copy further."""
    if not record.example:
        return
    st.button(
        "Carry on from here",
        icon=":material/resume:",
        width="stretch",
        disabled=is_locked("start"),
        help="Copies this run and trains the copy for one more cycle of its plan. The finished run stays as it is.",
        on_click=_carry_on,
        args=(record.id,),
        key=f"carry-on-{record.id}",
    )
    problem = st.session_state.pop(_REFUSED, None)
    if problem is not None:
        show_problem(problem)


def _carry_on(run_id: str) -> None:
    try:
        require_unlocked("start")
        engine, store, me = services.engine(), services.store(), visitor().id
        require_room_for(store.run(run_id).plan.name)
        copy = carry_on(store, run_id, me)
        engine.submit(copy.id)
    except InputError as problem:  # a callback: the page that shows it is drawn afterwards
        st.session_state[_REFUSED] = problem
        return
    st.query_params["run"] = copy.id
