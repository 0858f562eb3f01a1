from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.imagery.scene import IGNORE, GeoReference, Scene
from explorer.imagery.splitting import MARGIN, hold_out, split, split_blocks, split_scenes


def numbered(height, width, objects=()):
    """A scene whose every pixel has its own value, so that pieces can be traced."""
    image = np.arange(height * width, dtype=np.int32).reshape(1, height, width)
    label = np.zeros((height, width), dtype=np.uint8)
    for row, column in objects:
        label[row : row + 3, column : column + 3] = 1
    return Scene("s.tif", image, label, ("grey",), GeoReference(None, (2.0, 0.0, 100.0, 0.0, -2.0, 900.0)))


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 300), st.integers(1, 300), st.integers(0, 5), st.booleans())
def test_blocks_never_share_a_pixel_and_keep_a_margin(height, width, seed, turned):
    scene = numbered(width, height) if turned else numbered(height, width)
    parts = split_blocks(scene, 2, seed)
    (held_out,) = parts.validation
    columns = scene.size[1]
    trained = np.concatenate([part.image.ravel() for part in parts.training])
    assert np.intersect1d(trained, held_out.image).size == 0
    rows_apart = np.abs(np.subtract.outer(np.unique(trained // columns), np.unique(held_out.image // columns))).min()
    columns_apart = np.abs(np.subtract.outer(np.unique(trained % columns), np.unique(held_out.image % columns))).min()
    length = scene.size[0] if rows_apart else scene.size[1]
    assert max(rows_apart, columns_apart) > max(1, min(MARGIN, length // 16))
    assert 0.15 <= held_out.label.size / scene.label.size <= 0.35
    assert all(part.label.size for part in parts.training)


def test_blocks_keep_their_georeference():
    scene = numbered(64, 64)
    parts = split_blocks(scene, 2)
    for piece in (*parts.training, *parts.validation):
        row, column = divmod(int(piece.image[0, 0, 0]), 64)
        assert piece.georeference == GeoReference(None, (2.0, 0.0, 100.0 + 2 * column, 0.0, -2.0, 900.0 - 2 * row))
        np.testing.assert_array_equal(piece.image[0], scene.image[0, row:, column:][: piece.size[0], : piece.size[1]])


def test_blocks_keep_the_ids_of_their_objects():
    scene = numbered(64, 64, [(2, 2), (55, 55)])
    drawn = np.where(scene.label == 1, scene.image[0], 0).astype(np.int32)  # every pixel an object
    parts = split_blocks(replace(scene, objects=drawn), 2)
    for piece in (*parts.training, *parts.validation):
        np.testing.assert_array_equal(piece.objects, np.where(piece.label == 1, piece.image[0], 0))
    assert all(piece.objects is None for piece in split_blocks(scene, 2).training)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("objects", [[(2, 2), (55, 55)], [(2, 40), (30, 2)], [(20, 30), (40, 30)]])
def test_objects_are_on_both_sides_if_possible(objects, seed):
    parts = split_blocks(numbered(64, 64, objects), 2, seed)
    assert any((scene.label == 1).any() for scene in parts.training)
    assert (parts.validation[0].label == 1).any()


@pytest.mark.parametrize("place", [(2, 2), (55, 55), (14, 30), (30, 30), (45, 16)])
def test_a_single_object_is_trained_on_rather_than_validated_or_lost(place):
    parts = split_blocks(numbered(64, 64, [place]), 2)
    assert sum(int((scene.label == 1).sum()) for scene in parts.training) == 9


def test_the_only_scene_with_objects_is_trained_on():
    parts = split_scenes(scenes(0, 0, 1, 0), 2)
    assert "2.tif" in {scene.name for scene in parts.training}


def test_a_scene_too_small_to_split_is_refused():
    with pytest.raises(InputError, match=r"s\.tif: too small .* give a second scene"):
        split(([numbered(7, 7)]), 2)


def scenes(*foreground):
    return [
        Scene(f"{number}.tif", np.zeros((1, 4, 4), np.uint8), np.full((4, 4), value, np.uint8), ("grey",))
        for number, value in enumerate(foreground)
    ]


@given(st.lists(st.integers(0, 2), min_size=2, max_size=12), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_scenes_go_to_one_side_each_and_classes_to_both_if_possible(foreground, seed):
    given_scenes = scenes(*foreground)
    parts = split_scenes(given_scenes, 3, seed)
    assert sorted(scene.name for scene in parts.training + parts.validation) == sorted(s.name for s in given_scenes)
    assert len(parts.validation) == max(1, round(len(foreground) / 4))
    again = split_scenes(given_scenes, 3, seed)
    assert [s.name for s in parts.validation] == [s.name for s in again.validation]
    if len(parts.validation) > 1 and foreground.count(1) > 1 and foreground.count(2) > 1:
        for side in (parts.training, parts.validation):
            assert {1, 2} <= {int(scene.label[0, 0]) for scene in side}


@given(st.lists(st.integers(0, 2), min_size=5, max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_sixth_of_five_or_more_scenes_is_held_out_whole(foreground):
    parts = hold_out(scenes(*foreground), 3)
    assert len(parts.validation) == max(1, round(len(foreground) / 6))
    held_out, trained = ([scene.name for scene in side] for side in (parts.validation, parts.training))
    assert sorted(held_out + trained) == sorted(f"{number}.tif" for number in range(len(foreground)))
    assert [scene.name for scene in hold_out(scenes(*foreground), 3).validation] == held_out
    if foreground.count(1) > 1 and (len(held_out) > 1 or not foreground.count(2)):
        assert any((scene.label == 1).any() for scene in parts.training)
        assert any((scene.label == 1).any() for scene in parts.validation)


def ports(count, height=96, width=128, objects=((10, 20), (40, 90), (80, 60))):
    return [replace(numbered(height, width, objects), name=f"port_{number}") for number in range(1, count + 1)]


@given(st.integers(1, 4), st.integers(24, 150), st.integers(1, 150))
@settings(max_examples=60, deadline=None)
def test_of_few_scenes_a_block_of_each_is_held_out(count, height, width):
    parts = hold_out(ports(count, height, width, ()), 2)
    assert len(parts.validation) == count
    for number, held_out in enumerate(parts.validation, start=1):
        assert held_out.name == f"port_{number} (threshold block)"
        trained = [scene for scene in parts.training if scene.name.startswith(f"port_{number} (")]
        seen = held_out.image[0][held_out.label != IGNORE]
        assert 0.1 < seen.size / (height * width) < 0.25
        pixels = np.concatenate([seen, *(scene.image.ravel() for scene in trained)])
        assert len(np.unique(pixels)) == len(pixels)
        assert not np.isin(held_out.image, np.concatenate([scene.image.ravel() for scene in trained])).any()
        assert seen.size < held_out.image.size, "the margins are in the image, ignored"
    names = [scene.name for scene in parts.training + parts.validation]
    assert len(set(names)) == len(names)


def test_names_say_which_part_of_which_scene():
    middle = [(2, 2), (40, 40), (46, 70), (90, 120)]  # a band in the middle holds the most even share
    names = {scene.name for number in (1, 2) for scene in hold_out(ports(number, 96, 128, middle), 2).training}
    assert names <= {f"port_{number} (training block{which})" for number in (1, 2) for which in ("", " 1", " 2")}


def test_held_out_objects_end_where_the_block_ends():
    scene = numbered(96, 96)
    scene.label[:, 40:50] = 1
    scene = replace(scene, objects=scene.label.astype(np.int32))
    (held_out,) = hold_out([scene], 2).validation
    assert (held_out.label == 1).any()
    np.testing.assert_array_equal(held_out.objects, np.where(held_out.label == 1, 1, 0))


def test_a_class_with_one_object_in_each_of_two_scenes_is_on_both_sides():
    parts = hold_out(ports(2, 64, 64, [(30, 30)]), 2)
    for side in (parts.training, parts.validation):
        assert any((scene.label == 1).any() for scene in side)


def test_the_only_object_of_few_scenes_is_trained_on():
    parts = hold_out([*ports(2, 64, 64, ()), replace(numbered(64, 64, [(30, 30)]), name="port_3")], 2)
    assert sum(int((scene.label == 1).sum()) for scene in parts.training) == 9


def test_scenes_too_small_to_be_cut_train_whole():
    small = replace(numbered(20, 20, [(3, 3)]), name="small")
    parts = hold_out([small], 2)
    assert (parts.training, parts.validation) == ((small,), ())
    mixed = hold_out([small, *ports(1)], 2)
    assert [scene.name for scene in mixed.validation] == ["port_1 (threshold block)"]
    assert mixed.training[0] is small


def test_blocks_of_few_scenes_keep_their_georeference():
    parts = hold_out(ports(3), 2)
    for piece in (*parts.training, *parts.validation):
        row, column = divmod(int(piece.image[0, 0, 0]), 128)
        assert piece.georeference == GeoReference(None, (2.0, 0.0, 100.0 + 2 * column, 0.0, -2.0, 900.0 - 2 * row))


def test_blocks_keep_where_their_image_has_no_data():
    scene = numbered(64, 64)
    valid = scene.image[0] % 3 > 0
    parts = split_blocks(replace(scene, valid=valid), 2)
    for piece in (*parts.training, *parts.validation):
        np.testing.assert_array_equal(piece.valid, piece.image[0] % 3 > 0)
