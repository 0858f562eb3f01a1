"""Several points at a time: the values of one at a time, in order, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from explorer.landscape import side_by_side
from explorer.landscape.evaluation import evaluate_points, standard_error
from explorer.landscape.grid import Grid
from explorer.landscape.refine import Refinement, refine
from explorer.landscape.side_by_side import SideBySide
from tests.landscape.models import plane_of
from tests.landscape.scenes import make_crops, make_objective

POINTS = [(0.1 * number, 0.5 - 0.2 * number) for number in range(7)]


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_points_are_those_of_one_at_a_time() -> None:
    objective = make_objective(make_crops())
    plane = plane_of(objective)
    before = [each.detach().clone() for each in objective.parameters]
    found = SideBySide(objective, plane)
    for _ in range(2):
        for one, other in zip(found.evaluate(POINTS), evaluate_points(objective, plane, POINTS), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5)
    assert all(torch.equal(one, other) for one, other in zip(before, objective.parameters, strict=True))
    assert torch.get_num_threads() == 2


def test_each_copy_has_its_share_of_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "MOST", 2)
    torch.set_num_threads(5)
    objective = make_objective(make_crops())
    seen: list[int] = []
    objective.segmenter.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    list(SideBySide(objective, plane_of(objective)).evaluate(POINTS))
    assert set(seen) == {2}
    assert torch.get_num_threads() == 5
    torch.set_num_threads(2)


@pytest.mark.parametrize("way", ["close", "error"])
def test_breaking_off_leaves_points_out_and_threads_as_they_were(way: str) -> None:
    objective = make_objective(make_crops())
    done: list[int] = []
    objective.segmenter.register_forward_hook(lambda *_: done.append(1))
    if way == "close":
        points = SideBySide(objective, plane_of(objective)).evaluate(POINTS * 30)
        next(points)
        points.close()  # type: ignore[attr-defined]
        assert len(done) < 7 * 30
    else:
        objective.segmenter.register_forward_hook(lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            list(SideBySide(objective, plane_of(objective)).evaluate(POINTS))
    assert torch.get_num_threads() == 2


def test_a_slice_of_a_segmenter_knows_its_true_error() -> None:
    objective = make_objective(make_crops())
    side_by_side = SideBySide(objective, plane_of(objective))
    grid = Grid(resolution=31)
    every = np.stack([values[0] for values in side_by_side.evaluate(grid.points(np.arange(grid.size)))])
    refinement = Refinement(grid, objective.fields, tolerance=0.005)
    list(refine(refinement, lambda points: ((v[0], standard_error(v)) for v in side_by_side.evaluate(points)), 961))
    assert refinement.count < 400
    expected = refinement.expected_errors()
    for column, field in enumerate(objective.fields):
        if field.group == "loss":
            true, guess = np.log(every[:, column]), np.log(refinement.estimate().values[:, column])
            error = np.abs(true - guess) / np.ptp(true)
            p95 = float(np.percentile(error, 95))
            assert p95 < 0.0075
            assert error.max() < 0.03
            assert 0.4 * p95 < expected[field.name][0] < 6 * p95 + 1e-4, field.name
