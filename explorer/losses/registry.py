"""Every loss the project knows, described once.

Pages, documents and the command line read names, formulas, settings and warnings from here, so that a new
loss is one function (in ``pixelwise``, ``regions`` or ``objects``) and one entry. No torch: the server reads this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LossKind = Literal[
    "cross_entropy",
    "weighted_cross_entropy",
    "focal",
    "jaccard",
    "dice",
    "tversky",
    "focal_tversky",
    "lovasz",
    "object_cross_entropy",
    "object_jaccard",
    "combined",
]
Bias = Literal["none", "recall", "precision", "balance"]


@dataclass(frozen=True)
class Setting:
    """One number of a loss that can be turned, also while it trains."""

    name: str  # the field of LossSpec
    label: str  # as shown
    symbol: str  # LaTeX
    default: float | None  # None: not used unless given
    low: float
    high: float
    step: float
    help: str  # one sentence


@dataclass(frozen=True)
class LossInfo:
    """What there is to say about one kind of loss."""

    kind: LossKind
    name: str
    formula: str  # LaTeX
    sentence: str  # one plain sentence
    source: str  # paper or definition
    color: str  # one meaning on all pages: Okabe–Ito for the main ones, tints of their kin for the rest
    bias: Bias  # what it pushes toward
    fails_when: str  # one plain sentence
    settings: tuple[Setting, ...] = ()
    takes_class_weights: bool = False
    region: bool = False  # a sum over a region: takes aggregate and include_background
    costly: bool = False  # sorts pixels or walks objects: logged every few steps only


FOCUS = Setting(
    "gamma",
    "Focus γ",
    r"\gamma",
    2.0,
    0.0,
    5.0,
    0.1,
    "How strongly easy pixels are silenced; 0 is cross-entropy.",
)
BALANCE = Setting(
    "alpha", "Balance α", r"\alpha", None, 0.0, 1.0, 0.05, "Weight of the objects; the background gets 1 − α."
)
FALSE_ALARM_COST = Setting(
    "alpha",
    "False alarms α",
    r"\alpha",
    0.3,
    0.0,
    1.0,
    0.05,
    "What a false alarm costs: more pushes to precision.",
)
MISS_COST = Setting("beta", "Misses β", r"\beta", 0.7, 0.0, 1.0, 0.05, "What a miss costs: more pushes to recall.")
REGION_FOCUS = Setting(
    "gamma",
    "Focus γ",
    r"\gamma",
    0.75,
    0.1,
    3.0,
    0.05,
    "Below 1 the last bit of overlap counts more, above 1 less.",
)
OBJECT_POWER = Setting(
    "gamma",
    "Power γ",
    r"\gamma",
    2.0,
    1.0,
    4.0,
    0.25,
    "Above 1, losing one object costs more than nibbling at many.",
)

_ENTRIES = (
    LossInfo(
        "cross_entropy",
        "Cross-entropy",
        r"-\frac1N\sum_i \log p_{i,y_i}",
        "Every pixel counts the same, so a rare class hardly counts.",
        "maximum likelihood",
        "#56B4E9",
        "none",
        "The background is 99 % of the pixels: predicting nothing is already nearly optimal.",
    ),
    LossInfo(
        "weighted_cross_entropy",
        "Weighted cross-entropy",
        r"-\frac{\sum_i w_{y_i}\log p_{i,y_i}}{\sum_i w_{y_i}}",
        "A missed pixel of a rare class costs more: pushes to recall.",
        "class-weighted maximum likelihood (King & Zeng 2001)",
        "#0072B2",
        "recall",
        "The weights are large: everything that resembles an object is called one.",
        takes_class_weights=True,
    ),
    LossInfo(
        "focal",
        "Focal",
        r"-\frac1N\sum_i \alpha_{y_i}(1-p_{i,y_i})^{\gamma}\log p_{i,y_i}",
        "Looks mostly at the pixels that are still wrong.",
        "Lin et al. 2017, arXiv 1708.02002",
        "#D55E00",
        "balance",
        "Labels are noisy: the hardest pixels are the wrong labels.",
        (FOCUS, BALANCE),
        takes_class_weights=True,
    ),
    LossInfo(
        "jaccard",
        "Jaccard distance",
        r"1-\frac1K\sum_k\frac{I_k}{U_k}",
        "One minus the soft intersection over union: sees shapes, pushes to precision.",
        "Rahman & Wang 2016",
        "#009E73",
        "precision",
        "Training starts with it: a confident miss gets almost no gradient.",
        region=True,
    ),
    LossInfo(
        "dice",
        "Dice",
        r"1-\frac1K\sum_k\frac{2I_k}{\sum p_k+\sum y_k}",
        "Like Jaccard, but gentler on a poor overlap.",
        "Milletari et al. 2016, arXiv 1606.04797",
        "#8CCBB5",
        "precision",
        "Objects are tiny: one pixel more or less swings the value.",
        region=True,
    ),
    LossInfo(
        "tversky",
        "Tversky",
        r"1-\frac1K\sum_k\frac{I_k}{I_k+\alpha\,\mathrm{FP}_k+\beta\,\mathrm{FN}_k}",
        "Dice with its own price for false alarms (α) and misses (β).",
        "Salehi et al. 2017, arXiv 1706.05721",
        "#E69F00",
        "recall",
        "β is close to 1: a large blob round each object is cheap.",
        (FALSE_ALARM_COST, MISS_COST),
        region=True,
    ),
    LossInfo(
        "focal_tversky",
        "Focal Tversky",
        r"\frac1K\sum_k\left(1-\mathrm{TI}_k\right)^{\gamma}",
        "Tversky whose effort goes to badly (γ > 1) or almost well (γ < 1) overlapped classes.",
        "Abraham & Khan 2019, arXiv 1810.07842; here the mean over classes of (1 − TI)^γ",
        "#F2CF80",
        "recall",
        "γ < 1 near a perfect overlap: the gradient grows without bound.",
        (FALSE_ALARM_COST, MISS_COST, REGION_FOCUS),
        region=True,
    ),
    LossInfo(
        "lovasz",
        "Lovász-softmax",
        r"\frac1{|C|}\sum_{c\in C}\overline{\Delta_{J_c}}\big(\lvert y_c-p_c\rvert\big)",
        "The tightest convex stand-in for IoU: pushes the pixels that would change it most.",
        "Berman et al. 2018, arXiv 1705.08790",
        "#CC79A7",
        "precision",
        "Training starts with it: it is slow until predictions are roughly right.",
        region=True,
        costly=True,
    ),
    LossInfo(
        "object_cross_entropy",
        "Object cross-entropy",
        r"-\frac1N\sum_i w_i\log p_{i,y_i},\quad w_i=\frac{A}{n\,\lvert O(i)\rvert}",
        "Every object has the same mass, however small; the total stays that of cross-entropy.",
        "per-object weights A/(n·|O|), background 1",
        "#A6761D",
        "balance",
        "Single stray pixels are labelled as objects: each counts as much as a whole one.",
        costly=True,
    ),
    LossInfo(
        "object_jaccard",
        "Object Jaccard",
        r"\frac1n\sum_o\left(1-\frac{I_o}{\lvert O\rvert+\mathrm{FP}_o}\right)^{\gamma}",
        "Overlap object by object: losing one costs more than nibbling at many.",
        "soft IoU of each object in its Voronoi cell",
        "#004D38",
        "balance",
        "Touching objects are labelled as one.",
        (OBJECT_POWER,),
        costly=True,
    ),
    LossInfo(
        "combined",
        "Combined",
        r"\sum_j \lambda_j L_j",
        "A weighted sum of other losses.",
        "common practice, e.g. cross-entropy + Dice",
        "#7F7F7F",
        "none",
        "The terms differ much in size: the largest one decides alone.",
    ),
)
LOSSES: dict[LossKind, LossInfo] = {info.kind: info for info in _ENTRIES}
