"""``plan``: shows the plan that would be trained on images and masks, and why it is as it is, without training."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from explorer.cli import imagery_options, parsing, plan_options
from explorer.training.diagnosis import before_training
from explorer.training.fingerprint import ClassPrint, Fingerprint


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("plan", help="show the plan for images and masks, and why", description=__doc__)
    imagery_options.add_options(parser)
    plan_options.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the tables or the JSON."""
    request = plan_options.request_of(arguments)
    reading = imagery_options.read_imagery(arguments, validation=plan_options.validation_names(arguments))
    imagery_options.print_notes(reading)
    planned = plan_options.plan_for(request, reading.required(), arguments.device)
    if arguments.json:
        json.dump(as_json(planned), sys.stdout, indent=1, ensure_ascii=False)
        print()
    else:
        _print_tables(planned)
    return 0


def as_json(planned: plan_options.Planned) -> dict[str, Any]:
    """The plan and where it comes from.

    ``{"plan": as in a plan's file, "choices": [{"name", "value", "reason"}], "warnings": [TEXTS], "step_seconds":
    measured or null, "fingerprint": as ``training.fingerprint`` documents it}``.
    """
    described = planned.run.model_dump(mode="json")
    return {
        "plan": planned.plan.model_dump(mode="json"),
        "choices": described["choices"],
        "warnings": [concern.text for concern in before_training(planned.fingerprint, planned.plan)],
        "step_seconds": planned.run.step_seconds,
        "fingerprint": planned.fingerprint.model_dump(mode="json"),
    }


def _print_tables(planned: plan_options.Planned) -> None:
    console, found, plan = Console(), planned.fingerprint, planned.plan
    console.print(escape(_scenes_in_words(found)), highlight=False)
    classes = Table("class", "share", "objects", "kind", "across: 5, 50, 95 %", "spacing", "touching")
    for each in found.classes:
        classes.add_row(*(escape(cell) for cell in _class_row(each)))
    console.print(classes)
    phases = Table("phase", "loss", "learning rate", "steps", title=escape(f"{plan.name}: {plan.steps:,} steps"))
    for i, phase in enumerate(plan.phases, start=1):
        steps = f"{phase.steps}" + (" at most" if phase.trigger else "")
        phases.add_row(str(i), phase.loss.kind.replace("_", " "), f"{phase.learning_rate:.2g}", steps)
    console.print(phases)
    if plan.cycles > 1:
        console.print(f"The phases are repeated: {plan.cycles} cycles.", highlight=False)
    if planned.run.choices:
        reasons = Table("what", "value", "why", show_lines=True)
        for choice in planned.run.choices:
            reasons.add_row(*(escape(text) for text in (choice.name, choice.value, choice.reason)))
        console.print(reasons)
    for concern in before_training(found, plan):
        console.print(escape(f"warning: {concern.text}"), highlight=False)


def _scenes_in_words(found: Fingerprint) -> str:
    heights, widths = [each.height for each in found.scenes], [each.width for each in found.scenes]
    brightness = "" if found.brightness is None else f", medians differ {found.brightness:.1f}-fold"
    return (
        f"{found.dataset}: {len(found.scenes)} scenes or blocks train, {min(widths)}×{min(heights)} to "
        f"{max(widths)}×{max(heights)} pixels, {len(found.held_out)} choose the threshold, {found.validation} score; "
        f"bands: {', '.join(found.bands)} ({found.data_type}){brightness}"
    )


def _class_row(of: ClassPrint) -> tuple[str, ...]:
    sizes = of.diameters
    return (
        of.name,
        f"{of.share:.2%}",
        f"{of.objects:,}",
        of.kind,
        "–" if sizes is None else f"{sizes.p5:.0f}, {sizes.p50:.0f}, {sizes.p95:.0f} px",
        "–" if of.spacing is None else f"{of.spacing:.0f} px",
        f"{of.touching:.0%}",
    )
