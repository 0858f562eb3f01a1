"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in explorer.jobs.cluster; before anything imports torch


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real imagery with labels, which lies beside the checkout and is never part of it."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real imagery is not here: {folder.name} is expected in ../shared beside the checkout")
    return folder
