"""What a server that strangers reach sends and refuses, over real HTTP and in a real browser."""

from __future__ import annotations

import http.client
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from explorer.settings import MEBI, Settings
from explorer.ui.security_headers import HEADERS
from tests.browser.conftest import ROOT, settled

PATHS = [
    "/",
    "/train",
    "/_stcore/health",
    "/_stcore/host-config",
    "/live/runs/nowhere",
    "/media/nowhere",
    "/nowhere.js",
]


def headers_of(url: str) -> http.client.HTTPMessage:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.headers
    except urllib.error.HTTPError as refused:
        return refused.headers


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(address: str, path: str) -> None:
    sent = headers_of(address + path)
    assert {name: sent.get_all(name) for name in HEADERS} == {name: [value] for name, value in HEADERS.items()}


def status_of(address: str, method: str, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def handshake(origin: str) -> dict[str, str]:
    """Of a web socket that a page of this origin opens."""
    return {
        "Origin": origin,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }


def test_a_page_of_another_site_is_not_talked_to(address: str) -> None:
    assert status_of(address, "GET", "/_stcore/stream", handshake(address)) == http.HTTPStatus.SWITCHING_PROTOCOLS
    assert status_of(address, "GET", "/_stcore/stream", handshake("https://elsewhere.example")) == 403
    assert "Access-Control-Allow-Origin" not in headers_of(f"{address}/live/runs/nowhere")


def test_an_upload_without_its_token_is_refused(address: str) -> None:
    path = "/_stcore/upload_file/session/file"
    assert status_of(address, "PUT", path, {"Origin": "https://elsewhere.example", "Content-Length": "0"}) == 403


def test_a_page_of_another_site_cannot_frame_the_app_and_one_of_this_server_can(page: Page, address: str) -> None:
    frame = f'<iframe src="{address}/?embed=true" style="width:900px;height:600px"></iframe>'
    page.goto(f"{address}/_stcore/health")
    page.evaluate("html => { document.body.innerHTML = html }", frame)
    expect(page.frame_locator("iframe").get_by_text("Which loss finds your objects?")).to_be_visible()
    page.goto(f"{address.replace('127.0.0.1', 'localhost')}/_stcore/health")  # another origin
    with page.expect_event("console", lambda message: "frame-ancestors" in message.text):
        page.evaluate("html => { document.body.innerHTML = html }", frame)


def test_a_link_to_elsewhere_does_not_tell_the_address(page: Page, address: str) -> None:
    page.goto(f"{address}/train?run=nowhere")
    settled(page)
    asked: list[dict[str, str]] = []
    page.route("https://elsewhere.example/**", lambda route: (asked.append(route.request.headers), route.abort()))
    page.evaluate("() => fetch('https://elsewhere.example/x', {mode: 'no-cors'}).catch(() => null)")
    assert len(asked) == 1
    assert "referer" not in asked[0]


def test_the_limits_of_an_upload_are_the_same_to_the_browser_and_the_reader() -> None:
    config = tomllib.loads(Path(ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["maxUploadSize"] * MEBI == Settings().max_file_bytes
    assert config["server"]["enableXsrfProtection"] is True
    assert config["server"]["fileWatcherType"] == "none"
    assert config["client"]["showErrorDetails"] == "none"
