"""What a slice's file says about itself: everything that is needed to measure it again. No torch."""

from __future__ import annotations

import shlex
from typing import Literal

from pydantic import BaseModel, ConfigDict

from explorer.landscape.fields import Field
from explorer.landscape.grid import Grid
from explorer.landscape.spec import PlaneSpec


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class SliceRequest(_Model):
    """Which slice to measure, and how well."""

    plane: PlaneSpec = PlaneSpec()
    checkpoint: str | None = None  # file name; the run's last one if not given
    extent: float = 1.0
    resolution: int = 41
    tolerance: float = 0.01
    budget: int = 1681  # points in all
    exhaustive: bool = False
    watched: tuple[str, ...] = ()  # smooth fields that have to reach the tolerance; empty: all losses
    objects: bool = False  # object metrics too


class FieldInfo(_Model):
    """A field, as in ``fields.Field``."""

    name: str
    label: str
    group: Literal["loss", "pixel", "object"]
    smooth: bool
    logarithmic: bool


class PathPoint(_Model):
    """A checkpoint of the run, seen from the plane."""

    checkpoint: str
    step: int
    phase: int  # index into the plan's phases
    alpha: float
    beta: float
    distance: float  # off the plane
    true: dict[str, float]  # losses of the checkpoint itself
    on_plane: dict[str, float]  # losses of the plane's point beneath it


class PlaneReport(_Model):
    """What a plane is, in numbers."""

    labels: tuple[str, str]  # what alpha and beta are
    cosine: float  # between the directions
    norms: tuple[float, float]
    explained_variance: tuple[float, ...] = ()  # of each direction; PCA only
    eigenvalues: tuple[float, ...] = ()  # of each direction; Hessian only
    residuals: tuple[float, ...] = ()  # ‖Hv − λv‖; Hessian only
    alpha_middle: float = 0.0
    beta_middle: float = 0.0
    is_line: bool = False
    fingerprint: str = ""  # of centre and directions


class SliceMeta(_Model):
    """Where a slice comes from and what is in it."""

    version: int = 1
    run: str  # the run's id
    checkpoint: str  # file name of the centre
    request: SliceRequest
    report: PlaneReport
    path: tuple[PathPoint, ...] = ()
    fields: tuple[FieldInfo, ...]
    classes: tuple[str, ...]
    class_weights: tuple[float, ...]  # of the weighted cross-entropy
    data: str  # the dataset's fingerprint
    crops: str  # the validation crops' fingerprint
    versions: dict[str, str]

    @property
    def grid(self) -> Grid:
        """The points that the slice shows."""
        return Grid(
            self.request.extent,
            self.request.resolution,
            self.report.alpha_middle,
            self.report.beta_middle,
            self.report.is_line,
        )

    @property
    def field_list(self) -> tuple[Field, ...]:
        """The fields, in the order of the file."""
        return tuple(Field(**info.model_dump()) for info in self.fields)

    def same_points(self, other: SliceMeta) -> bool:
        """True: a point of the one has the same values in the other, whatever their tolerance and budget."""
        free = {"tolerance": 0.01, "budget": 1681, "exhaustive": False, "watched": ()}

        def essence(meta: SliceMeta) -> SliceMeta:
            return meta.model_copy(update={"request": meta.request.model_copy(update=free), "path": ()})

        return essence(self) == essence(other)

    def command(self, run: str, out: str) -> str:
        """The command line that makes the same slice again.

        Args:
            run: the run's folder.
            out: the file to write.
        """
        request, plane = self.request, self.request.plane
        default, default_plane = SliceRequest(), PlaneSpec()
        words = ["python", "-m", "explorer", "landscape", run, "--checkpoint", self.checkpoint, "--plane", plane.kind]
        given = {
            "--extent": (f"{request.extent:g}", request.extent != default.extent),
            "--resolution": (str(request.resolution), request.resolution != default.resolution),
            "--tolerance": (f"{request.tolerance:g}", request.tolerance != default.tolerance),
            "--budget": (str(request.budget), request.budget != request.resolution**2),
            "--seed": (str(plane.seed), plane.seed != default_plane.seed),
            "--normalisation": (plane.normalisation, plane.normalisation != default_plane.normalisation),
            "--layers": (",".join(plane.layers), bool(plane.layers)),
            "--losses": (",".join(plane.losses), plane.losses != default_plane.losses),
            "--ends": (plane.ends, plane.ends != default_plane.ends),
            "--checkpoints": (",".join(plane.checkpoints), bool(plane.checkpoints)),
            "--fields": (",".join(request.watched), bool(request.watched)),
        }
        for option, (value, differs) in given.items():
            words += [option, value] if differs else []
        flags = {"--line": plane.line, "--exhaustive": request.exhaustive, "--objects": request.objects}
        words += [flag for flag, on in flags.items() if on]
        return shlex.join([*words, "--out", out])
