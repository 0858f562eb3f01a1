"""The widget for a match rule: its kind in words, and its number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st

from explorer.imagery.match_rule import MatchKind, MatchRule

_KINDS: Mapping[MatchKind, tuple[str, str]] = MappingProxyType(
    {
        "iou": ("IoU above", "IoU"),
        "overlap": ("any overlap", ""),
        "centre": ("centre inside", ""),
        "centroid": ("centroids within …", "Distance (px)"),
        "tolerance": ("pixels within …", "Tolerance (px)"),
    }
)
_USUAL: Mapping[MatchKind, float] = MappingProxyType({"iou": 0.5, "centroid": 6.0, "tolerance": 3.0})
_HELP = (
    "When a predicted object counts as one of the label. IoU above 0.5 compares outlines; 0.1 suits small objects with "
    "generous outlines; centroids suit labels that are points; pixels within a tolerance suit thin things, as roads."
)
_NOTHING: Callable[[], None] = lambda: None  # noqa: E731


def pick_match_rule(rule: MatchRule, key: str, changed: Callable[[], None] = _NOTHING) -> MatchRule:
    """A select and, where the rule has one, its number.

    Args:
        rule: shown first.
        key: of the widgets.
        changed: called when one of them changes; ``entered_rule`` gives the new rule then.
    """
    kind_field, number_field = st.columns([3, 2], vertical_alignment="bottom")
    kind_field.selectbox(
        "Match rule",
        list(_KINDS),
        list(_KINDS).index(rule.kind),
        lambda kind: _KINDS[kind][0],
        key=f"{key}-kind",
        on_change=changed,
        help=_HELP,
    )
    entered = entered_rule(rule, key)
    if entered.value is not None:
        most, step = (0.95, 0.05) if entered.kind == "iou" else (10_000.0, 1.0)
        number_field.number_input(
            _KINDS[entered.kind][1], 0.0, most, entered.value, step, key=f"{key}-{entered.kind}", on_change=changed
        )
        entered = entered_rule(rule, key)
    if not entered.may_choose:
        st.caption("One prediction over everything finds all objects under this rule: look at the precision of pixels.")
    return entered


def entered_rule(rule: MatchRule, key: str) -> MatchRule:
    """What the widgets say.

    Args:
        rule: that was shown first.
        key: of the widgets.
    """
    kind: MatchKind = st.session_state[f"{key}-kind"]
    usual = rule.value if kind == rule.kind else _USUAL.get(kind)
    return MatchRule(kind=kind, value=None if usual is None else st.session_state.get(f"{key}-{kind}", usual))
