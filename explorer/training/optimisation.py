"""One optimiser step: backward pass, clipping, AdamW with a learning rate for each group of parameters; and whether it
went wrong."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from explorer.losses.loss import Loss
from explorer.losses.prediction import Prediction
from explorer.segmenter.network import Segmenter, parameter_groups

EXPLODED = 20.0  # a loss has exploded above this many times the median of the phase's last losses
REMEMBERED = 50  # losses of which the median is taken; no loss counts as exploded before a tenth of them


def divergence(loss: float, gradient_norm: float, recent: Sequence[float]) -> str | None:
    """Why a step cannot be trusted, in words; None if it can.

    >>> divergence(0.5, 1.0, [0.4] * 5), divergence(9.0, 1.0, [0.4] * 5)
    (None, 'the loss exploded: 9, after 0.4 before')

    Args:
        loss: of the step.
        gradient_norm: of the step.
        recent: the phase's last losses, at most ``REMEMBERED``.
    """
    if not math.isfinite(loss) or not math.isfinite(gradient_norm):
        return "the loss became NaN or infinite"
    if len(recent) >= REMEMBERED // 10:
        usual = statistics.median(recent)
        if loss > EXPLODED * max(usual, 0.05):
            return f"the loss exploded: {loss:.3g}, after {usual:.3g} before"
    return None


def no_work() -> None:
    """Nothing overlaps with the backward pass."""


def training_step(
    loss: Loss,
    prediction: Prediction,
    optimizer: torch.optim.Optimizer,
    parameters: Sequence[Tensor],
    meanwhile: Callable[[], None] = no_work,
    clip: float | None = None,
    beside: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Backward pass and one optimiser step; returns the loss and the norm of the gradient, both on the device.

    Args:
        meanwhile: called before the backward pass; nothing else writes to the prediction from then on.
        clip: a longer gradient is shortened to this norm; the norm that is returned is that before.
        beside: a scalar that is trained beside the loss; it is in the gradient, and not in the loss that is returned.
    """
    value = loss.of(prediction)
    total = value if beside is None else value + beside
    meanwhile()
    optimizer.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.stack(torch._foreach_norm(gradients)).norm()
    if clip is not None:
        torch._foreach_mul_(gradients, (clip / norm.clamp_min(clip)))
    optimizer.step()
    return value.detach(), norm


def make_optimizer(segmenter: Segmenter, weight_decay: float, device: torch.device) -> torch.optim.AdamW:
    """AdamW, fused where the device has it. ``set_rate`` is called before every step."""
    parameters = dict(segmenter.named_parameters())
    groups = [
        {"params": [parameters[name] for name in names], "rate_factor": factor}
        for names, factor in parameter_groups(segmenter)
    ]
    return torch.optim.AdamW(groups, lr=0.0, weight_decay=weight_decay, fused=device.type in ("cpu", "cuda"))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Gives every group its multiple of the phase's learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["rate_factor"]


def restore_moments(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor], moments: Mapping[str, Tensor]
) -> None:
    """Gives a fresh optimiser the state of a checkpoint.

    Args:
        parameters: by name.
        moments: "<parameter>.<exp_avg|exp_avg_sq|step>"; parameters that are not among them stay fresh.
    """
    for name, parameter in parameters.items():
        state = {
            key: _like(moments[f"{name}.{key}"], parameter)
            for key in ("step", "exp_avg", "exp_avg_sq")
            if f"{name}.{key}" in moments
        }
        if state:
            optimizer.state[parameter] = state


def _like(moment: Tensor, parameter: Tensor) -> Tensor:
    """A copy on the parameter's device, laid out in memory as the parameter is.

    A file stores no layout, and fused AdamW reads parameter and moments in memory order: channels_last weights with
    moments of another layout would be updated with the moments of other weights.
    """
    if moment.shape != parameter.shape:  # the count of steps
        return moment.to(parameter.device, copy=True)
    return torch.empty_like(parameter, requires_grad=False).copy_(moment)
