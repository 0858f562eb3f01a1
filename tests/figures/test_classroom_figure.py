"""The wall: one named point a run, its tail, its loss's colour; what is undefined has no point."""

from __future__ import annotations

import plotly.graph_objects as go

from explorer.figures.classroom import TAIL, RunOnWall, wall_figure
from explorer.figures.tradeoffs import ISO_F1
from explorer.losses.registry import LOSSES


def points(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if "markers" in (trace.mode or "")]


def run(visitor: str, loss: str = "jaccard", recall: float | None = 0.5, length: int = 3) -> RunOnWall:
    known = tuple(0.1 for _ in range(length - 1))
    return RunOnWall(visitor, "plan", loss, tuple(range(1, length + 1)), (*known, recall), (*known, 0.25))  # type: ignore[arg-type]


def test_point_is_the_last_validation_in_the_colour_of_its_loss() -> None:
    figure = wall_figure([run("Ann"), run("Bob", "focal"), run("Cem")], "object")
    focal, jaccard = points(figure)
    assert (list(focal.text), list(jaccard.text)) == (["Bob"], ["Ann", "Cem"])
    assert (focal.marker.color, jaccard.marker.color) == (LOSSES["focal"].color, LOSSES["jaccard"].color)
    assert (list(jaccard.x), list(jaccard.y)) == ([0.5, 0.5], [0.25, 0.25])
    assert figure.layout.xaxis.title.text == "object recall"


def test_tail_has_the_last_validations_and_does_not_join_two_runs() -> None:
    figure = wall_figure([run("Ann", length=30), run("Bob", length=2)], "pixel")
    tails = [trace for trace in figure.data if trace.mode == "lines"][len(ISO_F1) :]
    (tail,) = tails
    assert tail.x == (*[0.1] * TAIL, 0.5, None, 0.1, 0.5, None)


def test_run_without_a_score_has_no_point() -> None:
    nothing = run("Ann", recall=None)
    assert not nothing.is_defined
    figure = wall_figure([nothing], "object")
    assert points(figure) == []


def test_names_are_text() -> None:
    (trace,) = points(wall_figure([run("<b>x</b>")], "object"))
    assert trace.text == ("&lt;b&gt;x&lt;/b&gt;",)


def test_names_at_the_edges_stay_inside_the_plane() -> None:
    corners = [(0.5, 0.5), (0.5, 1.0), (1.0, 0.5), (1.0, 1.0)]
    at = [RunOnWall("Ann", "plan", "jaccard", (1,), (recall,), (precision,)) for recall, precision in corners]
    (trace,) = points(wall_figure(at, "object"))
    assert trace.textposition == ("top center", "bottom center", "top left", "bottom left")
