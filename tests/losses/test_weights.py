"""Class weights against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.losses.spec import LossSpec, WeightRule
from explorer.losses.weights import BETA, class_weights, raw_weights

RULES: tuple[WeightRule, ...] = WeightRule.__args__
PIXELS = (9700, 200, 100)
OBJECTS = (0, 20, 5)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("inverse_frequency", (0.3436, 16.67, 33.33)),
        ("sqrt_inverse_frequency", (math.sqrt(0.3436), math.sqrt(16.67), math.sqrt(33.33))),
        ("median_frequency", (0.02 / 0.97, 1, 2)),
        ("enet", (1 / math.log(1.99), 25.49, 33.83)),
    ],
)
def test_weights_as_their_sources_define_them(rule: WeightRule, expected: tuple[float, ...]) -> None:
    weights = raw_weights(rule, np.array(PIXELS, float), np.array(OBJECTS, float))
    assert weights == pytest.approx(expected, rel=1e-3)
    scaled = class_weights(rule, PIXELS, OBJECTS)
    assert scaled == pytest.approx([w / expected[0] for w in expected], rel=2e-3)


def test_effective_number_counts_objects_and_the_background_in_pieces_of_their_size() -> None:
    # 300 pixels in 25 objects are 12 a piece: the background falls in 808 pieces
    weights = raw_weights("effective_number", np.array(PIXELS, float), np.array(OBJECTS, float))
    assert weights == pytest.approx([(1 - BETA) / (1 - BETA**n) for n in (9700 / 12, 20, 5)])


def test_per_object_makes_the_foreground_as_heavy_as_the_background() -> None:
    weights = class_weights("per_object", PIXELS, OBJECTS)
    # 9700/300 = 32.33, shared by rarity: mean of (20, 5) is 12.5
    assert weights == pytest.approx((1, 32.333 * 12.5 / 20, 32.333 * 12.5 / 5), rel=1e-4)
    one_class = class_weights("per_object", (9900, 100), (0, 7))
    assert one_class == pytest.approx((1, 99))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("pixels", [(0, 10**9 - 1, 1), (1, 10**9, 1), (10**9, 1, 1)])
def test_weights_are_within_what_a_loss_takes(rule: WeightRule, pixels: tuple[int, int, int]) -> None:
    weights = class_weights(rule, pixels, (0, 1000, 1))
    assert LossSpec(kind="focal", class_weights=weights).class_weights == weights


@pytest.mark.parametrize("rule", RULES)
def test_an_absent_class_weighs_nothing(rule: WeightRule) -> None:
    weights = class_weights(rule, (900, 0, 100), (0, 0, 3))
    assert weights[1] == 0
    assert weights[0] == 1
    assert weights[2] > 1
    assert class_weights(rule, (900, 0, 0), (0, 0, 0)) == (1, 0, 0)


@pytest.mark.parametrize("rule", RULES)
def test_no_weight_is_above_the_cap(rule: WeightRule) -> None:
    free, capped = (class_weights(rule, PIXELS, OBJECTS, cap) for cap in (None, 1.5))
    assert capped == pytest.approx([min(w, 1.5) for w in free])


@pytest.mark.parametrize("rule", RULES)
def test_without_labels_there_are_no_weights(rule: WeightRule) -> None:
    with pytest.raises(InputError, match="no pixel is labelled"):
        class_weights(rule, (0, 0), (0, 0))


@settings(max_examples=60, deadline=None)
@given(
    rule=st.sampled_from(RULES),
    counts=st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 500)), min_size=2, max_size=6),
    cap=st.none() | st.floats(0.1, 1e3),
)
def test_weights_are_finite_whatever_the_data(
    rule: WeightRule, counts: list[tuple[int, int]], cap: float | None
) -> None:
    pixels = [max(n, objects) for n, objects in counts]
    if not any(pixels):
        pixels[0] = 1
    weights = class_weights(rule, pixels, [objects for _, objects in counts], cap)
    assert all(math.isfinite(w) and w >= 0 for w in weights)
    assert all((w > 0) == (n > 0) for w, n in zip(weights, pixels, strict=True))
