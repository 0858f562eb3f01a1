"""All seven lessons, done start to end as a student does them: guess, result, question, live run."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from explorer.lessons.model import LineGuess, Step, ValueGuess
from explorer.lessons.reading import LESSONS, read_lesson
from tests.browser.conftest import PATIENCE, settled

SLUGS = [file.stem for file in sorted((LESSONS / "en").glob("*.md"), key=lambda file: read_lesson(file).order)]
FAULT = re.compile("has encountered an error|Traceback")
_DRAWN = """() => [...document.querySelectorAll('.live-figure')].every((graph) => graph.querySelector('.main-svg'))"""


def give_answer(page: Page, step: Step) -> None:
    """A guess or an answer, and the button that gives it."""
    if isinstance(step.guess, LineGuess):
        drawing = page.locator(".lesson-line svg")
        drawing.scroll_into_view_if_needed()
        box = drawing.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 70, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 30, box["y"] + 160, steps=5)
        page.mouse.up()
    elif not isinstance(step.guess, ValueGuess):
        page.locator("[data-testid=stRadio]").get_by_role("radio").first.check(force=True)
    take = page.locator("[class*=st-key-lesson-][class*=-take] button").locator("visible=true")
    expect(take).to_be_enabled()
    take.click()
    expect(take).to_have_count(0)


def train_live(page: Page) -> float:
    """Trains the cell that is chosen; gives the seconds until its result is there."""
    began = time.monotonic()
    page.get_by_role("button", name="Train this cell").click()
    expect(page.get_by_role("cell", name="done")).to_be_visible(timeout=4 * PATIENCE)
    return time.monotonic() - began


@pytest.mark.parametrize("slug", SLUGS)
def test_a_lesson_start_to_end(slug: str, page: Page, address: str) -> None:
    lesson = read_lesson(LESSONS / "en" / f"{slug}.md")
    began, live = time.monotonic(), 0.0
    page.goto(f"{address}/learn?lesson={slug}")
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=2 * PATIENCE)  # the workers may still start
    for number, step in enumerate(lesson.steps, start=1):
        expect(page.get_by_text(f"Step {number} of {len(lesson.steps)}")).to_be_visible()
        expect(page.get_by_role("heading", name=step.title)).to_be_visible()
        settled(page)
        if step.waits:
            give_answer(page, step)
        if step.experiment is not None:
            page.wait_for_function(_DRAWN, timeout=PATIENCE)
            if step.experiment.kind == "grid_run":
                live = train_live(page)
        settled(page)
        assert not FAULT.search(page.locator("[data-testid=stMain]").inner_text()), f"{slug}, step {number}"
        if number < len(lesson.steps):
            page.keyboard.press("n")
    print(f"\n{slug}: {len(lesson.steps)} steps in {time.monotonic() - began - live:.1f} s" + (
        f", live run in {live:.1f} s" if live else ""
    ))  # fmt: skip
    links = page.locator("[data-testid=stMain] [data-testid=stPageLink-NavLink]")
    assert links.count() == len(lesson.steps[-1].links) > 0, "try it on your imagery"
