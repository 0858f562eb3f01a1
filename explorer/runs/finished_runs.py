"""Finished runs that come with the app, so that a page has something to show before anybody has trained.

Three runs on each built-in dataset, of equal budget: the article's recipe, plain cross-entropy and Jaccard alone. Their
folders lie in ``assets/runs``; ``python -m tools.finished_runs`` makes them. A store gets copies, since landscapes are
measured into a run's folder. They belong to nobody, and nobody can change them: whoever wants to train further carries
on in a run of their own (:mod:`explorer.runs.carrying_on`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from explorer.runs.folder import RunFolder
from explorer.runs.store import Store

RUNS_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "runs"
Training = Literal["recipe", "ce", "jaccard"]


@dataclass(frozen=True)
class FinishedRun:
    """One of the runs."""

    builtin: str  # key of the built-in dataset
    training: Training

    @property
    def id(self) -> str:
        """Of the run, in every store."""
        return f"{self.builtin}-{self.training}"

    @property
    def folder(self) -> RunFolder:
        """What comes with the app; read-only."""
        return RunFolder(RUNS_FOLDER / self.id)


FINISHED_RUNS: Mapping[str, FinishedRun] = MappingProxyType(
    {
        run.id: run
        for run in (
            FinishedRun(builtin, training)
            for builtin in ("car_park", "harbour", "town")
            for training in ("recipe", "ce", "jaccard")
        )
    }
)
"""By id, in the order in which they are offered."""

BUILTINS: tuple[str, ...] = tuple(dict.fromkeys(run.builtin for run in FINISHED_RUNS.values()))
"""Keys of the built-in datasets that they were trained on."""

WHAT_THEY_TRAINED: Mapping[Training, str] = MappingProxyType(
    {
        "recipe": "the article's recipe: weighted cross-entropy until recall is satisfying, then Jaccard, twice",
        "ce": "plain cross-entropy, as a control",
        "jaccard": "Jaccard alone, as a control",
    }
)


def add_finished_runs(store: Store, builtin: str, dataset_id: str) -> None:
    """Adds the finished runs on a built-in dataset to a store, unless they are there.

    Args:
        store: that gets copies.
        builtin: key of the dataset.
        dataset_id: its id in the store.

    Raises:
        InputError: there is no dataset with this id, or a run that comes with the app is missing.
    """
    # the first one is the newest, which pages show first
    for run in reversed([run for run in FINISHED_RUNS.values() if run.builtin == builtin]):
        store.add_example(run.id, run.folder, dataset_id, group=builtin)
