"""What Home says about finished runs is what these hold."""

from __future__ import annotations

from explorer.runs.grids import load_grid
from explorer.ui.home_pictures import FOUND


def test_the_picture_of_the_grid_counts_its_cells() -> None:
    (found,) = (each for each in FOUND if each.file == "grid.svg")
    cells = load_grid("focal").cells
    nothing = [cell for cell in cells if cell.recall == 0]
    assert (len(cells), len(nothing), sum(cell.values[0] == 0 for cell in nothing)) == (25, 6, 1)
    assert "25 short runs. Six find nothing at this threshold, one of them" in found.sentence
