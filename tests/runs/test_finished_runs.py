"""The finished runs and grids that come with the app open, fit today's code, and cannot be changed."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.imagery.archive import content_hash
from explorer.imagery.balance import class_balance
from explorer.imagery.builtin import builtin_dataset
from explorer.landscape.slice import Slice
from explorer.landscape.slice_meta import SliceRequest
from explorer.metrics.counts import scores_to_json
from explorer.runs.carrying_on import carry_on
from explorer.runs.class_thresholds import read_own_thresholds, thresholds_of
from explorer.runs.evaluation import Scoring, evaluate_scenes
from explorer.runs.finished_runs import (
    BUILTINS,
    FINISHED_RUNS,
    RUNS_FOLDER,
    WHAT_THEY_TRAINED,
    FinishedRun,
    add_finished_runs,
)
from explorer.runs.folder import RunFolder
from explorer.runs.grids import GRIDS, GRIDS_FOLDER, GridName, load_grid
from explorer.runs.history import history
from explorer.runs.ownership import Visitor, may_manage, require_steering
from explorer.runs.records import RunStatus
from explorer.runs.segmenters import load_predictor
from explorer.runs.slice_files import slice_file
from explorer.runs.store import Store
from explorer.runs.threshold_sweep import load_sweep, sweep_file
from explorer.runs.training import execute
from explorer.training.commands import RunUntil
from explorer.training.events import Ended, Note, Paused, PhaseChange, Step

MOST_BYTES = 6_000_000
EVERY = list(FINISHED_RUNS.values())
TEACHER = Visitor("teacher", "Teacher", teacher=True)


@pytest.mark.parametrize("run", EVERY, ids=lambda run: run.id)
def test_a_run_has_come_to_the_end_of_its_plan_and_all_that_pages_show_is_there(run: FinishedRun) -> None:
    folder, plan = run.folder, run.folder.plan()
    events = folder.events()
    assert isinstance(events[-1], Ended)
    assert events[-1].reason == "done"
    assert history(events, plan).last_step == plan.steps == events[-1].step
    summary = json.loads(folder.summary_file.read_text(encoding="utf-8"))
    assert summary["steps"] == plan.steps
    assert set(WHAT_THEY_TRAINED) == {each.training for each in EVERY}
    checkpoint = folder.checkpoint_files()[-1].name
    reference = folder.dataset()
    own = read_own_thresholds(folder, checkpoint)
    assert own is not None
    assert len(own.values) == len(reference.classes) - 1
    dataset = builtin_dataset(run.builtin)
    pixels = [share.pixels for share in class_balance(dataset.training, dataset.classes)]
    rarest = min(range(1, len(pixels)), key=pixels.__getitem__)
    sweep = load_sweep(sweep_file(folder, checkpoint, reference.match_rule, own.classes[rarest - 1].split))
    assert sweep.scenes == tuple(scene.name for scene in dataset.validation)
    for kind in ("random", "gradients"):
        request = SliceRequest.model_validate({"plane": {"kind": kind}, "checkpoint": checkpoint})
        shown = Slice.load(slice_file(folder, request))
        assert shown.meta.run == run.id
        assert shown.meta.data == reference.id == content_hash(dataset)


def test_the_scores_are_those_that_todays_code_gives() -> None:
    run = FINISHED_RUNS["car_park-recipe"]
    dataset, checkpoint = builtin_dataset(run.builtin), run.folder.checkpoint_files()[-1].name
    applied = thresholds_of(run.folder, "own", len(dataset.classes), checkpoint)
    scoring = Scoring(dataset.minimum_area, dataset.match_rule, applied.cuts)
    predictor = load_predictor(run.folder, checkpoint, "cpu")
    scene = dataset.validation[0]
    found = evaluate_scenes(predictor, [scene], len(dataset.classes), scoring, applied.values)
    summary = json.loads(run.folder.summary_file.read_text(encoding="utf-8"))
    now, then = scores_to_json(found.scores)["classes"]["1"], summary["scenes"][scene.name]["classes"]["1"]
    assert now["pixel"]["f1"] == pytest.approx(then["pixel"]["f1"], abs=1e-3)
    assert now["object"]["true_positives"] == then["object"]["true_positives"]


def test_controls_have_the_budget_of_their_recipe() -> None:
    for builtin in BUILTINS:
        plans = [run.folder.plan() for run in EVERY if run.builtin == builtin]
        assert len({(plan.steps, plan.seed, plan.batch_size, plan.crop_size, plan.segmenter) for plan in plans}) == 1


def test_they_are_small() -> None:
    sizes = [file.stat().st_size for folder in (RUNS_FOLDER, GRIDS_FOLDER) for file in folder.rglob("*")]
    assert sum(sizes) < MOST_BYTES


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("store"))
    dataset_id = store.save_dataset(builtin_dataset("car_park"))
    for _ in range(2):  # the second time, they are there
        add_finished_runs(store, "car_park", dataset_id)
    return store


def test_a_store_lists_them_once_as_runs_that_nobody_can_change(store: Store) -> None:
    records = store.runs()
    assert [record.id for record in records] == ["car_park-recipe", "car_park-ce", "car_park-jaccard"]
    for record in records:
        assert record.status is RunStatus.DONE
        assert record.example
        assert record.owner is None
        assert not may_manage(record, TEACHER)
        with pytest.raises(InputError, match="comes with the app"):
            require_steering(record, TEACHER)
        with pytest.raises(InputError, match="comes with the app"):
            store.belongings.delete("run", record.id, TEACHER)


def test_what_a_kill_has_left_of_a_copy_is_replaced(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path)
    dataset_id = other.save_dataset(builtin_dataset("car_park"))
    (tmp_path / "runs" / "car_park-ce").mkdir()
    (tmp_path / "runs" / "car_park-ce" / "plan.json").write_text("{")
    add_finished_runs(other, "car_park", dataset_id)
    assert other.folder("car_park-ce").plan() == FINISHED_RUNS["car_park-ce"].folder.plan()


def test_a_run_of_ones_own_carries_on_where_a_finished_one_ended(store: Store) -> None:
    before = FINISHED_RUNS["car_park-recipe"].folder
    copy = carry_on(store, "car_park-recipe", owner="me")
    assert (copy.owner, copy.status, copy.step) == ("me", RunStatus.PAUSED, 1200)
    assert copy.plan.cycles == before.plan().cycles + 1
    folder = store.folder(copy.id)
    folder.send(RunUntil(1202))
    events = list(execute(folder, builtin_dataset("car_park"), device="cpu"))
    steps = [event for event in events if isinstance(event, Step)]
    assert [(step.step, step.phase, step.cycle) for step in steps] == [(1201, 0, 2), (1202, 0, 2)]
    assert isinstance(events[-1], Paused)
    held = history(folder.events(), copy.plan)
    assert held.last_step == 1202
    assert [(span.cycle, span.phase) for span in held.spans] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    assert any("fresh optimiser" in text for _, text in held.notes)
    assert len(store.folder("car_park-recipe").events()) == len(before.events())


def test_a_run_that_has_not_ended_is_not_carried_on(store: Store) -> None:
    dataset_id = store.run("car_park-ce").dataset_id
    begun = store.create_run(store.run("car_park-ce").plan, dataset_id, owner="me")
    with pytest.raises(InputError, match="has not come to the end of its plan"):
        carry_on(store, begun.id, owner="me")


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_has_a_run_for_every_combination(name: GridName) -> None:
    grid = load_grid(name)
    values = list(itertools.product(*(axis.values for axis in grid.axes)))
    assert [cell.values for cell in grid.cells] == values
    for cell in grid.cells:
        assert cell.curve
        assert cell.recalls[-1][0] == grid.steps or cell.diverged
    with pytest.raises(InputError, match="choose among"):
        grid.cell(*(-1.0 for _ in grid.axes))


def test_events_of_a_run_are_whole_lines() -> None:
    for run in EVERY:
        assert not any(isinstance(event, Note) and "cannot be read" in event.text for event in run.folder.events())
        assert any(isinstance(event, PhaseChange) for event in RunFolder(run.folder.path).events())
