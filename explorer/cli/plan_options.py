"""Options about the plan that ``plan`` and ``train`` share, and the plan that they name."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from explorer.cli import parsing
from explorer.errors import InputError
from explorer.imagery.scene import Dataset
from explorer.runs.requests import DEFAULT_SECONDS, PlannedRun, PlanRequest
from explorer.training.budget import steps_for
from explorer.training.fingerprint import Fingerprint, fingerprint
from explorer.training.plan import Plan, scaled
from explorer.training.planning import first_preset, propose
from explorer.training.presets import PRESETS, preset_plan
from explorer.training.recipe import LEARNING


@dataclass(frozen=True)
class Planned:
    """A plan for a dataset, and where it comes from."""

    plan: Plan
    run: PlannedRun
    fingerprint: Fingerprint


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which plan, how long, on which device."""
    parser.add_argument(
        "--val",
        type=parsing.listed,
        metavar="NAME,NAME",
        help="scenes to validate on, one with a comma quoted as in CSV; default: a quarter of the scenes, with every "
        "class on both sides where possible",
    )
    parser.add_argument(
        "--plan",
        metavar="PRESET_OR_FILE",
        help="a preset, whose losses are kept and whose other settings follow from the data, or a plan's file, which "
        f"is used as written; default: the preset that suits the data. Presets: {', '.join(PRESETS)}",
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument(
        "--seconds",
        type=parsing.seconds,
        metavar="S",
        help="training time on this machine, for which a few steps are measured first; default for a preset: "
        f"{DEFAULT_SECONDS:g}",
    )
    budget.add_argument("--steps", type=parsing.positive, help="total steps; each phase keeps its share")
    parser.add_argument("--segmenter", choices=sorted(LEARNING), help="default: what suits the data and the time")
    parser.add_argument("--seed", type=parsing.natural, help="default: the plan's")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")


def request_of(arguments: argparse.Namespace) -> PlanRequest:
    """What the arguments ask for.

    Raises:
        InputError: the plan is neither a preset nor a file, or a file is to have another segmenter.
    """
    preset, written = None, None
    if arguments.plan in PRESETS:
        preset = arguments.plan
    elif arguments.plan is not None:
        written = parsing.plan_in_file(arguments.plan)
        if arguments.segmenter is not None:
            raise InputError("a plan's file says which segmenter", "--segmenter", "leave it out, or edit the file")
    return PlanRequest(
        preset=preset,
        written=written,
        seconds=arguments.seconds,
        steps=arguments.steps,
        seed=arguments.seed,
        segmenter=arguments.segmenter,
    )


def plan_for(request: PlanRequest, dataset: Dataset, device: str) -> Planned:
    """The plan that is asked for; for a number of seconds, a few steps are measured.

    Raises:
        InputError: the plan does not fit the dataset, the steps or the device.
    """
    found = fingerprint(dataset)
    if request.written is not None:
        return _as_written(request, request.written, dataset, device, found)
    preset, budget, seed = request.preset or first_preset(found), request.budget, request.seed or 0
    step_seconds = None
    if budget.seconds is None:
        proposal = propose(found, preset, budget, seed=seed, segmenter=request.segmenter)
    else:
        from explorer.training.probe import measured_proposal  # loads torch

        proposal, step_seconds = measured_proposal(
            found, dataset, preset, budget, device=device, seed=seed, segmenter=request.segmenter
        )
    return Planned(proposal.plan, PlannedRun.of(request, proposal, step_seconds), found)


def _as_written(request: PlanRequest, plan: Plan, dataset: Dataset, device: str, found: Fingerprint) -> Planned:
    step_seconds, steps = None, request.steps
    if request.seconds is not None:
        from explorer.training.probe import measure_step_seconds  # loads torch

        step_seconds = measure_step_seconds(plan, dataset, device)
        steps = steps_for(request.seconds, step_seconds)
        steps = max(steps // plan.cycles, len(plan.phases)) * plan.cycles  # whole cycles
    if steps is not None:
        plan = scaled(plan, steps).model_copy(update={"seconds": request.seconds})
    if request.seed is not None:
        plan = plan.model_copy(update={"seed": request.seed})
    return Planned(plan, PlannedRun(request=request, step_seconds=step_seconds), found)


def validation_names(arguments: argparse.Namespace) -> list[str] | None:
    """Names of the validation scenes; None: they are chosen."""
    return list(arguments.val) if arguments.val else None


def continues(request: PlanRequest, stored: Plan, planned: PlannedRun | None) -> bool:
    """Whether a run's plan is what the request asks for, so that the run may go on.

    A plan for a number of seconds depends on the moment at which it was made: what was asked for decides. Runs of
    earlier versions do not say it: their plan is a preset's, or that of a file, at its length.
    """
    if planned is not None:
        return planned.request == request
    if request.seconds is not None or request.segmenter is not None:
        return False
    base = request.written or (None if request.preset is None else preset_plan(request.preset))
    if base is None:
        return False
    plan = base if request.steps is None else scaled(base, request.steps)
    return stored == (plan if request.seed is None else plan.model_copy(update={"seed": request.seed}))
