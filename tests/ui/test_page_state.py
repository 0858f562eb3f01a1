"""The state of each page goes to the address and back, and names what the page's widgets really keep there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from explorer.lessons.model import Lesson
from explorer.lessons.reading import lessons
from explorer.ui.frame import PAGES
from explorer.ui.home_pictures import FOUND
from explorer.ui.page_state import STATES, LandscapeState, PageState, TradeoffsState, TrainState, address_of

ROOT = Path(__file__).resolve().parents[2]
SHOWN: list[PageState] = [
    TrainState(run="car_park-ce", class_="car"),
    TrainState(dataset="builtin:town", preset="focal", plan="0123456789abcdef", training_steps=300),
    TradeoffsState(runs="a,b", threshold=0.3, scope="pixel", match="iou:0.1", min_area=4, split=False, miss_cost=5),
    LandscapeState(
        run="car_park-recipe", fields_=("Jaccard distance", "F1, car & more"), logarithmic=False, point="0.25,-1",
        camera="1.25,1.25,1.25,0,0,0,0,0,1",
    ),
]  # fmt: skip


@pytest.mark.parametrize("state", SHOWN, ids=lambda state: state.title)
def test_a_state_comes_back_from_its_address(state: PageState) -> None:
    query = address_of(state, "page").partition("?")[2]
    assert type(state).read(parse_qs(query)) == (state, {})


def test_defaults_are_left_out() -> None:
    for state in STATES.values():
        assert state().parameters() == {}
        assert address_of(state(), "page") == "page"


def test_what_cannot_be_read_is_named_and_the_rest_is_kept() -> None:
    given = {"runs": ["a"], "threshold": ["7"], "min-area": ["9"]}
    state, problems = TradeoffsState.read(given)
    assert state == TradeoffsState(runs="a", min_area=9)
    assert set(problems) == {"threshold"}
    assert "0.98" in problems["threshold"]


def test_other_parameters_are_nobodys_business() -> None:
    assert TradeoffsState.read({"utm_source": ["x"], "lang": ["de"], "threshold": [""]}) == (TradeoffsState(), {})


def test_every_state_is_that_of_a_page() -> None:
    assert set(STATES) <= set(PAGES)


def test_every_field_of_a_widget_is_the_key_of_one_that_keeps_its_value_in_the_address() -> None:
    source = "".join(
        file.read_text("utf-8") for folder in ("pages", "explorer/ui") for file in (ROOT / folder).glob("*.py")
    )
    for title, state in STATES.items():
        for each in state.names():
            if each.widget and not re.match(r"plane-|through-\d", each.name):  # their keys follow the kind of plane
                assert f'"{each.name}"' in source, f"{title}: no widget has the key {each.name}"


def test_every_widget_that_keeps_its_value_in_the_address_is_a_field() -> None:
    known = {each.name for state in STATES.values() for each in state.names()} | {"wall-scope"}  # of the teacher's page
    for file in [*(ROOT / "pages").glob("*.py"), *(ROOT / "explorer" / "ui").glob("*.py")]:
        for call in re.findall(r'key="([\w-]+)"(?:(?!key=)[^)]){0,400}?bind="query-params"', file.read_text("utf-8")):
            assert call in known, f"{file.name}: {call} is no field of a page's state"


@pytest.mark.parametrize("language", ["en", "de"])
def test_links_of_lessons_and_of_home_name_what_their_pages_know(language: str) -> None:
    titles = {Path(file).stem: title for title, (file, _) in PAGES.items()}
    read = [lesson for lesson in lessons(language) if isinstance(lesson, Lesson)]
    links = [(link.page, link.query) for lesson in read for step in lesson.steps for link in step.links]
    links += [(Path(found.page).stem, found.parameters) for found in FOUND]
    assert len(links) > 10
    for page, query in links:
        state = STATES[titles[page]]
        given = {name: value if isinstance(value, list) else [str(value)] for name, value in query.items()}
        known = {each.name for each in state.names()}
        assert set(given) - {"lang"} <= known, f"{page}: {given}"
        assert state.read(given)[1] == {}, f"{page}: {given}"
