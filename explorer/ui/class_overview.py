"""Who of the class is there, what of theirs runs, and what it has reached: what a teacher sees of others.

Nothing here shows imagery, or the names of datasets and classes, that its owner has not shared with the class.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import streamlit as st

from explorer.errors import InputError
from explorer.figures.classroom import RunOnWall, wall_figure
from explorer.runs.class_results import OWN_IMAGERY, ClassRun, class_results
from explorer.runs.history import History
from explorer.runs.records import RunRecord
from explorer.ui import services
from explorer.ui.classroom import classroom
from explorer.ui.identity import visitor
from explorer.ui.live_figure import live_figure
from explorer.ui.messages import escaped, show_problem
from explorer.ui.plan_editor import rarest
from explorer.ui.queue_place import queue_words

HERE_SECONDS = 60
"""So recently a visitor was seen who is there."""
CLASS_HOURS = 12
"""So recently a visitor was seen who belongs to the class: its runs are on the wall and in the zip."""
REFRESH_SECONDS = 2.0
_REFUSED = "class-refused"  # in the session: why a click did nothing
_COLUMNS = (4, 5, 4, 5, 1, 1)


@dataclass(frozen=True)
class Member:
    """A visitor of the class."""

    id: str
    name: str
    is_here: bool


def members() -> list[Member]:
    """Who belongs to the class, by name; they were seen in the last hours."""
    visitors, now = services.store().visitors, datetime.now(UTC)
    names, here = visitors.names(), classroom().here(HERE_SECONDS)
    ages = {visitor_id: now - seen for visitor_id, seen in visitors.seen().items()}
    return sorted(
        (
            Member(visitor_id, names[visitor_id], visitor_id in here or age <= timedelta(seconds=HERE_SECONDS))
            for visitor_id, age in ages.items()
            if visitor_id in here or age <= timedelta(hours=CLASS_HOURS)
        ),
        key=lambda member: member.name.casefold(),
    )


@st.fragment(run_every=REFRESH_SECONDS)
def show_class() -> None:
    """Who is there and what runs, over the wall; both follow what happens."""
    if not visitor().teacher:
        st.rerun()
    of_class, runs = members(), services.store().runs()
    _show_runs(of_class, runs)
    _show_wall(of_class, runs)


def collected() -> bytes:
    """The results of the class, see :func:`explorer.runs.class_results.class_results`."""
    of_class, store = {member.id: member.name for member in members()}, services.store()
    shown, classes = shared_datasets(), {record.id: record.classes for record in store.datasets()}
    of_members = [record for record in store.runs() if record.owner in of_class]
    of_members.sort(key=lambda record: (of_class[record.owner or ""].casefold(), record.created))
    return class_results(
        ClassRun(
            of_class[record.owner or ""],
            record,
            store.folder(record.id),
            classes.get(record.dataset_id, ()),
            record.dataset_id in shown,
        )
        for record in of_members
    )


def shared_datasets() -> set[str]:
    """Ids of the datasets whose names a teacher sees: examples, and those that were shared."""
    return {record.id for record in services.store().datasets() if record.owner is None or record.shared}


def _show_runs(of_class: Sequence[Member], runs: Sequence[RunRecord]) -> None:
    here = [member for member in of_class if member.is_here]
    names, shown = {member.id: member.name for member in of_class}, shared_datasets()
    at_work = [record for record in runs if record.owner in names and record.status.active]
    at_work.sort(key=lambda record: (names[record.owner or ""].casefold(), record.created))
    idle = [member.name for member in here if member.id not in {record.owner for record in at_work}]
    st.header(f"{len(here)} here, {len(at_work)} {'run' if len(at_work) == 1 else 'runs'} at work", anchor=False)
    if at_work:
        with st.container(border=True, gap="xsmall"):
            _header()
            for record in at_work:
                _show_run(record, names[record.owner or ""], record.dataset_id in shown)
    if idle:
        st.caption(f"Here, with no run at work: {', '.join(escaped(name) for name in idle)}.")
    problem = st.session_state.pop(_REFUSED, None)
    if problem is not None:
        show_problem(problem)


def _header() -> None:
    for column, text in zip(st.columns(_COLUMNS), ("Name", "Plan", "Dataset", "Status", "", ""), strict=True):
        column.caption(text)


def _show_run(record: RunRecord, name: str, is_shown: bool) -> None:
    who, plan, dataset, status, pause, stop = st.columns(_COLUMNS, vertical_alignment="center")
    who.markdown(f"**{escaped(name)}**")
    if record.shared and is_shown:
        plan.page_link("pages/train.py", label=escaped(record.name), query_params={"run": record.id})
    else:
        plan.markdown(escaped(record.name))
    dataset.markdown(escaped(record.dataset_name) if is_shown else f":gray[{OWN_IMAGERY}]")
    status.markdown(_status(record))
    for column, action, icon in ((pause, "pause", "pause"), (stop, "stop", "stop")):
        column.button(
            "",
            icon=f":material/{icon}:",
            key=f"class-{action}-{record.id}",
            help=f"{action.capitalize()} this run",
            type="tertiary",
            on_click=_act,
            args=(action, record.id),
        )


def _status(record: RunRecord) -> str:
    waits = queue_words(record.id) if record.status.value == "queued" else ""
    if waits:
        return f"queued: {waits}"
    history = services.follower(record.id).history()
    return f"{record.status}, step {history.last_step} of {history.most_steps}"


def _act(action: Literal["pause", "stop"], run_id: str) -> None:
    """A click on a button of a run. Whether a teacher has clicked is looked up, whatever the page has shown."""
    try:
        require_teacher()
        if action == "pause":
            services.engine().pause(run_id)
        else:
            services.engine().stop(run_id)
    except InputError as problem:
        st.session_state[_REFUSED] = problem


def require_teacher() -> None:
    """Refuses what only teachers may do.

    Raises:
        InputError: the visitor is no teacher.
    """
    if not visitor().teacher:
        raise InputError("only a teacher can do this", "Class", "give the teacher's token")


def _show_wall(of_class: Sequence[Member], runs: Sequence[RunRecord]) -> None:
    title, choice = st.columns([3, 2], vertical_alignment="center")
    title.header("The wall", anchor=False)
    scope = choice.segmented_control(
        "Count", ["object", "pixel"], default="object", required=True, key="wall-scope", bind="query-params",
        format_func=lambda each: f"{each}s", label_visibility="collapsed",
    )  # fmt: skip
    newest = _newest_validated({member.id for member in of_class}, runs)
    if not newest:
        st.info(
            "As soon as a run of the class has been validated, its point appears here.", icon=":material/scatter_plot:"
        )
        return
    names, shown = {member.id: member.name for member in of_class}, shared_datasets()
    on_wall, classes, rules = [], set(), set()
    for record, history in newest:
        class_id = rarest_class(record.dataset_id)
        on_wall.append(_on_wall(names[record.owner or ""], record, history, class_id, scope))
        rules.add(history.validations[-1].scores.match_rule.words)
        if record.dataset_id in shown:
            classes.add(services.store().dataset_record(record.dataset_id).classes[class_id])
    live_figure(wall_figure(on_wall, scope), f"wall-{scope}", height=520)
    nothing = [run.visitor for run in on_wall if not run.is_defined]
    st.caption(
        "Each point is the last validation of a visitor's newest run, its tail the ones before, its colour that of the "
        f"loss that is trained. Shown is the rarest class of each dataset{_in_brackets(classes)}, at probability ½ (of "
        "several classes, the most probable one). "
        + (f"Match rule: {'; '.join(sorted(rules))}." if scope == "object" else "Pixels are counted.")
        + (f" Nothing found at last: {', '.join(escaped(name) for name in nothing)}." if nothing else "")
    )


def _newest_validated(owners: set[str], runs: Iterable[RunRecord]) -> list[tuple[RunRecord, History]]:
    """The newest run of each owner that has been validated, with what it has done."""
    found: dict[str, tuple[RunRecord, History]] = {}
    for record in runs:
        if record.owner in owners and record.owner not in found and record.step:
            history = services.follower(record.id).history()
            if history.validations:
                found[record.owner] = record, history
    return list(found.values())


def _on_wall(name: str, record: RunRecord, history: History, class_id: int, scope: str) -> RunOnWall:
    scores = [getattr(each.scores.classes[class_id], scope) for each in history.validations]
    last = history.validations[-1].step
    span = next(span for span in reversed(history.spans) if span.start < last or span is history.spans[0])
    return RunOnWall(
        name,
        record.name,
        span.loss.kind,
        tuple(each.step for each in history.validations),
        tuple(each.recall for each in scores),
        tuple(each.precision for each in scores),
    )


@st.cache_data(show_spinner=False, max_entries=256)
def rarest_class(dataset_id: str) -> int:
    """The foreground class with the fewest pixels; of a dataset with one, nothing is counted."""
    if len(services.store().dataset_record(dataset_id).classes) == 2:
        return 1
    return rarest(services.balance(dataset_id))


def _in_brackets(classes: Iterable[str]) -> str:
    words = ", ".join(escaped(name) for name in sorted(classes))
    return f" ({words})" if words else ""
