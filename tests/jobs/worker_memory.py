"""What a worker does with memory; in a module of its own, which scheduler and workers can import."""

from __future__ import annotations

import resource

import torch


def faults_of_tensors() -> int:
    """How often the kernel had to give a page for tensors that are made and dropped, one after another."""
    before = max(_make() for _ in range(16))  # by then there is room
    return max(_make() for _ in range(8)) - before


def _make() -> int:
    torch.full((2**21,), 1.0)  # 8 MiB, as the maps of a layer
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
