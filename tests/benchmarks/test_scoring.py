"""Counts at thresholds, thresholds, and the file of results, on small made-up data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explorer.imagery.scene import Scene
from tests.benchmarks.results import Pace, append_row, key_of, parse_piece, read_rows
from tests.benchmarks.scoring import GRID, own_threshold, score_scene
from tests.benchmarks.sets import SETS, BenchmarkSet, as_app, by_group, missing, three_way

CAR_PARK = SETS["car_park"]


def one_scene() -> tuple[np.ndarray, Scene]:
    """Two cars of 16 pixels: one found whole at 0.9, of the other a corner of 4 pixels at 0.6; a false one at 0.4."""
    label = np.zeros((20, 20), dtype=np.uint8)
    label[2:6, 2:6] = label[12:16, 12:16] = 1
    probability = np.zeros((20, 20), dtype=np.float32)
    probability[2:6, 2:6], probability[12:14, 12:14], probability[2:6, 12:16] = 0.9, 0.6, 0.4
    return probability, Scene("a", np.zeros((3, 20, 20), np.uint8), label, ("red", "green", "blue"))


def test_counts_by_hand() -> None:
    probability, scene = one_scene()
    scored = score_scene(probability, scene, CAR_PARK, minimum_area=1, own=0.35)
    assert scored.half == {"iou:0.5": (1, 1, 1), "iou:0.1": (2, 0, 0), "overlap": (2, 0, 0), "pixel": (20, 0, 12)}
    assert scored.own == {"iou:0.5": (1, 2, 1), "iou:0.1": (2, 1, 0), "overlap": (2, 1, 0), "pixel": (20, 16, 12)}
    assert set(scored.curves) == {"iou:0.5", "pixel"}
    at = {round(float(threshold), 2): counts for threshold, counts in zip(GRID, scored.curves["pixel"], strict=True)}
    assert (at[0.35], at[0.5], at[0.7], at[0.95]) == ((20, 16, 12), (20, 0, 12), (16, 0, 16), (0, 0, 32))


def test_ignored_pixels_do_not_count() -> None:
    probability, scene = one_scene()
    scene.label[0:8, 10:20] = 255
    scored = score_scene(probability, scene, CAR_PARK, minimum_area=1, own=0.35, curves=False)
    assert scored.own["pixel"] == (20, 0, 12)
    assert scored.curves == {}


def test_threshold_is_chosen_where_both_cars_are_found_and_nothing_else() -> None:
    probability, scene = one_scene()
    ships = SETS["ships"]  # IoU > 0.1
    scenes = [scene] * 20  # 40 objects: enough not to be moved to ½
    assert 0.4 < own_threshold([probability] * 20, scenes, ships, minimum_area=1) <= 0.6


def scene_of(name: str) -> Scene:
    return Scene(name, np.zeros((1, 8, 8), np.uint8), np.ones((8, 8), np.uint8), ("grey",))


def test_every_group_scores_once_and_trains_otherwise() -> None:
    scenes = [scene_of(f"{site}_{number}") for site in "abcd" for number in range(2)]
    folds = by_group(scenes, lambda name: name[0], 3)
    assert [[scene.name[0] for scene in fold.scoring] for fold in folds] == [list("aadd"), list("bb"), list("cc")]
    assert all(len(fold.training) + len(fold.scoring) == 8 for fold in folds)
    assert all(not {s.name[0] for s in fold.training} & {s.name[0] for s in fold.scoring} for fold in folds)


@pytest.mark.parametrize(
    ("key", "name", "group"),
    [
        ("planes", "sitee_6627e7c7", "c"),
        ("planes", "sitea_074737f4", "a"),
        ("trees", "santa_monica_2020_77", "santa_monica"),
        ("cars", "seq074_MOS078", "seq074"),
        ("road_damage", "DF_010_1055970_00128", "DF_010"),
        ("nuclei", "04acab7636c4cf61", "04acab7636c4cf61"),
    ],
)
def test_group_of_a_name(key: str, name: str, group: str) -> None:
    assert SETS[key].group(name) == group


REAL = [each for each in SETS.values() if each.folder]


@pytest.mark.parametrize("chosen", REAL, ids=[each.key for each in REAL])
def test_real_set_is_split_in_three(chosen: BenchmarkSet, shared_data: Path) -> None:
    del shared_data
    assert missing(chosen) is None
    scored = []
    for number in range(chosen.folds_count):
        split, app = three_way(chosen, number), as_app(chosen, number)
        sides = [{chosen.group(scene.name) for scene in side} for side in (split.dataset.scenes, split.scoring)]
        assert not sides[0] & sides[1], "a site is on both sides"
        assert split.dataset.validation, "nothing is left to choose on"
        assert any((scene.label == chosen.target_id).any() for scene in split.scoring)
        assert [scene.name for scene in app.validation] == [scene.name for scene in split.scoring]
        scored += [scene.name for scene in split.scoring]
    assert len(set(scored)) == len(scored), "a scene scores in two folds"


def test_rows_are_read_back_and_a_cut_line_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "results" / "runs.jsonl"
    append_row(file, {"key": "a", "value": 1})
    with file.open("a") as out:
        out.write('{"key": "b", "val')
    append_row(file, {"key": "c", "value": 3})
    append_row(file, {"key": "a", "value": 4})
    assert {key: row["value"] for key, row in read_rows([file, tmp_path / "none"]).items()} == {"a": 1, "c": 3}
    assert json.loads(file.read_text().splitlines()[-1]) == {"key": "a", "value": 4}


def test_key_depends_on_every_value() -> None:
    assert len({key_of(a=1, b=2), key_of(a=1, b=3), key_of(a=2, b=2), key_of(a=1, b=2, c=None)}) == 4


def test_pieces_are_disjoint_and_complete() -> None:
    every = list(range(10))
    pieces = [list(Pace(piece=(number, 3)).mine(every)) for number in (1, 2, 3)]
    assert sorted(job for piece in pieces for job in piece) == every


def test_no_job_begins_that_would_exceed_the_minutes() -> None:
    assert list(Pace(minutes=1.0, seconds=[90.0]).mine([1, 2])) == []
    assert list(Pace(minutes=2.0, seconds=[90.0]).mine([1, 2])) == [1, 2]


@pytest.mark.parametrize("text", ["0/3", "4/3", "2", "a/b"])
def test_text_that_is_no_piece_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_piece(text)
