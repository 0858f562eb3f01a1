"""What a run that trains costs the browser that shows it, and what the browser asks meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import CDPSession, Page, Request, sync_playwright

from tests.browser.conftest import FLAGS, settled

_SETTLING = 10.0  # seconds until what is drawn at first is drawn
_FEED = "/live/runs/"
_HIDES = """
  window.hides = false;
  Object.defineProperty(document, "hidden", { get: () => window.hides });
  Object.defineProperty(document, "visibilityState", { get: () => window.hides ? "hidden" : "visible" });
"""
_IN_VIEW = """() => [...document.querySelectorAll('.live-figure')].map((node) => {
  const { top, bottom } = node.getBoundingClientRect();
  return bottom > 0 && top < window.innerHeight;
})"""
_ORDER = ("schedule", "trained", "scores", "others", "rates")
"""The figures from top to bottom."""


@dataclass(frozen=True)
class InBrowser:
    """What was measured."""

    busy: float  # seconds a minute of the main thread
    shown_rate: float  # questions a second in view
    hidden_rate: float  # and hidden
    asked_out_of_view: frozenset[str]  # figures


def measured_in_browser(address: str, seconds: float) -> InBrowser:
    """Opens the page of a run that trains.

    Args:
        address: of the page.
        seconds: of each measurement.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(_HIDES)
        asked: list[str] = []
        page.on("request", lambda request: _note(request, asked))
        page.goto(address)
        settled(page)
        page.wait_for_timeout(_SETTLING * 1000)
        metrics = page.context.new_cdp_session(page)
        metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
        busy, shown = _spent(page, metrics, asked, seconds)
        shown_rate = len(shown) / seconds
        in_view = [name for name, seen in zip(_ORDER, page.evaluate(_IN_VIEW), strict=True) if seen]
        unseen = {name for query in shown for name in parse_qs(query) if name != "since"} - set(in_view)
        page.evaluate("window.hides = true; document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_timeout(1500)  # the last question that was due
        _, hidden = _spent(page, metrics, asked, 2 * seconds)
        unseen |= {name for query in hidden for name in parse_qs(query) if name != "since"}
        browser.close()
    return InBrowser(busy, shown_rate, len(hidden) / (2 * seconds), frozenset(unseen))


def _note(request: Request, asked: list[str]) -> None:
    parts = urlsplit(request.url)
    if _FEED in parts.path and "/prediction/" not in parts.path:
        asked.append(parts.query)


def _spent(page: Page, metrics: CDPSession, asked: list[str], seconds: float) -> tuple[float, list[str]]:
    """Seconds a minute of the main thread, and what was asked, in some time from now."""
    asked.clear()
    before, began = _busy(metrics), time.perf_counter()
    page.wait_for_timeout(seconds * 1000)
    return 60 * (_busy(metrics) - before) / (time.perf_counter() - began), list(asked)


def _busy(metrics: CDPSession) -> float:
    """Processor time of the main thread so far, in seconds."""
    measured = {each["name"]: each["value"] for each in metrics.send("Performance.getMetrics")["metrics"]}
    return float(measured["TaskDuration"])
