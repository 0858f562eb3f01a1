"""Every loss of the project, described once.

Specs, widgets, charts, documents and the command line read kinds, settings, formulas and warnings from here. A new loss
is one function in ``pixelwise``, ``regions`` or ``objects``, which its entry names, and that entry. No torch: the
server reads this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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
    region: bool = False  # a sum over a region: takes aggregate and include_background
    needs_objects: bool = False  # reads the objects of a prediction
    costly: bool = False  # sorts pixels or visits objects: logged every few steps only

    @property
    def accepts(self) -> tuple[str, ...]:
        """Fields of ``LossSpec`` that this kind takes, beside ``kind``.

        >>> LOSSES["tversky"].accepts
        ('alpha', 'beta', 'aggregate', 'include_background')
        """
        return (
            *(setting.name for setting in self.settings),
            *(("class_weights", "weight_cap") if self.takes_class_weights else ()),
            *(("aggregate", "include_background") if self.region else ()),
            *(("terms",) if self.kind == "combined" else ()),
        )


FOCUS = Setting(
    name="gamma",
    label="Focus γ",
    symbol=r"\gamma",
    default=2.0,
    low=0.0,
    high=5.0,
    step=0.1,
    help="How strongly well-classified pixels are down-weighted; 0 is cross-entropy.",
    accepts=(0.0, 10.0),
)
BALANCE = Setting(
    name="alpha",
    label="Balance α",
    symbol=r"\alpha",
    default=None,
    low=0.0,
    high=1.0,
    step=0.05,
    help="Weight of object pixels; background pixels get 1 − α.",
)
FALSE_ALARM_WEIGHT = Setting(
    name="alpha",
    label="False alarms α",
    symbol=r"\alpha",
    default=0.3,
    low=0.0,
    high=1.0,
    step=0.05,
    help="Weight of false alarms: larger values favour precision.",
)
MISS_WEIGHT = Setting(
    name="beta",
    label="Misses β",
    symbol=r"\beta",
    default=0.7,
    low=0.0,
    high=1.0,
    step=0.05,
    help="Weight of misses: larger values favour recall.",
)
REGION_FOCUS = Setting(
    name="gamma",
    label="Focus γ",
    symbol=r"\gamma",
    default=0.75,
    low=0.1,
    high=3.0,
    step=0.05,
    help="Above 1, classes with poor overlap count more; below 1, classes with nearly perfect overlap.",
    accepts=(0.0, 10.0),
)
OBJECT_POWER = Setting(
    name="gamma",
    label="Power γ",
    symbol=r"\gamma",
    default=2.0,
    low=1.0,
    high=4.0,
    step=0.25,
    help="Above 1, losing one object costs more than losing as many pixels spread over many objects.",
    accepts=(0.0, 10.0),
)

_ENTRIES = (
    LossInfo(
        kind="cross_entropy",
        name="Cross-entropy",
        function="pixelwise:cross_entropy",
        formula=r"-\frac1N\sum_i \log p_{i,y_i}",
        sentence="Every pixel counts the same, so a rare class has little influence.",
        source="maximum likelihood",
        color="#56B4E9",
        bias="none",
        fails_when="The background is 99 % of the pixels: predicting only background is already nearly optimal.",
    ),
    LossInfo(
        kind="weighted_cross_entropy",
        name="Weighted cross-entropy",
        function="pixelwise:weighted_cross_entropy",
        formula=r"-\frac{\sum_i w_{y_i}\log p_{i,y_i}}{\sum_i w_{y_i}}",
        sentence="A missed pixel of a rare class costs more, which favours recall.",
        source="class-weighted maximum likelihood (King & Zeng 2001)",
        color="#0072B2",
        bias="recall",
        fails_when="The weights are large: everything that resembles an object is predicted as one.",
        takes_class_weights=True,
        needs_class_weights=True,
    ),
    LossInfo(
        kind="focal",
        name="Focal",
        function="pixelwise:focal",
        formula=r"-\frac1N\sum_i w_{y_i}\alpha_{y_i}(1-p_{i,y_i})^{\gamma}\log p_{i,y_i}",
        sentence="Cross-entropy that concentrates on the pixels that are still wrong.",
        source="Lin et al. 2017, arXiv 1708.02002",
        color="#D55E00",
        bias="hard_pixels",
        fails_when="Labels are noisy: the hardest pixels are the wrong labels.",
        settings=(FOCUS, BALANCE),
        takes_class_weights=True,
    ),
    LossInfo(
        kind="jaccard",
        name="Jaccard distance",
        function="regions:jaccard",
        formula=r"1-\frac1K\sum_k\frac{I_k}{U_k}",
        sentence="One minus the soft intersection over union: sensitive to shape, favours precision.",
        source="Rahman & Wang 2016",
        color="#009E73",
        bias="precision",
        fails_when="Training starts with it: a confident miss gets almost no gradient.",
        region=True,
    ),
    LossInfo(
        kind="dice",
        name="Dice",
        function="regions:dice",
        formula=r"1-\frac1K\sum_k\frac{2I_k}{\sum p_k+\sum y_k}",
        sentence="Like Jaccard, with a smaller penalty for a poor overlap.",
        source="Milletari et al. 2016, arXiv 1606.04797",
        color="#5FBFA0",
        bias="precision",
        fails_when="Objects are tiny: one pixel more or less changes the value a lot.",
        region=True,
    ),
    LossInfo(
        kind="tversky",
        name="Tversky",
        function="regions:tversky",
        formula=r"1-\frac1K\sum_k\frac{I_k}{I_k+\alpha\,\mathrm{FP}_k+\beta\,\mathrm{FN}_k}",
        sentence="Dice with separate weights for false alarms (α) and misses (β).",
        source="Salehi et al. 2017, arXiv 1706.05721",
        color="#E69F00",
        bias="recall",
        fails_when="β is close to 1: a large blob around each object is hardly penalised.",
        settings=(FALSE_ALARM_WEIGHT, MISS_WEIGHT),
        region=True,
    ),
    LossInfo(
        kind="focal_tversky",
        name="Focal Tversky",
        function="regions:focal_tversky",
        formula=r"\frac1K\sum_k\left(1-\mathrm{TI}_k\right)^{\gamma}",
        sentence="Tversky raised to a power: γ > 1 focuses on classes with poor overlap, γ < 1 on nearly perfect ones.",
        source="Abraham & Khan 2019, arXiv 1810.07842; here the mean over classes of (1 − TI)^γ",
        color="#B8A400",
        bias="recall",
        fails_when="γ < 1 near a perfect overlap: the gradient grows without bound.",
        settings=(FALSE_ALARM_WEIGHT, MISS_WEIGHT, REGION_FOCUS),
        region=True,
    ),
    LossInfo(
        kind="lovasz",
        name="Lovász-softmax",
        function="regions:lovasz",
        formula=r"\frac1{|C|}\sum_{c\in C}\overline{\Delta_{J_c}}\big(\lvert y_c-p_c\rvert\big)",
        sentence="The tightest convex surrogate of IoU: each error is weighted by how much it changes IoU.",
        source="Berman et al. 2018, arXiv 1705.08790",
        color="#CC79A7",
        bias="precision",
        fails_when="Training starts with it: progress is slow until predictions are roughly right.",
        region=True,
        costly=True,
    ),
    LossInfo(
        kind="object_cross_entropy",
        name="Object cross-entropy",
        function="objects:object_cross_entropy",
        formula=r"-\frac1N\sum_i w_i\log p_{i,y_i},\quad w_i=\frac{A}{n\,\lvert O(i)\rvert}",
        sentence="Every object has the same total weight, however small; their sum stays that of cross-entropy.",
        source="per-object weights A/(n·|O|), background 1",
        color="#A6761D",
        bias="balance",
        fails_when="Single stray pixels are labelled as objects: each counts as much as a whole object.",
        needs_objects=True,
        costly=True,
    ),
    LossInfo(
        kind="object_jaccard",
        name="Object Jaccard",
        function="objects:object_jaccard",
        formula=r"\frac1n\sum_o\left(1-\frac{I_o}{\lvert O\rvert+\mathrm{FP}_o}\right)^{\gamma}",
        sentence="Overlap object by object: losing one costs more than losing as many pixels spread over many.",
        source="soft IoU of each object in its Voronoi cell",
        color="#7B68C8",
        bias="balance",
        fails_when="Touching objects are labelled as one.",
        settings=(OBJECT_POWER,),
        needs_objects=True,
        costly=True,
    ),
    LossInfo(
        kind="combined",
        name="Combined",
        function="loss:combined",
        formula=r"\sum_j \lambda_j L_j",
        sentence="A weighted sum of other losses.",
        source="common practice, e.g. cross-entropy + Dice",
        color="#7F7F7F",
        bias="none",
        fails_when="The terms differ greatly in magnitude: the largest one dominates.",
    ),
)
LOSSES: dict[str, LossInfo] = {info.kind: info for info in _ENTRIES}
"""By kind, in the order in which they are shown."""
if len(LOSSES) < len(_ENTRIES) or len({info.name for info in _ENTRIES}) < len(_ENTRIES):
    raise ValueError("two losses have the same kind or the same name: each needs its own")

if TYPE_CHECKING:
    LossKind = str
else:
    LossKind = Literal[tuple(LOSSES)]  # pydantic refuses any other kind and lists these
