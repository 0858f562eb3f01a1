"""The figure and the picture of a prediction: what is over the image, and where an object is zoomed to."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from explorer.figures.prediction import Shown, found_table, overlay_picture, png_bytes, prediction_figure
from explorer.imagery.scene import IGNORE, GeoReference
from explorer.metrics.found_objects import find_objects

COLOURS = ("#00000000", "#D55E00", "#56B4E9")
CLASSES = ("sea", "ship", "<quay>")


def shown(height: int = 60, width: int = 80) -> Shown:
    mask = np.zeros((height, width), np.uint8)
    mask[10:20, 30:45], mask[40:44, 5:9], mask[0] = 1, 2, IGNORE
    return Shown(np.full((height, width, 3), 100, np.uint8), 1, mask, COLOURS, CLASSES)


def pixels(source: str) -> NDArray[np.uint8]:
    content = base64.b64decode(source.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


def test_outlines_are_lines_in_pixels_of_the_image() -> None:
    figure = prediction_figure(shown(), "Outlines")
    photo, ship, quay = figure.data
    assert (photo.x0, photo.dx) == (0.5, 1)
    assert (np.nanmin(ship.x), np.nanmax(ship.x), np.nanmin(ship.y), np.nanmax(ship.y)) == (30, 45, 10, 20)
    assert quay.name == "&lt;quay&gt;"
    assert (figure.layout.xaxis.range, figure.layout.yaxis.range) == ((0, 80), (60, 0))


def test_a_mask_is_a_transparent_layer_in_the_colours_of_the_classes() -> None:
    figure = prediction_figure(shown(), "Mask")
    layer = pixels(figure.data[-1].source)
    assert layer[15, 35].tolist() == [0xD5, 0x5E, 0x00, 153]
    assert not layer[0, :, 3].any(), "no data is no class"
    assert [trace.name for trace in figure.data if trace.type == "scatter"] == ["ship", "&lt;quay&gt;"]
    assert len(prediction_figure(shown(), "None").data) == 1


def test_a_ticked_object_is_zoomed_to_with_every_pixel() -> None:
    small = prediction_figure(shown(), "Outlines", (40, 5, 44, 9))
    assert (small.layout.xaxis.range, small.layout.yaxis.range) == ((0, 31), (60, 18))
    assert len(small.layout.shapes) == 2
    large = shown(5000, 4000)
    whole, ticked = prediction_figure(large, "Outlines"), prediction_figure(large, "Outlines", (40, 5, 44, 9))
    assert whole.data[0].dx == 3
    assert [trace.dx for trace in ticked.data if trace.type == "image"] == [3, 1]
    quay = next(trace for trace in ticked.data if trace.name == "&lt;quay&gt;")
    assert (np.nanmin(quay.x), np.nanmax(quay.x)) == (5, 9), "exact where it is seen"
    assert whole.layout.uirevision != ticked.layout.uirevision


def test_the_picture_shows_the_same() -> None:
    mask, outlines, plain = (overlay_picture(shown(), view) for view in ("Mask", "Outlines", "None"))
    assert mask[15, 35].tolist() == [0.4 * 100 // 1 + round(0.6 * value) for value in (0xD5, 0x5E, 0x00)]
    assert outlines[10, 35].tolist() == [0xD5, 0x5E, 0x00]
    assert outlines[15, 35].tolist() == plain[15, 35].tolist() == [100, 100, 100]
    assert Image.open(io.BytesIO(png_bytes(mask))).size == (80, 60)


def test_the_table_has_the_largest_first_and_nothing_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_objects(shown().mask, np.full((2, 60, 80), 800, np.uint16))
    place = GeoReference("EPSG:32631", (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0))
    table = found_table(found, CLASSES, place)
    assert table["class"].tolist() == ["ship", "<quay>"]
    assert table["area (px)"].tolist() == [150, 16]
    assert table["area (m²)"].tolist() == [round(150 * 100 / 0.9996**2, 1), round(16 * 100 / 0.9996**2, 1)]
    largest = table.index[:1]
    monkeypatch.setattr("explorer.figures.prediction.MOST_ROWS", 1)
    assert found_table(found, CLASSES, place).index.equals(largest)
    monkeypatch.undo()
    assert found_table(found, CLASSES, None)[["area (m²)", "longitude"]].isna().all(axis=None)
