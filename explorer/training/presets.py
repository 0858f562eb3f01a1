"""Presets: plans to start from, and the control plans that any plan is compared with. No torch.

A preset is a sequence of losses. :func:`explorer.training.planning.propose` takes everything else from a dataset's
fingerprint: that is the plan for imagery of one's own. ``preset_plan`` gives the plan with which the built-in scenes,
the lessons and the benchmarks are trained; it needs no data.

The class weights of a preset are rules, so that it fits any dataset. They are capped: with a weight of a hundred, every
pixel that resembles an object is predicted as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from explorer.losses.spec import LossSpec
from explorer.segmenter.spec import SIZES
from explorer.training.plan import Phase, Plan, Trigger

LEARNING_RATE = 5e-3
WEIGHT_CAP = 5.0  # the largest class weight
WARMUP_STEPS = 20
OBJECT_SHARE = 0.8  # of the crops: objects are rare, and their surroundings give enough background
STEPS = 1200  # of every preset, so that presets can be compared: 30 to 60 s on two processor cores
SEGMENTER = SIZES["medium"]  # receptive field of about 70 pixels: a car and its surroundings

DICE_CE = LossSpec(kind="dice_cross_entropy", include_background=False)

_CONTROLS: tuple[tuple[str, LossSpec], ...] = (
    ("CE only", LossSpec(kind="cross_entropy")),
    ("Jaccard only", LossSpec(kind="jaccard")),
    ("Dice + CE", DICE_CE),
)


Decay = Literal["none", "cosine"]


@dataclass(frozen=True)
class Preset:
    """A sequence of losses and the reasons for it."""

    name: str
    when_to_use: str  # one sentence
    what_to_watch: str  # one sentence
    phases: tuple[Phase, ...]  # of ``preset_plan``; a plan from data keeps their losses and the ratios of their numbers
    cycles: int = 1
    until: Trigger | None = None  # in a plan from data, what ends the first phase; its class is the rarest one


def _weighted_cross_entropy(cap: float = WEIGHT_CAP) -> LossSpec:
    """Weighted cross-entropy with the inverse class frequencies of the data."""
    return LossSpec(kind="weighted_cross_entropy", class_weights="inverse_frequency", weight_cap=cap)


def _one_phase(loss: LossSpec, decay: Decay = "none") -> tuple[Phase, ...]:
    return (Phase(loss=loss, learning_rate=LEARNING_RATE, steps=STEPS, warmup_steps=WARMUP_STEPS, decay=decay),)


def _two_phases(first: LossSpec, second: LossSpec, first_steps: int, second_steps: int) -> tuple[Phase, ...]:
    return (
        Phase(loss=first, learning_rate=LEARNING_RATE, steps=first_steps, warmup_steps=WARMUP_STEPS),
        Phase(loss=second, learning_rate=LEARNING_RATE / 10, steps=second_steps),
    )


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "recall_first": Preset(
            "Recall first, then clean up",
            "For rare objects whose number and shape matter: weighted cross-entropy finds them, Jaccard at a tenth of "
            "the learning rate removes false alarms, and the two phases alternate.",
            "Recall should rise under weighted cross-entropy and precision under Jaccard; if recall does not recover, "
            "shorten the Jaccard phases.",
            _two_phases(_weighted_cross_entropy(), LossSpec(kind="jaccard"), 350, 250),
            cycles=2,
            until=Trigger(metric="recall", threshold=0.8, relative=True, patience=2),
        ),
        "dice_ce": Preset(
            "Dice + CE, one cycle",
            "A strong start for most imagery, and the control that a sequence of losses has to beat.",
            "Recall and precision should rise together; if objects merge or are missed, try a sequence of losses.",
            _one_phase(DICE_CE, decay="cosine"),
        ),
        "dice_topk": Preset(
            "Dice + top-k",
            "For rare objects and reliable labels: only the hardest pixels count beside the overlap.",
            "Precision should rise late; if it does not, labels are wrong in places: take Dice + CE.",
            _one_phase(LossSpec(kind="dice_topk", include_background=False), decay="cosine"),
        ),
        "component_dice_ce": Preset(
            "Per-object Dice + CE",
            "For objects of different sizes whose number matters: a small one counts as much as a large one.",
            "Recall of small objects should rise; false alarms rise, too, and a higher threshold removes them.",
            _one_phase(LossSpec(kind="component_dice_cross_entropy"), decay="cosine"),
        ),
        "counting": Preset(
            "Counting objects",
            "For counting: a missed object and a false alarm are equally bad.",
            "Object precision and object recall should end close together; if not, change the maximum class weight.",
            _two_phases(_weighted_cross_entropy(), LossSpec(kind="object_jaccard"), 600, 600),
        ),
        "needle": Preset(
            "Needle in a haystack",
            "For searches in which a missed object is far worse than a false alarm.",
            "Recall matters most; to raise precision, choose a threshold on Trade-offs instead of training longer.",
            _two_phases(_weighted_cross_entropy(50.0), LossSpec(kind="tversky", alpha=0.1, beta=0.9), 800, 400),
        ),
        "focal": Preset(
            "Focal",
            "For many easy background pixels, few hard ones and reliable labels.",
            "Training can be less stable than with cross-entropy (undecided so far, see docs/claims.md).",
            _one_phase(LossSpec(kind="focal")),
        ),
        "jaccard_only": Preset(
            "Jaccard only",
            "A control: the second phase of the recipe without the first.",
            "It may find no objects for a long time, because a confident miss gets almost no gradient.",
            _one_phase(LossSpec(kind="jaccard")),
        ),
        "ce_only": Preset(
            "CE only",
            "A control: plain cross-entropy, which ignores class imbalance.",
            "If objects are rare, precision is high and recall low.",
            _one_phase(LossSpec(kind="cross_entropy")),
        ),
        "ce_lovasz": Preset(
            "CE → Lovász",
            "For labels with accurate outlines, when IoU is the metric that counts.",
            "IoU should rise after the switch; if it falls, the learning rate of the second phase is too high.",
            _two_phases(LossSpec(kind="cross_entropy"), LossSpec(kind="lovasz"), 700, 500),
        ),
        "object_wise": Preset(
            "Object-wise",
            "For objects of very different sizes, when a small one counts as much as a large one.",
            "Recall of small objects should rise; compare recall by object size on Trade-offs.",
            _two_phases(LossSpec(kind="object_cross_entropy"), LossSpec(kind="object_jaccard"), 600, 600),
        ),
    }
)
"""Presets by key; the first is the recipe of the article."""


def preset_plan(key: str, seed: int = 0) -> Plan:
    """The plan of a preset for the built-in scenes; :func:`explorer.training.planning.propose` gives one from data."""
    preset = PRESETS[key]
    return Plan(
        name=preset.name,
        phases=preset.phases,
        cycles=preset.cycles,
        seed=seed,
        segmenter=SEGMENTER,
        object_share=OBJECT_SHARE,
    )


def controls(plan: Plan) -> tuple[Plan, ...]:
    """Cross-entropy alone, Jaccard alone, and Dice + CE: the same plan but for its losses, in one phase.

    Steps, seed, crops, segmenter and augmentation are the plan's; learning rate, warm-up and decay are those of its
    first phase. So a plan from data is compared with the best use of the same data, and another with its like. A plan
    of one phase is not compared with itself.
    """
    first = plan.phases[0]
    alone = first.loss if len(plan.phases) == 1 else None
    return tuple(
        plan.model_copy(
            update={
                "name": f"Control: {name}",
                "phases": (
                    Phase(
                        loss=loss,
                        learning_rate=first.learning_rate,
                        steps=plan.steps,
                        warmup_steps=first.warmup_steps,
                        decay=first.decay,
                    ),
                ),
                "cycles": 1,
                "interventions": (),
            }
        )
        for name, loss in _CONTROLS
        if loss != alone
    )
