"""Which loss, with which settings: pure data, no torch, JSON in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from explorer.losses.registry import LOSSES, LossKind

WeightRule = Literal[
    "inverse_frequency",
    "sqrt_inverse_frequency",
    "median_frequency",
    "enet",
    "effective_number",
    "per_object",
]
"""How class weights come from the data, when they are not given by hand."""

SMALLEST, LARGEST = 1e-6, 1e12
"""Between these lie the largest class weight of a loss and the largest factor of a combined one, its terms' weights
included. Losses are computed in float32: below, their gradients vanish beside the epsilon of AdamW; above, sums over
pixels and squares of gradients could overflow. No rule gives a weight beyond either."""


class Term(BaseModel):
    """One summand of a combined loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factor: float = Field(1.0, ge=0, le=LARGEST, allow_inf_nan=False)
    loss: LossSpec


class _KindAndWeights(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: LossKind
    class_weights: tuple[float, ...] | WeightRule | None = Field(
        None,
        description="one weight ≥ 0 per class, background first; or the rule that computes them from the data",
    )
    weight_cap: float | None = Field(
        None, ge=SMALLEST, allow_inf_nan=False, description="no weight that a rule gives is above this"
    )


if TYPE_CHECKING:

    class _WithSettings(_KindAndWeights):
        def __getattr__(self, name: str) -> float | None: ...

else:
    _WithSettings = create_model(
        "_WithSettings",
        __base__=_KindAndWeights,
        __module__=__name__,
        **{setting.name: (float | None, None) for info in LOSSES.values() for setting in info.settings},
    )


class LossSpec(_WithSettings):
    """A loss and its settings: ``build_loss(LossSpec(kind="focal", gamma=2))`` computes it.

    Every ``Setting`` of the registry is a field, here ``gamma``, ``alpha`` and ``beta``; it is None in a loss that does
    not have it. A setting that its kind does not have is an error; one left out takes the registry's default.

    >>> LossSpec(kind="focal").gamma
    2.0
    >>> LossSpec(kind="dice", gamma=2)
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for LossSpec
    gamma
      gamma is not a setting of dice, which takes aggregate, include_background ...
    """

    aggregate: Literal["batch", "image"] = Field(
        "batch", description="region losses: one region over the batch, or the mean over images"
    )
    include_background: bool = Field(True, description="region losses: class 0 is one of the classes")
    terms: tuple[Term, ...] = Field((), description="combined only: what is summed")

    if TYPE_CHECKING:

        def __init__(self, *, kind: LossKind, **settings: Any) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, given: Any) -> Any:
        info = LOSSES.get(str(given.get("kind"))) if isinstance(given, dict) else None
        if info is None:
            return given
        for name in given:
            if name not in cls.model_fields:
                raise _not_a_setting(str(name), info.kind)
        defaults = {setting.name: setting.default for setting in info.settings}
        return defaults | {key: value for key, value in given.items() if value is not None}

    @model_validator(mode="after")
    def _settings_belong_to_kind(self) -> LossSpec:
        info = LOSSES[self.kind]
        for name, field in type(self).model_fields.items():
            if name not in ("kind", *info.accepts) and getattr(self, name) != field.default:
                raise _not_a_setting(name, info.kind)
        for setting in info.settings:
            value, (low, high) = getattr(self, setting.name), setting.bounds
            if value is not None and not low <= value <= high:
                raise _fault(setting.name, f"{setting.name} must lie between {low:g} and {high:g}, got {value:g}")
        if info.needs_class_weights and self.class_weights is None:
            raise _fault("class_weights", f"{self.kind} needs class_weights: numbers, background first, or a rule")
        if isinstance(self.class_weights, tuple):
            _check_numbers("class_weights", self.class_weights)
        if self.kind == "combined":
            if not self.terms:
                raise _fault("terms", "combined needs terms, for example [{factor: 1, loss: {kind: dice}}]")
            _check_numbers("terms", [term.factor * _scale(term.loss) for term in self.terms], "factors of terms")
        return self

    @property
    def needs_objects(self) -> bool:
        """The loss, or one of its terms, reads the objects of a prediction."""
        return LOSSES[self.kind].needs_objects or any(term.loss.needs_objects for term in self.terms)

    def number(self, name: str) -> float:
        """A setting that this kind always has.

        Raises:
            ValueError: it has no value.
        """
        value: float | None = getattr(self, name)
        if value is None:
            raise ValueError(f"{name} of {self.kind} has no value")
        return value

    def resolved(self, weights_of: Callable[[WeightRule, float | None], tuple[float, ...]]) -> LossSpec:
        """The same loss with every weight rule, those of terms included, replaced by numbers.

        Args:
            weights_of: gives the weights for a rule and a cap.
        """
        changes: dict[str, Any] = {}
        if isinstance(self.class_weights, str):
            changes = {"class_weights": weights_of(self.class_weights, self.weight_cap), "weight_cap": None}
        if self.terms:
            changes["terms"] = tuple(
                term.model_copy(update={"loss": term.loss.resolved(weights_of)}) for term in self.terms
            )
        return self.model_copy(update=changes) if changes else self


Term.model_rebuild()


def logged_kinds(also: Iterable[LossKind] = ()) -> tuple[LossKind, ...]:
    """The losses that a run logs and a slice has, in the order of the registry: those that it marks so, and others.

    >>> set(logged_kinds(["boundary", "dice", "combined"])) - set(logged_kinds())
    {'boundary'}

    Args:
        also: for example the losses of a run's phases. Combined ones are left out: each would be another sum.
    """
    wanted = set(also) - {"combined"}
    return tuple(kind for kind, info in LOSSES.items() if info.logged or kind in wanted)


def logged_specs(weights: Sequence[float], also: Iterable[LossKind] = ()) -> dict[LossKind, LossSpec]:
    """The losses of ``logged_kinds`` with their default settings.

    Args:
        weights: class weights of the losses that need some, background first.
        also: see ``logged_kinds``.
    """
    return {
        kind: LossSpec(kind=kind, class_weights=tuple(weights) if LOSSES[kind].needs_class_weights else None)
        for kind in logged_kinds(also)
    }


def ramped(spec: LossSpec, share: float) -> LossSpec:
    """The loss at a place of its phase: settings that ramp have the value of that place.

    >>> half = ramped(LossSpec(kind="boundary", alpha=0.1, alpha_end=0.5), share=0.5)
    >>> half.alpha, half.alpha_end
    (0.3, None)

    Args:
        spec: terms of a combined loss ramp too.
        share: how much of the phase is over, 0 at its first step and 1 at its last; others are taken as the nearer end.

    Returns:
        ``spec`` itself where nothing ramps.
    """
    past = min(max(share, 0.0), 1.0)
    changes: dict[str, Any] = {}
    for setting in LOSSES[spec.kind].settings:
        last = getattr(spec, setting.end) if setting.end else None
        if setting.end and last is not None:
            changes |= {setting.name: (1 - past) * spec.number(setting.name) + past * last, setting.end: None}
    terms = tuple(term.model_copy(update={"loss": ramped(term.loss, share)}) for term in spec.terms)
    if any(new.loss is not old.loss for new, old in zip(terms, spec.terms, strict=True)):
        changes["terms"] = terms
    return spec.model_copy(update=changes) if changes else spec


def _not_a_setting(name: str, kind: LossKind) -> ValidationError:
    takes = ", ".join(LOSSES[kind].accepts) or "no settings"
    return _fault(name, f"{name} is not a setting of {kind}, which takes {takes}")


def _scale(spec: LossSpec) -> float:
    """The largest number by which the loss of a pixel or region is multiplied; 1 where the data give the weights.

    Where only the ratio of the class weights matters, they multiply nothing.
    """
    if spec.kind == "combined":
        return max(term.factor * _scale(term.loss) for term in spec.terms)
    if isinstance(spec.class_weights, tuple) and not LOSSES[spec.kind].relative_weights:
        return max(spec.class_weights)
    return 1.0


def _check_numbers(field: str, numbers: Sequence[float], what: str = "class_weights") -> None:
    """Numbers of which none is too large, and one is large enough to learn from.

    Raises:
        ValidationError: names the field.
    """
    for number in numbers:
        if not 0 <= number <= LARGEST:
            raise _fault(field, f"{what} must be finite and not negative, not above {LARGEST:g}: {number:g}")
    if max(numbers, default=0) < SMALLEST:
        state = f"all below {SMALLEST:g}" if any(numbers) else "all zero"
        raise _fault(field, f"{what} are {state}: nothing would be learned")


def _fault(field: str, what: str) -> ValidationError:
    """An error of one field, for a validator of the whole to raise."""
    kind = PydanticCustomError("loss_setting", "{what}", {"what": what})
    return ValidationError.from_exception_data("LossSpec", [InitErrorDetails(type=kind, loc=(field,), input=None)])
