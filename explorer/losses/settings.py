"""The settings of losses that the registry's entries name. Two losses may share one. No torch."""

from __future__ import annotations

from explorer.losses.info import Setting

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
