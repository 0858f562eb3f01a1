"""The runs of a class on one plane of recall and precision."""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from explorer.figures.tradeoffs import iso_f1_lines, recall_precision_axes
from explorer.losses.registry import LOSSES, LossKind

TAIL = 12
"""Validations before the last one that are drawn."""
_PALE = 0.35
_EDGE = 0.93  # from there on, a name over or centred on its point would be cut


@dataclass(frozen=True)
class RunOnWall:
    """What one visitor's run has reached."""

    visitor: str  # their name
    plan: str  # name of the run's plan
    loss: LossKind  # that was trained at the last validation
    steps: tuple[int, ...]  # of its validations, oldest first; at least one
    recall: tuple[float | None, ...]  # at each of them; None: undefined
    precision: tuple[float | None, ...]

    @property
    def is_defined(self) -> bool:
        """Whether the last validation has a point: no precision is defined where nothing was found."""
        return self.recall[-1] is not None and self.precision[-1] is not None


def wall_figure(runs: Sequence[RunOnWall], scope: str) -> go.Figure:
    """One named point a run, its last validation, with a thin tail of earlier ones; lines of equal F1 behind them.

    Points have the colour of the loss that is trained. A run whose last validation is undefined is left out.

    Args:
        runs: one for each visitor.
        scope: of what the scores are: "pixel" or "object".
    """
    figure = iso_f1_lines()
    by_loss: dict[LossKind, list[RunOnWall]] = defaultdict(list)
    for run in runs:
        if run.is_defined:
            by_loss[run.loss].append(run)
    for kind in sorted(by_loss, key=list(LOSSES).index):
        info, of_loss = LOSSES[kind], by_loss[kind]
        tails = [_tail(run) for run in of_loss]
        figure.add_scatter(
            x=[x for xs, _ in tails for x in (*xs, None)],
            y=[y for _, ys in tails for y in (*ys, None)],
            mode="lines",
            line={"color": info.color, "width": 1},
            opacity=_PALE,
            legendgroup=info.name,
            showlegend=False,
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=[run.recall[-1] for run in of_loss],
            y=[run.precision[-1] for run in of_loss],
            mode="markers+text",
            name=info.name,
            legendgroup=info.name,
            marker={"color": info.color, "size": 12},
            text=[html.escape(run.visitor) for run in of_loss],
            textposition=[_place_of_name(run) for run in of_loss],
            textfont={"size": 12},
            customdata=[[html.escape(run.plan), run.steps[-1]] for run in of_loss],
            hovertemplate="%{text}: %{customdata[0]}<br>step %{customdata[1]}"
            "<br>recall %{x:.3f}<br>precision %{y:.3f}<extra></extra>",
        )
    return recall_precision_axes(figure, f"{scope} recall", f"{scope} precision")


def _place_of_name(run: RunOnWall) -> str:
    """Beside its point, and not beyond the edge of the plane."""
    high, right = (value is not None and value > _EDGE for value in (run.precision[-1], run.recall[-1]))
    return f"{'bottom' if high else 'top'} {'left' if right else 'center'}"


def _tail(run: RunOnWall) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """The last validations; the line breaks where one is undefined."""
    return run.recall[-TAIL - 1 :], run.precision[-TAIL - 1 :]
