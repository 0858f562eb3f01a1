"""Every loss the project knows, described once.

Pages, documents and the command line read names, formulas, settings and warnings from here, so that a new
loss is one function (``explorer/losses/…``) and one entry. No torch: the server reads this too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LossKind = Literal["cross_entropy", "weighted_cross_entropy", "focal", "jaccard"]
Bias = Literal["none", "recall", "precision", "balance"]


@dataclass(frozen=True)
class Setting:
    """One number of a loss that can be turned, also while it trains."""

    name: str  # the field of LossSpec
    label: str  # as shown
    symbol: str  # LaTeX
    default: float
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
    color: str  # Okabe–Ito, one meaning on all pages
    bias: Bias  # what it pushes toward
    fails_when: str  # one plain sentence
    settings: tuple[Setting, ...] = ()
    takes_class_weights: bool = False
    costly: bool = False  # sorts pixels or walks objects: logged every few steps only


GAMMA = Setting("gamma", "Focus γ", r"\gamma", 2.0, 0.0, 5.0, 0.1, "How strongly easy pixels are silenced; 0 is cross-entropy.")

LOSSES: dict[LossKind, LossInfo] = {
    info.kind: info
    for info in (
        LossInfo("cross_entropy", "Cross-entropy", r"-\frac1N\sum_i \log p_{i,y_i}", "Every pixel counts the same, so a rare class hardly counts.", "maximum likelihood", "#000000", "none", "The background is 99 % of the pixels: predicting nothing is already nearly optimal."),
        LossInfo("weighted_cross_entropy", "Weighted cross-entropy", r"-\frac{\sum_i w_{y_i}\log p_{i,y_i}}{\sum_i w_{y_i}}", "A missed rare pixel costs as many times more as its class is rarer: pushes to recall.", "King & Zeng 2001", "#0072B2", "recall", "Weights are large: everything that resembles an object is called one.", takes_class_weights=True),
        LossInfo("focal", "Focal", r"-\frac1N\sum_i \alpha_{y_i}(1-p_{i,y_i})^\gamma\log p_{i,y_i}", "Looks only at the pixels that are still wrong.", "Lin et al. 2017, arXiv 1708.02002", "#D55E00", "balance", "Labels are noisy: the hardest pixels are the wrong labels.", (GAMMA,), takes_class_weights=True),
        LossInfo("jaccard", "Jaccard distance", r"1-\frac{1}{K}\sum_k\frac{I_k}{U_k}", "One minus the soft intersection over union: works on shapes, pushes to precision.", "Rahman & Wang 2016", "#009E73", "precision", "Training starts with it: a confident miss gets almost no gradient."),
    )
}
