"""Outlines lie on the edges of pixels, thumbnails show the largest area, and a visitor's colours are used."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from explorer.figures import outlines
from explorer.figures.colours import CLASS_COLOURS, CLEAR, class_colours
from explorer.figures.imagery import balance_figure, balance_table, scene_picture
from explorer.figures.outcome import label_picture
from explorer.figures.outlines import outline, outline_figure
from explorer.imagery.balance import ClassShare
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.scene import IGNORE, Dataset, Scene, Stretch

STRETCH = Stretch((0.0,) * 3, (200.0,) * 3)
GREEN = "#00ff00"


def scene(label: np.ndarray, objects: np.ndarray | None = None) -> Scene:
    image = np.full((3, *label.shape), 100, np.uint8)
    return Scene("a", image, label.astype(np.uint8), ("red", "green", "blue"), objects=objects)


def pieces(mask: list[list[int]], objects: list[list[int]] | None = None) -> set[tuple[float, float, float, float]]:
    """Start and end, x before y, of each piece of outline."""
    x, y = outline(np.array(mask, bool), None if objects is None else np.array(objects, np.int32))
    assert np.isnan(x[2::3]).all()
    assert np.isnan(y[2::3]).all()
    return set(zip(x[0::3].tolist(), y[0::3].tolist(), x[1::3].tolist(), y[1::3].tolist(), strict=True))


@pytest.mark.parametrize(
    ("mask", "objects", "expected"),
    [
        ([[0, 0, 0], [0, 1, 0]], None, {(1, 1, 2, 1), (1, 2, 2, 2), (1, 1, 1, 2), (2, 1, 2, 2)}),
        ([[1, 1, 1]], None, {(0, 0, 3, 0), (0, 1, 3, 1), (0, 0, 0, 1), (3, 0, 3, 1)}),
        ([[1, 1]], [[4, 7]], {(0, 0, 2, 0), (0, 1, 2, 1), (0, 0, 0, 1), (1, 0, 1, 1), (2, 0, 2, 1)}),
        ([[1, 0, 1]], None, {(0, 0, 1, 0), (2, 0, 3, 0), (0, 1, 1, 1), (2, 1, 3, 1)}
         | {(column, 0, column, 1) for column in range(4)}),
        ([[0, 0]], None, set()),
    ],
)  # fmt: skip
def test_outlines_are_straight_pieces_along_the_edges_of_pixels(mask, objects, expected) -> None:
    assert pieces(mask, objects) == expected


def test_the_figure_has_an_outline_for_each_class_in_its_colour_and_axes_in_pixels() -> None:
    label = np.zeros((20, 30))
    label[2:5, 3:9] = 1
    label[10:12, 3:9] = 3
    label[15:] = IGNORE
    figure = outline_figure(
        scene(label), STRETCH, colours=(CLEAR, GREEN, *CLASS_COLOURS[1:3]), classes=("ground", "<b>", "car", "ship")
    )
    image, first, second, selectable = figure.data
    assert (image.x0, image.dx, image.y0, image.dy) == (0.5, 1, 0.5, 1)
    assert (first.line.color, first.name) == (GREEN, "&lt;b&gt;")
    assert (second.line.color, second.name) == (CLASS_COLOURS[2], "ship")
    assert (np.nanmin(first.x), np.nanmax(first.x), np.nanmin(first.y), np.nanmax(first.y)) == (3, 9, 2, 5)
    assert (figure.layout.xaxis.range, figure.layout.yaxis.range) == ((0, 30), (20, 0))
    assert figure.layout.yaxis.scaleanchor == "x"
    assert selectable.mode == "markers"


def test_the_picture_is_the_image_until_the_label_is_laid_over_it() -> None:
    label = np.zeros((20, 30))
    label[2:5, 3:9] = 1
    plain, laid = (decoded(outline_figure(scene(label), STRETCH, opacity=o).data[0].source) for o in (0.0, 1.0))
    assert plain.shape == (20, 30, 3)
    assert (plain == 128).all()
    assert laid[3, 4].tolist() == rgb(CLASS_COLOURS[0])
    assert (laid[10] == 128).all()


def test_a_large_scene_is_thinned_out_but_its_outline_is_not() -> None:
    label = np.zeros((10, 5000))
    label[3, 4001] = 1
    figure = outline_figure(scene(label), STRETCH)
    image, line, _ = figure.data
    assert (image.x0, image.dx) == (1.5, 3)
    assert decoded(image.source).shape == (4, 1667, 3)
    assert set(line.x[~np.isnan(line.x)]) == {4001, 4002}
    assert figure.layout.xaxis.title.text == "column (every 3rd pixel is shown)"


def test_too_many_outlines_are_drawn_into_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlines, "MOST_SEGMENTS", 100)
    label = np.zeros((20, 30))
    label[::2, ::2] = 1
    figure = outline_figure(scene(label), STRETCH, classes=("ground", "car"))
    assert [trace.name for trace in figure.data] == ["image", "selectable"]
    assert "many outlines" in figure.layout.xaxis.title.text
    assert not (decoded(figure.data[0].source) == 128).all()


def test_colours_that_were_chosen_are_used_wherever_a_label_is_drawn() -> None:
    label = np.zeros((20, 30))
    label[2:8, 3:9] = 1
    chosen = ReadingChoices(colours={"car": GREEN, "ship": "red; }", "ground": "#123456"})
    one = scene(label)
    dataset = Dataset("d", ("ground", "car", "ship"), one.bands, (one,), (one,), STRETCH, choices=chosen)
    colours = class_colours(dataset)
    assert colours == (CLEAR, GREEN, CLASS_COLOURS[1])
    assert class_colours(replace(dataset, choices=ReadingChoices())) == (CLEAR, *CLASS_COLOURS[:2])
    assert scene_picture(one, STRETCH, opacity=1.0, longest=30, colours=colours)[4, 4].tolist() == rgb(GREEN)
    assert label_picture(one, STRETCH, 30, colours)[3, 4].tolist() != label_picture(one, STRETCH, 30)[3, 4].tolist()
    shares = [ClassShare(name, 1, 1, 0.3) for name in dataset.classes]
    assert balance_figure(shares, colours).data[0].marker.color[1] == GREEN
    assert decoded(balance_table(shares, colours)["colour"][1])[0, 0].tolist() == rgb(GREEN)


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def decoded(uri: str) -> np.ndarray:
    head, content = uri.split(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as png:
        return np.asarray(png.convert("RGB"))
