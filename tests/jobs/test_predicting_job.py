"""The job of a prediction: it leaves one file, nothing beside it, and can be stopped while it works."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.archive import save_dataset
from explorer.imagery.scene import Raster
from explorer.jobs.job import perform
from explorer.jobs.predicting import pack_prediction
from explorer.jobs.registry import PackPrediction, PredictImage
from explorer.runs.decoded_image import save_raster
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.job_files import request_stop
from explorer.runs.prediction import load_prediction
from explorer.runs.prediction_names import is_name, name_of, prediction_name
from explorer.runs.records import JobStatus
from explorer.runs.training import execute
from tests.runs.tiny import tiny_dataset, tiny_plan


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> PredictImage:
    """For an image of two tiles, with a run of a few steps."""
    root = tmp_path_factory.mktemp("store")
    dataset = tiny_dataset()
    save_dataset(dataset, root / "dataset.npz")
    folder = RunFolder.create(root / "run", tiny_plan(5), DatasetReference.to(dataset))
    list(execute(folder, dataset, device="cpu"))
    image = np.tile(dataset.scenes[0].image, (1, 1, 10))
    save_raster(Raster("wide.tif", image, np.ones(image.shape[1:], np.bool_), ("red", "near")), root / "wide.npz")
    checkpoint = folder.checkpoint_files()[-1].name
    name = prediction_name("visitor", "wide.tif")
    return PredictImage(
        folder.path, root / "dataset.npz", "cpu", name, root / "wide.npz", None, checkpoint, False, (8.0,), False, 2**30
    )


def test_it_leaves_one_file_with_probabilities_of_the_whole_image(job: PredictImage) -> None:
    assert perform(job) is JobStatus.DONE
    prediction = load_prediction(job.file)
    assert (prediction.size, prediction.values.shape, prediction.lines.shape) == ((64, 640), (1, 64, 640), (1, 64, 640))
    assert {path.name for path in job.file.parent.iterdir()} == {job.file.name, f".{job.file.name}.lock"}
    for kind, begin in (("mask", b"II"), ("geopackage", b"SQLite"), ("geojson", b'{"type": "FeatureCollection"')):
        assert pack_prediction(PackPrediction(job.file, kind, (0.01,), ())).startswith(begin)  # type: ignore[arg-type]


def test_a_scene_of_the_dataset_is_predicted_likewise(job: PredictImage) -> None:
    of_scene = dataclasses.replace(job, name="0" * 24, image=job.dataset, scene="scene1")
    assert perform(of_scene) is JobStatus.DONE
    assert load_prediction(of_scene.file).meta.image == "scene1"
    with pytest.raises(InputError, match="there is no such scene"):
        perform(dataclasses.replace(of_scene, name="1" * 24, scene="nowhere"))


def test_it_ends_between_tiles_when_it_is_stopped(job: PredictImage, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = dataclasses.replace(job, name="2" * 24)
    request_stop(stopped.file)
    assert perform(stopped) is JobStatus.STOPPED
    assert [path.name for path in stopped.file.parent.glob(f"*{'2' * 24}*")] == [f".{stopped.file.name}.lock"]


def test_too_little_memory_and_other_values_are_said(job: PredictImage, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="EXPLORER_PREDICTION_MEMORY"):
        perform(dataclasses.replace(job, name="3" * 24, memory=1000))
    image = np.full((2, 8, 8), 1e6, np.float32)
    image[:, 0] += 1
    save_raster(Raster("bright.tif", image, np.ones((8, 8), np.bool_), ("red", "near")), tmp_path / "bright.npz")
    bright = dataclasses.replace(job, name="4" * 24, image=tmp_path / "bright.npz")
    with pytest.raises(InputError, match="lie outside the range that the run was trained on"):
        perform(bright)
    assert perform(dataclasses.replace(bright, forced=True)) is JobStatus.DONE
    (note,) = load_prediction(bright.file).meta.notes
    assert note.code == "values_outside_stretch"
    packed = json.loads(pack_prediction(PackPrediction(bright.file, "geojson", (0.5,), ())))
    assert packed["metadata"]["notes"] == note.text
    assert packed["metadata"]["run"] == job.run.name


def test_names_are_checked_before_they_become_files() -> None:
    name = prediction_name("visitor", "image")
    assert is_name(name)
    assert name != prediction_name("another", "image")
    assert name_of(f"predictions/{name}.npz") == name
    assert name_of(f"sweeps/{name}.npz") is None
    assert not any(map(is_name, ("", "../secret", name + "0", name.upper() + "G")))
