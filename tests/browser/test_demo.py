"""The demo of docs/demo.md, start to end on a fresh store, by arrow keys and without a network."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request, expect

from explorer.lessons.presentation import read_slides
from tests.browser.conftest import PATIENCE, settled

PICTURE = ".live-figure .main-svg, [data-testid=stImage] img, [data-testid=stFileUploaderDropzone]"
PRESSED = {"train": "Play", "predict": "Predict"}  # by whoever presents
EMPTY = re.compile("There is no|No run has|Nothing has been measured|has encountered an error")


def test_the_demo_goes_from_start_to_end_without_a_network(page: Page, address: str) -> None:
    host, elsewhere = urlsplit(address).netloc, []

    def ask(request: Request) -> None:
        if urlsplit(request.url).netloc not in (host, ""):
            elsewhere.append(request.url)

    slides, times = read_slides(), []
    page.route(lambda url: urlsplit(url).netloc not in (host, ""), lambda route: route.abort())
    page.on("request", ask)
    page.goto(f"{address}/?present=1")
    for number, slide in enumerate(slides, start=1):
        began = time.monotonic()
        if number > 1:
            page.keyboard.press("ArrowRight")
        page.wait_for_url(f"**present={number}*")
        expect(page.get_by_role("heading", name=slide.say)).to_be_visible()
        if slide.page in PRESSED:
            page.get_by_role("button", name=PRESSED[slide.page], exact=True).click()
        expect(page.locator(PICTURE).locator("visible=true").first).to_be_visible(
            timeout=2 * PATIENCE
        )  # the workers of the server may still start
        settled(page)
        times.append(time.monotonic() - began)
        assert not EMPTY.search(page.locator("[data-testid=stMain]").inner_text()), f"{number}: {slide.say}"
        expect(page.get_by_role("link", name="Storage")).to_be_hidden()
    print("\nseconds of the demo's steps:", ", ".join(f"{each:.1f}" for each in times))
    page.keyboard.press("ArrowRight")  # there is nothing after the last one
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**present={len(slides) - 1}*")
    expect(page.get_by_role("heading", name=slides[-2].say)).to_be_visible()
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r"^(?!.*present=)"))
    settled(page)
    expect(page.get_by_role("link", name="Storage")).to_be_visible()
    own = [
        url for url in elsewhere if "streamlit" not in url
    ]  # Streamlit asks its own host for news, and goes on without
    assert own == []


def test_a_newcomer_sees_a_landscape_in_two_clicks(page: Page, address: str) -> None:
    page.goto(address)
    settled(page)
    page.get_by_role("link", name="Look at the landscape").click()
    expect(page.locator(".live-figure .main-svg").first).to_be_visible()
    assert "run=car_park-recipe" in page.url
    page.get_by_role("radio", name="Surfaces").click()
    expect(page.locator(".live-figure .main-svg").first).to_be_visible()
