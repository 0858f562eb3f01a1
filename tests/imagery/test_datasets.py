import re

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.balance import class_balance
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.datasets import label_scenes, read_dataset, read_files
from explorer.imagery.reading.upload import files_in
from explorer.settings import Settings
from tests.imagery.encoders import photo, png, tiff, zipped

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


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


@pytest.mark.parametrize("wrap", [lambda files: files, lambda files: {"all.zip": zipped(files)}], ids=["files", "zip"])
def test_an_upload_becomes_a_dataset(wrap):
    result = read_dataset(wrap(upload()))
    assert result.problem is None
    assert result.dataset is not None
    assert all(report.scene is not None for report in result.reports)
    assert len(result.reports) == len(result.dataset.scenes) == 4


def test_images_and_masks_may_be_uploaded_separately():
    images = upload()
    masks = {name: images.pop(name) for name in list(images) if "mask" in name}
    result = read_dataset({"i.zip": zipped(images)}, {"m.zip": zipped(masks)})
    assert result.dataset is not None
    assert sorted(scene.name for scene in result.dataset.scenes) == ["a", "b", "c", "d"]
    assert sorted(report.row.pair.mask for report in result.reports) == sorted(masks)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"b__png": b"garbage"}, "b.png: not a PNG, JPEG or TIFF file"),
        ({"b__png": upload()["b.png"][:-60]}, "b.png: unreadable or truncated"),
        ({"b_mask__png": upload()["b_mask.png"][:50]}, "b_mask.png: unreadable or truncated"),
        ({"b_mask__png": png(objects(16)[:10] * 255)}, ".*the mask is 16×10 pixels, its image 16×16"),
        ({"b_mask__png": None, "b_mask__tif": tiff(photo(16, 16, 2))}, "b_mask.tif: 2 bands of uint8: not a mask"),
        ({"b_mask__png": None}, "no mask has a matching name"),
        ({"b__png": None, "b__tif": tiff(np.full((3, 16, 16), np.nan, "float32"))}, "b.tif: no valid pixel"),
        ({"b_gt__png": png(objects())}, "ambiguous"),
        ({"b__png": png(photo(16, 16, 1)[0])}, "b.png: 1 band, most images have 3"),
    ],
)
def test_one_bad_file_does_not_lose_the_good_ones(changed, reason):
    result = read_dataset(upload(**changed))
    assert result.problem is None
    assert result.dataset is not None
    assert len(result.dataset.scenes) == 3
    assert any(re.match(reason, report.reason) for report in result.reports)


@pytest.mark.parametrize("classes", [None, ("background", "car")])
def test_a_value_without_a_class_refuses_its_scene_only(classes):
    result = read_dataset(upload(b_mask__png=png(objects(value=7))), classes=classes)
    assert result.dataset is not None
    assert len(result.dataset.scenes) == 3
    assert [report.row.name for report in result.reports if report.reason] == ["b"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.png": upload()["a.png"], "a_mask.png": png(objects() * 0)}, "no foreground at all"),
        ({"a.png": upload()["a.png"]}, "no image could be used with a label: no masks were found"),
    ],
)
def test_an_upload_without_a_dataset_has_a_table_and_the_problem(files, message):
    result = read_dataset(files)
    assert result.dataset is None
    assert message in str(result.problem)
    assert result.reports


def test_an_upload_beyond_the_limits_is_refused_as_a_whole():
    with pytest.raises(InputError, match="files, at most 5"):
        read_dataset(upload(), limits=Settings(max_files=5))


def folders(images, masks):
    return read_dataset(files_in(images), files_in(masks)).required()


def test_folders_become_a_dataset(tmp_path):
    for name, data in upload(e__png=upload()["a.png"]).items():
        folder = tmp_path / ("masks" if "mask" in name else "images")
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    reading = read_dataset(files_in(tmp_path / "images"), files_in(tmp_path / "masks"), validation=["b"])
    dataset = reading.required()
    assert [scene.name for scene in dataset.validation] == ["b"]
    assert dataset.classes == ("background", "object")
    assert [note.code for note in dataset.notes] == ["not_used"]
    assert dataset.notes[0].text.startswith("Not used: e: no mask has a matching name")


@pytest.mark.parametrize(
    ("folder", "bands", "share", "objects_each"),
    [("ships", 5, 0.002, 15), ("nuclei", 3, 0.14, 37), ("trees", 4, 0.04, 66)],
)
def test_real_folders(shared_data, folder, bands, share, objects_each):
    dataset = folders(shared_data / folder / "images", shared_data / folder / "masks")
    assert len(dataset.bands) == bands
    assert {note.code for note in dataset.notes} <= {"brightness_differs", "match_rule"}
    _, foreground = class_balance(dataset.scenes, dataset.classes)
    assert foreground.share == pytest.approx(share, rel=0.1)
    assert foreground.objects / len(dataset.scenes) == pytest.approx(objects_each, abs=1)


def test_real_buildings_are_one_scene_split_into_blocks(shared_data):
    folder = shared_data / "buildings"
    image = {"image.tif": (folder / "image.tif").read_bytes()}
    result = read_dataset(image, {"image.geojson": (folder / "buildings.geojson").read_bytes()})
    assert result.dataset is not None
    assert "Only one scene" in result.dataset.notes[0].text
    for side in (result.dataset.training, result.dataset.validation):
        assert class_balance(side, result.dataset.classes)[1].objects >= 5
    result = read_dataset(image, {"image.geojson": (folder / "buildings_custom_proj.geojson").read_bytes()})
    assert "are not degrees" in result.reports[0].reason


def test_choices_change_the_labels_without_reading_again():
    read = read_files(upload())
    swapped = label_scenes(read, "d", ReadingChoices(swap=True)).required()
    plain = label_scenes(read, "d").required()
    for scene, other in zip(swapped.scenes, plain.scenes, strict=True):
        np.testing.assert_array_equal(scene.label, 1 - other.label)
    assert swapped.choices.swap


def test_an_area_of_interest_ignores_what_is_outside():
    choices = ReadingChoices(areas={"a": (((0, 0), (8, 16)),)})
    scenes = {scene.name: scene for scene in read_dataset(upload(), choices=choices).required().scenes}
    assert (scenes["a"].label[:, 8:] == 255).all()
    assert not (scenes["a"].label[:, :8] == 255).any()
    assert [note.code for note in scenes["a"].notes] == ["area_of_interest"]
    assert not (scenes["b"].label == 255).any()


def test_a_scene_can_be_left_out():
    reading = read_dataset(upload(), choices=ReadingChoices(leave_out=("b",)))
    assert sorted(scene.name for scene in reading.required().scenes) == ["a", "c", "d"]
    assert [report.reason for report in reading.reports if report.row.name == "b"] == ["left out by choice"]


def test_a_pair_can_be_made_by_hand():
    files = upload(b_mask__png=None, other__png=png(objects() * 255))
    assert any(report.reason for report in read_dataset(files).reports)
    reading = read_dataset(files, choices=ReadingChoices(pairs={"b.png": "other.png"}))
    assert not any(report.reason for report in reading.reports)
    assert reading.required().choices.pairs == {"b.png": "other.png"}


def test_scenes_of_a_folder_for_validation_validate():
    files = {
        f"{side}/{'masks' if 'mask' in name else 'images'}/{name.replace('_mask', '')}": data
        for side in ("train", "val")
        for name, data in upload().items()
    }
    dataset = read_dataset(files).required()
    assert sorted(scene.name for scene in dataset.validation) == [f"val/images/{letter}" for letter in "abcd"]
    assert "split_by_folder" in {note.code for note in dataset.notes}


def test_each_scene_can_be_stretched_by_itself():
    dark = png(np.ascontiguousarray(photo(16, 16).transpose(1, 2, 0) // 10))
    reading = read_dataset(upload(b__png=dark), choices=ReadingChoices(stretch="scene"))
    assert {scene.image.dtype for scene in reading.required().scenes} == {np.dtype("uint16")}
    assert all("stretch_per_scene" in {note.code for note in scene.notes} for scene in reading.required().scenes)
    medians = [np.median(scene.image) for scene in reading.required().scenes]
    assert max(medians) < 1.5 * min(medians)


def test_scenes_of_other_brightness_are_noted():
    dark = png(np.ascontiguousarray(photo(16, 16).transpose(1, 2, 0) // 10))
    assert "brightness_differs" in {note.code for note in read_dataset(upload(b__png=dark)).notes}
    assert read_dataset(upload()).notes == ()


def test_many_files_that_take_no_part_have_one_note_beyond_the_first_few():
    photo = png(np.arange(64 * 3, dtype=np.uint8).reshape(8, 8, 3))
    mask = png(np.eye(8, dtype=np.uint8))
    folders = {"images": photo, "masks": mask, "instances": mask}
    reading = read_dataset({f"{folder}/{i}.png": data for folder, data in folders.items() for i in range(6)})
    texts = [note.text for note in reading.notes if note.code == "not_used"]
    assert [text[:28] for text in texts] == [*(f"Not used: instances/{i}.png: t" for i in range(3)),
                                             "Not used: 3 more files, such"]  # fmt: skip


def test_a_background_that_is_nodata_without_saying_so_is_the_background():
    masks = {f"{letter}_mask__png": None for letter in "abcd"}
    masks |= {f"{letter}_mask__tif": tiff(np.where(objects() > 0, 1, -9999)[None].astype("int16")) for letter in "abcd"}
    reading = read_dataset(upload(**masks))
    assert {"fill_value", "nodata_as_background"} <= {note.code for report in reading.reports for note in report.notes}
    for scene in reading.required().scenes:
        np.testing.assert_array_equal(scene.label, objects())
