"""The engine on a real cluster: queue, pause, step, stop, and processes that are killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from explorer.errors import InputError
from explorer.jobs.cluster import offered
from explorer.jobs.engine import Engine
from explorer.jobs.job import Resource
from explorer.jobs.loss_lab_jobs import LossCurves
from explorer.jobs.registry import EvaluatePoints, MeasureCurvature, MeasureSlice, PredictImage, SweepThresholds
from explorer.landscape.slice import Slice, journal_path, read_slice
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.spec import LossSpec
from explorer.runs.job_files import lock_file, read_progress
from explorer.runs.records import JobStatus, RunStatus
from explorer.runs.slice_files import load_curvature
from explorer.runs.slices import measure_slice
from explorer.runs.store import Store
from explorer.runs.threshold_sweep import load_sweep
from explorer.settings import Settings
from explorer.training.commands import Steer
from explorer.training.events import CheckpointSaved, Intervened, Note, Paused, Started, Step
from tests.jobs.waiting import CHECKPOINT_STEPS, LONG, ended, has_status, wait_for
from tests.jobs.worker_memory import faults_of_tensors
from tests.runs.tiny import tiny_dataset, tiny_plan


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


def steps_of(store: Store, run_id: str) -> list[int]:
    return [event.step for event in store.events(run_id)[1] if isinstance(event, Step)]


def number(engine: Engine, run_id: str) -> int | None:
    """The place of a run in the queue that a page shows."""
    place = engine.place(run_id)
    return None if place is None else place.number


def test_run_is_trained_to_its_end_and_summed_up(store: Store, engine: Engine, dataset_id: str) -> None:
    run_id = store.create_run(tiny_plan(25), dataset_id).id
    engine.submit(run_id)
    wait_for(has_status(store, run_id, RunStatus.DONE))
    assert steps_of(store, run_id) == list(range(1, 26))
    assert store.folder(run_id).summary_file.exists()
    wait_for(lambda: run_id not in store.run_keys())
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


def test_run_that_is_paused_as_it_begins_has_one_job_and_stays_paused(
    store: Store, engine: Engine, dataset_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.create_run(tiny_plan(LONG), dataset_id).id
    folder = store.folder(run_id)
    with monkeypatch.context() as patch:
        patch.setattr(store, "ingest", lambda _run_id: 0)  # the server does not know yet that the run trains
        engine.submit(run_id)
        wait_for(lambda: any(isinstance(event, Step) for event in folder.events()))
        assert store.run(run_id).status is RunStatus.QUEUED
        key = store.run_keys()[run_id]
        with engine._lock:  # the end of the job is not stored meanwhile
            engine.pause(run_id)
            engine.submit(run_id)
            assert store.run_keys()[run_id] == key, "there is no second job"
            engine.pause(run_id)
            wait_for(lambda: isinstance(folder.events()[-1], Paused))
            patch.undo()
    wait_for(has_status(store, run_id, RunStatus.PAUSED))
    wait_for(lambda: run_id not in store.run_keys())
    with folder.locked():  # nobody trains it
        assert sum(isinstance(event, Started) for event in folder.events()) == 1
    ended(store, engine, run_id)


def test_run_that_has_just_paused_can_be_stopped(
    store: Store, engine: Engine, dataset_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.create_run(tiny_plan(LONG), dataset_id).id
    folder = store.folder(run_id)
    with monkeypatch.context() as patch:
        patch.setattr(store, "ingest", lambda _run_id: 0)
        engine.submit(run_id)
        wait_for(lambda: any(isinstance(event, Step) for event in folder.events()))
        with engine._lock:  # what the job has written is not stored meanwhile
            engine.pause(run_id)
            wait_for(lambda: isinstance(folder.events()[-1], Paused))
            patch.undo()
            engine.stop(run_id)
    wait_for(has_status(store, run_id, RunStatus.STOPPED))


def test_waiting_run_knows_its_place_and_can_leave_the_queue(store: Store, engine: Engine, dataset_id: str) -> None:
    first, second, third = (store.create_run(tiny_plan(LONG), dataset_id).id for _ in range(3))
    for run_id in (first, second, third):
        engine.submit(run_id)
    wait_for(has_status(store, first, RunStatus.RUNNING))
    assert [number(engine, run_id) for run_id in (first, second, third)] == [None, 1, 2]
    engine.pause(second)
    assert store.run(second).status is RunStatus.PAUSED
    assert number(engine, third) == 1
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


def trained(store: Store, engine: Engine, dataset_id: str) -> str:
    run_id = store.create_run(tiny_plan(60), dataset_id).id
    engine.submit(run_id)
    wait_for(has_status(store, run_id, RunStatus.DONE))
    return run_id


def slice_job(store: Store, run_id: str, dataset_id: str, **request: object) -> MeasureSlice:
    folder = store.folder(run_id).path
    return MeasureSlice(folder, store.dataset_file(dataset_id), "cpu", SliceRequest.model_validate(request))


def test_slice_is_shared_by_its_workers_and_survives_one_of_them(store: Store, engine: Engine, dataset_id: str) -> None:
    run_id = trained(store, engine, dataset_id)
    job = slice_job(store, run_id, dataset_id, resolution=15, exhaustive=True)
    record = engine.order(job)
    assert engine.order(job).id == record.id, "it cannot be ordered twice"
    wait_for(lambda: (progress := read_progress(job.file)) is not None and progress.done > 20)
    os.kill(_process_with(journal_path(job.file)), signal.SIGKILL)
    wait_for(lambda: store.jobs.get(record.id).status is JobStatus.DONE, 90)
    assert read_progress(job.file) is None
    shared = Slice.load(job.file)
    assert shared.measured.all()
    alone = job.file.with_name("alone.npz")
    for _ in measure_slice(store.folder(run_id), job.request, alone, "cpu"):
        pass
    again = Slice.load(alone)
    for info in again.meta.fields:  # other numbers of threads add up in another order
        if info.group == "loss":
            np.testing.assert_allclose(shared.fields[info.name], again.fields[info.name], rtol=1e-3)


def test_two_slices_at_once_do_not_wait_for_each_other(store: Store, engine: Engine, dataset_id: str) -> None:
    run_id = trained(store, engine, dataset_id)
    jobs = [slice_job(store, run_id, dataset_id, resolution=13, exhaustive=True, plane={"seed": s}) for s in (1, 2)]
    ordered = [engine.order(job) for job in jobs]
    for record in ordered:
        wait_for(lambda record=record: store.jobs.get(record.id).status is JobStatus.DONE, 90)


def test_slice_is_stopped_by_whoever_looks_and_goes_on_when_ordered_again(
    store: Store, engine: Engine, dataset_id: str
) -> None:
    run_id = trained(store, engine, dataset_id)
    job = slice_job(store, run_id, dataset_id, resolution=25, exhaustive=True)
    waiting = slice_job(store, run_id, dataset_id, resolution=9, plane={"seed": 7})
    first = engine.order(job)
    wait_for(lambda: (progress := read_progress(job.file)) is not None and progress.done > 9)
    assert store.jobs.latest(run_id, first.file) == store.jobs.get(first.id), "another visitor finds it by its file"
    second = engine.order(waiting)
    assert [each.id for each in store.jobs.active(run_id)] == [first.id, second.id]
    engine.stop_job(second.id)
    wait_for(lambda: store.jobs.get(second.id).status is JobStatus.STOPPED)
    engine.stop_job(first.id)
    wait_for(lambda: store.jobs.get(first.id).status is JobStatus.STOPPED)
    measured = read_slice(job.file).measured.sum()
    assert 9 < measured < 625
    third = engine.order(job)
    assert third.id != first.id
    wait_for(lambda: (progress := read_progress(job.file)) is not None and progress.done > measured)
    engine.stop_job(third.id)
    wait_for(lambda: not store.jobs.active())


def test_job_that_waits_is_stopped_before_its_folder_is_there(store: Store, engine: Engine, dataset_id: str) -> None:
    run_id = store.create_run(tiny_plan(), dataset_id).id
    with engine._jobs._lock:  # its beginning is not stored meanwhile
        record = engine.order(slice_job(store, run_id, dataset_id))
        engine.stop_job(record.id)
    wait_for(lambda: store.jobs.get(record.id).status is JobStatus.STOPPED)


def test_job_that_is_stopped_as_it_begins_is_not_replaced_before_it_has_ended(
    store: Store, engine: Engine, dataset_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = trained(store, engine, dataset_id)
    job = slice_job(store, run_id, dataset_id, resolution=41, exhaustive=True)
    with monkeypatch.context() as patch:
        patch.setattr(store.jobs, "set_status", lambda *_: None)  # the server does not know yet that it works
        first = engine.order(job)
        wait_for(lambda: read_progress(job.file) is not None)
        assert store.jobs.get(first.id).status is JobStatus.QUEUED
        with engine._jobs._lock:  # the end of the job is not stored meanwhile
            engine.stop_job(first.id)
            assert engine.order(job).id == first.id, "it has not ended"
            patch.undo()
    wait_for(lambda: store.jobs.get(first.id).status is JobStatus.STOPPED)
    assert not list((job.run / "jobs").glob("job-*")), "it leaves nothing behind"
    again = engine.order(job)
    assert again.id != first.id
    engine.stop_job(again.id)
    wait_for(lambda: not store.jobs.active())


@pytest.mark.parametrize("kind", [Resource.TRAIN, Resource.SHORT, Resource.SLICE])
def test_workers_keep_the_memory_of_tensors(engine: Engine, kind: Resource) -> None:
    future = engine._client.submit(faults_of_tensors, resources={kind: 1}, pure=False)
    assert future.result(timeout=60) < 2**23 // 4096, "Dask's setting has all of it given back and asked for each time"


def test_short_jobs_do_not_wait_for_a_prediction(engine: Engine) -> None:
    busy = engine._client.submit(time.sleep, 3.0, resources={PredictImage.resource: 1}, pure=False)
    began = time.monotonic()
    engine.ask(LossCurves((LossSpec(kind="cross_entropy"),), 0.1))
    assert time.monotonic() - began < 3.0
    assert not busy.done()
    busy.result()


class Offering:
    """A cluster whose workers offer these resources."""

    def __init__(self, *resources: str) -> None:
        self._resources = resources

    def scheduler_info(self, n_workers: int) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
        assert n_workers == -1
        return {"workers": {name: {"resources": {name: 1}} for name in self._resources}}


def test_workers_for_short_jobs_predict_where_a_foreign_cluster_has_no_others() -> None:
    older, newer = Offering("train", "slice", "quick"), Offering("train", "slice", "quick", "predict")
    for kind in (Resource.PREDICT, Resource.READ):
        assert offered(older, kind) is Resource.QUICK  # type: ignore[arg-type]
    assert offered(newer, Resource.PREDICT) is Resource.PREDICT  # type: ignore[arg-type]
    assert offered(older, Resource.SLICE) is Resource.SLICE  # type: ignore[arg-type]


def test_sweep_and_curvature_leave_their_files(store: Store, engine: Engine, dataset_id: str) -> None:
    run_id = trained(store, engine, dataset_id)
    folder, dataset = store.folder(run_id).path, store.dataset_file(dataset_id)
    checkpoint = store.folder(run_id).checkpoint_files()[-1].name
    jobs = (
        SweepThresholds(folder, dataset, "cpu", checkpoint),
        MeasureCurvature(folder, dataset, "cpu", "cross_entropy", checkpoint),
    )
    ordered = [engine.order(job) for job in jobs]
    for record in ordered:
        wait_for(lambda record=record: store.jobs.get(record.id).status is JobStatus.DONE, 90)
    sweep = load_sweep(jobs[0].file)
    assert sweep.checkpoint == checkpoint
    assert load_curvature(jobs[1].file).checkpoint == checkpoint


def test_job_whose_file_another_process_works_on_fails_and_says_so(
    store: Store, engine: Engine, dataset_id: str
) -> None:
    run_id = trained(store, engine, dataset_id)
    job = slice_job(store, run_id, dataset_id, resolution=5)
    with lock_file(job.file):  # as the command line does
        record = engine.order(job)
        wait_for(lambda: not store.jobs.get(record.id).status.active)
    assert store.jobs.get(record.id).status is JobStatus.FAILED
    assert "another job works on" in store.jobs.get(record.id).message
    assert not job.file.exists()


class LateFuture:
    """A job that has ended; its answer does not come in time."""

    key, status = "job-late", "finished"

    def __init__(self, engine: Engine, ended: str) -> None:
        self._engine, self._ended = engine, ended

    def result(self, timeout: float) -> JobStatus:
        with ThreadPoolExecutor(1) as page:
            page.submit(self._engine.stop_job, self._ended).result(timeout)
        raise TimeoutError


def test_page_does_not_wait_for_the_answer_of_a_job_that_has_ended(
    store: Store, engine: Engine, dataset_id: str
) -> None:
    run_id = store.create_run(tiny_plan(), dataset_id).id
    record, _ = store.jobs.create("MeasureSlice", run_id, "slices/late.npz", "slice")
    ended, _ = store.jobs.create("MeasureSlice", run_id, "slices/ended.npz", "slice")
    store.jobs.set_status(ended.id, JobStatus.DONE)
    engine._jobs._futures[record.id] = late = LateFuture(engine, ended.id)
    with pytest.raises(TimeoutError):  # which makes the reader try it again
        engine._jobs._ended(record.id, late)
    late.result = lambda timeout: JobStatus.DONE
    engine._jobs._ended(record.id, late)
    assert store.jobs.get(record.id).status is JobStatus.DONE


def test_job_that_fails_says_why(store: Store, engine: Engine, dataset_id: str) -> None:
    run_id = trained(store, engine, dataset_id)
    record = engine.order(slice_job(store, run_id, dataset_id, checkpoint="step_00099999.safetensors"))
    wait_for(lambda: store.jobs.get(record.id).status is JobStatus.FAILED)
    assert "not a readable checkpoint" in store.jobs.get(record.id).message


def test_question_that_is_not_answered_in_time_says_what_is_at_work(
    store: Store, engine: Engine, dataset_id: str
) -> None:
    run_id = trained(store, engine, dataset_id)
    job = slice_job(store, run_id, dataset_id, resolution=41, exhaustive=True)
    record = engine.order(job)
    wait_for(lambda: store.jobs.get(record.id).status is JobStatus.RUNNING)
    points = EvaluatePoints(job.run, job.request, "any", ((0.0, 0.0),))
    with pytest.raises(InputError, match="no answer in 0 s; at work: random slice"):
        engine.ask(points, timeout=0.01)
    engine.stop_job(record.id)
    wait_for(lambda: not store.jobs.active())


def test_runs_start_in_the_order_of_the_places_shown(store: Store, engine: Engine, dataset_id: str) -> None:
    runs = [store.create_run(tiny_plan(3), dataset_id).id for _ in range(8)]
    blocker = store.create_run(tiny_plan(LONG), dataset_id).id
    engine.submit(blocker)
    wait_for(has_status(store, blocker, RunStatus.RUNNING))
    for run_id in runs:
        engine.submit(run_id)
    assert [number(engine, run_id) for run_id in runs] == list(range(1, 9))
    ended(store, engine, blocker)
    for run_id in runs:
        wait_for(has_status(store, run_id, RunStatus.DONE))
    first_events = [store.folder(run_id).events_file.stat().st_ctime_ns for run_id in runs]
    assert first_events == sorted(first_events)


def test_visitors_take_turns(store: Store, engine: Engine, dataset_id: str) -> None:
    def run_of(owner: str, steps: int) -> str:
        return store.create_run(tiny_plan(steps), dataset_id, owner=owner).id

    blocker = run_of("ana", LONG)
    engine.submit(blocker)
    wait_for(has_status(store, blocker, RunStatus.RUNNING))
    of_ana, of_ben = [run_of("ana", 3) for _ in range(3)], [run_of("ben", 3) for _ in range(2)]
    for run_id in (*of_ana, *of_ben):
        engine.submit(run_id)
    order = [of_ben[0], of_ana[0], of_ben[1], of_ana[1], of_ana[2]]
    assert [number(engine, run_id) for run_id in order] == [1, 2, 3, 4, 5]
    ended(store, engine, blocker)
    for run_id in order:
        wait_for(has_status(store, run_id, RunStatus.DONE))
    written = [store.folder(run_id).events_file.stat().st_ctime_ns for run_id in order]
    assert written == sorted(written)


def test_a_run_of_seconds_does_not_wait_for_a_long_one(store: Store, engine: Engine, dataset_id: str) -> None:
    long, waits = (store.create_run(tiny_plan(LONG), dataset_id).id for _ in range(2))
    of_a_second = tiny_plan(5).model_copy(update={"seconds": 1.0})
    short = [store.create_run(of_a_second, dataset_id).id for _ in range(2)]
    wait_for(lambda: engine._slots.count(Resource.SHORT) == 1)
    for run_id in (long, waits, *short):
        engine.submit(run_id)
    place = engine.place(waits)
    assert place is not None
    assert (place.number, place.training, place.is_short) == (1, (long,), False)
    for run_id in short:
        wait_for(has_status(store, run_id, RunStatus.DONE))
    assert store.run(long).status.active
    assert store.run(waits).status is RunStatus.QUEUED
    for run_id in (waits, long):
        ended(store, engine, run_id)


def test_run_that_was_resumed_goes_to_the_end_of_the_queue(store: Store, engine: Engine, dataset_id: str) -> None:
    first, second, third = (store.create_run(tiny_plan(LONG), dataset_id).id for _ in range(3))
    for run_id in (first, second, third):
        engine.submit(run_id)
    engine.pause(second)
    engine.submit(second)
    wait_for(has_status(store, first, RunStatus.RUNNING))
    assert [number(engine, run_id) for run_id in (third, second)] == [1, 2]
    for run_id in (second, third, first):
        ended(store, engine, run_id)


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
