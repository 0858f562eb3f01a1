"""The progress bar: a line a tenth in a log, one redrawn line on a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from explorer.cli.progress_bar import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_log_gets_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar()
    for step in range(1, 101):
        bar.show(step / 100, f"step {step}")
    bar.close()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("] ")[1] for line in lines] == ["step 1", *(f"step {step}" for step in range(10, 101, 10))]
    assert lines[5].startswith("[" + "#" * 15 + "." * 15 + "]")


def test_terminal_gets_one_line_that_ends_full(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = ProgressBar()
    for step in range(1, 1001):
        bar.show(step / 1000, f"step {step}")
    bar.print_line("a note")
    bar.close()
    drawn = terminal.getvalue().split("\r")
    assert 3 <= len(drawn) < 100, "drawn at once and at the end, but not at every step"
    assert drawn[1].startswith("[" + "." * 30 + "] step 1\x1b[K")
    assert drawn[-2].startswith("[" + "#" * 30 + "] step 1000\x1b[K")
    assert drawn[-1] == "\x1b[Ka note\n\n"
