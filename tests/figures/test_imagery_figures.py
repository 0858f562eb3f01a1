"""Pictures of imagery: what is where, which colours, what happens at the borders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from explorer.figures.colours import CLASS_COLOURS, class_colour, swatch
from explorer.figures.imagery import (
    balance_figure,
    balance_table,
    scene_picture,
)
from explorer.figures.outcome import window
from explorer.imagery.balance import ClassShare
from explorer.imagery.bands import natural_bands
from explorer.imagery.scene import IGNORE, Scene, Stretch


def scene(height: int = 40, width: int = 60, bands: int = 3) -> Scene:
    image = np.full((bands, height, width), 100, np.uint16)
    label = np.zeros((height, width), np.uint8)
    label[10:20, 10:20] = 1
    label[30:, :] = IGNORE
    return Scene("a", image, label, tuple(f"band {k + 1}" for k in range(bands)))


def flat(bands: int = 3) -> Stretch:
    return Stretch((0.0,) * bands, (200.0,) * bands)


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize(
    ("names", "bands"),
    [
        (("red", "green", "blue"), (0, 1, 2)),
        (("B02", "B03", "B04", "B08"), (2, 1, 0)),
        (("grey",), (0, 0, 0)),
        (("one", "two"), (0, 0, 0)),
        (("a", "b", "c", "d"), (0, 1, 2)),
    ],
)
def test_natural_bands(names: tuple[str, ...], bands: tuple[int, int, int]) -> None:
    assert natural_bands(names) == bands


def test_opaque_label_hides_the_image_and_background_never_does() -> None:
    picture = scene_picture(scene(), flat(), opacity=1.0, longest=60)
    assert picture.shape == (40, 60, 3)
    assert picture[15, 15].tolist() == rgb(class_colour(1))
    assert picture[5, 5].tolist() == [128, 128, 128]


def test_no_opacity_is_the_image_alone() -> None:
    assert (scene_picture(scene(), flat(), opacity=0.0, longest=60) == 128).all()


def test_outline_is_clearer_than_the_inside() -> None:
    picture = scene_picture(scene(), flat(), opacity=0.2, longest=60).astype(int)
    away = np.abs(picture - 128).sum(axis=2)
    assert away[10, 15] > 2 * away[15, 15] > 0


@pytest.mark.parametrize(("size", "longest", "shown"), [((40, 60), 30, (20, 30)), ((2000, 60), 1100, (1000, 30))])
def test_large_scenes_are_thinned_out(size: tuple[int, int], longest: int, shown: tuple[int, int]) -> None:
    assert scene_picture(scene(*size), flat(), longest=longest).shape[:2] == shown


def test_small_scenes_are_enlarged_evenly() -> None:
    picture = scene_picture(scene(), flat(), opacity=1.0)
    factor = 900 // 60
    assert picture.shape[:2] == (40 * factor, 60 * factor)
    assert (picture[10 * factor : 20 * factor, 10 * factor : 20 * factor] == rgb(class_colour(1))).all()


def test_one_band_is_grey() -> None:
    picture = scene_picture(scene(bands=1), flat(1), opacity=0)
    assert (picture == picture[..., :1]).all()


def test_fifteen_classes_differ() -> None:
    assert len({class_colour(k) for k in range(1, 16)}) == len(CLASS_COLOURS) == 15
    assert swatch(class_colour(1)).startswith("data:image/png;base64,")


def test_balance_says_log_and_draws_no_bar_for_an_empty_class() -> None:
    shares = (
        ClassShare("background", 990, None, 0.99),
        ClassShare("<b>car</b>", 10, 1, 0.01),
        ClassShare("ship", 0, 0, 0.0),
    )
    figure = balance_figure(shares)
    assert figure.layout.xaxis.type == "log"
    assert "logarithmic" in figure.layout.xaxis.title.text
    assert list(figure.data[0].x) == [99.0, 1.0, None], "no dot for a class without pixels"
    assert "<" not in figure.layout.yaxis.ticktext[1]


def test_objects_below_the_minimum_area_have_a_column_where_there_are_any() -> None:
    shares = (
        ClassShare("background", 990, None, 0.99),
        ClassShare("car", 30, 7, 0.01, 3),
        ClassShare("ship", 0, 0, 0.0),
    )
    table = balance_table(shares)
    assert table["objects"].tolist() == [pd.NA, 7, 0]
    assert table["below minimum area"].tolist() == [pd.NA, 3, 0]
    assert "below minimum area" not in balance_table([replace(share, below_minimum=0) for share in shares])


def test_a_part_of_a_scene_keeps_the_ids_of_its_objects() -> None:
    whole = scene()
    drawn = np.arange(40 * 60, dtype=np.int32).reshape(40, 60)
    part = window(replace(whole, objects=drawn), 5, 8, (10, 20))
    assert part.objects is not None
    np.testing.assert_array_equal(part.objects, drawn[5:15, 8:28])
    assert window(whole, 5, 8, (10, 20)).objects is None
