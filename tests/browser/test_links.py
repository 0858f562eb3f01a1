"""Links to what a page shows, opened in a fresh browser; undo and redo; the picture alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE, settled

RECIPE = "car_park-recipe"
ALL = "car_park-recipe,car_park-ce,car_park-jaccard"
_FIGURES = """() => [...document.querySelectorAll('.live-figure')].map((graph) => ({
  data: (graph.data ?? []).map((trace) => [trace.name ?? '', trace.type ?? '', trace.x, trace.y, trace.z]),
  camera: ['eye', 'center', 'up'].map((part) =>
    Object.values(graph._fullLayout?.scene?.camera?.[part] ?? {}).map((number) => +number.toFixed(2))),
}))"""


def press(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name)).first.click()


def move(page: Page, slider: str, key: str = "ArrowLeft") -> None:
    handle = page.get_by_role("slider", name=slider).first
    handle.focus()
    page.keyboard.press(key)


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).first.click()
    page.get_by_role("option", name=option, exact=True).click()


Change = Callable[[Page], None]
VIEWS: dict[str, tuple[str, Change]] = {
    "a threshold": (f"tradeoffs?runs={ALL}", lambda page: move(page, "Threshold: a pixel")),
    "pixels instead of objects": (f"tradeoffs?runs={ALL}", lambda page: press(page, "pixel")),
    "the cost of a miss": (f"tradeoffs?runs={RECIPE}", lambda page: move(page, "Cost of a miss")),
    "surfaces with their camera": (f"landscape?run={RECIPE}", lambda page: press(page, "Surfaces")),
    "lines": (f"landscape?run={RECIPE}", lambda page: press(page, "Lines")),
    "another plane": (f"landscape?run={RECIPE}", lambda page: choose(page, "Plane", "Gradients of two losses")),
    "a finished run of another dataset": ("train?run=town-recipe", lambda page: choose(page, "Class", "building")),
    "recall and precision of runs": (f"compare?runs={ALL}", lambda page: press(page, "Recall and precision")),
    "curves over seconds": (f"compare?runs={ALL}", lambda page: press(page, "seconds")),
    "losses in the lab": ("loss_lab", lambda page: move(page, "Foreground share")),
}


def shown(page: Page) -> list[Any]:
    """What the figures of the page hold, once all are drawn and nothing changes any more."""
    before: list[Any] = []
    for _ in range(20):
        settled(page)
        page.wait_for_function(
            "() => [...document.querySelectorAll('.live-figure')].every((graph) => graph.querySelector('.main-svg'))",
            timeout=PATIENCE,
        )
        page.wait_for_timeout(500)
        now = json.loads(json.dumps(page.evaluate(_FIGURES)))
        if now and now == before:
            return list(now)
        before = now
    raise AssertionError("the figures do not come to rest")


def copied(page: Page) -> str:
    button = page.locator(".copy-link")
    button.click()
    link = button.get_attribute("data-link")
    assert link is not None
    return link


@pytest.mark.parametrize("view", VIEWS)
def test_a_copied_link_shows_the_same_in_a_fresh_browser(view: str, page: Page, browser: Browser, address: str) -> None:
    path, change = VIEWS[view]
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.goto(f"{address}/{path}")
    before = shown(page)
    was = page.url
    change(page)
    page.wait_for_function("was => window.location.href !== was", arg=was)
    here = shown(page)
    link = copied(page)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        other = context.new_page()
        other.set_default_timeout(PATIENCE)
        other.goto(link)
        assert shown(other) == here, link
        assert other.locator("[data-testid=stAlert]").count() == page.locator("[data-testid=stAlert]").count()
    page.keyboard.press("Alt+z")
    page.wait_for_function("was => window.location.href === was", arg=was)
    settled(page)
    assert [each["data"] for each in shown(page)] == [each["data"] for each in before]


def test_an_edited_plan_is_in_the_link(page: Page, browser: Browser, address: str) -> None:
    page.goto(f"{address}/train?preset=focal")
    settled(page)
    cycles = page.get_by_label("Cycles", exact=True).first
    cycles.fill("3")
    cycles.press("Enter")
    page.wait_for_url("**plan=*")
    settled(page)
    with browser.new_context() as context:
        other = context.new_page()
        other.goto(page.url)
        settled(other)
        expect(other.get_by_label("Cycles", exact=True).first).to_have_value("3")
    page.go_back()
    expect(page.get_by_label("Cycles", exact=True).first).to_have_value("1")


def test_values_that_make_no_sense_are_said_and_left_out(page: Page, address: str) -> None:
    page.goto(f"{address}/tradeoffs?runs={RECIPE}&threshold=7&scope=boxes")
    settled(page)
    expect(page.get_by_text("“7” in the address is ignored")).to_be_visible()
    expect(page.get_by_text("There is no count boxes here")).to_be_visible()
    assert "threshold" not in page.url
    assert "scope" not in page.url


def test_an_embedded_page_is_its_picture_alone(page: Page, address: str) -> None:
    page.goto(f"{address}/tradeoffs?runs={RECIPE}&embed=true")
    shown(page)
    expect(page.get_by_text("At every threshold", exact=True)).to_be_visible()
    expect(page.get_by_text("Cost of a miss, in false alarms")).to_be_hidden()
    expect(page.get_by_role("link", name="Landscape")).to_be_hidden()


def test_saved_links_are_ordered_and_presented(page: Page, browser: Browser, address: str) -> None:
    for number, path in enumerate((f"tradeoffs?runs={ALL}", f"landscape?run={RECIPE}&slice-view=Surfaces"), start=1):
        page.goto(f"{address}/{path}")
        shown(page)
        page.keyboard.press("Alt+s")
        expect(page.get_by_text(f"Saved: link {number} of your list")).to_be_visible()
    page.goto(address)
    sentences = page.get_by_label("Sentence", exact=True)
    expect(sentences.nth(1)).to_have_value("Landscape")
    sentences.nth(1).fill("Two losses, the same weights")
    sentences.nth(1).press("Enter")
    settled(page)
    page.get_by_role("button", name="Move down").first.click()
    expect(sentences.first).to_have_value("Two losses, the same weights")
    page.get_by_role("button", name="Remove").last.click()
    expect(sentences).to_have_count(1)
    page.get_by_role("button", name="Put “Trade-offs” back").click()
    expect(sentences).to_have_count(2)
    page.get_by_role("link", name="Present your saved links").click()
    page.wait_for_url("**/landscape?*present=1*")
    expect(page.get_by_role("heading", name="Two losses, the same weights")).to_be_visible()
    expect(page.get_by_text("1 / 2")).to_be_visible()
    with browser.new_context() as context:
        other = context.new_page()
        other.set_default_timeout(PATIENCE)
        key = page.evaluate("() => new URL(window.location.href).searchParams.get('list')")
        other.goto(f"{address}/?present=1&list={key}")
        other.wait_for_url("**/landscape?*present=1*")
        expect(other.get_by_role("heading", name="Two losses, the same weights")).to_be_visible()
        assert shown(other) == shown(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/tradeoffs?*present=2*")
    expect(page.get_by_role("heading", name="Trade-offs")).to_be_visible()
    shown(page)
