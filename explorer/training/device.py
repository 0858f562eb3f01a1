"""The device on which a run computes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from explorer.errors import InputError


def pick_device(name: str = "auto") -> torch.device:
    """The device of this name; "auto" takes CUDA, else MPS, else the CPU.

    Raises:
        InputError: this machine has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(
            f"there is no device called {name!r}", "device", "take auto, cpu, cuda, cuda:1 or mps"
        ) from None
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(device.type, False):
        raise InputError(f"this machine has no {name}", "device", "take auto or cpu")
    return device


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """The precision of a forward pass on a device: bfloat16 where CUDA mixes precisions."""
    return torch.autocast("cuda", dtype=torch.bfloat16) if device.type == "cuda" else nullcontext()


def describe(device: torch.device) -> str:
    """The device's name as shown: "cpu (2 threads)", "NVIDIA H100"."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"cpu ({torch.get_num_threads()} threads)" if device.type == "cpu" else device.type
