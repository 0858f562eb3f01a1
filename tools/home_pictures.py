"""Draws the pictures on Home from the finished runs and grids of ``assets``: ``python -m tools.home_pictures``."""

from __future__ import annotations

from pathlib import Path as File

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from explorer.figures.home import Path, grid_svg, path_svg, surfaces_svg
from explorer.figures.imagery import scene_picture
from explorer.figures.outcome import class_outcome_picture
from explorer.imagery.builtin import builtin_dataset
from explorer.landscape.slice import Slice
from explorer.runs.class_thresholds import read_own_thresholds
from explorer.runs.finished_runs import FINISHED_RUNS
from explorer.runs.grids import load_grid
from explorer.runs.threshold_sweep import load_sweep
from explorer.training.events import Validation

FOLDER = File(__file__).resolve().parents[1] / "assets" / "home"
RECIPE, CONTROL = FINISHED_RUNS["car_park-recipe"], FINISHED_RUNS["car_park-ce"]
COLOURS = ("#0072B2", "#E69F00")
SCENE = 0  # of the validation scenes
CROP = 160  # pixels


def main() -> None:
    """Writes the four pictures."""
    FOLDER.mkdir(exist_ok=True)
    paths = [
        Path(name, colour, _path(run.id))
        for run, name, colour in zip((RECIPE, CONTROL), ("recipe", "cross-entropy"), COLOURS, strict=True)
    ]
    _write("path.svg", path_svg(paths, "Recall and precision of the recipe and of cross-entropy while they train"))
    shown = Slice.load(next((RECIPE.folder.path / "slices").glob("random-*.npz")))
    fields = [
        (name, np.log10(shown.fields[field]))
        for name, field in (("weighted cross-entropy", "weighted_cross_entropy"), ("Jaccard distance", "jaccard"))
    ]
    _write(
        "landscape.svg", surfaces_svg(fields, "Two losses over one random plane of weights, dark where they are low")
    )
    _write("grid.svg", grid_svg(load_grid("focal"), "Recall of focal loss by its focusing and its learning rate"))
    _outcomes()


def _path(run_id: str) -> list[tuple[float, float]]:
    scores = [
        event.scores.classes[1].object
        for event in FINISHED_RUNS[run_id].folder.events()
        if isinstance(event, Validation)
    ]
    return [(each.recall, each.precision) for each in scores if each and each.recall and each.precision]


def _outcomes() -> None:
    """The same crop as the recipe and as the control predict it at their own thresholds."""
    dataset = builtin_dataset(RECIPE.builtin)
    scene = dataset.validation[SCENE]
    plain = scene_picture(scene, dataset.stretch, longest=max(scene.size))
    predicted = []
    for run in (RECIPE, CONTROL):
        sweep = load_sweep(next((run.folder.path / "sweeps").glob("*.npz")))
        own = read_own_thresholds(run.folder)
        threshold = own.values[0] if own is not None and own.values else 0.5
        predicted.append(sweep.predicted(SCENE, 1, threshold))
    rows, columns = _where_they_differ(predicted[0] != predicted[1])
    pictures = [class_outcome_picture(plain, each, scene.label, 1)[rows, columns] for each in predicted]
    gap = np.full((CROP, 8, 3), 255, dtype=np.uint8)
    PIL.Image.fromarray(np.hstack([pictures[0], gap, pictures[1]])).resize((656, 320)).save(
        FOLDER / "cars.png", optimize=True
    )


def _where_they_differ(differs: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The crop in which two predictions differ at the most pixels."""
    tops, lefts = (range(0, side - CROP + 1, CROP // 4) for side in differs.shape)
    places = [(top, left) for top in tops for left in lefts]
    top, left = max(places, key=lambda at: int(differs[at[0] : at[0] + CROP, at[1] : at[1] + CROP].sum()))
    return slice(top, top + CROP), slice(left, left + CROP)


def _write(name: str, svg: str) -> None:
    (FOLDER / name).write_text(svg + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
