"""What a page shows, as a visitor would look for it."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest


def button(page: AppTest, label: str) -> Any:
    """The first button with this label."""
    return next(each for each in page.button if each.label == label)


def picker(page: AppTest, label: str) -> Any:
    """The first selectbox with this label."""
    return next(each for each in page.selectbox if each.label == label)


def texts(page: AppTest) -> str:
    """All sentences of the page."""
    kinds = (page.success, page.error, page.warning, page.info, page.caption, page.markdown)
    return " ".join(each.value for kind in kinds for each in kind)


def status_line(page: AppTest) -> dict[str, Any]:
    """What the status of the run says: its badge with its colour, and the words beside it."""
    lines = (json.loads(each.proto.json) for each in page.get("bidi_component") if "status-" in each.proto.id)
    status: dict[str, Any] = next(lines)["status"]
    return status


def run_of(page: AppTest) -> str:
    """The id of the run in the address."""
    return address(page)["run"]


def address(page: AppTest) -> dict[str, str]:
    """The parameters of the address."""
    return {name: "".join(page.query_params[name]) for name in page.query_params}
