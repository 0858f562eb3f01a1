"""Names of uploads: after their folder, their zip or their images, with a number where the name is taken."""

from __future__ import annotations

import pytest

from explorer.ui.uploads import name_of


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["north.tif"], "north"),
        (["scenes.zip"], "scenes"),
        (["readme.png", "scenes.zip"], "scenes"),
        (["north.png", "south.png"], "north and 1 more"),
        (["north_mask.png", "north.png"], "north"),
        (["quay/north.png", "quay/south.png"], "quay"),
        (["quay/images/north.png", "quay/masks/north.png"], "quay"),
        (["quay/images/north.png", "quay/images/south.png"], "quay"),
        (["images/north.png", "images/south.png"], "north and 1 more"),
        (["a/north.png", "b/south.png"], "north and 1 more"),
        (["C:\\quay\\north.png", "C:\\quay\\south.png"], "quay"),
        (["../../north.png"], "north"),
        (["Harbour.tif"], "Harbour (2)"),
        (["harbour/a.png", "harbour/b.png"], "harbour (2)"),
        (["  a \t b.png"], "a b"),
        (["x" * 300 + ".png"], "x" * 54),
        (["x" * 300 + ".png", "y.png", "z.png"], "x" * 43 + " and 2 more"),
        ([".png"], ".png"),
        (["\0.png"], "My imagery"),
    ],
)
def test_a_dataset_is_named_after_what_was_uploaded(names: list[str], expected: str) -> None:
    assert name_of(names, {"harbour"}) == expected
