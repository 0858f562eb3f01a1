"""A run of the pretrained segmenter at a working scale: landscapes, clicks, gradients of losses, prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.archive import save_dataset
from explorer.imagery.scene import Dataset
from explorer.imagery.stretch import stretched
from explorer.landscape.crops import LANDSCAPE_DATA_FILE, LandscapeData, cut_crops
from explorer.landscape.plane_kinds import PLANE_KINDS, PlaneSpec
from explorer.landscape.slice import Slice
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.spec import LossSpec
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.loss_gradients import gradient_maps
from explorer.runs.segmenters import load_predictor
from explorer.runs.slices import measure_slice, predict_at, prepare
from explorer.runs.training import execute
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.spec import PretrainedSpec
from explorer.training.checkpoints import load_checkpoint
from explorer.training.loop import train
from tests.runs.tiny import tiny_dataset, tiny_plan

INPUTS = InputSpec(scale=0.5, differences=True)
STEPS = 6
PLANES = [
    PlaneSpec(kind="random", layers=("encoder",)),
    PlaneSpec(kind="pca"),
    PlaneSpec(kind="hessian"),
    PlaneSpec(kind="gradients"),
    PlaneSpec(
        kind="checkpoints",
        checkpoints=tuple(f"step_{step:08d}.safetensors" for step in (0, 2, STEPS)),
    ),
]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return tiny_dataset()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, dataset: Dataset) -> RunFolder:
    """Trained for a moment, with four checkpoints; its landscapes are measured on crops of 32 pixels."""
    spec = PretrainedSpec(rgb=(0, 1, 1), width=8)
    plan = tiny_plan(STEPS, segmenter=spec, inputs=INPUTS, crop_size=32)
    folder = RunFolder.create(tmp_path_factory.mktemp("runs") / "pretrained", plan, DatasetReference.to(dataset))
    for _ in execute(folder, dataset, device="cpu", checkpoint_steps=2):
        pass
    file = folder.path / LANDSCAPE_DATA_FILE
    kept = LandscapeData.load(file)
    assert kept.minimum_area == dataset.minimum_area / 4
    assert kept.crops.images.shape[1:] == (3, 128, 128)
    small = cut_crops(dataset.validation, 2, dataset.stretch, INPUTS, size=32)
    LandscapeData(small, kept.classes, kept.class_weights, kept.dataset_id, kept.minimum_area).save(file)
    return folder


@pytest.mark.parametrize("plane", PLANES, ids=lambda plane: plane.kind)
def test_every_kind_of_plane_is_measured(run: RunFolder, tmp_path: Path, plane: PlaneSpec) -> None:
    request = SliceRequest(plane=plane, resolution=3, budget=9)
    list(measure_slice(run, request, tmp_path / "x.npz", "cpu"))
    shown = Slice.load(tmp_path / "x.npz")
    assert np.isfinite(shown.fields["jaccard"]).all()
    assert len(np.unique(shown.fields["jaccard"])) > 1
    last = shown.meta.path[-1]
    assert last.true == pytest.approx(last.on_plane, rel=1e-4)
    if plane.kind != "checkpoints":
        assert (last.alpha, last.beta, last.distance) == pytest.approx((0, 0, 0), abs=1e-5)
    report = shown.meta.report
    assert all(rest < 0.05 * abs(value) for value, rest in zip(report.eigenvalues, report.residuals, strict=True))
    assert len(report.eigenvalues) == (2 if plane.kind == "hessian" else 0)


def test_no_kind_of_plane_is_left_out() -> None:
    assert {plane.kind for plane in PLANES} == set(PLANE_KINDS)


def test_checkpoints_hold_parameters_alone(run: RunFolder) -> None:
    files = run.checkpoint_files()
    objective = prepare(run, SliceRequest(), "cpu").objective
    assert [load_checkpoint(file).step for file in files] == [0, 2, 4, 6]
    assert set(load_checkpoint(files[-1]).weights) == set(objective.names)
    assert sum(each.numel() for each in objective.parameters) == run.plan().segmenter.parameters(3, 2)


def test_it_starts_at_the_shares_of_the_training_scenes(run: RunFolder, dataset: Dataset) -> None:
    first = load_checkpoint(run.checkpoint_files()[0]).weights["head.bias"]
    pixels = sum(scene.pixel_counts(2) for scene in dataset.training)
    assert first.tolist() == pytest.approx([0, np.log(pixels[1] / pixels[0])])


def test_bands_that_are_not_there_are_refused(dataset: Dataset) -> None:
    plan = tiny_plan(1, segmenter=PretrainedSpec(rgb=(0, 1, 2)), inputs=INPUTS)  # a third channel, but no third band
    with pytest.raises(InputError, match=r"segmenter\.rgb: there is no band at position 2"):
        next(train(plan, dataset, device="cpu"))


def test_a_click_shows_the_bands_at_the_working_scale(run: RunFolder, dataset: Dataset) -> None:
    setup = prepare(run, SliceRequest(), "cpu")
    here = predict_at(setup, 0.0, 0.0)
    assert here.image.shape == (2, 32, 32)
    bands = stretched(dataset.validation[0].image, dataset.stretch)
    np.testing.assert_allclose(here.image[:, 3, 5], bands[:, 6:8, 10:12].mean((1, 2)), atol=1e-6)
    np.testing.assert_array_equal(here.mask, here.centre_mask)


def test_gradients_of_losses_are_measured(run: RunFolder, dataset: Dataset, tmp_path: Path) -> None:
    save_dataset(dataset, tmp_path / "tiny.npz")
    specs = [LossSpec(kind="cross_entropy"), LossSpec(kind="jaccard")]
    maps = gradient_maps(run.path, tmp_path / "tiny.npz", run.checkpoint_files()[-1].name, 0, specs, "cpu")
    assert maps.gradients[0].any()
    assert -1 <= maps.cosines[0, 1] < 1


def test_predictions_are_on_the_scenes_own_grid(run: RunFolder, dataset: Dataset) -> None:
    scene = dataset.validation[0]
    found = load_predictor(run, device="cpu").probabilities(scene.image)
    assert found.shape == (2, *scene.size)
    assert found[1][scene.label == 1].mean() > found[1][scene.label == 0].mean()
