"""Changes to what visitors own, as pages make them: by clicks that change many things at once, with an undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from explorer.errors import InputError
from explorer.runs.belongings import Kind
from explorer.ui import services
from explorer.ui.identity import visitor
from explorer.ui.messages import escaped, show_problem

_OUTCOME = "change-outcome"  # in the session: what the last click has done
_MOST_PROBLEMS = 3  # that are shown

Item = tuple[Kind, str]
"""A run or a dataset, by its kind and id."""


@dataclass(frozen=True)
class _Outcome:
    said: str
    undo: tuple[Item, ...]  # what was deleted
    problems: tuple[InputError, ...]


def delete(items: Sequence[Item]) -> None:
    """Puts things into the bin; what trains or is measured is stopped first. A callback."""
    _change(items, _delete, "Moved to the bin", undo=True)


def restore(items: Sequence[Item]) -> None:
    """Takes things out of the bin. A callback."""
    _change(items, lambda kind, item: services.store().belongings.restore(kind, item, visitor()), "Restored")


def remove(items: Sequence[Item]) -> None:
    """Removes things from the bin for good, runs before the datasets that they need. A callback."""
    ordered = sorted(items, key=lambda item: item[0] != "run")
    _change(ordered, lambda kind, item: services.store().bin.remove(kind, item, visitor()), "Removed for good")


def share(items: Sequence[Item], shared: bool) -> None:
    """Shares things with the class, or no longer. A callback."""
    said = "Shared with the class" if shared else "Kept to yourself"
    _change(items, lambda kind, item: services.store().belongings.share(kind, item, shared, visitor()), said)


def archive(items: Sequence[Item], archived: bool) -> None:
    """Leaves things out of the lists of other pages, or lists them again. A callback."""
    said = "Archived" if archived else "Listed again"
    _change(items, lambda kind, item: services.store().belongings.archive(kind, item, archived, visitor()), said)


def rename(item: Item, key: str) -> None:
    """Gives something the name in a field. A callback."""

    def change(kind: Kind, item_id: str) -> None:
        services.store().belongings.rename(kind, item_id, st.session_state[key], visitor())
        if kind == "dataset":
            services.dataset.clear(item_id)  # it is kept in memory under its name

    _change([item], change, "Renamed")


def tag(items: Sequence[Item], key: str) -> None:
    """Gives things the tags in a field, separated by commas. A callback."""
    tags = st.session_state[key].split(",")
    _change(items, lambda kind, item: services.store().belongings.tag(kind, item, tags, visitor()), "Tagged")


def discard(uploads: Sequence[str], measured: Sequence[tuple[str, str]]) -> None:
    """Throws uploads and files of measurements away, which cannot be undone. A callback.

    Args:
        uploads: their tokens.
        measured: ids of runs, and files in their folders.
    """
    problems = []
    for token in uploads:
        if services.uploads().is_of(token, visitor().id):
            services.uploads().discard(token)
    for run_id, file in measured:
        try:
            services.store().bin.remove_file(run_id, file, visitor())
        except InputError as problem:
            problems.append(problem)
    done = len(uploads) + len(measured) - len(problems)
    st.session_state[_OUTCOME] = _Outcome(f"Deleted: {done}." if done else "", (), tuple(problems))


def show_outcome() -> None:
    """What the last click has done, an undo, and why something could not be done."""
    outcome: _Outcome | None = st.session_state.get(_OUTCOME)
    if outcome is None:
        return
    if outcome.said:
        with st.container(horizontal=True, vertical_alignment="center", key="change-outcome-shown"):
            st.caption(f":material/check: {escaped(outcome.said)}", width="content")
            if outcome.undo:
                st.button(
                    "Undo", icon=":material/undo:", key="change-undo", on_click=restore, args=(outcome.undo,)
                )  # fmt: skip
    for problem in outcome.problems[:_MOST_PROBLEMS]:
        show_problem(problem)
    if len(outcome.problems) > _MOST_PROBLEMS:
        st.caption(f"and {len(outcome.problems) - _MOST_PROBLEMS} more of this kind.")


def forget_outcome() -> None:
    """Says nothing of the last click any more: the visitor has gone to another page since."""
    st.session_state.pop(_OUTCOME, None)


def _delete(kind: Kind, item_id: str) -> None:
    services.store().belongings.delete(kind, item_id, visitor())  # first: it says whether the visitor may
    if kind == "run":
        engine = services.engine()
        if services.store().run(item_id).status.active:
            engine.stop(item_id)
        for job in services.store().jobs.active(item_id):
            engine.stop_job(job.id)


def _change(items: Sequence[Item], change: Callable[[Kind, str], object], said: str, undo: bool = False) -> None:
    done, problems = [], []
    for kind, item_id in items:
        try:
            change(kind, item_id)
            done.append((kind, item_id))
        except InputError as problem:
            problems.append(problem)
    counted = ", ".join(
        f"{number} {kind}{'s' if number > 1 else ''}"
        for kind in ("run", "dataset")
        if (number := sum(each == kind for each, _ in done))
    )
    st.session_state[_OUTCOME] = _Outcome(
        f"{said}: {counted}." if done else "", tuple(done) if undo else (), tuple(problems)
    )
