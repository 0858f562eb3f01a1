"""One run that all tests of reports read."""

from __future__ import annotations

import pytest

from explorer.report.source import RunSource
from tests.report.reported import hostile_dataset, reported, trained_folder


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunSource:
    """A run that has ended, with its sweep and its imagery."""
    dataset = hostile_dataset()
    return reported(trained_folder(tmp_path_factory.mktemp("runs") / "run", dataset), dataset)
