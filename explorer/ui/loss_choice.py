"""Which losses are compared, and their settings: chosen on the page, kept in the session and in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from pydantic import TypeAdapter, ValidationError

from explorer.imagery.balance import ClassShare
from explorer.losses.info import Bias
from explorer.losses.registry import LOSSES, LossKind
from explorer.losses.spec import LossSpec, Term
from explorer.ui import address
from explorer.ui.loss_controls import default_spec, loss_controls

FIRST: tuple[LossKind, ...] = ("cross_entropy", "weighted_cross_entropy", "focal", "jaccard", "object_jaccard")
"""The losses that are compared at first."""

BIASES: dict[Bias, str] = {
    "none": "neither recall nor precision",
    "recall": "recall",
    "precision": "precision",
    "hard_pixels": "pixels that are still wrong, of any class",
    "balance": "small and large objects alike",
}
_CHOSEN, _SETTINGS = "lab-losses", "lab-settings"  # in the session: kinds, and the settings of every kind chosen so far
_ADDRESS = "losses"
_SPECS = TypeAdapter(tuple[LossSpec, ...])


def pick_losses() -> tuple[LossKind, ...]:
    """The losses to compare, in the order of the registry."""
    if _CHOSEN not in st.session_state:
        _take_from_address()
    chosen = st.pills(
        "Losses",
        list(LOSSES),
        selection_mode="multi",
        default=st.session_state[_CHOSEN],
        format_func=lambda kind: LOSSES[kind].name,
        key="lab-pills",
    )
    st.session_state[_CHOSEN] = [kind for kind in LOSSES if kind in chosen]
    return tuple(st.session_state[_CHOSEN])


def set_losses(kinds: Sequence[LossKind], shares: Sequence[ClassShare], key: str) -> tuple[LossSpec, ...]:
    """The formula and settings of one loss at a time.

    Args:
        kinds: the losses that are compared, at least one.
        shares: class balance; class weights have one value for each.
        key: identifies the set of classes, so that weights of one dataset are not used for another.

    Returns:
        All losses that are compared, with their settings.
    """
    known: dict[LossKind, LossSpec] = st.session_state[_SETTINGS]
    options = list(kinds)
    steerable = [kind for kind in options if LOSSES[kind].settings or LOSSES[kind].takes_class_weights]
    first = steerable[0] if steerable else options[0]
    address.named("lab-card", "loss", [info.name for info in LOSSES.values()], LOSSES[first].name)
    kind = st.selectbox(
        "Settings of",
        options,
        options.index(first),
        lambda kind: LOSSES[kind].name,
        key="lab-card",
        bind="query-params",
    )
    known[kind] = loss_controls(_fitting(_settings(kind), len(shares)), f"lab-{key}-{kind}", shares)
    _describe(kind)
    specs = tuple(_fitting(_settings(each), len(shares)) for each in kinds)
    text = _SPECS.dump_json(specs, exclude_none=True, exclude_defaults=True).decode()
    if specs != tuple(_first(each) for each in FIRST):
        st.query_params[_ADDRESS] = text
    else:
        st.query_params.pop(_ADDRESS, None)
    return specs


def _describe(kind: LossKind) -> None:
    """Formula, tendency and source of a loss, from the registry."""
    info = LOSSES[kind]
    st.markdown(f'<span style="color:{info.color}">■</span> {info.sentence}', unsafe_allow_html=True)
    with st.expander("Formula and source"):
        st.latex(info.formula)
        st.caption(
            f"**Favours:** {BIASES[info.bias]}.  \n**Fails when:** {info.fails_when}  \n**Source:** {info.source}."
        )


def _settings(kind: LossKind) -> LossSpec:
    known: dict[LossKind, LossSpec] = st.session_state[_SETTINGS]
    return known.setdefault(kind, _first(kind))


def _first(kind: LossKind) -> LossSpec:
    """A loss with its defaults; the combined one is cross-entropy plus Dice, the usual sum."""
    if kind == "combined":
        parts: tuple[LossKind, ...] = ("cross_entropy", "dice")
        return LossSpec(kind=kind, terms=tuple(Term(factor=1, loss=LossSpec(kind=part)) for part in parts))
    return default_spec(kind)


def _fitting(spec: LossSpec, classes: int) -> LossSpec:
    """The loss; with default weights if those set by hand are for another number of classes."""
    if isinstance(spec.class_weights, tuple) and len(spec.class_weights) != classes:
        first = _first(spec.kind)
        return spec.model_copy(update={"class_weights": first.class_weights, "weight_cap": first.weight_cap})
    return spec


def _take_from_address() -> None:
    """The losses in the address, or the default ones."""
    specs: tuple[LossSpec, ...] = ()
    text = st.query_params.get(_ADDRESS)
    if text is not None:
        try:
            specs = _SPECS.validate_json(text)
        except ValidationError:
            st.caption("The losses in the address cannot be read; the default ones are shown.")
    specs = specs or tuple(_first(kind) for kind in FIRST)
    st.session_state[_SETTINGS] = {spec.kind: spec for spec in specs}
    st.session_state[_CHOSEN] = [kind for kind in LOSSES if kind in st.session_state[_SETTINGS]]
