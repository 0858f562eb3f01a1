"""Servers that start, end, are killed, or share a cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from distributed import SpecCluster

from explorer.errors import InputError
from explorer.jobs.cluster import start_cluster
from explorer.jobs.engine import Engine
from explorer.runs.records import JobStatus, RunStatus
from explorer.runs.store import Store
from explorer.settings import SERVER_PID, Settings
from explorer.training.events import Note
from tests.jobs.waiting import CHECKPOINT_STEPS, LONG, ended, has_status, wait_for
from tests.runs.tiny import tiny_dataset, tiny_plan

ROOT = Path(__file__).resolve().parents[2]


def foreign(cluster: SpecCluster) -> Settings:
    """The settings of a server that uses a cluster which runs already."""
    return Settings(
        scheduler=cluster.scheduler_address,
        tls_ca_file=cluster.security.tls_ca_file,
        tls_cert_file=cluster.security.tls_client_cert,
        tls_key_file=cluster.security.tls_client_key,
        checkpoint_steps=CHECKPOINT_STEPS,
    )


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


def test_process_that_starts_as_its_server_is_killed_ends_too() -> None:
    """A nanny whose server was gone before it could look for it: the server's id comes from its environment."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    script = "from explorer.jobs.preload import dask_setup; import time; dask_setup(None); time.sleep(60)"
    environment = os.environ | {SERVER_PID: str(gone.pid)}
    begun = subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, timeout=30, check=False)
    assert begun.returncode == 0


def test_ctrl_c_in_a_terminal_ends_the_server_at_once(tmp_path: Path) -> None:
    """It reaches the whole process group; the scheduler must be there until the server has ended the cluster."""
    command = [sys.executable, str(Path(__file__).with_name("server.py")), str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout is not None
        server.stdout.readline()
        children = psutil.Process(server.pid).children(recursive=True)
        os.killpg(server.pid, signal.SIGINT)
        _, said = server.communicate(timeout=15)
    assert "Traceback" not in said
    _, alive = psutil.wait_procs(children, timeout=15)
    assert not alive


def test_run_on_a_cold_server_waits_for_workers_and_for_no_slot(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_id = store.create_run(tiny_plan(5), store.save_dataset(tiny_dataset())).id
    lost, _ = store.jobs.create("MeasureSlice", run_id, "slices/a.npz", "slice")  # of a server that is gone
    engine = Engine(store, Settings())
    try:
        assert store.jobs.get(lost.id).status is JobStatus.INTERRUPTED
        engine.submit(run_id)
        assert engine.starting
        assert engine.place(run_id) is None
        wait_for(has_status(store, run_id, RunStatus.DONE))
        assert not engine.starting
    finally:
        engine.close()


def processes_of(kind: str) -> list[psutil.Process]:
    """Of an embedded cluster of this process."""
    return [each for each in psutil.Process().children() if f"distributed.{kind}" in " ".join(each.cmdline())]


def test_a_worker_that_is_killed_while_it_starts_is_there_later(tmp_path: Path) -> None:
    """Its nanny gives up then, and ends."""
    store = Store(tmp_path)
    run_id = store.create_run(tiny_plan(5), store.save_dataset(tiny_dataset())).id
    engine = Engine(store, Settings())
    try:
        wait_for(lambda: any("spawn_main" in " ".join(each.cmdline()) for each in children(processes_of("Nanny"))))
        assert engine.starting, "it has not registered yet"
        for each in children(processes_of("Nanny")):
            each.kill()
        engine.submit(run_id)
        wait_for(has_status(store, run_id, RunStatus.DONE), 120)
    finally:
        engine.close()


def children(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [child for each in processes for child in each.children()]


def test_a_nanny_that_is_killed_is_started_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_id = store.create_run(tiny_plan(LONG), store.save_dataset(tiny_dataset())).id
    engine = Engine(store, Settings(checkpoint_steps=CHECKPOINT_STEPS))
    try:
        engine.submit(run_id)
        wait_for(lambda: store.run(run_id).step > 3, 120)
        for each in processes_of("Nanny"):
            each.kill()
        before = store.run(run_id).step
        wait_for(lambda: store.run(run_id).step > before + CHECKPOINT_STEPS, 120)
        ended(store, engine, run_id)
    finally:
        engine.close()


def test_an_engine_whose_scheduler_is_killed_is_lost_and_the_next_one_takes_its_runs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_id = store.create_run(tiny_plan(LONG), store.save_dataset(tiny_dataset())).id
    engine = Engine(store, Settings())
    try:
        engine.submit(run_id)
        assert not engine.lost
        (scheduler,) = processes_of("Scheduler")
        scheduler.kill()
        wait_for(lambda: engine.lost)
    finally:
        engine.close()
    assert not processes_of("Nanny"), "they end with their engine"
    again = Engine(store, Settings())
    try:
        assert store.run(run_id).status is RunStatus.INTERRUPTED
        again.submit(run_id)
        assert store.run(run_id).status is RunStatus.QUEUED
    finally:
        again.close()


def test_foreign_cluster_goes_on_while_there_is_no_server(tmp_path: Path) -> None:
    cluster = start_cluster(Settings())
    settings = foreign(cluster)
    try:
        store = Store(tmp_path)
        first = Engine(store, settings)
        run_id = store.create_run(tiny_plan(LONG), store.save_dataset(tiny_dataset())).id
        first.submit(run_id)
        wait_for(lambda: store.run(run_id).step > 3)
        with pytest.raises(InputError, match="another server uses this store"):
            Engine(Store(tmp_path), settings)
        assert store.run(run_id).status is RunStatus.RUNNING, "its run was not taken for lost"
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


def test_two_servers_share_a_cluster(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each hears of its own runs only; what the other's jobs report neither reaches nor harms its reader."""
    cluster = start_cluster(Settings())
    settings = foreign(cluster)
    stores = [Store(tmp_path / name) for name in ("one", "other")]
    engines = [Engine(store, settings) for store in stores]
    try:
        runs = [store.create_run(tiny_plan(15), store.save_dataset(tiny_dataset())).id for store in stores]
        for _ in range(2):
            for store, engine, run_id in zip(stores, engines, runs, strict=True):
                engine.submit(run_id)
                wait_for(has_status(store, run_id, RunStatus.DONE))
            runs = [store.create_run(tiny_plan(15), store.datasets()[0].id).id for store in stores]
        assert "no such run" not in caplog.text, "neither was notified of the other's runs"
        # a notification under its own topic of a run that it does not have, as after the run was deleted
        engines[0]._client.log_event(stores[0].id, ("run", "nowhere"))
        engines[0].submit(runs[0])
        wait_for(has_status(stores[0], runs[0], RunStatus.DONE))
        assert engines[0].problem is None
        assert "nowhere: there is no such run" in caplog.text
    finally:
        for engine in engines:
            engine.close()
        cluster.close()


def test_address_without_a_cluster_is_named(tmp_path: Path) -> None:
    for _ in range(2):  # a server that has failed leaves the store to the next one
        with pytest.raises(InputError, match="EXPLORER_SCHEDULER"):
            Engine(Store(tmp_path), Settings(scheduler="tcp://127.0.0.1:9"))
