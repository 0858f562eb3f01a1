"""Asks an application for an address, without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.applications import Starlette


@dataclass(frozen=True)
class Answer:
    """What it answers."""

    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> dict[str, Any]:
        """The content, as JSON."""
        parsed: dict[str, Any] = json.loads(self.content)
        return parsed


def get(app: Starlette, path: str, accept_encoding: str = "", **query: object) -> Answer:
    """Asks for an address. In a thread of its own: the tests in a browser leave a running loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_get(app, path, accept_encoding, query))).result()


async def _get(app: Starlette, path: str, accept_encoding: str, query: dict[str, object]) -> Answer:
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "raw_path": quote(path).encode(),
             "root_path": "", "scheme": "http", "query_string": urlencode(query).encode(),
             "headers": [(b"accept-encoding", accept_encoding.encode())]}  # fmt: skip
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))
