"""The command line as it is used: train, evaluate, predict; and one clear line for bad input."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from affine import Affine
from PIL import Image

from explorer.__main__ import main
from explorer.imagery.choices import ReadingChoices
from explorer.runs.folder import RunFolder
from explorer.training.events import Step
from explorer.training.plan import Plan
from tests.runs.tiny import tiny_dataset, tiny_plan

ROOT = Path(__file__).resolve().parents[2]
PLACE = Affine(10, 0, 500_000, 0, -10, 4_000_000)


@pytest.fixture(scope="module")
def imagery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders images (GeoTIFF of two bands) and masks."""
    root = tmp_path_factory.mktemp("imagery")
    for folder in ("images", "masks"):
        (root / folder).mkdir()
    for scene in tiny_dataset().scenes:
        profile = {"driver": "GTiff", "height": 64, "width": 64, "count": 2, "dtype": "uint8"}
        with rasterio.open(
            root / "images" / f"{scene.name}.tif", "w", crs="EPSG:32631", transform=PLACE, **profile
        ) as file:
            file.write(scene.image)
        Image.fromarray(scene.label).save(root / "masks" / f"{scene.name}.png")
    return root


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    path.write_text(tiny_plan(30).model_dump_json())
    return path


def train(imagery: Path, plan: Path | str, out: Path, *more: str) -> int:
    folders = ["--images", str(imagery / "images"), "--masks", str(imagery / "masks")]
    return main(["train", *folders, "--plan", str(plan), "--device", "cpu", "--out", str(out), *more])


@pytest.fixture(scope="module")
def run(imagery: Path, plan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    assert train(imagery, plan, out, "--val", "scene3,scene1") == 0
    return out


def test_run_folder_holds_all_that_it_should(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert {"plan.json", "events.jsonl", "metrics.csv", "checkpoints", "summary.json"} <= names
    assert list((run / "checkpoints").glob("*.safetensors"))
    summary = json.loads((run / "summary.json").read_text())
    assert summary["steps"] == 30
    assert summary["samples_per_second"] > 0
    assert (summary["minimum_area"], summary["match_rule"]) == (8, "IoU > 0.5")
    of_class = summary["validation"]["classes"]["1"]
    assert set(of_class["pixel"]) == {"precision", "recall", "iou", "f1"}
    assert {"true_positives", "false_positives", "false_negatives"} < set(of_class["object"])


def test_evaluate_prints_what_the_summary_holds(
    run: Path, imagery: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, ending in (("images", "tif"), ("masks", "png")):
        (tmp_path / folder).mkdir()
        for name in ("scene1", "scene3"):
            (tmp_path / folder / f"{name}.{ending}").symlink_to(imagery / folder / f"{name}.{ending}")
    folders = ["--images", str(tmp_path / "images"), "--masks", str(tmp_path / "masks")]
    assert main(["evaluate", str(run), *folders, "--device", "cpu"]) == 0
    printed, summary = json.loads(capsys.readouterr().out), json.loads((run / "summary.json").read_text())
    assert printed == {key: summary[key] for key in printed}


def test_evaluate_takes_another_minimum_area(run: Path, imagery: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def objects(*options: str) -> tuple[int, int]:
        folders = ["--images", str(imagery / "images"), "--masks", str(imagery / "masks")]
        assert main(["evaluate", str(run), *folders, "--device", "cpu", *options]) == 0
        printed = json.loads(capsys.readouterr().out)
        counts = printed["validation"]["classes"]["1"]["object"]
        return printed["minimum_area"], counts["true_positives"] + counts["false_negatives"]

    usual, large = objects(), objects("--min-area", "65")  # a square alone has 64 pixels, two that touch have more
    assert usual[0] == 8
    assert large[0] == 65
    assert 0 <= large[1] < usual[1]


def test_predict_keeps_the_georeference(run: Path, imagery: Path, tmp_path: Path) -> None:
    mask, outlines = tmp_path / "mask.tif", tmp_path / "outlines.geojson"
    image = imagery / "images" / "scene0.tif"
    assert main(["predict", str(run), str(image), "--out", str(mask), "--vectors", str(outlines)]) == 0
    with rasterio.open(mask) as file:
        assert file.crs.to_epsg() == 32631
        assert file.transform == PLACE
        classes = file.read(1)
    assert classes.shape == (64, 64)
    assert set(np.unique(classes)) <= {0, 1}
    for feature in json.loads(outlines.read_text())["features"]:
        longitude, latitude = feature["geometry"]["coordinates"][0][0]
        assert 2 < longitude < 4
        assert 35 < latitude < 37


def test_predict_writes_masks_and_objects_of_several_images(run: Path, imagery: Path, tmp_path: Path) -> None:
    images = [str(imagery / "images" / f"scene{number}.tif") for number in (0, 1)]
    assert main(["predict", str(run), *images, "--out", str(tmp_path / "out"), "--vectors", "gpkg"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"scene{number}.{ending}" for number in (0, 1) for ending in ("tif", "gpkg")
    }
    alone = tmp_path / "alone.geojson"
    assert main(["predict", str(run), images[0], "--out", str(tmp_path / "a.tif"), "--vectors", str(alone)]) == 0
    with rasterio.open(tmp_path / "out" / "scene0.tif") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        found = int((file.read(1) == 1).sum())
    meta, _, shapes, columns = pyogrio.raw.read(tmp_path / "out" / "scene0.gpkg")
    named = dict(zip(meta["fields"], columns, strict=True))
    assert named["area_px"].sum() == found > 0
    np.testing.assert_allclose(shapely.area(shapely.from_wkb(shapes)), 100.0 * named["area_px"])
    features = [feature["properties"] for feature in json.loads(alone.read_text())["features"]]
    assert [feature["score"] for feature in features] == named["score"].tolist()
    assert all(0.1 < feature["score"] <= 1 for feature in features)


@pytest.mark.parametrize(
    ("images", "vectors", "said"),
    [
        (("scene0.tif",), "out.shp", "neither GeoJSON nor GeoPackage"),
        (("scene0.tif",), "out.gpkg", "is no GeoTIFF, as masks are"),
        (("scene0.tif", "scene1.tif"), "out.gpkg", "names one file for several images"),
        (("scene0.tif", "scene0.tif"), "gpkg", "two images have this name"),
    ],
)
def test_predict_refuses_files_that_it_cannot_write_before_it_begins(
    images: tuple[str, ...], vectors: str, said: str, run: Path, imagery: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    paths = [str(imagery / "images" / name) for name in images]
    assert main(["predict", str(run), *paths, "--out", str(tmp_path / "out"), "--vectors", vectors]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_predict_replaces_no_image_and_no_other_file_without_being_told(
    run: Path, imagery: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "scenes"
    shutil.copytree(imagery / "images", folder)
    images = sorted(folder.iterdir())
    before = {path.name: path.read_bytes() for path in images}
    link, label = tmp_path / "link.tif", folder / f"{images[0].stem}.geojson"
    link.symlink_to(images[0])
    several, alone = list(map(str, images)), [str(images[0])]
    for given, out in ((several, folder), (alone, folder), (alone, images[0]), (alone, link)):
        assert main(["predict", str(run), *given, "--out", str(out), "--overwrite"]) == 2
        assert "is an image to predict for, which it would replace" in capsys.readouterr().err
    label.write_text("{}")
    command = ["predict", str(run), *alone, "--out", str(tmp_path / "mask.tif"), "--vectors", str(label)]
    assert main(command) == 2
    assert f"{label}: is there already" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {**before, label.name: b"{}"}
    assert not (tmp_path / "mask.tif").exists()
    assert main([*command, "--overwrite"]) == 0
    assert "FeatureCollection" in label.read_text()


def test_same_command_goes_on_with_a_run_that_was_broken_off(imagery: Path, plan: Path, tmp_path: Path) -> None:
    assert train(imagery, plan, tmp_path / "whole") == 0
    assert train(imagery, plan, tmp_path / "broken") == 0
    folder = RunFolder(tmp_path / "broken")
    lines = folder.events_file.read_bytes().splitlines(keepends=True)
    folder.events_file.write_bytes(b"".join(lines[:20]))  # as if killed then
    assert train(imagery, plan, tmp_path / "broken") == 0

    def steps(path: Path) -> list[Step]:
        return [event for event in RunFolder(path).events() if isinstance(event, Step)]

    assert steps(tmp_path / "broken")[-1] == steps(tmp_path / "whole")[-1]


def test_steps_and_seed_change_the_plan(imagery: Path, tmp_path: Path) -> None:
    assert train(imagery, "ce_only", tmp_path / "run", "--steps", "7", "--seed", "3") == 0
    plan = Plan.read(tmp_path / "run" / "plan.json")
    assert (plan.steps, plan.seed) == (7, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["train", "--images", "nowhere", "--masks", "m", "--plan", "focal", "--out", "o"],
            "nowhere: no such file or folder",
        ),
        (["train", "--images", "{images}", "--masks", "{masks}", "--plan", "nix", "--out", "{out}"], "recall_first"),
        (["train", "--images", "{images}", "--masks", "{masks}", "--plan", "{bad}", "--out", "{out}"], "phases[0]"),
        (
            ["train", "--images", "{images}", "--masks", "{masks}", "--plan", "focal", "--device", "gpu", "--out", "o"],
            "no device called 'gpu'",
        ),
        (
            ["train", "--images", "{images}", "--masks", "{masks}", "--plan", "focal", "--val", "moon", "--out", "o"],
            "moon",
        ),
        (["train", "--images", "{images}", "--masks", "{masks}", "--plan", "focal", "--steps", "0"], "above zero"),
        (["evaluate", "{out}", "--images", "{images}", "--masks", "{masks}"], "no run in this folder"),
        (["predict", "{out}", "{bad}", "--out", "{out}.tif"], "no run in this folder"),
        (["fly"], "invalid choice"),
        ([], "required"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    arguments: list[str], said: str, imagery: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"phases": [{"loss": {"kind": "focal"}, "steps": -1}]}')
    places = {"images": imagery / "images", "masks": imagery / "masks", "out": tmp_path / "out", "bad": bad}
    try:
        code = main([argument.format(**places) for argument in arguments])
    except SystemExit as ended:  # argparse ends the program itself
        code = int(str(ended.code))
    error = capsys.readouterr().err
    assert code == 2
    assert said in error
    assert error.count("\n") == 1


def test_image_with_other_bands_is_refused(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "grey.png"
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(image)
    assert main(["predict", str(run), str(image), "--out", str(tmp_path / "mask.tif")]) == 2
    assert "1 band(s), the run was trained on 2" in capsys.readouterr().err


def test_predict_refuses_values_outside_the_stretch_unless_forced(
    run: Path, imagery: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with rasterio.open(imagery / "images" / "scene0.tif") as file:
        bands = file.read().astype("int32") * 1000 + 1_000_000
    image, mask = tmp_path / "other.tif", tmp_path / "mask.tif"
    with rasterio.open(
        image, "w", driver="GTiff", width=64, height=64, count=2, dtype="int32", crs="EPSG:32631", transform=PLACE
    ) as file:
        file.write(bands)
    command = ["predict", str(run), str(image), "--out", str(mask)]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "lie outside the range that the run was trained on" in error
    assert error.count("\n") == 1
    assert not mask.exists()
    assert main([*command, "--force"]) == 0
    assert capsys.readouterr().err.startswith(f"warning: {image}: its values")
    assert mask.exists()


def test_predict_reads_its_image_as_those_of_the_run(run: Path, imagery: Path, tmp_path: Path) -> None:
    """A run on scenes stretched one by one gives the same mask whatever the brightness of the image."""
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    reference = RunFolder(run).dataset()
    choices = ReadingChoices(stretch="scene")
    per_scene = reference.model_copy(update={"choices": choices, "low": (0.0, 0.0), "high": (65535.0, 65535.0)})
    (folder / "dataset.json").write_text(per_scene.model_dump_json())
    with rasterio.open(imagery / "images" / "scene0.tif") as file:
        bands = file.read().astype("int32")
    masks = []
    for factor in (1, 50):
        image, mask = tmp_path / f"{factor}.tif", tmp_path / f"mask{factor}.tif"
        with rasterio.open(
            image, "w", driver="GTiff", width=64, height=64, count=2, dtype="int32", crs="EPSG:32631", transform=PLACE
        ) as file:
            file.write(bands * factor)
        assert main(["predict", str(folder), str(image), "--out", str(mask)]) == 0
        with rasterio.open(mask) as file:
            masks.append(file.read(1))
    np.testing.assert_array_equal(*masks)


def test_predict_takes_the_world_file_beside_its_image(run: Path, imagery: Path, tmp_path: Path) -> None:
    with rasterio.open(imagery / "images" / "scene0.tif") as file:
        bands = file.read()
    image, mask = tmp_path / "a.tif", tmp_path / "mask.tif"
    with rasterio.open(image, "w", driver="GTiff", width=64, height=64, count=2, dtype=bands.dtype) as file:
        file.write(bands)
    image.with_suffix(".tfw").write_text("10\n0\n0\n-10\n500005\n3999995\n")
    command = ["predict", str(run), str(image), "--out", str(mask)]
    assert main([*command, "--vectors", str(tmp_path / "a.geojson")]) == 2, "no system is named: there are no degrees"
    assert list(tmp_path.glob("mask*")) == []
    assert main([*command, "--vectors", str(tmp_path / "a.gpkg")]) == 0
    with rasterio.open(mask) as file:
        assert file.transform == PLACE


@pytest.mark.parametrize("command", ["help", "train"])
def test_command_line_loads_no_cluster(command: str, imagery: Path, plan: Path, tmp_path: Path) -> None:
    folders = ["--images", str(imagery / "images"), "--masks", str(imagery / "masks")]
    train = ["train", *folders, "--plan", str(plan), "--device", "cpu", "--out", str(tmp_path / "run")]
    arguments = ["--help"] if command == "help" else train
    program = f"""
import sys
from explorer.__main__ import main
from explorer.imagery.choices import ReadingChoices
try:
    code = main({arguments!r})
except SystemExit as ended:
    code = ended.code
assert not code, code
print("loaded", sorted({{name.partition(".")[0] for name in sys.modules}} & {{"dask", "distributed"}}))
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("loaded []\n")
    assert (tmp_path / "run" / "summary.json").exists() == (command == "train")


def test_inspect_loads_no_torch(tmp_path: Path) -> None:
    program = "import sys; from explorer.__main__ import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    command = [sys.executable, "-c", program, "inspect", "--images", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
