"""Settings of the installation: read from the environment; a bad one ends the server with one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.runs.store import Store
from explorer.settings import settings

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CPU_SLOTS", "abc", "valid integer"),
        ("CPU_SLOTS", "99999999999999999999", "less than or equal to 1000"),
        ("UPLOAD_DAYS", "nan", "greater than 0"),
        ("MAX_CLASSES", "1", "greater than or equal to 2"),
        ("DEVICE", "gpu7", "no device called 'gpu7': take auto, cpu"),
    ],
)
def test_a_bad_value_names_its_variable(name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"EXPLORER_{name}", value)
    with pytest.raises(InputError, match=f"EXPLORER_{name}: .*{said}"):
        settings()


def test_an_empty_value_is_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_CPU_SLOTS", "")
    monkeypatch.setenv("EXPLORER_DEVICE", "cuda:1")
    assert (settings().cpu_slots, settings().device) == (1, "cuda:1")


def test_a_store_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/store: the store cannot be used .*EXPLORER_STORE"):
        Store(tmp_path / "file" / "store")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(InputError, match=r"the store cannot be used .*not a database"):
        Store(tmp_path)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("EXPLORER_CPU_SLOTS", "abc", "error: EXPLORER_CPU_SLOTS: "),
        ("EXPLORER_STORE", f"{__file__}/store", f"error: {__file__}/store: the store cannot be used "),
    ],
)
def test_a_server_that_cannot_start_says_why_in_one_line(variable: str, value: str, said: str) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port", "8598"]
    ended = subprocess.run(
        command, env=os.environ | {variable: value}, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr + ended.stdout
    assert ended.stderr.strip().splitlines()[-1].startswith(said)
