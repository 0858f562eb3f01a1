"""``landscape`` leaves its slice and nothing else, and no two commands write one slice."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.__main__ import main
from explorer.cli.landscape import slice_lock
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.job_files import lock_file
from explorer.runs.training import execute
from tests.runs.tiny import tiny_dataset, tiny_plan


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that is trained."""
    dataset = tiny_dataset()
    path = tmp_path_factory.mktemp("runs") / "run"
    folder = RunFolder.create(path, tiny_plan(4), DatasetReference.to(dataset))
    for _ in execute(folder, dataset, device="cpu"):
        pass
    return folder


def landscape(run: Path, out: Path, *more: str) -> int:
    words = ["--plane", "random", "--line", "--resolution", "5", "--device", "cpu", "--out", str(out)]
    return main(["landscape", str(run), *words, *more])


def test_a_slice_leaves_its_file_alone(run: RunFolder, tmp_path: Path) -> None:
    assert landscape(run.path, tmp_path / "new" / "slice.npz") == 0
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["slice.npz"]


@pytest.mark.parametrize(
    "wrong",
    [["--checkpoint", "step_00000099.safetensors"], ["--checkpoint", "best"]],
    ids=["no such checkpoint", "no name"],
)
def test_what_is_not_there_is_said_before_anything_is_made(run: RunFolder, tmp_path: Path, wrong: list[str]) -> None:
    assert landscape(run.path, tmp_path / "new" / "slice.npz", *wrong) == 2
    assert landscape(tmp_path / "no-run", tmp_path / "new" / "slice.npz") == 2
    assert list(tmp_path.iterdir()) == []


def test_settings_that_do_not_fit_the_run_leave_no_file(run: RunFolder, tmp_path: Path) -> None:
    assert landscape(run.path, tmp_path / "slice.npz", "--layers", "tail") == 2
    assert list(tmp_path.iterdir()) == []


def test_one_slice_is_written_by_one_command(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with slice_lock(run, tmp_path / "slice.npz"):
        assert landscape(run.path, Path("slice.npz")) == 2
        assert "another job works on slice.npz" in capsys.readouterr().err
        assert landscape(run.path, Path("other.npz")) == 0


def test_a_slice_of_the_server_is_locked_against_the_server(run: RunFolder) -> None:
    file = run.path / "slices" / "slice.npz"
    with lock_file(file):
        assert landscape(run.path, file) == 2


def test_a_run_in_which_nothing_can_be_written_can_be_measured(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with slice_lock(run, tmp_path / "slice.npz"):
        assert landscape(run.path, tmp_path / "slice.npz") == 2
