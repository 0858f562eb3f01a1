"""The fingerprint of a dataset: what its training scenes are like. A plan is derived from it. No torch.

After nnU-Net's dataset fingerprint (Isensee et al. 2021, doi 10.1038/s41592-020-01008-z). It is computed from the
scenes that train alone: neither those that score nor those on which the threshold is chosen have a part in it. All
lengths are in pixels of the scenes, all shares lie in 0..1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from explorer.errors import InputError
from explorer.imagery.balance import ClassShare, class_balance
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.object_statistics import ObjectKind, ObjectStatistics, object_statistics, weighted_median
from explorer.imagery.scene import IGNORE, Dataset, Scene, Stretch
from explorer.imagery.splitting import hold_out

_SAMPLES = 100_000  # pixels of a scene: enough for its percentiles
_RANGE = (0.5, 99.5)  # percentiles, as of the stretch
_FLOOR = 0.01  # of the brightest median: a darker scene is black, and its ratio to others means nothing more
_FEWEST_UPRIGHT = 8  # scenes with a class, from which it can be told that up is up
_LEAST_ERROR = 1e-3  # of the mean difference between the halves
_PERCENTILES = (5.0, 25.0, 50.0, 75.0, 95.0)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Percentiles(_Model):
    """The values below which 5, 25, 50, 75 and 95 % of the objects lie."""

    p5: float
    p25: float
    p50: float
    p75: float
    p95: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Percentiles | None:
        """Of at least one value; None without any."""
        if not len(values):
            return None
        return cls(**{f"p{at:.0f}": float(np.percentile(values, at)) for at in _PERCENTILES})


class ScenePrint(_Model):
    """One training scene, or a block of one."""

    name: str
    height: int  # pixels
    width: int
    medians: tuple[float, ...]  # of each band, in the image's own values, over the pixels that are not ignored
    low: tuple[float, ...]  # fifth percentile of each band
    high: tuple[float, ...]  # 95th percentile of each band


class ClassPrint(_Model):
    """One foreground class. Sizes are those of objects that are not cut and not below the minimum area."""

    name: str
    share: float  # of the pixels that are not ignored
    objects: int  # of any size
    scenes: int  # in which it occurs
    diameters: Percentiles | None  # of discs of equal area; None: no object
    sides: Percentiles | None  # longer sides of the bounding boxes
    typical_diameter: float  # half of the class's pixels lie in smaller objects; 0: no object
    thickness: float  # median diameter of the largest disc that fits, by pixels as above; 0: no object
    elongation: float  # see ``ObjectStatistics.typical_elongation``
    spacing: float | None  # median distance between nearest centroids; None: no two objects in one scene
    touching: float  # share of the objects that touch another, or look as if they did; see ``ObjectStatistics``
    equal: float  # share of the pixels in objects of equal area
    lower: float | None = None  # see ``lies_lower``; None: too few scenes
    kind: ObjectKind

    @property
    def occurs(self) -> bool:
        """Whether there is an object that counts."""
        return self.diameters is not None


class Fingerprint(_Model):
    """What the scenes that train are like."""

    dataset: str  # its name
    data_type: str  # of the images, as numpy names it; the first scene's
    bands: tuple[str, ...]
    scenes: tuple[ScenePrint, ...]
    held_out: tuple[str, ...]  # names of the scenes or blocks on which the threshold is chosen
    validation: int  # number of the scenes that score
    classes: tuple[ClassPrint, ...]  # foreground classes; class k is at [k − 1]
    background: str  # name of class 0
    brightness: float | None  # highest ÷ lowest median of the scenes, mean of the bands; None: values below zero
    own_range: float  # median over the scenes of: width of their own 0.5 to 99.5 % ÷ width over all scenes
    instances: bool  # objects were drawn one by one, so that those that touch are apart
    minimum_area: int  # pixels; smaller objects of the label count as neither hit nor miss
    match_rule: MatchRule = HALF_IOU

    @property
    def pixels(self) -> int:
        """Of all scenes that train."""
        return sum(scene.height * scene.width for scene in self.scenes)

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of each class of the pixels that are not ignored, background first."""
        return (max(0.0, 1.0 - sum(each.share for each in self.classes)), *(each.share for each in self.classes))

    @property
    def rarest(self) -> ClassPrint:
        """The foreground class with the smallest share that occurs; the first class if none does."""
        occurring = [each for each in self.classes if each.occurs] or list(self.classes)
        return min(occurring, key=lambda each: each.share)

    def class_id(self, of: ClassPrint) -> int:
        """The id of a class, from 1."""
        return self.classes.index(of) + 1


def fingerprint(dataset: Dataset) -> Fingerprint:
    """The fingerprint of the scenes that train where the threshold is chosen on held-out scenes.

    Takes about a second for ten million pixels.

    Raises:
        InputError: nothing is left to train on.
    """
    parts = hold_out(dataset.training, len(dataset.classes))
    scenes = parts.training
    if not scenes:
        raise InputError("no scene is left for training", dataset.name, "add scenes")
    balance = class_balance(scenes, dataset.classes)
    statistics = object_statistics(scenes, len(dataset.classes))
    prints = tuple(_scene_print(scene) for scene in scenes)
    return Fingerprint(
        dataset=dataset.name,
        data_type=str(scenes[0].image.dtype),
        bands=dataset.bands,
        scenes=prints,
        held_out=tuple(scene.name for scene in parts.validation),
        validation=len(dataset.validation),
        classes=tuple(
            _class_print(of_class, objects, scenes, class_id, dataset.minimum_area)
            for class_id, (of_class, objects) in enumerate(zip(balance[1:], statistics, strict=True), start=1)
        ),
        background=dataset.classes[0],
        brightness=_brightness(prints),
        own_range=_own_range(scenes, dataset.stretch),
        instances=any(scene.objects is not None for scene in scenes),
        minimum_area=dataset.minimum_area,
        match_rule=dataset.match_rule,
    )


def lies_lower(masks: Sequence[NDArray[np.bool_]]) -> float | None:
    """By how many standard errors a class lies in the lower half of its scenes rather than in the upper; Student's t.

    Of each scene (l − u) / (l + u) is taken, where l and u are the class's pixels in the lower and the upper half: the
    mean over the scenes, divided by its standard error. In pictures of a road it is large, seen from above small.

    Args:
        masks: of the class, (H, W) each; scenes without it do not count.

    Returns:
        Negative where it lies in the upper half; None with fewer than ``_FEWEST_UPRIGHT`` scenes that have the class.
    """
    halves = [(mask[: len(mask) // 2].sum(), mask[-(len(mask) // 2) :].sum()) for mask in masks if len(mask) > 1]
    differences = np.array([(low - up) / (low + up) for up, low in halves if up + low])
    if len(differences) < _FEWEST_UPRIGHT:
        return None
    error = differences.std(ddof=1) / len(differences) ** 0.5
    return float(differences.mean() / max(error, _LEAST_ERROR))


def _scene_print(scene: Scene) -> ScenePrint:
    low, medians, high = np.nanpercentile(_values(scene), (5, 50, 95), axis=1).tolist()
    return ScenePrint(
        name=scene.name,
        height=scene.size[0],
        width=scene.size[1],
        medians=tuple(medians),
        low=tuple(low),
        high=tuple(high),
    )


def _values(scene: Scene) -> NDArray[np.float64]:
    """(C, n): some of the pixels that are not ignored; NaN where a value is no number."""
    step = max(1, round((scene.label.size / _SAMPLES) ** 0.5))
    counted = scene.label[::step, ::step] != IGNORE
    if not counted.any():
        counted = np.ones_like(counted)
    values = scene.image[:, ::step, ::step][:, counted].astype(np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    empty = np.isnan(values).all(1)
    values[empty] = 0.0
    return values


def _brightness(scenes: Sequence[ScenePrint]) -> float | None:
    medians = np.array([np.mean(scene.medians) for scene in scenes])
    if medians.min() < 0 or medians.max() <= 0:
        return None
    floored = np.maximum(medians, _FLOOR * medians.max())
    return float(floored.max() / floored.min())


def _own_range(scenes: Sequence[Scene], common: Stretch) -> float:
    """How much of the common stretch the scenes use, mean of the bands."""
    widths = np.maximum(np.array(common.high) - np.array(common.low), np.finfo(np.float64).tiny)
    shares = []
    for scene in scenes:
        low, high = np.nanpercentile(_values(scene), _RANGE, axis=1)
        shares.append(float(np.minimum((high - low) / widths, 1.0).mean()))
    return float(np.median(shares))


def _class_print(
    share: ClassShare, objects: ObjectStatistics, scenes: Sequence[Scene], class_id: int, minimum_area: int
) -> ClassPrint:
    counted = objects.areas >= minimum_area
    whole = counted & objects.whole
    if not whole.any():
        whole = counted
    spacing = objects.spacing[counted & np.isfinite(objects.spacing)]
    return ClassPrint(
        name=share.name,
        share=share.share or 0.0,
        objects=share.objects or 0,
        scenes=sum(bool((scene.label == class_id).any()) for scene in scenes),
        diameters=Percentiles.of(objects.diameters[whole]),
        sides=Percentiles.of(objects.sides.max(1, initial=0)[whole].astype(np.float64)),
        typical_diameter=weighted_median(objects.diameters[whole], objects.areas[whole]),
        thickness=weighted_median(objects.thickness[whole], objects.areas[whole]),
        elongation=objects.typical_elongation,
        spacing=float(np.median(spacing)) if len(spacing) else None,
        touching=float(objects.touching[counted].mean()) if counted.any() else 0.0,
        equal=objects.equal_share,
        lower=lies_lower([scene.label == class_id for scene in scenes]),
        kind=objects.kind,
    )
