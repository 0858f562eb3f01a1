"""The fixed validation crops: the same for the same seed, never the same pixel twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.match_rule import MatchRule
from explorer.imagery.scene import IGNORE, Scene, Stretch
from explorer.landscape.crops import CropOrigin, LandscapeData, cut_crops
from explorer.segmenter.inputs import InputSpec, prepared_image, prepared_scene

STRETCH = Stretch((0.0,), (255.0,))


def make_scenes() -> list[Scene]:
    """Three scenes, one of them smaller than a crop; objects in a corner of the first alone."""
    random = np.random.default_rng(0)
    scenes = []
    for index, size in enumerate(((96, 130), (64, 64), (20, 40))):
        label = np.zeros(size, np.uint8)
        if index == 0:
            label[2:9, 2:9] = 1
            label[60:70, 120:128] = 1
        scenes.append(Scene(f"s{index}", random.integers(0, 255, (1, *size)).astype(np.uint8), label, ("grey",)))
    return scenes


def test_crops_do_not_overlap_and_hold_the_scene_as_it_is() -> None:
    scenes = make_scenes()
    crops = cut_crops(scenes, 2, STRETCH, count=100, size=32)
    assert len(crops.origins) == len(set(crops.origins)) == 3 * 4 + 4 + 1
    by_name = {scene.name: scene for scene in scenes}
    for origin, image, label in zip(crops.origins, crops.images, crops.labels, strict=True):
        assert origin.top % 32 == origin.left % 32 == 0
        scene = by_name[origin.scene]
        part = scene.image[:, origin.top : origin.top + 32, origin.left : origin.left + 32]
        height, width = part.shape[1:]
        np.testing.assert_allclose(image[:, :height, :width], part / 255, atol=1e-6)
        assert (label[height:] == IGNORE).all()  # padding counts nowhere
        assert (label[:, width:] == IGNORE).all()


def test_the_seed_decides_and_half_of_the_crops_contain_objects() -> None:
    scenes = make_scenes()
    one, again, other = (cut_crops(scenes, 2, STRETCH, count=4, size=32, seed=seed) for seed in (0, 0, 1))
    assert one.content_hash == again.content_hash != other.content_hash
    assert one.origins == again.origins
    for crops in (one, other):
        assert (crops.labels == 1).any((1, 2)).sum() >= 2  # 2 of 17 show one: by chance hardly ever both
    np.testing.assert_array_equal(one.ids > 0, one.labels == 1)


@pytest.mark.parametrize("seed", range(4))
def test_a_rare_class_has_crops_beside_a_common_one(seed: int) -> None:
    random = np.random.default_rng(1)
    label = np.ones((320, 320), np.uint8)  # a class that is everywhere
    label[200:204, 100:104] = label[10:14, 300:304] = 2
    scene = Scene("road", random.integers(0, 255, (1, 320, 320)).astype(np.uint8), label, ("grey",))
    crops = cut_crops([scene], 3, STRETCH, count=8, size=32, seed=seed)
    assert (crops.labels == 2).any((1, 2)).sum() == 2


def test_objects_are_those_of_the_whole_scene() -> None:
    crops = cut_crops(make_scenes(), 2, STRETCH, count=100, size=32)
    origins = [(origin.scene, origin.top, origin.left) for origin in crops.origins]
    without = origins.index(("s0", 0, 64))
    assert not crops.ids[without].any()
    assert crops.owners[without].all()  # a false positive here belongs to an object beyond the edge


def test_objects_that_were_drawn_one_by_one_stay_apart() -> None:
    scene = make_scenes()[0]
    drawn = np.zeros(scene.size, np.int32)
    drawn[2:9, 2:5], drawn[2:9, 5:9] = 40, 7  # the two halves of the first object
    crops = cut_crops([replace(scene, objects=drawn)], 2, STRETCH, count=100, size=32)
    first = crops.origins.index(CropOrigin("s0", 0, 0))
    left, right = np.unique(crops.ids[first, 2:9, 2:5]), np.unique(crops.ids[first, 2:9, 5:9])
    assert len(left) == len(right) == 1
    assert 0 < left[0] != right[0] > 0
    assert crops.owners[first, 0, 0, 0] == left[0]
    assert crops.owners[first, 0, 5, 12] == right[0]


def test_crops_at_a_working_scale_are_of_the_scene_as_the_segmenter_takes_it() -> None:
    scenes, inputs = make_scenes(), InputSpec(scale=0.5, root=True, contrast=True, object_size=6)
    crops = cut_crops(scenes, 2, STRETCH, inputs, count=100, size=32)
    assert len(crops.origins) == 1 * 2 + 1 + 1  # of 48×65, 32×32 and 10×20 pixels
    by_name = {scene.name: scene for scene in scenes}
    for origin, image, label, ids in zip(crops.origins, crops.images, crops.labels, crops.ids, strict=True):
        scene = by_name[origin.scene]
        whole, reduced = prepared_image(scene.image, STRETCH, inputs), prepared_scene(scene, inputs)
        rows, columns = slice(origin.top, origin.top + 32), slice(origin.left, origin.left + 32)
        height, width = whole[0, rows, columns].shape
        assert image.shape == (1 + 5, 32, 32)
        np.testing.assert_array_equal(image[:, :height, :width], whole[:, rows, columns])
        np.testing.assert_array_equal(label[:height, :width], reduced.label[rows, columns])
        np.testing.assert_array_equal(ids > 0, label == 1)


def test_crops_without_inputs_are_what_earlier_versions_cut() -> None:
    scenes = make_scenes()
    crops = cut_crops(scenes, 2, STRETCH, count=4, size=32)
    assert crops.content_hash == cut_crops(scenes, 2, STRETCH, InputSpec(), count=4, size=32).content_hash
    assert crops.content_hash == "de7dc7f33c1ebae1"


def test_nothing_labelled_is_refused() -> None:
    scenes = [replace(scene, label=np.full(scene.size, IGNORE, np.uint8)) for scene in make_scenes()]
    with pytest.raises(InputError, match="no pixel"):
        cut_crops(scenes, 2, STRETCH)
    with pytest.raises(InputError, match="no pixel"):
        cut_crops([], 2, STRETCH)


def test_landscape_data_is_read_as_it_was_written(tmp_path: Path) -> None:
    crops = cut_crops(make_scenes(), 2, STRETCH, count=4, size=32)
    path = tmp_path / "landscape.npz"
    rule = MatchRule.parse("centroid:1.25")
    LandscapeData(crops, ("background", "car"), (1.0, 7.5), "abc", 3, rule).save(path)
    again = LandscapeData.load(path)
    assert again.crops.content_hash == crops.content_hash
    assert again.crops.origins == crops.origins
    np.testing.assert_array_equal(again.crops.owners, crops.owners)
    assert (again.classes, again.class_weights, again.dataset_id) == (("background", "car"), (1.0, 7.5), "abc")
    assert (again.minimum_area, again.match_rule) == (3, rule)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="cannot be read"):
        LandscapeData.load(path)
