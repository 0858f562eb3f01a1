"""A real server and a real browser."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PageTimeoutError

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
PATIENCE = 30_000  # milliseconds; the first use of a page draws scenes and starts workers
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@contextmanager
def running_server(store: Path, log: Path, is_killed: bool = False) -> Iterator[str]:
    """The app on a free port with a store of its own; gives its address.

    Args:
        store: its folder.
        log: file for what it prints, in which no traceback may be.
        is_killed: the test kills it, and its workers may say that they have lost their scheduler.
    """
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    with (
        log.open("wb") as file,
        subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"EXPLORER_STORE": str(store)}, stdout=file, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            wait_for_health(f"http://127.0.0.1:{port}", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
    said = log.read_text()
    assert is_killed or "Traceback" not in said, said
    assert "overflowed" not in said, "the server watches the virtual environment for changes"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_health(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Returns once the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium, which the checks need: apt-get install chromium")
        pytest.skip("there is no Chromium here: install one to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")  # its runs would slow down the tests of others
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder / "store", folder / "log.txt") as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})  # one visitor; more pages can be opened
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield page
    stop_run(page)
    context.close()


def stop_run(page: Page) -> None:
    """Stops the run that the page shows: what a failed test leaves would keep the only slot from the next one."""
    if "run=" not in page.url or "/train" not in page.url:
        return
    button = page.get_by_role("button", name="Stop", exact=True)
    if button.count():
        button.evaluate("node => node.click()")  # without a wait: a run that has just ended switches the button off
        expect(button).to_be_disabled()


def follow(page: Page, link: str, path: str) -> None:
    """Clicks a link until its page is there: what comes late, a picture or a table, may move it from under the pointer.

    Args:
        link: its text.
        path: of the address that it leads to.
    """
    for _ in range(3):
        page.get_by_role("link", name=link).click()
        with suppress(PageTimeoutError):
            page.wait_for_url(f"**/{path}*", timeout=PATIENCE / 3)
            break
    expect(page).to_have_url(re.compile(f"/{path}"))
    settled(page)


def settled(page: Page) -> None:
    """Waits until the page's script has run."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
