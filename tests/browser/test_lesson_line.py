"""The chart on which a visitor draws a line keeps the line when its language or the colours change."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from playwright.sync_api import Page

from explorer.ui.browser_script import script

DATA = {"labels": ["1", "2", "5"], "low": 0, "high": 1, "unit": "", "step": 0.01, "decimal": ".",
        "xTitle": "Weight", "yTitle": "Recall", "line": None}  # fmt: skip
GERMAN = DATA | {"decimal": ",", "xTitle": "Gewicht"}


@pytest.fixture
def chart(page: Page) -> Page:
    """An empty page with the chart's script."""
    page.set_content("<main><div class='lesson-line' style='width: 600px'></div></main>")
    address = "data:text/javascript;base64," + base64.b64encode(script("lesson_line.js").encode()).decode()
    page.evaluate("async (address) => { window.draw = (await import(address)).default; window.sent = null; }", address)
    return page


def draw(chart: Page, data: dict[str, Any]) -> None:
    chart.evaluate(
        "(data) => draw({ data, parentElement: document.querySelector('main'),"
        " setStateValue: (_, line) => { window.sent = line; } })",
        data,
    )


def values(chart: Page) -> list[float]:
    return [float(each.get_attribute("aria-valuenow") or "nan") for each in chart.locator("circle").all()]


def test_line_is_kept_while_its_language_and_colours_change(chart: Page) -> None:
    draw(chart, DATA)
    assert values(chart) == [0.5, 0.5, 0.5]
    chart.locator("circle").nth(1).focus()
    chart.keyboard.press("End")
    chart.wait_for_function("window.sent !== null")
    assert chart.evaluate("window.sent") == values(chart) == [0.5, 1, 0.5]
    draw(chart, GERMAN)
    assert values(chart) == [0.5, 1, 0.5]
    assert "Gewicht" in (chart.locator("svg").text_content() or "")
    assert "0,25" in (chart.locator("svg").text_content() or "")
    chart.evaluate("document.querySelector('main').style.setProperty('--st-primary-color', 'red')")
    draw(chart, GERMAN)
    assert chart.locator("polyline").get_attribute("stroke") == "red"
    assert values(chart) == [0.5, 1, 0.5]


def test_line_that_the_server_has_is_drawn_and_an_echo_does_not_replace_the_chart(chart: Page) -> None:
    draw(chart, DATA | {"line": [0.1, 0.2, 0.3]})
    assert values(chart) == [0.1, 0.2, 0.3]
    chart.locator("svg").evaluate("(svg) => { svg.dataset.mark = 'same'; }")
    draw(chart, DATA | {"line": [0.1, 0.2, 0.9]})
    assert chart.locator("svg").get_attribute("data-mark") == "same"
    assert values(chart) == [0.1, 0.2, 0.3], "what is drawn now is newer than what comes back"
