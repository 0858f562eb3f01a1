"""The grid of points that a slice shows, and the tiles in which it is measured. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError

COARSE = 9
"""Points per side of the grid that is measured first."""

MOST = 401  # points per side


@dataclass(frozen=True)
class Grid:
    """``resolution`` points along each axis, from middle − extent to middle + extent.

    Their number is odd, so that the middle is one of them.

    Raises:
        InputError: the extent is not positive, or the resolution is even, below 3 or too large.

    >>> grid = Grid(extent=1.0, resolution=5, alpha_middle=0.5)
    >>> grid.alpha.tolist(), grid.beta.tolist()
    ([-0.5, 0.0, 0.5, 1.0, 1.5], [-1.0, -0.5, 0.0, 0.5, 1.0])
    >>> grid.points(np.array([0, 24]))  # the corners
    [(-0.5, -1.0), (1.5, 1.0)]
    """

    extent: float = 1.0
    resolution: int = 41
    alpha_middle: float = 0.0
    beta_middle: float = 0.0
    line: bool = False  # beta is 0 throughout

    def __post_init__(self) -> None:
        if not 0 < self.extent < np.inf:
            raise InputError(f"the extent must be positive, not {self.extent:g}", "extent", "1 is the default")
        if self.resolution % 2 == 0 or not 3 <= self.resolution <= MOST:
            raise InputError(
                f"the resolution must be odd and between 3 and {MOST}, not {self.resolution}",
                "resolution",
                "with an odd number the centre is on the grid",
            )

    @property
    def alpha(self) -> NDArray[np.float64]:
        """(A,) ascending."""
        return _axis(self.alpha_middle, self.extent, self.resolution)

    @property
    def beta(self) -> NDArray[np.float64]:
        """(B,) ascending; (0,) for a line."""
        return np.zeros(1) if self.line else _axis(self.beta_middle, self.extent, self.resolution)

    @property
    def shape(self) -> tuple[int, int]:
        """(B, A): rows are beta, columns alpha."""
        return (1 if self.line else self.resolution, self.resolution)

    @property
    def size(self) -> int:
        """Points in all."""
        return self.shape[0] * self.shape[1]

    def points(self, indices: NDArray[np.int64]) -> list[tuple[float, float]]:
        """(alpha, beta) of points given by their index in the flattened grid."""
        rows, columns = np.divmod(indices, self.shape[1])
        return list(zip(self.alpha[columns].tolist(), self.beta[rows].tolist(), strict=True))

    def unit_coordinates(self) -> NDArray[np.float64]:
        """(size, d): all points in units of the extent, −1 to 1; d is 1 for a line and 2 for a plane.

        >>> Grid(extent=0.2, resolution=3, line=True).unit_coordinates().tolist()
        [[-1.0], [0.0], [1.0]]
        >>> Grid(resolution=3).unit_coordinates()[:4].tolist()
        [[-1.0, -1.0], [0.0, -1.0], [1.0, -1.0], [-1.0, 0.0]]
        """
        side = np.linspace(-1, 1, self.resolution)
        if self.line:
            return side[:, None]
        return np.stack(np.meshgrid(side, side, indexing="xy"), axis=-1).reshape(-1, 2)

    def stages(self) -> list[NDArray[np.int64]]:
        """Coarse grids, each a refinement of the one before and without its points: 3×3, 5×5, 9×9."""
        known: set[int] = set()
        stages = []
        for count in (3, 5, COARSE):
            side = np.unique(np.round(np.linspace(0, self.resolution - 1, min(count, self.resolution))).astype(int))
            rows = np.zeros(1, dtype=int) if self.line else side
            grid = (rows[:, None] * self.shape[1] + side).ravel()
            stages.append(np.array([index for index in grid.tolist() if index not in known], dtype=np.int64))
            known.update(grid.tolist())
        return [stage for stage in stages if len(stage)]


def _axis(middle: float, extent: float, resolution: int) -> NDArray[np.float64]:
    axis: NDArray[np.float64] = middle + extent * np.linspace(-1, 1, resolution)
    axis[resolution // 2] = middle  # exactly
    return axis


@dataclass(frozen=True, eq=False)
class Tile:
    """Some points and the values measured there."""

    indices: NDArray[np.int64]  # (k,) in the flattened grid
    values: NDArray[np.float64]  # (k, fields); NaN: undefined there
    standard_errors: NDArray[np.float64]  # (k, fields), from disjoint parts of the data
