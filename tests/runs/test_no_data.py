"""Where images have no data: whatever value stands there, a run that stretches each scene by itself is the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import IGNORE, Dataset, Raster, make_scene
from explorer.landscape.crops import cut_crops
from explorer.metrics.class_map import STEPS
from explorer.runs.evaluation import Scoring, evaluate_scenes
from explorer.runs.folder import DatasetReference
from explorer.runs.predicting import predict_raster
from explorer.runs.prediction import raster_of
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.network import build_segmenter
from explorer.segmenter.prediction import Predictor
from explorer.training.sampler import Sampler
from explorer.training.validation import Validator
from tests.runs.tiny import tiny_dataset, tiny_plan

INPUTS = InputSpec(own_stretch=True)
CPU = torch.device("cpu")


def bordered(no_data: float, label_there: int = 0) -> Dataset:
    """The tiny dataset, with this value in half of each image, where there is no data."""
    scenes = []
    for scene in tiny_dataset().scenes:
        image, valid = scene.image.astype(np.float32), np.ones(scene.size, np.bool_)
        valid[:, 32:] = False
        image[:, ~valid] = no_data
        label = np.where(valid, scene.label, np.uint8(label_there))
        scenes.append(make_scene(Raster(scene.name, image, valid, scene.bands), label))
    return make_dataset("bordered", scenes, ("background", "square"))


def outcomes(dataset: Dataset) -> list[np.ndarray]:
    plan = tiny_plan(inputs=INPUTS)
    sampler = Sampler(dataset.training, 2, dataset.stretch, plan, CPU)
    validator = Validator(dataset.validation, 2, dataset.stretch, CPU, 1, inputs=INPUTS)
    segmenter = build_segmenter(2, 2, plan.segmenter, 0)
    predictor = Predictor(segmenter.eval(), dataset.stretch, INPUTS)
    scene = dataset.validation[0]
    prediction = predict_raster(predictor, DatasetReference.to(dataset), raster_of(scene), "step")
    middle = float(np.median(prediction.values[0][prediction.valid])) / STEPS
    scores = evaluate_scenes(predictor, [scene], 2, Scoring(1, dataset.match_rule), (middle,)).scores
    return [
        sampler.batch(0).images.numpy(),
        *(window.image.numpy() for window in validator.windows),
        cut_crops(dataset.validation, 2, dataset.stretch, INPUTS, count=4, size=32).images,
        prediction.values,
        prediction.picture,
        np.array([scores.classes[1].pixel.precision or 0.0]),
    ]


def test_the_value_of_pixels_without_data_does_not_matter() -> None:
    for first, second in zip(outcomes(bordered(-9999)), outcomes(bordered(-500)), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_scene_is_predicted_where_its_image_has_data_whatever_its_label_ignores() -> None:
    dataset = bordered(-9999)
    scene = dataset.validation[0]
    label = scene.label.copy()
    label[:16] = IGNORE
    raster = raster_of(replace(scene, label=label))
    np.testing.assert_array_equal(raster.valid, np.arange(64) < np.full((64, 1), 32))
    assert [note.code for note in raster.notes] == ["ignored_predicted"]
    assert "12.5% of the pixels" in raster.notes[0].text
    assert raster_of(scene).notes == ()
    assert raster_of(tiny_dataset().scenes[0]).valid.all()
