"""Which files of a set are labels."""

from collections import Counter

import numpy as np

from explorer.imagery.datasets import read_files
from explorer.imagery.reading import label_files
from explorer.imagery.reading.labels import format_of
from tests.imagery.encoders import png
from tests.imagery.reading.annotations.one_scene import HEIGHT, WIDTH, coco_polygons, labelme_polygons

PHOTO = png(np.arange(HEIGHT * WIDTH * 3, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3))


def test_each_file_is_recognised_once_however_many_images_it_labels(monkeypatch):
    asked: Counter[str] = Counter()

    def counted(data, name):
        asked[name] += 1
        return format_of(data, name)

    monkeypatch.setattr(label_files, "format_of", counted)
    annotations = coco_polygons().replace(b'"images": [', b'"images": [{"id": 8, "file_name": "quay.png"}, ')
    files = {"images/port.png": PHOTO, "images/quay.png": PHOTO, "all.json": annotations}
    read = read_files({**files, "images/bay.png": PHOTO, "images/bay.json": labelme_polygons()})
    assert [row.reason for row in read.rows] == ["", "", ""]
    assert asked == {"all.json": 1, "images/bay.json": 1}
