"""``metrics.csv``: a row a step and a row a validation, for spreadsheets and pandas. Undefined values are empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from explorer.losses.registry import LOSSES
from explorer.training.events import Event, Step, Validation

_PLACE = ("step", "phase", "cycle")
_STEP = ("seconds", "loss", "learning_rate", "gradient_norm")
_PIXEL = ("precision", "recall", "iou", "f1")
_OBJECT = ("precision", "recall", "f1")


class MetricsTable:
    """The columns of one run's table.

    Args:
        classes: number of classes; the background's scores have no columns.
    """

    def __init__(self, classes: int) -> None:
        self._losses = tuple(f"loss_{kind}" for kind in LOSSES if kind != "combined")
        scores = [f"class_{k}_pixel_{name}" for k in range(1, classes) for name in _PIXEL]
        scores += [f"class_{k}_object_{name}" for k in range(1, classes) for name in _OBJECT]
        self._columns = (*_PLACE, "row", *_STEP, *self._losses, "mean_iou", *scores)

    def header(self) -> str:
        """The first line."""
        return _lines([self._columns])

    def rows(self, events: Iterable[Event]) -> str:
        """The lines of these events; most kinds of events have none."""
        rows = (self._cells(event) for event in events if isinstance(event, Step | Validation))
        return _lines([[cells.get(column) for column in self._columns] for cells in rows])

    def _cells(self, event: Step | Validation) -> dict[str, object]:
        cells: dict[str, object] = {name: getattr(event, name) for name in _PLACE}
        cells["row"] = event.kind
        if isinstance(event, Step):
            cells |= {name: getattr(event, name) for name in _STEP}
            return cells | {f"loss_{kind}": value for kind, value in event.losses.items()}
        cells["mean_iou"] = event.scores.mean_iou
        for k, scores in event.scores.classes.items():
            cells |= {f"class_{k}_pixel_{name}": getattr(scores.pixel, name) for name in _PIXEL}
            if scores.object is not None:
                cells |= {f"class_{k}_object_{name}": getattr(scores.object, name) for name in _OBJECT}
        return cells


def _lines(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
