"""A prediction keeps what any threshold needs: its masks are those that ``evaluate`` counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.errors import InputError
from explorer.imagery.assembly import make_dataset
from explorer.imagery.notes import Note
from explorer.imagery.scene import IGNORE, Dataset, GeoReference, Raster, Scene
from explorer.metrics.class_map import classes_at
from explorer.metrics.splitting_predictions import ObjectCut, cut_classes
from explorer.runs.folder import DatasetReference
from explorer.runs.predicting import predict_raster, require_memory
from explorer.runs.prediction import accepted, as_trained, cuts_for, load_prediction, misfits, save_prediction
from explorer.segmenter.network import Segmenter
from explorer.segmenter.prediction import Predictor

PLACE = GeoReference("EPSG:32631", (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0))


class Bands(Segmenter):
    """Logits 0 for the background, and six times each band less three for its class."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    @property
    def multiple(self) -> int:
        return 1

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([torch.zeros_like(images[:, :1]), 6 * images - 3], dim=1)


def dataset(bands: int, height: int = 60, width: int = 50) -> Dataset:
    random = np.random.default_rng(0)
    label = np.zeros((height, width), np.uint8)
    label[5:20, 5:20] = 1
    image = random.integers(0, 256, (bands, height, width)).astype(np.uint8)
    names = tuple(f"band {number}" for number in range(bands))
    scenes = [Scene(f"scene{i}", np.roll(image, i, 1), label, names, PLACE) for i in range(2)]
    return make_dataset("noise", scenes, ("background", *(f"class {number}" for number in range(bands))))


def raster_of(scene: Scene) -> Raster:
    valid = np.ones(scene.size, np.bool_)
    valid[:3, :4] = False
    return Raster(
        scene.name, scene.image, valid, scene.bands, scene.georeference, notes=(Note("fill_value", "Zeros."),)
    )


@pytest.mark.parametrize("bands", [1, 2])
@pytest.mark.parametrize("thresholds", [None, (0.4, 0.6)])
def test_masks_are_those_that_are_evaluated(bands: int, thresholds: tuple[float, ...] | None, tmp_path: Path) -> None:
    made = dataset(bands, 600)  # two tiles high
    reference, raster = DatasetReference.to(made), raster_of(made.scenes[0])
    predictor = Predictor(Bands(), made.stretch)
    cuts = (ObjectCut(6.0, 3), ObjectCut(None, 2))[:bands]
    thresholds = thresholds and thresholds[:bands]
    prediction = predict_raster(predictor, reference, raster, "step_00000001.safetensors", (6.0, 0.0)[:bands])
    save_prediction(prediction, tmp_path / "prediction.npz")
    probabilities = predictor.probabilities(raster.image)
    expected = cut_classes(classes_at(probabilities, thresholds), probabilities, cuts)
    expected[~raster.valid] = IGNORE
    for each in (prediction, load_prediction(tmp_path / "prediction.npz")):
        np.testing.assert_array_equal(each.mask(thresholds, cuts), expected)
        assert (each.georeference, each.size, each.meta.notes) == (PLACE, (600, 50), raster.notes)
        assert each.picture.shape == (600, 50, 3)
    assert (expected > 0).any()


def test_cuts_are_the_runs_until_others_are_chosen() -> None:
    made = dataset(2)
    meta = predict_raster(
        Predictor(Bands(), made.stretch), DatasetReference.to(made), raster_of(made.scenes[0]), "s", (6.0, 0.0)
    ).meta
    own = (ObjectCut(6.0, 4), ObjectCut(None, 9))
    assert cuts_for(own, meta, None, None) == own
    assert cuts_for(own, meta, False, 5) == (ObjectCut(None, 5), ObjectCut(None, 5))
    assert cuts_for((), meta, True, None) == (ObjectCut(6.0, 1), ObjectCut(None, 1)), "no size of class 2 is known"


def test_a_mask_says_what_it_rests_on() -> None:
    for bands in (1, 2):
        made = dataset(bands)
        predictor, raster = Predictor(Bands(), made.stretch, flips=True), raster_of(made.scenes[0])
        prediction = predict_raster(predictor, DatasetReference.to(made), raster, "s", (6.0, 0.0)[:bands])
        about = prediction.about("ab12", (0.437, 0.5)[:bands], (ObjectCut(6.0, 4), ObjectCut(None, 9))[:bands])
        assert about.items() >= {
            "image": raster.name, "run": "ab12", "checkpoint": "s", "flips": "yes", "class_1": "class 0",
            "threshold_1": "0.437", "split_1": "yes", "smallest_1": "4 px", "notes": "Zeros.",
        }.items()  # fmt: skip
    assert about.items() >= {"threshold_2": "0.5", "split_2": "no", "smallest_2": "9 px"}.items()
    plain = prediction.about("ab12", None)
    assert plain.items() >= {"threshold": "none: each pixel has its most probable class", "smallest_1": "1 px"}.items()
    assert "threshold_1" not in plain


def test_an_image_too_large_for_memory_is_refused() -> None:
    made = dataset(1)
    raster = raster_of(made.scenes[0])
    large = replace(raster, image=np.broadcast_to(raster.image[:, :1, :1], (1, 20_000, 20_000)),
                    valid=np.broadcast_to(np.True_, (20_000, 20_000)))  # fmt: skip
    require_memory(Predictor(Bands(), made.stretch), raster, 2**26)
    with pytest.raises(InputError, match=r"20000 × 20000 pixels takes about 6,\d+ MiB of memory, at most 4,096 MiB"):
        require_memory(Predictor(Bands(), made.stretch), large, 2**32)


def test_bands_and_values_must_be_those_of_the_run() -> None:
    made = dataset(2)
    reference, raster = DatasetReference.to(made), raster_of(made.scenes[0])
    assert misfits(as_trained(raster, reference), reference) == ()
    brighter = replace(raster, image=raster.image.astype(np.int32) * 1000)
    (problem,) = misfits(brighter, reference)
    assert "lie outside the range" in problem.text
    assert misfits(brighter, reference, with_values=False) == ()
    (_, noted) = accepted(brighter, [problem]).notes
    assert noted.text == f"Predicted all the same, although {problem.text}."
    by_itself = reference.model_copy(update={"choices": reference.choices.model_copy(update={"stretch": "scene"})})
    assert as_trained(raster, by_itself).image.dtype == np.uint16
    assert as_trained(raster, by_itself, is_stretched=True) is raster
    with pytest.raises(InputError, match=r"1 band\(s\), the run was trained on 2"):
        as_trained(replace(raster, image=raster.image[:1], bands=("grey",)), reference)


@pytest.mark.parametrize(
    ("own", "trained", "fits"),
    [
        (("NIR", "red", "green"), ("red", "green", "blue"), False),
        (("B", "G", "R", "N"), ("red", "green", "blue", "near infrared"), False),
        (("B04", "B03", "B02", "B08"), ("red", "green", "blue", "nir"), True),
        (("band 1", "band 2", "band 3"), ("red", "green", "blue"), True),
        (("red", "near"), ("near", "red"), False),
    ],
)
def test_bands_whose_names_tell_must_show_the_same(own: tuple[str, ...], trained: tuple[str, ...], fits: bool) -> None:
    made = dataset(len(own))
    reference = DatasetReference.to(made).model_copy(update={"bands": trained})
    found = misfits(replace(raster_of(made.scenes[0]), bands=own), reference)
    assert [problem.code for problem in found] == ([] if fits else ["other_bands"])


def test_pixels_of_another_size_on_the_ground_are_noted() -> None:
    made = dataset(1)
    reference, raster = DatasetReference.to(made), raster_of(made.scenes[0])
    assert reference.pixel_side == pytest.approx(10 / 0.9996, rel=1e-3)
    assert as_trained(raster, reference) is raster
    fine = replace(raster, georeference=GeoReference(PLACE.crs, (0.5, 0, 500_000, 0, -0.5, 4_000_000)))
    (_, note) = as_trained(fine, reference).notes
    assert note.code == "pixel_size_differs"
    assert "20 times the size in pixels" in note.text
    assert as_trained(fine, reference.model_copy(update={"pixel_side": None})) is fine
    without = replace(fine, georeference=None)
    assert as_trained(without, reference) is without


def test_a_prediction_that_is_broken_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read"):
        load_prediction(tmp_path / "a.npz")
