import pytest

from explorer.errors import InputError
from explorer.imagery.reading.annotations.colour_keys import is_colour_key, read_labelmap

VOID = {(224, 224, 192): "ignore", (255, 255, 255): "ignore"}


@pytest.mark.parametrize(
    ("data", "classes"),
    [
        (
            b"# label:color_rgb:parts:actions\nbackground:0,0,0::\nship 2:128,0,0:bow,stern:sail\n",
            {(0, 0, 0): "background", (128, 0, 0): "ship 2"} | VOID,
        ),
        (b"ship:128,0,0\r\nIgnored:1,2,3::\r\n", {(128, 0, 0): "ship", (1, 2, 3): "ignore"} | VOID),
        (b"ship::parts:\nquay:1,2,3::\n", {(1, 2, 3): "quay"} | VOID),
        (b"name,r,g,b\nVoid,0,0,0\nSky,128, 128, 128\n", {(0, 0, 0): "ignore", (128, 128, 128): "Sky"} | VOID),
        (b"64 128 64\tAnimal\n192 0 128\tArchway\n", {(64, 128, 64): "Animal", (192, 0, 128): "Archway"} | VOID),
        (b"cloud:255,255,255::\n", {(255, 255, 255): "cloud", (224, 224, 192): "ignore"}),
    ],
)
def test_the_class_of_each_colour_is_read(data, classes):
    assert is_colour_key(data, "labelmap.txt")
    assert read_labelmap(data, "labelmap.txt") == classes


@pytest.mark.parametrize(
    "data", [b"", b"ship\nquay\n", b"ship::a:b\n", b"0 0.1 0.1 0.2 0.1", b"a,1,2\n", b"\x89PNG\0", b"ship:1,2,3\n?"]
)
def test_other_files_are_not_taken_for_colour_keys(data):
    assert not is_colour_key(data, "labelmap.txt")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ship:128,0,0::\nquay\n", "'quay' is not a class and its colour"),
        (b"ship:300,0,0::\n", "ship has the colour 300,0,0"),
        (b"ship:1,0,0::\nquay:1,0,0::\n", "ship and quay have one colour"),
        (b"# nothing\n", "names no colour"),
    ],
)
def test_a_broken_colour_key_is_refused(data, message):
    with pytest.raises(InputError, match=message):
        read_labelmap(data, "labelmap.txt")
