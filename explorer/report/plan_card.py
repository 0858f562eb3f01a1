"""The plan of a run: its phases, its settings, why they are so, and what was changed on the way."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.report.blocks import Fact, Table, short, unknown
from explorer.report.source import RunSource
from explorer.training.plan import Phase, Plan
from explorer.training.plan_terms import loss_in_words, settings_of, until_in_words


def phase_table(run: RunSource) -> Table:
    """One row for each phase that was run, and those of the plan that were not reached."""
    plan, spans, classes = run.plan, run.history.spans, run.reference.classes
    last = "goes on" if run.ended is None else f"end of the run ({run.ended.reason})"
    rows = []
    for span in spans:
        phase = plan.phases[span.phase]
        steps = f"{span.start + 1:,} to {span.end:,}" if span.end > span.start else "none"
        loss = (loss_in_words(span.loss), short(span.learning_rate))
        rows.append(
            (_position(plan, span.cycle, span.phase), *loss, _planned(phase, classes), steps, span.ended_by or last)
        )
    for cycle, number in [(c, p) for c in range(plan.cycles) for p in range(len(plan.phases))][len(spans) :]:
        phase = plan.phases[number]
        loss = (loss_in_words(phase.loss), short(phase.learning_rate))
        rows.append((_position(plan, cycle, number), *loss, _planned(phase, classes), "not reached", "–"))
    columns = ("Phase", "Loss", "Learning rate", "Planned", "Steps made", "Ended by")
    return Table(columns, tuple(rows), frozenset({2})).first_rows()


def setting_facts(run: RunSource) -> tuple[Fact, ...]:
    """All settings of the plan, as the pages call them; what was changed on the way is in the log."""
    facts = [
        Fact("Segmenter weights at the start", "ImageNet (EfficientNet-Lite0), the decoder from the seed")
        if run.plan.segmenter.kind == "pretrained"
        else Fact("Segmenter weights at the start", "random, from the seed")
    ]
    if run.started is not None:
        facts.append(Fact("Segmenter parameters", f"{run.started.parameters:,}"))
        weights = ", ".join(short(weight) for weight in run.started.class_weights)
        facts.append(Fact("Class weights of the logged losses", weights, "background first"))
    return (*facts, *(Fact(label, value) for label, value in settings_of(run.plan).items()))


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
    return Table(("Step", "What happened"), rows).first_rows() if rows else None


def _position(plan: Plan, cycle: int, phase: int) -> str:
    return str(phase + 1) if plan.cycles == 1 else f"{phase + 1} of cycle {cycle + 1}"


def _planned(phase: Phase, classes: Sequence[str]) -> str:
    steps = f"{phase.steps:,} steps"
    parts = [steps] if phase.trigger is None else [f"at most {steps}, until {until_in_words(phase.trigger, classes)}"]
    parts += [f"at least {phase.minimum_steps:,}"] if phase.minimum_steps else []
    parts += [f"warm-up {phase.warmup_steps:,}"] if phase.warmup_steps else []
    parts += ["cosine decay"] if phase.decay == "cosine" else []
    parts += ["optimizer state reset"] if phase.optimizer == "reset" else []
    return ", ".join(parts)
