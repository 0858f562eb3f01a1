"""Memory of a real server while a real browser uploads three hundred hostile files.

``python -m tests.benchmarks.hostile`` prints what the server took before and at most, and which uploads showed a
traceback or no answer. ``--from`` and ``--to`` choose some of the uploads.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
import time
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

from tests.browser.conftest import FLAGS, running_server
from tests.imagery.reading.hostile_files import hostile_uploads

_ANSWER_SECONDS = 300
_MEBI = 1024 * 1024


class Peak:
    """What a process takes, looked at ten times a second: its own memory, and with the pages of files."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self.resident = self.own = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while self._process.is_running():
            memory = self._process.memory_info()
            self.resident = max(self.resident, memory.rss)
            self.own = max(self.own, memory.rss - memory.shared)
            time.sleep(0.1)


def main() -> None:
    """Uploads and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--to", dest="last", type=int, default=None)
    arguments = parser.parse_args()
    uploads = [*hostile_uploads()][arguments.first : arguments.last]
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    failed: list[str] = []
    # As for one that is killed, no traceback in its log is an error: Dask writes one where a worker refuses an upload
    with running_server(folder / "store", folder / "log.txt", True) as address, sync_playwright() as playwright:
        peak = Peak(next(each for each in psutil.Process().children() if "streamlit" in each.cmdline()))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(_ANSWER_SECONDS * 1000)
        page.goto(address)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        time.sleep(20)  # the workers start
        before = peak.resident, peak.own
        for number, (what, files) in enumerate(uploads):
            page.goto(f"{address}/imagery?source=Upload")
            page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
            time.sleep(0.5)  # no visitor is quicker; Streamlit loses a file that comes as a page begins again
            sent = [
                {"name": name.encode(errors="replace").decode(), "mimeType": "application/octet-stream", "buffer": data}
                for name, data in files.items()
            ]
            began = time.monotonic()
            page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(sent)
            try:
                page.wait_for_function(_ANSWERED, timeout=_ANSWER_SECONDS * 1000)
            except Exception as error:
                failed.append(f"{what}: no answer ({type(error).__name__})")
            if page.get_by_test_id("stException").count():
                failed.append(f"{what}: a traceback")
            print(
                f"{number} {what}: {time.monotonic() - began:.1f} s, {peak.resident / _MEBI:.0f} MiB at most",
                flush=True,
            )
        browser.close()
    print(f"{len(uploads)} uploads; {len(failed)} failed: {'; '.join(failed) or 'none'}")
    for name, first, most in (("resident", before[0], peak.resident), ("without mapped files", before[1], peak.own)):
        print(f"the server's memory, {name}: {first / _MEBI:.0f} MiB before, {most / _MEBI:.0f} MiB at most")


_ANSWERED = """() => {
  const done = document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]');
  const text = document.body.innerText;
  const taken = text.includes(' kept for ') || text.includes('at most 255');
  const said = document.querySelector('[data-testid=stAlert], [data-testid=stException], [data-testid=stImage]');
  return done && taken && said && !text.includes('Reading the files');
}"""


if __name__ == "__main__":
    main()
