"""Who looks at the pages: a signed cookie says it, or a sign-in where one is configured.

Every browser that asks for a page gets a cookie with an id that nobody can guess, signed with a key of the store, so
that nobody can make up another's. A browser that keeps no cookies is a new visitor in every tab. Where Streamlit's
sign-in is configured (``[auth]`` in ``.streamlit/secrets.toml``), whoever has signed in is the same visitor everywhere.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import streamlit as st
from itsdangerous import BadSignature, Signer
from starlette.datastructures import MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.errors import InputError
from explorer.files import secret_key
from explorer.runs.finished_runs import FINISHED_RUNS
from explorer.runs.ownership import Owned, Visitor, is_of, is_seen_by, may_look, may_steer, require_steering
from explorer.runs.records import DatasetRecord, RunRecord
from explorer.runs.visitors import new_id
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.browser_script import base_path

COOKIE = "explorer-visitor"
_SECONDS = 365 * 24 * 60 * 60  # that a browser keeps it
_PASS = "explorer-pass"
_TAB = "visitor-of-this-tab"  # in the session: the id of a visitor whose browser keeps no cookies


class VisitorCookie:
    """Middleware that gives every browser its cookie with the first page.

    Args:
        app: what is served.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request; a page comes with a cookie where the browser has none that holds."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        sent = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_page = headers.get("content-type", "").startswith("text/html")
                if is_page and _id_in(cookie_parser(sent).get(COOKIE)) is None:
                    headers.append("set-cookie", _cookie(new_id(), scope["scheme"] == "https"))
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def visitor() -> Visitor:
    """Who looks at this page."""
    return services.store().visitors.visitor(_visitor_id(), services.teacher_token())


def may_change(record: RunRecord) -> bool:
    """Whether the visitor may start, steer, pause and stop a run."""
    return may_steer(record, visitor())


def require_change(record: RunRecord) -> None:
    """Refuses to let anybody but its owner change a run. Callbacks call it: a disabled button stops no attacker.

    Raises:
        InputError: the run is somebody else's.
    """
    require_steering(record, visitor())


def listed_runs() -> list[RunRecord]:
    """The runs that are offered to the visitor: their own, those of the class, and nobody's; of each the newest first.

    Those that come with the app are last.

    What a run shares with the class shows scenes of its dataset, see :func:`explorer.runs.ownership.may_look`.
    """
    who = visitor()
    seen = [record for record in services.store().runs() if is_seen_by(record, who) and not record.archived]
    examples = list(FINISHED_RUNS)
    return sorted(
        (record for record in seen if may_look_at(record)),
        key=lambda record: (_group(record, who), examples.index(record.id) if record.example else -1),
    )


def listed_datasets() -> list[DatasetRecord]:
    """The datasets that are offered to the visitor: their own, those of the class, examples; the newest first."""
    who = visitor()
    seen = [record for record in services.store().datasets() if is_seen_by(record, who) and not record.archived]
    return sorted(seen, key=lambda record: _group(record, who))


def may_look_at(record: RunRecord, me: Visitor | None = None) -> bool:
    """Whether a visitor may look at a run whose id they know.

    Args:
        record: of the run.
        me: who that is, outside of a page; None: whoever the page is drawn for.
    """
    me = me or visitor()
    return is_of(record, me) or may_look(record, services.store().dataset_record(record.dataset_id), me)


def require_dataset(dataset_id: str) -> None:
    """Refuses that the visitor trains on a dataset that is not offered to them; their own archived ones may be used.

    Raises:
        InputError: it is somebody else's and not shared, or it was deleted.
    """
    record = services.store().dataset_record(dataset_id)
    if not is_seen_by(record, visitor()):
        raise InputError("the dataset is not shared with you", dataset_id, "choose one of the list")
    if record.deleted is not None:
        raise InputError("the dataset was deleted", record.name, "restore it on the page Storage, or choose another")


def requires_sign_in() -> bool:
    """Whether a sign-in is configured and the visitor has not signed in."""
    return st.user.get("is_logged_in") is False


def _visitor_id() -> str:
    if st.user.get("is_logged_in"):
        who = f"{st.user.get('iss')} {st.user.get('sub') or st.user.get('email')}"
        return hashlib.sha256(who.encode()).hexdigest()[:24]
    known = _id_in(st.context.cookies.get(COOKIE))
    if known is None:
        known = str(st.session_state.setdefault(_TAB, new_id()))
    return known


def pass_to(run_id: str) -> str:
    """What a page of the visitor adds to an address of the server beside its pages, where nobody is signed in."""
    return _signer(_PASS).sign(f"{_visitor_id()}-{run_id}").decode()


def holder_of(run_pass: str, run_id: str) -> str:
    """The id of the visitor whose page has made a pass to this run; empty if none has."""
    try:
        holder, _, run = _signer(_PASS).unsign(run_pass).decode().partition("-")
    except (BadSignature, UnicodeDecodeError):
        return ""
    return holder if run == run_id else ""


def _group(owned: Owned, who: Visitor) -> int:
    """Where something stands in a list: one's own, then that of the class, then nobody's."""
    return 0 if is_of(owned, who) else 1 if owned.owner is not None else 2


def _id_in(cookie: str | None) -> str | None:
    """The id in a cookie; None if there is none, or it was not signed here."""
    if not cookie:
        return None
    try:
        return _signer(COOKIE).unsign(cookie).decode()
    except (BadSignature, UnicodeDecodeError):
        return None


def _cookie(visitor_id: str, secure: bool) -> str:
    value = _signer(COOKIE).sign(visitor_id).decode()
    attributes = f"Path={base_path() or '/'}; Max-Age={_SECONDS}; HttpOnly; SameSite=Lax"
    return f"{COOKIE}={value}; {attributes}{'; Secure' if secure else ''}"


@cache
def _signer_of(key: Path, salt: str) -> Signer:
    return Signer(secret_key(key), salt=salt)


def _signer(salt: str) -> Signer:
    """What is signed with one salt is worth nothing with another."""
    return _signer_of(settings().store.resolve() / "visitors.key", salt)
