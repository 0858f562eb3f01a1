"""The engine on a real cluster: queue, pause, step, stop, and processes that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from explorer.errors import InputError
from explorer.jobs.cluster import start_cluster
from explorer.jobs.engine import Engine
from explorer.landscape.slice import Slice, journal_path
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.spec import LossSpec
from explorer.runs.records import RunStatus
from explorer.runs.slice_files import progress_of, slice_file
from explorer.runs.slices import measure_slice
from explorer.runs.store import Store
from explorer.settings import Settings
from explorer.training.commands import Steer
from explorer.training.events import CheckpointSaved, Intervened, Note, Step
from tests.runs.tiny import tiny_dataset, tiny_plan

LONG = 100_000  # steps: more than any test waits for
CHECKPOINT_STEPS = 20


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def engine(store: Store) -> Iterator[Engine]:
    engine = Engine(store, Settings(checkpoint_steps=CHECKPOINT_STEPS, slice_workers=2))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def dataset_id(store: Store) -> str:
    return store.save_dataset(tiny_dataset())


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def has_status(store: Store, run_id: str, status: RunStatus) -> Callable[[], bool]:
    return lambda: store.run(run_id).status is status


def ended(store: Store, engine: Engine, run_id: str) -> None:
    engine.stop(run_id)
    wait_for(has_status(store, run_id, RunStatus.STOPPED))


def steps_of(store: Store, run_id: str) -> list[int]:
    return [event.step for event in store.events(run_id)[1] if isinstance(event, Step)]


def test_run_is_trained_to_its_end_and_summed_up(store: Store, engine: Engine, dataset_id: str) -> None:
    run_id = store.create_run(tiny_plan(25), dataset_id).id
    engine.submit(run_id)
    wait_for(has_status(store, run_id, RunStatus.DONE))
    assert steps_of(store, run_id) == list(range(1, 26))
    assert store.folder(run_id).summary_file.exists()
    wait_for(lambda: run_id not in store.jobs())
    with pytest.raises(InputError, match="done"):
        engine.submit(run_id)


def test_pause_step_resume_and_stop(store: Store, engine: Engine, dataset_id: str) -> None:
    run_id = store.create_run(tiny_plan(LONG), dataset_id).id
    engine.submit(run_id)
    wait_for(lambda: store.run(run_id).step > 3)
    engine.pause(run_id)
    wait_for(has_status(store, run_id, RunStatus.PAUSED))
    rested = store.run(run_id).step
    engine.step(run_id, 1)
    wait_for(lambda: store.run(run_id).step == rested + 1 and store.run(run_id).status is RunStatus.PAUSED)
    engine.step(run_id, 10)
    wait_for(lambda: store.run(run_id).step == rested + 11 and store.run(run_id).status is RunStatus.PAUSED)
    engine.submit(run_id)
    wait_for(lambda: store.run(run_id).step > rested + 20)
    ended(store, engine, run_id)
    steps = steps_of(store, run_id)
    assert steps == list(range(1, len(steps) + 1)), "no step is lost or made twice"


def test_waiting_run_knows_its_place_and_can_leave_the_queue(store: Store, engine: Engine, dataset_id: str) -> None:
    first, second, third = (store.create_run(tiny_plan(LONG), dataset_id).id for _ in range(3))
    for run_id in (first, second, third):
        engine.submit(run_id)
    wait_for(has_status(store, first, RunStatus.RUNNING))
    assert [engine.position(run_id) for run_id in (first, second, third)] == [None, 1, 2]
    engine.pause(second)
    assert store.run(second).status is RunStatus.PAUSED
    assert engine.position(third) == 1
    engine.stop(second)  # without waiting for the slot
    wait_for(has_status(store, second, RunStatus.STOPPED))
    ended(store, engine, first)
    wait_for(has_status(store, third, RunStatus.RUNNING))
    ended(store, engine, third)


def test_steering_takes_effect_and_is_recorded(store: Store, engine: Engine, dataset_id: str) -> None:
    run_id = store.create_run(tiny_plan(LONG), dataset_id).id
    engine.submit(run_id)
    wait_for(lambda: store.run(run_id).step > 3)
    engine.steer(run_id, Steer(learning_rate=0.5e-3, loss=LossSpec(kind="focal", gamma=3)))
    wait_for(lambda: any(isinstance(event, Intervened) for event in store.events(run_id)[1]))
    made = next(event for event in store.events(run_id)[1] if isinstance(event, Intervened))
    assert made.intervention.loss == LossSpec(kind="focal", gamma=3)
    wait_for(lambda: store.run(run_id).step > made.step + 1)
    after = next(event for event in store.events(run_id)[1] if isinstance(event, Step) and event.step == made.step + 1)
    assert after.learning_rate == 0.5e-3
    ended(store, engine, run_id)
    with pytest.raises(InputError, match="ended"):
        engine.steer(run_id, Steer(learning_rate=1e-3))


def test_killed_worker_costs_no_more_than_the_steps_since_the_last_checkpoint(
    store: Store, engine: Engine, dataset_id: str
) -> None:
    run_id = store.create_run(tiny_plan(LONG), dataset_id).id
    engine.submit(run_id)
    wait_for(lambda: store.run(run_id).step > CHECKPOINT_STEPS + 5)
    os.kill(_process_in(store.folder(run_id).path), signal.SIGKILL)
    wait_for(lambda: any(isinstance(event, Note) for event in store.events(run_id)[1]))
    events = store.events(run_id)[1]
    note = next(event for event in events if isinstance(event, Note))
    saved = [event.step for event in events[: events.index(note)] if isinstance(event, CheckpointSaved)]
    assert note.step - max(saved) <= CHECKPOINT_STEPS
    wait_for(lambda: store.run(run_id).step > note.step + 5)
    ended(store, engine, run_id)


def test_slice_is_shared_by_its_workers_and_survives_one_of_them(store: Store, engine: Engine, dataset_id: str) -> None:
    run_id = store.create_run(tiny_plan(60), dataset_id).id
    engine.submit(run_id)
    wait_for(has_status(store, run_id, RunStatus.DONE))
    folder = store.folder(run_id)
    request = SliceRequest(resolution=15, exhaustive=True)
    out = slice_file(folder, request)
    arguments = (folder.path, store.dataset_file(dataset_id), request.model_dump_json(), out)
    job = engine.slice("explorer.jobs.landscape:slice_job", *arguments)
    wait_for(lambda: (progress := progress_of(out)) is not None and progress.measured > 20)
    os.kill(_process_with(journal_path(out)), signal.SIGKILL)
    job.result(90)
    shared = Slice.load(out)
    assert shared.measured.all()
    alone = out.with_name("alone.npz")
    for _ in measure_slice(folder, request, alone, "cpu"):
        pass
    again = Slice.load(alone)
    for info in again.meta.fields:  # other numbers of threads add up in another order
        if info.group == "loss":
            np.testing.assert_allclose(shared.fields[info.name], again.fields[info.name], rtol=1e-3)


def test_failing_run_says_why_and_can_be_resumed(store: Store, engine: Engine, dataset_id: str) -> None:
    plan = tiny_plan(20)
    wrong = plan.phases[0].model_copy(
        update={"loss": LossSpec(kind="weighted_cross_entropy", class_weights=(1.0, 2.0, 3.0))}
    )
    run_id = store.create_run(plan.model_copy(update={"phases": (wrong,)}), dataset_id).id
    engine.submit(run_id)
    wait_for(has_status(store, run_id, RunStatus.FAILED))
    assert "3 weights for 2 classes" in store.run(run_id).message
    assert store.run(run_id).status.resumable


def test_server_that_is_killed_leaves_runs_that_resume(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("server.py")), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        run_id = server.stdout.readline().strip()
        children = psutil.Process(server.pid).children(recursive=True)
        server.kill()
    _, alive = psutil.wait_procs(children, timeout=15)
    assert not alive, "the cluster ends with its server"
    store = Store(tmp_path)
    before = store.run(run_id).step
    engine = Engine(store, Settings(checkpoint_steps=CHECKPOINT_STEPS))
    try:
        assert store.run(run_id).status is RunStatus.INTERRUPTED
        assert "restarted" in store.run(run_id).message
        engine.submit(run_id)
        wait_for(lambda: store.run(run_id).step > before + 5)
        ended(store, engine, run_id)
    finally:
        engine.close()


def test_foreign_cluster_goes_on_while_there_is_no_server(tmp_path: Path) -> None:
    cluster = start_cluster(Settings())
    settings = Settings(scheduler=cluster.scheduler_address, checkpoint_steps=CHECKPOINT_STEPS)
    try:
        store = Store(tmp_path)
        first = Engine(store, settings)
        run_id = store.create_run(tiny_plan(LONG), store.save_dataset(tiny_dataset())).id
        first.submit(run_id)
        wait_for(lambda: store.run(run_id).step > 3)
        first.close()
        store.close()
        again = Store(tmp_path)
        before = again.run(run_id).step
        second = Engine(again, settings)
        assert again.run(run_id).status is RunStatus.RUNNING
        wait_for(lambda: again.run(run_id).step > before + 20)
        assert not [event for event in again.events(run_id)[1] if isinstance(event, Note)], "nothing was lost"
        ended(again, second, run_id)
        second.close()
    finally:
        cluster.close()


def test_address_without_a_cluster_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="EXPLORER_SCHEDULER"):
        Engine(Store(tmp_path), Settings(scheduler="tcp://127.0.0.1:9"))


def _process_in(folder: Path) -> int:
    """The process that has the run's events open."""
    return _process_with(folder / "events.jsonl")


def _process_with(path: Path) -> int:
    """The process that has a file open."""
    for process in psutil.process_iter():
        try:
            if any(Path(file.path) == path for file in process.open_files()):
                return process.pid
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    raise AssertionError(f"nobody has {path} open")
