"""The widget for a match rule: its kind in words, and its number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st

from explorer.errors import InputError
from explorer.imagery.match_rule import MatchKind, MatchRule
from explorer.lessons.glossary import explained
from explorer.ui import address

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
_PARAMETER = "match"
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
        help=explained("match_rule"),
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


def pick_rule_of_address(usual: MatchRule, key: str) -> MatchRule:
    """The same, kept in the address (``?match=iou:0.1``).

    Args:
        usual: where the address names none.
        key: of the widgets.
    """
    asked, shown = st.query_params.get(_PARAMETER), usual
    if asked:
        try:
            shown = MatchRule.parse(asked)
        except InputError:
            address.say_unknown([asked], "match rule", f"“{usual.words}” is used")

    def changed() -> None:
        entered = entered_rule(shown, key)
        if entered == usual:
            st.query_params.pop(_PARAMETER, None)
        else:
            st.query_params[_PARAMETER] = str(entered)

    return pick_match_rule(shown, key, changed)


def counted(rule: MatchRule) -> str:
    """What is counted under a rule, in the plural: objects, or pixels."""
    return "objects" if rule.counts_objects else rule.words
