"""What all who watch a run are sent while it trains, made once for all of them.

A page draws the run once. From then on the browser asks for what has changed since, by a number that counts the
changes, at an address of its own: no page runs for it, and two who ask the same get the same bytes. It asks for the
figures that are in view, each by the change up to which it was drawn. Where more has changed than the status and the
ends of the curves, a phase or a message for example, it has the page drawn again.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from explorer.errors import InputError
from explorer.figures.live import FIGURES, Moment, Schedule, changes, moment, structure
from explorer.runs.history import History
from explorer.runs.ownership import Visitor, may_look
from explorer.runs.records import RunRecord, RunStatus
from explorer.training.finding import silences
from explorer.ui import services
from explorer.ui.browser_script import base_path
from explorer.ui.identity import holder_of, pass_to
from explorer.ui.run_status import Status, status_of

_PATH = "/live/runs"
_LOOK_SECONDS = 0.4  # at most so often is looked for news, whoever asks
_LOOK_SECONDS_AT_FIRST = 0.08  # while the first step is made
_EVERY_AT_FIRST, _EVERY_IN_QUEUE = 150, 400  # milliseconds between two questions of a browser; later it is a second
_MOMENTS = 8  # that can be gone on from; who is further behind gets all curves
_ANSWERS = 64  # to different questions that are kept until there is another moment
_RUNS = 64
_LONGEST_NUMBER = 20  # digits

Drawn = tuple[tuple[str, int], ...]
"""Figures that a browser asks for, in order, each with the number of the change up to which it has drawn it."""


@dataclass(frozen=True, eq=False)
class _Seen:
    """A run at one moment."""

    number: int  # of the change
    history: History
    moment: Moment
    figures: tuple[object, ...]  # their structure, see :func:`explorer.figures.live.structure`
    status: Status
    wait: int | None  # milliseconds until a browser asks again, where it is not a second
    page: str  # see :meth:`LiveFeed.structure`


class LiveFeed:
    """What changes in one run. Safe to use from several threads.

    Args:
        run_id: of a run of the store.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._classes = len(services.dataset(services.store().run(run_id).dataset_id).classes)
        self._lock = threading.Lock()
        self._looked_at = 0.0
        self._seen: OrderedDict[int, _Seen] = OrderedDict()  # the last moments
        self._answers: OrderedDict[tuple[int, Drawn], bytes] = OrderedDict()  # until there is another moment

    def answer(self, since: int, drawn: Drawn = ()) -> bytes:
        """What has changed, as JSON.

        Args:
            since: number of the change up to which the browser knows the status; 0: it knows nothing.
            drawn: the figures that it shows.
        """
        with self._lock:
            now = self._look()
            asked = self._known(since), tuple((figure, self._known(number)) for figure, number in drawn)
            if asked not in self._answers:
                self._answers[asked] = self._made(now, *asked)
                if len(self._answers) > _ANSWERS:
                    self._answers.popitem(last=False)
            return self._answers[asked]

    def structure(self) -> str:
        """Differs where only the page can draw what has changed: phases, messages, what is not found. Of this very
        moment, as a page needs it that is being drawn."""
        with self._lock:
            return self._look(0.0).page

    def _known(self, number: int) -> int:
        """Whatever else is asked has one answer."""
        return number if number in self._seen else 0

    def _look(self, every: float = _LOOK_SECONDS) -> _Seen:
        last = next(reversed(self._seen.values()), None)
        if last is not None and last.wait == _EVERY_AT_FIRST:
            every = min(every, _LOOK_SECONDS_AT_FIRST)
        if last is not None and time.monotonic() - self._looked_at < every:
            return last
        self._looked_at = time.monotonic()
        record, history = services.store().run(self._run_id), services.follower(self._run_id).history()
        figures, status = structure(history), status_of(record, history)
        page = _page(record, history, figures)
        if last is not None and last.history is history and (last.page, last.status) == (page, status):
            return last
        schedule = Schedule.of(record.plan, history, last.moment.schedule if last is not None else None)
        # numbers go on after a restart of the server, so that no browser takes one for another
        number = last.number + 1 if last is not None else time.time_ns() // 1_000_000
        now = _Seen(
            number, history, moment(history, self._classes, schedule), figures, status, _wait(record, history), page
        )
        self._seen[number] = now
        self._answers.clear()
        if len(self._seen) > _MOMENTS:
            self._seen.popitem(last=False)
        return now

    def _made(self, now: _Seen, since: int, drawn: Drawn) -> bytes:
        known = self._seen.get(since)
        answer: dict[str, Any] = {"number": now.number, "page": now.page}
        if known is None or known.status != now.status:
            answer["status"] = asdict(now.status)
        if known is None or known.history.previews[-1:] != now.history.previews[-1:]:
            answer["preview"] = now.history.previews[-1].step if now.history.previews else None
        if now.wait is not None:
            answer["wait"] = now.wait
        figures = {name: _figure(self._seen.get(number), now, name) for name, number in drawn}
        if any(figures.values()):
            answer["figures"] = {name: changed for name, changed in figures.items() if changed}
        return json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()


def _wait(record: RunRecord, history: History) -> int | None:
    """What is about to happen is seen sooner: the first step, and less so that a run leaves the queue."""
    if history.last_step or not record.status.active:
        return None
    is_in_queue = record.status is RunStatus.QUEUED and services.engine().place(record.id) is not None
    return _EVERY_IN_QUEUE if is_in_queue else _EVERY_AT_FIRST


def _figure(before: _Seen | None, now: _Seen, name: str) -> dict[str, Any]:
    if before is None or before.figures != now.figures:
        return {"whole": True} | changes(None, now.moment, name)
    return {} if before is now else changes(before.moment, now.moment, name)


def _page(record: RunRecord, history: History, figures: tuple[object, ...]) -> str:
    engine = services.engine()
    waits = (engine.starting, engine.place(record.id) is None) if record.status is RunStatus.QUEUED else None
    silent = tuple(each.class_id for each in silences(history.validations[-1:]))
    seen = (bool(history.validations), bool(history.previews), silent)
    parts = (record.status, record.message, waits, engine.problem, figures, seen)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def live_address(run_id: str) -> str:
    """Where a browser follows a run."""
    return f"{base_path()}{_PATH}/{run_id}"


def prediction_address(run_id: str) -> str:
    """Where the visitor's browser gets a run's predictions, by ``?step=``."""
    return f"{live_address(run_id)}/prediction/{pass_to(run_id)}"


@st.cache_resource(show_spinner=False, max_entries=_RUNS)
def feed(run_id: str) -> LiveFeed:
    """The one feed of a run."""
    return LiveFeed(run_id)


async def _changes(request: Request) -> Response:
    run_id, asked = request.path_params["run_id"], request.query_params
    drawn = tuple((name, _number(asked[name])) for name in FIGURES if name in asked)
    return await _response("application/json", lambda: _content(run_id, _number(asked.get("since", "")), drawn))


async def _picture(request: Request) -> Response:
    run_id, step = request.path_params["run_id"], _number(request.query_params.get("step", ""))
    who = Visitor(holder_of(request.path_params["run_pass"], run_id), "")
    return await _response("image/webp", lambda: _prediction(who, run_id, step))


def _number(text: str) -> int:
    """0 where it is none."""
    return int(text) if text.isdecimal() and len(text) < _LONGEST_NUMBER else 0


async def _response(kind: str, work: Callable[[], bytes]) -> Response:
    """What the work gives, done in a thread: others are answered meanwhile."""
    try:
        content = await to_thread.run_sync(work)
    except InputError as problem:
        return Response(str(problem), status_code=404, media_type="text/plain")
    return Response(content, media_type=kind, headers={"Cache-Control": "no-store"})


def _content(run_id: str, since: int, drawn: Drawn) -> bytes:
    _present(run_id)
    return feed(run_id).answer(since, drawn)


def _prediction(who: Visitor, run_id: str, step: int) -> bytes:
    from explorer.ui.preview_pictures import prediction_picture  # here: Home does not wait for what pictures need

    record = _present(run_id)
    if not may_look(record, services.store().dataset_record(record.dataset_id), who):
        raise InputError("its dataset is no longer shared", run_id, "ask its owner")
    for preview in reversed(services.follower(run_id).history().previews):
        if preview.step == step:
            return prediction_picture(run_id, record.dataset_id, preview)
    raise InputError("there is no prediction of this step", str(step), "take the step of a validation")


def _present(run_id: str) -> RunRecord:
    """A run that has not been deleted.

    Raises:
        InputError: it has, or there is no such run.
    """
    record = services.store().run(run_id)
    if record.deleted is not None:
        raise InputError("the run was deleted", run_id, "choose another run")
    return record


ROUTES = (Route(_PATH + "/{run_id}", _changes), Route(_PATH + "/{run_id}/prediction/{run_pass}", _picture))
"""Addresses of the server beside its pages."""
