import re
from dataclasses import replace

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.balance import class_balance
from explorer.imagery.datasets import dataset_from_files, dataset_from_folders, make_dataset
from explorer.imagery.scene import Scene
from explorer.settings import Settings
from tests.imagery.encoders import photo, png, tiff, zipped

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def one_scene(name, bands=3, size=16, label=None):
    label = objects(size) if label is None else label
    return Scene(name, photo(*label.shape, bands), label, tuple(f"band {number}" for number in range(bands)))


def objects(size=16, value=1):
    label = np.zeros((size, size), dtype=np.uint8)
    label[2:6, 2:6] = label[size - 5 : size - 1, size - 5 : size - 1] = value
    return label


def upload(**changed):
    """Four good pairs as one set of files; changed["name"] = data replaces one, None leaves it out."""
    files = {}
    for letter in "abcd":
        files[f"{letter}.png"] = png(np.ascontiguousarray(photo(16, 16).transpose(1, 2, 0)))
        files[f"{letter}_mask.png"] = png(objects() * 255)
    files |= {name.replace("__", "."): data for name, data in changed.items()}
    return {name: data for name, data in files.items() if data is not None}


def test_a_dataset_of_scenes():
    dataset = make_dataset("d", [one_scene(name) for name in "abcde"], ("background", "object"))
    assert sorted(scene.name for scene in dataset.scenes) == list("abcde")
    assert len(dataset.validation) == 1
    assert dataset.notes == ()
    assert len(dataset.stretch.low) == 3


def test_the_stretch_does_not_depend_on_the_validation_scenes():
    scenes = [one_scene("a"), one_scene("b")]
    bright = replace(scenes[1], image=np.full_like(scenes[1].image, 255))
    stretches = [make_dataset("d", [scenes[0], other], ("x", "y"), ["b"]).stretch for other in (scenes[1], bright)]
    assert stretches[0] == stretches[1]


@pytest.mark.parametrize("names", [["b.tif"], ["b"], {"b", "c.tif"}])
def test_validation_scenes_can_be_named(names):
    dataset = make_dataset("d", [one_scene(f"{name}.tif") for name in "abc"], ("x", "y"), names)
    assert [scene.name.removesuffix(".tif") for scene in dataset.validation] == sorted(
        name.removesuffix(".tif") for name in names
    )


def test_scenes_of_two_pixels_make_a_dataset():
    label = np.array([[0, 1]], dtype=np.uint8)
    assert make_dataset("d", [one_scene("a", label=label), one_scene("b", label=label)], ("x", "y")).training


@pytest.mark.parametrize(
    ("scenes", "options", "message"),
    [
        ([], {}, "no scenes"),
        ([one_scene("a"), one_scene("a")], {}, "a: two scenes have this name"),
        ([one_scene("a"), one_scene("b"), one_scene("c", bands=4)], {}, "c: 4 bands, but a has 3"),
        ([one_scene("a", label=objects(value=2))], {}, "a: label 2 is not one of the 2 classes"),
        ([one_scene("a", label=np.zeros((16, 16), np.uint8))], {}, "no foreground at all"),
        ([one_scene("a"), one_scene("b")], {"validation": ["z"]}, "no scene is named z — choose from a, b"),
        ([one_scene("a"), one_scene("b")], {"validation": ["a", "b"]}, "no scene is left for training"),
        ([one_scene("a"), one_scene("b")], {"validation": []}, "no scene is left for validation"),
        ([one_scene("a")], {"classes": ("only",)}, "classes 'only'"),
        ([one_scene("a")], {"classes": ("same", "same")}, "classes 'same', 'same'"),
    ],
)
def test_scenes_that_form_no_dataset_are_refused_with_the_reason(scenes, options, message):
    with pytest.raises(InputError, match=message) as caught:
        make_dataset("d", scenes, **{"classes": ("background", "object"), **options})
    assert caught.value.where
    assert caught.value.remedy


def test_a_side_without_foreground_is_noted():
    scenes = [one_scene("a"), one_scene("b", label=np.zeros((16, 16), np.uint8))]
    notes = make_dataset("d", scenes, ("background", "object")).notes
    assert len(notes) == 1
    assert "No foreground in the" in notes[0].text


def with_specks(large, small):
    """Objects of 16 pixels, and others of 2."""
    label = np.zeros((64, 64), dtype=np.uint8)
    for number in range(large):
        row, column = divmod(number, 8)
        label[8 * row : 8 * row + 4, 8 * column : 8 * column + 4] = 1
    for number in range(small):
        label[62, 6 * number : 6 * number + 2] = 2
    return label


@pytest.mark.parametrize(
    ("chosen", "minimum", "said"),
    [
        (None, 8, "1 of 41 objects of the label are smaller than 8 pixels (speck: 1): they count as neither"),
        (1, 1, None),
        (2, 2, None),
        (17, 17, "41 of 41 objects of the label are smaller than 17 pixels (object: 40, speck: 1):"),
    ],
)
def test_the_minimum_area_is_recorded_and_what_falls_below_is_noted(chosen, minimum, said):
    scenes = [one_scene("a", label=with_specks(20, 1)), one_scene("b", label=with_specks(20, 0))]
    dataset = make_dataset("d", scenes, ("background", "object", "speck"), minimum_area=chosen)
    assert dataset.minimum_area == minimum
    assert [note.code for note in dataset.notes] == ["below_minimum_area"] * (said is not None)
    assert all(note.text.startswith(said) for note in dataset.notes)


def test_the_default_minimum_area_comes_from_training_and_validation_scenes():
    scenes = [one_scene("a", label=with_specks(20, 0)), one_scene("b", label=with_specks(20, 3))]
    for validation in ("a", "b"):
        dataset = make_dataset("d", scenes, ("background", "object", "speck"), [validation])
        assert (dataset.minimum_area, dataset.notes[1:]) == (2, ())  # 3 of 43 are more than 5 %


@pytest.mark.parametrize("wrap", [lambda files: files, lambda files: {"all.zip": zipped(files)}], ids=["files", "zip"])
def test_an_upload_becomes_a_dataset(wrap):
    result = dataset_from_files(wrap(upload()))
    assert result.problem is None
    assert result.dataset is not None
    assert all(row.used for row in result.table)
    assert len(result.table) == len(result.dataset.scenes) == 4


def test_images_and_masks_may_be_uploaded_separately():
    images = upload()
    masks = {name: images.pop(name) for name in list(images) if "mask" in name}
    result = dataset_from_files({"i.zip": zipped(images)}, {"m.zip": zipped(masks)})
    assert result.dataset is not None
    assert sorted(scene.name for scene in result.dataset.scenes) == sorted(images)
    assert sorted(row.mask for row in result.table if row.used) == sorted(masks)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"b__png": b"garbage"}, "b.png: not a PNG, JPEG or TIFF file"),
        ({"b__png": upload()["b.png"][:-60]}, "b.png: unreadable or truncated"),
        ({"b_mask__png": upload()["b_mask.png"][:50]}, "b_mask.png: unreadable or truncated"),
        ({"b_mask__png": png(objects(8) * 255)}, "b.png: the mask is 8×8 pixels, its image 16×16"),
        ({"b_mask__png": None, "b_mask__tif": tiff(photo(16, 16, 2))}, "b_mask.tif: 2 bands of uint8: not a mask"),
        ({"b_mask__png": None}, "no mask has a matching name"),
        ({"b__png": None, "b__tif": tiff(np.full((3, 16, 16), np.nan, "float32"))}, "b.tif: no valid pixel"),
        ({"b_gt__png": png(objects())}, "ambiguous"),
    ],
)
def test_one_bad_file_does_not_lose_the_good_ones(changed, reason):
    result = dataset_from_files(upload(**changed))
    assert result.problem is None
    assert result.dataset is not None
    assert len(result.dataset.scenes) == 3
    assert any(re.match(reason, row.reason) for row in result.table if not row.used)


@pytest.mark.parametrize("classes", [None, ("background", "car")])
def test_a_value_without_a_class_refuses_its_scene_only(classes):
    result = dataset_from_files(upload(b_mask__png=png(objects(value=7))), classes=classes)
    assert result.dataset is not None
    assert len(result.dataset.scenes) == 3
    assert [row.image for row in result.table if not row.used] == ["b.png"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.png": upload()["a.png"], "a_mask.png": png(objects() * 0)}, "no foreground at all"),
        ({"a.png": upload()["a.png"]}, "no scenes"),
        (upload(b__png=png(photo(16, 16, 1)[0])), "b.png: 1 bands, but a.png has 3"),
    ],
)
def test_an_upload_without_a_dataset_has_a_table_and_the_problem(files, message):
    result = dataset_from_files(files)
    assert result.dataset is None
    assert message in str(result.problem)
    assert result.table


def test_an_upload_beyond_the_limits_is_refused_as_a_whole():
    with pytest.raises(InputError, match="files, at most 5"):
        dataset_from_files(upload(), limits=Settings(max_files=5))


def test_folders_become_a_dataset(tmp_path):
    for name, data in upload(e__png=upload()["a.png"]).items():
        folder = tmp_path / ("masks" if "mask" in name else "images")
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    dataset = dataset_from_folders(tmp_path / "images", tmp_path / "masks", ["b"])
    assert [scene.name for scene in dataset.validation] == ["b.png"]
    assert dataset.classes == ("background", "object")
    assert [note.text for note in dataset.notes] == ["Not used: e.png: no mask has a matching name."]
    (tmp_path / "images" / "a.png").write_bytes(b"garbage")
    with pytest.raises(InputError, match=r"a\.png: not a PNG"):
        dataset_from_folders(tmp_path / "images", tmp_path / "masks")
    (tmp_path / "empty").mkdir()
    for folder, message in (("none", "no such folder"), ("empty", "contains no")):
        with pytest.raises(InputError, match=message):
            dataset_from_folders(tmp_path / folder, tmp_path / "masks")


@pytest.mark.parametrize(
    ("folder", "bands", "share", "objects_each"),
    [("ships", 5, 0.002, 15), ("nuclei", 3, 0.14, 37), ("trees", 4, 0.04, 66)],
)
def test_real_folders(shared_data, folder, bands, share, objects_each):
    dataset = dataset_from_folders(shared_data / folder / "images", shared_data / folder / "masks")
    assert len(dataset.bands) == bands
    assert dataset.notes == ()
    _, foreground = class_balance(dataset.scenes, dataset.classes)
    assert foreground.share == pytest.approx(share, rel=0.1)
    assert foreground.objects / len(dataset.scenes) == pytest.approx(objects_each, abs=1)


def test_real_buildings_are_one_scene_split_into_blocks(shared_data):
    folder = shared_data / "buildings"
    image = {"image.tif": (folder / "image.tif").read_bytes()}
    result = dataset_from_files(image, {"image.geojson": (folder / "buildings.geojson").read_bytes()})
    assert result.dataset is not None
    assert "Only one scene" in result.dataset.notes[0].text
    for side in (result.dataset.training, result.dataset.validation):
        assert class_balance(side, result.dataset.classes)[1].objects >= 5
    result = dataset_from_files(image, {"image.geojson": (folder / "buildings_custom_proj.geojson").read_bytes()})
    assert "are not degrees" in result.table[0].reason
