"""Masks and objects as files: complete or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.scene import IGNORE, GeoReference
from explorer.imagery.writing import write_mask
from explorer.metrics.found_objects import find_objects
from explorer.runs.object_files import write_objects

MASK = np.array([[0, 1, 1], [0, 1, IGNORE]], dtype=np.uint8)
PLACE = GeoReference("EPSG:32631", (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0))


def write_some_objects(path: Path, mask: NDArray[np.uint8], place: GeoReference | None, classes: Sequence[str]) -> None:
    write_objects(path, find_objects(mask, np.zeros((1, *mask.shape), np.uint16)), place, classes)


WRITERS = [write_mask, write_some_objects]


def test_a_mask_keeps_its_ids_its_names_and_its_place(tmp_path: Path) -> None:
    write_mask(tmp_path / "mask.tif", MASK, PLACE, ("ground", "car"))
    with rasterio.open(tmp_path / "mask.tif") as file:
        assert (file.read(1) == MASK).all()
        assert (file.crs.to_epsg(), tuple(file.transform)[:6], file.nodata) == (32631, PLACE.transform, IGNORE)
        assert file.compression.value == "DEFLATE"
        assert file.descriptions == ("class id",)
        assert {file.tags(1)["class_0"], file.tags(1)["class_1"]} == {"ground", "car"}


def test_a_large_mask_is_tiled_and_its_overviews_have_the_commonest_class(tmp_path: Path) -> None:
    mask = np.zeros((1100, 700), np.uint8)
    mask[:100, :100], mask[600:, 699], mask[1000:] = 1, 1, IGNORE
    write_mask(tmp_path / "mask.tif", mask, PLACE, ("ground", "car"))
    with rasterio.open(tmp_path / "mask.tif") as file:
        np.testing.assert_array_equal(file.read(1), mask)
        assert (file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"], file.block_shapes) == ("COG", [(512, 512)])
        assert file.overviews(1)[0] == 2
        coarse = file.read(1, out_shape=(550, 350))
    assert set(np.unique(coarse)) == {0, 1, IGNORE}, "no class between two others"
    assert coarse[:50, :50].all()
    assert not coarse[300:500].any(), "of four pixels, two are not the most"


def test_outlines_without_a_place_are_in_columns_and_rows(tmp_path: Path) -> None:
    write_some_objects(tmp_path / "cars.geojson", MASK, None, ("ground", "car"))
    (feature,) = json.loads((tmp_path / "cars.geojson").read_text())["features"]
    assert feature["properties"].items() >= {"class": "car", "class_id": 1, "area_px": 3, "area_m2": None}.items()
    assert {tuple(point) for point in feature["geometry"]["coordinates"][0]} >= {(1, 0), (3, 0), (1, 2)}


@pytest.mark.parametrize("write", WRITERS)
def test_an_interrupted_write_leaves_the_file_as_it_was(
    write: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    file = tmp_path / "out"
    file.write_text("before")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(file, MASK, None, ("ground", "car"))
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("write", WRITERS)
def test_a_folder_that_is_missing_is_an_input_error(write: Callable[..., None], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.out: cannot be written \(No such file or directory\)"):
        write(tmp_path / "nowhere" / "out", MASK, PLACE, ("ground", "car"))
