"""``plan`` shows what ``train`` does; both take a plan from the data; a run that continues keeps its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from explorer.__main__ import main
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.training import probe
from explorer.training.events import Ended, Step
from explorer.training.fingerprint import Fingerprint
from explorer.training.plan import Plan, scaled
from explorer.training.planning import first_preset
from explorer.training.presets import PRESETS, preset_plan
from tests.runs.tiny import tiny_plan
from tests.training.kinds import trees


@pytest.fixture(scope="module")
def imagery(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that name folders of images and masks."""
    root = tmp_path_factory.mktemp("imagery")
    for folder in ("images", "masks"):
        (root / folder).mkdir()
    for scene in trees().scenes:
        Image.fromarray(scene.image[:, :96, :96].transpose(1, 2, 0).copy()).save(root / "images" / f"{scene.name}.png")
        Image.fromarray(scene.label[:96, :96]).save(root / "masks" / f"{scene.name}.png")
    return ["--images", str(root / "images"), "--masks", str(root / "masks"), "--device", "cpu"]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Plans whose steps were measured; a step takes 0.5 s."""
    plans: list[Plan] = []

    def measure(plan: Plan, *_: object) -> float:
        plans.append(plan)
        return 0.5

    monkeypatch.setattr(probe, "measure_step_seconds", measure)
    return plans


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    capsys.readouterr()
    assert main(["plan", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_holds_the_plan_its_reasons_and_the_fingerprint(
    imagery: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    printed = shown(capsys, *imagery, "--plan", "recall_first", "--steps", "80")
    assert set(printed) == {"plan", "choices", "warnings", "step_seconds", "fingerprint"}
    plan = Plan.model_validate(printed["plan"])
    assert (plan.name, plan.steps) == (PRESETS["recall_first"].name, 80)
    assert printed["step_seconds"] is None
    assert {"name", "value", "reason"} == set(printed["choices"][0])
    assert Fingerprint.model_validate(printed["fingerprint"]).classes[0].kind == "points"


def test_tables_hold_the_numbers_the_phases_and_the_reasons(
    imagery: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["plan", *imagery, "--plan", "recall_first", "--steps", "80"]) == 0
    printed = capsys.readouterr().out
    for text in ("points", "weighted cross entropy", "jaccard", "Working scale", "2 cycles", "80 steps"):
        assert text in printed


def test_without_a_plan_the_preset_that_suits_the_data_is_taken(
    imagery: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    printed = shown(capsys, *imagery, "--steps", "6")
    preset = first_preset(Fingerprint.model_validate(printed["fingerprint"]))
    assert printed["plan"]["name"] == PRESETS[preset].name
    assert main(["train", *imagery, "--steps", "6", "--out", str(tmp_path / "run")]) == 0
    assert RunFolder(tmp_path / "run").plan() == Plan.model_validate(printed["plan"])
    planned = RunFolder(tmp_path / "run").planned()
    assert planned is not None
    assert [choice.name for choice in planned.choices] == [choice["name"] for choice in printed["choices"]]


def test_a_time_is_turned_into_steps_of_this_machine(
    imagery: list[str], capsys: pytest.CaptureFixture[str], measured: list[Plan]
) -> None:
    printed = shown(capsys, *imagery, "--plan", "ce_only", "--seconds", "40")
    assert (printed["plan"]["phases"][0]["steps"], printed["step_seconds"]) == (76, 0.5)
    assert [plan.segmenter.kind for plan in measured] == ["pretrained"]
    assert shown(capsys, *imagery, "--plan", "ce_only")["plan"]["phases"][0]["steps"] == 171, "90 s are the default"


def test_a_segmenter_can_be_asked_for(imagery: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    printed = shown(capsys, *imagery, "--steps", "6", "--segmenter", "unet")
    assert printed["plan"]["segmenter"]["kind"] == "unet"


def test_a_plan_in_a_file_runs_as_written(
    imagery: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, measured: list[Plan]
) -> None:
    file = tmp_path / "plan.json"
    file.write_text(tiny_plan(30).model_dump_json())
    assert Plan.model_validate(shown(capsys, *imagery, "--plan", str(file))["plan"]) == tiny_plan(30)
    assert not measured
    assert shown(capsys, *imagery, "--plan", str(file))["choices"] == []
    steps = shown(capsys, *imagery, "--plan", str(file), "--steps", "12", "--seed", "4")["plan"]
    assert Plan.model_validate(steps) == scaled(tiny_plan(30), 12).model_copy(update={"seed": 4})
    seconds = shown(capsys, *imagery, "--plan", str(file), "--seconds", "20")["plan"]
    assert Plan.model_validate(seconds) == scaled(tiny_plan(30), 38).model_copy(update={"seconds": 20})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--plan", "no_such"], "neither a preset nor a file"),
        (["--seconds", "0"], "not a number of seconds above zero"),
        (["--seconds", "5", "--steps", "5"], "not allowed with"),
        (["--segmenter", "resnet"], "invalid choice"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    imagery: list[str], arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["plan", *imagery, *arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    error = capsys.readouterr().err
    assert code == 2
    assert said in error
    assert error.count("\n") == 1


def test_a_file_and_another_segmenter_contradict_each_other(
    imagery: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plan.json"
    file.write_text(tiny_plan(5).model_dump_json())
    assert main(["plan", *imagery, "--plan", str(file), "--segmenter", "unet"]) == 2
    assert "--segmenter" in capsys.readouterr().err


# A run that continues -------------------------------------------------------------------------------------------


def broken_off(folder: RunFolder) -> None:
    """As if the run had been killed after twelve events."""
    lines = folder.events_file.read_bytes().splitlines(keepends=True)
    folder.events_file.write_bytes(b"".join(lines[:12]))


def last_step(folder: RunFolder) -> int:
    return max(event.step for event in folder.events() if isinstance(event, Step))


def test_a_run_that_continues_keeps_its_plan_and_measures_nothing(
    imagery: list[str], tmp_path: Path, measured: list[Plan]
) -> None:
    command = ["train", *imagery, "--seconds", "3", "--segmenter", "unet", "--out", str(tmp_path / "run")]
    assert main(command) == 0
    folder = RunFolder(tmp_path / "run")
    plan, number = folder.plan(), len(measured)
    assert (plan.steps, plan.seconds, number) == (5, 3, 1)
    broken_off(folder)
    assert not isinstance(folder.events()[-1], Ended)
    assert main(command) == 0
    assert len(measured) == number
    assert folder.plan() == plan
    assert isinstance(folder.events()[-1], Ended)


@pytest.mark.parametrize(
    "other",
    [["--seconds", "9"], ["--steps", "15"], ["--seconds", "2", "--seed", "1"], ["--seconds", "2", "--plan", "focal"]],
)
def test_another_request_is_another_run(
    imagery: list[str], tmp_path: Path, measured: list[Plan], other: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", *imagery, "--segmenter", "unet", "--out", str(tmp_path / "run")]
    assert main([*command, "--seconds", "2"]) == 0
    before = RunFolder(tmp_path / "run").plan()
    assert main([*command, *other]) == 2
    assert "another run" in capsys.readouterr().err
    assert RunFolder(tmp_path / "run").plan() == before
    assert len(measured) == 1, "what cannot be written is not measured"


def test_a_run_of_an_earlier_version_continues_with_the_plan_of_its_preset(imagery: list[str], tmp_path: Path) -> None:
    """Such a run says nothing of what was asked for, and its plan is the preset's for any dataset."""
    command = ["train", *imagery, "--plan", "ce_only", "--steps", "6", "--out", str(tmp_path / "run")]
    assert main(command) == 0
    folder = RunFolder(tmp_path / "run")
    reference, old = folder.dataset(), scaled(preset_plan("ce_only"), 6)
    earlier = RunFolder.create(tmp_path / "earlier", old, DatasetReference.model_validate(reference.model_dump()))
    assert earlier.planned() is None
    assert main([*command[:-1], str(tmp_path / "earlier")]) == 0
    assert earlier.plan() == old
    assert last_step(earlier) == 6
