"""The training loop: a generator of events.

Live pages, the command line, tests and benchmarks all consume ``train``. On a CPU it is deterministic for a seed: the
same events, bit for bit, also when it is interrupted and resumed.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.scene import Dataset
from explorer.losses.loss import Loss, build_loss, logged_losses
from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec, ramped
from explorer.metrics.counts import Scores
from explorer.segmenter.border import border_loss, outputs_of
from explorer.segmenter.network import Segmenter, build_segmenter, count_parameters
from explorer.training.averaging import WeightAverage
from explorer.training.checkpoints import Checkpoint
from explorer.training.commands import Command, Pace, Pause, RunUntil, Steer, Stop
from explorer.training.device import autocast, describe, pick_device
from explorer.training.events import (
    CheckpointSaved,
    Ended,
    Event,
    Intervened,
    Note,
    Paused,
    PhaseChange,
    Preview,
    Recovered,
    Started,
    Step,
    Validation,
)
from explorer.training.finding import not_found_message
from explorer.training.optimisation import (
    REMEMBERED,
    divergence,
    make_optimizer,
    restore_moments,
    set_rate,
    training_step,
)
from explorer.training.overlap import BackwardOverlap
from explorer.training.pacing import Pacing
from explorer.training.plan import Plan
from explorer.training.sampler import Sampler
from explorer.training.saving import Saver, SaveReason
from explorer.training.schedule import Position, effective_learning_rate, share_done, validation_steps
from explorer.training.watching import Watch, trained_and_held_out
from explorer.training.weighting import check_loss_weights, check_weights, logged_weights, weights_of_data

COSTLY_EVERY = 20  # steps between values of the costly losses
MOST_RECOVERIES = 3


def no_commands() -> Sequence[Command]:
    """No commands, ever."""
    return ()


def train(
    plan: Plan,
    dataset: Dataset,
    *,
    device: str = "auto",
    checkpoints: Path | None = None,
    resume: Checkpoint | None = None,
    restart: Checkpoint | None = None,
    commands: Callable[[], Sequence[Command]] = no_commands,
    checkpoint_steps: int = 50,
    checkpoint_seconds: float | None = None,
) -> Iterator[Event]:
    """Trains a new segmenter, or continues from a checkpoint, and reports every event.

    Args:
        plan: phases and settings; its weight rules are resolved against the training scenes.
        dataset: the scenes and their split.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        checkpoints: folder to write checkpoints into; None keeps the last one in memory only.
        resume: the state to continue from.
        restart: where that was saved by time, the last checkpoint before it that was not.
        commands: called before every step; returns the commands that have arrived since.
        checkpoint_steps: steps between checkpoints.
        checkpoint_seconds: seconds between saves, see :class:`explorer.training.saving.Saver`.

    Raises:
        InputError: the device does not exist, or class weights do not fit the dataset's classes.
    """
    saver = Saver(checkpoints, checkpoint_steps, checkpoint_seconds)
    yield from _Run(plan, dataset, pick_device(device), commands, saver).events(resume, restart)


class _Run:
    """The state of one run while it trains."""

    def __init__(
        self,
        plan: Plan,
        dataset: Dataset,
        device: torch.device,
        commands: Callable[[], Sequence[Command]],
        saver: Saver,
    ) -> None:
        classes = self.classes = len(dataset.classes)
        parts = trained_and_held_out(plan, dataset)
        dataset, held_out = replace(dataset, training=parts.training), parts.validation
        self.names, self.held_out = dataset.classes, tuple(scene.name for scene in held_out)
        self.device, self.commands, self.saver = device, commands, saver
        self.weights_of = weights_of_data(dataset)
        self.plan = plan.model_copy(
            update={
                "phases": tuple(
                    phase.model_copy(update={"loss": phase.loss.resolved(self.weights_of)}) for phase in plan.phases
                )
            }
        )
        check_weights(self.plan, classes)
        self.weights = logged_weights(self.plan, self.weights_of)
        channels = plan.inputs.channels(len(dataset.bands))
        plan.segmenter.check_bands(len(dataset.bands))
        self.segmenter = build_segmenter(channels, classes, plan.segmenter, plan.seed).to(device)
        self.segmenter.start_at(np.sum([scene.pixel_counts(classes) for scene in dataset.training], axis=0).tolist())
        self.average = WeightAverage(self.segmenter, plan.averaging) if plan.averaging is not None else None
        self.parameters = dict(self.segmenter.named_parameters())
        self.trained = list(self.parameters.values())
        self.sampler = Sampler(dataset.training, classes, dataset.stretch, plan, device)
        self.overlap = BackwardOverlap(self.sampler, device)
        self.watch = Watch(plan, dataset, held_out, device)
        logged = logged_losses(self.weights, [phase.loss.kind for phase in self.plan.phases])
        self.cheap = {kind: loss for kind, loss in logged.items() if not LOSSES[kind].costly}
        self.logged = logged
        self.optimizer = self._fresh_optimizer()
        self.step = 0
        self.position = Position()
        self.rate_factor, self.recoveries = 1.0, 0
        self.steered_loss: LossSpec | None = None
        self.steered_rate: float | None = None
        self.recent: list[float] = []
        self.before, self.began = 0.0, time.perf_counter()
        self.until: int | None = None
        self.pacing = Pacing()
        self.good = self._checkpoint().clone()

    # Events, in order -------------------------------------------------------------------------------------

    def events(self, resume: Checkpoint | None, restart: Checkpoint | None) -> Iterator[Event]:
        if resume is not None:
            self._restore(resume)
            self.good = (restart or resume).clone()
        yield Started(self.step, describe(self.device), count_parameters(self.segmenter), self.weights, self.held_out)
        if self.watch.useless_triggers:
            yield Note(
                self.step, "No training scene is large enough to hold out a part of it: no trigger ends a phase."
            )
        if resume is None:
            yield PhaseChange(0, 0, 0, "start")
            with self._evaluated() as segmenter:
                shown = self.watch.validator.predict_preview(segmenter)
            yield self._preview(shown)
            yield from self._save("interval")
        elif self._is_last():  # its last checkpoint: the job was lost before it could say that the plan is done
            with self._evaluated() as segmenter:
                scores = self.watch.validator.validate(segmenter).scores
            yield self._done(scores)
            return
        scores = Scores(None, {})
        while True:
            ordered = yield from self._apply_commands()
            if ordered is not None:
                yield from self._save("pause" if ordered == "pause" else "end")
                yield Paused(self.step) if ordered == "pause" else Ended(self.step, "stopped")
                return
            self.began += self.pacing.wait()
            reached = yield from self._one_step()
            if not reached:
                if self.recoveries > MOST_RECOVERIES:
                    return
                continue
            if self.step % validation_steps(self.watch.interval, self.position) == 0 or self._is_last():
                scores = yield from self._validate()
            reason = self.position.ended(self.plan, self.step)
            if reason is not None:
                following = self.position.following(self.plan, self.step)
                if following is None:
                    yield from self._save("end")
                    yield self._done(scores)
                    return
                self._enter(following)
                # before the checkpoint: what follows a checkpoint's event is told again by a run that resumes from it
                yield PhaseChange(self.step, following.phase, following.cycle, reason)
                yield from self._save("phase")
            elif (due := self.saver.due(self.step)) is not None:
                yield from self._save(due)

    def _apply_commands(self) -> Generator[Event, None, Literal["pause", "stop"] | None]:
        """Carries out the commands; returns "pause" or "stop" if the run must pause or stop."""
        ordered: Literal["pause", "stop"] | None = None
        for command in self.commands():
            match command:
                case Pause():
                    ordered = ordered or "pause"
                case Stop():
                    ordered = "stop"
                case RunUntil(step):
                    self.until = step
                case Steer():
                    yield self._steer(command)
                case Pace(steps_per_second):
                    self.pacing.steps_per_second = steps_per_second
        if ordered is None and self.until is not None and self.step >= self.until:
            ordered = "pause"
        if ordered is None:  # after a pause these are still due
            for recorded in self.plan.interventions:
                if recorded.step == self.step:
                    yield self._steer(Steer.of(recorded))
        return ordered

    def _one_step(self) -> Generator[Event, None, bool]:
        """Makes a step and reports it; returns False if the loss was NaN, infinite or exploding."""
        rate = effective_learning_rate(self.plan, self.position, self.step, self.steered_rate, self.rate_factor)
        set_rate(self.optimizer, rate)
        loss = self._loss()
        everything = self.step % COSTLY_EVERY == 0
        logged = self.logged if everything else self.cheap
        batch = self.overlap.taken(self.step) or self.sampler.batch(self.step)
        with autocast(self.device):
            logits, border = outputs_of(self.segmenter, batch.images)
        needs_objects = everything or loss.spec.needs_objects or border is not None
        prediction = self.sampler.prediction(logits, batch.labels, batch.crops, needs_objects)
        beside = None if border is None else border_loss(border, prediction.objects[0], prediction.weight)
        self.overlap.prepare(self.step + 1, prediction, list(logged.values()))
        value, norm = training_step(
            loss, prediction, self.optimizer, self.trained, self.overlap.begin, self.plan.clip_gradient, beside
        )
        numbers = torch.cat([torch.stack([value, norm]), self.overlap.losses()]).tolist()
        trained, gradient_norm = numbers[0], numbers[1]
        reason = divergence(trained, gradient_norm, self.recent)
        if reason is not None:
            yield from self._recover(reason)
            return False
        self.recent = [*self.recent[-REMEMBERED + 1 :], trained]
        if self.average is not None:
            self.average.update(self.step)
        self.step += 1
        yield Step(
            self.step,
            self.position.phase,
            self.position.cycle,
            trained,
            {kind: _finite(number) for kind, number in zip(logged, numbers[2:], strict=True)},
            gradient_norm,
            rate,
            self._seconds(),
        )
        return True

    def _validate(self) -> Generator[Event, None, Scores]:
        """Validates, and lets the phase's trigger see the result; returns the scores on the validation scenes."""
        trigger = self.plan.phases[self.position.phase].trigger
        with self._evaluated() as segmenter:
            seen = self.watch.measure(segmenter, trigger)
        place = (self.step, self.position.phase, self.position.cycle)
        pixels = self.watch.validator.pixels
        yield Validation(*place, seen.scores, pixels, seen.seconds, seen.choosing, seen.reachable)
        yield self._preview(seen.preview)
        if seen.watched is not None:
            self.position = self.position.watch(trigger, seen.watched, seen.reachable)
        return seen.scores

    def _done(self, scores: Scores) -> Ended:
        return Ended(self.step, "done", not_found_message(scores, self.names))

    def _preview(self, prediction: NDArray[np.uint8]) -> Preview:
        window = self.watch.validator.preview
        return Preview(self.step, window.scene, window.top, window.left, prediction=prediction)

    def _recover(self, reason: str) -> Iterator[Event]:
        failed_at = self.step
        self.recoveries += 1
        if self.recoveries > MOST_RECOVERIES:
            yield Ended(
                failed_at,
                "diverged",
                f"{reason}; three restarts from a checkpoint with half the learning rate did not help",
            )
            return
        kept = replace(self.good, rate_factor=self.rate_factor / 2, recoveries=self.recoveries)
        self._restore(kept)
        yield Recovered(failed_at, self.step, self.rate_factor, reason)
        yield from self._save("recovery")

    # Parts ------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _evaluated(self) -> Iterator[Segmenter]:
        """What is validated and shown: the segmenter with its averaged weights, if the run averages them."""
        if self.average is not None:
            yield self.average.segmenter
            return
        self.segmenter.eval()
        try:
            yield self.segmenter
        finally:
            self.segmenter.train()

    def _loss(self) -> Loss:
        spec = self.steered_loss or self.plan.phases[self.position.phase].loss
        return build_loss(ramped(spec, share_done(self.plan, self.position, self.step)))

    def _steer(self, command: Steer) -> Intervened | Note:
        """Makes a change. One that does not fit the dataset is refused, which must not end the run."""
        if command.loss is not None:
            resolved = command.loss.resolved(self.weights_of)
            try:
                check_loss_weights(resolved, self.classes, "loss")
            except InputError as error:
                return Note(self.step, f"A change of the loss was refused: {error}")
            self.steered_loss = resolved
            self.recent = []
        self.steered_rate = command.learning_rate or self.steered_rate
        if command.length_factor is not None:
            self.position = self.position.resized(self.plan, self.step, command.length_factor)
        return Intervened(self.step, command.recorded(self.step))

    def _enter(self, position: Position) -> None:
        self.position = position
        self.steered_loss = self.steered_rate = None
        self.recent = []
        if self.plan.phases[position.phase].optimizer == "reset":
            self.optimizer = self._fresh_optimizer()

    def _is_last(self) -> bool:
        position = self.position
        ends = position.ended(self.plan, self.step) is not None
        return ends and position.following(self.plan, self.step) is None

    def _seconds(self) -> float:
        return self.before + time.perf_counter() - self.began

    def _fresh_optimizer(self) -> torch.optim.AdamW:
        return make_optimizer(self.segmenter, self.plan.weight_decay, self.device)

    def _save(self, reason: SaveReason) -> Iterator[Event]:
        state = self._checkpoint()
        if reason != "time":  # from which a run starts again must not depend on how fast the machine is
            state = self.good = state.clone()
        file = self.saver.save(state, reason)
        if file is not None:
            yield CheckpointSaved(self.step, reason, file)

    def _checkpoint(self) -> Checkpoint:
        moments = {
            f"{name}.{key}": value
            for name, parameter in self.parameters.items()
            for key, value in self.optimizer.state.get(parameter, {}).items()
        }
        weights = dict(self.segmenter.state_dict())
        return Checkpoint(
            step=self.step,
            position=self.position,
            weights=weights if self.average is None else dict(self.average.segmenter.state_dict()),
            moments=moments,
            seconds=self._seconds(),
            rate_factor=self.rate_factor,
            recoveries=self.recoveries,
            loss=self.steered_loss,
            learning_rate=self.steered_rate,
            recent_losses=tuple(self.recent),
            trained={} if self.average is None else weights,
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.segmenter.load_state_dict(checkpoint.trained or checkpoint.weights)
        if self.average is not None:
            self.average.restore(checkpoint.weights)
        self.optimizer = self._fresh_optimizer()
        restore_moments(self.optimizer, self.parameters, checkpoint.moments)
        self.step, self.position = checkpoint.step, checkpoint.position
        self.rate_factor, self.recoveries = checkpoint.rate_factor, checkpoint.recoveries
        self.steered_loss, self.steered_rate = checkpoint.loss, checkpoint.learning_rate
        self.recent = list(checkpoint.recent_losses)
        self.before, self.began = checkpoint.seconds, time.perf_counter()


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
