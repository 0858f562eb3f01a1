from __future__ import annotations

import plotly.graph_objects as go

from explorer.figures.alternative import alternative


def test_curves_are_named_with_their_axes() -> None:
    figure = go.Figure([go.Scatter(x=[0, 1], y=[1, 0], name="recipe"), go.Scatter(x=[0], y=[1])])
    figure.update_layout(xaxis_title="object recall", yaxis_title="object<br>precision")
    assert alternative(figure.to_plotly_json()) == "Curves: object precision over object recall. Shown: recipe."


def test_panels_are_named_and_marks_in_the_figure_are_not() -> None:
    figure = go.Figure([go.Contour(z=[[0, 1], [1, 0]]), go.Scatter(x=[0], y=[0], name="checkpoint")])
    figure.add_annotation(text="<b>recall</b>", xref="paper", x=0.5)
    figure.add_annotation(text="F1 0.8", xref="x", x=0.5)
    assert alternative(figure.to_plotly_json()) == "Contours and curves. Panels: recall. Shown: checkpoint."


def test_titles_of_a_scene_and_a_picture_are_found() -> None:
    figure = go.Figure([go.Surface(z=[[0, 1], [1, 0]])])
    figure.update_layout(scene={"xaxis": {"title": {"text": "alpha"}}, "yaxis": {"title": {"text": "beta"}}})
    assert alternative(figure.to_plotly_json()) == "Surfaces: beta over alpha."
    assert alternative({"data": [], "layout": {"images": [{"source": "x"}]}}) == "Picture."


def test_a_long_list_of_names_ends() -> None:
    figure = go.Figure([go.Bar(x=[0], y=[1], name=f"run {number}") for number in range(15)])
    assert alternative(figure.to_plotly_json()).endswith("run 11; 3 more.")
