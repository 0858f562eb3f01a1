"""A checkpoint comes back from its file as it was, and what is no checkpoint is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from explorer.errors import InputError
from explorer.losses.spec import LossSpec
from explorer.training.checkpoints import (
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from explorer.training.device import describe, pick_device
from explorer.training.schedule import Position

WEIGHTS = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0))


def checkpoint_at(step: int) -> Checkpoint:
    return Checkpoint(
        step=step,
        position=Position(1, 2, 30, 0.1 + 0.2, None, 1, 17, 0.7),
        weights={"head.weight": WEIGHTS.to(memory_format=torch.channels_last, copy=True)},
        moments={"head.weight.exp_avg": WEIGHTS / 3, "head.weight.step": torch.tensor(float(step))},
        seconds=12.5,
        rate_factor=0.25,
        recoveries=2,
        loss=LossSpec(kind="focal", gamma=1.5),
        learning_rate=3e-4,
        recent_losses=(0.1, 1 / 3),
        trained={"head.weight": WEIGHTS * 2},
    )


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    saved = checkpoint_at(70)
    loaded = load_checkpoint(save_checkpoint(saved, tmp_path))
    for field in ("step", "position", "seconds", "rate_factor", "recoveries", "loss", "learning_rate", "recent_losses"):
        assert getattr(loaded, field) == getattr(saved, field)
    for name in ("weights", "moments", "trained"):
        before, after = getattr(saved, name), getattr(loaded, name)
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)


def test_a_checkpoint_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """It knows of no carried steps, of nothing within reach, and of no average."""
    state = {
        "step": 7,
        "position": {"phase": 0, "cycle": 1, "began": 5, "smoothed": 0.5, "best": None, "satisfied": 1},
        "seconds": 1.5,
        "rate_factor": 1.0,
        "recoveries": 0,
        "loss": None,
        "learning_rate": None,
        "recent_losses": [0.5],
    }
    path = tmp_path / "step_00000007.safetensors"
    path.write_bytes(save({"weights.head.weight": WEIGHTS}, {"state": json.dumps(state)}))
    loaded = load_checkpoint(path)
    assert loaded.position == Position(0, 1, 5, 0.5, None, 1, carried=0, reachable=None)
    assert loaded.trained == {}
    assert torch.equal(loaded.weights["head.weight"], WEIGHTS)


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\xff" * 64, b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_what_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "step_00000001.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=path.name):
        load_checkpoint(path)


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    written = save_checkpoint(checkpoint_at(5), tmp_path)
    assert list(tmp_path.iterdir()) == [written]


def test_a_clone_is_not_touched_by_what_follows() -> None:
    checkpoint = checkpoint_at(1)
    clone = checkpoint.clone()
    checkpoint.weights["head.weight"].zero_()
    checkpoint.trained["head.weight"].zero_()
    assert clone.weights["head.weight"].all()
    assert clone.trained["head.weight"].all()


@pytest.mark.parametrize("name", ["", "gpu", "cuda:x", "tpu", "meta", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        pick_device(name)
    assert caught.value.where == "device"


def test_there_is_always_a_device() -> None:
    assert pick_device().type in ("cpu", "cuda", "mps")
    assert pick_device("cpu") == torch.device("cpu")
    assert describe(torch.device("cpu")) == f"cpu ({torch.get_num_threads()} threads)"
