"""What all who watch a run are sent while it trains, made once for all of them.

A page draws the run's figures once. From then on the browser asks for what has changed since, by a number that counts
the changes, at an address of its own: no page runs for it, and two who ask the same get the same bytes. Where more has
changed than the ends of the curves, a phase or the status for example, the page is drawn again.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st
from anyio import to_thread
from plotly.io.json import to_json_plotly
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from explorer.errors import InputError
from explorer.figures.live import Moment, Schedule, changes, moment, structure
from explorer.runs.history import History
from explorer.runs.ownership import Visitor, may_look
from explorer.runs.records import RunRecord, RunStatus
from explorer.training.finding import silences
from explorer.ui import services
from explorer.ui.browser_script import base_path
from explorer.ui.identity import id_of_browser
from explorer.ui.preview_pictures import prediction_picture

_PATH = "/live/runs"
_LOOK_SECONDS = 0.4  # at most so often is looked for news, whoever asks
_MOMENTS = 8  # that can be gone on from; who is further behind gets all curves
_RUNS = 64
_LONGEST_NUMBER = 20  # digits


@dataclass(frozen=True, eq=False)
class _Seen:
    """A run at one moment."""

    number: int  # of the change
    history: History
    moment: Moment
    figures: tuple[object, ...]  # their structure, see :func:`explorer.figures.live.structure`
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
        self._answers: dict[int, bytes] = {}  # for those who have seen this moment, until there is another

    def answer(self, since: int) -> bytes:
        """What has changed since then, as JSON.

        Args:
            since: number of the change up to which the browser has drawn; 0: it has nothing.
        """
        with self._lock:
            now = self._look()
            since = since if since in self._seen else 0  # whatever else is asked has one answer
            if since not in self._answers:
                self._answers[since] = _answer(self._seen.get(since), now)
            return self._answers[since]

    def structure(self, at_once: bool = False) -> str:
        """Differs where only the page can draw what has changed: status, phases, messages, what is not found.

        Args:
            at_once: of this very moment, as a page needs it that is being drawn.
        """
        with self._lock:
            return self._look(0.0 if at_once else _LOOK_SECONDS).page

    def _look(self, every: float = _LOOK_SECONDS) -> _Seen:
        last = next(reversed(self._seen.values()), None)
        if last is not None and time.monotonic() - self._looked_at < every:
            return last
        self._looked_at = time.monotonic()
        record, history = services.store().run(self._run_id), services.follower(self._run_id).history()
        figures = structure(history)
        page = _page(record, history, figures)
        if last is not None and last.history is history and last.page == page:
            return last
        schedule = Schedule.of(record.plan, history, last.moment.schedule if last is not None else None)
        # numbers go on after a restart of the server, so that no browser takes one for another
        number = last.number + 1 if last is not None else time.time_ns() // 1_000_000
        now = _Seen(number, history, moment(history, self._classes, schedule), figures, page)
        self._seen[number], self._answers = now, {}
        if len(self._seen) > _MOMENTS:
            self._seen.popitem(last=False)
        return now


def _answer(before: _Seen | None, now: _Seen) -> bytes:
    previews = now.history.previews
    answer: dict[str, Any] = {"number": now.number, "preview": previews[-1].step if previews else None}
    if before is None or before.figures != now.figures:
        answer |= {"whole": True} | changes(None, now.moment)
    elif before is not now:
        answer |= changes(before.moment, now.moment)
    content: str = to_json_plotly(answer)
    return content.encode()


def _page(record: RunRecord, history: History, figures: tuple[object, ...]) -> str:
    engine = services.engine()
    waits = (engine.starting, engine.place(record.id) is None) if record.status is RunStatus.QUEUED else None
    silent = tuple(each.class_id for each in silences(history.validations))
    seen = (bool(history.validations), bool(history.previews), silent)
    parts = (record.status, record.message, waits, engine.problem, figures, seen)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def live_address(run_id: str) -> str:
    """Where a browser follows a run."""
    return f"{base_path()}{_PATH}/{run_id}"


def prediction_address(run_id: str) -> str:
    """Where a browser gets a run's predictions, by ``?step=``."""
    return f"{live_address(run_id)}/prediction"


@st.cache_resource(show_spinner=False, max_entries=_RUNS)
def feed(run_id: str) -> LiveFeed:
    """The one feed of a run."""
    return LiveFeed(run_id)


async def _changes(request: Request) -> Response:
    since = request.query_params.get("since", "")
    return await _response("application/json", _content, request.path_params["run_id"], since)


async def _picture(request: Request) -> Response:
    step, who = request.query_params.get("step", ""), Visitor(id_of_browser(request.cookies) or "", "")
    return await _response("image/webp", partial(_prediction, who), request.path_params["run_id"], step)


async def _response(kind: str, work: Callable[[str, int], bytes], run_id: str, number: str) -> Response:
    """What the work gives, done in a thread: others are answered meanwhile."""
    try:
        known = number.isdecimal() and len(number) < _LONGEST_NUMBER
        content = await to_thread.run_sync(work, run_id, int(number) if known else 0)
    except InputError as problem:
        return Response(str(problem), status_code=404, media_type="text/plain")
    return Response(content, media_type=kind, headers={"Cache-Control": "no-store"})


def _content(run_id: str, since: int) -> bytes:
    _present(run_id)
    return feed(run_id).answer(since)


def _prediction(who: Visitor, run_id: str, step: int) -> bytes:
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


ROUTES = (Route(_PATH + "/{run_id}", _changes), Route(_PATH + "/{run_id}/prediction", _picture))
"""Addresses of the server beside its pages."""
