"""Every loss of the project, described once.

Specs, widgets, charts, documents and the command line read kinds, settings, formulas and warnings from here. A new loss
is one function in ``pixelwise``, ``regions``, ``compounds``, ``contours`` or ``objects``, which its entry names, and
that entry. No torch: the server reads this.
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
CE_FACTOR = Setting(
    name="ce_factor",
    label="Cross-entropy factor λ",
    symbol=r"\lambda",
    default=1.0,
    low=0.0,
    high=5.0,
    step=0.1,
    help="What cross-entropy is multiplied by before it is added to Dice; at 0 only Dice is left.",
    accepts=(0.0, 100.0),
)
TOP_SHARE = Setting(
    name="top_share",
    label="Hardest share k",
    symbol="k",
    default=0.1,
    low=0.01,
    high=1.0,
    step=0.01,
    help="Share of the pixels, those with the largest cross-entropy, that count; at 1 all of them do.",
    accepts=(1e-4, 1.0),
)
COMPONENT_SHARE = Setting(
    name="component_share",
    label="Per-object share σ",
    symbol=r"\sigma",
    default=0.5,
    low=0.0,
    high=1.0,
    step=0.05,
    help="Weight of the part in which every object counts the same; 1 − σ is that of the whole batch.",
)
FOCAL_SHARE = Setting(
    name="focal_share",
    label="Focal share λ",
    symbol=r"\lambda",
    default=0.5,
    low=0.0,
    high=1.0,
    step=0.05,
    help="Weight of the focal part, which is a mean over pixels; 1 − λ is that of the focal Tversky part.",
)
MISS_SHARE = Setting(
    name="delta",
    label="Misses δ",
    symbol=r"\delta",
    default=0.6,
    low=0.0,
    high=1.0,
    step=0.05,
    help="Weight of objects and misses; 1 − δ is that of background and false alarms.",
)
SUPPRESSION = Setting(
    name="gamma",
    label="Suppression γ",
    symbol=r"\gamma",
    default=0.5,
    low=0.0,
    high=0.95,
    step=0.05,
    help="How strongly easy background is down-weighted and a nearly perfect overlap of objects emphasised.",
)
BOUNDARY_SHARE = Setting(
    name="alpha",
    label="Boundary share α",
    symbol=r"\alpha",
    default=0.5,
    low=0.0,
    high=1.0,
    step=0.01,
    help="Weight of the distances to the contour; 1 − α is that of Dice + cross-entropy.",
    end="alpha_end",
)
BOUNDARY_SHARE_END = Setting(
    name="alpha_end",
    label="Boundary share α at the end of the phase",
    symbol=r"\alpha_{\mathrm{end}}",
    default=None,
    low=0.0,
    high=1.0,
    step=0.01,
    help="In training, α goes from its first value to this one, in a straight line over the steps of the phase.",
)
REACH = Setting(
    name="reach",
    label="Reach D (px)",
    symbol="D",
    default=20.0,
    low=2.0,
    high=100.0,
    step=1.0,
    help="Distance from the contour above which all pixels count the same.",
    accepts=(1.0, 10_000.0),
)
LOCATION_FACTOR = Setting(
    name="location_factor",
    label="Location factor λ",
    symbol=r"\lambda",
    default=1.0,
    low=0.0,
    high=5.0,
    step=0.1,
    help="What the distance between the centres is multiplied by before it is added to the overlap.",
    accepts=(0.0, 100.0),
)
SMOOTHING = Setting(
    name="smoothing",
    label="Label smoothing ε",
    symbol=r"\varepsilon",
    default=0.5,
    low=0.0,
    high=1.0,
    step=0.05,
    help="How far labels at edges move towards the mean of the 3 × 3 pixels around; at 0 they stay as drawn.",
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
        relative_weights=True,
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
        kind="soft_jaccard",
        name="Soft-label Jaccard",
        function="regions:soft_jaccard",
        formula=r"\begin{aligned}&1-\frac1K\sum_k\frac{B_k-D_k}{B_k+D_k}\\&B=\sum p+\sum q,\;D=\sum\lvert p-q\rvert\\"
        r"&q=(1-\varepsilon)\,y+\varepsilon\,\overline{y}_{3\times3}\end{aligned}",
        sentence="Jaccard for labels that are uncertain at their edges: the best prediction there is the soft label.",
        source="Wang et al. 2023, arXiv 2302.05666, Jaccard metric loss with boundary label smoothing",
        color="#3FA34D",
        bias="precision",
        fails_when="Objects are one or two pixels wide: nearly all of their pixels are edges and are softened.",
        settings=(SMOOTHING,),
        region=True,
        costly=True,
        logged=False,
    ),
    LossInfo(
        kind="dice_cross_entropy",
        name="Dice + cross-entropy",
        function="compounds:dice_cross_entropy",
        formula=r"\mathrm{Dice}-\lambda\,\frac{\sum_i w_{y_i}\log p_{i,y_i}}{\sum_i w_{y_i}}",
        sentence="Overlap for the shape, cross-entropy for a gradient at every pixel: a strong default.",
        source="Isensee et al. 2021, nnU-Net, arXiv 1809.10486",
        color="#1F9AA8",
        bias="none",
        fails_when="Objects differ greatly in size: the small ones hardly change either part.",
        settings=(CE_FACTOR,),
        takes_class_weights=True,
        relative_weights=True,
        region=True,
        logged=False,
    ),
    LossInfo(
        kind="dice_topk",
        name="Dice + top-k cross-entropy",
        function="compounds:dice_topk",
        formula=r"\mathrm{Dice}-\frac{\lambda}{kN}\sum_{i\,\in\,\text{hardest }kN}\log p_{i,y_i}",
        sentence="Dice with the cross-entropy of the hardest pixels only, so that easy background has no say.",
        source="Wu et al. 2016, arXiv 1605.06885; with Dice: Ma et al. 2021, Loss odyssey",
        color="#7E9A2B",
        bias="hard_pixels",
        fails_when="More than a share k of the labels is wrong: only these pixels, the hardest, are learned.",
        settings=(CE_FACTOR, TOP_SHARE),
        region=True,
        costly=True,
        logged=False,
    ),
    LossInfo(
        kind="component_dice_cross_entropy",
        name="Per-object Dice + CE",
        function="objects:component_dice_cross_entropy",
        formula=r"\begin{aligned}&(1-\sigma)\,(\mathrm{Dice}+\mathrm{CE})\\"
        r"&+\sigma\,\frac1n\sum_o(\mathrm{Dice}_o+\mathrm{CE}_o)\end{aligned}",
        sentence="Half of it is Dice + cross-entropy of each object in its own cell: small objects count as much.",
        source="Bouteille et al. 2025, CC-DiceCE, arXiv 2511.17146",
        color="#A05CB5",
        bias="balance",
        fails_when="Specks are labelled as objects, or precision matters most: it finds more and raises false alarms.",
        settings=(COMPONENT_SHARE,),
        needs_objects=True,
        costly=True,
        logged=False,
    ),
    LossInfo(
        kind="unified_focal",
        name="Unified focal",
        function="compounds:unified_focal",
        formula=r"\begin{aligned}&\frac{\lambda}N\sum_i\begin{cases}-\delta\log p_i&y_i>0\\"
        r"-(1-\delta)(1-p_i)^{\gamma}\log p_i&y_i=0\end{cases}\\"
        r"&+\frac{1-\lambda}K(1-\mathrm{TI}_0)\\"
        r"&+\frac{1-\lambda}K\sum_{k>0}(1-\mathrm{TI}_k)^{1-\gamma}\end{aligned}",
        sentence="Focal and focal Tversky in one: easy background is suppressed, objects never are.",
        source="Yeung et al. 2022, arXiv 2102.04525, the asymmetric form",
        color="#E8744F",
        bias="recall",
        fails_when="γ is close to 1: the background has no gradient left once it is roughly right.",
        settings=(FOCAL_SHARE, MISS_SHARE, SUPPRESSION),
        logged=False,
    ),
    LossInfo(
        kind="boundary",
        name="Boundary",
        function="contours:boundary",
        formula=r"\begin{aligned}&(1-\alpha)\,(\mathrm{Dice}+\mathrm{CE})\\"
        r"&+\frac{\alpha}{N}\sum_i\min\!\Big(\frac{\lvert\phi_i\rvert}{D},1\Big)\,\lvert y_i-p_i\rvert\end{aligned}",
        sentence="An error costs more the farther it lies from the contour of the label: outlines move pixel by pixel.",
        source="Kervadec et al. 2019, arXiv 1812.07032; here shifted to a minimum of 0 and cut off at D",
        color="#C2456B",
        bias="precision",
        fails_when="α is large from the start: small objects lie close to their contour, and missing them is cheap.",
        settings=(BOUNDARY_SHARE, BOUNDARY_SHARE_END, REACH),
        costly=True,
        logged=False,
    ),
    LossInfo(
        kind="scale_location",
        name="Scale and location",
        function="objects:scale_location",
        formula=r"\begin{aligned}&\frac1n\sum_o\Big(1-w_o\,\frac{I_o}{U_o}+\lambda L_o\Big)\\"
        r"&w=\frac{\min(S,A)+v}{\max(S,A)+v}\\&v=\Big(\frac{S-A}2\Big)^2\end{aligned}",
        sentence="Overlap object by object, lower where the size is wrong, and a price on centres that are apart.",
        source="Liu et al. 2024, SLS loss, arXiv 2403.19366; here for each object in its cell, from all corners",
        color="#5B7FA6",
        bias="balance",
        fails_when="Training starts with it: an object that is missed altogether gets almost no gradient.",
        settings=(LOCATION_FACTOR,),
        needs_objects=True,
        costly=True,
        logged=False,
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
        logged=False,
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
