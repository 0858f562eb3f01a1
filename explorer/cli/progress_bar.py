"""Progress of a command on stderr."""

from __future__ import annotations

import sys
import time

_WIDTH = 30  # characters
_REDRAW_SECONDS = 0.2


class ProgressBar:
    """One line that is redrawn where stderr is a terminal, and a new line for each tenth elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._drawn_at, self._tenth = -_REDRAW_SECONDS, -1

    def show(self, share: float, text: str) -> None:
        """Draws the bar, unless that was done a moment ago.

        Args:
            share: what is done, 0 to 1; 1 is always drawn.
            text: what stands beside the bar.
        """
        now, done = time.monotonic(), round(share * _WIDTH)
        line = f"[{'#' * done}{'.' * (_WIDTH - done)}] {text}"
        if not self._terminal:
            if int(share * 10) > self._tenth:
                self._tenth = int(share * 10)
                print(line, file=sys.stderr)
        elif now - self._drawn_at >= _REDRAW_SECONDS or share >= 1:
            self._drawn_at = now
            print("\r" + line, end="\x1b[K", file=sys.stderr, flush=True)

    def print_line(self, text: str) -> None:
        """Prints a line of its own above the bar."""
        print(("\r\x1b[K" if self._terminal else "") + text, file=sys.stderr)

    def close(self) -> None:
        """Leaves the bar as it was drawn last; what is printed next starts on a new line."""
        if self._terminal:
            print(file=sys.stderr)
