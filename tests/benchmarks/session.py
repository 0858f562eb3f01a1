"""A visitor without a browser: speaks Streamlit's protocol over its websocket, and asks what the page's scripts ask."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from tornado.httpclient import AsyncHTTPClient

AsyncHTTPClient.configure(None, max_clients=1000)
FIGURES_IN_VIEW = ("schedule", "trained", "scores")
"""Of the page of a run, at the top of a window of usual size."""


@dataclass
class Reply:
    """What one request to the server cost."""

    seconds: float
    size: int  # bytes received


@dataclass
class Session:
    """One visitor's session.

    Attributes:
        buttons: ids of the page's buttons, by label.
        fragments: seconds between runs of the page's parts that run by themselves, by id.
        figures: ids of the page's parts that draw a figure, which run again for a click on a widget in them.
        drawn: what the page has drawn of a run that it follows, as the feed names it; "": it follows none.
        problems: what the page said in red.
        uploaders: ids of what takes files, in the order of the page.
        overheard: of ``secrets``, what was among all that the server has sent.
    """

    address: str  # of the server, "http://127.0.0.1:8501"
    page: str  # name of the page, "train"; empty: Home
    query: str = ""  # of the address, "run=…"
    buttons: dict[str, str] = field(default_factory=dict)
    fragments: dict[str, float] = field(default_factory=dict)
    figures: list[str] = field(default_factory=list)
    drawn: str = ""
    problems: list[str] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)  # of the browser; empty: it keeps none
    secrets: Collection[bytes] = ()  # what this visitor must not be told
    uploaders: list[str] = field(default_factory=list)
    overheard: set[bytes] = field(default_factory=set)
    _number: str = ""  # of the session, as the server has it
    _socket: Any = None

    @classmethod
    async def begin(
        cls,
        address: str,
        page: str = "",
        query: str = "",
        cookies: Mapping[str, str] | None = None,
        secrets: Collection[bytes] = (),
    ) -> Self:
        """Opens a page and waits until it is drawn."""
        session = cls(address, page, query, cookies=dict(cookies or {}), secrets=secrets)
        stream = address.replace("http", "ws", 1) + "/_stcore/stream"
        session._socket = await websockets.connect(
            stream,
            max_size=None,
            subprotocols=["streamlit"],
            open_timeout=60,
            additional_headers={"Cookie": _sent(session.cookies)} if cookies else None,
        )
        await session.run()
        return session

    async def go(self, page: str, query: str) -> Reply:
        """Opens another page of the app in the same tab."""
        self.page, self.query = page, query
        return await self.run()

    async def send_file(self, name: str, content: bytes) -> Reply:
        """Drops a file onto the page's first uploader, and waits until the page has taken it."""
        message = BackMsg()
        message.file_urls_request.request_id = name
        message.file_urls_request.session_id = self._number
        message.file_urls_request.file_names.append(name)
        await self._socket.send(message.SerializeToString())
        while True:
            told = ForwardMsg.FromString(await asyncio.wait_for(self._socket.recv(), 120))
            if told.WhichOneof("type") == "file_urls_response":
                break
        (place,) = told.file_urls_response.file_urls
        parts = [
            f'--part\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode(),
            content,
            b"\r\n--part--\r\n",
        ]
        await AsyncHTTPClient().fetch(
            f"{self.address}{place.upload_url}",
            method="PUT",
            body=b"".join(parts),
            headers={
                "Content-Type": "multipart/form-data; boundary=part",
                "Cookie": _sent(self.cookies),
                "X-Xsrftoken": self.cookies["_streamlit_xsrf"],
            },
            request_timeout=120,
        )
        state = WidgetState(id=self.uploaders[0])
        taken = state.file_uploader_state_value.uploaded_file_info.add()
        taken.file_id, taken.name, taken.size = place.file_id, name, len(content)
        taken.file_urls.CopyFrom(place)
        return await self.run(state=state)

    async def run(self, fragment: str = "", button: str = "", state: WidgetState | None = None) -> Reply:
        """Runs the page, or one of its parts, and waits until it is done.

        Args:
            fragment: id of a part of the page; empty: the whole page.
            button: label of the button that is clicked.
            state: of a widget that has another value now.
        """
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = self.page
        if fragment:
            message.rerun_script.fragment_id = fragment
        else:
            self.fragments.clear()
            self.figures.clear()
            self.uploaders.clear()
            self.buttons = {} if not button else self.buttons
        if button:
            widget = message.rerun_script.widget_states.widgets.add()
            widget.id, widget.trigger_value = self.buttons[button], True
        if state is not None:
            message.rerun_script.widget_states.widgets.append(state)
        began, size, done = time.perf_counter(), 0, False
        await self._socket.send(message.SerializeToString())
        while not done:
            raw = await asyncio.wait_for(self._socket.recv(), 120)
            size += len(raw)
            self.overheard |= {each for each in self.secrets if each in raw}
            done = self._take(ForwardMsg.FromString(raw))
        return Reply(time.perf_counter() - began, size)

    def _take(self, message: ForwardMsg) -> bool:
        """Notes what matters; says whether the run is over. One that another follows at once is not."""
        match message.WhichOneof("type"):
            case "new_session":
                self._number = message.new_session.initialize.session_id
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "auto_rerun":
                self.fragments[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            case "stop_auto_rerun":
                for part in message.stop_auto_rerun.fragment_ids:
                    self.fragments.pop(part, None)
            case "delta":
                self._draw(message)
            case "script_finished":
                if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    return True
                self.fragments.clear()  # the whole page begins anew
        return False

    def _draw(self, message: ForwardMsg) -> None:
        if message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        match element.WhichOneof("type"):
            case "button":
                self.buttons.setdefault(element.button.label, element.button.id)
            case "file_uploader":
                self.uploaders.append(element.file_uploader.id)
            case "bidi_component" if element.bidi_component.component_name.endswith("live_status"):
                self.drawn = json.loads(element.bidi_component.json)["page"]
            case "bidi_component" if element.bidi_component.component_name.endswith("live_figure"):
                part = message.delta.fragment_id
                self.figures += [part] if part and part not in self.figures else []
            case "exception":
                self.problems.append(element.exception.message)

    @property
    def run_id(self) -> str:
        """The run in the address."""
        return parse_qs(self.query)["run"][0]

    async def end(self) -> None:
        """Closes the tab."""
        await self._socket.close()


async def cookies_of(address: str) -> dict[str, str]:
    """What a new browser is given with the first page, and with the sign of life that it asks for."""
    given: dict[str, str] = {}
    for path in ("/", "/_stcore/health"):
        answer = await AsyncHTTPClient().fetch(f"{address}{path}")
        for line in answer.headers.get_list("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            given[name] = value
    return given


def _sent(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


@dataclass
class FollowedRun:
    """What a browser asks while it shows a run."""

    address: str
    run_id: str
    number: int = 0
    preview: int | None = None
    page: str = ""  # what the feed says of the page, see ``Session.drawn``
    wait: float = 1.0  # seconds until it asks again
    badge: str = ""  # of the line that says how the run is
    words: str = ""

    async def step(self) -> int:
        """Steps made so far."""
        answer = await self._fetch("", {"since": 0, "rates": 0})
        content = json.loads(answer.body)["figures"]["rates"].get("curves", {})
        steps: list[int] = content.get("norm", [0, [], []])[1]
        return steps[-1] if steps else 0

    async def ask(self) -> Reply:
        """What has changed, and the latest prediction where it is a new one."""
        began = time.perf_counter()
        answer = await self._fetch("", {"since": self.number} | dict.fromkeys(FIGURES_IN_VIEW, self.number))
        reply = Reply(time.perf_counter() - began, len(answer.body))
        packed = answer.headers.get("Content-Encoding") == "gzip"
        content = json.loads(gzip.decompress(answer.body) if packed else answer.body)
        self.number, self.page, before = content["number"], content["page"], self.preview
        self.wait = content.get("wait", 1000) / 1000
        status = content.get("status", {})
        self.badge, self.words = status.get("badge", self.badge), status.get("words", self.words)
        self.preview = content.get("preview", before)
        if self.preview not in (None, before):
            await self._fetch("/prediction/nobody", {"step": self.preview})
        return reply

    async def _fetch(self, path: str, query: dict[str, Any]) -> Any:
        return await AsyncHTTPClient().fetch(
            f"{self.address}/live/runs/{self.run_id}{path}?{urlencode(query)}",
            decompress_response=not path and query["since"] == 0,
            headers={"Accept-Encoding": "gzip"},
            request_timeout=60,
        )
