"""Writes a run's events: ``events.jsonl``, ``metrics.csv`` and the previews.

Steps are gathered and written some tenths of a second at a time, so that logging costs training next to nothing;
all other events are written at once, after the steps before them.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from explorer.files import write_atomically, writing
from explorer.losses.registry import LossKind
from explorer.losses.spec import logged_kinds
from explorer.runs.folder import RunFolder
from explorer.training.events import CheckpointSaved, Ended, Event, Paused, Preview, Step, Validation, to_json

_FLUSH_SECONDS = 0.15
_TO_DISK = (CheckpointSaved, Paused, Ended)  # events that others rely on: they outlive a power cut


class EventLog:
    """The one writer of a run's events, for as long as its job lasts.

    Args:
        folder: of the run; the job holds its lock.
        past: the events that still hold, with which the table of metrics begins.
        classes: number of classes, background included.
        on_write: called after each write, to tell readers that there is something new.

    Raises:
        NoRoomError: whatever writes, and the end of the block, where the disk is full.
    """

    def __init__(self, folder: RunFolder, past: Iterable[Event], classes: int, on_write: Callable[[], None]) -> None:
        self._folder, self._on_write = folder, on_write
        self._table = MetricsTable(classes, [phase.loss.kind for phase in folder.plan().phases])
        write_atomically(folder.metrics_file, (self._table.header() + self._table.rows(past)).encode())
        cut_torn_line(folder.events_file)
        self._events_file = folder.events_file.open("ab")
        self._metrics_file = folder.metrics_file.open("ab")
        self._gathered: list[Event] = []
        self._written_at = -_FLUSH_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with writing(self._folder.path), self._events_file, self._metrics_file:
            self.flush()

    def write(self, event: Event) -> Event:
        """Logs an event, now or with the next ones.

        Returns:
            The event as logged: a preview has the name of its file.
        """
        if isinstance(event, Preview) and event.prediction is not None:
            event = replace(event, file=self._saved(event.step, event.prediction))
        self._gathered.append(event)
        if not isinstance(event, Step) or time.monotonic() - self._written_at >= _FLUSH_SECONDS:
            self.flush()
        if isinstance(event, _TO_DISK):
            with writing(self._folder.path):
                os.fsync(self._events_file.fileno())
        return event

    def flush(self) -> None:
        """Writes what was gathered."""
        self._written_at = time.monotonic()
        if not self._gathered:
            return
        self._events_file.write("".join(to_json(event) + "\n" for event in self._gathered).encode())
        self._metrics_file.write(self._table.rows(self._gathered).encode())
        self._gathered.clear()
        with writing(self._folder.path):
            self._events_file.flush()
            self._metrics_file.flush()
        self._on_write()

    def _saved(self, step: int, prediction: NDArray[np.uint8]) -> str:
        """Writes the predicted class ids (H, W) as a picture and gives the file's name."""
        with writing(self._folder.path):
            self._folder.previews.mkdir(exist_ok=True)
        name = f"step_{step:08d}.png"
        png = io.BytesIO()
        PIL.Image.fromarray(prediction).save(png, "png")
        write_atomically(self._folder.previews / name, png.getvalue())
        return name


def cut_torn_line(path: Path) -> None:
    """Cuts off what follows the last line break: a line that a killed job did not finish."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


_PLACE = ("step", "phase", "cycle")
_STEP = ("seconds", "loss", "learning_rate", "gradient_norm")
_PIXEL = ("precision", "recall", "iou", "f1")
_OBJECT = ("precision", "recall", "f1")


class MetricsTable:
    """The columns of one run's table.

    Args:
        classes: number of classes; the background's scores have no columns.
        trained: losses of the run's phases, which have a column beside those that every run logs.
    """

    def __init__(self, classes: int, trained: Iterable[LossKind] = ()) -> None:
        self._losses = tuple(f"loss_{kind}" for kind in logged_kinds(trained))
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
