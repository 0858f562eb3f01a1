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
from explorer.metrics.class_map import classes_of_thousandths, most_probable_of_thousandths
from explorer.report.blocks import number
from explorer.report.source import RunSource

_WINDOW = 768  # pixels of a scene that are shown along each side, at its own resolution
_SMALL = 384  # a scene below this is enlarged by a whole factor
_LOOKS = 8  # windows that are tried along each side of a larger scene
_CUT_FIRST = (
    " In the pictures, what the run splits or leaves out for its size goes before the classes compete for a pixel, in "
    "the result afterwards: a few pixels may differ."
)
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
    name, rule = run.reference.classes[class_id], run.summary["match_rule"]
    places = {scene.name: place for place, scene in enumerate(run.imagery.dataset.validation)}
    ranked = [each for each in _ranked(run.summary["scenes"], class_id) if each.scene in places]
    if not ranked:
        return (), f"n/a: no validation scene has an F1 of {name}"
    best, worst = ranked[-1], ranked[0]
    differ = best.order != worst.order
    chosen = [("Best scene", best), ("Worst scene", worst)] if differ else [("Scene", worst)]
    shown = []
    for title, each in chosen:
        score = f"F1 {number(each.objects)} ({rule}), {number(each.pixels)} (pixels)"
        shown.append(_picture(run, places[each.scene], class_id, f"{title}: {each.scene}", score, most_bytes))
    several = len(run.reference.classes) > 2
    half = "with the most probable class" if several else "at threshold ½"
    which = "at the run's own threshold" if run.chosen(class_id) is not None else half
    by = f"by the F1 of {name} under the rule {rule} {which}, then by that of its pixels"
    if differ:
        about = f"Chosen among {len(ranked)} validation scenes {by}."
    elif len(ranked) == 1:
        about = "The only validation scene."
    else:
        about = f"This is one of {len(ranked)} validation scenes, which do not differ {by}."
    return tuple(shown), about + (_CUT_FIRST if several and run.chosen(class_id) is not None else "")


@dataclass(frozen=True)
class _Scored:
    """A scene and its F1 under the match rule and by pixels; None: undefined."""

    scene: str
    objects: float | None
    pixels: float | None

    @property
    def order(self) -> tuple[float, float]:
        """By which scenes are ordered: one without any object that counts, by its pixels alone."""
        pixels = -1.0 if self.pixels is None else self.pixels
        return (pixels if self.objects is None else self.objects, pixels)


def _ranked(scenes: dict[str, Any], class_id: int) -> list[_Scored]:
    """The scenes that have an F1, the worst first."""
    found = []
    for name, scores in scenes.items():
        of_class = scores["classes"][str(class_id)]
        found.append(_Scored(name, of_class["object"]["f1"], of_class["pixel"]["f1"]))
    known = [each for each in found if each.objects is not None or each.pixels is not None]
    return sorted(known, key=lambda each: each.order)


def _picture(run: RunSource, place: int, class_id: int, title: str, score: str, most_bytes: int) -> ScenePicture:
    assert run.imagery is not None
    assert run.sweep is not None
    dataset = run.imagery.dataset
    scene = dataset.validation[place]
    predicted, from_where = predicted_in(run, place, class_id)
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
    caption = f"{score}; {where}; {run.reference.classes[class_id]} {from_where}"
    return ScenePicture(title, caption, webp(outcome, most_bytes), outcome.shape[1], outcome.shape[0])


def predicted_in(run: RunSource, place: int, class_id: int) -> tuple[NDArray[np.bool_], str]:
    """(H, W): where the run predicts the class in a validation scene, and from which probability on, in words.

    Of several classes one is predicted in each pixel, as in the run's result.
    """
    assert run.sweep is not None
    values, threshold = run.sweep.probabilities[place], run.threshold(class_id)
    if len(values) == 1:
        return run.sweep.predicted(place, class_id, threshold), f"from probability {threshold:.3g} on"
    if run.chosen(class_id) is None:
        return most_probable_of_thousandths(values) == class_id, "where it is the most probable class"
    assert run.own is not None
    words = f"from probability {threshold:.3g} on, where no other class is further above its own threshold"
    return classes_of_thousandths(values, run.own.values) == class_id, words


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
