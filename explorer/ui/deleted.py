"""An address that names something that was deleted: pages say so, and its owner can restore it."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from explorer.errors import InputError
from explorer.runs.belongings import Kind
from explorer.runs.ownership import is_of
from explorer.runs.records import DatasetRecord, RunRecord
from explorer.ui import changes, services
from explorer.ui.identity import visitor
from explorer.ui.messages import escaped


def say_deleted(kind: Kind, ids: Iterable[str], parameter: str | None = None) -> set[str]:
    """Says which of these were deleted, and offers their owner to restore them; gives their ids.

    Of a deleted dataset of somebody else nothing is said: its id gives nobody a right to know of it.

    Args:
        kind: of all of them.
        ids: that the address names.
        parameter: of the address, which names them; the kind if not given.
    """
    said = set()
    for item_id in ids:
        record = _deleted(kind, item_id)
        own = record is not None and is_of(record, visitor())
        if record is None or not (own or kind == "run"):
            continue
        said.add(item_id)
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"deleted-{kind}-{item_id}"):
            name = escaped(record.name) if own else escaped(item_id)
            st.markdown(f":material/delete: The {kind} {name} was deleted; the page is shown without it.")
            if own:
                st.button(
                    "Restore", icon=":material/restore_from_trash:", key=f"restore-{item_id}",
                    on_click=_restore, args=(kind, item_id, parameter or kind),
                )  # fmt: skip
    return said


def _restore(kind: Kind, item_id: str, parameter: str) -> None:
    """Takes it out of the bin, and names it in the address again, which the page has left out."""
    changes.restore([(kind, item_id)])
    if "runs" in st.query_params and kind == "run":
        st.query_params["runs"] = ",".join([item_id, *filter(None, st.query_params["runs"].split(","))])
    else:
        st.query_params[parameter] = item_id


def _deleted(kind: Kind, item_id: str) -> RunRecord | DatasetRecord | None:
    store = services.store()
    try:
        record: RunRecord | DatasetRecord = store.run(item_id) if kind == "run" else store.dataset_record(item_id)
    except InputError:
        return None
    return record if record.deleted is not None else None
