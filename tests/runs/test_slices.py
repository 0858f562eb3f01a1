"""Slices of a real run: measured, broken off, gone on with, shared among workers, clicked on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.__main__ import main
from explorer.errors import InputError
from explorer.landscape.crops import LANDSCAPE_DATA_FILE, LandscapeData
from explorer.landscape.grid import Tile
from explorer.landscape.objective import flatten
from explorer.landscape.plane_kinds import PlaneSpec
from explorer.landscape.slice import Slice, empty_refinement, journal_path, known_points, read_slice
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.spec import LossSpec
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.slice_files import slice_version
from explorer.runs.slices import (
    SliceSetup,
    curvature_report,
    local_measure,
    measure_slice,
    predict_at,
    prepare,
    save_landscape_data,
)
from explorer.runs.training import execute
from explorer.training.checkpoints import load_checkpoint, save_checkpoint
from tests.runs.tiny import tiny_dataset, tiny_plan

SMALL = SliceRequest(resolution=9, budget=81)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Trained for a moment, with four checkpoints."""
    dataset = tiny_dataset()
    path = tmp_path_factory.mktemp("runs") / "tiny"
    folder = RunFolder.create(path, tiny_plan(30), DatasetReference.to(dataset))
    for _ in execute(folder, dataset, device="cpu", checkpoint_steps=10):
        pass
    return folder


def test_a_run_keeps_its_crops(run: RunFolder) -> None:
    kept = LandscapeData.load(run.path / LANDSCAPE_DATA_FILE)
    again = save_landscape_data(run, tiny_dataset())
    assert kept.crops.content_hash == again.crops.content_hash
    assert kept.class_weights == (1.0, 5.0)  # those that it trains with
    assert kept.crops.origins == again.crops.origins
    assert kept.dataset_id == run.dataset().id


def test_adaptive_agrees_with_exhaustive(run: RunFolder, tmp_path: Path) -> None:
    adaptive, whole = tmp_path / "adaptive.npz", tmp_path / "whole.npz"
    request = SliceRequest(resolution=25, budget=625, plane=PlaneSpec(seed=1))
    first, *_, last = measure_slice(run, request, adaptive, "cpu")
    list(measure_slice(run, request.model_copy(update={"exhaustive": True}), whole, "cpu"))
    one, other = Slice.load(adaptive), Slice.load(whole)
    assert first.error_in_tolerances is None  # no point has been chosen by its error yet; JSON has no infinity
    assert last.error_in_tolerances is not None
    assert last.error_in_tolerances <= 1
    assert last.done == last.expected == one.measured.sum()
    assert last.done < 450
    assert other.measured.all()
    np.testing.assert_array_equal(one.fields["jaccard"][one.measured], other.fields["jaccard"][one.measured])
    for info in one.meta.fields:
        if info.group == "loss":
            true = np.log(other.fields[info.name])
            error = np.abs(np.log(one.fields[info.name]) - true) / np.ptp(true)
            assert np.percentile(error, 95) <= 0.015, info.name
            assert error.max() <= 0.05, info.name


def test_the_same_seed_gives_the_same_file(run: RunFolder, tmp_path: Path) -> None:
    for name in ("one.npz", "other.npz"):
        list(measure_slice(run, SMALL, tmp_path / name, "cpu"))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


@pytest.mark.parametrize("way", ["close", "error"])
def test_broken_off_anywhere_it_goes_on_to_the_same_file(
    run: RunFolder, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cut.npz"
    if way == "error":
        with monkeypatch.context() as patch:
            patch.setattr("explorer.runs.slices._progress", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                list(measure_slice(run, SMALL, path, "cpu"))
    else:
        progress = measure_slice(run, SMALL, path, "cpu")
        next(progress)
        progress.close()  # type: ignore[attr-defined]
    assert not path.exists()
    assert 0 < read_slice(path).measured.sum() < 81
    list(measure_slice(run, SMALL, path, "cpu"))
    assert not journal_path(path).exists()
    list(measure_slice(run, SMALL, tmp_path / "whole.npz", "cpu"))
    assert path.read_bytes() == (tmp_path / "whole.npz").read_bytes()


def measured(setup: SliceSetup, indices: np.ndarray) -> Tile:
    """Some points of a slice, measured by one worker."""
    values, bars = zip(*local_measure(setup)(setup.meta.grid.points(indices)), strict=True)
    return Tile(indices, np.stack(values), np.stack(bars))


def test_many_workers_share_a_slice(run: RunFolder, tmp_path: Path) -> None:
    workers = [prepare(run, SMALL, "cpu") for _ in range(2)]
    meta = workers[0].meta
    refinement = empty_refinement(meta)
    while len(wanted := refinement.propose()):
        for worker, part in zip(workers, np.array_split(wanted, 2), strict=True):
            if len(part):
                refinement.add(measured(worker, part))
    list(measure_slice(run, SMALL, tmp_path / "one.npz", "cpu"))
    alone = Slice.load(tmp_path / "one.npz").refinement()
    np.testing.assert_array_equal(refinement.measured, alone.measured)
    np.testing.assert_array_equal(refinement.values, alone.values)


@pytest.mark.parametrize(
    "plane",
    [
        PlaneSpec(kind="pca"),
        PlaneSpec(kind="hessian", ends="BE"),
        PlaneSpec(kind="gradients", losses=("cross_entropy", "dice")),
        PlaneSpec(
            kind="checkpoints",
            checkpoints=("step_00000000.safetensors", "step_00000010.safetensors", "tiny/step_00000030.safetensors"),
        ),
        PlaneSpec(
            kind="checkpoints", checkpoints=("step_00000000.safetensors", "step_00000030.safetensors"), line=True
        ),
        PlaneSpec(kind="random", layers=("decoder", "head"), normalisation="layer", line=True),
    ],
    ids=lambda plane: f"{plane.kind}{'-line' if plane.line else ''}",
)
def test_every_kind_of_plane(run: RunFolder, tmp_path: Path, plane: PlaneSpec) -> None:
    path = tmp_path / "x.npz"
    list(measure_slice(run, SliceRequest(plane=plane, resolution=5, budget=25), path, "cpu"))
    shown = Slice.load(path)
    report = shown.meta.report
    assert shown.fields["jaccard"].shape == ((1, 5) if plane.line else (5, 5))
    assert np.isfinite(shown.fields["jaccard"]).all()
    assert abs(report.cosine) < 1
    assert report.norms[0] > 0
    assert bool(report.explained_variance) == (plane.kind == "pca")
    assert len(report.eigenvalues) == len(report.residuals) == (2 if plane.kind == "hessian" else 0)
    steps = [point.step for point in shown.meta.path]
    assert steps == sorted(steps)
    assert steps[-1] == 30
    last = shown.meta.path[-1]
    if plane.kind != "checkpoints":  # the last checkpoint is the centre: on the plane, with its own losses
        assert (last.alpha, last.beta, last.distance) == pytest.approx((0, 0, 0), abs=1e-5)
        assert last.true == pytest.approx(last.on_plane)
        assert shown.meta.path[0].distance > 0
        assert shown.meta.path[0].true["jaccard"] != shown.meta.path[0].on_plane["jaccard"]
    if plane.kind == "hessian":
        assert list((run.path / "planes").iterdir())
        assert prepare(run, shown.meta.request, "cpu").meta.report == report  # kept for clicks and other workers


def test_a_click_shows_the_mask_there(run: RunFolder) -> None:
    setup = prepare(run, SMALL, "cpu")
    before = flatten(setup.objective.parameters).clone()
    here, there = predict_at(setup, 0.0, 0.0), predict_at(setup, 0.8, -0.9)
    assert torch.equal(before, flatten(setup.objective.parameters))
    np.testing.assert_array_equal(here.mask, here.centre_mask)
    np.testing.assert_array_equal(here.centre_mask, there.centre_mask)
    assert (there.mask != there.centre_mask).any()
    tile = measured(setup, np.array([40]))
    # Not exactly: a prediction uses all threads for its one point, whose sums are then in another order
    assert list(here.values.values()) == pytest.approx(tile.values[0].tolist(), rel=5e-5, nan_ok=True)
    with pytest.raises(InputError, match="no crop"):
        predict_at(setup, 0, 0, crop=99)


def test_curvature_of_a_run(run: RunFolder) -> None:
    report = curvature_report(run, "cross_entropy", count=2, device="cpu")
    assert report.eigenvalues[0] >= report.eigenvalues[1]
    assert max(report.residuals) < 0.05 * report.eigenvalues[0]
    assert report.trace_error > 0
    assert report.stable == pytest.approx(2 / report.learning_rate)


def test_a_loss_that_not_every_slice_has_is_measured_where_it_is_asked_for_or_was_trained(
    run: RunFolder, tmp_path: Path
) -> None:
    def measured(folder: RunFolder, **request: object) -> set[str]:
        return {field.name for field in prepare(folder, SliceRequest(**request), "cpu").objective.fields}

    usual = measured(run)
    assert "dice" in usual
    assert not usual & {"boundary", "dice_topk"}
    assert measured(run, plane=PlaneSpec(kind="gradients", losses=("boundary", "dice"))) == usual | {"boundary"}
    shutil.copytree(run.path, tmp_path / "other")
    other = RunFolder(tmp_path / "other")
    phases = tuple(phase.model_copy(update={"loss": LossSpec(kind="dice_topk")}) for phase in run.plan().phases)
    other.plan_file.write_text(run.plan().model_copy(update={"phases": phases}).model_dump_json())
    assert measured(other) == usual | {"dice_topk"}
    assert np.isfinite(curvature_report(run, "scale_location", device="cpu", count=1).trace)


def test_the_rate_beside_curvature_is_the_one_of_the_next_step(run: RunFolder, tmp_path: Path) -> None:
    """After a recovery inside a warm-up it is neither the phase's rate nor what was set by hand."""
    folder = RunFolder(tmp_path / "recovered")
    shutil.copytree(run.path, folder.path)
    phase = run.plan().phases[0].model_copy(update={"learning_rate": 8e-3, "warmup_steps": 40})
    plan = run.plan().model_copy(update={"phases": (phase,)})
    folder.plan_file.write_text(plan.model_dump_json())
    state = load_checkpoint(folder.checkpoints / "step_00000010.safetensors")
    for steered, rate in ((None, 8e-3 * 11 / 40 / 2), (4e-3, 4e-3 * 11 / 40 / 2)):
        save_checkpoint(replace(state, rate_factor=0.5, learning_rate=steered), folder.checkpoints)
        report = curvature_report(folder, "cross_entropy", "step_00000010.safetensors", count=1, device="cpu")
        assert report.learning_rate == pytest.approx(rate)
        assert report.stable == pytest.approx(2 / rate)


def test_object_metrics_are_an_option(run: RunFolder, tmp_path: Path) -> None:
    request = SMALL.model_copy(update={"objects": True, "resolution": 3, "budget": 9})
    list(measure_slice(run, request, tmp_path / "x.npz", "cpu"))
    assert "object_recall_1" in Slice.load(tmp_path / "x.npz").fields
    assert Slice.load(tmp_path / "x.npz").meta.minimum_area == run.dataset().minimum_area == 8


def test_points_of_another_minimum_area_are_measured_again(run: RunFolder, tmp_path: Path) -> None:
    request = SMALL.model_copy(update={"objects": True, "resolution": 3, "budget": 9})
    list(measure_slice(run, request, tmp_path / "x.npz", "cpu"))
    meta = Slice.load(tmp_path / "x.npz").meta
    assert len(known_points(tmp_path / "x.npz", meta).indices) == 9
    assert len(known_points(tmp_path / "x.npz", meta.model_copy(update={"minimum_area": 3})).indices) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resolution": 10}, "odd"),
        ({"extent": -1.0}, "positive"),
        ({"checkpoint": "../../etc/passwd"}, "names no checkpoint"),
        ({"checkpoint": "step_00000099.safetensors"}, "not a readable checkpoint"),
        ({"plane": PlaneSpec(layers=("tail",))}, "no layer"),
        ({"watched": ("nothing",)}, "smooth"),
    ],
)
def test_bad_requests_are_refused(run: RunFolder, tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(measure_slice(run, SMALL.model_copy(update=changes), tmp_path / "x.npz", "cpu"))


def test_the_command_line(run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.html"
    words = ["landscape", str(run.path), "--plane", "random", "--resolution", "9", "--seed", "2", "--device", "cpu"]
    assert main([*words, "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert "81 of about 81 points" in captured.err
    assert captured.out == ""
    page = out.read_text()
    assert "--seed 2" in page
    assert 'src="http' not in page  # nothing is loaded from elsewhere
    shown = Slice.load(out.with_suffix(".npz"))
    assert shown.meta.request.plane.seed == 2
    assert main([*words, "--line", "--out", str(tmp_path / "line.html")]) == 0
    capsys.readouterr()
    for bad in (["--out", "x.txt"], ["--resolution", "10", "--out", "x.npz"], ["--layers", "tail", "--out", "x.npz"]):
        assert main([*words, *bad]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_journal_that_goes_while_it_is_looked_at_gives_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.npz"
    assert slice_version(file) is None
    file.write_bytes(b"finished")
    expected = slice_version(file)
    monkeypatch.setattr(Path, "exists", lambda _: True)  # the journal was there a moment ago
    assert slice_version(file) == expected


def test_refine_is_what_measure_slice_does(run: RunFolder, tmp_path: Path) -> None:
    """The planner alone, fed with a file's values, walks the same way: the server can follow a worker."""
    list(measure_slice(run, SliceRequest(resolution=25, budget=200), tmp_path / "x.npz", "cpu"))
    shown = Slice.load(tmp_path / "x.npz")
    known = shown.refinement()
    replay = empty_refinement(shown.meta)
    while replay.count < known.count:
        wanted = replay.propose()[: known.count - replay.count]
        replay.add(Tile(wanted, known.values[wanted], known.standard_errors[wanted]))
    np.testing.assert_array_equal(replay.measured, known.measured)
