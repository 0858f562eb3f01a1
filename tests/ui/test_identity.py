"""The cookie by which a browser is known."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from explorer.settings import settings
from explorer.ui import identity
from explorer.ui.identity import COOKIE, VisitorCookie


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def headers_of(response: Response, cookie: str = "", scheme: str = "http", method: str = "GET") -> Headers:
    """The headers with which a response reaches a browser."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    async def take(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    own = [(b"cookie", cookie.encode())] if cookie else []
    scope = {"type": "http", "method": method, "scheme": scheme, "path": "/", "headers": own}
    with ThreadPoolExecutor(1) as thread:  # the tests in a browser leave a running loop in this one
        thread.submit(asyncio.run, VisitorCookie(app)(scope, nothing, take)).result()
    return Headers(raw=sent[0]["headers"])


def cookie_of(headers: Headers) -> str:
    return SimpleCookie(headers["set-cookie"])[COOKIE].value


def test_a_page_comes_with_a_cookie_that_scripts_cannot_read() -> None:
    headers = headers_of(HTMLResponse("page"))
    attributes = headers["set-cookie"].split("; ")[1:]
    assert {"Path=/", "HttpOnly", "SameSite=Lax"} < set(attributes)
    assert "Secure" not in attributes
    assert "Secure" in headers_of(HTMLResponse("page"), scheme="https")["set-cookie"].split("; ")
    assert identity._id_in(cookie_of(headers)) is not None


def test_every_browser_is_another_visitor_and_stays_the_same_one() -> None:
    first, second = (cookie_of(headers_of(HTMLResponse("page"))) for _ in range(2))
    assert identity._id_in(first) != identity._id_in(second)
    assert "set-cookie" not in headers_of(HTMLResponse("page"), f"other=1; {COOKIE}={first}")
    identity._signer_of.cache_clear()  # another start of the server
    assert "set-cookie" not in headers_of(HTMLResponse("page"), f"{COOKIE}={first}")


@pytest.mark.parametrize("forged", ["", "0123456789abcdef01234567", "a.b", "é.é"])
def test_a_cookie_that_was_not_signed_here_is_replaced(forged: str) -> None:
    headers = headers_of(HTMLResponse("page"), f"{COOKIE}={forged}")
    assert identity._id_in(cookie_of(headers)) is not None


def test_a_cookie_of_another_visitor_cannot_be_made_up() -> None:
    signed = cookie_of(headers_of(HTMLResponse("page")))
    assert identity._id_in("f" * 24 + signed[24:]) is None


def test_what_is_no_page_brings_no_cookie() -> None:
    assert "set-cookie" not in headers_of(JSONResponse({}))
    assert "set-cookie" not in headers_of(HTMLResponse("page"), method="POST")


def test_the_key_is_read_by_the_servers_user_alone(store: Path) -> None:
    headers_of(HTMLResponse("page"))
    key = store / "visitors.key"
    assert len(key.read_bytes()) == 32
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [path.name for path in store.glob(".*")] == []
