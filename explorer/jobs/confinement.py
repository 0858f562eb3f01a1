"""Work in a process of its own that may take only so much memory and time, for what must not be trusted.

A process does one piece of work and ends. The next one is started ahead, since it takes half a second to import what
its work needs. A process ends with the one that started it.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, Pipe
from typing import Any

from explorer.errors import InputError
from explorer.settings import MEBI

Watch = Callable[[str], None]
"""Says which file the work is about to open; "" means none in particular."""

_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "65536",  # what is given back does not count
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "GDAL_CACHEMAX": "64",  # MB; else, a share of the machine's memory
}


@dataclass(frozen=True)
class Confines:
    """What a process may take."""

    memory: int  # bytes beyond what it has when the work begins
    mapped: int  # bytes of files that it may map besides
    seconds: float  # until it says that it opens another file, or ends
    total_seconds: float


class ConfinedError(Exception):
    """The process ended without an answer.

    Args:
        what: happened, as a predicate of the file ("makes the reader crash").
        file: that it had opened last; "" if none in particular.
    """

    def __init__(self, what: str, file: str) -> None:
        self.what, self.file = what, file
        super().__init__(what, file)


@dataclass(frozen=True)
class _Task:
    module: str
    function: str
    arguments: tuple[object, ...]
    confines: Confines


class ConfinedProcesses:
    """Starts processes for the functions of a module, one ahead. Safe to use from several threads.

    Args:
        module: its full name.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._lock = threading.Lock()
        self._ahead: _Process | None = None

    def prepare(self) -> None:
        """Starts a process ahead, unless there is one."""
        with self._lock:
            if self._ahead is None or not self._ahead.is_alive():
                self._ahead = _Process(self._module)

    def run(self, function: str, arguments: tuple[object, ...], confines: Confines, module: str | None = None) -> Any:
        """Calls a function in a process and gives its answer.

        Args:
            function: its name; it takes the arguments and a ``Watch``.
            arguments: they and the answer are pickled.
            confines: what the process may take.
            module: of the function, if it is another one than that which is imported ahead.

        Raises:
            InputError: the work raises it.
            ConfinedError: the process has taken too much, or crashed.
        """
        self.prepare()
        with self._lock:
            process, self._ahead = self._ahead, None
        assert process is not None
        try:
            return process.answer(_Task(module or self._module, function, arguments, confines))
        finally:
            process.end()
            self.prepare()

    def close(self) -> None:
        """Ends the process that was started ahead."""
        with self._lock:
            process, self._ahead = self._ahead, None
        if process is not None:
            process.end()


class _Process:
    def __init__(self, module: str) -> None:
        self._connection, other = Pipe()
        command = [sys.executable, "-m", __name__, str(other.fileno()), module]
        self._process = subprocess.Popen(
            command, env=os.environ | _ENVIRONMENT, stdin=subprocess.DEVNULL, pass_fds=[other.fileno()]
        )
        other.close()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def answer(self, task: _Task) -> Any:
        at, confines = "", task.confines
        last = time.monotonic() + confines.total_seconds
        allowed = confines.total_seconds  # to start
        try:
            self._connection.send(task)
            while True:
                left = min(allowed, last - time.monotonic())
                if not self._connection.poll(max(0.0, left)):
                    raise ConfinedError(f"takes longer than {confines.seconds:.0f} s to read", at)
                kind, value = self._connection.recv()
                match kind:
                    case "begun":
                        allowed = confines.seconds
                    case "at":
                        at = value
                    case "done":
                        return value
                    case "refused":
                        raise value
                    case "memory":
                        raise ConfinedError(f"needs more than {confines.memory / MEBI:,.0f} MiB to be read", at)
                    case _:
                        raise ConfinedError(f"cannot be read: the reader failed ({value})", at)
        except (EOFError, OSError):
            code = self._process.wait()
            why = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise ConfinedError(f"makes the reader crash ({why})", at) from None


def _confine(confines: Confines) -> None:
    """Sets the limits of this process, as far as the system has them."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds = int(confines.total_seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))  # for one that nobody waits for any longer
    if not sys.platform.startswith("linux"):
        return  # elsewhere, the kernel does not hold a process to either
    with open("/proc/self/status", encoding="ascii") as file:
        now = {line.split(":")[0]: line.split()[1] for line in file if line.startswith("Vm")}
    for limit, taken, more in (
        (resource.RLIMIT_DATA, now["VmData"], confines.memory),
        (resource.RLIMIT_AS, now["VmSize"], confines.memory + confines.mapped),
    ):
        resource.setrlimit(limit, (int(taken) * 1024 + more,) * 2)


def _work(connection: Connection, task: _Task) -> tuple[str, Any]:
    """The kind of the answer, and the answer."""
    function = getattr(import_module(task.module), task.function)
    try:
        _confine(task.confines)
        return "done", function(*task.arguments, lambda name: connection.send(("at", name)))
    except InputError as problem:
        return "refused", problem
    except MemoryError:
        return "memory", None
    except Exception as error:
        traceback.print_exc()  # for the log: it is a fault of this program
        return "failed", type(error).__name__


def main() -> None:
    """What a process does: imports a module, waits for its task, does it."""
    connection = Connection(int(sys.argv[1]))
    import_module(sys.argv[2])
    try:
        task = connection.recv()
    except EOFError:  # whoever started this process has gone, or needs it no longer
        return
    connection.send(("begun", None))
    connection.send(_work(connection, task))


if __name__ == "__main__":
    main()
