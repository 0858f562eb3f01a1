"""Plans to begin with, and the controls that any plan is compared with. No torch.

Class weights are rules, so that a preset fits any dataset; they are capped, since a weight of a hundred turns every
pixel that resembles an object into one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec
from explorer.segmenter.spec import SIZES
from explorer.training.plan import Phase, Plan

RATE = 5e-3
CAP = 5.0  # of class weights
WARMUP = 20  # steps
OBJECT_SHARE = 0.8  # of the crops: objects are rare, and what surrounds them is background enough
STEPS = 1200  # of every preset, so that they can be compared: half a minute to a minute on two processor cores
SEGMENTER = SIZES["medium"]  # its deepest level sees about 70 pixels: a car with what surrounds it


@dataclass(frozen=True)
class Preset:
    """A plan with the reason for it."""

    name: str
    when_to_use: str  # one sentence
    what_to_watch: str  # one sentence
    phases: Callable[[], tuple[Phase, ...]]
    cycles: int = 1


def weighted(cap: float = CAP) -> LossSpec:
    """Weighted cross-entropy with the data's inverse frequencies."""
    return LossSpec(kind="weighted_cross_entropy", class_weights="inverse_frequency", weight_cap=cap)


def _alone(kind: LossKind) -> tuple[Phase, ...]:
    return (Phase(loss=LossSpec(kind=kind), learning_rate=RATE, steps=STEPS, warmup_steps=WARMUP),)


def _then(first: LossSpec, second: LossSpec, first_steps: int, second_steps: int) -> tuple[Phase, ...]:
    return (
        Phase(loss=first, learning_rate=RATE, steps=first_steps, warmup_steps=WARMUP),
        Phase(loss=second, learning_rate=RATE / 10, steps=second_steps),
    )


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "recall_first": Preset(
            "Recall first, then clean up",
            "Rare objects whose number and shape matter: weighted cross-entropy finds them, Jaccard at a tenth of the "
            "rate removes the false alarms, and the two take turns.",
            "Recall rises under weighted cross-entropy, precision under Jaccard; if recall falls for good, shorten the "
            "Jaccard phases.",
            lambda: _then(weighted(), LossSpec(kind="jaccard"), 350, 250),
            cycles=2,
        ),
        "counting": Preset(
            "Counting objects",
            "The number of objects is the result: a miss and a false alarm cost the same.",
            "Object precision and object recall should end close together; if not, change the weight's cap.",
            lambda: _then(weighted(), LossSpec(kind="object_jaccard"), 600, 600),
        ),
        "needle": Preset(
            "Needle in a haystack",
            "A missed object is far worse than looking at some false alarms.",
            "Recall, first of all; choose the threshold on Trade-offs rather than training precision in.",
            lambda: _then(weighted(50.0), LossSpec(kind="tversky", alpha=0.1, beta=0.9), 800, 400),
        ),
        "focal": Preset(
            "Focal",
            "Many easy background pixels, few hard ones, and labels that can be trusted.",
            "The curve is less stable than cross-entropy's; other seeds may end elsewhere.",
            lambda: _alone("focal"),
        ),
        "jaccard_only": Preset(
            "Jaccard only",
            "A control: what the second half of the recipe does without the first.",
            "It may find nothing at all for a long time: a confident miss gets almost no gradient.",
            lambda: _alone("jaccard"),
        ),
        "ce_only": Preset(
            "CE only",
            "A control: plain cross-entropy, what one would do without thinking of the imbalance.",
            "Precision is high and recall low where objects are rare.",
            lambda: _alone("cross_entropy"),
        ),
        "ce_lovasz": Preset(
            "CE → Lovász",
            "IoU is what counts in the end, and the label's outlines are good.",
            "The switch should lift IoU; if it falls, the rate of the second phase is too high.",
            lambda: _then(LossSpec(kind="cross_entropy"), LossSpec(kind="lovasz"), 700, 500),
        ),
        "object_wise": Preset(
            "Object-wise",
            "Objects of very different size, where a small one counts as much as a large one.",
            "Recall by object size on Trade-offs: the small ones should gain.",
            lambda: _then(LossSpec(kind="object_cross_entropy"), LossSpec(kind="object_jaccard"), 600, 600),
        ),
    }
)
"""By key, the article's recipe first."""


def preset_plan(key: str, seed: int = 0) -> Plan:
    """The plan of a preset."""
    preset = PRESETS[key]
    return Plan(
        name=preset.name,
        phases=preset.phases(),
        cycles=preset.cycles,
        seed=seed,
        segmenter=SEGMENTER,
        object_share=OBJECT_SHARE,
    )


def controls(plan: Plan) -> tuple[Plan, ...]:
    """Plain cross-entropy and Jaccard alone, with the plan's budget, seed, crops, segmenter and first rate."""
    first = plan.phases[0]
    return tuple(
        plan.model_copy(
            update={
                "name": f"Control: {name}",
                "phases": (
                    Phase(
                        loss=LossSpec(kind=kind),
                        learning_rate=first.learning_rate,
                        steps=plan.steps,
                        warmup_steps=first.warmup_steps,
                    ),
                ),
                "cycles": 1,
                "interventions": (),
            }
        )
        for name, kind in _CONTROLS
    )


_CONTROLS: tuple[tuple[str, LossKind], ...] = (("CE only", "cross_entropy"), ("Jaccard only", "jaccard"))
