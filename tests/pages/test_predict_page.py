"""Predict: an empty state, a scene and an upload predicted for, thresholds, objects, and what others see."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.io import MemoryFile
from streamlit.testing.v1 import AppTest

from explorer.jobs.registry import PackPrediction
from explorer.runs.class_thresholds import read_own_thresholds
from explorer.runs.prediction_names import prediction_file
from explorer.runs.records import RunStatus
from explorer.ui import identity, services
from tests.pages.look import address, button, picker, texts
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]
PLACE = Affine(10, 0, 500_000, 0, -10, 4_000_000)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def run_id(server: None) -> str:
    """A run that has ended, of the visitor."""
    store = services.store()
    dataset = store.save_dataset(tiny_dataset(), owner="0123456789abcdef01234567")
    record = store.create_run(tiny_plan(40, choose_threshold=True), dataset, owner="0123456789abcdef01234567")
    services.engine().submit(record.id)
    wait_until(lambda: store.run(record.id).status is RunStatus.DONE)
    return record.id


def geotiff(factor: int = 1) -> bytes:
    image = tiny_dataset().scenes[0].image.astype("int32") * factor
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 2, "dtype": "int32" if factor > 1 else "uint8"}
    with MemoryFile() as memory:
        with memory.open(crs="EPSG:32631", transform=PLACE, **profile) as file:
            file.write(image.astype(profile["dtype"]))
        content: bytes = memory.read()
        return content


def opened(open_page: OpenPage, run_id: str, **parameters: str) -> AppTest:
    page = open_page("pages/predict.py")
    for name, value in ({"run": run_id} | parameters).items():
        page.query_params[name] = value
    page.run()
    assert not page.exception, page.exception
    return page


def predicted(page: AppTest) -> AppTest:
    """The page once what was ordered on it is there."""
    button(page, "Predict").click().run()
    assert not page.exception, page.exception
    wait_until(lambda: not services.store().jobs.active())
    page.run()
    assert not page.exception, page.exception
    return page


def metric(page: AppTest, label: str) -> str:
    return next(each.value for each in page.metric if each.label == label)


def test_a_run_without_images_says_what_to_do(open_page: OpenPage, run_id: str) -> None:
    page = opened(open_page, run_id)
    assert "Upload an image, or choose a validation scene" in texts(page)
    assert not [each for each in page.button if each.label == "Predict"]


def test_a_validation_scene_has_pixels_and_no_square_metres(open_page: OpenPage, run_id: str) -> None:
    page = predicted(opened(open_page, run_id, **{"from": "Validation scene"}))
    assert address(page)["prediction"]
    assert metric(page, "on the ground") == "n/a"
    assert "does not say where on the earth it lies" in texts(page)
    count = int(metric(page, "objects"))
    table = page.dataframe[0].value
    assert len(table) == count > 0
    assert list(table) == ["class", "score", "area (px)", "column", "row"]
    assert table["area (px)"].is_monotonic_decreasing
    assert metric(page, "area") == f"{table['area (px)'].sum():,} px"
    assert [each.label for each in page.button if "rediction" in each.label] == ["Show the prediction"]


def test_the_threshold_needs_no_other_prediction(open_page: OpenPage, run_id: str) -> None:
    page = opened(open_page, run_id, **{"from": "Validation scene"})
    slider = page.slider[-1]
    assert slider.label == "Threshold"
    own = read_own_thresholds(services.store().folder(run_id))
    assert own is not None
    assert f"{own.values[0]:g}. The run's own" in texts(page), "the slider shows two digits"
    assert page.number_input[0].placeholder == f"{own.cuts()[0].smallest}, the run's" != "1, the run's"
    areas = []
    for value in (0.1, 0.9):
        page.slider[-1].set_value(value).run()
        assert not page.exception, page.exception
        areas.append(int(metric(page, "area").removesuffix(" px").replace(",", "")))
        assert "Chosen here, instead of" in texts(page)
        assert page.number_input[0].placeholder.startswith("1"), "as the command predict takes a number"
    assert areas[0] > areas[1]
    assert not services.store().jobs.active()
    page.number_input[0].set_value(100_000).run()
    assert "No object at this threshold" in texts(page)


def test_an_upload_is_placed_on_the_ground_and_survives_a_reload(open_page: OpenPage, run_id: str) -> None:
    page = opened(open_page, run_id)
    page.file_uploader[0].set_value(
        [("quay.tif", geotiff(), "image/tiff"), ("notes.txt", b"hello", "text/plain")]
    ).run()
    assert "64 × 64 pixels, 2 bands, uint8, with a georeference" in texts(page)
    assert "**notes\\.txt** is left out" in texts(page)
    assert "not a PNG, JPEG or TIFF file — save the image as PNG or TIFF" in texts(page)
    page = predicted(page)
    area = int(metric(page, "area").removesuffix(" px").replace(",", ""))
    assert metric(page, "on the ground") == f"{area * 100 / 0.9996**2:,.0f} m²"
    assert {"area (m²)", "longitude", "latitude"} < set(page.dataframe[0].value)

    shown, count = address(page), metric(page, "objects")
    again = opened(open_page, run_id, **{name: shown[name] for name in ("images", "prediction")})
    assert metric(again, "objects") == count
    button(again, "Discard images").click().run()
    assert not again.exception
    assert metric(again, "objects") == count, "the prediction stays"

    file = prediction_file(services.store().folder(run_id).path, shown["prediction"])
    packed = services.engine().ask(PackPrediction(file, "mask", (0.5,), ()))
    with rasterio.open(io.BytesIO(packed)) as mask:
        assert (mask.crs.to_epsg(), mask.transform, mask.tags(ns="IMAGE_STRUCTURE")["LAYOUT"]) == (32631, PLACE, "COG")
        assert set(np.unique(mask.read(1))) == {0, 1}


def test_values_of_another_kind_must_be_accepted(open_page: OpenPage, run_id: str) -> None:
    page = opened(open_page, run_id)
    page.file_uploader[0].set_value([("other.tif", geotiff(5000), "image/tiff")]).run()
    assert "lie outside the range that the run was trained on" in page.warning[0].value.replace("\\", "")
    assert button(page, "Predict").disabled
    page.checkbox(key="predict-force").check().run()
    page = predicted(page)
    assert metric(page, "objects")
    later = opened(open_page, run_id, prediction=address(page)["prediction"])
    assert "Predicted all the same, although its values" in texts(later).replace("\\", "")


def test_others_do_not_see_it(open_page: OpenPage, run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = opened(open_page, run_id, **{"from": "Validation scene"})
    name = address(mine)["prediction"]
    services.store().belongings.share("run", run_id, True, identity.visitor())
    services.store().belongings.share("dataset", services.store().run(run_id).dataset_id, True, identity.visitor())
    monkeypatch.setattr(identity, "_visitor_id", lambda: "f" * 24)
    theirs = opened(open_page, run_id, prediction=name)
    assert "There is no prediction of yours on this run" in texts(theirs)
    assert not theirs.metric
    theirs = predicted(opened(open_page, run_id, **{"from": "Validation scene"}))
    assert address(theirs)["prediction"] != name
    assert services.store().usage.of("f" * 24).elsewhere > 0, "it counts towards their share"


def test_a_scene_of_another_dataset_with_other_bands_is_refused(open_page: OpenPage, run_id: str) -> None:
    page = opened(open_page, run_id, **{"from": "Another dataset"})
    assert picker(page, "Dataset of the scene").value
    assert "band(s), the run was trained on 2" in page.error[0].value.replace("\\", "")
