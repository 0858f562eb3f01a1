"""Points of a plane: each computed from the centre, in any order, and the weights are always restored."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from explorer.landscape.evaluation import Writer, evaluate_at, evaluate_points, placed, standard_error
from explorer.landscape.objective import flatten
from explorer.landscape.plane import Plane
from tests.landscape.models import LeastSquares, Quadratic, plane_of
from tests.landscape.scenes import make_crops, make_objective

POINTS = [(0.0, 0.0), (1.0, -0.5), (-0.3, 2.0), (1.0, -0.5)]


def make_plane(model: Quadratic) -> Plane:
    first, second = torch.randn(2, 8, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    return Plane(flatten(model.parameters), first, second, ("one", "other"))


def test_fields_of_a_quadratic_are_its_closed_form() -> None:
    model = Quadratic()
    plane = make_plane(model)
    for point, values in zip(POINTS, evaluate_points(model, plane, POINTS), strict=True):
        wanted = plane.centre + point[0] * plane.first + point[1] * plane.second
        np.testing.assert_allclose(values, [[float(model.value(wanted)), float(wanted.norm())]], rtol=1e-12)


def test_fields_of_least_squares_and_their_standard_errors() -> None:
    model = LeastSquares()
    plane = plane_of(model, seed=1)
    (values,) = evaluate_points(model, plane, [(0.7, -0.2)])
    weights = plane.at(0.7, -0.2)
    terms = ((model.inputs @ weights - model.targets) ** 2 / 2).view(4, 10).mean(1)
    np.testing.assert_allclose(values[:, 0], [float(terms.mean()), *terms.tolist()], rtol=1e-12)
    np.testing.assert_allclose(standard_error(values), [float(terms.std() / 2)], rtol=1e-12)


def test_standard_errors_leave_out_undefined_parts() -> None:
    values = np.array([[2.0, 5.0, 1.0], [1.0, 5.0, np.nan], [3.0, np.nan, np.nan], [np.nan, np.nan, 1.0]])
    np.testing.assert_allclose(standard_error(values), [1.0, np.nan, np.nan])


def test_a_point_does_not_depend_on_the_points_before_it() -> None:
    objective = make_objective(make_crops())
    plane = plane_of(objective)
    alone = list(evaluate_points(objective, plane, POINTS[1:2]))
    many = list(evaluate_points(objective, plane, POINTS * 20))
    np.testing.assert_array_equal(alone[0], many[-1])
    np.testing.assert_array_equal(alone[0], many[1])


def test_the_centre_is_the_checkpoint_itself() -> None:
    objective = make_objective(make_crops())
    with torch.inference_mode():
        own = objective.evaluate()
    (values,) = evaluate_points(objective, plane_of(objective), [(0.0, 0.0)])
    np.testing.assert_array_equal(values, own)


@pytest.mark.parametrize("way", ["end", "error", "close"])
def test_weights_are_restored_bit_for_bit(way: str) -> None:
    objective = make_objective(make_crops())
    before = [each.detach().clone() for each in objective.parameters]
    generator = evaluate_points(objective, plane_of(objective), POINTS)
    if way == "end":
        list(generator)
    elif way == "close":
        next(generator)
        generator.close()
    else:
        next(generator)
        with pytest.raises(KeyboardInterrupt):
            generator.throw(KeyboardInterrupt)
    for one, other in zip(before, objective.parameters, strict=True):
        assert torch.equal(one, other)
        assert one.stride() == other.stride()


def test_an_error_of_the_model_leaves_the_weights_untouched() -> None:
    model = Quadratic()
    before = model.flat.detach().clone()
    model.evaluate = lambda: 1 / 0  # type: ignore[assignment, return-value]
    with pytest.raises(ZeroDivisionError):
        list(evaluate_points(model, make_plane(model), POINTS))
    assert torch.equal(before, model.flat)


def test_no_gradients_and_evaluation_mode() -> None:
    objective = make_objective(make_crops())
    objective.segmenter.train()
    objective = type(objective)(objective.segmenter, make_crops(), {}, ("background", "car"))
    seen: list[tuple[bool, bool]] = []
    hook = lambda module, inputs, output: seen.append((output.requires_grad, module.training))  # noqa: E731
    objective.segmenter.register_forward_hook(hook)
    list(evaluate_points(objective, plane_of(objective), POINTS[:1]))
    assert seen
    assert not any(grad or training for grad, training in seen)


def test_the_segmenter_has_no_running_statistics() -> None:
    """Batch norm's variance, extrapolated, goes below zero; GroupNorm has none that could."""
    segmenter = make_objective(make_crops()).segmenter
    assert not list(segmenter.buffers())
    assert not any(isinstance(each, nn.modules.batchnorm._BatchNorm) for each in segmenter.modules())


def test_the_writer_writes_what_the_plane_says() -> None:
    objective = make_objective(make_crops())
    plane = plane_of(objective)
    Writer(objective.parameters, plane).write(0.3, -0.6)
    torch.testing.assert_close(flatten(objective.parameters), plane.at(0.3, -0.6), rtol=1e-6, atol=1e-7)


def test_a_checkpoint_off_the_plane_has_its_true_values() -> None:
    model = Quadratic()
    before, other = model.flat.detach().clone(), torch.arange(8, dtype=torch.float64)
    assert evaluate_at(model, other)[0, 0] == pytest.approx(float(model.value(other)))
    with placed(model.parameters, other):
        assert torch.equal(model.flat, other)
    assert torch.equal(before, model.flat)
