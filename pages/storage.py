"""Storage: what the visitor has and what it takes, who sees it, and a bin from which it can be restored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st

from explorer.errors import InputError
from explorer.runs.belongings import LONGEST_NAME, LONGEST_TAG, MOST_TAGS
from explorer.runs.records import DatasetRecord, RunRecord
from explorer.runs.usage import Taken, in_words
from explorer.settings import settings
from explorer.ui import changes, services
from explorer.ui.frame import frame, wrapping_columns
from explorer.ui.identity import visitor
from explorer.ui.messages import escaped, show_problem
from explorer.ui.stored import KINDS, MINE, WHOSE, Stored, filtered, shares, stored, table

MOST_ROWS = 10  # of the table, before it scrolls
BIN = "Bin"
NAME, TAGS = "storage-name", "storage-tags"  # fields
EXPLANATION = """
**Who sees what.** What you make is yours alone. *Share* lists it for the class: others can look at it and, if it is a
dataset, train on it. Nobody but you can change, rename, stop or delete it. Whoever has the address of a run can look at
that run. Sharing a run shows pictures of its scenes; its dataset stays yours unless you share that, too.

**Deleting.** Runs and datasets go to the bin, from where you can restore them, and are removed for good some days
later. They count until then. A dataset leaves all lists at once, but its file stays as long as there is a run on it,
your own or of others who trained on it while it was shared. Uploads, slices, sweeps and predictions are deleted at
once: they can be made again.

**Archiving** leaves something out of the lists of the other pages and keeps it here and at its address.
"""


def show_totals(taken: Taken, in_bin: int) -> None:
    """How much of the visitor's share is taken, and by what."""
    limit = settings().visitor_bytes
    st.progress(min(1.0, taken.total / limit), f"**{in_words(taken.total)}** taken of your {in_words(limit)}")
    st.caption(shares(taken, in_bin))
    if taken.total >= limit:
        st.warning(
            "Your share is full: nothing more can be uploaded, saved or trained until you delete something and remove "
            "it from the bin.",
            icon=":material/hard_drive:",
        )


def pick_rows(rows: Sequence[Stored], in_bin: int) -> list[Stored] | None:
    """Filters, and the table in which rows are ticked; gives those, None if the table is empty."""
    text_field, tags_field, whose_field, archived_field = wrapping_columns("storage-filters", [3, 3, 3, 2])
    text = text_field.text_input("Find", key="storage-text", placeholder="name, dataset, status or tag")
    tags = tags_field.multiselect("Tags", sorted({tag for row in rows for tag in row.tags}), key="storage-tag-filter")
    groups = whose_field.multiselect("Whose", WHOSE, [MINE], key="storage-whose", placeholder="everything")
    archived = archived_field.toggle("Archived", key="storage-archived", help="Shows what is archived instead.")
    kinds = st.pills(
        "What", list(KINDS), selection_mode="multi", format_func=KINDS.__getitem__, key="storage-kinds",
        label_visibility="collapsed",
    )  # fmt: skip
    shown = filtered(rows, text, groups, kinds, tags, archived)
    if not shown:
        show_nothing(rows, in_bin)
        return None
    event = st.dataframe(
        table(shown, any(row.expires for row in shown)),
        hide_index=True,
        height="auto" if len(shown) <= MOST_ROWS else 35 * (MOST_ROWS + 1),
        on_select="rerun",
        selection_mode="multi-row",
        key=f"storage-rows-{hash(tuple((row.kind, row.id, row.file) for row in shown))}",
        column_config={
            "kind": st.column_config.TextColumn("kind", width=110),
            "name": st.column_config.TextColumn("name", width=200),
            "whose": st.column_config.TextColumn("whose", width=170),
            "about": st.column_config.TextColumn("about", width=240),
            "MiB": st.column_config.NumberColumn(
                "MiB", format="%.1f", width=70, help="Empty: it takes nothing of yours."
            ),
            "made": st.column_config.DatetimeColumn("made", format="distance", width=120),
            "tags": st.column_config.ListColumn("tags"),
            "expires": st.column_config.DatetimeColumn("expires", format="calendar"),
        },
        placeholder="–",
    )
    return [shown[number] for number in event.selection.rows if number < len(shown)]


def show_nothing(rows: Sequence[Stored], in_bin: int) -> None:
    """What to do where the table is empty."""
    if any(row.group == MINE for row in rows):
        st.info("Nothing matches. Clear a filter above.", icon=":material/filter_alt_off:")
    elif in_bin:
        st.info("All that is yours lies in the bin below.", icon=":material/delete:")
    else:
        st.info("Nothing is yours yet. Upload imagery or train a run: it is kept here.", icon=":material/inventory_2:")
        st.page_link("pages/train.py", label="Go to Train", icon=":material/arrow_forward:")


def offer_changes(chosen: Sequence[Stored]) -> None:
    """What can be done with the ticked rows, as far as they are the visitor's."""
    mine = [row for row in chosen if row.may_change]
    items = [row.item for row in mine if row.item is not None]
    uploads = [row.id for row in mine if row.kind == "upload"]
    measured = [(row.id, row.file) for row in mine if row.kind == "measurement"]
    listed = [row for row in mine if row.item is not None]
    nothing = not items
    with st.container(horizontal=True, vertical_alignment="center"):
        shared = bool(listed) and all(row.shared for row in listed)
        st.button(
            "Stop sharing" if shared else "Share", icon=":material/group:", disabled=nothing, key="storage-share",
            on_click=changes.share, args=(items, not shared),
        )  # fmt: skip
        with st.popover("Rename", icon=":material/edit:", disabled=len(items) != 1, key="storage-rename"):
            if len(items) == 1:
                key = f"{NAME}-{items[0][1]}"
                st.text_input("New name", listed[0].name, max_chars=LONGEST_NAME, key=key)
                st.button("Save the name", on_click=changes.rename, args=(items[0], key), key="storage-save-name")
        with st.popover("Tags", icon=":material/sell:", disabled=nothing, key="storage-tag"):
            if items:
                present = sorted({tag for row in listed for tag in row.tags})
                key = f"{TAGS}-{hash(tuple(items))}"
                st.text_input("Tags, separated by commas", ", ".join(present), key=key)
                st.caption(f"At most {MOST_TAGS}, each of at most {LONGEST_TAG} characters.")
                st.button("Save the tags", on_click=changes.tag, args=(items, key), key="storage-save-tags")
        archived = bool(listed) and all(row.archived for row in listed)
        st.button(
            "List again" if archived else "Archive", icon=":material/archive:", disabled=nothing, key="storage-archive",
            on_click=changes.archive, args=(items, not archived),
        )  # fmt: skip
        st.button(
            "Delete", icon=":material/delete:", disabled=nothing, key="storage-delete",
            on_click=changes.delete, args=(items,),
        )  # fmt: skip
        if uploads or measured:
            many = len(uploads) + len(measured)
            with st.popover(f"Delete {many} for good", icon=":material/delete_forever:", key="storage-discard"):
                st.markdown("Uploads, slices, sweeps and predictions cannot be restored.")
                st.button(
                    "Delete them", type="primary", key="storage-discard-now",
                    on_click=changes.discard, args=(uploads, measured),
                )  # fmt: skip
    if not chosen:
        st.caption("Tick rows to share, rename, tag, archive or delete them.")
    elif len(mine) < len(chosen):
        st.caption("What is not yours is left as it is.")
    opened = [row for row in chosen if row.kind in ("run", "dataset")]
    if len(opened) == 1 == len(chosen):
        open_row(opened[0])


def open_row(row: Stored) -> None:
    """A link to where the ticked run or dataset is looked at."""
    if row.kind == "run":
        st.page_link(
            "pages/train.py", label=f"Look at {escaped(row.name)}", icon=":material/monitoring:",
            query_params={"run": row.id},
        )  # fmt: skip
    elif not row.archived:
        st.page_link(
            "pages/imagery.py", label=f"Look at {escaped(row.name)}", icon=":material/satellite_alt:",
            query_params={"source": "Saved", "saved": row.id},
        )  # fmt: skip


def say_what_expires(rows: Sequence[Stored]) -> None:
    """What goes to the bin next, where something does."""
    days = settings().expiry_days
    if days is None:
        return
    coming = sorted((row.expires, row.name) for row in rows if row.expires is not None)
    next_one = f" Next: {escaped(coming[0][1])}, on {coming[0][0]:%d %b %Y}." if coming else ""
    st.caption(
        ":material/schedule: Your runs, and your datasets that are not shared, go to the bin when nobody has looked at "
        f"them for {days:g} days.{next_one}"
    )


def show_bin(deleted: Sequence[RunRecord | DatasetRecord], taken: Taken) -> None:
    """What was deleted: to be restored, or removed for good."""
    if not deleted:
        st.caption(":material/delete: The bin is empty.")
        return
    days = settings().bin_days
    with st.expander(f"{BIN} ({len(deleted)})", icon=":material/delete:"):
        event = st.dataframe(
            [
                {
                    "kind": "run" if isinstance(record, RunRecord) else "dataset",
                    "name": record.name,
                    "MiB": (taken.runs | taken.datasets).get(record.id, 0) / 2**20,
                    "deleted": record.deleted,
                    "removed": record.deleted and record.deleted + timedelta(days=days),
                    "needed by": runs_that_need(record),
                }
                for record in deleted
            ],
            hide_index=True,
            on_select="rerun",
            selection_mode="multi-row",
            key=f"storage-bin-{hash(tuple(record.id for record in deleted))}",
            column_config={
                "MiB": st.column_config.NumberColumn("MiB", format="%.1f"),
                "deleted": st.column_config.DatetimeColumn("deleted", format="distance"),
                "removed": st.column_config.DatetimeColumn("removed for good", format="calendar"),
                "needed by": st.column_config.TextColumn("needed by", help="It stays until these runs are removed."),
            },
            placeholder="–",
        )
        chosen = [deleted[row] for row in event.selection.rows if row < len(deleted)]
        items = [("run" if isinstance(record, RunRecord) else "dataset", record.id) for record in chosen]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Restore", icon=":material/restore_from_trash:", disabled=not items, key="storage-restore",
                on_click=changes.restore, args=(items,),
            )  # fmt: skip
            st.button(
                "Remove for good", icon=":material/delete_forever:", disabled=not items, key="storage-remove",
                on_click=changes.remove, args=(items,),
            )  # fmt: skip
        st.caption(f"Tick rows to restore them. What is here counts, and is removed for good after {days:g} days.")


def runs_that_need(record: RunRecord | DatasetRecord) -> str | None:
    """How many runs are on a dataset that was deleted, in words."""
    number = 0 if isinstance(record, RunRecord) else services.store().belongings.runs_on(record.id)
    return f"{number} run{'s' if number > 1 else ''}" if number else None


def show_class() -> None:
    """For the teacher: what every visitor takes, and nothing of what it is."""
    store = services.store()
    names, limit = store.visitors.names(), settings().visitor_bytes
    taken = sorted(store.usage.by_owner().items(), key=lambda each: -each[1])
    with st.expander("What every visitor takes", icon=":material/groups:"):
        st.dataframe(
            [
                {"visitor": names.get(owner, "somebody"), "MiB": size / 2**20, "share": size / limit}
                for owner, size in taken
            ],
            hide_index=True,
            column_config={
                "MiB": st.column_config.NumberColumn("MiB", format="%.1f"),
                "share": st.column_config.ProgressColumn("of their share", format="percent", min_value=0, max_value=1),
            },
        )
        st.caption(f"Examples and what is nobody's take {in_words(store.usage.of_nobody())}.")


frame("Storage")
try:
    me = visitor()
    used = services.store().usage.of(me.id)
    thrown = services.store().bin.contents(me)
    everything = stored(used)
    show_totals(used, sum((used.runs | used.datasets).get(record.id, 0) for record in thrown))
    changes.show_outcome()
    ticked = pick_rows(everything, len(thrown))
    if ticked is not None:
        offer_changes(ticked)
    say_what_expires(everything)
    show_bin(thrown, used)
    if me.teacher:
        show_class()
except InputError as problem:
    show_problem(problem)
with st.expander("Sharing, deleting and archiving explained"):
    st.markdown(EXPLANATION)
