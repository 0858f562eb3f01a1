"""Executes a run in its folder: the one code path of the worker and of the command line.

A run is a resumable function of its last checkpoint. ``execute`` goes on from the newest checkpoint that the events
record, whatever happened to the job before: paused, killed or never started. The steps after it are made once more, and
since the training loop is deterministic on a processor, they come out the same; changes that were made by hand in
those steps are made again at the same steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from explorer.errors import InputError
from explorer.files import NoRoomError, writing
from explorer.imagery.scene import Dataset
from explorer.runs.event_log import EventLog
from explorer.runs.folder import RunFolder
from explorer.runs.slices import ensure_landscape_data
from explorer.runs.summary import write_summary
from explorer.runs.timeline import going_back, timeline
from explorer.training.checkpoints import Checkpoint, load_checkpoint
from explorer.training.commands import Command, Pace, Steer
from explorer.training.events import CheckpointSaved, Ended, Event, Intervened, Note, Paused, Step
from explorer.training.loop import train
from explorer.training.plan import Plan
from explorer.training.timekeeping import Timekeeper

_POLL_SECONDS = 0.05  # between looks for commands
_CHECKPOINT_SECONDS = 2.0  # between saves: what a killed job loses
_logger = logging.getLogger(__name__)


def execute(
    folder: RunFolder,
    dataset: Dataset,
    *,
    device: str = "auto",
    checkpoint_steps: int = 50,
    wait: float = 0.0,
    on_write: Callable[[], None] = lambda: None,
) -> Iterator[Event]:
    """Trains until the plan is done, or a command ends or pauses it, and logs all that happens in the folder.

    Args:
        folder: of the run.
        dataset: what to train on; the one that the folder refers to.
        device: see ``train``.
        checkpoint_steps: steps between checkpoints that are kept.
        wait: seconds to wait for another job to leave the folder.
        on_write: called whenever something new can be read in the folder.

    Yields:
        The events, as logged.

    Raises:
        InputError: the folder is no run or in use, or plan, dataset and device do not go together.
        NoRoomError: the disk is full, or cannot be written; the run can be resumed once it can.
    """
    plan = folder.plan()
    with writing(folder.path), folder.locked(wait):
        past = folder.events()
        checkpoint, restart = _newest_checkpoints(folder, past)
        if past and isinstance(past[-1], Ended) and past[-1].reason != "failed":
            return
        step = checkpoint.step if checkpoint else 0
        kept, lost = going_back(timeline(past), step)
        inbox, timekeeper = _Inbox(folder), Timekeeper(plan, kept)
        folder.checkpoints.mkdir(exist_ok=True)
        has_crops = False  # of landscapes, in its folder
        with EventLog(folder, kept, len(dataset.classes), on_write) as log:
            if past and not isinstance(past[-1], Paused | Ended):
                text = f"The job was lost at step {past[-1].step}; it resumes from step {step}."
                yield log.write(Note(past[-1].step, text))
            try:
                for event in train(
                    _with_interventions(plan, kept, lost),
                    dataset,
                    device=device,
                    checkpoints=folder.checkpoints,
                    resume=_in_the_next_phase(checkpoint, plan),
                    restart=_in_the_next_phase(restart, plan),
                    commands=lambda: (*inbox(), *timekeeper()),
                    checkpoint_steps=checkpoint_steps,
                    checkpoint_seconds=_CHECKPOINT_SECONDS,
                ):
                    step = event.step
                    if isinstance(event, Ended):  # summed up first: a run that has ended has its summary
                        log.flush()
                        write_summary(folder, dataset, [*folder.events(), event], device)
                    logged = log.write(event)
                    inbox.settle(event)
                    timekeeper.see(event)
                    yield logged
                    if isinstance(event, Step) and not has_crops:  # whoever waits for the first step has seen it
                        log.flush()
                        ensure_landscape_data(folder, lambda: dataset)
                        has_crops = True
            except NoRoomError:
                raise  # nothing can be logged; what the disk holds is enough to go on from
            except Exception as error:
                log.write(Ended(step, "failed", str(error) or type(error).__name__))
                raise


class _Inbox:
    """The commands that the training loop has not been given yet."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._given: dict[str, Command] = {}
        self._read_at = 0.0

    def __call__(self) -> Sequence[Command]:
        """The commands since the last call; the folder is read a few times a second."""
        now = time.monotonic()
        if now < self._read_at:
            return ()
        self._read_at = now + _POLL_SECONDS
        new = {name: command for name, command in self._folder.pending().items() if name not in self._given}
        self._given |= new
        return tuple(new.values())

    def settle(self, event: Event) -> None:
        """Forgets the commands whose effect has been logged: a job that replaces this one must not repeat them."""
        if isinstance(event, Intervened):
            done = [name for name, command in self._given.items() if isinstance(command, Steer)]
        elif isinstance(event, Paused | Ended):
            done = [name for name, command in self._given.items() if isinstance(event, Ended) or _ends(command)]
        else:
            return
        self._folder.forget(*done)
        for name in done:
            del self._given[name]


def _ends(command: Command) -> bool:
    """Whether a pause ends what was ordered; slow motion goes on after it."""
    return not isinstance(command, Pace)


def _newest_checkpoints(folder: RunFolder, past: Sequence[Event]) -> tuple[Checkpoint | None, Checkpoint | None]:
    """The newest checkpoint that the events record and that can be read, and the newest that was not saved by time.

    A file without its event is not used: the events of the steps before it may not have been written.
    """
    newest: Checkpoint | None = None
    for event in reversed(timeline(past)):
        if not isinstance(event, CheckpointSaved) or (newest is not None and event.reason == "time"):
            continue
        try:
            found = load_checkpoint(folder.checkpoints / event.file)
        except InputError as error:
            _logger.warning("%s: %s", folder.path.name, error)
            continue
        if found.step != event.step:
            continue  # saved by time, and another state has taken its file since
        newest = newest or found
        if event.reason != "time":
            return newest, found
    return newest, None


def _in_the_next_phase(checkpoint: Checkpoint | None, plan: Plan) -> Checkpoint | None:
    """The checkpoint at the start of the next phase where its own is over: it ended a shorter plan, which is carried on
    (``explorer.runs.carrying_on``), and its phase has left no trace but the weights."""
    if checkpoint is None or checkpoint.position.ended(plan, checkpoint.step) is None:
        return checkpoint
    following = checkpoint.position.following(plan, checkpoint.step)
    if following is None:
        return checkpoint
    return replace(checkpoint, position=following, loss=None, learning_rate=None, recent_losses=())


def _with_interventions(plan: Plan, kept: Sequence[Event], lost: Sequence[Event]) -> Plan:
    """The plan with the changes that are still to be made: its own, and those by hand that were lost.

    Changes that kept the time are not among the latter: how fast the steps are is measured anew.
    """
    made = [event.intervention for event in kept if isinstance(event, Intervened)]
    ahead = [intervention for intervention in plan.interventions if intervention not in made]
    again = [event.intervention for event in lost if isinstance(event, Intervened)]
    if plan.seconds is not None:
        again = [intervention for intervention in again if intervention.length_factor is None]
    ahead += [intervention for intervention in again if intervention not in ahead]
    return plan.model_copy(update={"interventions": tuple(ahead)})
