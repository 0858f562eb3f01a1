"""A run that finds nothing: said at once, with since when, the likely reasons, and a new run for each remedy."""

from __future__ import annotations

import streamlit as st

from explorer.errors import InputError
from explorer.runs.history import History
from explorer.runs.records import RunRecord
from explorer.training.diagnosis import Concern, nothing_found
from explorer.training.finding import silences
from explorer.training.plan import Plan
from explorer.ui import services
from explorer.ui.messages import escaped, show_problem
from explorer.ui.pickers import open_run
from explorer.ui.plan_editor import start_run

_REFUSED = "remedy-refused"  # in the session: why the run of a remedy could not be started


def show_nothing_found(record: RunRecord, history: History) -> None:
    """A warning where the last validation found nothing of a class, and what may help; nothing otherwise."""
    refused: InputError | None = st.session_state.pop(_REFUSED, None)
    if refused is not None:
        show_problem(refused)
    silent = silences(history.validations)
    if not silent:
        return
    classes = services.dataset(record.dataset_id).classes
    for each in silent:
        how = "every predicted pixel is wrong" if each.predicted_anything else "no pixel is predicted as it"
        st.error(
            f"**Nothing found** of {escaped(classes[each.class_id])} on the validation scenes since step "
            f"{each.since_step}: {how}.",
            icon=":material/search_off:",
        )
    try:
        concerns = nothing_found(services.fingerprint(record.dataset_id), record.plan, history.most_steps)
    except InputError as problem:
        show_problem(problem)
        return
    with st.expander("Likely reasons, and what may help", expanded=not record.status.active):
        for number, concern in enumerate(concerns):
            _show_concern(record, concern, number)


def _show_concern(record: RunRecord, concern: Concern, number: int) -> None:
    st.markdown(escaped(concern.text))
    with st.container(horizontal=True):
        for position, remedy in enumerate(concern.remedies):
            st.button(
                f"New run: {remedy.title[:1].lower()}{remedy.title[1:]}",
                icon=":material/build:",
                key=f"remedy-{record.id}-{number}-{position}",
                on_click=_start,
                args=(record, remedy.plan),
            )


def _start(record: RunRecord, plan: Plan) -> None:
    """Stops the run and starts one with the changed plan."""
    try:
        if record.status.active or record.status.resumable:
            services.engine().stop(record.id)
        open_run(start_run(plan, record.dataset_id))
    except InputError as problem:  # a callback: the page that is drawn next shows it
        st.session_state[_REFUSED] = problem
