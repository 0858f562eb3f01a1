"""Curvature of a loss at a point: largest eigenvalues of its Hessian, its trace, and the curvature that is stable.

Eigenvalues by implicitly restarted Lanczos (SciPy's ``eigsh``) over Hessian–vector products, each with the residual
‖Hv − λv‖ of its unit vector; the trace by Hutchinson's estimator with its standard error. Gradient descent at learning
rate η is stable where all eigenvalues are below 2/η (Cohen et al. 2021, arXiv 2103.00065). Adam rescales each weight,
so that 2/η is only a rough guide for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh
from torch import Tensor

from explorer.errors import InputError
from explorer.landscape.objective import Objective, flatten, unflatten

TOLERANCE = 1e-3
"""Relative accuracy of an eigenvalue at which the iteration ends; its residual tells what was reached."""

_SPARE = 8  # Lanczos vectors beyond twice those wanted: the outliers of a loss's Hessian converge with few


class HessianOperator:
    """Hessian–vector products of one loss at the weights that the objective has when it is made.

    The gradient's graph is built once; each product is one more backward pass through it.

    Args:
        mask: (N,), 1 for the weights that may vary; products are of the Hessian over these alone.
    """

    def __init__(self, objective: Objective, kind: str, mask: Tensor) -> None:
        self._parameters = list(objective.parameters)
        self.mask = mask
        self._gradient = torch.autograd.grad(
            objective.loss(kind), self._parameters, create_graph=True, materialize_grads=True
        )
        self.size = int(mask.numel())

    def __call__(self, vector: Tensor) -> Tensor:
        """(N,) = H·(N,)."""
        direction = unflatten(vector * self.mask, self._parameters)
        pairs = [(grad, part) for grad, part in zip(self._gradient, direction, strict=True) if grad.requires_grad]
        if not pairs:  # a loss that is linear in the weights
            return torch.zeros_like(vector)
        product = torch.autograd.grad(
            [grad for grad, _ in pairs],
            self._parameters,
            [part for _, part in pairs],
            retain_graph=True,
            materialize_grads=True,
        )
        return flatten(product) * self.mask


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """Eigenvalues of a Hessian, largest first."""

    values: tuple[float, ...]
    vectors: tuple[Tensor, ...]  # (N,) each, of length 1
    residuals: tuple[float, ...]  # ‖Hv − λv‖, in the eigenvalue's unit


@dataclass(frozen=True)
class Trace:
    """Hutchinson's estimate of a Hessian's trace."""

    value: float
    standard_error: float
    draws: int


def top_eigenpairs(
    operator: HessianOperator, count: int, seed: int = 0, which: Literal["LA", "SA", "LM", "BE"] = "LA"
) -> Eigenpairs:
    """Eigenpairs by Lanczos.

    Args:
        which: as in SciPy: largest, smallest, largest by size, or both ends.

    Raises:
        InputError: the iteration does not converge.
    """
    example = operator.mask

    def product(vector: NDArray[Any]) -> NDArray[np.float64]:
        given = torch.from_numpy(np.ascontiguousarray(vector.reshape(-1))).to(example)
        result: NDArray[np.float64] = operator(given).cpu().double().numpy()
        return result

    start = np.random.default_rng(seed).standard_normal(operator.size) * example.cpu().double().numpy()
    linear = LinearOperator((operator.size, operator.size), matvec=product, dtype=np.float64)
    try:
        values, vectors = eigsh(
            linear, k=count, which=which, v0=start, ncv=min(operator.size, 2 * count + _SPARE), tol=TOLERANCE
        )
    except ArpackError as error:
        raise InputError(f"the eigenvalues do not converge ({error})", "curvature", "try another loss") from error
    order = np.argsort(values)[::-1]
    units = [torch.from_numpy(np.ascontiguousarray(vectors[:, index])).to(example) for index in order]
    ordered = tuple(float(values[index]) for index in order)
    residuals = tuple(float((operator(unit) - value * unit).norm()) for value, unit in zip(ordered, units, strict=True))
    return Eigenpairs(ordered, tuple(units), residuals)


def trace(operator: HessianOperator, draws: int = 16, seed: int = 0) -> Trace:
    """Mean of vᵀHv over vectors of random signs, and the standard error of that mean (Hutchinson 1990).

    A diagonal Hessian gives its exact trace: vᵀHv is the same for all signs.

    Args:
        draws: at least 2.

    Raises:
        InputError: there are fewer than 2 draws, which have no standard error.
    """
    if draws < 2:
        raise InputError(f"{draws} draws have no standard error", "draws", "choose 2 or more")
    generator = torch.Generator().manual_seed(seed)
    samples = []
    for _ in range(draws):
        signs = (torch.randint(0, 2, (operator.size,), generator=generator) * 2 - 1).to(operator.mask)
        samples.append(float(signs.double() @ operator(signs).double()))
    return Trace(float(np.mean(samples)), float(np.std(samples, ddof=1) / draws**0.5), draws)


def stable_curvature(learning_rate: float) -> float:
    """2/η: gradient descent at rate η diverges along directions of larger curvature.

    >>> stable_curvature(0.01)
    200.0
    """
    return 2 / learning_rate
