"""How quick the app feels: ``python -m tests.benchmarks.ui_latency``. Needs Chromium.

Prints, in seconds and as a share of what is allowed (below 1 is good): the start of the server until Home can be used,
the click on "Train on it" until the chart has its first point (on a server ten seconds old, then warm: the second
time), a slider on Train until the server has answered while a run trains, and the click on Measure on Landscape until
its first picture is drawn, on workers that have measured a slice before; medians of some.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, ROOT, free_port, settled

START, FIRST_CLICK, CLICK, SLIDER, PICTURE = 2.5, 3.0, 1.0, 0.3, 1.0  # seconds allowed
AGE = 10.0  # seconds since the server's start, at the first click
_FIRST_POINT = (
    "() => [...document.querySelectorAll('.live-figure')].some(node => node.layout?.yaxis?.title?.text === "
    "'training loss' && node.data.some(trace => trace.y?.length || trace.y?._inputArray?.length))"
)
_CONTOURS = (
    "() => [...document.querySelectorAll('.live-figure')].some(node => (node.data || []).some(trace => "
    "trace.type === 'contour' && trace.z))"
)


def start(page: Page, folder: Path) -> tuple[subprocess.Popen[bytes], str, float]:
    """A fresh server; gives the seconds until the button on Home can be clicked."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    began = time.perf_counter()
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"EXPLORER_STORE": str(folder)},
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    while True:
        try:
            page.goto(address)
            break
        except Exception:  # not up yet: the browser says so in many ways
            time.sleep(0.02)
    page.get_by_role("button", name="Train on it").first.wait_for()
    return server, address, time.perf_counter() - began


def click_to_point(page: Page, address: str) -> float:
    """Seconds from the click on Home to the first point of the loss; leaves the run training."""
    page.goto(address)
    settled(page)
    began = time.perf_counter()
    page.get_by_role("button", name="Train on it").first.click()
    page.wait_for_function(_FIRST_POINT, timeout=60_000, polling=20)
    return time.perf_counter() - began


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("stopped", exact=True)).to_be_visible(timeout=30_000)


def slider(page: Page) -> float:
    """Seconds from a key on the rate's slider to the server's answer."""
    thumb = page.get_by_test_id("stSlider").filter(has_text="Learning rate").get_by_role("slider")
    thumb.focus()
    said = page.get_by_text("Sent: learning rate").first
    before = said.inner_text() if said.count() else ""
    began = time.perf_counter()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "before => [...document.querySelectorAll('[data-testid=stCaptionContainer]')].some("
        "node => node.innerText.includes('Sent: learning rate') && node.innerText !== before)",
        arg=before,
        polling=10,
    )
    return time.perf_counter() - began


def picture(page: Page, address: str, extent: float) -> float:
    """Seconds from the click on Measure to the first picture of a slice that nobody has measured; then stops it."""
    page.goto(f"{address}/landscape?extent={extent:g}")
    settled(page)
    assert not page.evaluate(_CONTOURS), "this slice was measured before"
    began = time.perf_counter()
    page.get_by_role("button", name="Measure", exact=True).click()
    page.wait_for_function(_CONTOURS, timeout=60_000, polling=10)
    seconds = time.perf_counter() - began
    button = page.get_by_role("button", name="Stop", exact=True)
    if button.count():
        button.first.click()
    expect(button).to_have_count(0, timeout=60_000)
    return seconds


def report(what: str, seconds: float, allowed: float) -> None:
    print(f"{what}: {seconds:.2f} s, {seconds / allowed:.2f} of the {allowed:g} s allowed")


def main() -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        page = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS).new_page()
        began = time.perf_counter()
        server, address, seconds = start(page, Path(folder))
        try:
            report("start to a usable Home", seconds, START)
            time.sleep(max(0.0, AGE - (time.perf_counter() - began)))
            report(f"first click to first point, server {AGE:g} s old", click_to_point(page, address), FIRST_CLICK)
            stop(page)
            warm = []
            for _ in range(3):
                warm.append(click_to_point(page, address))
                stop(page)
            report("click to first point, warm", statistics.median(warm), CLICK)
            click_to_point(page, address)
            report("slider while it trains", statistics.median(slider(page) for _ in range(7)), SLIDER)
            stop(page)
            picture(page, address, 1.0)
            pictures = [picture(page, address, extent) for extent in (1.2, 1.4, 1.6, 1.8, 2.0)]
            print("first pictures of a slice:", ", ".join(f"{each:.2f}" for each in pictures))
            report("Measure to the first picture, warm", statistics.median(pictures), PICTURE)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
