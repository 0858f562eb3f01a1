"""Parts of pages, as one visitor sees them."""

from __future__ import annotations

import pytest

from explorer.ui import identity


@pytest.fixture(autouse=True)
def visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    """One browser: AppTest has no cookies."""
    monkeypatch.setattr(identity, "_visitor_id", lambda: "0123456789abcdef01234567")
