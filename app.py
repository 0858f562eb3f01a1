"""Home: what the app does, and one click to a live run. Also the app that ``streamlit run`` serves."""

from __future__ import annotations

import streamlit as st
from starlette.middleware import Middleware

from explorer.errors import InputError
from explorer.jobs.cluster_keys import is_open_to_all
from explorer.runs.class_state import Control
from explorer.settings import settings
from explorer.training.presets import PRESETS, preset_plan
from explorer.ui import services
from explorer.ui.class_push import CLASS_ROUTES
from explorer.ui.datasets import builtin_cards, choose, resolve
from explorer.ui.frame import frame, stacking_columns
from explorer.ui.home_pictures import show_found
from explorer.ui.identity import VisitorCookie, listed_runs
from explorer.ui.live_feed import ROUTES
from explorer.ui.locks import is_locked, require_unlocked, say_locked
from explorer.ui.messages import escaped, show_problem
from explorer.ui.plan_editor import start_run
from explorer.ui.plotly_library import PLOTLY_ROUTES
from explorer.ui.presenter import PARAMETER, is_presenting
from explorer.ui.saved_links import show_saved_links
from explorer.ui.security_headers import SECURITY_HEADERS

app = st.App(  # the engine starts with the server
    __file__,
    lifespan=services.lifespan,
    routes=(*ROUTES, *CLASS_ROUTES, *PLOTLY_ROUTES),
    middleware=[SECURITY_HEADERS, Middleware(VisitorCookie)],
)

_LOCKS: tuple[Control, ...] = ("start", "dataset", "preset")  # any of which locks the buttons


def home() -> None:
    """The page."""
    frame("Home")
    if not is_presenting():  # its sentence says the same
        st.title("Which loss finds your objects?", anchor=False)
    if is_open_to_all(settings()):
        st.warning(services.OPEN_CLUSTER[:1].upper() + services.OPEN_CLUSTER[1:], icon=":material/lock_open:")
    st.markdown(
        "See live, on your own imagery, **which loss, or which sequence of losses**, gives the recall and precision "
        "that your task needs, and why."
    )
    st.header("Start a live run with one click", anchor=False)
    for key, card in builtin_cards().items():
        if card.button(
            "Train on it",
            icon=":material/play_arrow:",
            type="primary" if key == "car_park" else "secondary",
            key=f"train-{key}",
            width="stretch",
            disabled=any(is_locked(each) for each in _LOCKS),
        ):
            try:
                require_unlocked(*_LOCKS)
                run_id = start_run(preset_plan("recall_first"), resolve(f"builtin:{key}"))
            except InputError as problem:
                show_problem(problem)
            else:
                choose(f"builtin:{key}")
                st.switch_page("pages/train.py", query_params={"run": run_id})
    say_locked(*_LOCKS)
    st.caption(f"Uses the preset “{PRESETS['recall_first'].name}”. {PRESETS['recall_first'].when_to_use}")

    st.header("What others found", anchor=False)
    show_found()

    st.header("The idea", anchor=False)
    left, right = stacking_columns("idea", 2)
    left.markdown(
        "- **Cross-entropy** counts every pixel the same: where 99 % are background, predicting only background is "
        "nearly right.\n"
        "- **Weighted cross-entropy** makes missed objects count more. It raises **recall** and adds false alarms.\n"
        "- **Jaccard distance** compares whole regions. It raises **precision**, but starts badly."
    )
    right.markdown(
        "- **Focal loss** concentrates on the pixels that are still wrong, and is less stable.\n"
        "- **In sequence:** train with weighted cross-entropy until recall is high enough, switch to Jaccard at a "
        "small learning rate, and repeat.\n"
        "- **Controls:** compare every run with plain cross-entropy, Jaccard alone and Dice + CE of equal length."
    )
    st.page_link("pages/imagery.py", label="Bring your own imagery", icon=":material/upload:")
    st.page_link("app.py", label="Present the demo: ten pictures in ten minutes", icon=":material/slideshow:",
                 query_params={PARAMETER: "1"})  # fmt: skip
    show_saved_links()

    recent = [record for record in listed_runs() if not record.example][:5]
    if recent:
        st.header("Recent runs", anchor=False)
        for record in recent:
            st.page_link(
                "pages/train.py",
                label=f"{escaped(record.name)} on {escaped(record.dataset_name)}: {record.status}, step {record.step}",
                icon=":material/monitoring:",
                query_params={"run": record.id},
            )


if __name__ == "__main__":  # a visitor's session; the server imports this module under its own name
    home()
else:
    services.check_installation()
