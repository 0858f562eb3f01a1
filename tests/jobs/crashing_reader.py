"""The reader of uploads, which crashes on a file named bad.png."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

from explorer.jobs.confinement import Watch
from explorer.runs import upload_reading
from explorer.runs.upload_reading import UploadReading, UploadToRead


def read_upload(upload: UploadToRead, refused: Mapping[str, str], watch: Watch) -> UploadReading:
    def watched(name: str) -> None:
        watch(name)
        if name == "bad.png":
            os.kill(os.getpid(), signal.SIGSEGV)

    return upload_reading.read_upload(upload, refused, watched)
