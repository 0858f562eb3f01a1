"""Whose runs and datasets are, in words; and the control by which their owner shares them with the class."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from explorer.errors import InputError
from explorer.runs.belongings import Kind
from explorer.runs.ownership import Visitor, is_of
from explorer.runs.records import DatasetRecord, RunRecord
from explorer.ui import services
from explorer.ui.identity import visitor
from explorer.ui.messages import show_problem

ONLY_ME, THE_CLASS = "Only me", "The class"
_REFUSED = "sharing-refused"  # in the session: what could not be shared, and why
_SENTENCES: dict[tuple[Kind, bool], str] = {
    ("run", False): "Nobody else has it in their lists. Whoever has its address can look at it.",
    ("run", True): "Everybody can look at it with its pictures of the scenes and start from its plan, not change it.",
    ("dataset", False): "Nobody else sees it, but for the pictures in runs that you show to others.",
    ("dataset", True): "Everybody can look at it and train on it, not change it. Runs that others make on it keep it.",
}


def mark(record: RunRecord | DatasetRecord, me: Visitor, names: Mapping[str, str]) -> str:
    """What follows the label of something that is somebody else's: whose it is; "" otherwise.

    Args:
        record: of a run or dataset.
        me: who looks.
        names: of all visitors, by id.
    """
    if record.owner is None or is_of(record, me):
        return ""
    name = names.get(record.owner, "somebody else")
    return f" · shared by {name}" if record.shared else f" · {name}"


def show_sharing(kind: Kind, record: RunRecord | DatasetRecord) -> None:
    """Who sees it, with what they can do then: for its owner a control, for others nothing."""
    if not is_of(record, visitor()):
        return
    key = f"sharing-{record.id}"
    st.session_state[key] = THE_CLASS if record.shared else ONLY_ME  # the page Storage changes it, too
    st.segmented_control(
        "Who sees this run" if kind == "run" else "Who sees this dataset",
        [ONLY_ME, THE_CLASS],
        required=True,
        key=key,
        on_change=_share,
        args=(kind, record.id, key),
    )
    st.caption(_SENTENCES[kind, record.shared])
    refused, problem = st.session_state.get(_REFUSED, ("", None))
    if problem is not None and refused == record.id:
        show_problem(problem)


def _share(kind: Kind, item_id: str, key: str) -> None:
    st.session_state.pop(_REFUSED, None)
    try:
        services.store().belongings.share(kind, item_id, st.session_state[key] == THE_CLASS, visitor())
    except InputError as problem:  # a callback: the page that shows it is drawn afterwards
        st.session_state[_REFUSED] = (item_id, problem)
