"""A plan as a flat table of its settings, by the labels that they have on the pages, and what differs between plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec
from explorer.segmenter.registry import SEGMENTERS
from explorer.segmenter.spec import PretrainedSpec, SegmenterSpec
from explorer.training.plan import Intervention, Phase, Plan, Trigger

NONE = "–"
"""Of a setting that a plan does not have."""

_INPUTS = {
    "scale": "Working scale",
    "own_stretch": "Stretch each scene by itself",
    "root": "Square root of the bands",
    "differences": "Normalised differences",
    "contrast": "Contrast channels",
    "object_size": "Object size of contrast channels (px)",
}
_AUGMENTATION = {
    "gain": "Gain jitter ±",
    "offset": "Offset jitter ±",
    "channel_gain": "Gain jitter of each channel ±",
    "channel_offset": "Offset jitter of each channel ±",
    "zoom": "Zoom ±",
}
_PLAN = {
    "name": "Name",
    "seed": "Seed",
    "batch_size": "Batch size",
    "crop_size": "Crop size (px)",
    "object_share": "Foreground crop share",
    "balance_classes": "Foreground crops take classes equally often",
    "upright": "Up is up",
    "weight_decay": "Weight decay",
    "clip_gradient": "Largest gradient norm",
    "averaging": "Averaging of weights",
    "carry_over": "Carry saved steps over",
    "choose_threshold": "Choose a threshold",
    "validations": "Validations",
    "flips": "Mean over flips",
    "seconds": "Training time (s)",
    "cycles": "Cycles",
}
_PHASE = {
    "learning_rate": "Learning rate",
    "steps": "Steps",
    "minimum_steps": "Minimum steps",
    "optimizer": "Optimizer state",
    "warmup_steps": "Warm-up (steps)",
    "decay": "Decay",
}
_LOSS = {
    "class_weights": "Class weights",
    "weight_cap": "Maximum class weight",
    "aggregate": "Aggregation",
    "include_background": "Background is one of the classes",
}


@dataclass(frozen=True)
class Setting:
    """One setting in several plans."""

    label: str
    values: tuple[str, ...]  # one a plan, as shown; NONE where the plan has no such setting

    @property
    def differs(self) -> bool:
        """Whether not all plans have the same value."""
        return len(set(self.values)) > 1


def compare_plans(plans: Sequence[Plan]) -> list[Setting]:
    """Every setting that any of the plans has, in the order of the pages, phases last."""
    flat = [settings_of(plan) for plan in plans]
    labels = sorted(dict.fromkeys(label for each in flat for label in each), key=_phase_of)
    return [Setting(label, tuple(each.get(label, NONE) for each in flat)) for label in labels]


def settings_of(plan: Plan) -> dict[str, str]:
    """The settings of a plan as they are shown, by label; those of phases begin with "Phase 1: "."""
    found = {label: _value(getattr(plan, name)) for name, label in _PLAN.items()}
    found["Segmenter"] = _segmenter(plan.segmenter)
    found |= {label: _value(getattr(plan.inputs, name)) for name, label in _INPUTS.items()}
    found |= {label: _value(getattr(plan.augmentation, name)) for name, label in _AUGMENTATION.items()}
    found["Steps of all phases"] = str(plan.steps)
    if plan.interventions:
        found["Changes made while it trained"] = "; ".join(map(_intervention, plan.interventions))
    for number, phase in enumerate(plan.phases, start=1):
        found |= {f"Phase {number}: {label}": value for label, value in _phase(phase).items()}
    return found


def loss_settings(spec: LossSpec) -> dict[str, str]:
    """The settings of a loss by label, its name first; a term of a combined loss is one setting."""
    info = LOSSES[spec.kind]
    found = {"Loss": info.name}
    found |= {setting.label: _value(getattr(spec, setting.name)) for setting in info.settings}
    found |= {label: _value(getattr(spec, name)) for name, label in _LOSS.items() if name in info.accepts}
    for number, term in enumerate(spec.terms, start=1):
        found[f"Term {number}"] = f"{term.factor:g} × {loss_in_words(term.loss)}"
    return found


def loss_in_words(spec: LossSpec) -> str:
    """A loss with the settings that it has.

    >>> loss_in_words(LossSpec(kind="focal")), loss_in_words(LossSpec(kind="cross_entropy"))
    ('Focal (Focus γ 2)', 'Cross-entropy')
    """
    found = loss_settings(spec)
    inside = ", ".join(f"{label} {value}" for label, value in found.items() if label != "Loss" and value != NONE)
    return found["Loss"] + (f" ({inside})" if inside else "")


def until_in_words(trigger: Trigger, classes: Sequence[str] = ()) -> str:
    """What ends a phase early: "object recall of class 1 ≥ 0.9, 2 in a row, smoothed by 0".

    Args:
        trigger: of the phase.
        classes: names by id; a class that has none is shown by its number.
    """
    metric = "F1" if trigger.metric == "f1" else "IoU" if trigger.metric == "iou" else trigger.metric
    known = trigger.class_id < len(classes)
    name = classes[trigger.class_id] if known else f"class {trigger.class_id}"
    score = f"{trigger.scope} {metric} of {name}"
    if trigger.kind == "plateau":
        rule = f"{score} plateaus, rises of {trigger.threshold:g} count"
    else:
        of_best = " of the best within reach" if trigger.relative else ""
        rule = f"{score} ≥ {trigger.threshold:g}{of_best}"
    return f"{rule}, {trigger.patience} in a row, smoothed by {trigger.smoothing:g}"


def _phase(phase: Phase) -> dict[str, str]:
    found = loss_settings(phase.loss) | {label: _value(getattr(phase, name)) for name, label in _PHASE.items()}
    found["Until"] = NONE if phase.trigger is None else until_in_words(phase.trigger)
    return found


def _segmenter(spec: SegmenterSpec) -> str:
    own: Mapping[str, object] = spec.model_dump(exclude={"kind", "border"})
    rgb = f", red, green, blue: bands {', '.join(str(band + 1) for band in spec.rgb)}" if isinstance(
        spec, PretrainedSpec) else ""  # fmt: skip
    sizes = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in own.items() if name != "rgb")
    border = ", object border output" if spec.border else ""
    return f"{SEGMENTERS[spec.kind].name}{f', {sizes}' if sizes else ''}{rgb}{border}"


def _intervention(change: Intervention) -> str:
    parts = [f"learning rate {change.learning_rate:g}"] if change.learning_rate is not None else []
    if change.loss is not None:
        parts.append(f"loss {loss_in_words(change.loss)}")
    if change.length_factor is not None:
        parts.append(f"steps left × {change.length_factor:.3g}")
    return f"step {change.step}: {', '.join(parts)}"


def _value(value: object) -> str:
    match value:
        case None:
            return NONE
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case tuple():
            return ", ".join(map(_value, value))
        case _:
            return str(value).replace("_", " ")


def _phase_of(label: str) -> int:
    """0 for settings of the plan, else the number of the phase."""
    head, mark, _ = label.partition(": ")
    return int(head.removeprefix("Phase ")) if mark and head.startswith("Phase ") else 0
