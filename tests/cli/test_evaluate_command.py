"""``evaluate`` and ``predict`` at the thresholds of a run, and every choice about masks for files of another kind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from explorer.__main__ import main
from explorer.imagery.objects import areas_of, connected_components
from explorer.metrics.splitting_predictions import ObjectCut
from explorer.runs.class_thresholds import read_own_thresholds
from explorer.runs.folder import RunFolder
from tests.cli.inspecting import pngs, squares, write
from tests.runs.tiny import tiny_dataset, tiny_plan

Printed = tuple[int, dict[str, Any], str]


def folders(root: Path) -> list[str]:
    return ["--images", str(root / "images"), "--masks", str(root / "masks"), "--device", "cpu"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that chose its threshold, and the imagery of its dataset."""
    root = tmp_path_factory.mktemp("evaluate")
    for scene in tiny_dataset().scenes:
        (root / "masks").mkdir(exist_ok=True)
        Image.fromarray(scene.label * 255).save(root / "masks" / f"{scene.name}.png")
        (root / "images").mkdir(exist_ok=True)
        with rasterio.open(
            root / "images" / f"{scene.name}.tif", "w", driver="GTiff", height=64, width=64, count=2, dtype="uint8"
        ) as file:
            file.write(scene.image)
    (root / "plan.json").write_text(tiny_plan(60, choose_threshold=True).model_dump_json())
    out = ["--plan", str(root / "plan.json"), "--out", str(root / "run"), "--val", "scene3"]
    assert main(["train", *folders(root), *out]) == 0
    return root


@pytest.fixture
def evaluate(root: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Printed]:
    """Evaluates the run on the imagery of its dataset."""

    def evaluated(*options: str, of: Path | None = None, run: Path | None = None) -> Printed:
        capsys.readouterr()
        code = main(["evaluate", str(run or root / "run"), *folders(of or root), *options])
        printed = capsys.readouterr()
        return code, json.loads(printed.out or "{}"), printed.err

    return evaluated


def own_of(root: Path) -> float:
    own = read_own_thresholds(RunFolder(root / "run"))
    assert own is not None
    return own.values[0]


def cut_of(root: Path) -> ObjectCut:
    own = read_own_thresholds(RunFolder(root / "run"))
    assert own is not None
    return own.cuts()[0]


def test_threshold_is_the_runs_own_unless_another_is_given(root: Path, evaluate: Callable[..., Printed]) -> None:
    own = own_of(root)
    assert own != 0.5
    _, as_chosen, _ = evaluate()
    assert as_chosen["threshold"] == {"1": own}
    assert as_chosen["threshold_scenes"]
    _, at_half, _ = evaluate("--threshold", "half")
    assert (at_half["threshold"], at_half["threshold_source"]) == ({"1": 0.5}, "half: ½")
    assert at_half["validation"] == at_half["validation_half"] == as_chosen["validation_half"]
    _, stated, _ = evaluate("--threshold", str(own))
    assert (stated["threshold_source"], stated["threshold_choice"]) == ("given", {})
    assert (as_chosen["smallest"], stated["smallest"]) == ({"1": cut_of(root).smallest}, {"1": 1})
    assert stated["validation"] != as_chosen["validation"] != as_chosen["validation_half"]
    recalls = [
        evaluate("--threshold", text)[1]["validation"]["classes"]["1"]["pixel"]["recall"] for text in ("0.01", "1")
    ]
    assert recalls == [1.0, 0.0]


def test_scores_of_each_scene_and_their_median_stand_beside_the_pooled_ones(evaluate: Callable[..., Printed]) -> None:
    _, printed, _ = evaluate()
    assert list(printed["scenes"]) == ["scene0", "scene1", "scene2", "scene3"]
    f1 = [scores["classes"]["1"]["pixel"]["f1"] for scores in printed["scenes"].values()]
    assert printed["scenes_median"]["classes"]["1"]["pixel"]["f1"] == pytest.approx(float(np.median(f1)))
    assert {"segmentation_quality", "recognition_quality", "panoptic_quality"} < set(
        printed["validation"]["classes"]["1"]["panoptic"]
    )


def test_the_match_rule_is_the_runs_unless_another_is_given(root: Path, evaluate: Callable[..., Printed]) -> None:
    _, usual, said = evaluate()
    assert (usual["match_rule"], usual["match"]) == ("IoU > 0.5", "iou:0.5")
    assert "match_rule" not in said, "nothing is proposed for scenes that are scored"
    found = {}
    for rule, words in (("iou:0.1", "IoU > 0.1"), ("centroid:6", "centroids within 6 px"), ("overlap", "any overlap")):
        code, printed, said = evaluate("--match", rule)
        assert (code, printed["match_rule"], printed["match"]) == (0, words, rule)
        found[rule] = printed["validation"]["classes"]["1"]
        assert found[rule]["panoptic"]["panoptic_quality"] is None
        assert ("one blob over everything" in said) == (rule == "overlap")
    hits = [usual["validation"]["classes"]["1"], found["iou:0.1"], found["overlap"]]
    counts = [each["object"]["true_positives"] for each in hits]
    assert counts == sorted(counts)
    _, within, _ = evaluate("--match", "tolerance:2")
    of_class = within["validation"]["classes"]["1"]
    assert of_class["object"]["recall"] == of_class["tolerance"]["recall"] >= of_class["pixel"]["recall"]
    assert within["scenes_median"]["classes"]["1"]["object"]["f1"] is not None


def test_a_run_that_finds_nothing_says_so(evaluate: Callable[..., Printed]) -> None:
    code, printed, said = evaluate("--threshold", "1")
    assert (code, printed["found_nothing"]) == (0, {"1": True})
    assert "warning: no pixel of object was found" in said
    assert evaluate("--threshold", "0.01")[1]["found_nothing"] == {"1": False}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("iou:0.1", "IoU > 0.1"),
        ("overlap", "any overlap"),
        ("centre", "centre inside"),
        ("centroid:4", "centroids within 4 px"),
        ("tolerance:2", "pixels within 2 px"),
    ],
)
def test_match_rule_can_be_another_than_the_runs(rule: str, words: str, evaluate: Callable[..., Printed]) -> None:
    _, usual, _ = evaluate()
    assert (usual["match"], usual["match_rule"]) == ("iou:0.5", "IoU > 0.5")
    code, printed, said = evaluate("--match", rule)
    assert code == 0
    assert (printed["match"], printed["match_rule"]) == (rule, words)
    assert printed["threshold"] == usual["threshold"], "that of the run stays"
    of_class, of_usual = printed["validation"]["classes"]["1"], usual["validation"]["classes"]["1"]
    assert of_class["pixel"] == of_usual["pixel"]
    assert of_class["object"]["recall"] >= of_usual["object"]["recall"]
    precision = f"object: precision of pixels {of_class['pixel']['precision']:.3f}. Under the rule {words}"
    assert (precision in said) == (rule in ("overlap", "centre"))
    assert (of_class["tolerance"] is not None) == rule.startswith("tolerance")
    assert printed["scenes_median"]["classes"]["1"]["object"]["f1"] is not None


def test_flips_and_splitting_are_options(evaluate: Callable[..., Printed]) -> None:
    _, printed, _ = evaluate("--flips", "--split")
    assert (printed["flips"], printed["split"]) == (True, {"1": True})
    _, plain, _ = evaluate()
    assert (plain["flips"], plain["split"]) == (False, {"1": False})
    assert printed["validation"]["classes"]["1"]["pixel"] != plain["validation"]["classes"]["1"]["pixel"]
    _, split, _ = evaluate("--split", "--threshold", "half")
    assert (split["split"], split["smallest"]) == ({"1": True}, {"1": 1})
    assert split["validation_half"] == plain["validation_half"], "½ is without a split"
    assert evaluate("--no-split", "--threshold", "half")[1]["split"] == {"1": False}


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--split",),
        ("--threshold", "half"),
        ("--split", "--threshold", "0.3"),
        ("--threshold", "0.3", "--smallest", "8"),
    ],
)
def test_objects_of_the_predicted_mask_are_those_that_are_counted(
    root: Path, tmp_path: Path, options: tuple[str, ...], evaluate: Callable[..., Printed]
) -> None:
    scored = evaluate(*options, "--min-area", "1")[1]["scenes"]
    seen = 0
    for scene in tiny_dataset().scenes:
        out, vectors = tmp_path / "mask.tif", tmp_path / "outlines.geojson"
        image = str(root / "images" / f"{scene.name}.tif")
        command = ["predict", str(root / "run"), image, "--out", str(out), "--vectors", str(vectors)]
        assert main([*command, "--overwrite", "--device", "cpu", *options]) == 0
        with rasterio.open(out) as file:
            ids, count = connected_components(file.read(1) == 1)
        counts = scored[scene.name]["classes"]["1"]["object"]
        assert counts["true_positives"] + counts["false_positives"] == count
        assert len(json.loads(vectors.read_text())["features"]) == count
        if "--threshold" not in options:
            assert areas_of(ids, count).min(initial=1000) >= cut_of(root).smallest > 1
        if "--smallest" in options:
            assert areas_of(ids, count).min(initial=1000) >= 8
        seen += count
    assert seen > 4


def test_splitting_gives_more_objects(evaluate: Callable[..., Printed]) -> None:
    def predicted(*options: str) -> int:
        counts = evaluate(*options, "--min-area", "1")[1]["validation"]["classes"]["1"]["object"]
        return counts["true_positives"] + counts["false_positives"]

    assert predicted("--threshold", "0.3", "--split") > predicted("--threshold", "0.3")


def test_predicted_mask_is_the_one_that_is_evaluated(
    root: Path, tmp_path: Path, evaluate: Callable[..., Printed], capsys: pytest.CaptureFixture[str]
) -> None:
    for options in ((), ("--split",), ("--threshold", "half"), ("--threshold", "0.3", "--flips")):
        label = tiny_dataset().scenes
        pixels = np.zeros(3, np.int64)
        for scene in label:
            out = tmp_path / "mask.tif"
            command = ["predict", str(root / "run"), str(root / "images" / f"{scene.name}.tif"), "--out", str(out)]
            assert main([*command, "--overwrite", "--device", "cpu", *options]) == 0
            with rasterio.open(out) as file:
                mask = file.read(1) == 1
            there = scene.label == 1
            pixels += [(mask & there).sum(), (mask & ~there).sum(), (~mask & there).sum()]
        assert "threshold: object 0." in capsys.readouterr().err
        scores = evaluate(*options)[1]["validation"]["classes"]["1"]["pixel"]
        assert scores["precision"] == pytest.approx(pixels[0] / (pixels[0] + pixels[1]))
        assert scores["recall"] == pytest.approx(pixels[0] / (pixels[0] + pixels[2]))


def test_split_outlines_of_touching_objects(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, vectors = tmp_path / "mask.tif", tmp_path / "outlines.geojson"
    command = ["predict", str(root / "run"), str(root / "images" / "scene0.tif"), "--out", str(out), "--device", "cpu"]
    assert main([*command, "--vectors", str(vectors)]) == 0
    said = capsys.readouterr().err
    assert f"neighbours are not separated, objects of fewer than {cut_of(root).smallest} pixels are left out" in said
    whole = json.loads(vectors.read_text())["features"]
    assert main([*command, "--vectors", str(vectors), "--split", "--overwrite"]) == 0
    split = json.loads(vectors.read_text())["features"]
    assert "neighbours are separated" in capsys.readouterr().err
    assert len(split) >= len(whole)
    assert {feature["properties"]["class"] for feature in split} == {"object"}


@pytest.mark.parametrize("text", ["0", "most", "1.5"])
def test_other_thresholds_are_refused(text: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", str(root / "run"), *folders(root), "--threshold", text])
    assert "neither own, half nor a number" in capsys.readouterr().err


def test_scenes_that_cannot_be_read_are_named_and_the_others_are_scored(
    root: Path, tmp_path: Path, evaluate: Callable[..., Printed]
) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for path in (root / folder).iterdir():
            (tmp_path / folder / path.name).write_bytes(path.read_bytes())
    (tmp_path / "images" / "scene1.tif").write_bytes(b"II*\x00broken")
    Image.fromarray(np.full((64, 64), 7, np.uint8)).save(tmp_path / "masks" / "scene2.png")
    code, printed, said = evaluate(of=tmp_path)
    assert code == 0
    assert list(printed["scenes"]) == ["scene0", "scene3"]
    assert set(printed["not_used"]) == {"scene1", "scene2"}
    assert "Not used: scene1" in said


def antialiased() -> NDArray[np.uint8]:
    """Two discs with smooth edges, 0 to 255."""
    large = Image.new("L", (400, 320))
    for row, column in ((5, 6), (20, 30)):
        ImageDraw.Draw(large).ellipse([column * 8, row * 8, column * 8 + 72, row * 8 + 72], fill=255)
    return np.asarray(large.resize((50, 40), Image.Resampling.BOX))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose masks hold 0 and 1."""
    root = tmp_path_factory.mktemp("other")
    write(root, pngs(squares(), squares()))
    (root / "plan.json").write_text(tiny_plan(2).model_dump_json())
    assert main(["train", *folders(root), "--plan", str(root / "plan.json"), "--out", str(root / "run")]) == 0
    return root


# of both scenes: a mask; options; objects that count, or what is said of a refusal
CHOICES = [
    (squares(ground=2), ("--background", "2"), 4),
    (squares(ground=2), (), "value 2 in 1950 pixels is not one of the classes"),
    (squares((1, 3), ground=2), ("--background", "2", "--ignore", "3"), 2),
    (squares((1, 3)), ("--ignore", "3"), 2),
    (squares(7), ("--names", "7=object"), 4),
    (squares(7), ("--names", "7=boat"), "is 'boat', none of the classes background, object"),
    (np.where(squares() == 1, 1, 2 * (np.indices((40, 50))[1] > 40)).astype(np.uint8), ("--background", "2"),
     "is 'class 0', none of the classes"),
    (antialiased(), ("--smoothed", "half"), 4),
    (antialiased(), (), "(--smoothed half)"),
    (squares(0, ground=1), ("--swap",), 4),
    (squares((1, 2)), ("--instances",), 4),
    (squares(), ("--leave-out", "a"), 2),
    (squares(), ("--area", "a=0,0,30,0,30,40,0,40"), 3),
    (squares(), ("--pair", "a.png=b.png", "--pair", "b.png=a.png"), 4),
    (squares(), ("--min-area", "26"), 0),
    (squares(), ("--keep-fill", "--turn-masks"), 4),
]  # fmt: skip


@pytest.mark.parametrize(("mask", "options", "wanted"), CHOICES, ids=[" ".join(each[1]) or "-" for each in CHOICES])
def test_choices_hold_for_masks_of_another_kind(
    mask: NDArray[np.uint8],
    options: tuple[str, ...],
    wanted: int | str,
    other: Path,
    tmp_path: Path,
    evaluate: Callable[..., Printed],
) -> None:
    write(tmp_path, pngs(mask, mask))
    code, printed, said = evaluate(*options, of=tmp_path, run=other / "run")
    if isinstance(wanted, str):
        assert code == 2
        assert wanted in said
    else:
        counts = printed["validation"]["classes"]["1"]["object"]
        assert counts["true_positives"] + counts["false_negatives"] == wanted
        assert "split into training" not in said, "nothing is trained here"


@pytest.mark.parametrize(
    ("trained_with", "mask", "options", "wanted"),
    [
        (("--swap",), squares(), ("--no-swap",), 4),
        (("--swap",), squares(0, ground=1), (), 4),
        (("--ignore", "3"), squares((1, 3)), (), 2),
        (("--ignore", "3"), squares((1, 3)), ("--ignore", "", "--names", "3=class 1"), 4),
        (("--stretch", "scene"), squares(), ("--stretch", "dataset"), 4),
    ],
    ids=["no swap", "swap", "ignore", "nothing ignored", "stretch"],
)
def test_choices_of_the_run_can_be_taken_back(
    trained_with: tuple[str, ...],
    mask: NDArray[np.uint8],
    options: tuple[str, ...],
    wanted: int,
    tmp_path: Path,
    evaluate: Callable[..., Printed],
) -> None:
    trained = (
        squares(0, ground=1) if "--swap" in trained_with else squares((1, 3)) if "3" in trained_with else squares()
    )
    write(tmp_path / "trained", pngs(trained, trained))
    (tmp_path / "plan.json").write_text(tiny_plan(2).model_dump_json())
    plan = ["--plan", str(tmp_path / "plan.json"), "--out", str(tmp_path / "run")]
    assert main(["train", *folders(tmp_path / "trained"), *plan, *trained_with]) == 0
    write(tmp_path, pngs(mask, mask))
    _, printed, said = evaluate(*options, of=tmp_path, run=tmp_path / "run")
    counts = printed["validation"]["classes"]["1"]["object"]
    assert counts["true_positives"] + counts["false_negatives"] == wanted
    assert ("own percentiles" in said) == ("scene" in options)


def test_values_outside_the_range_of_the_run_are_said(other: Path, evaluate: Callable[..., Printed]) -> None:
    _, _, said = evaluate("--stretch", "scene", of=other, run=other / "run")
    assert "lie outside the range that the run was trained on" in said


def test_scenes_that_trained_or_chose_are_named_and_left_out_of_the_scores_that_count(
    root: Path, evaluate: Callable[..., Printed], tmp_path: Path
) -> None:
    _, everything, said = evaluate()
    assert everything["scene_use"] == dict.fromkeys(("scene0", "scene1", "scene2"), "training") | {
        "scene3": "validation"
    }
    assert "of 4 scenes, 3 trained (scene0, scene1, scene2)" in said
    assert "validation_unseen has those of the other 1" in said
    assert everything["validation_unseen"] == everything["scenes"]["scene3"] != everything["validation"]
    summary = json.loads((root / "run" / "summary.json").read_text())
    assert summary["scene_use"] == {"scene3": "validation"}
    assert summary["validation_unseen"] == summary["validation"] == everything["validation_unseen"]

    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for suffix in (".tif", ".png"):
            for name, as_name in (("scene0", "renamed"), ("scene3", "scene3")):
                if (root / folder / f"{name}{suffix}").exists():
                    shutil.copy(root / folder / f"{name}{suffix}", tmp_path / folder / f"{as_name}{suffix}")
    _, renamed, said = evaluate(of=tmp_path)
    assert renamed["scene_use"] == {"renamed": "training", "scene3": "validation"}
    assert "1 trained (renamed)" in said
    for folder in ("images", "masks"):
        next((tmp_path / folder).glob("renamed*")).unlink()
    assert "trained" not in evaluate(of=tmp_path)[2]


def test_scores_of_a_run_that_does_not_remember_its_scenes_are_marked(
    root: Path, evaluate: Callable[..., Printed], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(root / "run", run)
    reference = json.loads((run / "dataset.json").read_text())
    del reference["training"], reference["validation"]
    (run / "dataset.json").write_text(json.dumps(reference))
    _, printed, said = evaluate(run=run)
    assert (printed["scene_use"], printed["validation_unseen"]) == (None, None)
    assert "does not remember its scenes" in said
