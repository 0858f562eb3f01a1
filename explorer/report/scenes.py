"""The best and the worst validation scene of a run, with hits, misses and false alarms at its own threshold."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.figures.imagery import plain_picture
from explorer.figures.outcome import class_outcome_picture, window
from explorer.imagery.pictures import Picture, as_bytes
from explorer.imagery.scene import IGNORE, Scene
from explorer.report.blocks import number
from explorer.report.source import RunSource

_WINDOW = 768  # pixels of a scene that are shown along each side, at its own resolution
_SMALL = 384  # a scene below this is enlarged by a whole factor
_LOOKS = 8  # windows that are tried along each side of a larger scene
_QUALITIES = (88, 75, 60, 45, 30)  # of WebP, from which the first is taken that fits


@dataclass(frozen=True)
class ScenePicture:
    """One picture and what it shows."""

    title: str
    caption: str
    uri: str  # data: address
    width: int  # pixels
    height: int


def scene_pictures(run: RunSource, most_bytes: int) -> tuple[tuple[ScenePicture, ...], str]:
    """Pictures of the best and the worst scene, and by which score they were chosen or why there are none.

    Args:
        run: with its summary, its sweep and its imagery.
        most_bytes: that each picture may take.
    """
    if run.summary is None:
        return (), "n/a: the run has no scores by which a best and a worst scene could be told"
    if run.imagery is None or run.sweep is None:
        return (), f"n/a: {run.without_imagery or run.without_sweep or 'the imagery is not at hand'}"
    class_id = run.main_class
    scores, counted = _scores(run, class_id)
    places = {scene.name: place for place, scene in enumerate(run.imagery.dataset.validation)}
    ranked = sorted((value, name) for name, value in scores.items() if name in places)
    if not ranked:
        return (), f"n/a: no validation scene has an F1 of {run.reference.classes[class_id]}"
    only = [("The only scene", *ranked[0])]
    chosen = [("Best scene", *ranked[-1]), ("Worst scene", *ranked[0])] if len(ranked) > 1 else only
    shown = tuple(
        _picture(run, places[name], class_id, f"{title}: {name}", f"F1 {number(value)} ({counted})", most_bytes)
        for title, value, name in chosen
    )
    which = "own threshold" if run.chosen(class_id) is not None else "threshold ½"
    return shown, (
        f"Chosen by the F1 of {run.reference.classes[class_id]} at the run's {which} among {len(ranked)} validation "
        f"scenes, counted in {counted}."
    )


def _scores(run: RunSource, class_id: int) -> tuple[dict[str, float], str]:
    """F1 of each scene where it is defined, and what it counts: under the match rule, or by pixels where that is not
    defined anywhere."""
    assert run.summary is not None
    scenes: dict[str, Any] = run.summary["scenes"]
    for scope, counted in (("object", f"match rule: {run.summary['match_rule']}"), ("pixel", "pixels")):
        values = {name: scores["classes"][str(class_id)][scope]["f1"] for name, scores in scenes.items()}
        defined = {name: value for name, value in values.items() if value is not None}
        if defined:
            return defined, counted
    return {}, "pixels"


def _picture(run: RunSource, place: int, class_id: int, title: str, score: str, most_bytes: int) -> ScenePicture:
    assert run.imagery is not None
    assert run.sweep is not None
    dataset = run.imagery.dataset
    scene, threshold = dataset.validation[place], run.threshold(class_id)
    predicted = run.sweep.predicted(place, class_id, threshold)
    top, left = window_of(_wrong(predicted, scene, class_id))
    size = min(_WINDOW, scene.size[0]), min(_WINDOW, scene.size[1])
    part = window(scene, top, left, size)
    here = predicted[top : top + size[0], left : left + size[1]]
    outcome = class_outcome_picture(as_bytes(plain_picture(part, dataset.stretch, None, 1)), here, part.label, class_id)
    factor = max(1, _SMALL // max(size))
    outcome = outcome.repeat(factor, 0).repeat(factor, 1)
    where = "the whole scene"
    if size != scene.size:
        rows, columns = f"rows {top} to {top + size[0]}", f"columns {left} to {left + size[1]}"
        where = f"{rows} and {columns} of {scene.size[0]}×{scene.size[1]} pixels, where most is wrong"
    caption = f"{score}; {where}; {run.reference.classes[class_id]} from probability {threshold:.3g} on"
    return ScenePicture(title, caption, webp(outcome, most_bytes), outcome.shape[1], outcome.shape[0])


def _wrong(predicted: NDArray[np.bool_], scene: Scene, class_id: int) -> NDArray[np.bool_]:
    """(H, W): pixels that are missed or false."""
    wrong: NDArray[np.bool_] = (predicted != (scene.label == class_id)) & (scene.label != IGNORE)
    return wrong


def window_of(wrong: NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the part of a scene that is shown: the one with the most wrong pixels among a few.

    >>> wrong = np.zeros((100, 2000), dtype=np.bool_)
    >>> wrong[:, 1900:] = True
    >>> window_of(wrong)
    (0, 1232)
    """
    rows, columns = (
        np.unique(np.linspace(0, max(0, length - _WINDOW), _LOOKS).round().astype(int)) for length in wrong.shape
    )
    best = max(
        ((top, left) for top in rows for left in columns),
        key=lambda at: np.count_nonzero(wrong[at[0] : at[0] + _WINDOW, at[1] : at[1] + _WINDOW]),
    )
    return int(best[0]), int(best[1])


def webp(picture: Picture, most_bytes: int) -> str:
    """A picture as a data: address, in the best quality that fits; in the lowest where none does."""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "WEBP", quality=quality)
        if buffer.tell() <= most_bytes:
            break
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
