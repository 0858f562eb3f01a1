"""The state of a run in one safetensors file: weights, AdamW's moments and where in the plan it is. Never pickle.

Where a run averages its weights, ``weights`` are the average, which is what is evaluated; ``trained`` are those from
which the optimiser goes on.

A checkpoint's file appears complete or not at all: a kill at any moment leaves those before it intact.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.losses.spec import LossSpec
from explorer.training.schedule import Position


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything that a run needs to continue as if it had never stopped."""

    step: int
    position: Position
    weights: dict[str, Tensor]  # by parameter name; what is evaluated
    moments: dict[str, Tensor]  # "<parameter>.<exp_avg|exp_avg_sq|step>"
    seconds: float  # of training so far
    rate_factor: float = 1.0  # by which all learning rates are multiplied; halved at every divergence
    recoveries: int = 0
    loss: LossSpec | None = None  # of the current phase, where it was steered
    learning_rate: float | None = None  # likewise
    recent_losses: tuple[float, ...] = ()  # of the current phase, against which an exploding loss is noticed
    trained: dict[str, Tensor] = field(default_factory=dict)  # that training goes on from; empty: ``weights``

    def clone(self) -> Checkpoint:
        """A copy that further training does not touch."""
        return replace(
            self,
            weights=_copied(self.weights),
            moments=_copied(self.moments),
            trained=_copied(self.trained),
        )


def _copied(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in tensors.items()}


def checkpoint_name(step: int) -> str:
    """The file that holds the state after this step."""
    return f"step_{step:08d}.safetensors"


def save_checkpoint(checkpoint: Checkpoint, folder: Path, name: str | None = None) -> Path:
    """Writes the checkpoint into the folder and returns its path.

    Args:
        checkpoint: what is written.
        folder: that exists.
        name: of the file; that of its step if not given.
    """
    state = {
        "step": checkpoint.step,
        "position": asdict(checkpoint.position),
        "seconds": checkpoint.seconds,
        "rate_factor": checkpoint.rate_factor,
        "recoveries": checkpoint.recoveries,
        "loss": checkpoint.loss.model_dump() if checkpoint.loss else None,
        "learning_rate": checkpoint.learning_rate,
        "recent_losses": checkpoint.recent_losses,
    }
    tensors = {
        f"{part}.{name}": value
        for part in ("weights", "moments", "trained")
        for name, value in getattr(checkpoint, part).items()
    }
    arrays = {name: value.detach().cpu().contiguous().numpy() for name, value in tensors.items()}
    data = save(arrays, {"state": json.dumps(state)})  # of arrays: of tensors it takes twice as long
    path = folder / (name or checkpoint_name(checkpoint.step))
    write_atomically(path, data)
    return path


def compact(path: Path, folder: Path) -> Path:
    """Writes a checkpoint once more, for looking at: weights in half precision, a sixth of the size.

    Training can go on from it, with a fresh optimiser.

    Args:
        path: of the checkpoint.
        folder: that exists; the file has the same name there.

    Raises:
        InputError: see :func:`load_checkpoint`.
    """
    state = load_checkpoint(path)
    halves = {name: value.half() for name, value in state.weights.items()}
    return save_checkpoint(replace(state, weights=halves, moments={}, trained={}), folder, path.name)


def load_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in this file, on the CPU.

    Raises:
        InputError: the file cannot be read or is no checkpoint of this program.
    """
    try:
        with safe_open(path, framework="pt") as file:
            state: dict[str, Any] = json.loads((file.metadata() or {})["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 — no mapping
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"is not a readable checkpoint ({error})", path.name, "take another checkpoint") from None
    return Checkpoint(
        step=state["step"],
        position=Position(**state["position"]),
        weights=_part(tensors, "weights."),
        moments=_part(tensors, "moments."),
        seconds=state["seconds"],
        rate_factor=state["rate_factor"],
        recoveries=state["recoveries"],
        loss=LossSpec.model_validate(state["loss"]) if state["loss"] else None,
        learning_rate=state["learning_rate"],
        recent_losses=tuple(state["recent_losses"]),
        trained=_part(tensors, "trained."),
    )


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    kept = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    return {name: value.float() if value.dtype == torch.half else value for name, value in kept.items()}  # compact ones


def load_weights(module: torch.nn.Module, checkpoint: Checkpoint) -> None:
    """Puts the checkpoint's weights, averaged where the run averages them, into a segmenter of the same shape."""
    module.load_state_dict(checkpoint.weights)
