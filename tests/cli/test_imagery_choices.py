"""``train`` and ``evaluate`` read what ``inspect`` reads: the same notes, and choices that are kept with the run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explorer.__main__ import main
from explorer.imagery.choices import ReadingChoices
from tests.cli.inspecting import inspect, pngs, squares, write
from tests.imagery.encoders import png
from tests.runs.tiny import tiny_plan


def train(root: Path, *options: str, out: str = "run") -> int:
    """Two steps on the images and masks below a folder."""
    plan = root / "plan.json"
    plan.write_text(tiny_plan(2).model_dump_json())
    folders = ["--images", str(root / "images"), "--masks", str(root / "masks")]
    return main(["train", *folders, "--plan", str(plan), "--device", "cpu", "--out", str(root / out), *options])


def evaluate(root: Path, *options: str, images: str = "images", masks: str = "masks") -> int:
    folders = ["--images", str(root / images), "--masks", str(root / masks)]
    return main(["evaluate", str(root / "run"), *folders, "--device", "cpu", *options])


def stored(root: Path) -> dict:
    return json.loads((root / "run" / "dataset.json").read_text())


def objects(printed: str, class_id: str = "1") -> int:
    """Objects of the label that count."""
    counts = json.loads(printed)["validation"]["classes"][class_id]["object"]
    return counts["true_positives"] + counts["false_negatives"]


def test_train_prints_the_notes_of_inspect(tmp_path, capsys):
    write(tmp_path, pngs(squares(), squares(255), squares()) | {"images/d.png": b"\x89PNG\r\n\x1a\nbroken"})
    _, found = inspect(tmp_path, capsys)
    assert train(tmp_path) == 0
    error = capsys.readouterr().err
    assert "b: 255 is the object" in error
    for note in (*found["notes"], *found["scenes"][1]["notes"]):
        assert f"{note['text']} [{note['code']}]" in error
    assert "Not used: d" in error


def test_choices_are_kept_with_the_run_and_evaluation_uses_them(tmp_path, capsys):
    write(tmp_path, pngs(squares((1, 3), ground=2), squares((1, 3), ground=2)))
    options = (
        "--background",
        "2",
        "--ignore",
        "3",
        "--names",
        "1=ship",
        "--min-area",
        "20",
        "--stretch",
        "scene",
        "--match",
        "iou:0.2",
    )
    assert train(tmp_path, *options, "--pair", "a.png=b.png", "--pair", "b.png=a.png") == 0
    kept = stored(tmp_path)
    assert kept["classes"] == ["background", "ship"]
    assert kept["minimum_area"] == 20
    choices = kept["choices"]
    assert (choices["background"], choices["ignore"], choices["names"]) == ("2", ["3"], {"1": "ship"})
    assert (choices["minimum_area"], choices["stretch"]) == (20, "scene")
    assert choices["pairs"] == {"a.png": "b.png", "b.png": "a.png"}
    capsys.readouterr()
    assert evaluate(tmp_path) == 0
    printed = capsys.readouterr()
    assert objects(printed.out) == 2  # one ship in each scene; 3 is ignored
    assert json.loads(printed.out)["minimum_area"] == 20
    assert kept["match_rule"] == choices["match_rule"] == {"kind": "iou", "value": 0.2}
    assert json.loads(printed.out)["match_rule"] == "IoU > 0.2"
    assert "were stretched by their own percentiles" in printed.err


def test_evaluation_of_other_masks_does_not_need_every_value(tmp_path, capsys):
    write(tmp_path, pngs(squares((1, 3), ground=2), squares((1, 3), ground=2)))
    assert train(tmp_path, "--background", "2", "--ignore", "3", "--names", "1=ship") == 0
    other = pngs(squares((1, 1), ground=2))
    write(tmp_path, {f"other/{name}": data for name, data in other.items()})
    capsys.readouterr()
    assert evaluate(tmp_path, images="other/images", masks="other/masks") == 0
    assert objects(capsys.readouterr().out) == 2


@pytest.mark.parametrize(
    ("mask", "options"),
    [
        (squares(0, ground=1), ("--swap",)),
        (squares(0, ground=255), ("--swap",)),
        (np.where(squares() == 1, 255, 0).astype(np.uint8), ("--smoothed", "half")),
        (squares((1, 2)), ("--instances",)),
        (squares((5, 9)), ("--names", "5=object,9=object")),
        (squares(), ()),
        (squares(255), ()),
    ],
)
def test_a_run_is_scored_on_the_objects_that_it_was_trained_on(mask, options, tmp_path, capsys):
    write(tmp_path, pngs(mask, mask))
    assert train(tmp_path, *options) == 0
    capsys.readouterr()
    assert evaluate(tmp_path) == 0
    printed = capsys.readouterr().out
    assert stored(tmp_path)["classes"] == ["background", "object"]
    assert objects(printed) == 4  # two in each scene


def test_a_run_can_be_repeated_from_what_it_stored(tmp_path):
    write(tmp_path, pngs(squares((1, 3), ground=2), squares((1, 3), ground=2), squares(ground=2)))
    options = ("--background", "2", "--names", "1=ship,3=ship", "--leave-out", "c", "--area", "a=0,0,30,0,30,40,0,40")
    assert train(tmp_path, *options) == 0
    again = ReadingChoices.model_validate(stored(tmp_path)["choices"]).as_options()
    first = stored(tmp_path)
    assert train(tmp_path, *again, out="again") == 0
    assert json.loads((tmp_path / "again" / "dataset.json").read_text()) == first


@pytest.mark.parametrize(
    ("masks", "options", "said"),
    [
        ((squares(0), squares(0)), (), "no foreground at all"),
        ((squares(ground=1), squares(ground=1)), (), "every labelled pixel is 'object'"),
        ((squares((255, 255)), squares((255, 255))), ("--ignore", "255"), "at least one other class"),
        ((squares(2), squares(2)), ("--names", "2=background"), "background"),
        ((squares(2), squares(2)), ("--ignore", "7"), "no mask holds the value 7"),
    ],
)
def test_one_class_alone_is_not_trained_on(masks, options, said, tmp_path, capsys):
    write(tmp_path, pngs(*masks))
    assert train(tmp_path, *options) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ")
    assert said in last
    assert not (tmp_path / "run").exists()


def test_without_any_usable_scene_each_reason_is_said_and_one_error(tmp_path, capsys):
    write(tmp_path, pngs(squares(), squares()) | {f"masks/{name}.png": png(squares(width=90)) for name in "ab"})
    assert train(tmp_path) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("error: ")] == lines[-1:]
    assert sum("90×40" in line for line in lines) >= 2


def test_scenes_for_validation_are_named_with_or_without_extension(tmp_path, capsys):
    write(tmp_path, pngs(squares(), squares(), squares()))
    assert train(tmp_path, "--val", "b") == 0
    assert train(tmp_path, "--val", "b.png", out="other") == 0
    assert stored(tmp_path) == json.loads((tmp_path / "other" / "dataset.json").read_text())
    assert train(tmp_path, "--val", "z", out="none") == 2
    assert "no scene is named z" in capsys.readouterr().err
