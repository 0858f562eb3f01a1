"""A slice for other programs: CSV and legacy VTK, each with its provenance. No torch."""

from __future__ import annotations

import csv
import io
import json

import numpy as np

from explorer.landscape.slice import Slice


def to_csv(slice_: Slice) -> str:
    """A row per point: coordinates, whether it was measured, every field; an undefined value is empty.

    The first line is a comment with the slice's provenance as JSON.
    """
    text = io.StringIO()
    text.write(f"# {slice_.meta.model_dump_json(exclude={'path'})}\n")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["alpha", "beta", "measured", *slice_.fields])
    columns = [array.ravel() for array in slice_.fields.values()]
    alphas, betas = np.meshgrid(slice_.alpha, slice_.beta)
    for i, (alpha, beta, measured) in enumerate(
        zip(alphas.ravel(), betas.ravel(), slice_.measured.ravel(), strict=True)
    ):
        values = ("" if np.isnan(column[i]) else repr(float(column[i])) for column in columns)
        table.writerow([repr(float(alpha)), repr(float(beta)), int(measured), *values])
    return text.getvalue()


def to_vtk(slice_: Slice) -> str:
    """Legacy VTK (ASCII, STRUCTURED_POINTS) with every field as point data, NaN where undefined.

    Format: The VTK User's Guide, "VTK File Formats". The title, at most 256 characters, names run and checkpoint.
    """
    meta = slice_.meta
    title = json.dumps({"run": meta.run, "checkpoint": meta.checkpoint, "plane": meta.request.plane.kind})[:255]
    width, height = len(slice_.alpha), len(slice_.beta)

    def spacing(axis: np.ndarray) -> float:
        return float(axis[1] - axis[0]) if len(axis) > 1 else 1.0

    lines = [
        "# vtk DataFile Version 3.0",
        title,
        "ASCII",
        "DATASET STRUCTURED_POINTS",
        f"DIMENSIONS {width} {height} 1",
        f"ORIGIN {slice_.alpha[0]:.9g} {slice_.beta[0]:.9g} 0",
        f"SPACING {spacing(slice_.alpha):.9g} {spacing(slice_.beta):.9g} 1",
        f"POINT_DATA {width * height}",
    ]
    arrays = {"measured": slice_.measured.astype(float), **slice_.fields}
    for name, array in arrays.items():
        lines += [f"SCALARS {name} double 1", "LOOKUP_TABLE default"]
        lines += [" ".join("nan" if np.isnan(value) else f"{value:.9g}" for value in row) for row in array]
    return "\n".join(lines) + "\n"
