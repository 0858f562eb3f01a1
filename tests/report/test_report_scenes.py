"""Pictures of scenes: which are chosen, what part is shown, and how large they may be."""

from __future__ import annotations

import base64
import copy
import io
from dataclasses import replace

import numpy as np
from PIL import Image

from explorer.report.scenes import predicted_in, scene_pictures, webp
from explorer.report.source import RunSource

LARGE = 1_000_000


def scored(run: RunSource, **f1: tuple[float | None, float | None]) -> RunSource:
    """The run with these F1 of its scenes, under the match rule and by pixels."""
    summary = copy.deepcopy(dict(run.summary or {}))
    for name, (objects, pixels) in f1.items():
        of_class = summary["scenes"].setdefault(name, copy.deepcopy(next(iter(summary["scenes"].values()))))
        of_class["classes"]["1"]["object"]["f1"], of_class["classes"]["1"]["pixel"]["f1"] = objects, pixels
    summary["scenes"] = {name: summary["scenes"][name] for name in f1}
    return replace(run, summary=summary)


def test_the_only_scene_is_called_that(run: RunSource) -> None:
    assert run.summary is not None
    (name,) = run.summary["scenes"]
    (picture,), about = scene_pictures(run, LARGE)
    assert picture.title == f"Scene: {name}"
    assert about == "The only validation scene."
    assert "the whole scene" in picture.caption
    assert f"from probability {run.threshold(1):.3g} on" in picture.caption


def test_best_and_worst_are_told_by_objects_then_by_pixels(run: RunSource) -> None:
    assert run.imagery is not None
    assert run.sweep is not None
    scene, stored = run.imagery.dataset.validation[0], run.sweep.probabilities[0]
    three = replace(run.imagery.dataset, validation=tuple(replace(scene, name=name) for name in "abc"))
    swept = replace(run.sweep, scenes=("a", "b", "c"), probabilities=(stored,) * 3)
    several = replace(run, imagery=replace(run.imagery, dataset=three), sweep=swept)
    (best, worst), about = scene_pictures(scored(several, a=(0.5, 0.2), b=(0.5, 0.9), c=(None, 0.3)), LARGE)
    assert (best.title, worst.title) == ("Best scene: b", "Worst scene: c")
    assert best.caption.startswith("F1 0.500 (IoU > 0.5), 0.900 (pixels)")
    assert worst.caption.startswith("F1 n/a (IoU > 0.5), 0.300 (pixels)")
    assert "Chosen among 3 validation scenes" in about
    (one,), about = scene_pictures(scored(several, a=(0.0, 0.0), b=(0.0, 0.0)), LARGE)
    assert one.title == "Scene: a"
    assert "do not differ" in about


def test_of_several_classes_each_pixel_has_the_one_that_the_result_gives_it(run: RunSource) -> None:
    assert run.sweep is not None
    assert run.own is not None
    reference = run.reference.model_copy(update={"classes": ("background", "one", "other")})
    values = np.array([[[600, 600, 300, 450]], [[650, 740, 600, 400]]], dtype=np.uint16)
    swept = replace(run.sweep, probabilities=(values,))
    both = tuple(
        replace(run.own.classes[0], class_id=number, threshold=threshold) for number, threshold in ((1, 0.5), (2, 0.6))
    )
    own = replace(run.own, classes=both, diameters=(8.0, 8.0))
    several = replace(run, reference=reference, sweep=swept, own=own)
    assert predicted_in(several, 0, 1)[0].tolist() == [[True, False, False, False]]
    assert predicted_in(several, 0, 2)[0].tolist() == [[False, True, True, False]], "0.6 is its threshold"
    without = replace(several, own=replace(own, classes=()))
    mask, words = predicted_in(without, 0, 1)
    assert mask.tolist() == [[False, False, False, True]]
    assert "most probable" in words


def test_without_imagery_there_is_a_reason(run: RunSource) -> None:
    shown, about = scene_pictures(replace(run, imagery=None, without_imagery="no images were given"), LARGE)
    assert shown == ()
    assert about == "n/a: no images were given"


def test_colours_are_those_of_the_outcomes(run: RunSource) -> None:
    assert run.imagery is not None
    scene = run.imagery.dataset.validation[0]
    assert run.sweep is not None
    found = replace(run.sweep, probabilities=(np.where(scene.label == 1, 1000, 0).astype(np.uint16)[None],))
    (picture,), _ = scene_pictures(replace(run, sweep=found), LARGE)
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.uri.partition(",")[2]))).convert("RGB"))
    factor = picture.width // scene.size[1]
    inside = shown[factor // 2 :: factor, factor // 2 :: factor][scene.label == 1].mean(0)
    assert inside[2] > inside[0] + 60, "hits are blue"


def test_a_picture_takes_no_more_than_it_may() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    fine, coarse = webp(noise, LARGE), webp(noise, 20_000)
    assert len(coarse) < len(fine)
