"""Confined processes: they take only so much memory and time, and whatever they do ends in one error."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from explorer.errors import InputError
from explorer.jobs.confinement import ConfinedError, ConfinedProcesses, Confines
from explorer.settings import MEBI

CONFINES = Confines(memory=300 * MEBI, mapped=100 * MEBI, seconds=60, total_seconds=120)


@pytest.fixture(scope="module")
def processes() -> Iterator[ConfinedProcesses]:
    made = ConfinedProcesses("tests.jobs.reading_on_purpose")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("memory", "needs more than 300 MiB to be read"),
        ("hang", "takes longer than 1 s to read"),
        ("crash", r"makes the reader crash \(SIGSEGV\)"),
        ("exit", r"makes the reader crash \(exit code 3\)"),
        ("error", r"cannot be read: the reader failed \(KeyError\)"),
    ],
)
def test_a_process_that_fails_names_the_file_it_was_at(processes: ConfinedProcesses, how: str, said: str) -> None:
    confines = Confines(300 * MEBI, 100 * MEBI, 1.0 if how == "hang" else 60, 120)
    with pytest.raises(ConfinedError, match=said) as caught:
        processes.run("misbehave", (how,), confines)
    assert caught.value.file == "b.tif"


def test_answers_and_input_errors_come_back(processes: ConfinedProcesses) -> None:
    assert processes.run("misbehave", ("well",), CONFINES) == "well"
    with pytest.raises(InputError, match=r"b\.tif: no image — save it again"):
        processes.run("misbehave", ("refuse",), CONFINES)


def test_nothing_is_left_of_a_process_but_the_next_one(processes: ConfinedProcesses) -> None:
    for how in ("well", "crash"):
        try:
            processes.run("misbehave", (how,), CONFINES)
        except ConfinedError:
            continue
    children = [child for child in psutil.Process().children() if "explorer.jobs.confinement" in child.cmdline()]
    assert len(children) == 1
    processes.close()
    assert not psutil.pid_exists(children[0].pid)
