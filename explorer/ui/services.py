"""What all pages share: one store and one engine for each server, started in the background.

Home is usable before the engine is: ``store()`` answers at once, ``engine()`` waits until the cluster is there.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from explorer.errors import InputError
from explorer.imagery.balance import ClassShare, class_balance
from explorer.imagery.builtin import builtin_dataset
from explorer.imagery.scene import Dataset
from explorer.jobs.cluster_keys import is_open_to_all
from explorer.jobs.lease import StoreInUseError, server_beside
from explorer.jobs.registry import MeasureDataset, MeasureStep
from explorer.landscape.slice import Slice, read_slice
from explorer.runs.history import Follower
from explorer.runs.store import Store
from explorer.runs.threshold_sweep import ThresholdSweep, load_sweep
from explorer.runs.uploads import Uploads
from explorer.settings import settings
from explorer.training.fingerprint import Fingerprint
from explorer.training.recipe import SegmenterKind
from explorer.ui.engine_keeper import EngineKeeper

if TYPE_CHECKING:
    from explorer.jobs.engine import Engine
    from explorer.runs.prediction import Prediction

_FIRST_PAGE_SECONDS = 2.0  # for a visitor who comes at once: the first page goes before the workers
_WORKERS_SECONDS = 15.0  # at most, until the workers no longer need the processor to start
_MEASURED_FOR = 600.0  # seconds
_LARGE_SCENE = 10_000_000  # pixels
_large_scenes = threading.Lock()
_TIDY_SECONDS = 20.0  # between two looks at what is due in the store
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
OPEN_CLUSTER = (
    "whoever reaches the cluster of EXPLORER_SCHEDULER can have code run by its workers. Start it with TLS, and set "
    "EXPLORER_TLS_CA_FILE, EXPLORER_TLS_CERT_FILE and EXPLORER_TLS_KEY_FILE."
)
"""Said where ``is_open_to_all``."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Services:
    store: Store
    engine: EngineKeeper


def _start_engine(store: Store) -> Engine:
    from explorer.jobs.engine import Engine  # here, with all of Dask: the first page does not wait for it

    engine = Engine(store, settings())
    # What pages need later. Frozen: a collection of garbage that looks at the libraries' objects takes 70 ms, else 8
    import pandas  # noqa: F401
    import plotly.graph_objects

    plotly.graph_objects.Figure().to_plotly_json()
    gc.collect()
    gc.freeze()
    return engine


def _release(services: _Services) -> None:
    services.engine.close()


@st.cache_resource(show_spinner=False, on_release=_release)
def _services() -> _Services:
    store = Store(settings().store)
    beside = server_beside(store.root)  # the first page says so, before Dask is imported
    return _Services(store, EngineKeeper(lambda: _start_engine(store), beside))


def check_installation() -> None:
    """Ends the server with one line where its settings or its store cannot be used."""
    try:
        Store(settings().store).close()
    except InputError as problem:
        sys.exit(f"error: {problem}")


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Starts store and engine with the server, not with its first visitor, and ends them with it."""
    print("", *who_reaches_the_app(), sep="\n  ", flush=True)
    tasks = [asyncio.create_task(work) for work in (_warm_up(), _tidy())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.to_thread(_release, _services())


def who_reaches_the_app() -> list[str]:
    """Sentences for whoever starts the server: on which address it listens, and who can give orders to what."""
    address, port = st.get_option("server.address") or "every address of this machine", st.get_option("server.port")
    listens = f"Loss Explorer listens on {address}, port {port}:"
    if address in _LOOPBACK:
        said = [f"{listens} only users of this machine reach it."]
    else:
        said = [
            f"{listens} whoever reaches it uses it, unless a sign-in is configured. SECURITY.md says what that means."
        ]
    if settings().teacher_token is None:
        said.append(f"Teachers open the page Class with this token: {teacher_token()}")
    if is_open_to_all(settings()):
        said.append(f"Warning: {OPEN_CLUSTER}")
    return said


async def _warm_up() -> None:
    """Prepares what the first run needs: the workers, then the built-in datasets and finished runs; tidies up."""
    await asyncio.sleep(_FIRST_PAGE_SECONDS)
    keeper, said = _services().engine, None
    while (engine := keeper.now) is None:
        if keeper.problem is not None and said != str(keeper.problem):
            said = str(keeper.problem)
            _logger.error("%s", said)  # pages say so, too
        await asyncio.sleep(0.2)
    deadline = time.monotonic() + _WORKERS_SECONDS
    while engine.starting and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    from explorer.ui.finished_runs import have_all_finished_runs  # here: it uses the services

    await asyncio.to_thread(have_all_finished_runs)
    await asyncio.to_thread(_services().store.remove_leftovers)


async def _tidy() -> None:
    """Now and then, beside the pages: files of what was removed, what expires, the bin and old uploads."""
    while True:
        await asyncio.sleep(_TIDY_SECONDS)
        try:
            await asyncio.to_thread(store().bin.tidy, settings())
            await asyncio.to_thread(uploads().discard_old)
        except Exception as error:  # a full disk may pass; whatever it is, the server goes on
            _logger.warning("what is due in the store could not be done: %s", error)


def start() -> None:
    """Starts store and engine unless that has been done; returns at once."""
    _services()


def store() -> Store:
    """The store of this server."""
    return _services().store


@cache
def teacher_token() -> str:
    """What opens the Class page: set by whoever runs the server, else made at its start."""
    return settings().teacher_token or secrets.token_urlsafe(12)


def uploads() -> Uploads:
    """What visitors have uploaded to this server and not used yet."""
    return Uploads(store().root)


@contextmanager
def alone_if_large(dataset: Dataset) -> Iterator[None]:
    """Lets only one page at a time compute with whole scenes of this size: each takes some bytes for every pixel."""
    with alone_if_pixels(max(scene.label.size for scene in dataset.scenes)):
        yield


@contextmanager
def alone_if_pixels(pixels: int) -> Iterator[None]:
    """Likewise with an image of this many pixels."""
    with _large_scenes if pixels > _LARGE_SCENE else nullcontext():
        yield


def engine() -> Engine:
    """The engine of this server; waits until its cluster is there (half a second after a fresh start).

    Raises:
        InputError: it cannot start at present, for example because another server uses the store.
    """
    return _services().engine.wait()


def used_elsewhere() -> StoreInUseError | None:
    """Who uses the store instead of this server; None: nobody, or it is not known yet."""
    problem = _services().engine.problem
    return problem if isinstance(problem, StoreInUseError) else None


@st.cache_resource(show_spinner="Drawing the built-in scenes …", max_entries=8)
def builtin_id(key: str) -> str:
    """The store's id of a built-in dataset, which is drawn and saved at its first use.

    Args:
        key: one of ``builtin.BUILTIN``.
    """
    return _drawn(key)


@st.cache_resource(show_spinner=False)  # there is no page to show one on before the first visitor
def _drawn(key: str) -> str:
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


@st.cache_resource(show_spinner="Measuring the scenes …", max_entries=32)
def fingerprint(dataset_id: str) -> Fingerprint:
    """The fingerprint of a dataset, from which plans follow.

    Raises:
        InputError: a worker cannot take it.
    """
    return engine().ask(MeasureDataset(store().dataset_file(dataset_id)))


@st.cache_resource(show_spinner="Measuring the time of a step …", max_entries=32, ttl=_MEASURED_FOR)
def step_seconds(dataset_id: str, segmenter: SegmenterKind) -> float:
    """The seconds of a step on a dataset. They hold for some minutes: the machine may be busier or idler then.

    Raises:
        InputError: a worker cannot measure it.
    """
    file = store().dataset_file(dataset_id)
    return engine().ask(MeasureStep(file, fingerprint(dataset_id), segmenter, settings().device))


@st.cache_resource(show_spinner=False, max_entries=64)
def follower(run_id: str) -> Follower:
    """The one reader of a run's events, shared by all that look at it."""
    return Follower(store(), run_id)


@st.cache_resource(show_spinner=False, max_entries=64)  # more than a class that looks at a slice each; 1 MB each
def measured_slice(path: Path, version: tuple[int, int]) -> Slice:
    """What has been measured of a slice, interpolated once for all sessions.

    Args:
        path: of its file.
        version: see ``slice_version``; changes with the file.
    """
    return read_slice(path)


@st.cache_resource(show_spinner=False, max_entries=16)
def threshold_sweep(path: Path, written: int) -> ThresholdSweep:
    """A finished sweep, read once for all sessions.

    Args:
        path: of its file.
        written: when it was, in nanoseconds, which distinguishes it from one that has replaced it.

    Raises:
        InputError: it cannot be read.
    """
    return load_sweep(path)


@st.cache_resource(show_spinner=False, max_entries=64)  # mapped: they take next to no memory
def prediction(path: Path, written: int) -> Prediction:
    """A finished prediction.

    Args:
        path: of its file.
        written: see ``threshold_sweep``.

    Raises:
        InputError: it cannot be read.
    """
    from explorer.runs.prediction import load_prediction  # here: the first page needs nothing of it

    return load_prediction(path)
