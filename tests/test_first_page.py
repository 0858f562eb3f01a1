"""What the first page waits for: it is served before the libraries are there that it does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LATER = ("torch", "distributed", "pandas", "scipy.ndimage", "scipy.spatial")


def test_home_waits_for_no_library_that_it_does_not_need(tmp_path: Path) -> None:
    seen = f"import app, sys; print([name for name in {LATER} if name in sys.modules])"
    root = Path(__file__).resolve().parents[1]
    answer = subprocess.run([sys.executable, "-c", seen], cwd=root, env={"EXPLORER_STORE": str(tmp_path), "PATH": ""},
                            capture_output=True, text=True, check=True)  # fmt: skip
    assert answer.stdout.strip() == "[]"
