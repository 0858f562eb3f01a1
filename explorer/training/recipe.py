"""The numbers by which a plan follows from a fingerprint, in one place. No torch.

They were measured on small sets of aerial, satellite, microscope and road imagery with a minute or two of training on
two processor cores, on scenes that took no part in the scores that are published. :mod:`explorer.training.planning`
applies them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar

from explorer.losses.spec import WeightRule
from explorer.training.plan import Augmentation

Value = TypeVar("Value")
Steps = tuple[tuple[float, Value], ...]
"""Values by a quantity: each holds below its bound; the last bound is infinite."""

SegmenterKind = Literal["pretrained", "unet"]

_MORE = float("inf")


def at(steps: Steps[Value], quantity: float) -> Value:
    """The value that holds for a quantity.

    >>> at(((0.01, "rare"), (float("inf"), "common")), 0.2)
    'common'
    """
    return next(value for bound, value in steps if quantity < bound)


@dataclass(frozen=True)
class Learning:
    """How one kind of segmenter learns."""

    learning_rate: float  # peak of the first phase
    weight_decay: float
    typical_step_seconds: float  # of a batch of ``PIXELS`` on two cores; where nothing has been measured


LEARNING: Mapping[SegmenterKind, Learning] = MappingProxyType(
    {
        "pretrained": Learning(learning_rate=3e-3, weight_decay=1e-2, typical_step_seconds=0.14),
        "unet": Learning(learning_rate=5e-3, weight_decay=1e-2, typical_step_seconds=0.06),
    }
)

FEWEST_PRETRAINED_STEPS = 60
"""With fewer steps than this the pretrained segmenter's decoder has learned nothing: the U-Net takes its place."""

TARGET_DIAMETER = 28.0  # pixels at the working scale of an object of median size
SMALLEST_DIAMETER = 6.0  # likewise of the fifth percentile, which must not vanish
AREA_SCALE = 0.25  # of a class of areas, if no other decides
TARGET_THICKNESS = 3.0  # likewise of thin things
SMALLEST_THICKNESS = 1.3  # likewise where another class decides: they must not vanish
WIDE_SIZES = 2.0  # medians: where half of a class's pixels lie in larger objects than that, their size counts, too
SCALES = (1.0, 0.75, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.125)
"""Working scales; between three quarters and the whole, reducing gains too little."""

OBJECTS_IN_FIELD = 3.0  # least receptive field, in median objects across
UNET_WIDTH = 8
UNET_DEPTHS = (3, 4)  # of the U-Net, the first that sees enough

PIXELS = 8 * 96**2  # of a batch
CROPS = (96, 128)  # pixels across
OBJECTS_IN_CROP = 1.5  # least side of a crop, in objects of the 75th percentile
SMALLEST_BATCH = 4

FOREGROUND_SHARE = 0.5  # of the crops

CLASS_WEIGHTS: Steps[tuple[WeightRule, float]] = (
    (0.005, ("inverse_frequency", 20.0)),
    (0.02, ("inverse_frequency", 10.0)),
    (0.05, ("inverse_frequency", 5.0)),
    (0.3, ("sqrt_inverse_frequency", 3.0)),
    (_MORE, ("sqrt_inverse_frequency", 1.5)),
)
"""Rule and cap of weighted losses, by the share of the rarest class: strong weights harm where it is not rare."""

HIGHEST_CAP = 50.0  # of the class weights of a preset that asks for more than others

AUGMENTATION: Steps[Augmentation] = (
    (12, Augmentation(gain=0.4, offset=0.2, channel_gain=0.2, channel_offset=0.1)),
    (40, Augmentation(gain=0.3, offset=0.15, channel_gain=0.15, channel_offset=0.08)),
    (_MORE, Augmentation(gain=0.2, offset=0.1, channel_gain=0.1, channel_offset=0.05)),
)
"""By the number of scenes: few are learned by heart."""

UPRIGHT = 5.0  # standard errors by which a class lies lower than the middle, or higher: up is up

NARROW_SCENES = 0.5  # of the common range: scenes that use less are to be stretched one by one
DIFFERENT_BRIGHTNESS = 3.0  # highest ÷ lowest median: from here on the augmentation is that of few scenes

WARMUP_SHARE = 0.1  # of the steps of a phase
CLIP_GRADIENT = 1.0
AVERAGING = 0.99  # decay of the moving average of the weights
MINIMUM_PHASE_SHARE = 0.3  # of a phase that a trigger may end early
VALIDATIONS = 40  # in a run, at least
VALIDATION_SECONDS = 5.0  # between two of them, at most
MOST_VALIDATIONS = 200
RESERVE = 0.05  # of a budget in seconds, so that it is kept
