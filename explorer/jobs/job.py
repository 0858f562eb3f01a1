"""What a job is: a typed value that says what to do, where, and how long it may take.

The server makes these values and gets typed answers; the function that does the work is named by its module and
imported by the worker alone, since nearly all of them need torch. ``explorer.jobs.registry`` has the kinds of jobs.

- ``Job``: a question whose answer comes back (``Engine.ask``).
- ``FileJob``: work that leaves a file in a run's folder. It has an id in the store, outlives the page that ordered it,
  publishes its progress, and can be stopped (``Engine.order``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from explorer.runs.records import JobStatus

Answer = TypeVar("Answer")


class Resource(StrEnum):
    """What a worker is there for; Dask's name of the resource that it offers."""

    TRAIN = "train"
    SHORT = "short"  # for runs of seconds, as lessons have them: they do not wait for long ones
    SLICE = "slice"
    QUICK = "quick"  # short jobs, which answer while runs train and slices are measured
    PREDICT = "predict"  # for images, which may take long: short jobs do not wait for them
    READ = "read"  # uploads, in processes with limits of their own


class Job(Generic[Answer]):
    """A job whose answer is an ``Answer``. Subclasses are frozen dataclasses: their fields are the arguments."""

    entry: ClassVar[str]  # "module:function" of a function that takes the job and gives the answer
    resource: ClassVar[Resource]
    limit: ClassVar[float]  # seconds; a job that answers is not waited for any longer, a file job stops itself
    title: ClassVar[str]  # in words

    def describe(self) -> str:
        """What the job does, in words, for messages and lists."""
        return self.title


def perform(job: Job[Answer]) -> Answer:
    """Does a job. Runs on a worker."""
    module, _, function = job.entry.partition(":")
    answer: Answer = getattr(import_module(module), function)(job)
    return answer


@dataclass(frozen=True)
class FileJob(Job[JobStatus]):
    """Work on a run that leaves a file; its answer is how it ended: done or stopped."""

    run: Path  # its folder
    dataset: Path  # file of the dataset that it trains on
    device: str

    @property
    def file(self) -> Path:
        """Where the result will be."""
        raise NotImplementedError
