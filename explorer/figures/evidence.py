"""What a loss or a preset did on the benchmark's datasets: recall, precision and F1 with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from explorer.figures.training import PRECISION, RECALL
from explorer.training.evidence import AT_WORDS, Interval, Outcome

_ROW = 46  # pixels of a dataset
_F1 = "#808080"
_SCORES: tuple[tuple[str, str, str, float, Callable[[Outcome], Interval]], ...] = (
    ("recall", RECALL, "triangle-right", 0.22, lambda outcome: outcome.recall),
    ("precision", PRECISION, "triangle-left", 0.0, lambda outcome: outcome.precision),
    ("F1", _F1, "circle", -0.22, lambda outcome: outcome.f1),
)


def evidence_height(outcomes: Sequence[Outcome]) -> int:
    """Pixels that ``evidence_figure`` takes."""
    return 120 + _ROW * len(outcomes)


def evidence_figure(outcomes: Sequence[Outcome]) -> go.Figure:
    """One row a dataset: three scores with their 95 % intervals. A score that is undefined is left out.

    Args:
        outcomes: of one plan at one kind of threshold, one a dataset, the first at the top; at least one.
    """
    figure = go.Figure()
    rows = [-float(place) for place in range(len(outcomes))]
    for name, colour, symbol, shift, of in _SCORES:
        shown = [
            (outcome, row + shift, found.mean, found.low, found.high)
            for outcome, row in zip(outcomes, rows, strict=True)
            if (found := of(outcome)).mean is not None and found.low is not None and found.high is not None
        ]
        figure.add_scatter(
            x=[mean for _, _, mean, _, _ in shown],
            y=[height for _, height, _, _, _ in shown],
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 10},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - mean for _, _, mean, _, high in shown],
                "arrayminus": [mean - low for _, _, mean, low, _ in shown],
                "color": colour,
                "thickness": 1.5,
            },
            customdata=[
                (
                    outcome.dataset,
                    low,
                    high,
                    outcome.seeds,
                    outcome.units,
                    outcome.measure,
                    outcome.segmenter,
                    outcome.steps,
                )
                for outcome, _, _, low, high in shown
            ],
            hovertemplate="%{customdata[0]}: " + name + " %{x:.2f}, from %{customdata[1]:.2f} to %{customdata[2]:.2f}"
            "<br>%{customdata[3]} seeds, %{customdata[4]} scenes or sites; %{customdata[5]}"
            "<br>%{customdata[6]}, %{customdata[7]} steps<extra></extra>",
        )
    figure.update_layout(
        height=evidence_height(outcomes),
        margin={"l": 8, "r": 8, "t": 8, "b": 44},  # room for the axis
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"range": [-0.02, 1.02], "title": f"score {AT_WORDS[outcomes[0].at]}, mean and 95 % interval"},
        yaxis={
            "tickvals": rows,
            "ticktext": [outcome.dataset for outcome in outcomes],
            "range": [rows[-1] - 0.6, 0.6],
            "automargin": True,
            "zeroline": False,
        },
    )
    return figure
