"""The picker of a match rule, kept in the address (``?match=iou:0.1``)."""

from __future__ import annotations

import streamlit as st

from explorer.errors import InputError
from explorer.imagery.match_rule import MatchRule
from explorer.ui import address

_PARAMETER = "match"
_OFFERED = tuple(
    MatchRule.parse(text)
    for text in ("iou:0.5", "iou:0.25", "iou:0.1", "overlap", "centre", "centroid:5", "tolerance:3")
)


def pick_match_rule(usual: MatchRule) -> MatchRule:
    """The rule by which predicted objects count as found.

    Args:
        usual: the dataset's, which is shown first.
    """
    asked = st.query_params.get(_PARAMETER)
    chosen = usual
    if asked:
        try:
            chosen = MatchRule.parse(asked)
        except InputError:
            address.say_unknown([asked], "match rule", "that of the dataset is used")
            st.query_params.pop(_PARAMETER)
    rules = dict.fromkeys((usual, *_OFFERED, chosen))
    same_kind = {rule.kind for rule in (usual, chosen) if rule not in _OFFERED}
    offered = [rule for rule in rules if rule in (usual, chosen) or rule.kind not in same_kind - {"iou"}]

    def take(text: str) -> None:
        if text == str(usual):
            st.query_params.pop(_PARAMETER, None)
        else:
            st.query_params[_PARAMETER] = text

    def in_words(text: str) -> str:
        rule = MatchRule.parse(text)
        return f"{rule.words} (the dataset's)" if rule == usual else rule.words

    address.select("Match rule", [str(rule) for rule in offered], str(chosen), in_words, take)
    if not chosen.may_choose:
        st.caption("One blob over everything wins under this rule: read it beside the precision of pixels.")
    return chosen


def named(rule: MatchRule) -> str:
    """What is counted under the rule, in the plural: objects, or pixels where it counts those."""
    return "objects" if rule.counts_objects else f"pixels within {rule.value:g} px"
