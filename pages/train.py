"""Train: write a plan, watch it train, and steer it."""

from __future__ import annotations

import streamlit as st

from explorer.errors import InputError
from explorer.figures.training import schedule_figure
from explorer.runs.records import RunRecord
from explorer.training.plan import Plan
from explorer.training.presets import PRESETS, controls, preset_plan
from explorer.ui import services
from explorer.ui.frame import frame, stacking_columns
from explorer.ui.live_figure import live_figure
from explorer.ui.live_run import show_run, takeaway
from explorer.ui.messages import escaped, show_problem
from explorer.ui.pickers import open_run, pick_run
from explorer.ui.plan_editor import adopt, edit_plan, has_plan, rarest
from explorer.ui.steering import steer

EXPLANATION = """
**A plan** is a table of phases. Each trains with one loss, at one rate, for some steps; *until* ends it early, once
a validation value is satisfying. After the last phase the next cycle begins.

**Why a sequence.** Cross-entropy counts every pixel the same: where 99 % are background, finding nothing is nearly
right. Class weights make a miss dear, and recall rises, with false alarms. Jaccard distance sees whole shapes and
prunes false alarms, but a confident miss gives it almost no gradient: it starts badly and finishes well. So weighted
cross-entropy goes first, Jaccard at a tenth of the rate second, and the two take turns.

**Fair comparison.** *With controls* queues plain cross-entropy and Jaccard alone beside the plan, with the
same steps, seed and crops. What is not better than both has not earned its phases.

**Steering.** Whatever you change while a run trains takes effect at its next step and is written into its history;
the plan with these changes repeats the run.
"""


def pick_dataset() -> str:
    """The dataset to train on: the one in the address, the one chosen on Imagery, or the car park."""
    choices = services.dataset_choices()
    wanted = st.query_params.get("dataset") or st.session_state.get("dataset") or "builtin:car_park"
    if wanted not in choices:
        st.caption(f"There is no dataset {escaped(wanted)} here; another one is shown.")
        wanted = "builtin:car_park"
    st.session_state["dataset"] = wanted
    chosen = st.selectbox(
        "Dataset", list(choices), list(choices).index(wanted), choices.__getitem__, key=f"dataset-{wanted}"
    )
    if chosen != wanted:
        st.session_state["dataset"] = st.query_params["dataset"] = chosen
        st.rerun()
    return services.resolve(chosen)


def pick_preset() -> str:
    """A preset to begin with; choosing one replaces the plan."""
    wanted = st.query_params.get("preset", "recall_first")
    if wanted not in PRESETS:
        st.caption(f"There is no preset {escaped(wanted)}; the first one is shown.")
        wanted = next(iter(PRESETS))
    if not has_plan():
        adopt(preset_plan(wanted))
    chosen = st.selectbox(
        "Preset",
        list(PRESETS),
        list(PRESETS).index(wanted),
        lambda key: PRESETS[key].name,
        key="preset-choice",
        on_change=take_preset,
    )
    return chosen


def take_preset() -> None:
    """The preset that was chosen becomes the plan."""
    chosen = st.session_state["preset-choice"]
    st.query_params["preset"] = chosen
    adopt(preset_plan(chosen))


def start(plan: Plan, dataset_id: str, with_controls: bool) -> None:
    """Queues the plan, and its controls if wanted, and looks at it."""
    store, engine = services.store(), services.engine()
    others = controls(plan) if with_controls else ()
    first = store.create_run(plan, dataset_id)
    if others:
        store.set_group(first.id, first.id)
    for run_id in (first.id, *(store.create_run(other, dataset_id, first.id).id for other in others)):
        engine.submit(run_id)
    open_run(first.id)


def plan_a_run() -> None:
    """What to train on, the plan, and play."""
    data, preset, go, compare = st.columns([3, 3, 2, 2], vertical_alignment="bottom")
    with data:
        dataset_id = pick_dataset()
    with preset:
        chosen = pick_preset()
    st.caption(f"{PRESETS[chosen].when_to_use} **Watch:** {PRESETS[chosen].what_to_watch}")
    strip = st.container()
    plan = edit_plan(services.balance(dataset_id))
    if plan is not None:
        with strip:
            live_figure(schedule_figure(plan), "schedule", height=130)
            st.caption(f"At most {plan.steps} steps: the learning rate over the phases. Triggers may end one early.")
    plays = go.button(
        "Play", type="primary", icon=":material/play_arrow:", disabled=plan is None, width="stretch", key="play"
    )
    compares = compare.button(
        "With controls",
        icon=":material/compare_arrows:",
        disabled=plan is None,
        width="stretch",
        help="Runs the plan, then plain cross-entropy and Jaccard alone: same steps, same seed.",
    )
    if plan is not None and (plays or compares):
        start(plan, dataset_id, compares)
        st.rerun()


def watch_a_run(record: RunRecord) -> None:
    """Curves and picture of a run, with what can be changed beside them."""
    shares = services.balance(record.dataset_id)
    left, right = stacking_columns("watch", [1, 3])
    with left:
        class_id = st.selectbox(
            "Class that is scored",
            range(1, len(shares)),
            rarest(shares) - 1,
            lambda k: shares[k].name,
            key=f"class-{record.dataset_id}",
        )
        steer(record, shares)
        if st.button(
            "Reset: plan it anew",
            icon=":material/restart_alt:",
            width="stretch",
            help="Stops this run, keeps it in the list, and goes back to its plan.",
        ):
            services.engine().stop(record.id)
            adopt(record.plan)
            st.session_state["dataset"] = record.dataset_id
            open_run(None)
            st.rerun()
        lead_on(record)
        takeaway(record)
    with right:
        show_run(record.id, class_id)


def lead_on(record: RunRecord) -> None:
    """To the comparison with what was queued beside it, and to its landscape."""
    beside = [
        other.id
        for other in services.store().runs()
        if other.group is not None and other.group == record.group and other.id != record.id
    ]
    st.page_link(
        "pages/tradeoffs.py",
        label="Compare with its controls" if beside else "Its trade-offs",
        icon=":material/balance:",
        query_params={"runs": ",".join([record.id, *beside])},
    )
    st.page_link(
        "pages/landscape.py", label="Its landscape", icon=":material/landscape:", query_params={"run": record.id}
    )


frame("Train")
try:
    selected = pick_run(services.store().runs(), allow_new=True)
    if selected is None:
        plan_a_run()
    else:
        watch_a_run(selected)
except InputError as problem:
    show_problem(problem)
with st.expander("What a plan, its controls and steering mean"):
    st.markdown(EXPLANATION)
