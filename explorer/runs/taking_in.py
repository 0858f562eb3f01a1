"""What a store takes from the log of a run: whole lines, and the status that follows from an event."""

from __future__ import annotations

from pathlib import Path

from explorer.runs.records import RunStatus
from explorer.training.events import Ended, Event, Paused, Started


def status_after(event: Event, status: RunStatus, message: str) -> tuple[RunStatus, int, str]:
    """Status, step and message of a run once this event has happened."""
    match event:
        case Started():
            return RunStatus.RUNNING, event.step, ""
        case Paused():
            return RunStatus.PAUSED, event.step, ""
        case Ended():
            return RunStatus(event.reason), event.step, event.message
        case _:
            return status, event.step, message


def whole_lines(path: Path, offset: int) -> bytes:
    """What follows the offset, up to the last line break."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return b""
    return content[: content.rfind(b"\n") + 1]
