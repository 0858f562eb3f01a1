"""What every page shares: one store and one engine for each server, started in the background.

Home is usable before the engine stands: ``store()`` answers at once, ``engine()`` waits until the workers are up.
"""

from __future__ import annotations

import gc
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import streamlit as st

from explorer.imagery.balance import ClassShare, class_balance
from explorer.imagery.builtin import builtin_dataset
from explorer.imagery.scene import Dataset
from explorer.jobs.engine import Engine
from explorer.runs.history import Follower
from explorer.runs.store import Store
from explorer.runs.threshold_sweep import ThresholdSweep, load_sweep, sweep_file
from explorer.settings import settings


@dataclass(frozen=True)
class _Services:
    store: Store
    engine: Future[Engine]


def _start_engine(store: Store) -> Engine:
    engine = Engine(store, settings())
    # Streamlit collects garbage after every run of a page: with the libraries' objects frozen that costs 8 ms, not 70
    import pandas  # noqa: F401
    import plotly.graph_objects

    plotly.graph_objects.Figure().to_plotly_json()
    gc.collect()
    gc.freeze()
    return engine


def _release(services: _Services) -> None:
    services.engine.result().close()


@st.cache_resource(show_spinner=False, on_release=_release)
def _services() -> _Services:
    store = Store(settings().store)
    starter = ThreadPoolExecutor(1, thread_name_prefix="engine-start")
    engine = starter.submit(_start_engine, store)
    starter.shutdown(wait=False)
    return _Services(store, engine)


def start() -> None:
    """Begin to start store and engine, unless that has been done; returns at once."""
    _services()


def store() -> Store:
    """The store of this server."""
    return _services().store


def engine() -> Engine:
    """The engine of this server; waits until its workers are up (about half a second after a fresh start)."""
    return _services().engine.result()


@st.cache_resource(show_spinner="Drawing the built-in scenes …", max_entries=8)
def builtin_id(key: str) -> str:
    """The store's id of a built-in dataset, which is drawn and saved at its first use.

    Args:
        key: one of ``builtin.BUILTIN``.
    """
    return store().save_dataset(builtin_dataset(key))


@st.cache_resource(show_spinner="Reading the scenes …", max_entries=4)
def dataset(dataset_id: str) -> Dataset:
    """The dataset with this id, kept in memory between reruns. Treat it as read-only: all sessions share it."""
    return store().dataset(dataset_id)


@st.cache_resource(show_spinner=False, max_entries=32)
def balance(dataset_id: str) -> tuple[ClassShare, ...]:
    """The class balance of a dataset's training scenes: what weight rules compute from."""
    chosen = dataset(dataset_id)
    return class_balance(chosen.training, chosen.classes)


@st.cache_resource(show_spinner=False, max_entries=64)
def follower(run_id: str) -> Follower:
    """The one reader of a run's events, shared by all that look at it."""
    return Follower(store(), run_id)


@st.cache_resource(show_spinner="Measuring every threshold …", max_entries=16)
def tradeoffs(run_id: str, checkpoint: str) -> ThresholdSweep:
    """A checkpoint at every threshold: measured on a worker the first time, read from its file from then on.

    Raises:
        InputError: the checkpoint cannot be read.
    """
    folder, record = store().folder(run_id), store().run(run_id)
    path = sweep_file(folder, checkpoint)
    if not path.exists():
        work = "explorer.jobs.threshold_sweep:measure_file"
        engine().quick(work, folder.path, store().dataset_file(record.dataset_id), checkpoint).result()
    return load_sweep(path)
