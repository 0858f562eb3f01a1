"""What is likely to go wrong with a plan on a dataset, and what to do about it. Pure; no torch.

``before_training`` warns of what can be seen beforehand. ``nothing_found`` gives the likely reasons once a run finds
nothing, the likeliest first. Both come with remedies: changed plans, which a page offers with one click each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec
from explorer.losses.weights import class_weights
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.receptive_field import receptive_field
from explorer.segmenter.spec import PretrainedSpec
from explorer.training import recipe
from explorer.training.budget import Budget
from explorer.training.fingerprint import ClassPrint, Fingerprint
from explorer.training.object_sizes import working_scale
from explorer.training.plan import Phase, Plan, scaled
from explorer.training.planning import propose
from explorer.training.recipe import at

_EMPTY_BATCHES = 0.05  # share of the batches without an object, above which it is said
_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # of foreground crops
_TOO_STRONG = 2.0  # times the cap that suits the share of a class
_FEW_STEPS = 300
_LONGER = 3  # times
_RARE = 0.05  # share below which a loss without weights often finds nothing
_HIGHEST_RATE = 1e-2
_UNUSED = 1e-6  # a class weight that is as good as none


@dataclass(frozen=True)
class Remedy:
    """A change of the plan."""

    title: str  # a short imperative, for a button
    plan: Plan


@dataclass(frozen=True)
class Concern:
    """One thing that is wrong, or likely to be the reason."""

    code: str  # stable, for tests and links
    text: str  # one sentence with the numbers that show it
    remedies: tuple[Remedy, ...] = ()


def before_training(fingerprint: Fingerprint, plan: Plan) -> tuple[Concern, ...]:
    """What can be seen before a plan is trained; empty where nothing speaks against it."""
    concerns = [_absent(each) for each in fingerprint.classes if not each.occurs]
    if fingerprint.own_range < recipe.NARROW_SCENES and not plan.inputs.own_stretch:
        concerns.append(_narrow(fingerprint, plan))
    concerns += [
        concern
        for check in (_beyond_field_of_view, _empty_batches, _weights_too_strong)
        if (concern := check(fingerprint, plan)) is not None
    ]
    return tuple(concerns)


def nothing_found(fingerprint: Fingerprint, plan: Plan, steps: int | None = None) -> tuple[Concern, ...]:
    """Likely reasons why a run with this plan finds nothing, the likeliest first; at least one.

    Args:
        steps: that the run has, since one that keeps a time may have fewer or more than planned; None: as planned.
    """
    checks: tuple[Callable[[Fingerprint, Plan], Concern | None], ...] = (
        _rare_without_weights,
        _empty_batches,
        partial(_too_short, steps=plan.steps if steps is None else steps),
        _untrained,
        _low_rate,
        _beyond_field_of_view,
    )
    concerns = [_absent(each) for each in fingerprint.classes if not each.occurs]
    concerns += [concern for check in checks if (concern := check(fingerprint, plan)) is not None]
    return tuple(concerns) or (
        Concern(
            "unexplained",
            "Nothing in the plan or in the training scenes explains it: check that the labels lie on the objects.",
            (Remedy("Train longer", scaled(plan, _LONGER * plan.steps)),),
        ),
    )


# What can be wrong --------------------------------------------------------------------------------------------


def _absent(of: ClassPrint) -> Concern:
    return Concern(
        "absent_class",
        f"“{of.name}” does not occur in the scenes that train, so that it cannot be learned: choose other validation "
        "scenes, or add some.",
    )


def _narrow(fingerprint: Fingerprint, plan: Plan) -> Concern:
    inputs = plan.inputs.model_copy(update={"own_stretch": True})
    return Concern(
        "narrow_scenes",
        f"Half of the scenes use at most {fingerprint.own_range:.0%} of the range of values that all share: they look "
        "flat.",
        (Remedy("Stretch each scene by itself", plan.model_copy(update={"inputs": inputs})),),
    )


def _beyond_field_of_view(fingerprint: Fingerprint, plan: Plan) -> Concern | None:
    """Objects that are longer than what a pixel of the output depends on."""
    field = receptive_field(plan.segmenter)
    longest = [
        (each.sides.p95 * plan.inputs.scale, each)
        for each in fingerprint.classes
        if each.sides is not None and each.kind == "objects"
    ]
    if not longest:
        return None
    length, largest = max(longest, key=lambda pair: pair[0])
    if length <= field:
        return None
    remedies = []
    scale = min(working_scale(fingerprint)[0], plan.inputs.scale * field / length)
    scale = max((each for each in recipe.SCALES if each <= scale), default=recipe.SCALES[-1])
    if scale < plan.inputs.scale:
        inputs = plan.inputs.model_copy(update={"scale": scale})
        remedies.append(Remedy(f"Working scale {scale:g}", plan.model_copy(update={"inputs": inputs})))
    if not isinstance(plan.segmenter, PretrainedSpec):
        remedies.append(_pretrained(fingerprint, plan))
    return Concern(
        "beyond_field_of_view",
        f"5 % of “{largest.name}” are {length:.0f} px or longer at the working scale, and the segmenter sees "
        f"{field} px: it cannot see such an object as a whole.",
        tuple(remedies),
    )


def _empty_batches(fingerprint: Fingerprint, plan: Plan) -> Concern | None:
    """Batches without a single object of any class."""
    chance = _chance_of_empty_batch(fingerprint, plan)
    if not fingerprint.rarest.occurs or chance <= _EMPTY_BATCHES:
        return None
    shares = [share for share in _SHARES if share > plan.object_share] or [1.0]
    changed = [plan.model_copy(update={"object_share": share}) for share in shares]
    better = next(
        (each for each in changed if _chance_of_empty_batch(fingerprint, each) <= _EMPTY_BATCHES), changed[-1]
    )
    covered = 1 - fingerprint.shares[0]
    return Concern(
        "empty_batches",
        f"About {chance:.0%} of the batches hold no object at all: objects cover {_percent(covered)} of the pixels.",
        (Remedy(f"Foreground crop share {better.object_share:.0%}", better),),
    )


def _chance_of_empty_batch(fingerprint: Fingerprint, plan: Plan) -> float:
    """Of no object in a batch, if objects are scattered evenly over the scenes."""
    objects = sum(each.objects for each in fingerprint.classes)
    covered = (plan.crop_size / plan.inputs.scale) ** 2 / max(1, fingerprint.pixels)
    empty_anywhere = math.exp(-objects * min(1.0, covered))
    return float(((1 - plan.object_share) * empty_anywhere) ** plan.batch_size)


def _weights_too_strong(fingerprint: Fingerprint, plan: Plan) -> Concern | None:
    """Class weights far above what suits the share of their class."""
    for phase in plan.phases:
        for each, weight in _weights(fingerprint, phase.loss):
            rule, cap = at(recipe.CLASS_WEIGHTS, each.share)
            if weight > _TOO_STRONG * cap:
                loss = phase.loss.model_copy(update={"class_weights": rule, "weight_cap": cap})
                phases = tuple(
                    other.model_copy(update={"loss": loss}) if other is phase else other for other in plan.phases
                )
                return Concern(
                    "weights_too_strong",
                    f"“{each.name}” has a class weight of {weight:.2g} and covers {_percent(each.share)}: recall "
                    "will be bought with false alarms, and neighbours will merge.",
                    (Remedy(f"Class weights of at most {cap:g}", plan.model_copy(update={"phases": phases})),),
                )
    return None


def _weights(fingerprint: Fingerprint, loss: LossSpec) -> list[tuple[ClassPrint, float]]:
    """Each foreground class that occurs, and its weight relative to the background."""
    weights = loss.class_weights
    if isinstance(weights, str):
        pixels = [round(share * fingerprint.pixels) for share in fingerprint.shares]
        objects = [0, *(each.objects for each in fingerprint.classes)]
        weights = class_weights(weights, pixels, objects, loss.weight_cap)
    if weights is None or len(weights) != 1 + len(fingerprint.classes):
        return []
    background = max(weights[0], _UNUSED)
    return [(each, weights[i] / background) for i, each in enumerate(fingerprint.classes, start=1) if each.occurs]


def _rare_without_weights(fingerprint: Fingerprint, plan: Plan) -> Concern | None:
    """A rare class, and a first loss that hardly pays for a miss."""
    rarest, first = fingerprint.rarest, plan.phases[0]
    if not rarest.occurs or rarest.share >= _RARE or first.loss.class_weights is not None:
        return None
    name = LOSSES[first.loss.kind].name
    return Concern(
        "rare_without_weights",
        f"“{rarest.name}” covers {_percent(rarest.share)}, and {name} has no class weights: predicting background "
        "everywhere is nearly right.",
        (Remedy("Weighted cross-entropy first", _weighted_first(fingerprint, plan)),),
    )


def _weighted_first(fingerprint: Fingerprint, plan: Plan) -> Plan:
    """Weighted cross-entropy in the first phase; a plan of one phase gets it as a new phase of half its steps."""
    rule, cap = at(recipe.CLASS_WEIGHTS, fingerprint.rarest.share)
    loss = LossSpec(kind="weighted_cross_entropy", class_weights=rule, weight_cap=cap)
    first = plan.phases[0]
    if len(plan.phases) > 1 or first.steps < 2:
        return plan.model_copy(update={"phases": (first.model_copy(update={"loss": loss}), *plan.phases[1:])})
    half = first.steps // 2
    phases = (_shortened(first, half, loss), _shortened(first, first.steps - half, first.loss))
    return plan.model_copy(update={"phases": phases})


def _shortened(phase: Phase, steps: int, loss: LossSpec) -> Phase:
    lengths = {"minimum_steps": min(phase.minimum_steps, steps), "warmup_steps": min(phase.warmup_steps, steps)}
    return phase.model_copy(update={"loss": loss, "steps": steps, **lengths})


def _too_short(fingerprint: Fingerprint, plan: Plan, steps: int) -> Concern | None:
    if steps >= _FEW_STEPS:
        return None
    return Concern(
        "too_short",
        f"The run has {steps} steps; most plans find their first objects within {_FEW_STEPS}.",
        (Remedy(f"{_LONGER} times the steps", scaled(plan, _LONGER * steps)),),
    )


def _untrained(fingerprint: Fingerprint, plan: Plan) -> Concern | None:
    if isinstance(plan.segmenter, PretrainedSpec):
        return None
    return Concern(
        "not_pretrained",
        f"The segmenter starts from random weights, with {len(fingerprint.scenes)} scenes or blocks to learn from.",
        (_pretrained(fingerprint, plan),),
    )


def _pretrained(fingerprint: Fingerprint, plan: Plan) -> Remedy:
    """The same losses and steps with the pretrained segmenter, and rates and channels that suit it."""
    like = propose(fingerprint, "ce_only", Budget(steps=plan.steps), segmenter="pretrained").plan
    ratio = like.phases[0].learning_rate / max(phase.learning_rate for phase in plan.phases)
    phases = tuple(
        phase.model_copy(update={"learning_rate": phase.learning_rate * min(1.0, ratio)}) for phase in plan.phases
    )
    update = {
        "segmenter": like.segmenter,
        "phases": phases,
        "inputs": InputSpec(scale=plan.inputs.scale),
        "weight_decay": like.weight_decay,
        "clip_gradient": like.clip_gradient,
    }
    return Remedy("Pretrained segmenter", plan.model_copy(update=update))


def _low_rate(fingerprint: Fingerprint, plan: Plan) -> Concern | None:
    usual = recipe.LEARNING[plan.segmenter.kind].learning_rate
    highest = max(phase.learning_rate for phase in plan.phases)
    if highest >= usual / 2:
        return None
    factor = min(usual, _HIGHEST_RATE) / highest
    phases = tuple(phase.model_copy(update={"learning_rate": phase.learning_rate * factor}) for phase in plan.phases)
    return Concern(
        "low_rate",
        f"The highest learning rate is {highest:.2g}; {usual:.2g} is usual for this segmenter.",
        (Remedy(f"Learning rate {highest * factor:.2g}", plan.model_copy(update={"phases": phases})),),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
