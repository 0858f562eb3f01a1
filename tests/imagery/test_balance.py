from dataclasses import replace

import numpy as np
import pytest

from explorer.imagery.balance import class_balance
from explorer.imagery.scene import IGNORE, Scene

LABEL = np.zeros((16, 16), dtype=np.uint8)
LABEL[2:6, 2:6] = LABEL[11:15, 11:15] = 1


def scene(label):
    return Scene("s", np.zeros((1, *label.shape), np.uint8), label, ("grey",))


def test_pixels_objects_and_shares_are_summed_over_the_scenes():
    with_ignored = LABEL.copy()
    with_ignored[0] = IGNORE
    background, foreground = class_balance([scene(with_ignored), scene(LABEL)], ("background", "object"))
    assert (background.name, foreground.name) == ("background", "object")
    assert (foreground.pixels, foreground.objects) == (64, 4)
    assert (background.pixels, background.objects) == (2 * 256 - 16 - 64, None)
    assert foreground.share == pytest.approx(64 / (2 * 256 - 16))


def test_all_objects_are_counted_and_those_below_the_minimum_area_besides():
    small = LABEL.copy()
    small[8, 8] = 1

    def foreground(minimum_area):
        share = class_balance([scene(LABEL), scene(small)], ("background", "object"), minimum_area)[1]
        return share.objects, share.below_minimum

    assert [foreground(area) for area in (1, 2, 16, 17)] == [(5, 0), (5, 1), (5, 1), (5, 5)]


def test_touching_objects_that_were_drawn_one_by_one_are_counted_one_by_one():
    drawn = np.zeros((16, 16), dtype=np.int32)
    drawn[2:6, 2:4], drawn[2:6, 4:6], drawn[11:15, 11:15] = 1, 2, 3
    share = class_balance([replace(scene(LABEL), objects=drawn)], ("background", "object"), minimum_area=9)[1]
    assert (share.objects, share.below_minimum) == (3, 2)


def test_without_a_labelled_pixel_there_is_no_share():
    ignored = scene(np.full((4, 4), IGNORE, np.uint8))
    assert [share.share for share in class_balance([ignored], ("background", "object"))] == [None, None]
