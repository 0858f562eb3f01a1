"""The figures of a run, each made once for all who open its page: a class opens one page at one moment."""

from __future__ import annotations

import threading
from functools import lru_cache

import plotly.graph_objects as go

from explorer.figures import live
from explorer.figures.training import (
    other_losses_figure,
    rates_figure,
    schedule_figure,
    scores_figure,
    trained_loss_figure,
)
from explorer.runs.history import History
from explorer.training.plan import Plan

_FIGURES = 160  # that are kept, of some thirty runs
_turn = threading.Lock()  # those who come at the same moment wait for the first, who makes it for all


def run_figure(name: str, plan: Plan, history: History, class_id: int, class_name: str) -> go.Figure:
    """A figure by its name in :mod:`explorer.figures.live`. All sessions share it: it is not changed.

    Args:
        name: of the figure.
        plan: of the run.
        history: of the run.
        class_id: whose scores are drawn.
        class_name: of this class.
    """
    with _turn:
        return _scores(history, class_id, class_name) if name == live.SCORES else _drawn(name, plan, history)


@lru_cache(maxsize=_FIGURES)
def _scores(history: History, class_id: int, class_name: str) -> go.Figure:
    return scores_figure(history, class_id, class_name, history.most_steps)


@lru_cache(maxsize=_FIGURES)
def _drawn(name: str, plan: Plan, history: History) -> go.Figure:
    if name == live.SCHEDULE:
        return schedule_figure(plan, history)
    draw = {live.TRAINED: trained_loss_figure, live.OTHERS: other_losses_figure, live.RATES: rates_figure}[name]
    return draw(history, history.most_steps)
