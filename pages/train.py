"""Train: write a plan, start it, watch it train, and steer it."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.errors import InputError
from explorer.figures.training import schedule_figure
from explorer.runs.class_state import CONTROLS, as_given
from explorer.runs.records import RunRecord
from explorer.runs.requests import PlannedRun, PlanRequest
from explorer.training.budget import Budget
from explorer.training.fingerprint import Fingerprint
from explorer.training.plan import Plan
from explorer.training.planning import first_preset, propose, propose_measured
from explorer.training.presets import PRESETS, controls, preset_plan
from explorer.ui import address, services
from explorer.ui.carrying_on import offer_to_carry_on
from explorer.ui.class_push import pushed_preset
from explorer.ui.datasets import is_builtin, is_dataset, pick_dataset
from explorer.ui.edited_plan import (
    OFFERED,
    PRESET,
    SOURCE,
    adopt,
    forget_replaced_plan,
    given_plan,
    has_plan,
    hold_to,
    link_plan,
    plan_now,
    remember_preset,
    replaced_plan,
    take_linked_plan,
    take_plan_back,
    take_preset,
)
from explorer.ui.evidence import show_preset_evidence
from explorer.ui.frame import frame, stacking_columns, wrapping_columns
from explorer.ui.identity import listed_runs, may_change
from explorer.ui.live_figure import live_figure
from explorer.ui.live_run import downloads, show_run
from explorer.ui.locks import is_locked, is_locked_by_link_alone, locked_controls, say_locked
from explorer.ui.messages import escaped, show_problem
from explorer.ui.object_counts import show_asked_objects
from explorer.ui.pace import pick_pace
from explorer.ui.pickers import offered_runs, open_run, pick_class, pick_run
from explorer.ui.plan_editor import Start, edit_plan, rarest, start_run
from explorer.ui.plan_from_data import pick_budget, show_reasons, show_warnings
from explorer.ui.sharing import show_sharing
from explorer.ui.steering import steer

RECIPE = "recall_first"  # the article's
EXPLANATION = """
**A plan** is a table of phases. Each phase trains with one loss at one learning rate for a number of steps. *Until*
ends a phase early, once a validation score is reached. After the last phase, the next cycle begins.

**Why a sequence?** Cross-entropy counts every pixel the same: if 99 % are background, predicting only background is
nearly right. Class weights make missed pixels count more, which raises recall and adds false alarms. Jaccard distance
compares whole regions and removes false alarms, but a confident miss gives it almost no gradient: it starts badly and
ends well. So train with weighted cross-entropy first, then with Jaccard at a tenth of the learning rate, and repeat.

**Controls.** *With controls* also queues plain cross-entropy and Jaccard alone, with the same number of steps, seed
and crops. A sequence is worth its phases only if it beats both.

**Steering.** What you change while a run trains takes effect at the next step and is recorded. The downloaded plan
includes these changes: training it repeats the run.
"""


def pick_preset(notes: DeltaGenerator, first: str) -> str | None:
    """The preset that the plan began with; None for the plan of an earlier run.

    Args:
        notes: where to say that the address names none.
        first: the preset that is offered until the visitor chooses one.
    """
    asked = st.query_params.get(PRESET)
    locked = is_locked("preset")
    if locked and (has_plan() or not is_locked_by_link_alone("preset")):
        asked = None
        first = pushed_preset() or first
    if asked is not None and asked not in PRESETS:
        with notes:
            address.say_unknown([asked], "preset", "another one is shown")
        asked = None
    offered = st.session_state.get(OFFERED)
    kept = st.session_state.get(PRESET) if has_plan() else first
    if asked is not None and asked != offered:
        wanted: str | None = asked
    else:
        wanted = first if offered is not None and kept == offered else kept
    if wanted is None and locked_controls() & {"losses", "rate", "plan", "preset", "length"}:
        wanted = first  # the plan of an earlier run may differ in all of these
        st.session_state.pop(SOURCE, None)
        name = PRESETS[first].name
        text = (
            f"The teacher has locked parts of the plan: not that of the earlier run is opened, but the preset “{name}”."
        )
        notes.info(text, icon=":material/lock:")
    st.session_state[OFFERED] = first if wanted == first else None
    remember_preset(wanted)
    address.select(
        "Preset",
        list(PRESETS),
        wanted,
        lambda key: PRESETS[key].name,
        choose_preset,
        "Plan of an earlier run",
        disabled=locked,
    )
    return wanted


def choose_preset(chosen: str) -> None:
    """Takes the preset that the visitor chose, unless the choice is locked."""
    if not is_locked("preset"):
        take_preset(chosen)


def take_plan(plan: Plan, source: tuple[object, ...]) -> None:
    """Makes the plan of a source the one that is edited, unless that has been done.

    Args:
        plan: of the source.
        source: dataset, preset and training time.
    """
    before, offered = st.session_state.get(SOURCE, ((), None))
    if before == source:
        return
    edited = offered is not None and plan_now() != offered
    if edited and before[1:] == source[1:]:  # only the dataset is another one
        st.warning("The plan below was changed for another dataset.", icon=":material/edit_note:")
        st.button("Take the plan for this dataset", on_click=st.session_state.pop, args=(SOURCE, None))
        return
    adopt(plan)
    st.session_state[SOURCE] = source, plan


def plan_a_run() -> None:
    """Dataset, preset, training time, plan and the buttons that start it."""
    notes = st.container()
    with notes:
        say_locked(*CONTROLS)
        offer_replaced_plan()
    data, preset, time = wrapping_columns("plan", [3, 3, 2])
    buttons = st.container(horizontal=True)
    with data:
        dataset_id = pick_dataset(notes)
    fingerprint = None if is_builtin(dataset_id) else services.fingerprint(dataset_id)
    with preset:
        chosen = pick_preset(notes, next(iter(PRESETS)) if fingerprint is None else first_preset(fingerprint))
    offered, planned = None, None
    if fingerprint is not None and chosen is not None:
        with time:
            budget = pick_budget()
        offered, planned = proposed(dataset_id, fingerprint, chosen, budget)
        take_plan(offered, (dataset_id, chosen, budget))
    elif chosen is not None:
        take_plan(preset_plan(chosen), (None, chosen, None))
    unknown = take_linked_plan()
    if unknown is not None:
        with notes:
            address.say_unknown([unknown], "plan", "the preset's is shown")
    if chosen is not None:
        st.caption(f"{PRESETS[chosen].when_to_use} **Watch:** {PRESETS[chosen].what_to_watch}")
        show_preset_evidence(chosen)
    above = st.container()
    locked, given = locked_controls(), given_plan()
    if given is not None and hold_to(given, locked):
        above.info("What you had changed of it is taken back: the teacher has locked it.", icon=":material/lock:")
    plan = edit_plan(services.balance(dataset_id), services.dataset(dataset_id).bands, locked)
    if plan is not None:
        link_plan(plan)
        with above:
            show_schedule(plan)
            if fingerprint is not None:
                show_warnings(fingerprint, plan, lambda other: as_given(other, given or other, locked) == other)
            if planned is not None:
                planned = planned.model_copy(update={"changed": plan != offered})
                show_reasons(planned.choices, planned.changed)
    with buttons:
        offer_start(plan, dataset_id, planned, fingerprint if planned is not None and chosen != RECIPE else None)


def offer_replaced_plan() -> None:
    """A plan that the teacher's preset has replaced, with buttons that take it back or forget it."""
    replaced = replaced_plan()
    if replaced is None:
        return
    st.info(f"The teacher has opened a preset for all. Your plan “{escaped(replaced.name)}” is kept.",
            icon=":material/campaign:")  # fmt: skip
    with st.container(horizontal=True):
        st.button("Take my plan back", icon=":material/undo:", on_click=take_plan_back)
        st.button("Go on with the preset", icon=":material/check:", on_click=forget_replaced_plan)


def proposed(dataset_id: str, fingerprint: Fingerprint, preset: str, budget: Budget) -> tuple[Plan, PlannedRun]:
    """The plan of a preset for a dataset; for a budget in seconds, the time of a step is measured first."""

    def measure(plan: Plan) -> float:
        return services.step_seconds(dataset_id, plan.segmenter.kind)

    proposal, step_seconds = propose_measured(fingerprint, preset, budget, measure)
    request = PlanRequest(preset=preset, seconds=budget.seconds, steps=budget.steps)
    return proposal.plan, PlannedRun.of(request, proposal, step_seconds)


def show_schedule(plan: Plan) -> None:
    """The learning rate over the phases."""
    live_figure(schedule_figure(plan), "schedule", height=165)
    ends_early = any(phase.trigger is not None for phase in plan.phases) and not plan.carry_over
    fewer = ", fewer if a phase ends early" if ends_early else ""
    kept = f"; they become fewer or more as it trains, to keep {plan.seconds:g} s" if plan.seconds is not None else ""
    st.caption(f"Learning rate over the phases: {plan.steps} steps{fewer}{kept}.")


def offer_start(plan: Plan | None, dataset_id: str, planned: PlannedRun | None, beside: Fingerprint | None) -> None:
    """The buttons that start the plan alone, with its controls, or with the article's recipe.

    Args:
        plan: None while it is invalid.
        dataset_id: the store's id of the dataset.
        planned: what the plan follows from; None: not from the data.
        beside: the dataset's fingerprint, where the recipe is offered.
    """
    waits = plan is None or is_locked("start")
    plays = st.button("Play", type="primary", icon=":material/play_arrow:", disabled=waits, key="play")
    compares = st.button(
        "With controls",
        icon=":material/compare_arrows:",
        disabled=waits,
        key="play-controls",
        help="Trains the plan, then plain cross-entropy, Jaccard alone and Dice + CE, with the same time or steps, and "
        "the same seed.",
    )
    adds_recipe = beside is not None and st.button(
        "With the recipe",
        icon=":material/timeline:",
        disabled=waits,
        key="play-recipe",
        help="Trains the plan, then the article's recipe with the same time or steps: weighted CE, then Jaccard.",
    )
    if plan is None or not (plays or compares or adds_recipe):
        return
    others: list[Start] = [(control, None) for control in controls(plan)] if compares else []
    if adds_recipe and beside is not None:
        kind = plan.segmenter.kind
        recipe = propose(beside, RECIPE, Budget(steps=plan.steps), seed=plan.seed, segmenter=kind)
        request = PlanRequest(preset=RECIPE, steps=plan.steps, seed=plan.seed, segmenter=kind)
        others = [(recipe.plan.model_copy(update={"seconds": plan.seconds}), PlannedRun.of(request, recipe))]
    open_run(start_run(plan, dataset_id, others, planned, given_plan()))
    st.rerun()


def watch_a_run(record: RunRecord) -> None:
    """A run's curves and pictures, and beside them what can be changed."""
    shares = services.balance(record.dataset_id)
    spans = services.follower(record.id).history().spans
    picture, settings = stacking_columns("watch", [5, 2])
    with settings:
        class_id = pick_class([share.name for share in shares], rarest(shares))
        pick_pace(record)
        steer(record, spans, shares)
        st.button(
            "New run",
            icon=":material/add:",
            width="stretch",
            key="new-run",
            help="Stops this run, keeps it in the list, and opens its plan for editing."
            if may_change(record)
            else "Opens its plan for a run of your own.",
            on_click=plan_again,
            args=(record,),
        )
        offer_to_carry_on(record)
        show_sharing("run", record)
        link_on(record)
        downloads(record)
    with picture:
        show_run(record, len(spans), class_id)
        planned = services.store().folder(record.id).planned()
        if planned is not None and planned.choices:
            show_reasons(planned.choices, planned.changed)


def plan_again(record: RunRecord) -> None:
    """Stops the run and opens its plan and dataset for a new one."""
    try:
        if may_change(record):
            services.engine().stop(record.id)
    except InputError as problem:  # the plan can be opened all the same
        show_problem(problem)
    adopt(record.plan)
    remember_preset(None)
    if is_dataset(record.dataset_id):  # that of a run of somebody else may not be shared
        st.query_params["dataset"] = record.dataset_id
    open_run(None)


def link_on(record: RunRecord) -> None:
    """Links to the comparison with the runs queued beside it, its trade-offs and its landscape."""
    beside = [
        other.id
        for other in listed_runs()
        if other.group is not None and other.group == record.group and other.id != record.id
    ]
    runs = {"runs": ",".join([record.id, *beside])}
    st.page_link(
        "pages/compare.py",
        label="Compare with controls" if beside else "Compare",
        icon=":material/compare:",
        query_params=runs,
    )
    st.page_link("pages/tradeoffs.py", label="Trade-offs", icon=":material/balance:", query_params=runs)
    st.page_link("pages/landscape.py", label="Landscape", icon=":material/landscape:", query_params={"run": record.id})


frame("Train")
try:
    selected = pick_run(offered_runs(), allow_new=True)
    if selected is None:
        plan_a_run()
    else:
        watch_a_run(selected)
    show_asked_objects()
except InputError as problem:
    show_problem(problem)
with st.expander("Plans, controls and steering explained"):
    st.markdown(EXPLANATION)
