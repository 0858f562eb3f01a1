"""Planes: closed forms of Hessian, eigenvectors and gradients, and the known faults of published tools."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from explorer.errors import InputError
from explorer.landscape.curvature import HessianOperator, stable_curvature, top_eigenpairs, trace
from explorer.landscape.directions import (
    LOCAL_LENGTH,
    filter_axes,
    gradient,
    layer_mask,
    orthogonal,
    random_direction,
)
from explorer.landscape.objective import flatten, unflatten
from explorer.landscape.plane import Plane
from tests.landscape.models import LeastSquares, Quadratic, plane_of
from tests.landscape.scenes import make_crops, make_objective


def cosine(one: Tensor, other: Tensor) -> float:
    return float(one.double() @ other.double() / one.double().norm() / other.double().norm())


def everything(model: Quadratic | LeastSquares) -> Tensor:
    return torch.ones_like(flatten(model.parameters))


class Shapes:
    """Parameters of a convolution, a transposed one and a norm."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.ConvTranspose2d(8, 4, 2))
        self.names = tuple(name for name, _ in self.module.named_parameters())
        self.parameters = tuple(self.module.parameters())
        axes = filter_axes(self.module)
        self.filter_axes = tuple(axes[name] for name in self.names)


def test_filters_are_counted_along_the_output_also_in_transposed_convolutions() -> None:
    assert Shapes().filter_axes == (0, None, None, None, 1, None)


def test_every_filter_of_a_random_direction_has_the_norm_of_its_weights() -> None:
    model = Shapes()
    parts = unflatten(random_direction(model, seed=3), model.parameters)
    torch.testing.assert_close(parts[0].flatten(1).norm(dim=1), model.parameters[0].flatten(1).norm(dim=1))
    torch.testing.assert_close(
        parts[4].transpose(0, 1).flatten(1).norm(dim=1), model.parameters[4].transpose(0, 1).flatten(1).norm(dim=1)
    )
    for index in (1, 2, 3, 5):
        assert not parts[index].any()  # biases and norms stay, and their zero norm divides nothing
    layer = unflatten(random_direction(model, 3, "layer"), model.parameters)
    torch.testing.assert_close(layer[0].norm(), model.parameters[0].detach().norm())


def test_a_filter_of_zeros_stays_zero() -> None:
    model = Shapes()
    with torch.no_grad():
        model.parameters[0][2] = 0
    part = unflatten(random_direction(model, seed=3), model.parameters)[0]
    assert torch.isfinite(part).all()
    assert not part[2].any()


def test_directions_have_both_signs_and_depend_on_the_seed_alone() -> None:
    model = Shapes()
    torch.manual_seed(5)
    one = random_direction(model, seed=3)
    torch.manual_seed(6)
    assert torch.equal(one, random_direction(model, seed=3))
    assert not torch.equal(one, random_direction(model, seed=4))
    assert abs(float(one[one != 0].mean())) < 0.1 * float(one.std())  # drawn from [0, 1] it would be far off


def test_random_planes_are_orthogonal_after_normalisation() -> None:
    objective = make_objective(make_crops())
    for seed in range(5):
        assert abs(plane_of(objective, seed=seed).cosine) < 1e-6


def test_gram_schmidt_is_orthogonal_to_a_direction_of_any_length() -> None:
    one, other = torch.randn(2, 50, generator=torch.Generator().manual_seed(0)) * 7
    left = orthogonal(one, to=other)
    assert abs(cosine(left, other)) < 1e-6
    assert float(left.norm()) == pytest.approx(float(one.norm()), rel=1e-6)
    with pytest.raises(InputError, match="one line"):
        orthogonal(other * -2, to=other)


def test_a_plane_reports_its_norms_and_cosine() -> None:
    zero = torch.zeros(3)
    plane = Plane(zero, torch.tensor([2.0, 0, 0]), torch.tensor([3.0, 4.0, 0]), ("a", "b"))
    assert plane.norms == pytest.approx((2.0, 5.0))
    assert plane.cosine == pytest.approx(0.6)
    with pytest.raises(InputError, match="one line"):
        Plane(zero, torch.ones(3), torch.ones(3) * 2, ("a", "b"))
    with pytest.raises(InputError, match="zero or not finite"):
        Plane(zero, zero, torch.ones(3), ("a", "b"))


def test_projection_is_least_squares_for_directions_that_are_not_orthogonal() -> None:
    generator = torch.Generator().manual_seed(1)
    centre, first, noise, off = torch.randn(4, 30, generator=generator, dtype=torch.float64)
    second = first + 0.2 * noise
    plane = Plane(centre, first, second, ("a", "b"))
    assert plane.cosine > 0.9
    seen = plane.project(centre + 0.7 * first - 1.3 * second)
    assert (seen.alpha, seen.beta, seen.distance) == pytest.approx((0.7, -1.3, 0.0), abs=1e-10)
    seen = plane.project(centre + off)
    matrix = torch.stack([first, second], 1).numpy()
    (alpha, beta), rest, _, _ = np.linalg.lstsq(matrix, off.numpy(), rcond=None)
    assert (seen.alpha, seen.beta) == pytest.approx((alpha, beta))
    assert seen.distance == pytest.approx(float(rest[0]) ** 0.5)


def test_principal_directions_equal_those_of_the_full_covariance() -> None:
    model = Quadratic()
    path = [flatten(model.parameters) + torch.randn(8, generator=torch.Generator().manual_seed(k)) for k in range(6)]
    plane = plane_of(model, "pca", path)
    stacked = torch.stack(path)
    _, values, vectors = torch.linalg.svd(stacked - stacked.mean(0), full_matrices=False)
    assert abs(cosine(plane.first, vectors[0])) == pytest.approx(1)
    assert abs(cosine(plane.second, vectors[1])) == pytest.approx(1)
    shares = (values**2 / (values**2).sum())[:2].tolist()
    assert plane.explained_variance == pytest.approx(shares)
    coordinates = [plane.project(each) for each in path]
    assert max(each.alpha for each in coordinates) == pytest.approx(1)  # an extent of 1 shows the whole path
    assert max(abs(each.alpha) for each in coordinates) == pytest.approx(1)
    with pytest.raises(InputError, match="three checkpoints"):
        plane_of(model, "pca", path[:2])
    with pytest.raises(InputError, match="one line"):
        plane_of(model, "pca", [path[0], path[0] * 2, path[0] * 3])


def test_hessian_products_eigenpairs_and_trace_of_a_quadratic() -> None:
    model = Quadratic()
    operator = HessianOperator(model, "jaccard", everything(model))
    vector = torch.randn(8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(operator(vector), model.hessian @ vector)
    values, vectors = torch.linalg.eigh(model.hessian)
    assert values[0] < 0
    pairs = top_eigenpairs(operator, 2)
    assert pairs.values == pytest.approx((float(values[-1]), float(values[-2])), rel=1e-6)
    assert abs(cosine(pairs.vectors[0], vectors[:, -1])) == pytest.approx(1, abs=1e-6)
    assert max(pairs.residuals) < 1e-3 * pairs.values[0]
    ends = top_eigenpairs(operator, 2, which="BE")
    assert ends.values == pytest.approx((float(values[-1]), float(values[0])), rel=1e-6)  # negative at a saddle
    estimate = trace(operator, draws=64)
    assert abs(estimate.value - float(model.hessian.trace())) < 4 * estimate.standard_error
    assert estimate.standard_error > 0


def test_trace_of_a_diagonal_hessian_has_no_error() -> None:
    model = Quadratic()
    estimate = trace(HessianOperator(model, "dice", everything(model)), draws=4)  # ½‖w‖²
    assert estimate.value == pytest.approx(8)
    assert estimate.standard_error == pytest.approx(0, abs=1e-12)
    with pytest.raises(InputError, match="no standard error"):
        trace(HessianOperator(model, "dice", everything(model)), draws=1)


def test_standard_error_of_the_trace_agrees_with_its_spread() -> None:
    model = Quadratic()
    operator = HessianOperator(model, "jaccard", everything(model))
    found = [trace(operator, draws=16, seed=seed) for seed in range(100)]
    spread = float(np.std([each.value for each in found]))
    assert np.mean([each.standard_error for each in found]) == pytest.approx(spread, rel=0.25)


def test_hessian_and_gradient_of_least_squares() -> None:
    model = LeastSquares()
    operator = HessianOperator(model, "value", everything(model))
    torch.testing.assert_close(torch.stack([operator(row) for row in torch.eye(5).double()]), model.hessian)
    residual = model.inputs @ model.parameters[0][0].detach() - model.targets
    torch.testing.assert_close(gradient(model, "value"), model.inputs.T @ residual / 40)


def test_hessian_of_chosen_layers_is_a_block_of_it() -> None:
    model = Quadratic()
    mask = layer_mask(model, ["head"])
    assert mask.tolist() == [0, 0, 0, 0, 0, 0, 1, 1]
    pairs = top_eigenpairs(HessianOperator(model, "jaccard", mask), 1)
    assert pairs.values[0] == pytest.approx(float(torch.linalg.eigvalsh(model.hessian[6:, 6:])[-1]), rel=1e-6)


def test_hessian_products_of_the_segmenter_agree_with_finite_differences() -> None:
    crops = make_crops()
    objective = make_objective(replace(crops, images=crops.images.astype(np.float64)))  # type: ignore[arg-type]
    objective.segmenter.double()
    vector = random_direction(objective, 1)
    vector /= vector.norm()
    found = HessianOperator(objective, "cross_entropy", torch.ones_like(vector))(vector)
    centre, step = flatten(objective.parameters), 1e-6
    grads = []
    for sign in (1, -1):
        with torch.no_grad():
            torch._foreach_copy_(
                list(objective.parameters), unflatten(centre + sign * step * vector, objective.parameters)
            )
        grads.append(gradient(objective, "cross_entropy"))
    assert cosine(found, grads[0] - grads[1]) > 0.9999
    assert float(((grads[0] - grads[1]) / (2 * step)).norm()) == pytest.approx(float(found.norm()), rel=1e-3)


def test_hessian_plane_shows_eigenvectors_with_residuals() -> None:
    model = Quadratic()
    plane = plane_of(model, "hessian", losses=("jaccard", "dice"), ends="BE")
    vectors = torch.linalg.eigh(model.hessian).eigenvectors
    assert abs(cosine(plane.first, vectors[:, -1])) == pytest.approx(1, abs=1e-5)
    assert abs(cosine(plane.second, vectors[:, 0])) == pytest.approx(1, abs=1e-5)
    assert plane.eigenvalues[1] < 0 < plane.eigenvalues[0]
    assert max(plane.residuals) < 1e-2
    assert plane.labels[0] == f"Hessian eigenvector of Jaccard distance, λ = {plane.eigenvalues[0]:.3g}"
    assert plane.norms[0] == pytest.approx(LOCAL_LENGTH * float(flatten(model.parameters).norm()))


def test_gradients_plane_goes_downhill_for_each_loss_and_keeps_their_cosine() -> None:
    model = Quadratic()
    plane = plane_of(model, "gradients", losses=("jaccard", "dice"))
    weights = flatten(model.parameters)
    slope = model.hessian @ weights + model.slope
    assert cosine(plane.first, -slope) == pytest.approx(1)
    assert cosine(plane.second, -weights) == pytest.approx(1)
    assert plane.cosine == pytest.approx(cosine(slope, weights))
    assert float(model.value(plane.at(1e-4, 0))) < float(model.value(weights))
    assert float(plane.at(0, 1e-4).norm()) < float(weights.norm())  # the other loss is ½‖w‖²


def test_three_checkpoints_lie_at_the_corners_and_two_at_the_ends() -> None:
    path = one, two, three = tuple(torch.randn(3, 8, generator=torch.Generator().manual_seed(0)))
    plane = plane_of(Quadratic(), "checkpoints", path, checkpoints=("0", "1", "2"))
    for weights, wanted in ((one, (0, 0)), (two, (1, 0)), (three, (0, 1))):
        seen = plane.project(weights)
        assert (seen.alpha, seen.beta, seen.distance) == pytest.approx((*wanted, 0), abs=1e-5)
    line = plane_of(Quadratic(), "checkpoints", path, checkpoints=("0", "1"), line=True)
    assert line.is_line
    torch.testing.assert_close(line.at(1, 0), two)
    assert line.project(two).alpha == pytest.approx(1)


def test_a_line_along_a_plane_keeps_its_first_direction() -> None:
    plane, line = (plane_of(Quadratic(), "hessian", line=line) for line in (False, True))
    assert torch.equal(line.first, plane.first)
    assert line.is_line
    assert not line.second.any()
    assert line.eigenvalues == plane.eigenvalues[:1]
    assert line.labels == (plane.labels[0], "")


def test_layers_can_be_chosen() -> None:
    objective = make_objective(make_crops())
    plane = plane_of(objective, layers=["decoder"])
    for name, part in zip(objective.names, unflatten(plane.first, objective.parameters), strict=True):
        assert bool(part.any()) == (name.startswith("decoder") and part.dim() > 1)
    with pytest.raises(InputError, match="decodr"):
        plane_of(objective, layers=["decodr"])
    with pytest.raises(InputError, match="encoder\\.1"):
        plane_of(objective, layers=["encoder.17"])


def test_random_unit_directions_average_the_curvature_over_all_eigenvectors() -> None:
    """Along a random unit direction the curvature is about tr(H)/N (Böttcher & Wheeler): far below the largest."""
    model = Quadratic()
    draws = torch.randn(4000, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    units = draws / draws.norm(dim=1, keepdim=True)
    along = ((units @ model.hessian) * units).sum(1)
    assert float(along.mean()) == pytest.approx(float(model.hessian.trace() / 8), rel=0.05)
    assert float(along.mean()) < 0.5 * float(torch.linalg.eigvalsh(model.hessian)[-1])


class Bowl(Quadratic):
    """A convex quadratic: the Hessian's eigenvalues are those of ``Quadratic``, shifted to lie above zero."""

    def __init__(self) -> None:
        super().__init__()
        smallest = float(torch.linalg.eigvalsh(self.hessian)[0])
        self.hessian = self.hessian + (1 - smallest) * torch.eye(8, dtype=torch.float64)


def distance_after_descent(model: Bowl, rate: float, steps: int) -> float:
    """How far gradient descent is from the minimum, as a multiple of its distance at the start."""
    minimum = torch.linalg.solve(model.hessian, -model.slope)
    before = float((flatten(model.parameters) - minimum).norm())
    for _ in range(steps):
        descent = unflatten(-rate * gradient(model, "jaccard"), model.parameters)
        with torch.no_grad():
            torch._foreach_add_(list(model.parameters), descent)
    return float((flatten(model.parameters) - minimum).norm()) / before


def test_gradient_descent_converges_below_two_over_the_largest_eigenvalue_and_diverges_above() -> None:
    model = Bowl()
    largest = top_eigenpairs(HessianOperator(model, "jaccard", everything(model)), 1).values[0]
    low, high = 1.9 / largest, 2.1 / largest
    assert stable_curvature(high) < largest < stable_curvature(low)
    assert distance_after_descent(Bowl(), low, 1000) < 1e-6
    assert distance_after_descent(Bowl(), high, 1000) > 1e6
