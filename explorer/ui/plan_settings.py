"""The widgets for everything in a plan but its phases: seed, segmenter, crops, input, augmentation, optimiser.

Each group of widgets gives the fields of the plan that it sets, so that they can be joined.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.imagery.balance import ClassShare
from explorer.imagery.bands import natural_bands
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.registry import SEGMENTERS
from explorer.segmenter.spec import SIZES, PretrainedSpec, SegmenterSpec
from explorer.training.plan import Augmentation, Plan
from explorer.ui.frame import stacking_columns
from explorer.ui.unique_labels import position_labels

_CROPS = (32, 48, 64, 96, 128, 160, 192, 256)


def main_settings(base: Plan, key: str, fixed: bool = False, fixed_length: bool = False) -> dict[str, object]:
    """Name, cycles, seed, segmenter, batches and crops.

    Args:
        base: initial values.
        key: unique on the page.
        fixed: all widgets are disabled.
        fixed_length: so are those that say how long is trained.
    """
    left, right = st.columns(2)
    return {
        "name": left.text_input("Name", base.name, max_chars=80, key=f"{key}-name", disabled=fixed) or base.name,
        "cycles": left.number_input("Cycles", 1, 50, base.cycles, key=f"{key}-cycles", disabled=fixed_length),
        "seed": left.number_input("Seed", 0, 2**31 - 1, base.seed, key=f"{key}-seed", disabled=fixed),
        "batch_size": right.number_input("Batch size", 1, 256, base.batch_size, key=f"{key}-batch", disabled=fixed),
        "crop_size": right.select_slider(
            "Crop size (px)",
            sorted({*_CROPS, base.crop_size}),
            base.crop_size,
            key=f"{key}-crop",
            disabled=fixed,
            help="At the working scale.",
        ),
        "object_share": right.slider(
            "Foreground crop share",
            0.0,
            1.0,
            base.object_share,
            0.05,
            key=f"{key}-share",
            disabled=fixed,
            help="Share of the crops that are placed around an object; the others are placed at random.",
        ),
    }


def watched_class(plan: Plan, usual: int) -> int:
    """The class whose score ends a phase; the usual one where no phase has a trigger."""
    return next((phase.trigger.class_id for phase in plan.phases if phase.trigger is not None), usual)


def pick_watched(watched: int, key: str, shares: Sequence[ClassShare], fixed: bool = False) -> int:
    """The class whose score *Until* watches.

    Args:
        watched: shown first.
        key: of the widget.
        shares: one for each class.
        fixed: the widget is disabled.
    """
    return st.selectbox(
        "Class of *Until*",
        range(len(shares)),
        min(watched, len(shares) - 1),
        position_labels(share.name for share in shares).__getitem__,
        key=f"{key}-watched",
        disabled=fixed,
    )


def pick_segmenter(base: Plan, key: str, bands: Sequence[str], fixed: bool = False) -> SegmenterSpec:
    """The segmenter, for a pretrained one the bands that it sees as red, green and blue, and the border output."""
    given: SegmenterSpec = base.segmenter.model_copy(update={"border": False})
    pretrained = given if isinstance(given, PretrainedSpec) else PretrainedSpec(rgb=natural_bands(bands))
    choices: dict[str, SegmenterSpec] = {SEGMENTERS["pretrained"].name: pretrained}
    choices |= {f"{SEGMENTERS['unet'].name}, {name}": spec for name, spec in SIZES.items()}
    if given not in choices.values():
        choices["as in the plan"] = given
    names = list(choices)
    chosen = choices[
        st.selectbox(
            "Segmenter",
            names,
            [choices[name] for name in names].index(given),
            key=f"{key}-segmenter",
            disabled=fixed,
            help=" ".join(f"**{info.name}**: {info.sentence} {info.suits}" for info in SEGMENTERS.values()),
        )
    ]
    st.caption(f"{SEGMENTERS[chosen.kind].cost}")
    border = st.checkbox(
        "Object border output",
        base.segmenter.border,
        key=f"{key}-border",
        disabled=fixed,
        help="One output more learns where objects meet, and sets them apart there. For labels in which objects touch.",
    )
    chosen = chosen.model_copy(update={"border": border})
    if not isinstance(chosen, PretrainedSpec):
        return chosen
    labels = position_labels(bands)
    columns = st.columns(3)
    rgb = [
        column.selectbox(name, range(len(bands)), min(position, len(bands) - 1), labels.__getitem__,
                         key=f"{key}-{name}", help="The band that the encoder sees as this colour.", disabled=fixed)
        for column, name, position in zip(columns, ("Red", "Green", "Blue"), chosen.rgb, strict=True)
    ]  # fmt: skip
    return chosen.model_copy(update={"rgb": tuple(rgb)})


def input_settings(base: Plan, key: str, fixed: bool = False, fixed_length: bool = False) -> dict[str, object]:
    """Working scale, channels, augmentation, optimiser, and how the threshold is chosen.

    Args:
        base: initial values.
        key: unique on the page.
        fixed: all widgets are disabled.
        fixed_length: so are those that say how long is trained.
    """
    left, middle, right = stacking_columns("input", 3)
    given = base.inputs
    scale = left.slider("Working scale", min(0.05, given.scale), 1.0, given.scale, 0.01, key=f"{key}-scale",
                        help="Scenes are reduced by this factor, predictions enlarged again.",
                        disabled=fixed)  # fmt: skip
    channels = {
        name: left.checkbox(label, getattr(given, name), key=f"{key}-{name}", help=text, disabled=fixed)
        for name, label, text in (
            ("own_stretch", "Stretch each scene by itself", "For scenes that use little of the common range."),
            ("root", "Square root of the bands", "Widens the dark end."),
            ("differences", "Normalised differences", "(a − b) / (a + b) of all pairs of bands."),
            ("contrast", "Contrast channels", "Local contrast, difference of Gaussians and top-hat at object size."),
        )
    }
    upright = middle.checkbox(
        "Up is up",
        base.upright,
        key=f"{key}-upright",
        disabled=fixed,
        help="Crops are mirrored left to right, but neither turned nor put upside down. For pictures that were not "
        "taken from above.",
    )
    used = base.augmentation
    augmentation = {
        name: middle.slider(
            label,
            0.0,
            max(high, getattr(used, name)),
            getattr(used, name),
            0.05,
            key=f"{key}-{name}",
            help=text,
            disabled=fixed,
        )
        for name, label, high, text in (
            ("gain", "Gain jitter ±", 0.95, "A random factor for all channels of a crop."),
            ("offset", "Offset jitter ±", 1.0, "A random offset for all channels of a crop."),
            ("channel_gain", "Gain jitter of each channel ±", 0.95, "A further factor for each channel."),
            ("channel_offset", "Offset jitter of each channel ±", 1.0, "A further offset for each channel."),
            ("zoom", "Zoom ±", 0.5, "Crops are taken larger or smaller and resized."),
        )
    }
    decay = right.number_input(
        "Weight decay", 0.0, 1.0, base.weight_decay, format="%.2g", key=f"{key}-decay", disabled=fixed
    )
    clip = right.number_input("Largest gradient norm", 0.0, None, base.clip_gradient or 0.0, format="%.2g",
                              key=f"{key}-clip", help="0: not limited.", disabled=fixed)  # fmt: skip
    average = right.number_input("Averaging of weights", 0.0, 1 - 1e-6, base.averaging or 0.0, format="%.4g",
                                 key=f"{key}-average", help="Decay of the moving average that is validated and saved; "
                                 "0: no average.", disabled=fixed)  # fmt: skip
    carry = right.checkbox("Carry saved steps over", base.carry_over, key=f"{key}-carry",
                           help="Steps that *Until* saves go to the next phase.", disabled=fixed_length)  # fmt: skip
    choose = right.checkbox(
        "Choose a threshold",
        base.choose_threshold,
        key=f"{key}-threshold",
        disabled=fixed,
        help="Some training scenes are held out; the probability threshold, and *Until*, are decided on them.",
    )
    flips = right.checkbox(
        "Mean over flips",
        base.flips,
        key=f"{key}-flips",
        disabled=fixed,
        help="The ended run predicts the mean over the image and its flips, which takes four times as long.",
    )
    return {
        "inputs": InputSpec(scale=scale, object_size=given.object_size, **channels),
        "upright": upright,
        "augmentation": Augmentation(**augmentation),
        "weight_decay": decay,
        "clip_gradient": clip or None,
        "averaging": average or None,
        "carry_over": carry,
        "choose_threshold": choose,
        "flips": flips,
    }
