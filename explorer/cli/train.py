"""``train``: trains a segmenter on images and masks, and writes a run's folder."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from explorer.cli import imagery_options, parsing, plan_options
from explorer.cli.progress_bar import ProgressBar
from explorer.errors import InputError
from explorer.imagery.scene import Dataset
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.requests import PlanRequest
from explorer.runs.training import execute
from explorer.settings import settings
from explorer.training.device import pick_device
from explorer.training.diagnosis import before_training
from explorer.training.events import Ended, Event, Intervened, Note, PhaseChange, Recovered, Started, Step
from explorer.training.plan import Plan
from explorer.training.run_course import RunCourse


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("train", help="train on images and masks", description=__doc__)
    imagery_options.add_options(parser)
    plan_options.add_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder to write the run into")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trains, or continues a run that was interrupted in the same folder, if the same is asked for again.

    A run that continues keeps the plan that it has: a plan for a number of seconds is not made anew.
    """
    pick_device(arguments.device)  # before the imagery is read
    request = plan_options.request_of(arguments)
    reading = imagery_options.read_imagery(arguments, validation=plan_options.validation_names(arguments))
    imagery_options.print_notes(reading)
    dataset = reading.required()
    folder = _folder(arguments.out, request, dataset, arguments.device)
    plan = folder.plan()
    bar = ProgressBar()
    progress = _TrainingProgress(bar, plan, folder.events())
    last: Event | None = None
    try:
        for last in execute(folder, dataset, device=arguments.device, checkpoint_steps=settings().checkpoint_steps):
            progress.show(last)
    except KeyboardInterrupt:
        bar.close()
        print("Interrupted; run the same command again to continue from the last checkpoint.", file=sys.stderr)
        return 130
    bar.close()
    if isinstance(last, Ended) and last.reason != "done":
        print(f"{last.reason}: {last.message}", file=sys.stderr)
        return 1
    return 0


def _folder(path: Path, request: PlanRequest, dataset: Dataset, device: str) -> RunFolder:
    """The folder of the run that is asked for: one that was interrupted, or a new one.

    Raises:
        InputError: another run is in this folder already, or no plan can be made.
    """
    folder, reference = RunFolder(path), DatasetReference.to(dataset)
    if folder.plan_file.exists():
        if folder.dataset().id == reference.id and plan_options.continues(request, folder.plan(), folder.planned()):
            return folder
        raise InputError("there is another run in this folder already", str(path), "choose another folder")
    planned = plan_options.plan_for(request, dataset, device)
    for concern in before_training(planned.fingerprint, planned.plan):
        print(f"warning: {concern.text}", file=sys.stderr)
    plan, why = planned.plan, "as written" if request.written else "see: python -m explorer plan"
    print(f"Plan: {plan.name}, {plan.steps:,} steps ({why})", file=sys.stderr)
    return RunFolder.create(path, plan, reference, planned.run)


class _TrainingProgress:
    """What a run reports, as a progress bar and lines above it."""

    def __init__(self, bar: ProgressBar, plan: Plan, past: Sequence[Event]) -> None:
        self._bar, self._course, self._began = bar, RunCourse(plan, past), time.monotonic()
        self._steps = self._course.most_steps()

    def show(self, event: Event) -> None:
        self._course.see(event)
        if isinstance(event, Started | PhaseChange | Intervened | Recovered):
            self._steps = self._course.most_steps()
        match event:
            case Step():
                share = event.step / self._steps
                left = (time.monotonic() - self._began) / share * (1 - share)
                loss = "n/a" if event.loss is None else f"{event.loss:.4f}"
                self._bar.show(share, f"step {event.step}/{self._steps}  loss {loss}  {left:.0f} s left")
            case PhaseChange() if event.step:
                self._bar.print_line(
                    f"step {event.step}: phase {event.phase + 1} of cycle {event.cycle + 1} ({event.reason})"
                )
            case Recovered():
                self._bar.print_line(
                    f"step {event.step}: {event.reason}; back to step {event.back_to}, learning rate halved"
                )
            case Note():
                self._bar.print_line(event.text)
