"""A plan from the data: what a preset leaves open is taken from the fingerprint, each choice with its reason. No torch.

As nnU-Net configures itself (Isensee et al. 2021, doi 10.1038/s41592-020-01008-z), for small objects on few scenes and
for a training time of a minute. A preset keeps its sequence of losses and the ratios of its phases' lengths and
learning rates; all else is the same for every preset, so that runs of different presets can be compared. The numbers
are those of :mod:`explorer.training.recipe`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explorer.imagery.bands import named_bands, natural_bands
from explorer.losses.spec import LossSpec, Term
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.receptive_field import receptive_field
from explorer.segmenter.registry import SEGMENTERS
from explorer.segmenter.spec import PretrainedSpec, SegmenterSpec, UNetSpec
from explorer.training import recipe
from explorer.training.budget import (
    Budget,
    StepSeconds,
    planned_steps,
    seconds_of_step,
    steps_for,
    typical_step_seconds,
    validations_for,
)
from explorer.training.fingerprint import Fingerprint
from explorer.training.object_sizes import across, crops, working_scale
from explorer.training.plan import Augmentation, Phase, Plan, scaled
from explorer.training.presets import LEARNING_RATE, PRESETS, WEIGHT_CAP, Preset
from explorer.training.recipe import SegmenterKind, at


@dataclass(frozen=True)
class Choice:
    """One thing that was chosen from the data."""

    name: str  # as shown, for example "Crop size"
    value: str  # as shown, for example "128 px"
    reason: str  # one sentence, with the numbers of the fingerprint that decided it


@dataclass(frozen=True)
class Proposal:
    """A plan that fits a dataset, and why it is as it is."""

    plan: Plan
    choices: tuple[Choice, ...]


def first_preset(fingerprint: Fingerprint) -> str:
    """Key of the preset that is offered first for imagery like this.

    It is the same for all: on none of eleven datasets, of which 0.1 % to 50 % are foreground, was the article's recipe
    better in F1 at the runs' own thresholds than Dice + CE, corrected for the number of claims (docs/claims.md), and
    Dice + CE needs no class weights and no trigger.
    """
    return "dice_ce"


def propose(
    fingerprint: Fingerprint,
    preset: str,
    budget: Budget,
    *,
    step_seconds: StepSeconds | None = None,
    seed: int = 0,
    segmenter: SegmenterKind | None = None,
) -> Proposal:
    """The plan of a preset for a dataset, and a reason for each choice. Pure.

    Args:
        fingerprint: of the dataset.
        preset: a key of ``PRESETS``: its sequence of losses.
        budget: seconds of training, or steps.
        step_seconds: measured, see :func:`explorer.training.probe.measure_step_seconds`; used for a budget in seconds.
            Without it, typical values of two processor cores are taken, and the reason says so.
        seed: of the plan.
        segmenter: its kind; None: pretrained, unless the budget is too short for it.
    """
    kind, why_kind = _segmenter_kind(budget, step_seconds, segmenter)
    scale, why_scale = working_scale(fingerprint)
    spec, why_spec = _segmenter(fingerprint, kind, scale)
    crop, batch, why_crop = crops(fingerprint, scale)
    losses, why_weights = _losses(fingerprint, PRESETS[preset])
    steps, why_steps = planned_steps(budget, step_seconds, kind, cycles=PRESETS[preset].cycles, batch=batch, crop=crop)
    validations = validations_for(budget, steps * typical_step_seconds(kind, batch, crop))
    augmentation, why_augmentation = _augmentation(fingerprint)
    upright, why_upright = _upright(fingerprint)
    learning = recipe.LEARNING[kind]
    plan = Plan(
        name=PRESETS[preset].name,
        phases=_phases(PRESETS[preset], losses, learning.learning_rate, fingerprint),
        cycles=PRESETS[preset].cycles,
        seed=seed,
        segmenter=spec,
        inputs=InputSpec(scale=scale, own_stretch=fingerprint.own_range < recipe.NARROW_SCENES),
        batch_size=batch,
        crop_size=crop,
        object_share=recipe.FOREGROUND_SHARE,
        balance_classes=True,
        upright=upright,
        augmentation=augmentation,
        weight_decay=learning.weight_decay,
        clip_gradient=recipe.CLIP_GRADIENT,
        averaging=recipe.AVERAGING,
        carry_over=True,
        flips=True,
        choose_threshold=bool(fingerprint.held_out),
        validations=validations,
    )
    plan = scaled(plan, max(steps, plan.cycles * len(plan.phases))).model_copy(update={"seconds": budget.seconds})
    choices = (
        Choice("Segmenter", _named(spec), f"{why_kind} {why_spec}"),
        Choice("Working scale", f"{scale:g}", why_scale),
        Choice("Input channels", _bands(fingerprint), _why_bands(fingerprint)),
        Choice("Crop size", f"{crop} px", why_crop),
        Choice("Batch size", str(batch), f"{batch} crops of {crop} px make a step of usual cost."),
        Choice("Foreground crop share", f"{recipe.FOREGROUND_SHARE:.0%}", _why_foreground_share(fingerprint)),
        Choice("Class weights", _weights_in_words(plan), why_weights),
        Choice("Learning rate", _rates(plan), _why_rates(plan)),
        Choice(
            "Weight decay, gradient norm, averaging",
            f"{plan.weight_decay:g}, at most {recipe.CLIP_GRADIENT:g}, {recipe.AVERAGING:g}",
            "A moving average of the weights is validated and saved: it varies less from step to step.",
        ),
        Choice("Turns and flips", "left and right" if upright else "all", why_upright),
        Choice("Brightness and contrast", _jitter(augmentation), why_augmentation),
        Choice("Threshold", _threshold(fingerprint), _why_threshold(fingerprint)),
        Choice(
            "Predictions", "mean over flips", "Objects come out more whole when the ended run sees them mirrored, too."
        ),
        Choice("Minimum object area", f"{fingerprint.minimum_area} px", _why_minimum_area(fingerprint)),
        Choice("Match rule", fingerprint.match_rule.words, _why_match_rule(fingerprint)),
        Choice("Steps", f"{plan.steps:,}", why_steps),
        Choice("Validations", str(validations), _why_validations(plan)),
    )
    return Proposal(plan, choices)


def propose_measured(
    fingerprint: Fingerprint,
    preset: str,
    budget: Budget,
    measure: Callable[[Plan], float],
    *,
    seed: int = 0,
    segmenter: SegmenterKind | None = None,
) -> tuple[Proposal, float | None]:
    """The plan of a preset for a budget; for one in seconds, the step is measured first.

    Where the pretrained segmenter turns out too slow for the budget, the step of the U-Net is measured, too.

    Args:
        fingerprint: of the dataset.
        preset: see ``propose``, as budget, seed and segmenter.
        measure: gives the seconds of a step of a plan, see :func:`explorer.training.probe.measure_step_seconds`.

    Returns:
        The proposal, and the seconds of a step of its plan; None for a budget in steps.
    """
    proposal = propose(fingerprint, preset, budget, seed=seed, segmenter=segmenter)
    if budget.seconds is None:
        return proposal, None
    measured: dict[str, float] = {}
    while (kind := proposal.plan.segmenter.kind) not in measured:
        measured[kind] = measure(proposal.plan)
        proposal = propose(fingerprint, preset, budget, step_seconds=measured, seed=seed, segmenter=segmenter)
    return proposal, measured[kind]


# Segmenter ----------------------------------------------------------------------------------------------------


def _segmenter_kind(
    budget: Budget, step_seconds: StepSeconds | None, wanted: SegmenterKind | None
) -> tuple[SegmenterKind, str]:
    if wanted is not None:
        return wanted, "It was asked for."
    steps = budget.steps
    if budget.seconds is not None:
        each = seconds_of_step(step_seconds, "pretrained") or recipe.LEARNING["pretrained"].typical_step_seconds
        steps = steps_for(budget.seconds, each)
    if steps is not None and steps < recipe.FEWEST_PRETRAINED_STEPS:
        return "unet", (
            f"The budget has {steps} steps of the pretrained segmenter, fewer than the "
            f"{recipe.FEWEST_PRETRAINED_STEPS} that its decoder needs."
        )
    return "pretrained", "An encoder that knows photographs needs fewer scenes and steps."


def _segmenter(fingerprint: Fingerprint, kind: SegmenterKind, scale: float) -> tuple[SegmenterSpec, str]:
    size = max((across(each) for each in fingerprint.classes), default=0.0) * scale
    needed = recipe.OBJECTS_IN_FIELD * size
    if kind == "pretrained":
        rgb = natural_bands(fingerprint.bands)
        shown = ", ".join(fingerprint.bands[band] for band in dict.fromkeys(rgb))
        why = "by their names" if named_bands(fingerprint.bands) else "their names say nothing of colours"
        spec: SegmenterSpec = PretrainedSpec(rgb=rgb)
        return spec, f"{shown} serve as its colours ({why}), and it sees {receptive_field(spec)} px."
    sizes = [UNetSpec(width=recipe.UNET_WIDTH, depth=depth) for depth in recipe.UNET_DEPTHS]
    spec = next((each for each in sizes if receptive_field(each) >= needed), sizes[-1])
    return spec, (
        f"At depth {spec.depth} it sees {receptive_field(spec)} px; three objects of {size:.0f} px are {needed:.0f} px."
    )


# Losses and rates ---------------------------------------------------------------------------------------------


def _why_foreground_share(fingerprint: Fingerprint) -> str:
    rarest = fingerprint.rarest
    turns = "all classes equally often, " if len(fingerprint.classes) > 1 else ""
    return (
        f"“{rarest.name}” covers {_percent(rarest.share)} of the pixels: half of the crops hold an object, {turns}and "
        "half show the ground as it is."
    )


def _losses(fingerprint: Fingerprint, preset: Preset) -> tuple[tuple[LossSpec, ...], str]:
    """The losses of the preset's phases, with class weights that suit the shares."""
    rarest = fingerprint.rarest
    losses = tuple(_reweighted(phase.loss, rarest.share) for phase in preset.phases)
    if losses == tuple(phase.loss for phase in preset.phases) and not any(map(_has_rule, losses)):
        return losses, f"The losses of this preset take none; “{rarest.name}” covers {_percent(rarest.share)}."
    rule, cap = at(recipe.CLASS_WEIGHTS, rarest.share)
    if rule == "inverse_frequency":
        return losses, (
            f"“{rarest.name}” covers {_percent(rarest.share)}: rare, so that a miss has to cost more; above {cap:g}, "
            "neighbours merge and all that resembles an object is predicted as one."
        )
    return losses, f"“{rarest.name}” covers {_percent(rarest.share)}: not rare, so that strong weights would harm."


def _has_rule(loss: LossSpec) -> bool:
    return isinstance(loss.class_weights, str) or any(_has_rule(term.loss) for term in loss.terms)


def _reweighted(loss: LossSpec, share: float) -> LossSpec:
    """The loss with rule and cap for this share; a cap keeps its ratio to that of other presets."""
    if loss.terms:
        terms = tuple(Term(factor=term.factor, loss=_reweighted(term.loss, share)) for term in loss.terms)
        return loss.model_copy(update={"terms": terms})
    if not isinstance(loss.class_weights, str):
        return loss
    rule, cap = at(recipe.CLASS_WEIGHTS, share)
    wanted = min(cap * (loss.weight_cap or WEIGHT_CAP) / WEIGHT_CAP, max(cap, recipe.HIGHEST_CAP))
    return loss.model_copy(update={"class_weights": rule, "weight_cap": wanted})


def _phases(preset: Preset, losses: tuple[LossSpec, ...], peak: float, fingerprint: Fingerprint) -> tuple[Phase, ...]:
    phases = []
    for i, (phase, loss) in enumerate(zip(preset.phases, losses, strict=True)):
        trigger = None
        if i == 0 and preset.until is not None:
            trigger = preset.until.model_copy(update={"class_id": fingerprint.class_id(fingerprint.rarest)})
        phases.append(
            Phase(
                loss=loss,
                learning_rate=peak * phase.learning_rate / LEARNING_RATE,
                steps=phase.steps,
                minimum_steps=round(phase.steps * recipe.MINIMUM_PHASE_SHARE) if trigger else 0,
                trigger=trigger,
                optimizer=phase.optimizer,
                warmup_steps=round(phase.steps * recipe.WARMUP_SHARE),
                decay="cosine",
            )
        )
    return tuple(phases)


def _weights_in_words(plan: Plan) -> str:
    weighted = [phase.loss for phase in plan.phases if isinstance(phase.loss.class_weights, str)]
    if not weighted:
        return "none"
    return f"{str(weighted[0].class_weights).replace('_', ' ')}, at most {weighted[0].weight_cap:g}"


def _rates(plan: Plan) -> str:
    return ", then ".join(dict.fromkeys(f"{phase.learning_rate:.2g}" for phase in plan.phases))


def _why_rates(plan: Plan) -> str:
    spec = plan.segmenter
    encoder = f", the encoder at {spec.encoder_rate:g} of it" if isinstance(spec, PretrainedSpec) else ""
    return f"The peak of each phase, after a warm-up of {recipe.WARMUP_SHARE:.0%}; it then falls to zero{encoder}."


def _why_validations(plan: Plan) -> str:
    every = max(1, plan.steps // (plan.validations or 1))
    often = "Every step" if every == 1 else f"Every {every} steps"
    return (
        f"{often}, so that the first comes within {recipe.VALIDATION_SECONDS:g} s and curves are smooth; "
        "less often where that would take more than a fifth of the time."
    )


# Augmentation and channels ------------------------------------------------------------------------------------


def _augmentation(fingerprint: Fingerprint) -> tuple[Augmentation, str]:
    scenes, brightness = len(fingerprint.scenes), fingerprint.brightness
    differ = brightness is not None and brightness >= recipe.DIFFERENT_BRIGHTNESS
    augmentation = at(recipe.AUGMENTATION, 0 if differ else scenes)
    median = "" if brightness is None else f", whose medians differ {brightness:.1f}-fold"
    return augmentation, (
        f"{scenes} scenes or blocks to train on{median}: without changes of brightness they are learned by heart."
    )


def _jitter(augmentation: Augmentation) -> str:
    return f"gain ±{augmentation.gain:.0%}, offset ±{augmentation.offset:.0%}"


def _upright(fingerprint: Fingerprint) -> tuple[bool, str]:
    placed = [each for each in fingerprint.classes if each.lower is not None]
    if not placed:
        return False, "Too few scenes to tell up from down."
    most = max(placed, key=lambda each: abs(each.lower or 0.0))
    lower = most.lower or 0.0
    if abs(lower) < recipe.UPRIGHT:
        return False, "No class lies always above or always below the middle, as in imagery from above."
    where = "lower" if lower > 0 else "upper"
    return True, (
        f"“{most.name}” lies in the {where} half of the scenes, by {abs(lower):.0f} standard errors: up is up, and "
        "nothing is turned or put upside down."
    )


def _bands(fingerprint: Fingerprint) -> str:
    bands = len(fingerprint.bands)
    stretch = "each scene stretched by itself" if fingerprint.own_range < recipe.NARROW_SCENES else "one stretch"
    return f"{bands} band{'' if bands == 1 else 's'}, {stretch}"


def _why_bands(fingerprint: Fingerprint) -> str:
    used = f"; a scene uses {fingerprint.own_range:.0%} of the common range" if len(fingerprint.scenes) > 1 else ""
    return f"Further channels, of local contrast or of ratios, made steps slower and unseen scenes no better{used}."


# What is not in the plan, but follows from the data ------------------------------------------------------------


def _threshold(fingerprint: Fingerprint) -> str:
    return f"chosen on {len(fingerprint.held_out)} held out" if fingerprint.held_out else "½"


def _why_threshold(fingerprint: Fingerprint) -> str:
    if not fingerprint.held_out:
        return "The scenes are too small to hold out a part of them."
    names = ", ".join(fingerprint.held_out[:3]) + ("" if len(fingerprint.held_out) <= 3 else ", …")
    return f"Thresholds far from ½ are often best; {names} neither train nor score."


def _why_minimum_area(fingerprint: Fingerprint) -> str:
    smallest = [each.diameters.p5 for each in fingerprint.classes if each.diameters is not None]
    if not smallest:
        return "No object occurs in the training scenes."
    return (
        f"Of the objects that count, 95 % are at least {min(smallest):.0f} px across; specks below count for nothing."
    )


def _why_match_rule(fingerprint: Fingerprint) -> str:
    kinds = {
        "points": "labels that are discs round points have no outline to compare",
        "thin": "of thin connected things, pixels are compared and not objects",
        "areas": "areas are compared by their overlap",
        "objects": "objects are compared by their overlap",
    }
    return f"It is the dataset's; {kinds[fingerprint.rarest.kind]}."


def _named(spec: SegmenterSpec) -> str:
    name = SEGMENTERS[spec.kind].name
    return f"{name}, width {spec.width}, depth {spec.depth}" if isinstance(spec, UNetSpec) else name


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
