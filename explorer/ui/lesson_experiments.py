"""How each kind of experiment of the lessons is drawn, and what it measures for guesses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from explorer.lessons import experiments as kinds
from explorer.lessons.experiments import Experiment
from explorer.lessons.words import Words
from explorer.ui import lesson_grid_run, lesson_losses, lesson_runs

Draw = Callable[[Any, Words, str], None]
Measure = Callable[[Any, str, Sequence[float]], list[float]]


@dataclass(frozen=True)
class _Shown:
    """The two functions of a kind. Each takes the experiment's settings first."""

    draw: Draw  # words of the language, and a key that is unique on the page
    measure: Measure | None = None  # name of the measure, and values of x; none: one number for the settings
    of_files: bool = False  # measured from files, which can lack what a lesson names; else a worker computes it


_KINDS: Mapping[type[Any], _Shown] = MappingProxyType(
    {
        kinds.AllBackground: _Shown(lesson_losses.show_all_background, lesson_losses.measure_all_background),
        kinds.Misses: _Shown(lesson_losses.show_misses),
        kinds.PaintedMisses: _Shown(lesson_losses.show_painted_misses),
        kinds.MissGradient: _Shown(lesson_losses.show_miss_gradient, lesson_losses.measure_miss_gradient),
        kinds.GridLine: _Shown(lesson_runs.show_grid_line, lesson_runs.measure_grid_line),
        kinds.GridCurves: _Shown(lesson_runs.show_grid_curves),
        kinds.GridTable: _Shown(lesson_runs.show_grid_table, lesson_runs.measure_grid_table),
        kinds.GridRun: _Shown(lesson_grid_run.show_grid_run),
        kinds.RunPaths: _Shown(lesson_runs.show_run_paths, lesson_runs.measure_run_paths, of_files=True),
        kinds.Slices: _Shown(lesson_runs.show_slices, lesson_runs.measure_slices, of_files=True),
    }
)


def show_experiment(experiment: Experiment, words: Words, key: str) -> None:
    """Draws an experiment with its widgets.

    Args:
        experiment: with its settings.
        words: of the language.
        key: unique on the page.

    Raises:
        InputError: it cannot be computed, or a finished run that it shows is not there.
    """
    _KINDS[type(experiment)].draw(experiment, words, key)


def measured(experiment: Experiment, measure: str, x: Sequence[float] = ()) -> list[float]:
    """What a guess is compared with.

    Args:
        experiment: with its settings.
        measure: one of its ``numbers``, or of its ``lines``.
        x: values of what the guess is drawn over; none: one number, for the experiment's settings.

    Returns:
        A number for each x, or one; NaN where it is undefined.

    Raises:
        InputError: it cannot be computed, or a finished run that it needs is not there.
    """
    measure_it = _KINDS[type(experiment)].measure
    assert measure_it is not None, f"{type(experiment).__name__} has measures and no function for them"
    return measure_it(experiment, measure, x)


def require_result(experiment: Experiment, measure: str, x: Sequence[float] = ()) -> None:
    """Refuses a guess that could not be compared with anything, as far as that is known without a worker.

    Args:
        experiment: with its settings.
        measure: one of its measures.
        x: values of what the guess is drawn over; none: one number.

    Raises:
        InputError: a finished run or slice lacks what the lesson names.
    """
    if _KINDS[type(experiment)].of_files:
        measured(experiment, measure, x)
