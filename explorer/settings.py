"""All settings and limits of an installation in one object, read from the environment once.

``EXPLORER_<NAME>`` overrides a field: ``EXPLORER_STORE=/data/explorer streamlit run app.py``.
"""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from explorer.errors import InputError, explain_validation

MEBI = 1024 * 1024

SERVER_PID = "LOSS_EXPLORER_SERVER_PID"
"""Environment variable by which a server tells the processes of its cluster whom to end with."""


class Settings(BaseModel):
    """Where files are kept, how jobs run, and limits on input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # storage
    store: Path = Field(Path(".store"), description="folder of the database, the datasets and the runs")
    upload_days: float = Field(7.0, gt=0, description="days an upload is kept after its last change, unless it is used")

    bin_days: float = Field(7.0, gt=0, description="days that a deleted run or dataset can be restored")
    expiry_days: float | None = Field(
        None, gt=0, description="days until runs and unshared datasets that nobody looks at go to the bin; none: never"
    )

    # visitors
    teacher_token: str | None = Field(
        None, min_length=8, description="opens the Class page; none: one is made and printed at each start"
    )
    visitor_runs: int = Field(12, ge=1, description="runs of one visitor that may wait or train at a time")
    visitor_bytes: int = Field(5 * 1024 * MEBI, ge=1, description="bytes that one visitor's things may take")
    visitor_upload_bytes_per_hour: int = Field(
        2 * 1024 * MEBI, ge=1, description="bytes that one visitor may upload within an hour"
    )

    # the engine
    scheduler: str | None = Field(
        None, description="tls://… or tcp://… of a Dask cluster; none: the server starts its own"
    )
    tls_ca_file: Path | None = Field(None, description="of that cluster: the CA that signs its certificates")
    tls_cert_file: Path | None = Field(None, description="the server's certificate for that cluster")
    tls_key_file: Path | None = Field(None, description="its private key")
    cpu_slots: int = Field(1, ge=1, le=1000, description="runs that train at once on the CPU")
    gpu_slots: int = Field(2, ge=1, le=1000, description="runs that train at once on each GPU")
    short_slots: int = Field(1, ge=0, le=1000, description="runs of at most 30 s that train beside the others")
    slice_workers: int = Field(1, ge=1, le=1000, description="workers that measure landscapes; they share each slice")
    worker_threads: int = Field(1, ge=1, description="of a worker's arithmetic on the processor; the engine sets it")
    device: str = Field("auto", description="where runs train: auto, cpu, cuda, cuda:1 or mps")
    checkpoint_steps: int = Field(50, ge=1, description="steps between the checkpoints that are kept")
    readers: int = Field(2, ge=1, le=100, description="uploads that are read at once, each in a process of its own")
    reading_memory: int = Field(2048 * MEBI, ge=256 * MEBI, description="bytes that such a process may take")
    prediction_memory: int = Field(
        4096 * MEBI, ge=64 * MEBI, description="bytes that predicting for one image may take"
    )
    reading_seconds: float = Field(120.0, ge=1, le=3600, description="seconds that it may take")

    # limits on input
    max_files: int = Field(20_000, ge=1, description="files in one upload or zip")
    max_file_bytes: int = Field(200 * MEBI, ge=1, description="bytes of one file")
    max_total_bytes: int = Field(1024 * MEBI, ge=1, description="bytes of one upload after unpacking")
    max_pixels: int = Field(100_000_000, ge=1, description="height × width of one image")
    max_values: int = Field(400_000_000, ge=1, description="height × width × bands of one image")
    max_decoded_bytes: int = Field(
        512 * MEBI, ge=1, description="bytes of one image or label once decoded, the copies of the reader included"
    )
    max_total_decoded_bytes: int = Field(
        2048 * MEBI, ge=1, description="bytes of all images and labels of an upload once decoded"
    )
    max_bands: int = Field(16, ge=1, le=16, description="bands of one image")
    max_classes: int = Field(16, ge=2, le=254, description="classes of one dataset, background included")

    def for_own_files(self) -> Settings:
        """The same without limits on what files take once decoded: those are for uploads to a server."""
        return self.model_copy(update={"max_decoded_bytes": sys.maxsize, "max_total_decoded_bytes": sys.maxsize})

    @field_validator("device")
    @classmethod
    def _is_a_device(cls, name: str) -> str:
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
            raise ValueError(f"there is no device called {name!r}: take auto, cpu, cuda, cuda:1 or mps")
        return name


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises:
        InputError: an environment variable has an invalid value.
    """
    prefix = "EXPLORER_"
    names = {prefix + name.upper(): name for name in Settings.model_fields}
    given = {names[key]: value for key, value in os.environ.items() if key in names and value}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        what, field = explain_validation(error)
        raise InputError(what, prefix + field.upper(), "correct or unset it") from None
