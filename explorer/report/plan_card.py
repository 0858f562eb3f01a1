"""The plan of a run: its phases, its settings, why they are so, and what was changed on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec
from explorer.report.blocks import Fact, Table, short, unknown
from explorer.report.source import RunSource
from explorer.training.plan import Phase, Plan, Trigger

_NONE = "none"
_NOT_SETTINGS = {"name", "phases", "interventions"}  # they have a table of their own


def phase_table(run: RunSource) -> Table:
    """One row for each phase that was run, and those of the plan that were not reached."""
    plan, spans, classes = run.plan, run.history.spans, run.reference.classes
    last = "goes on" if run.ended is None else f"end of the run ({run.ended.reason})"
    rows = []
    for span in spans:
        phase = plan.phases[span.phase]
        steps = f"{span.start + 1:,} to {span.end:,}" if span.end > span.start else "none"
        loss = (LOSSES[span.loss.kind].name, loss_settings(span.loss), short(span.learning_rate))
        rows.append(
            (_position(plan, span.cycle, span.phase), *loss, _planned(phase, classes), steps, span.ended_by or last)
        )
    for cycle, number in [(c, p) for c in range(plan.cycles) for p in range(len(plan.phases))][len(spans) :]:
        phase = plan.phases[number]
        loss = (LOSSES[phase.loss.kind].name, loss_settings(phase.loss), short(phase.learning_rate))
        rows.append((_position(plan, cycle, number), *loss, _planned(phase, classes), "not reached", "–"))
    columns = ("Phase", "Loss", "Settings", "Learning rate", "Planned", "Steps made", "Ended by")
    return Table(columns, tuple(rows), frozenset({3}))


def setting_facts(run: RunSource) -> tuple[Fact, ...]:
    """All other settings of the plan, by the names of the plan's file."""
    facts = [
        Fact("segmenter weights at the start", "ImageNet (EfficientNet-Lite0), the decoder from the seed")
        if run.plan.segmenter.kind == "pretrained"
        else Fact("segmenter weights at the start", "random, from the seed")
    ]
    if run.started is not None:
        facts.append(Fact("segmenter parameters", f"{run.started.parameters:,}"))
        weights = ", ".join(short(weight) for weight in run.started.class_weights)
        facts.append(Fact("class weights of the logged losses", weights, "background first"))
    return (*facts, *(Fact(name, value) for name, value in plan_settings(run.plan).items()))


def plan_settings(plan: Plan) -> dict[str, str]:
    """The settings of a plan outside its phases, by their path in its file.

    >>> from explorer.training.plan import Phase
    >>> plan = Plan(phases=(Phase(loss=LossSpec(kind="dice")),))
    >>> plan_settings(plan)["segmenter.kind"], plan_settings(plan)["clip_gradient"]
    ('unet', 'none')
    """
    return dict(_flat(plan.model_dump(mode="json", exclude=_NOT_SETTINGS)))


def phase_settings(plan: Plan, classes: Sequence[str]) -> dict[str, str]:
    """A plan's phases in words, by "phase 1" and so on.

    >>> phase_settings(Plan(phases=(Phase(loss=LossSpec(kind="focal"), steps=50),)), ("background", "car"))
    {'phase 1': 'Focal (Focus γ 2): learning rate 0.001, 50 steps'}

    Args:
        classes: names by id, for what triggers watch.
    """
    words = {}
    for number, phase in enumerate(plan.phases, start=1):
        settings = loss_settings(phase.loss)
        loss = LOSSES[phase.loss.kind].name + ("" if settings == _NONE else f" ({settings})")
        words[f"phase {number}"] = f"{loss}: learning rate {short(phase.learning_rate)}, {_planned(phase, classes)}"
    return words


def reason_table(run: RunSource) -> Table | None:
    """Why the plan is as it is; None where no reasons were kept."""
    if run.planned is None or not run.planned.choices:
        return None
    rows = tuple((choice.name, choice.value, choice.reason) for choice in run.planned.choices)
    return Table(("Setting", "Choice", "Reason"), rows)


def request_fact(run: RunSource) -> Fact:
    """What was asked for."""
    if run.planned is None:
        return unknown("Asked for", "the run does not say: it is of an earlier version, or was made by a program")
    request = run.planned.request
    parts = [f"preset {request.preset}"] if request.preset else []
    parts += ["a plan that was written"] if request.written is not None else []
    parts += [f"{request.seconds:g} s of training"] if request.seconds is not None else []
    parts += [f"{request.steps:,} steps"] if request.steps is not None else []
    parts += [f"seed {request.seed}"] if request.seed is not None else []
    parts += [f"segmenter {request.segmenter}"] if request.segmenter is not None else []
    changed = "changed by hand before it began: some reasons no longer hold" if run.planned.changed else ""
    return Fact("Asked for", ", ".join(parts) or "what suits the data", changed)


def log_table(run: RunSource) -> Table | None:
    """Changes by hand, recoveries, and all else that happened on the way; None: nothing did."""
    rows = tuple((f"{step:,}", text) for step, text in run.history.notes)
    return Table(("Step", "What happened"), rows) if rows else None


def loss_settings(spec: LossSpec) -> str:
    """The settings of a loss in words.

    >>> loss_settings(LossSpec(kind="focal")), loss_settings(LossSpec(kind="cross_entropy"))
    ('Focus γ 2', 'none')
    """
    parts = []
    for setting in LOSSES[spec.kind].settings:
        value: float | None = getattr(spec, setting.name)
        if value is not None:
            parts.append(f"{setting.label} {short(value)}")
    if isinstance(spec.class_weights, tuple):
        parts.append(f"class weights {', '.join(short(weight) for weight in spec.class_weights)}")
    elif spec.class_weights is not None:
        cap = "" if spec.weight_cap is None else f", at most {short(spec.weight_cap)}"
        parts.append(f"class weights by {spec.class_weights.replace('_', ' ')}{cap}")
    if LOSSES[spec.kind].region:
        parts.append(f"aggregation over the {spec.aggregate}" if spec.aggregate == "batch" else "mean over images")
        parts += [] if spec.include_background else ["without background"]
    parts += [
        f"{short(term.factor)} × {LOSSES[term.loss.kind].name} ({loss_settings(term.loss)})" for term in spec.terms
    ]
    return ", ".join(parts) or _NONE


def _position(plan: Plan, cycle: int, phase: int) -> str:
    return str(phase + 1) if plan.cycles == 1 else f"{phase + 1} of cycle {cycle + 1}"


def _planned(phase: Phase, classes: Sequence[str]) -> str:
    steps = f"{phase.steps:,} steps"
    parts = [steps] if phase.trigger is None else [f"at most {steps}, until {_until(phase.trigger, classes)}"]
    parts += [f"at least {phase.minimum_steps:,}"] if phase.minimum_steps else []
    parts += [f"warm-up {phase.warmup_steps:,}"] if phase.warmup_steps else []
    parts += ["cosine decay"] if phase.decay == "cosine" else []
    parts += ["optimizer state reset"] if phase.optimizer == "reset" else []
    return ", ".join(parts)


def _until(trigger: Trigger, classes: Sequence[str]) -> str:
    known = trigger.class_id < len(classes)
    name = classes[trigger.class_id] if known else f"class {trigger.class_id}"
    metric = f"{trigger.scope} {trigger.metric} of {name}"
    if trigger.kind == "plateau":
        return f"{metric} rises by less than {short(trigger.threshold)}"
    relative = " of the highest within reach" if trigger.relative else ""
    return f"{metric} ≥ {short(trigger.threshold)}{relative}"


def _flat(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        where = f"{path}{name}"
        if isinstance(value, dict):
            yield from _flat(value, f"{where}.")
        elif value is None:
            yield where, _NONE
        elif isinstance(value, bool):
            yield where, "yes" if value else "no"
        else:
            yield where, ", ".join(map(str, value)) or _NONE if isinstance(value, list) else str(value)
