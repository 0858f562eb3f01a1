"""Every kind of plane, described once, and ``PlaneSpec``: which plane, as pure data. No torch: the server reads this.

A new kind is a builder in ``directions`` and an entry here. The page's widgets, the command line's options, the
command in a slice's provenance and the checks of ``PlaneSpec`` follow from the entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator

from explorer.errors import InputError
from explorer.landscape.plane_settings import Checkpoints, Choice, Layers, Losses, Number, Setting


@dataclass(frozen=True)
class PlaneKindInfo:
    """What there is to say about one kind of plane.

    Attributes:
        key: as in a ``PlaneSpec`` and on the command line.
        title: as shown.
        shows: what the plane can and cannot show, in plain sentences.
        builder: ``"module:function"``. The function takes a ``directions.PlaneContext`` and each setting as a keyword,
            and gives a ``Plane``; it is imported only where torch is.
        settings: in the order of the page.
        can_be_line: offered in one dimension too, along its first direction.
        centred: the plane is laid through one checkpoint, its centre; else its settings name all that it goes through.
        cached: building takes seconds and depends on the centre alone, so that the run's folder keeps the plane.
    """

    key: str
    title: str
    shows: str
    builder: str
    settings: tuple[Setting, ...] = ()
    can_be_line: bool = True
    centred: bool = True
    cached: bool = False


SEED = Number(name="seed", label="Seed", help="of the random directions", default=0, low=0, high=2**30 - 1, step=1)
NORMALISATION = Choice(
    name="normalisation",
    label="Normalisation",
    help="scaled to the norm of each filter or of each layer",
    metavar="{filter,layer}",
    default="filter",
    choices={"filter": "filter by filter", "layer": "layer by layer"},
)
LAYERS = Layers(
    name="layers",
    label="Layers that vary (all if none is chosen)",
    help="vary only these layers",
    suggestions=("encoder", "decoder", "head"),
    advanced=True,
)
_PAIR = ("weighted_cross_entropy", "jaccard")
HESSIAN_LOSS = Losses(name="losses", label="Loss", help="the loss (the first one)", labels=("Loss",), default=_PAIR)
GRADIENT_LOSSES = Losses(
    name="losses", label="Losses", help="the two losses", labels=("First loss", "Second loss"), default=_PAIR
)
ENDS = Choice(
    name="ends",
    label="Eigenvectors",
    help="LA: of the two largest eigenvalues; BE: of the largest and the smallest, which is negative at a saddle",
    metavar="{LA,BE}",
    default="LA",
    choices={"LA": "two largest eigenvalues", "BE": "largest and smallest eigenvalue"},
)
START_SEED = Number(
    name="seed",
    label="Seed",
    help="of the start vector of the Lanczos iteration",
    default=0,
    low=0,
    high=2**30 - 1,
    step=1,
    advanced=True,
)
CHECKPOINTS = Checkpoints(
    name="checkpoints",
    label="Checkpoint",
    help="the three (for a line: two) to go through; RUN/FILE for another run's",
)

_ENTRIES = (
    PlaneKindInfo(
        "random",
        "Random directions",
        "How fast the loss rises around the checkpoint along random directions, normalised filter by filter or layer "
        "by layer. They average the curvature over all weights, so they hide saddles and the few directions of large "
        "curvature.",
        "explorer.landscape.directions:random_plane",
        (SEED, NORMALISATION, LAYERS),
    ),
    PlaneKindInfo(
        "pca",
        "Path of the run (PCA)",
        "The two principal components of the checkpoints: the plane that holds most of the path's variance. The rest "
        "of the path lies off it, and even a random walk looks like a smooth curve here.",
        "explorer.landscape.directions:pca_plane",
        (LAYERS,),
    ),
    PlaneKindInfo(
        "hessian",
        "Hessian eigenvectors",
        "The directions along which this loss curves most at the centre. Far from the centre they say less.",
        "explorer.landscape.directions:hessian_plane",
        (HESSIAN_LOSS, ENDS, START_SEED, LAYERS),
        cached=True,
    ),
    PlaneKindInfo(
        "gradients",
        "Gradients of two losses",
        "The direction of steepest descent of each of two losses at the centre, and whether the two agree.",
        "explorer.landscape.directions:gradients_plane",
        (GRADIENT_LOSSES, LAYERS),
    ),
    PlaneKindInfo(
        "checkpoints",
        "Through checkpoints",
        "What lies between trained checkpoints: a barrier, a valley, or a flat region. All other checkpoints lie off "
        "the plane.",
        "explorer.landscape.directions:checkpoints_plane",
        (CHECKPOINTS,),
        centred=False,
    ),
)
PLANE_KINDS: dict[str, PlaneKindInfo] = {info.key: info for info in _ENTRIES}
if len(PLANE_KINDS) < len(_ENTRIES) or len({info.title for info in _ENTRIES}) < len(_ENTRIES):
    raise ValueError("two kinds of plane have the same key or the same title: each needs its own")


def plane_kind(key: object) -> PlaneKindInfo:
    """The entry of a kind.

    Raises:
        InputError: there is no such kind.

    >>> plane_kind("pca").title
    'Path of the run (PCA)'
    """
    if not isinstance(key, str) or key not in PLANE_KINDS:
        raise InputError(f"there is no kind of plane {key!r}", "plane", f"choose among {', '.join(PLANE_KINDS)}")
    return PLANE_KINDS[key]


class PlaneSpec(BaseModel):
    """A plane through a checkpoint, or a line along its first direction, with the settings of its kind.

    The fields below are in every spec's JSON, also where its kind does not use them: the names of stored slices are
    hashes of that JSON. A setting that only later kinds have follows them, as an extra.

    >>> PlaneSpec(kind="gradients", losses=("dice", "focal")).settings
    {'losses': ('dice', 'focal'), 'layers': ()}
    >>> PlaneSpec(kind="pca", seed=3)
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for PlaneSpec
      Value error, seed is not a setting of a pca plane, which takes layers ...
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str = "random"
    seed: int = int(SEED.default)
    normalisation: str = NORMALISATION.default
    layers: tuple[str, ...] = LAYERS.default
    losses: tuple[str, ...] = _PAIR
    ends: str = ENDS.default
    checkpoints: tuple[str, ...] = CHECKPOINTS.default
    line: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of this kind by name: what its builder receives."""
        return {setting.name: getattr(self, setting.name) for setting in plane_kind(self.kind).settings}

    @model_validator(mode="before")
    @classmethod
    def _settings_belong_to_kind(cls, given: Any, info: ValidationInfo) -> Any:
        if not isinstance(given, Mapping):
            return given
        kind, line = plane_kind(given.get("kind", "random")), bool(given.get("line", False))
        if line and not kind.can_be_line:
            raise ValueError(f"a {kind.key} plane cannot be a line")
        own = {setting.name for setting in kind.settings}
        for name, value in given.items():
            if name in ("kind", "line") or name in own:
                continue
            field = cls.model_fields.get(name)
            # Earlier versions accepted and stored settings of other kinds, without effect: their files stay readable.
            stored = info.mode == "json" or _plain(value) == _plain(field.default if field else None)
            if field is None or not stored:
                takes = ", ".join(setting.name for setting in kind.settings) or "no settings"
                raise ValueError(f"{name} is not a setting of a {kind.key} plane, which takes {takes}")
        checked = {each.name: each.check(given.get(each.name, each.default), line) for each in kind.settings}
        return dict(given) | checked


def _plain(value: object) -> object:
    """A list as a tuple."""
    return tuple(value) if isinstance(value, list) else value
