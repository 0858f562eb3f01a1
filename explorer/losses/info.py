"""What there is to say about a loss and its settings: the types of the registry's entries. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Bias = Literal["none", "recall", "precision", "hard_pixels", "balance"]

RESERVED = frozenset(
    [
        "kind",
        "class_weights",
        "weight_cap",
        "aggregate",
        "include_background",
        "terms",
        "needs_objects",
        "number",
        "resolved",
    ]
)
"""Names in a ``LossSpec`` that mean something else than a setting."""


@dataclass(frozen=True)
class Setting:
    """One number of a loss, which can also be changed while it trains.

    It becomes a field of ``LossSpec``; losses may share a name. Functions read it by ``spec.number(name)``.
    """

    name: str  # the field of LossSpec
    label: str  # as shown
    symbol: str  # LaTeX
    default: float | None  # None: not used unless given
    low: float  # ends and step of the slider
    high: float
    step: float
    help: str  # one sentence
    accepts: tuple[float, float] | None = None  # smallest and largest value; None: those of the slider
    end: str | None = None  # the setting that holds its value at the end of a phase, if it may ramp; see spec.ramped

    def __post_init__(self) -> None:
        if self.name in RESERVED or not self.name.isidentifier():
            raise ValueError(f"a setting of a loss cannot be named {self.name!r}: choose another name")

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value that a spec may have."""
        return self.accepts or (self.low, self.high)


@dataclass(frozen=True)
class LossInfo:
    """What there is to say about one kind of loss."""

    kind: str
    name: str
    function: str  # "module:function" of this package; takes a Prediction and the LossSpec, returns a scalar
    formula: str  # LaTeX
    sentence: str  # one plain sentence
    source: str  # paper or definition
    color: str  # one meaning on all pages: Okabe–Ito for the main ones, related hues for the rest
    bias: Bias  # what it favours
    fails_when: str  # one plain sentence
    settings: tuple[Setting, ...] = ()
    takes_class_weights: bool = False
    needs_class_weights: bool = False  # cannot do without them
    relative_weights: bool = False  # only the ratio of the class weights matters
    region: bool = False  # a sum over a region: takes aggregate and include_background
    needs_objects: bool = False  # reads the objects of a prediction
    costly: bool = False  # sorts pixels, visits objects or measures distances: logged every few steps only
    logged: bool = True  # every run logs it and every slice has it; otherwise only where a phase trains it

    @property
    def accepts(self) -> tuple[str, ...]:
        """Fields of ``LossSpec`` that this kind takes, beside ``kind``.

        >>> from explorer.losses.registry import LOSSES
        >>> LOSSES["tversky"].accepts
        ('alpha', 'beta', 'aggregate', 'include_background')
        """
        return (
            *(setting.name for setting in self.settings),
            *(("class_weights", "weight_cap") if self.takes_class_weights else ()),
            *(("aggregate", "include_background") if self.region else ()),
            *(("terms",) if self.kind == "combined" else ()),
        )
