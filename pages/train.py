"""Train: write a plan, start it, watch it train, and steer it."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.errors import InputError
from explorer.figures.training import schedule_figure
from explorer.runs.records import RunRecord
from explorer.training.presets import PRESETS, controls, preset_plan
from explorer.ui import address, services
from explorer.ui.datasets import pick_dataset
from explorer.ui.frame import frame, stacking_columns, wrapping_columns
from explorer.ui.live_figure import live_figure
from explorer.ui.live_run import downloads, show_run
from explorer.ui.messages import show_problem
from explorer.ui.pickers import open_run, pick_run
from explorer.ui.plan_editor import adopt, edit_plan, has_plan, rarest, start_run
from explorer.ui.steering import steer
from explorer.ui.unique_labels import position_labels

PRESET = "preset"  # in the address and in the session
EXPLANATION = """
**A plan** is a table of phases. Each phase trains with one loss at one learning rate for a number of steps. *Until*
ends a phase early, once a validation score is reached. After the last phase, the next cycle begins.

**Why a sequence?** Cross-entropy counts every pixel the same: if 99 % are background, predicting only background is
nearly right. Class weights make missed pixels count more, which raises recall and adds false alarms. Jaccard distance
compares whole regions and removes false alarms, but a confident miss gives it almost no gradient: it starts badly and
ends well. So train with weighted cross-entropy first, then with Jaccard at a tenth of the learning rate, and repeat.

**Controls.** *With controls* also queues plain cross-entropy, Jaccard alone, and Dice + cross-entropy, with the same
number of steps, seed and crops. A sequence is worth its phases only if it beats all of them.

**Steering.** What you change while a run trains takes effect at the next step and is recorded. The downloaded plan
includes these changes: training it repeats the run.
"""


def pick_preset(notes: DeltaGenerator) -> str | None:
    """The preset that the plan began with; None for the plan of an earlier run. Choosing one replaces the plan."""
    asked = st.query_params.get(PRESET)
    if asked is not None and asked not in PRESETS:
        with notes:
            address.say_unknown([asked], "preset", "another one is shown")
        asked = None
    wanted = asked or (st.session_state.get(PRESET) if has_plan() else next(iter(PRESETS)))
    if wanted is not None and (not has_plan() or wanted != st.session_state.get(PRESET)):
        adopt(preset_plan(wanted))
    remember_preset(wanted)
    address.select(
        "Preset", list(PRESETS), wanted, lambda key: PRESETS[key].name, take_preset, "Plan of an earlier run"
    )
    return wanted


def take_preset(chosen: str) -> None:
    """Makes the chosen preset the plan."""
    adopt(preset_plan(chosen))
    remember_preset(chosen)


def remember_preset(key: str | None) -> None:
    """Keeps the preset in the session and in the address."""
    st.session_state[PRESET] = key
    if key is None:
        st.query_params.pop(PRESET, None)
    else:
        st.query_params[PRESET] = key


def plan_a_run() -> None:
    """Dataset, preset, plan and the buttons that start it."""
    notes = st.container()
    data, preset, go, compare = wrapping_columns("plan", [3, 3, 2, 2])
    with data:
        dataset_id = pick_dataset(notes)
    with preset:
        chosen = pick_preset(notes)
    if chosen is not None:
        st.caption(f"{PRESETS[chosen].when_to_use} **Watch:** {PRESETS[chosen].what_to_watch}")
    strip = st.container()
    plan = edit_plan(services.balance(dataset_id))
    if plan is not None:
        with strip:
            live_figure(schedule_figure(plan), "schedule", height=150)
            st.caption(f"Learning rate over the phases: {plan.steps} steps, fewer if a phase ends early.")
    plays = go.button(
        "Play", type="primary", icon=":material/play_arrow:", disabled=plan is None, width="stretch", key="play"
    )
    compares = compare.button(
        "With controls",
        icon=":material/compare_arrows:",
        disabled=plan is None,
        width="stretch",
        help="Trains the plan, then plain cross-entropy, Jaccard alone, and Dice + cross-entropy, with equal budgets.",
    )
    if plan is not None and (plays or compares):
        open_run(start_run(plan, dataset_id, controls(plan) if compares else ()))
        st.rerun()


def watch_a_run(record: RunRecord) -> None:
    """A run's curves and pictures, and beside them what can be changed."""
    shares = services.balance(record.dataset_id)
    spans = services.follower(record.id).history().spans
    picture, settings = stacking_columns("watch", [5, 2])
    with settings:
        class_id = st.selectbox(
            "Class",
            range(1, len(shares)),
            rarest(shares) - 1,
            position_labels(share.name for share in shares).__getitem__,
            key=f"class-{record.dataset_id}",
        )
        steer(record, spans, shares)
        st.button(
            "New run",
            icon=":material/add:",
            width="stretch",
            help="Stops this run, keeps it in the list, and opens its plan for editing.",
            on_click=plan_again,
            args=(record,),
        )
        link_on(record)
        downloads(record)
    with picture:
        show_run(record, len(spans), class_id)


def plan_again(record: RunRecord) -> None:
    """Stops the run and opens its plan and dataset for a new one."""
    try:
        services.engine().stop(record.id)
    except InputError as problem:  # the plan can be opened all the same
        show_problem(problem)
    adopt(record.plan)
    remember_preset(None)
    st.query_params["dataset"] = record.dataset_id
    open_run(None)


def link_on(record: RunRecord) -> None:
    """Links to the comparison with the runs queued beside it, and to its landscape."""
    beside = [
        other.id
        for other in services.store().runs()
        if other.group is not None and other.group == record.group and other.id != record.id
    ]
    st.page_link(
        "pages/tradeoffs.py",
        label="Compare with controls" if beside else "Trade-offs",
        icon=":material/balance:",
        query_params={"runs": ",".join([record.id, *beside])},
    )
    st.page_link("pages/landscape.py", label="Landscape", icon=":material/landscape:", query_params={"run": record.id})


frame("Train")
try:
    selected = pick_run(services.store().runs(), allow_new=True)
    if selected is None:
        plan_a_run()
    else:
        watch_a_run(selected)
except InputError as problem:
    show_problem(problem)
with st.expander("Plans, controls and steering explained"):
    st.markdown(EXPLANATION)
