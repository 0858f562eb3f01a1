"""A visitor's list of links: in order, nobody else's to change, and presented by whoever has its key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.lessons.presentation import saved_slides
from explorer.runs.saved_links import LONGEST_QUERY, LONGEST_SENTENCE, MOST_LINKS
from explorer.runs.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def said(store: Store, visitor_id: str = "a") -> list[str]:
    return [link.say for link in store.saved_links.of(visitor_id)]


def test_links_are_kept_in_order_and_moved(store: Store, tmp_path: Path) -> None:
    links = store.saved_links
    first, second, third = (links.add("a", "train", f"run={each}", each) for each in ("one", "two", "three"))
    links.exchange("a", first, second)
    links.change("a", replace(third, say="  the\nthird ", whole=True))
    store.close()
    again = Store(tmp_path).saved_links.of("a")
    assert [(link.say, link.query, link.whole) for link in again] == [
        ("two", "run=two", False),
        ("one", "run=one", False),
        ("the third", "run=three", True),
    ]


def test_a_removed_link_is_put_back_where_it_was(store: Store) -> None:
    first, last = (store.saved_links.add("a", "train", "", each) for each in ("one", "two"))
    store.saved_links.remove("a", last)
    store.saved_links.add("a", "train", "", "three")
    store.saved_links.remove("a", first)
    assert said(store) == ["three"]
    store.saved_links.put_back("a", first)
    assert said(store) == ["one", "three"]


def test_nobody_else_changes_a_list(store: Store) -> None:
    links = store.saved_links
    link, other = links.add("a", "train", "", "one"), links.add("a", "train", "", "two")
    links.change("b", replace(link, say="changed"))
    links.exchange("b", link, other)
    links.remove("b", link)
    assert said(store) == ["one", "two"]
    assert said(store, "b") == []


def test_whoever_has_the_key_can_present_the_list(store: Store) -> None:
    links = store.saved_links
    links.add("a", "landscape", "run=r&plane-layers=enc&plane-layers=dec&camera=1%2C2", "Why, in one picture")
    key = links.key("a")
    assert links.key("a") == key != links.key("b")
    (slide,) = saved_slides(links.of_key(key))
    assert (slide.say, slide.page, slide.whole) == ("Why, in one picture", "landscape", False)
    assert slide.address == "landscape?run=r&plane-layers=enc&plane-layers=dec&camera=1%2C2"
    assert links.of_key("unknown") == links.of_key(links.key("b")) == ()


def test_what_a_list_cannot_hold_is_said(store: Store) -> None:
    links = store.saved_links
    link = links.add("a", "train", "", "x" * 2 * LONGEST_SENTENCE)
    assert len(link.say) == LONGEST_SENTENCE
    with pytest.raises(InputError, match="it is empty"):
        links.change("a", replace(link, say=" \n"))
    with pytest.raises(InputError, match="can be kept"):
        links.add("a", "train", "x" * (LONGEST_QUERY + 1), "long")
    for _ in range(MOST_LINKS - 1):
        links.add("a", "train", "", "more")
    with pytest.raises(InputError, match="the most that a list holds"):
        links.add("a", "train", "", "one too many")
    assert len(said(store)) == MOST_LINKS
