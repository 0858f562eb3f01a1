"""What a newcomer does and sees in a real browser: upload, train, pause, reload, resume, stop; nothing is cut."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, TimeoutError, expect

from explorer.ui.frame import PAGES
from tests.browser.conftest import follow, settled

STEP = re.compile(r"step (\d+) of")


def pair(name: str, seed: int) -> tuple[FilePayload, FilePayload]:
    """An image of bright squares on grey, and its mask."""
    random = np.random.default_rng(seed)
    mask = np.zeros((128, 128), np.uint8)
    for row, column in random.integers(5, 110, (6, 2)):
        mask[row : row + 10, column : column + 10] = 255
    image = random.normal(90, 12, (128, 128, 3)) + 0.4 * mask[..., None]
    return (
        {"name": f"{name}.png", "mimeType": "image/png", "buffer": png(image.clip(0, 255).astype(np.uint8))},
        {"name": f"{name}_mask.png", "mimeType": "image/png", "buffer": png(mask)},
    )


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def step_of(page: Page) -> int:
    found = STEP.search(page.get_by_test_id("run-status").inner_text())
    return int(found[1]) if found else 0


def wait_for_step(page: Page, step: int) -> None:
    page.wait_for_function(
        "least => Number((document.querySelector('[data-testid=run-status]')?.innerText.match(/step (\\d+) of/)"
        " ?? [0, 0])[1]) >= least",
        arg=step,
        timeout=60_000,
    )


def test_newcomer_trains_on_own_imagery(page: Page, address: str) -> None:
    page.goto(address)
    settled(page)
    follow(page, "Bring your own imagery", "imagery")
    page.get_by_text("Upload", exact=True).click()
    pairs = [pair("north", 1), pair("south", 2)]
    uploaders = page.get_by_test_id("stFileUploaderDropzoneInput")
    expect(uploaders).to_have_count(2)
    uploaders.first.set_input_files([image for image, _ in pairs])
    expect(page.get_by_text("The images are kept.")).to_be_visible()  # Streamlit loses what comes as a script starts
    uploaders.last.set_input_files([mask for _, mask in pairs])
    expect(page.get_by_text("2 of 2 rows used")).to_be_visible()
    page.get_by_role("button", name="Use this dataset").click()
    follow(page, "Go on to Train", "train")
    expect(page.get_by_role("combobox", name="Dataset")).to_have_value("north and 1 more")
    choose(page, "Training time", "2 min")

    page.get_by_role("button", name="Play").click()
    expect(page.get_by_text("Training loss", exact=True)).to_be_visible(timeout=60_000)
    wait_for_step(page, 5)
    expect(page.locator(".live-figure .scatterlayer .trace").nth(5)).to_be_attached()  # figures are drawn one by one
    expect(page.get_by_alt_text("prediction: hits, misses and false alarms")).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("paused", exact=True)).to_be_visible()
    settled(page)  # the progress is sent after the word
    rested = step_of(page)
    page.reload()
    settled(page)
    expect(page.get_by_text("paused", exact=True)).to_be_visible()
    wait_for_step(page, rested)
    assert step_of(page) == rested, "a reload loses nothing"

    page.get_by_role("button", name="+1", exact=True).click()
    wait_for_step(page, rested + 1)
    page.get_by_role("button", name="Resume").click()
    wait_for_step(page, rested + 8)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("stopped", exact=True)).to_be_visible()
    for name in ("Trade-offs", "Landscape", "Loss lab", "Imagery", "Train"):  # in one session
        page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        settled(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)


def test_curves_keep_their_zoom_while_it_trains(page: Page, address: str) -> None:
    page.goto(f"{address}/train?dataset=builtin:car_park")
    settled(page)
    page.get_by_role("button", name="Play").click()
    wait_for_step(page, 3)
    figure = page.locator(".live-figure").nth(1)
    figure.locator(".scatterlayer .trace").first.wait_for()
    figure.evaluate("node => { node.marked = true; }")
    figure.scroll_into_view_if_needed()
    box = figure.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    whole = figure.evaluate("node => node._fullLayout.xaxis.range")
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.2 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=5)
    page.mouse.up()
    zoomed = figure.evaluate("node => node._fullLayout.xaxis.range")
    assert zoomed[1] - zoomed[0] < 0.5 * (whole[1] - whole[0]), "the drag has zoomed in"
    before = int(figure.get_attribute("data-updates") or 0)
    page.wait_for_function(
        "before => Number(document.querySelectorAll('.live-figure')[1].dataset.updates) >= before + 3", arg=before
    )
    assert figure.evaluate("node => node._fullLayout.xaxis.range") == zoomed
    assert figure.evaluate("node => node.marked"), "the graph is the same one"
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("stopped", exact=True)).to_be_visible()


def test_one_click_on_home_leads_to_a_run_that_trains(page: Page, address: str) -> None:
    page.goto(address)
    settled(page)
    page.get_by_role("button", name="Train on it").first.click()
    expect(page.get_by_role("heading", name="Train")).to_be_visible()
    wait_for_step(page, 3)
    assert "run=" in page.url
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("stopped", exact=True)).to_be_visible()


def test_new_tab_takes_the_dataset_used_last_and_a_reload_keeps_it(page: Page, address: str) -> None:
    page.goto(f"{address}/imagery?builtin=harbour")
    settled(page)
    page.get_by_role("button", name="Use this dataset").click()
    expect(page.get_by_role("link", name="Go on to Train")).to_be_visible()
    tab = page.context.new_page()
    tab.goto(f"{address}/train")
    settled(tab)
    expect(tab.get_by_role("combobox", name="Dataset")).to_have_value("Harbour (built in)")
    expect(tab.get_by_text("Harbour (built in) is the dataset that you used last.")).to_be_visible()
    choose(tab, "Dataset", "Car park (built in)")
    choose(tab, "Preset", "Focal")
    tab.wait_for_url(re.compile("preset=focal"))
    tab.reload()
    settled(tab)
    expect(tab.get_by_role("combobox", name="Dataset")).to_have_value("Car park (built in)")
    expect(tab.get_by_role("combobox", name="Preset")).to_have_value("Focal")
    tab.close()


def choose(page: Page, box: str, option: str) -> None:
    """Picks an option of a selectbox."""
    page.get_by_role("combobox", name=box).click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


CLIPPED = """() => [...document.querySelectorAll(
    '[data-testid=stButton] button, [data-testid=stButton] button *, [data-testid=stSelectbox] input'
  )].filter(each => each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1)
    .map(each => each.value || each.textContent)"""


def nothing_is_cut(page: Page) -> None:
    """Waits until every text fits, since fonts and columns settle after the script has run; says which does not."""
    with contextlib.suppress(TimeoutError):
        page.wait_for_function(f"() => ({CLIPPED})().length === 0", timeout=5000)
    assert page.evaluate(CLIPPED) == []


@pytest.mark.parametrize("path", ["", "imagery", "train", "loss_lab", "loss_lab?view=On+imagery"])
def test_no_button_or_choice_is_cut_in_a_narrow_window(page: Page, address: str, path: str) -> None:
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(f"{address}/{path}")
    settled(page)
    expect(page.locator("[data-testid=stMain] button").first).to_be_visible()
    nothing_is_cut(page)


@pytest.mark.parametrize("width", [800, 1280])
def test_no_button_or_choice_of_a_run_is_cut(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/train?dataset=builtin:car_park&preset=recall_first")
    settled(page)
    page.get_by_role("button", name="Play").click()
    wait_for_step(page, 1)
    nothing_is_cut(page)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("stopped", exact=True)).to_be_visible()
    for link in ("Trade-offs", "Landscape"):
        page.get_by_test_id("stSidebar").get_by_role("link", name=link).click()
        settled(page)
        expect(page.get_by_role("heading", name=link)).to_be_visible()
        nothing_is_cut(page)


@pytest.mark.parametrize(("path", "button"), [("", "Train on it"), ("imagery", "Show")])
@pytest.mark.parametrize("width", [800, 1100])
def test_buttons_of_cards_are_at_one_height(page: Page, address: str, path: str, button: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/{path}")
    settled(page)
    buttons = page.locator("[class*=st-key-tile-] [data-testid=stButton] button")
    expect(buttons).to_have_count(3)
    expect(buttons.last).to_contain_text(button)
    page.wait_for_function(  # cards grow as their pictures arrive
        """() => {
            const bottoms = [...document.querySelectorAll('[class*=st-key-tile-] [data-testid=stButton] button')]
                .map(each => each.getBoundingClientRect().bottom);
            return [...document.images].every(each => each.complete) && Math.max(...bottoms) - Math.min(...bottoms) < 1;
        }"""
    )


@pytest.mark.parametrize("path", ["" if file == "app.py" else Path(file).stem for file, _ in PAGES.values()])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 800])
def test_page_fits_the_window_and_raises_no_error(page: Page, address: str, path: str, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/{path}")
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        "nothing is wider than the window"
    )
    assert not complaints


def test_second_tab_sees_the_same_run_and_another_visitor_cannot_stop_it(
    page: Page, browser: Browser, address: str
) -> None:
    page.goto(f"{address}/train?dataset=builtin:car_park")
    settled(page)
    page.get_by_role("button", name="Play").click()
    wait_for_step(page, 2)
    guest = browser.new_page()
    guest.goto(page.url)
    wait_for_step(guest, 3)
    expect(guest.get_by_text("you can look at it, not change it")).to_be_visible()
    expect(guest.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
    guest.close()
    other = page.context.new_page()
    other.goto(page.url)
    wait_for_step(other, 3)
    other.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("stopped", exact=True)).to_be_visible()
    other.close()
