"""``report``: with the imagery of the run, without it, and with that of another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.__main__ import main
from explorer.landscape.slice import Slice
from tests.runs.tiny import tiny_dataset, tiny_plan


@pytest.fixture(scope="module")
def imagery(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that name images and masks of three bands."""
    root = tmp_path_factory.mktemp("imagery")
    for folder in ("images", "masks"):
        (root / folder).mkdir()
    for scene in tiny_dataset().scenes:
        bands = np.stack([*scene.image, scene.image[0]], axis=-1)
        Image.fromarray(bands).save(root / "images" / f"{scene.name}.png")
        Image.fromarray(scene.label).save(root / "masks" / f"{scene.name}.png")
    return ["--images", str(root / "images"), "--masks", str(root / "masks")]


@pytest.fixture(scope="module")
def run(imagery: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that chose two scenes to validate on."""
    folder = tmp_path_factory.mktemp("runs")
    plan = folder / "plan.json"
    plan.write_text(tiny_plan(12, choose_threshold=True).model_dump_json())
    more = ["--val", "scene3,scene1", "--min-area", "4", "--device", "cpu", "--out", str(folder / "run")]
    assert main(["train", *imagery, "--plan", str(plan), *more]) == 0
    return folder / "run"


def test_with_its_imagery_everything_is_there(run: Path, imagery: list[str], tmp_path: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    out = tmp_path / "new" / "report.html"
    assert main(["report", str(run), *imagery, "--device", "cpu", "--out", str(out)]) == 0
    page = out.read_text()
    assert "data:image/webp" in page
    assert 'class="thresholds"' in page
    assert "--min-area 4 --val scene1,scene3 --plan PLAN.json" in page, "the command that trains it again"
    assert [file.name for file in out.parent.iterdir()] == ["report.html"]
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*")} == before, "the run stays as it was"


def test_without_imagery_it_says_what_is_missing(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert main(["report", str(run), "--out", str(out)]) == 0
    page = out.read_text()
    assert "data:image/webp" not in page
    assert "n/a: give --images and --masks to the command report" in page
    assert "the app has not swept its thresholds" in page


def test_a_slice_can_lie_elsewhere(run: Path, tmp_path: Path) -> None:
    slice_, out = tmp_path / "slice.npz", tmp_path / "report.html"
    words = ["--plane", "random", "--line", "--resolution", "5", "--device", "cpu", "--out", str(slice_)]
    assert main(["landscape", str(run), *words]) == 0
    assert main(["report", str(run), "--slice", str(slice_), "--out", str(out)]) == 0
    page = out.read_text()
    assert "no slice of this run" not in page
    assert "--plane random --resolution 5" in page, "the command that measures it again"
    assert main(["report", str(run), "--slice", str(out), "--out", str(tmp_path / "other.html")]) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": "another"}, "a landscape on another dataset"),
        ({"run": "another"}, "a landscape of the run another"),
        ({"run": "", "checkpoint": "step_00000099.safetensors"}, "of the run step_00000099.safetensors"),
        ({"run": ""}, ""),
    ],
)
def test_a_slice_of_another_run_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, str], words: str
) -> None:
    slice_ = tmp_path / "slice.npz"
    options = ["--plane", "random", "--line", "--resolution", "3", "--device", "cpu", "--out", str(slice_)]
    assert main(["landscape", str(run), *options]) == 0
    measured = Slice.load(slice_)
    replace(measured, meta=measured.meta.model_copy(update=change)).save(slice_)
    capsys.readouterr()
    code = main(["report", str(run), "--slice", str(slice_), "--out", str(tmp_path / "report.html")])
    assert code == (2 if words else 0)
    assert words in capsys.readouterr().err


def test_runs_are_told_apart_by_their_folders(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    (tmp_path / "again").symlink_to(run)
    assert main(["report", str(run), str(tmp_path / "again"), "--out", str(out)]) == 0
    assert "tiny · again" in out.read_text()


def test_bad_input_leaves_no_file(
    run: Path, imagery: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    assert main(["report", str(run), "--out", str(tmp_path / "report.pdf")]) == 2
    assert "does not end in .html" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "none"), "--out", str(out)]) == 2
    assert main(["report", str(run), *imagery[2:], "--out", str(out)]) == 2
    assert "give --images, too" in capsys.readouterr().err
    assert main(["report", str(run), *imagery, "--min-area", "30", "--out", str(out)]) == 2
    assert "not the images and masks that the run was trained on" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
