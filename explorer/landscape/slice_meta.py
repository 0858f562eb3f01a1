"""A slice's provenance, as stored in its file: everything that is needed to measure it again. No torch."""

from __future__ import annotations

import shlex
from dataclasses import replace

from pydantic import AliasChoices, BaseModel, ConfigDict
from pydantic import Field as ModelField

from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.landscape.fields import Field
from explorer.landscape.grid import Grid
from explorer.landscape.plane_kinds import PlaneSpec, plane_kind


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class SliceRequest(_Model):
    """Which slice to measure, and to which tolerance."""

    plane: PlaneSpec = PlaneSpec()
    checkpoint: str | None = None  # file name; the run's last one if not given
    extent: float = 1.0
    resolution: int = 41
    tolerance: float = 0.01
    budget: int = 1681  # points in all
    exhaustive: bool = False
    watched: tuple[str, ...] = ()  # smooth fields that have to reach the tolerance; empty: all losses
    objects: bool = False  # object metrics too


class PathPoint(_Model):
    """A checkpoint of the run, projected onto the plane."""

    checkpoint: str
    step: int
    phase: int  # index into the plan's phases
    alpha: float
    beta: float
    distance: float  # from the plane
    true: dict[str, float]  # losses of the checkpoint itself
    on_plane: dict[str, float]  # losses at its coordinates on the plane


class PlaneReport(_Model):
    """What is known about a plane, without its vectors."""

    labels: tuple[str, str]  # what alpha and beta are
    cosine: float  # between the directions
    norms: tuple[float, float]
    explained_variance: tuple[float, ...] = ()  # of each direction; PCA only
    eigenvalues: tuple[float, ...] = ()  # of each direction; Hessian only
    residuals: tuple[float, ...] = ()  # ‖Hv − λv‖; Hessian only
    alpha_middle: float = 0.0
    beta_middle: float = 0.0
    is_line: bool = False
    content_hash: str = ModelField(  # of the vectors; files of earlier versions call it fingerprint
        "", validation_alias=AliasChoices("content_hash", "fingerprint")
    )


class SliceMeta(_Model):
    """Where a slice comes from and which fields it holds."""

    version: int = 1
    run: str  # the run's id
    checkpoint: str  # file name of the centre
    request: SliceRequest
    report: PlaneReport
    path: tuple[PathPoint, ...] = ()
    fields: tuple[Field, ...]  # in the order of the file
    classes: tuple[str, ...]
    class_weights: tuple[float, ...]  # of the weighted cross-entropy
    data: str  # hash of the dataset's content
    crops: str  # hash of the validation crops
    versions: dict[str, str]
    minimum_area: int | None = None  # pixels, of the object metrics; None: there are none, or of an earlier version
    match_rule: MatchRule = HALF_IOU  # of the object metrics, for the crops' pixels; that of earlier versions, too

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

    def same_points(self, other: SliceMeta) -> bool:
        """Whether a point has the same values in both slices: tolerance, budget and wording may differ."""
        free = {"tolerance": 0.01, "budget": 1681, "exhaustive": False, "watched": ()}

        def comparable(meta: SliceMeta) -> SliceMeta:
            return meta.model_copy(
                update={
                    "request": meta.request.model_copy(update=free),
                    "report": meta.report.model_copy(update={"labels": ("", "")}),  # the hash tells planes apart
                    "fields": tuple(replace(field, label="") for field in meta.fields),
                    "path": (),
                }
            )

        return comparable(self) == comparable(other)

    def command(self, run: str, out: str) -> str:
        """The command line that makes the same slice again.

        Args:
            run: the run's folder.
            out: the file to write.
        """
        request, plane, default = self.request, self.request.plane, SliceRequest()
        kind = plane_kind(plane.kind)
        centre = ["--checkpoint", self.checkpoint] if kind.centred else []
        words = ["python", "-m", "explorer", "landscape", run, *centre, "--plane", plane.kind]
        given = {
            "--extent": (f"{request.extent:g}", request.extent != default.extent),
            "--resolution": (str(request.resolution), request.resolution != default.resolution),
            "--tolerance": (f"{request.tolerance:g}", request.tolerance != default.tolerance),
            "--budget": (str(request.budget), request.budget != request.resolution**2),
            "--fields": (",".join(request.watched), bool(request.watched)),
        }
        for setting in kind.settings:
            value = plane.settings[setting.name]
            given[setting.option] = (setting.text(value), value != setting.default)
        for option, (value, differs) in given.items():
            words += [option, value] if differs else []
        flags = {"--line": plane.line, "--exhaustive": request.exhaustive, "--objects": request.objects}
        words += [flag for flag, on in flags.items() if on]
        return shlex.join([*words, "--out", out])
