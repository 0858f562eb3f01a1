"""Figures and tables of Trade-offs: recall against precision, thresholds side by side, objects in order of interest."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.figures.colours import colours_of, run_colours
from explorer.figures.tradeoffs import objects_table, precision_recall_figure, thresholds_table
from explorer.metrics.curves import PixelCurve
from explorer.metrics.objects import ObjectRecord
from explorer.metrics.operating_point import OperatingPoint, operating_point

CURVE = PixelCurve(np.array([0.3, 0.6]), np.array([8, 5]), np.array([8, 0]), np.array([2, 5]))


def test_each_run_has_a_row_for_each_threshold() -> None:
    table = thresholds_table(
        {
            "first": {"own": OperatingPoint(0.7, 6, 2, 4), "½": OperatingPoint(0.5, 8, 8, 2)},
            "second": {"½": OperatingPoint(0.5, 0, 0, 10)},
        }
    )
    assert list(table["run"]) == ["first", "first", "second"]
    assert list(table["at"]) == ["own", "½", "½"]
    assert list(table["recall"]) == [0.6, 0.8, 0.0]
    assert list(table["precision"].iloc[:2]) == [0.75, 0.5]
    assert table["precision"].isna().iloc[2], "nothing was predicted"
    assert list(table["false alarms"]) == [2, 8, 0]


@pytest.mark.parametrize("of_what", ["object", "pixel", "relaxed"])
def test_axes_say_of_what_recall_and_precision_are(of_what: str) -> None:
    figure = precision_recall_figure(
        {"run": CURVE},
        {"run": operating_point(CURVE, 0.3)},
        "at the slider",
        "run",
        {"run": OperatingPoint(0.6, 5, 0, 5)},
        of_what,
        {"run": "#123456"},
    )
    assert figure.layout.xaxis.title.text == f"{of_what} recall"
    assert figure.layout.yaxis.title.text == f"{of_what} precision"
    drawn = {trace.name: (tuple(trace.x), tuple(trace.y)) for trace in figure.data if trace.name}
    assert drawn["run"] == ((0.8, 0.5), (0.5, 1.0))
    assert drawn["run, at the slider"] == ((0.8,), (0.5,))
    assert drawn["run, least cost"] == ((0.5,), (1.0,))


def test_a_run_keeps_its_colour_and_its_name_is_no_markup() -> None:
    colours = colours_of(["without a curve", "<b>x"])
    figure = precision_recall_figure(
        {"<b>x": CURVE}, {"<b>x": operating_point(CURVE, 0.3)}, "here", None, {}, "pixel", colours
    )
    drawn = [(trace.name, (trace.line if trace.mode == "lines" else trace.marker).color) for trace in figure.data]
    second = run_colours(2)[1]
    assert drawn[-2:] == [("&lt;b&gt;x", second), ("&lt;b&gt;x, here", second)]


def test_objects_that_went_wrong_come_first_and_large_before_small() -> None:
    records = [
        ObjectRecord("found", 1, 1, 50, 0.6),
        ObjectRecord("false", 2, 2, 70, None),
        ObjectRecord("missed", 3, 3, 9, None),
        ObjectRecord("missed", 4, 4, 30, None),
    ]
    table = objects_table(records)
    assert list(table["outcome"]) == ["missed", "missed", "false alarm", "found"]
    assert list(table["pixels"]) == [30, 9, 70, 50]
