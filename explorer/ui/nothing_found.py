"""A run that finds nothing: said at once, with since when, the likely reasons, and a new run for each remedy."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.errors import InputError
from explorer.runs.history import History
from explorer.runs.records import RunRecord
from explorer.training.diagnosis import Concern, nothing_found
from explorer.training.finding import silences
from explorer.training.plan import Plan
from explorer.ui import services
from explorer.ui.identity import may_change
from explorer.ui.messages import escaped, show_problem
from explorer.ui.pickers import open_run
from explorer.ui.plan_editor import start_run

_REFUSED = "remedy-refused"  # in the session: why the run of a remedy could not be started


def classes_not_found(history: History, summary: dict[str, Any] | None) -> dict[int, str]:
    """The classes of which nothing is found, by class id, with where and since when.

    A run that has ended is judged by its summary: it covers all of the validation scenes, at the run's own thresholds.

    Args:
        history: of the run.
        summary: see :func:`explorer.ui.run_result.read_summary`.
    """
    silent = silences(history.validations)
    if summary is None:
        return {
            each.class_id: f"on the validation scenes since step {each.since_step}: "
            + ("every predicted pixel is wrong" if each.predicted_anything else "no pixel is predicted as it")
            for each in silent
        }
    at = "its own threshold" if summary["threshold_choice"] else "½"
    since = {each.class_id: f", nor in any validation since step {each.since_step}" for each in silent}
    nothing = [int(class_id) for class_id, is_so in summary["found_nothing"].items() if is_so]
    return {class_id: f"on all validation scenes at {at}{since.get(class_id, '')}" for class_id in nothing}


def show_nothing_found(record: RunRecord, history: History, not_found: dict[int, str]) -> None:
    """A warning where nothing of a class is found, and what may help; nothing otherwise.

    Args:
        record: of the run.
        history: of the run.
        not_found: see :func:`classes_not_found`.
    """
    refused: InputError | None = st.session_state.pop(_REFUSED, None)
    if refused is not None:
        show_problem(refused)
    if not not_found:
        return
    classes = services.dataset(record.dataset_id).classes
    for class_id, where in not_found.items():
        st.error(f"**Nothing found** of {escaped(classes[class_id])} {where}.", icon=":material/search_off:")
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
    """Starts a run with the changed plan, and stops the one before unless it is somebody else's."""
    try:
        run_id = start_run(plan, record.dataset_id, given=record.plan)
        if (record.status.active or record.status.resumable) and may_change(record):
            services.engine().stop(record.id)
        open_run(run_id)
    except InputError as problem:  # a callback: the page that is drawn next shows it
        st.session_state[_REFUSED] = problem
