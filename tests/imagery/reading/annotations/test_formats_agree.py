import sys

import numpy as np
import pytest

from explorer.imagery.reading.labels import LABEL_FORMATS, UNSUPPORTED, format_of
from tests.imagery.reading.annotations import one_scene

FORMATS = {
    # data, name of the file, format
    "COCO polygons": (one_scene.coco_polygons(), "instances.json", "COCO JSON"),
    "COCO run lengths": (one_scene.coco_runs(), "instances.json", "COCO JSON"),
    "COCO compressed": (one_scene.coco_compressed(), "instances.json", "COCO JSON"),
    "labelme polygons": (one_scene.labelme_polygons(), "port.json", "labelme JSON"),
    "labelme masks": (one_scene.labelme_masks(), "port.json", "labelme JSON"),
    "YOLO": (one_scene.yolo_polygons(), "port.txt", "YOLO segmentation"),
    "CVAT polygons": (one_scene.cvat_polygons(), "annotations.xml", "CVAT for images 1.1"),
    "CVAT masks": (one_scene.cvat_masks(), "annotations.xml", "CVAT for images 1.1"),
    "Label Studio polygons": (one_scene.label_studio_polygons(), "project.json", "Label Studio JSON"),
    "Label Studio brush": (one_scene.label_studio_brush(), "project.json", "Label Studio JSON"),
    "Label Studio JSON-MIN": (one_scene.label_studio_minimal(), "project.json", "Label Studio JSON"),
    "Cityscapes": (one_scene.cityscapes(), "port_gtFine_polygons.json", "Cityscapes JSON"),
}
case = pytest.mark.parametrize(("data", "name", "format_name"), FORMATS.values(), ids=FORMATS)


@case
def test_every_format_of_one_scene_gives_the_same_label_and_objects(data, name, format_name):
    names = {"data.yaml": b"names: [ship, quay]\n"}
    mask = format_of(data, name).read(data, name, one_scene.request(companions=names))
    np.testing.assert_array_equal(np.array(mask.keys)[mask.index], one_scene.NAMES)
    np.testing.assert_array_equal(mask.objects, one_scene.IDS)
    assert mask.keys == ("background", "ship", "quay")
    assert not mask.ignored.any()
    assert mask.notes == ()


def test_every_annotation_format_is_tried_and_shows_an_example():
    elsewhere = {"Raster mask", "GeoJSON", "GeoPackage", "FlatGeobuf", "Shapefile", "KML"}  # have tests of their own
    here = [each for each in LABEL_FORMATS if each.name not in elsewhere]
    assert {each.name for each in here} == {format_name for _, _, format_name in FORMATS.values()}
    assert not [each.name for each in here if "Example" not in sys.modules[each.read.__module__].__doc__]


@case
def test_one_format_recognises_a_file_and_none_that_is_not_read(data, name, format_name):
    found = [each.name for each in LABEL_FORMATS if each.name != "GeoJSON" and each.recognise(data, name)]
    assert found == [format_name]
    assert not [each.name for each in UNSUPPORTED if each.recognise(data, name)]


@case
def test_a_format_names_the_image_that_it_labels(data, name, format_name):
    expected = {"YOLO segmentation": None, "Cityscapes JSON": ("port_leftImg8bit.png",)}
    images = format_of(data, name).images
    assert (images and tuple(images(data, name))) == expected.get(format_name, ("port.png",))
