"""The list of links that is presented."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.lessons.presentation import read_slides
from explorer.ui.frame import PAGES
from explorer.ui.page_state import STATES


def test_every_link_names_what_its_page_knows() -> None:
    titles = {"" if file == "app.py" else Path(file).stem: title for title, (file, _) in PAGES.items()}
    slides = read_slides()
    assert len(slides) == 10
    for slide in slides:
        title = titles[slide.page]
        if not slide.query:
            continue
        state = STATES[title]
        assert set(slide.query) <= {each.name for each in state.names()}, slide.say
        assert state.read({name: [value] for name, value in slide.query.items()})[1] == {}, slide.say


@pytest.mark.parametrize(
    ("text", "where"),
    [("- say: x", "0"), ("- {say: '', page: train}", "say"), ("- {say: x, page: train, speed: 3}", "speed"), ("[", "")],
)
def test_a_wrong_entry_is_named(text: str, where: str, tmp_path: Path) -> None:
    file = tmp_path / "demo.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_slides(file)
    assert where in caught.value.where
    assert "demo.yaml" in caught.value.where
