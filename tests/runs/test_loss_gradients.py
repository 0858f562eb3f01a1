"""Gradients of losses on a run: by pixel and in weight space, against closed forms and plain autograd."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.errors import InputError
from explorer.imagery.archive import save_dataset
from explorer.landscape.crops import cut_crops
from explorer.losses.lab import GradientMaps
from explorer.losses.loss import build_loss
from explorer.losses.spec import LossSpec
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.loss_gradients import gradient_maps, lab_crops
from explorer.runs.segmenters import load_segmenter
from explorer.runs.training import execute
from explorer.segmenter.inputs import InputSpec, prepared_image, prepared_scene
from tests.runs.tiny import tiny_dataset, tiny_plan

CE = LossSpec(kind="cross_entropy")
SPECS = (
    CE,
    LossSpec(kind="focal", gamma=0),
    LossSpec(kind="weighted_cross_entropy", class_weights=(1, 9)),
    LossSpec(kind="jaccard"),
    LossSpec(kind="object_jaccard"),
)
LAST = "step_00000020.safetensors"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run of twenty steps, and the file of its dataset."""
    root, dataset = tmp_path_factory.mktemp("lab"), tiny_dataset()
    save_dataset(dataset, root / "tiny.npz")
    folder = RunFolder.create(root / "run", tiny_plan(), DatasetReference.to(dataset))
    for _ in execute(folder, dataset, device="cpu", checkpoint_steps=10):
        pass
    return folder.path, root / "tiny.npz"


@pytest.fixture(scope="module")
def maps(made: tuple[Path, Path]) -> GradientMaps:
    return gradient_maps(*made, LAST, 0, SPECS, "cpu")


def test_gradient_of_cross_entropy_is_truth_minus_probability(maps: GradientMaps) -> None:
    counted = maps.label != 255
    truth = np.stack([maps.label == k for k in range(2)])
    np.testing.assert_allclose(maps.gradients[0], (truth - maps.probability) * counted, atol=1e-5)
    np.testing.assert_allclose(maps.gradients[1], maps.gradients[0], atol=1e-5)
    own = np.take_along_axis(maps.probability, np.where(counted, maps.label, 0)[None].astype(int), 0)[0]
    assert maps.values[0] == pytest.approx(-np.log(own[counted]).mean(), rel=1e-4)


def test_pixels_without_a_label_have_no_gradient(maps: GradientMaps) -> None:
    ignored = maps.label == 255
    assert ignored.any(), "a scene of 64 pixels does not fill the crop"
    assert not maps.gradients[:, :, ignored].any()


def test_cosines_are_those_of_plain_gradients(made: tuple[Path, Path], maps: GradientMaps) -> None:
    run, _ = made
    dataset = tiny_dataset()
    crops = cut_crops(dataset.validation, 2, dataset.stretch)
    segmenter = load_segmenter(RunFolder(run), LAST, "cpu")
    gradients = []
    for spec in SPECS:
        segmenter.zero_grad()
        build_loss(spec)(segmenter(torch.from_numpy(crops.images[:1])), torch.from_numpy(crops.labels[:1])).backward()
        gradients.append(torch.cat([weight.grad.flatten() for weight in segmenter.parameters()]).double())
    directions = torch.nn.functional.normalize(torch.stack(gradients))
    np.testing.assert_allclose(maps.cosines, directions @ directions.T, atol=1e-4)
    assert maps.cosines[0, 1] == pytest.approx(1, abs=1e-5)
    assert maps.cosines[0, 2] < 0.999


def test_crops_say_where_they_lie_and_how_much_is_on_them(made: tuple[Path, Path]) -> None:
    crops = lab_crops(made[1], InputSpec())
    dataset = tiny_dataset()
    assert {crop.scene for crop in crops} == {scene.name for scene in dataset.validation}
    assert crops[0].share == pytest.approx((dataset.validation[0].label == 1).mean())


def test_crops_and_gradients_are_those_of_the_runs_inputs(tmp_path: Path) -> None:
    dataset, inputs = tiny_dataset(), InputSpec(scale=0.5, differences=True)
    save_dataset(dataset, tmp_path / "tiny.npz")
    folder = RunFolder.create(tmp_path / "run", tiny_plan(1, inputs=inputs), DatasetReference.to(dataset))
    for _ in execute(folder, dataset, device="cpu"):
        pass
    crop = lab_crops(tmp_path / "tiny.npz", inputs)[0]
    reduced = prepared_scene(dataset.validation[0], inputs)
    assert crop.share == pytest.approx((reduced.label == 1).mean())
    file = folder.checkpoint_files()[-1].name
    maps = gradient_maps(folder.path, tmp_path / "tiny.npz", file, 0, SPECS[:1], "cpu")
    np.testing.assert_array_equal(maps.label[:32, :32], reduced.label)
    assert (maps.label[32:] == 255).all()
    image = prepared_image(dataset.validation[0].image, dataset.stretch, inputs)
    inner = np.pad(image, [(0, 0), (0, 96), (0, 96)], mode="edge")
    logits = load_segmenter(folder, file, "cpu")(torch.from_numpy(inner)[None])
    np.testing.assert_allclose(maps.probability, logits.softmax(1)[0].detach(), atol=1e-5)


@pytest.mark.parametrize(("checkpoint", "crop"), [("step_00000099.safetensors", 0), (LAST, 99), (LAST, -1)])
def test_what_is_not_there_is_named(made: tuple[Path, Path], checkpoint: str, crop: int) -> None:
    with pytest.raises(InputError, match="there is no"):
        gradient_maps(*made, checkpoint, crop, SPECS[:1], "cpu")


def test_answers_travel_between_processes(maps: GradientMaps) -> None:
    back = pickle.loads(pickle.dumps(maps))
    assert back.specs == maps.specs
    np.testing.assert_array_equal(back.gradients, maps.gradients)
