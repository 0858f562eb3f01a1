"""Every loss runs, forward and backward, where its tensors lie: no tensor left on the CPU, no value read back.

On the device ``meta`` under ``FakeTensorMode`` a tensor of another device raises, and so does reading a value, which
on a GPU would make the host wait for the device.
"""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from explorer.losses import LossSpec
from explorer.losses.loss import build_loss, evaluate_losses, logged_losses
from explorer.losses.prediction import Prediction
from tests.losses.cases import BINARY, FOUR, name


@pytest.mark.parametrize(("classes", "channels", "table"), [(2, 1, BINARY), (2, 2, BINARY), (4, 4, FOUR)])
@pytest.mark.parametrize("which", range(len(BINARY)), ids=lambda i: name(BINARY[i]))
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_loss_stays_on_its_device(
    classes: int, channels: int, table: list[LossSpec], which: int, dtype: torch.dtype
) -> None:
    with FakeTensorMode(), torch.device("meta"):
        logits = torch.empty(2, channels, 16, 16, dtype=dtype, requires_grad=True)
        maps = torch.empty(2, classes, 16, 16, dtype=torch.int32)
        labels = torch.empty(2, 16, 16, dtype=torch.uint8)
        value = build_loss(table[which]).of(Prediction(logits, labels, maps[:, 0], maps[:, 1:], id_bound=9))
        value.backward()
        assert value.device.type == "meta"
        assert value.dtype == torch.float32
        assert logits.grad is not None
        assert logits.grad.shape == logits.shape


def test_what_a_run_logs_stays_on_its_device() -> None:
    losses = list(logged_losses((1.0, 9.0)).values())
    with FakeTensorMode(), torch.device("meta"):
        maps = torch.empty(2, 2, 16, 16, dtype=torch.int32)
        labels = torch.empty(2, 16, 16, dtype=torch.uint8)
        prediction = Prediction(torch.empty(2, 2, 16, 16), labels, maps[:, 0], maps[:, 1:], id_bound=9)
        assert evaluate_losses(prediction, losses).shape == (len(losses),)
