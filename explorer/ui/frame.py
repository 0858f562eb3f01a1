"""The frame of every page: title, the sidebar in the order of work, and columns that suit narrow windows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.errors import InputError
from explorer.figures.colours import HIT
from explorer.runs.ownership import Visitor
from explorer.runs.visitors import LONGEST_NAME
from explorer.ui import changes, services
from explorer.ui.address import say_ignored, say_unknown
from explorer.ui.class_push import follow_class, take_push
from explorer.ui.datasets import is_dataset
from explorer.ui.deleted import say_deleted
from explorer.ui.finished_runs import have_finished_runs
from explorer.ui.identity import requires_sign_in, visitor
from explorer.ui.keys import show_keys
from explorer.ui.locks import is_page_locked, say_unknown_locks, take_locks_of_link
from explorer.ui.messages import escaped, show_problem
from explorer.ui.page_tools import show_tools, take_state
from explorer.ui.plotly_library import load_plotly_ahead
from explorer.ui.presenter import present
from explorer.ui.terms import show_terms

SIDEBAR_PIXELS = 220
# Streamlit fetches an icon of its symbols font from another host.
_ICON = Path(__file__).resolve().parents[2] / "assets" / "icon.png"
_LOOK_SECONDS = 2.0  # while another server uses the store
_MOST_NAMED = 3  # unknown runs that are named
_WITHOUT_FIGURES = ("Home", "Storage")
_NAME, _REFUSED_NAME = "visitor-name", "visitor-name-refused"  # in the session
CLASS = "Class"
"""Title of the page that only teachers find in the sidebar."""
PAGES = {
    "Home": ("app.py", ":material/home:"),
    "Learn": ("pages/learn.py", ":material/school:"),
    "Imagery": ("pages/imagery.py", ":material/satellite_alt:"),
    "Loss lab": ("pages/loss_lab.py", ":material/science:"),
    "Train": ("pages/train.py", ":material/play_circle:"),
    "Compare": ("pages/compare.py", ":material/compare:"),
    "Trade-offs": ("pages/tradeoffs.py", ":material/balance:"),
    "Landscape": ("pages/landscape.py", ":material/landscape:"),
    "Predict": ("pages/predict.py", ":material/output:"),
    "Storage": ("pages/storage.py", ":material/hard_drive:"),
    CLASS: ("pages/class.py", ":material/groups:"),
}
"""Title of a page, its file and its icon, in the order of work."""
LOCKABLE = {Path(file).stem: title for title, (file, _) in PAGES.items() if title not in ("Home", CLASS)}
"""Pages that a teacher can lock: title by the name that the address has."""

_STYLE = f"""<style>
.stApp [data-testid=stCaptionContainer] {{ opacity: 0.76; }}  /* Streamlit's 60 % are too pale to read */
.stApp [data-testid=stWidgetLabel][disabled] {{ color: color-mix(in srgb, currentColor 76%, transparent); }}
.stApp :is([kind=primary], [kind=primaryFormSubmit]):enabled, .stApp [data-tag-index] {{
  background-color: {HIT};  /* white on it can be read; the dark theme's primary colour is for text on dark */
}}
.stApp :is(:focus-visible, label:has(input:focus-visible)) {{ outline: 2px solid {HIT}; outline-offset: 2px; }}
.stMainBlockContainer {{ padding: 3rem 2.5rem; }}  /* the window is for content */
[class*=st-key-tile-] {{ height: 100%; }}
[class*=st-key-tile-] > :last-child {{ margin-top: auto; }}  /* buttons of neighbouring cards at one height */
[data-testid=stStatusWidget] {{ display: none; }}  /* a live page runs once a second */
@media (max-width: 1000px) {{
  .stMainBlockContainer {{ padding: 3rem 1.5rem; }}
  :is([class*=st-key-stacks-], [class*=st-key-wraps-]) > * > [data-testid=stHorizontalBlock] {{
    flex-wrap: wrap; gap: 1rem;
  }}
  [class*=st-key-stacks-] > * > [data-testid=stHorizontalBlock] > [data-testid=stColumn] {{ min-width: 100%; }}
  [class*=st-key-wraps-] > * > [data-testid=stHorizontalBlock] > [data-testid=stColumn] {{
    flex: 1 1 calc(50% - 1rem); min-width: calc(50% - 1rem);
  }}
}}
@media (max-width: 640px) {{
  .stMainBlockContainer {{ padding: 3rem 1rem; }}
  [data-testid=stButtonGroup] > [role=radiogroup] {{ flex-wrap: wrap; }}
  [class*=st-key-row-] > * > [data-testid=stHorizontalBlock] {{ flex-wrap: wrap; gap: 0.5rem; }}
  [class*=st-key-row-] > * > [data-testid=stHorizontalBlock] > [data-testid=stColumn] {{
    flex: 1 1 25%; min-width: 25%;
  }}
  .stMain :is(button, a) .stMarkdownEllipsis, .stMain :is(button, a) .stMarkdownEllipsis p {{
    white-space: normal; overflow: visible;
  }}
  .stMain :is(button, a):has(.stMarkdownEllipsis) {{ height: auto; }}
}}
</style>"""
_PICTURE = "picture"
_PICTURE_ALONE = f"""<style>
[data-testid=stSidebar], [data-testid=stSidebarCollapsedControl] {{ display: none; }}
.stMainBlockContainer {{ padding: 4.5rem 1rem 1rem; }}
.stMainBlockContainer:has(.st-key-{_PICTURE}) :is(
  [data-testid=stElementContainer], [data-testid=stExpander], [data-testid=stColumn], [data-testid=stPopover]
):not(:has(.st-key-{_PICTURE}, .st-key-presenter)):not(.st-key-{_PICTURE} *, .st-key-presenter, .st-key-presenter *) {{
  display: none;
}}
</style>"""


def frame(title: str) -> None:
    """Draws what all pages share; the first call of every page.

    Args:
        title: one of ``PAGES``.

    Where another server uses the store, the page ends here, with a message.

    Raises:
        KeyError: there is no such page.
    """
    if title not in PAGES:
        raise KeyError(f"{title!r} has no line in PAGES")
    st.set_page_config(
        page_title="Loss Explorer" if title == "Home" else f"{title} · Loss Explorer",
        page_icon=_ICON,
        layout="wide",
        initial_sidebar_state=SIDEBAR_PIXELS,
    )
    st.html(_STYLE)
    slide = present()
    if slide is not None and not slide.whole:
        st.html(_PICTURE_ALONE)
    if st.context.is_embedded:  # ?embed=true, for a slide or another site: the picture alone
        st.html(_PICTURE_ALONE)
    services.start()
    in_use = services.used_elsewhere() is not None
    me = None if in_use or requires_sign_in() else visitor()
    if me is not None:
        take_push(title, PAGES, me)
    unknown = take_locks_of_link(LOCKABLE)
    offered = {name: file for name, (file, _) in PAGES.items() if name != CLASS or (me is not None and me.teacher)}
    with st.sidebar:
        st.markdown("### Loss Explorer")
        for name, file in offered.items():
            locked = me is not None and is_page_locked(Path(file).stem)
            st.page_link(file, label=name, icon=PAGES[name][1], disabled=locked)
    if in_use:
        st.fragment(_wait_for_the_store, run_every=_LOOK_SECONDS)()
        st.stop()
    with st.sidebar:
        if me is None:
            st.button("Sign in", icon=":material/login:", on_click=st.login)
        else:
            _show_visitor(me)
            follow_class(me)
            show_keys(title, offered)
        load_plotly_ahead(title not in _WITHOUT_FIGURES)
    if me is None:
        st.info("Sign in to go on.", icon=":material/login:")
        st.stop()
    if title != "Storage":
        changes.forget_outcome()
    ignored = take_state(title)
    if title != "Home" and slide is None:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.title(title, anchor=False, width="content")
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                show_tools(title, Path(PAGES[title][0]).stem)
                show_terms(title)
    if is_page_locked(Path(PAGES[title][0]).stem):
        st.info("The teacher has locked this page.", icon=":material/lock:")
        st.stop()
    say_unknown_locks(unknown, LOCKABLE)
    for each in ignored:
        say_ignored(each.parameter, each.value, each.problem)
    _say_what_is_unknown()


def _show_visitor(me: Visitor) -> None:
    """Who the visitor is for others, and a field to change it."""
    with st.popover(f"You: {escaped(me.name)}", icon=":material/person:", width="stretch"):
        st.text_input(
            "Name that others see", me.name, max_chars=LONGEST_NAME, key=_NAME, on_change=_take_name, args=(me.id,)
        )
        st.caption("Your datasets and runs are yours alone until you share them. This browser is known by a cookie.")
    problem = st.session_state.pop(_REFUSED_NAME, None)
    if problem is not None:
        show_problem(problem)


def _take_name(visitor_id: str) -> None:
    try:
        services.store().visitors.rename(visitor_id, st.session_state[_NAME])
    except InputError as problem:  # a callback: the page that shows it is drawn afterwards
        st.session_state[_REFUSED_NAME] = problem


def _wait_for_the_store() -> None:
    """Says that another server uses the store; once that one has left it, the page is drawn."""
    problem = services.used_elsewhere()
    if problem is None:
        st.rerun()
    show_problem(problem)
    st.caption("Nothing can be seen or done here until then. This page looks again every few seconds.")


def _say_what_is_unknown() -> None:
    """Says on every page which runs and datasets of the address do not exist, or were deleted; pages show others."""
    runs = [st.query_params.get("run", ""), *st.query_params.get("runs", "").split(",")]
    if any(runs):
        have_finished_runs(runs)
        known = {record.id for record in services.store().runs()}
        unknown = list(dict.fromkeys(run_id for run_id in runs if run_id and run_id not in known))
        deleted = say_deleted("run", unknown[:_MOST_NAMED])
        unknown = [run_id for run_id in unknown if run_id not in deleted]
        if unknown:
            more = [f"{len(unknown) - _MOST_NAMED} others"] if len(unknown) > _MOST_NAMED else []
            say_unknown([*unknown[:_MOST_NAMED], *more], "run", "the page is shown without it")
    dataset = st.query_params.get("dataset", "")
    if dataset and not is_dataset(dataset) and not say_deleted("dataset", [dataset]):
        say_unknown([dataset], "dataset", "the page is shown without it")


def shown_alone() -> DeltaGenerator:
    """What a page shows with ``?embed=true``, where all else is hidden; once a page."""
    return st.container(key=_PICTURE)


def stacking_columns(key: str, spec: int | Sequence[int], *, centred: bool = False) -> list[DeltaGenerator]:
    """Columns that are stacked in a narrow window.

    Args:
        key: unique on the page.
        spec: how many, or their relative widths.
        centred: whether the middles of the columns are at one height, instead of their tops.
    """
    with st.container(key=f"stacks-{key}"):
        return st.columns(spec, gap="large", vertical_alignment="center" if centred else "top")


def wrapping_columns(key: str, spec: int | Sequence[int]) -> list[DeltaGenerator]:
    """Columns of widgets of one height, two in a row in a narrow window.

    Args:
        key: unique on the page.
        spec: how many, or their relative widths.
    """
    with st.container(key=f"wraps-{key}"):
        return st.columns(spec, vertical_alignment="bottom")
