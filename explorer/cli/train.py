"""``train``: trains a segmenter on a folder of images and one of masks, and leaves a run's folder."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from explorer.cli import parsing
from explorer.imagery.datasets import dataset_from_folders
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.training import execute
from explorer.settings import settings
from explorer.training.device import pick_device
from explorer.training.events import Ended, Event, Note, PhaseChange, Recovered, Step
from explorer.training.plan import scaled

_WIDTH = 30  # of the bar
_REDRAW_SECONDS = 0.2


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("train", help="train on a folder of images and one of masks", description=__doc__)
    parser.add_argument("--images", type=parsing.folder, required=True, metavar="DIR")
    parser.add_argument("--masks", type=parsing.folder, required=True, metavar="DIR", help="paired by file name")
    parser.add_argument("--val", metavar="NAME,NAME", help="scenes to validate on; chosen by area if not given")
    parser.add_argument("--plan", required=True, metavar="PRESET_OR_FILE")
    parser.add_argument("--steps", type=parsing.positive, help="all steps of the plan; its phases keep their shares")
    parser.add_argument("--seed", type=parsing.natural)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder to write the run into")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trains, and goes on with a run that was broken off in the same folder with the same plan and imagery."""
    pick_device(arguments.device)  # before the imagery is read
    plan = parsing.plan_of(arguments.plan)
    if arguments.steps is not None:
        plan = scaled(plan, arguments.steps)
    if arguments.seed is not None:
        plan = plan.model_copy(update={"seed": arguments.seed})
    names = arguments.val.split(",") if arguments.val else None
    dataset = dataset_from_folders(arguments.images, arguments.masks, names)
    for note in dataset.notes:
        print(note, file=sys.stderr)
    reference = DatasetReference.to(dataset)
    folder = RunFolder(arguments.out)
    if not (folder.plan_file.exists() and folder.plan() == plan and folder.dataset() == reference):
        folder = RunFolder.create(arguments.out, plan, reference)
    bar = _Bar(plan.steps)
    last: Event | None = None
    try:
        for last in execute(folder, dataset, device=arguments.device, checkpoint_steps=settings().checkpoint_steps):
            bar.show(last)
    except KeyboardInterrupt:
        bar.close()
        print("Broken off; the same command goes on from the last checkpoint.", file=sys.stderr)
        return 130
    bar.close()
    if isinstance(last, Ended) and last.reason != "done":
        print(f"{last.reason}: {last.message}", file=sys.stderr)
        return 1
    return 0


class _Bar:
    """Progress on stderr, in one line where that is a terminal and in a line a tenth elsewhere."""

    def __init__(self, steps: int) -> None:
        self._steps, self._began = steps, time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._shown_at, self._tenth = -_REDRAW_SECONDS, -1

    def show(self, event: Event) -> None:
        match event:
            case Step():
                self._draw(event)
            case PhaseChange() if event.step:
                self._say(f"step {event.step}: phase {event.phase + 1} of cycle {event.cycle + 1} ({event.reason})")
            case Recovered():
                self._say(f"step {event.step}: {event.reason}; back to step {event.back_to}, half the rate")
            case Note():
                self._say(event.text)

    def close(self) -> None:
        if self._terminal:
            print(file=sys.stderr)

    def _draw(self, event: Step) -> None:
        now, share = time.monotonic(), event.step / self._steps
        if not self._terminal:
            if int(share * 10) > self._tenth:
                self._tenth = int(share * 10)
                print(self._line(event, share, now), file=sys.stderr)
        elif now - self._shown_at >= _REDRAW_SECONDS or share == 1:
            self._shown_at = now
            print("\r" + self._line(event, share, now), end="\x1b[K", file=sys.stderr, flush=True)

    def _line(self, event: Step, share: float, now: float) -> str:
        done = round(share * _WIDTH)
        left = (now - self._began) / share * (1 - share)
        loss = "n/a" if event.loss is None else f"{event.loss:.4f}"
        return f"[{'#' * done}{'.' * (_WIDTH - done)}] step {event.step}/{self._steps}  loss {loss}  {left:.0f} s left"

    def _say(self, text: str) -> None:
        print(("\r\x1b[K" if self._terminal else "") + text, file=sys.stderr)
