"""``train``: trains a segmenter on images and masks, and writes a run's folder."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from explorer.cli import imagery_options, parsing
from explorer.cli.progress_bar import ProgressBar
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.training import execute
from explorer.settings import settings
from explorer.training.device import pick_device
from explorer.training.events import Ended, Event, Note, PhaseChange, Recovered, Step
from explorer.training.plan import scaled


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("train", help="train on images and masks", description=__doc__)
    imagery_options.add_options(parser)
    parser.add_argument(
        "--val",
        metavar="NAME,NAME",
        help="scenes to validate on; default: a quarter of the scenes, with every class on both sides where possible",
    )
    parser.add_argument("--plan", required=True, metavar="PRESET_OR_FILE")
    parser.add_argument("--steps", type=parsing.positive, help="total steps; each phase keeps its share")
    parser.add_argument("--seed", type=parsing.natural, help="default: the plan's")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder to write the run into")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trains, or continues a run that was interrupted in the same folder with the same plan and imagery."""
    pick_device(arguments.device)  # before the imagery is read
    plan = parsing.plan_of(arguments.plan)
    if arguments.steps is not None:
        plan = scaled(plan, arguments.steps)
    if arguments.seed is not None:
        plan = plan.model_copy(update={"seed": arguments.seed})
    names = arguments.val.split(",") if arguments.val else None
    reading = imagery_options.read_imagery(arguments, validation=names)
    imagery_options.print_notes(reading)
    dataset = reading.required()
    reference = DatasetReference.to(dataset)
    folder = RunFolder(arguments.out)
    if not (folder.plan_file.exists() and folder.plan() == plan and folder.dataset() == reference):
        folder = RunFolder.create(arguments.out, plan, reference)
    bar = ProgressBar()
    progress = _TrainingProgress(bar, plan.steps)
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


class _TrainingProgress:
    """What a run reports, as a progress bar and lines above it."""

    def __init__(self, bar: ProgressBar, steps: int) -> None:
        self._bar, self._steps, self._began = bar, steps, time.monotonic()

    def show(self, event: Event) -> None:
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
