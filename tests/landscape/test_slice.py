"""Files of slices: round trips, the same bytes for the same values, and nothing lost when a worker is killed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.landscape.export import to_csv, to_vtk
from explorer.landscape.grid import Tile
from explorer.landscape.plane_kinds import PlaneSpec
from explorer.landscape.refine import Refinement, refine
from explorer.landscape.slice import (
    Journal,
    Slice,
    empty_refinement,
    journal_path,
    known_points,
    read_journal,
    read_slice,
)
from explorer.landscape.slice_meta import PathPoint, PlaneReport, SliceMeta, SliceRequest
from tests.landscape.test_refine import FIELDS, measuring, valley


def make_meta(**changes: object) -> SliceMeta:
    request = SliceRequest.model_validate({"resolution": 21, "tolerance": 0.02, "budget": 441} | changes)
    point = PathPoint(
        checkpoint="step_00000010.safetensors",
        step=10,
        phase=0,
        alpha=0.5,
        beta=0.1,
        distance=3.0,
        true={"jaccard": 0.4},
        on_plane={"jaccard": float("nan")},
    )
    return SliceMeta(
        run="run",
        checkpoint="step_00000020.safetensors",
        request=request,
        report=PlaneReport(labels=("one", "other"), cosine=0.0, norms=(1.0, 2.0), content_hash="ab"),
        path=(point,),
        fields=FIELDS,
        classes=("background", "car"),
        class_weights=(1.0, 9.0),
        data="d",
        crops="c",
        versions={"torch": "2"},
    )


def measured(meta: SliceMeta) -> Refinement:
    refinement = empty_refinement(meta)
    list(refine(refinement, measuring(valley), meta.request.budget))
    return refinement


def no_points() -> Tile:
    return Tile(np.zeros(0, dtype=np.int64), np.zeros((0, 3)), np.zeros((0, 3)))


def test_a_slice_is_read_as_it_was_written(tmp_path: Path) -> None:
    meta = make_meta()
    shown = Slice.of(measured(meta), meta)
    shown.save(tmp_path / "one.npz")
    again = Slice.load(tmp_path / "one.npz")
    np.testing.assert_array_equal(shown.measured, again.measured)
    for one, other in (
        (shown.fields, again.fields),
        (shown.error, again.error),
        (shown.standard_errors, again.standard_errors),
    ):
        assert list(one) == list(other)
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    assert again.meta.model_dump_json() == meta.model_dump_json()
    assert set(again.error) == {"loss", "recall_1"}  # what is never interpolated has no error of interpolation
    with np.load(tmp_path / "one.npz", allow_pickle=False) as file:
        assert {"alpha", "beta", "measured", "meta", "loss", "precision_1", "recall_1"} <= set(file.files)
        assert file["loss"].shape == (21, 21)


def test_fields_keep_their_keys_in_the_file() -> None:
    text = make_meta().model_dump_json()
    assert '{"name":"recall_1","label":"Recall","group":"pixel","smooth":true,"logarithmic":false}' in text


def test_rows_are_beta_and_columns_alpha(tmp_path: Path) -> None:
    meta = make_meta(exhaustive=True)
    shown = Slice.of(measured(meta), meta)
    assert shown.fields["loss"][3, 15] == valley(float(shown.alpha[15]), float(shown.beta[3]))[0]


def test_the_same_measurements_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.npz", "other.npz"):
        meta = make_meta()
        Slice.of(measured(meta), meta).save(tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_files_that_are_no_slice_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    with pytest.raises(InputError, match="not there"):
        Slice.load(path)
    for content in (b"", b"PK\x03\x04 torn", b"text"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not a slice"):
            Slice.load(path)
    np.savez(path, alpha=np.zeros(3))
    with pytest.raises(InputError, match="not a slice"):
        Slice.load(path)
    with pytest.raises(InputError, match="cannot be written"):
        Slice.of(measured(make_meta()), make_meta()).save(tmp_path / "missing" / "x.npz")


def test_a_killed_worker_loses_no_tile_that_it_wrote(tmp_path: Path) -> None:
    """The process dies with SIGKILL in the middle of a slice; another continues and ends with the same file."""
    path, whole = tmp_path / "cut.npz", tmp_path / "whole.npz"
    script = f"""
import os, signal
from pathlib import Path
from explorer.landscape.slice import Journal
from explorer.landscape.refine import refine
from explorer.landscape.slice import empty_refinement
from tests.landscape.test_refine import measuring, valley
from tests.landscape.test_slice import make_meta, no_points
meta = make_meta()
refinement = empty_refinement(meta)
with Journal(Path({str(path)!r}), meta, no_points()) as journal:
    for tile in refine(refinement, measuring(valley), 441):
        journal.append(tile)
        if refinement.count > 60:
            os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == -9
    with journal_path(path).open("ab") as file:
        file.write(b"torn rec")
    meta = make_meta()
    known = known_points(path, meta)
    assert len(known.indices) == 61
    assert read_slice(path).measured.sum() == 61  # a page can draw it meanwhile
    refinement = empty_refinement(meta)
    refinement.add(known)
    again = []
    with Journal(path, meta, known) as journal:
        for tile in refine(refinement, measuring(valley), 441):
            journal.append(tile)
            again += tile.indices.tolist()
        journal.finish(Slice.of(refinement, meta), path)
    assert not set(again) & set(known.indices.tolist())
    assert not journal_path(path).exists()
    Slice.of(measured(meta), meta).save(whole)
    assert path.read_bytes() == whole.read_bytes()


def test_points_serve_a_finer_tolerance_and_no_other_slice(tmp_path: Path) -> None:
    path, meta = tmp_path / "x.npz", make_meta()
    first = measured(meta)
    Slice.of(first, meta).save(path)
    finer = make_meta(tolerance=0.003, budget=300)
    assert len(known_points(path, finer).indices) == first.count
    reworded = meta.report.model_copy(update={"labels": ("first direction", "second direction")})
    fields = (replace(FIELDS[0], label="A loss"), *FIELDS[1:])
    assert (
        len(known_points(path, meta.model_copy(update={"report": reworded, "fields": fields})).indices) == first.count
    )
    for other in (
        make_meta(extent=2.0),
        make_meta(plane=PlaneSpec(seed=3)),
        make_meta().model_copy(update={"crops": "others"}),
        make_meta().model_copy(update={"report": meta.report.model_copy(update={"content_hash": "cd"})}),
    ):
        assert len(known_points(path, other).indices) == 0


def test_a_slice_of_an_earlier_version_keeps_its_hash() -> None:
    meta = make_meta()
    earlier = meta.model_dump_json().replace("content_hash", "fingerprint")
    assert "fingerprint" in earlier
    assert SliceMeta.model_validate_json(earlier).report == meta.report


def test_a_journal_keeps_undefined_values_and_begins_with_known_points(tmp_path: Path) -> None:
    path, meta = tmp_path / "x.npz", make_meta()
    known = Tile(np.array([3, 7]), np.array([[1.0, np.nan, 2.0]] * 2), np.full((2, 3), 0.5))
    with Journal(path, meta, known) as journal:
        journal.append(Tile(np.array([440]), np.array([[np.inf, 1.0, 2.0]]), np.zeros((1, 3))))
    found = read_journal(path)
    assert found is not None
    assert np.flatnonzero(found[1].measured).tolist() == [3, 7, 440]
    assert np.isnan(found[1].values[440, 0])
    journal_path(path).write_bytes(b'{"torn')
    assert read_journal(path) is None


def test_the_command_measures_the_same_slice() -> None:
    assert make_meta(resolution=41, tolerance=0.01, budget=1681).command("runs/a b", "x.npz") == (
        "python -m explorer landscape 'runs/a b' --checkpoint step_00000020.safetensors --plane random --out x.npz"
    )
    plane = PlaneSpec(kind="gradients", losses=("dice", "focal"), layers=("head", "decoder"), line=True)
    text = make_meta(plane=plane, exhaustive=True, budget=5).command("r", "x.npz")
    for words in ("--losses dice,focal", "--layers head,decoder", "--line", "--exhaustive", "--budget 5"):
        assert words in text


def test_exports_hold_every_number_and_the_provenance() -> None:
    meta = make_meta()
    shown = Slice.of(measured(meta), meta)
    comment, header, *lines = to_csv(shown).splitlines()
    assert SliceMeta.model_validate_json(comment.removeprefix("# ")).crops == "c"
    assert header == "alpha,beta,measured,loss,precision_1,recall_1"
    assert len(lines) == 441
    assert float(lines[21 * 2 + 5].split(",")[3]) == shown.fields["loss"][2, 5]
    text = to_vtk(shown)
    assert "DIMENSIONS 21 21 1" in text
    assert "step_00000020.safetensors" in text


def test_reading_and_planning_need_no_torch() -> None:
    script = "import sys, explorer.landscape.slice, explorer.landscape.refine, explorer.landscape.export; " + (
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False).returncode == 0
