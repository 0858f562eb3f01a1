import mmap
import os
import pickle
from dataclasses import replace

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.archive import content_hash, load_dataset, save_dataset
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.notes import Note
from explorer.imagery.scene import Dataset, GeoReference, Scene, Stretch


def a_scene(name, seed=0, dtype="uint16", georeference=None):
    rng = np.random.default_rng(seed)
    image, label = rng.integers(0, 200, (2, 9, 7)).astype(dtype), rng.integers(0, 2, (9, 7)).astype(np.uint8)
    return Scene(name, image, label, ("red", "near infrared"), georeference)


PLACE = (1.0, 0.0, 5.0, 0.0, -1.0, 6.0)
DATASET = Dataset(
    "ports",
    ("background", "ship"),
    ("red", "near infrared"),
    (a_scene("a.tif", 1, georeference=GeoReference("EPSG:32616", PLACE)), a_scene("é ☃", 2)),
    (a_scene("../b", 3, "float32", GeoReference(None, PLACE)),),
    Stretch((0.1, 0.2), (0.3, 1 / 3)),
    (Note("single_scene", "a note"),),
    ReadingChoices(background="2", names={"1": "ship"}),
    minimum_area=5,
)
OBJECTS = np.arange(63, dtype=np.int32).reshape(9, 7)


def test_a_mapped_dataset_is_the_same_and_stays_on_the_disk(tmp_path):
    path = tmp_path / "dataset.npz"
    dataset = replace(DATASET, training=(replace(DATASET.training[0], objects=OBJECTS), DATASET.training[1]))
    save_dataset(dataset, path)
    mapped = load_dataset(path, mapped=True)
    assert content_hash(mapped) == content_hash(dataset)
    image = mapped.scenes[0].image
    assert isinstance(image.base, mmap.mmap)
    assert not image.flags.writeable
    path.unlink()  # as when an upload is discarded that a page still shows
    np.testing.assert_array_equal(mapped.scenes[2].image, dataset.scenes[2].image)


@pytest.mark.parametrize("spoil", [lambda data: data[:-40], lambda data: b"no zip", lambda data: b""])
def test_a_broken_file_cannot_be_mapped(tmp_path, spoil):
    path = tmp_path / "dataset.npz"
    save_dataset(DATASET, path)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(InputError, match="broken"):
        load_dataset(path, mapped=True)


def test_a_saved_dataset_is_loaded_unchanged(tmp_path):
    path = tmp_path / "new" / "dataset.npz"
    save_dataset(DATASET, path)
    loaded = load_dataset(path)
    assert content_hash(loaded) == content_hash(DATASET)
    assert (loaded.notes, loaded.choices, loaded.minimum_area) == (DATASET.notes, DATASET.choices, 5)
    assert loaded.stretch == DATASET.stretch
    for scene, original in zip(loaded.scenes, DATASET.scenes, strict=True):
        assert (scene.name, scene.bands, scene.georeference) == (
            original.name,
            original.bands,
            original.georeference,
        )
        assert scene.image.dtype == original.image.dtype
        np.testing.assert_array_equal(scene.image, original.image)
        np.testing.assert_array_equal(scene.label, original.label)
    assert [entry.name for entry in path.parent.iterdir()] == ["dataset.npz"], "nothing else is left behind"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "harbours"},
        {"classes": ("background", "boat")},
        {"stretch": Stretch((0.1, 0.2), (0.3, 0.33))},
        {"training": DATASET.training[::-1]},
        {"training": (DATASET.training[0],), "validation": (DATASET.training[1], *DATASET.validation)},
        {"minimum_area": 6},
        {"validation": (replace(DATASET.validation[0], objects=OBJECTS),)},
        {"validation": (replace(DATASET.validation[0], valid=OBJECTS > 20),)},
        {"validation": (replace(DATASET.validation[0], label=1 - DATASET.validation[0].label),)},
        {"validation": (replace(DATASET.validation[0], image=DATASET.validation[0].image.astype("float64")),)},
    ],
)
def test_the_content_hash_changes_with_the_content(change):
    assert content_hash(replace(DATASET, **change)) != content_hash(DATASET)


def test_objects_and_notes_of_a_scene_are_kept(tmp_path):
    noted = replace(DATASET.training[0], objects=OBJECTS, notes=(Note("mask_turned", "a note"),))
    save_dataset(replace(DATASET, training=(noted,)), tmp_path / "dataset.npz")
    loaded = load_dataset(tmp_path / "dataset.npz").training[0]
    np.testing.assert_array_equal(loaded.objects, OBJECTS)
    assert loaded.notes == noted.notes


def test_where_an_image_has_no_data_is_kept(tmp_path):
    bordered = replace(DATASET.training[0], valid=OBJECTS > 20)
    save_dataset(replace(DATASET, training=(bordered, DATASET.training[1])), tmp_path / "dataset.npz")
    for mapped in (False, True):
        loaded = load_dataset(tmp_path / "dataset.npz", mapped)
        np.testing.assert_array_equal(loaded.training[0].valid, bordered.valid)
        assert [scene.valid for scene in loaded.scenes[1:]] == [None, None]


def test_the_content_hash_does_not_depend_on_notes_or_memory_layout():
    turned = tuple(replace(scene, image=np.asfortranarray(scene.image)) for scene in DATASET.training)
    assert content_hash(replace(DATASET, training=turned, notes=())) == content_hash(DATASET)


class Exploit:
    def __reduce__(self):
        return os.mkdir, ("exploited",)


def test_a_pickle_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("evil.npz", header=np.array([Exploit()], dtype=object))
    (tmp_path / "bare.npz").write_bytes(pickle.dumps(Exploit()))
    for name in ("evil.npz", "bare.npz"):
        with pytest.raises(InputError, match="broken"):
            load_dataset(tmp_path / name)
    assert not (tmp_path / "exploited").exists()


def test_files_that_are_not_datasets_are_input_errors(tmp_path):
    path = tmp_path / "dataset.npz"
    with pytest.raises(InputError, match="no such dataset"):
        load_dataset(path)
    save_dataset(DATASET, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="broken"):
        load_dataset(path)
    np.savez(path, header=np.frombuffer(b"{}", dtype=np.uint8))
    with pytest.raises(InputError, match="not a dataset"):
        load_dataset(path)
