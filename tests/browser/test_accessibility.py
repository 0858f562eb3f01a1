"""Every page, light and dark: no serious fault for axe-core, room for all in narrow windows, and focus that is seen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from explorer.ui.frame import PAGES
from tests.browser.conftest import PATIENCE, running_server, settled

RUN = "car_park-recipe"
TOKEN = "a-token-for-this-test"
VIEWS = {
    "Home": "",
    "Learn": "learn",
    "Learn: a lesson": "learn?lesson=rare-class&step=2",
    "Imagery": "imagery",
    "Loss lab": "loss_lab",
    "Loss lab: one object or fifty pixels": "loss_lab?view=One+object+or+fifty+pixels",
    "Loss lab: 99 % background": "loss_lab?view=99+%25+background",
    "Loss lab: on imagery": f"loss_lab?view=On+imagery&run={RUN}",
    "Train": "train",
    "Train: a finished run": f"train?run={RUN}",
    "Compare": f"compare?runs={RUN},car_park-ce",
    "Trade-offs": f"tradeoffs?runs={RUN},car_park-ce",
    "Landscape": f"landscape?run={RUN}",
    "Predict": f"predict?run={RUN}",
    "Storage": "storage",
    "Class": "class",
    "Class: for a teacher": f"class?token={TOKEN}",
}
_DRAWN = """() => !document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner]')
  && [...document.querySelectorAll('.live-figure')].every((graph) => graph.querySelector('.main-svg'))"""
_OVERFLOWING = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  const wide = [document.scrollingElement, main].filter((node) => node.scrollWidth > innerWidth)
    .map((node) => node.tagName);
  const cut = [...document.querySelectorAll('.stMain button, .stMain button *')]
    .filter((node) => node.textContent.trim() && node.checkVisibility() && node.clientWidth > 1
      && node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX !== 'visible');
  const out = [...document.querySelectorAll('.stMain :is(button, input, a)')]
    .filter((node) => node.checkVisibility({ visibilityProperty: true })
      && node.getBoundingClientRect().left >= innerWidth
      && !node.closest('details:not([open]), .live-figure-room, [data-testid=stElementToolbar]'));
  return [...wide, ...[...cut, ...out].map((node) => node.textContent || node.outerHTML)];
}"""
_UNSEEN = """() => {
  const look = (node) => [node, node.closest('label'), node.parentElement].map((each) => {
    if (!each) return '';
    const style = getComputedStyle(each);
    return style.outlineStyle === 'none' ? style.boxShadow : style.outline + style.boxShadow;
  }).join(' ');
  return [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
    .filter((node) => node.tabIndex >= 0 && !node.disabled && node.checkVisibility({ visibilityProperty: true }))
    .filter((node) => {
      document.activeElement?.blur();
      const before = look(node);
      node.focus({ preventScroll: true });
      return document.activeElement === node && look(node) === before
        && !node.closest('[data-testid=stDataFrame]');  // the table marks the cell itself
    })
    .map((node) => node.outerHTML.slice(0, 200));
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "EXPLORER_TEACHER_TOKEN", TOKEN)
        with running_server(folder / "store", folder / "log.txt") as address:
            yield address


def opened(page: Page, address: str, view: str) -> None:
    page.goto(f"{address}/{VIEWS[view]}")
    page.wait_for_selector("[data-testid=stMainBlockContainer] h1, [data-testid=stMainBlockContainer] h3")
    settled(page)
    page.wait_for_function(_DRAWN, timeout=PATIENCE)


def faults(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe-core finds that keeps people out, by all rules or by these."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    found: list[dict[str, Any]] = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in ("serious", "critical") or rule["id"] == "heading-order"
        for node in rule["nodes"]
    ]


def test_every_page_has_a_view() -> None:
    files = {"" if file == "app.py" else file.removeprefix("pages/").removesuffix(".py") for file, _ in PAGES.values()}
    assert {path.split("?")[0] for path in VIEWS.values()} == files


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_is_open_to_all(view: str, page: Page, address: str) -> None:
    opened(page, address, view)
    assert faults(page) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => getComputedStyle(document.querySelector('.stApp')).colorScheme === 'dark'")
    page.wait_for_timeout(300)  # colours change slowly
    assert faults(page, ["color-contrast"]) == [], "in the dark theme"
    assert page.locator(".live-figure:not([aria-label])").count() == 0

    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to main content")).to_be_focused()
    assert page.evaluate(_UNSEEN) == [], "focus is not seen here"

    for width in (640, 400):  # a window of 1280 pixels at 200 %, and a telephone
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(400)  # figures are drawn in their new size
        assert page.evaluate(_OVERFLOWING) == [], f"cut or out of reach at {width} pixels"


def test_keys_open_pages_and_press_buttons(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("button", name="Keys")).to_be_visible()  # its script listens to keys
    settled(page)
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url("**/learn")
    expect(page.get_by_role("button", name="Start").first).to_be_visible()
    settled(page)
    keys = page.get_by_role("dialog", name="Keys")
    for _ in range(2):  # also after it was closed
        page.keyboard.press("?")
        expect(keys).to_have_count(1)
        expect(keys.get_by_text("Open a lesson")).to_be_visible()
        page.keyboard.press("Escape")
        expect(keys).to_have_count(0)
    page.keyboard.press("2")
    page.wait_for_url("**lesson=class-weights*")
    expect(page.get_by_role("button", name="Next")).to_be_visible()
    settled(page)
    page.keyboard.press("n")
    page.wait_for_url("**step=2*")
    settled(page)
    page.keyboard.press("h")
    expect(page.locator("[data-testid=stPopoverBody]").get_by_text("Recall", exact=True)).to_be_visible()
