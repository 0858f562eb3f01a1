"""The settings of one loss as widgets, built from the registry: a new loss needs no widgets of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

import streamlit as st

from explorer.imagery.balance import ClassShare
from explorer.losses.registry import LOSSES, LossKind
from explorer.losses.spec import LossSpec, WeightRule
from explorer.losses.weights import weights_of_shares
from explorer.ui.messages import escaped, percent

BY_HAND = "by hand"
RULES: dict[str, WeightRule] = {rule.replace("_", " "): rule for rule in get_args(WeightRule)}
_GRID: tuple[float, ...] = (
    *(0.0, 0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 70.0),
    *(100.0, 150.0, 200.0, 300.0, 500.0, 1000.0),
)
AGGREGATES = {"batch": "over the batch", "image": "mean over images"}


def loss_controls(
    spec: LossSpec,
    key: str,
    shares: Sequence[ClassShare],
    on_change: Callable[[], None] | None = None,
    disabled: bool = False,
) -> LossSpec:
    """Widgets for all settings of this kind of loss.

    Args:
        spec: their initial values.
        key: unique on the page.
        shares: class balance of the data, from which weight rules compute.
        on_change: called when the visitor changes one of them.
        disabled: nothing can be changed.

    Returns:
        The loss with the current settings.
    """
    info = LOSSES[spec.kind]
    values: dict[str, Any] = {"kind": spec.kind}
    for setting in info.settings:
        shown = getattr(spec, setting.name)
        optional = setting.default is None
        if optional and not st.checkbox(
            f"Set {setting.label}",
            shown is not None,
            key=f"{key}-{setting.name}-set",
            on_change=on_change,
            disabled=disabled,
        ):
            continue
        values[setting.name] = st.slider(
            setting.label,
            float(setting.low),
            float(setting.high),
            float((setting.low + setting.high) / 2 if shown is None else shown),
            float(setting.step),
            key=f"{key}-{setting.name}",
            help=setting.help,
            on_change=on_change,
            disabled=disabled,
        )
    if info.takes_class_weights:
        values |= _weight_controls(spec, key, shares, on_change, disabled)
    if info.region:
        values["aggregate"] = st.selectbox(
            "Aggregation",
            list(AGGREGATES),
            list(AGGREGATES).index(spec.aggregate),
            AGGREGATES.__getitem__,
            key=f"{key}-aggregate",
            help="Over the batch: one overlap for all its crops. Mean over images: one overlap per crop, averaged.",
            on_change=on_change,
            disabled=disabled,
        )
        values["include_background"] = st.checkbox(
            "Include the background class",
            spec.include_background,
            key=f"{key}-bg",
            on_change=on_change,
            disabled=disabled,
        )
    if spec.kind == "combined":
        values["terms"] = spec.terms
        st.caption(" + ".join(f"{term.factor:g} · {LOSSES[term.loss.kind].name}" for term in spec.terms))
    return LossSpec.model_validate(values)


def default_spec(kind: LossKind) -> LossSpec:
    """A loss with its defaults; weighted cross-entropy takes its weights from the data."""
    rule = "inverse_frequency" if LOSSES[kind].needs_class_weights else None
    return LossSpec(kind=kind, class_weights=rule, weight_cap=20 if rule else None)


def _weight_controls(
    spec: LossSpec, key: str, shares: Sequence[ClassShare], on_change: Callable[[], None] | None, disabled: bool
) -> dict[str, Any]:
    none = [] if LOSSES[spec.kind].needs_class_weights else ["none"]
    options = [*none, BY_HAND, *RULES]
    present = (
        "none"
        if spec.class_weights is None
        else spec.class_weights.replace("_", " ")
        if isinstance(spec.class_weights, str)
        else BY_HAND
    )
    chosen = st.selectbox(
        "Class weights",
        options,
        options.index(present),
        key=f"{key}-rule",
        help="Set by hand, or computed from the pixels and objects of the training scenes.",
        on_change=on_change,
        disabled=disabled,
    )
    if chosen == "none":
        return {}
    weights_of = weights_of_shares(shares)
    if chosen != BY_HAND:
        cap = st.select_slider(
            "Maximum class weight",
            _GRID[4:],
            _nearest(spec.weight_cap or 20.0),
            key=f"{key}-cap",
            on_change=on_change,
            disabled=disabled,
        )
        numbers = weights_of(RULES[chosen], cap)
        st.caption(
            "  \n".join(
                f"{escaped(share.name)}: weight **{number:.3g}** ({_percent(share)})"
                for share, number in zip(shares, numbers, strict=True)
            )
        )
        return {"class_weights": RULES[chosen], "weight_cap": cap}
    given = spec.class_weights if isinstance(spec.class_weights, tuple) else ()
    start = given if len(given) == len(shares) else weights_of("inverse_frequency", 20.0)
    numbers = tuple(
        st.select_slider(
            f"Weight of {escaped(share.name)} ({_percent(share)})",
            _GRID,
            _nearest(start[i]),
            key=f"{key}-weight-{i}",
            on_change=on_change,
            disabled=disabled,
        )
        for i, share in enumerate(shares)
    )
    if not any(numbers):
        st.caption("With all weights at zero nothing is learned; all are set to 1.")
        numbers = (1.0,) * len(shares)
    return {"class_weights": numbers}


def _nearest(value: float) -> float:
    return min(_GRID, key=lambda stop: abs(stop - value))


def _percent(share: ClassShare) -> str:
    return "n/a" if share.share is None else f"{percent(share.share)} of pixels"
