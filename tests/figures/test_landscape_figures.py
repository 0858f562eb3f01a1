"""Figures and exports of slices: undefined values stay empty, dots mark measured points, provenance is included."""

from __future__ import annotations

import csv
import itertools
import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from explorer.figures.landscape import agreement_figure, contour_figure, error_figure, line_figure, surface_figure
from explorer.figures.landscape_html import to_html
from explorer.landscape.export import to_csv, to_vtk
from explorer.landscape.fields import Field, agreement
from explorer.landscape.slice import Slice
from explorer.landscape.slice_meta import PlaneReport, SliceMeta, SliceRequest
from explorer.training.presets import preset_plan

ALPHA, BETA = np.linspace(-1, 1, 5), np.linspace(-1, 1, 5)
X, Y = np.meshgrid(ALPHA, BETA)
LOSS = 0.1 + X**2 + 2 * Y**2
PRECISION = np.where(X > 0, np.nan, 0.5)


@pytest.fixture
def shown() -> Slice:
    fields = (
        Field(name="jaccard", label="Jaccard distance", group="loss", smooth=True, logarithmic=True),
        Field(name="f1_1", label="F1, car", group="pixel", smooth=True, logarithmic=False),
        Field(name="precision_1", label="Precision, car", group="pixel", smooth=False, logarithmic=False),
    )
    meta = SliceMeta(
        run="abc",
        checkpoint="step_00000010.safetensors",
        request=SliceRequest(resolution=5),
        report=PlaneReport(labels=("one <b>", "other"), cosine=0.0, norms=(1.0, 1.0)),
        fields=fields,
        classes=("background", "car"),
        class_weights=(1.0, 5.0),
        data="d",
        crops="c",
        versions={},
    )
    measured = (np.abs(X) + np.abs(Y)) % 1 == 0
    values = {"jaccard": LOSS, "f1_1": 1 - LOSS / 4, "precision_1": PRECISION}
    return Slice(ALPHA, BETA, values, {"jaccard": LOSS / 100, "f1_1": LOSS / 100}, {}, measured, meta)


def test_undefined_values_stay_empty_and_dots_mark_measured_points(shown: Slice) -> None:
    figure = contour_figure(shown, ["jaccard", "precision_1"], True)
    heat = [trace for trace in figure.data if trace.type == "heatmap"]
    np.testing.assert_allclose(heat[0].z, np.log10(LOSS))
    np.testing.assert_array_equal(np.isnan(heat[1].z), np.isnan(PRECISION))
    dots = next(trace for trace in figure.data if trace.type == "scatter" and trace.mode == "markers")
    assert len(dots.x) == shown.measured.sum()


def room_beside_the_box(figure: go.Figure, width: int, height: int) -> float:
    """Pixels left of the box of the first scene, in a figure of this size; Plotly's field of view is at most 45°."""
    scene, margin = figure.layout.scene, figure.layout.margin
    width = (width - margin.l - margin.r) * np.subtract(*scene.domain.x[::-1])
    height = (height - margin.t - margin.b) * np.subtract(*scene.domain.y[::-1])
    eye, centre, ratio = (
        np.array([point.x or 0, point.y or 0, point.z or 0])
        for point in (scene.camera.eye, scene.camera.center, scene.aspectratio)
    )
    ahead = (centre - eye) / np.linalg.norm(centre - eye)
    right = np.cross(ahead, [0, 0, 1])
    corners = np.array(list(itertools.product((-0.5, 0.5), repeat=3))) * ratio - eye
    across = (corners @ right / np.linalg.norm(right)) / (corners @ ahead) / np.tan(np.pi / 8)
    return float(width / 2 + height / 2 * across.min())


@pytest.mark.parametrize(("count", "height"), [(1, 380), (2, 380), (3, 720)])
def test_z_labels_have_room_in_a_narrow_column(shown: Slice, count: int, height: int) -> None:
    figure = surface_figure(shown, ["jaccard", "f1_1", "precision_1"][:count])
    assert room_beside_the_box(figure, 560, height) > 5.5 * len("−0.25") + 8


def test_axis_titles_name_the_directions_in_lines_that_a_column_holds(shown: Slice) -> None:
    label = "Hessian eigenvector of Weighted cross-entropy, λ = 3.25"
    report = shown.meta.report.model_copy(update={"labels": (label, label)})
    long = replace(shown, meta=shown.meta.model_copy(update={"report": report}))
    figure = contour_figure(long, ["jaccard", "f1_1"])
    for text in (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text):
        assert text[3:].replace("<br>", " ").replace("\u00a0", " ") == label
        assert max(len(line) for line in text.split("<br>")) <= 32


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fields_are_drawn_side_by_side(shown: Slice, count: int) -> None:
    names = ["jaccard", "f1_1", "precision_1"][:count]
    assert sum(trace.type == "surface" for trace in surface_figure(shown, names).data) == count
    assert sum(trace.type == "heatmap" for trace in contour_figure(shown, names).data) == count


def test_line_runs_from_its_lowest_to_its_highest(shown: Slice) -> None:
    line = line_figure(shown, ["jaccard"]).data[0]
    assert (np.nanmin(line.y), np.nanmax(line.y)) == (0.0, 1.0)
    np.testing.assert_allclose(line.customdata, LOSS[2])


def test_disagreement_of_equal_opposite_and_orthogonal_fields() -> None:
    along = X + 2 * Y
    np.testing.assert_allclose(agreement(along, -along, ALPHA, BETA), 1.0)
    np.testing.assert_allclose(agreement(along, along, ALPHA, BETA), -1.0)
    np.testing.assert_allclose(agreement(X, Y, ALPHA, BETA), 0.0, atol=1e-12)
    assert np.isnan(agreement(along, np.ones_like(X), ALPHA, BETA)).all(), "undefined where flat"


def test_disagreement_and_error_show_their_values(shown: Slice) -> None:
    heat = agreement_figure(shown, "jaccard", "f1_1").data[0]  # F1 rises wherever the loss falls
    np.testing.assert_allclose(heat.z[np.isfinite(heat.z)], 1, atol=0.05)
    assert np.isfinite(heat.z).sum() == 24  # all but the flat minimum
    assert (heat.zmin, heat.zmax) == (-1, 1)
    np.testing.assert_allclose(error_figure(shown, "jaccard").data[0].z, LOSS)


def test_csv_holds_every_point_and_its_provenance(shown: Slice) -> None:
    first, *rest = to_csv(shown).splitlines()
    assert json.loads(first.removeprefix("# "))["run"] == "abc"
    rows = list(csv.DictReader(rest))
    assert len(rows) == 25
    assert float(rows[7]["jaccard"]) == LOSS.ravel()[7]
    assert rows[3]["precision_1"] == ""


def test_vtk_holds_its_dimensions_and_every_number(shown: Slice) -> None:
    lines = to_vtk(shown).splitlines()
    assert lines[0] == "# vtk DataFile Version 3.0"
    assert "DIMENSIONS 5 5 1" in lines
    start = lines.index("SCALARS jaccard double 1") + 2
    values = np.array(" ".join(lines[start : start + 5]).split(), dtype=float)
    np.testing.assert_allclose(values, LOSS.ravel(), rtol=1e-6)


def test_html_loads_nothing_and_escapes(shown: Slice) -> None:
    page = to_html(shown, ["jaccard"], preset_plan("focal"), "runs/abc", "out.html")
    assert "python -m explorer landscape runs/abc" in page
    assert "one &lt;b&gt;" in page
    assert '<script src="http' not in page
