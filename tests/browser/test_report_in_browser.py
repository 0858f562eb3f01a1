"""A report in a real browser without a network: it draws, its slider counts, it prints, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from explorer.report.page import report_html
from explorer.report.source import RunSource
from tests.report.reported import hostile_dataset, reported, trained_folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunSource:
    dataset = hostile_dataset()
    return reported(trained_folder(tmp_path_factory.mktemp("runs") / "run", dataset), dataset)


@pytest.fixture(scope="module")
def file(run: RunSource, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(report_html([run], datetime(2026, 3, 1, tzinfo=UTC)))
    return path.as_uri()


@pytest.fixture(params=["light", "dark"])
def opened(browser: Browser, file: str, request: pytest.FixtureRequest) -> Iterator[tuple[Page, list[str], str]]:
    """The page without a network, what went wrong or was asked for, and whether it is light or dark."""
    context = browser.new_context(viewport={"width": 800, "height": 900}, color_scheme=request.param, offline=True)
    page, seen = context.new_page(), list[str]()
    page.on("pageerror", lambda error: seen.append(f"error: {error}"))
    page.on("dialog", lambda dialog: seen.append(f"dialog: {dialog.message}"))
    page.on("console", lambda message: seen.append(message.text) if message.type == "error" else None)
    page.on(
        "request", lambda asked: None if asked.url.startswith((file, "data:")) else seen.append(f"asked: {asked.url}")
    )
    page.goto(file)
    page.wait_for_function("[...document.querySelectorAll('.plot')].every((each) => each.querySelector('svg'))")
    yield page, seen, request.param
    context.close()


def counts(page: Page) -> list[list[str]]:
    """Rows of the slider's table: what is counted, and the numbers."""
    return [row.locator("td").all_inner_texts() for row in page.locator("tr[data-scope]").all()]


def test_report_needs_nothing_and_its_slider_counts(run: RunSource, opened: tuple[Page, list[str], str]) -> None:
    page, seen, scheme = opened
    assert run.sweep is not None
    assert page.evaluate("document.documentElement.scrollWidth") <= 800
    of_objects = run.sweep.of_class(1).curve("object", run.reference.minimum_area)
    of_pixels = run.sweep.of_class(1).pixel
    page.locator("input[type=range]").focus()
    for key, threshold in (("Home", 0.02), ("ArrowRight", 0.04), ("End", 0.98)):
        page.keyboard.press(key)
        assert page.locator("output").inner_text() == f"{threshold:.2f}"
        for row, curve in zip(counts(page), (of_objects, of_pixels), strict=True):
            at = curve.at(threshold)
            shown = [float(text.replace("n/a", "nan")) for text in row[1:4]]
            expected = [curve.recall[at], curve.precision[at], curve.f1[at]]
            assert shown == pytest.approx(expected, abs=0.00051, nan_ok=True)
            found = (curve.true_positives, curve.false_negatives, curve.false_positives)
            assert row[4:] == [f"{values[at]:,}" for values in found]
    page.get_by_role("button", name=re.compile("own threshold")).click()
    assert abs(float(page.locator("output").inner_text()) - run.threshold(1)) <= 0.0101
    moved = page.evaluate(
        "(() => { const plot = document.querySelector('.thresholds .plot');"
        " return plot.data.filter((each) => each.meta).map((each) => each.x[0]); })()"
    )
    (point,) = moved
    row = counts(page)[0]
    assert row[1] == "n/a" or f"{point:.3f}" == row[1]

    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    text = page.evaluate("getComputedStyle(document.querySelector('.plot text')).fill")
    assert (int(re.findall(r"\d+", text)[0]) > 128) == (scheme == "dark"), "the figures follow"
    assert page.locator(".pair img").first.evaluate("(image) => image.naturalWidth") > 0, "pictures are shown"
    assert seen == []


def test_report_prints_in_black_on_white_and_comes_back(opened: tuple[Page, list[str], str]) -> None:
    page, seen, scheme = opened
    page.evaluate(
        "window.addEventListener('beforeprint', () => { window.widths ="
        " [...document.querySelectorAll('.plot')].map((each) => each.layout.width);"
        " window.ink = getComputedStyle(document.querySelector('.plot text')).fill; })"
    )
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 3
    widths = page.evaluate("window.widths")
    assert widths, "the page was told that it is printed"
    assert max(widths) <= 690, "figures fit between the margins"
    assert page.evaluate("window.ink") == "rgb(0, 0, 0)"
    text = page.evaluate("getComputedStyle(document.querySelector('.plot text')).fill")
    assert (int(re.findall(r"\d+", text)[0]) > 128) == (scheme == "dark")
    assert seen == []
