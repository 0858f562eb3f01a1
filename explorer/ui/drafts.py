"""A dataset while it is edited on Imagery, before its names and split are confirmed, and what its widgets choose."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from explorer.imagery.assembly import revise
from explorer.imagery.match_rule import MatchRule
from explorer.imagery.scene import Dataset
from explorer.texts import LONGEST_NAME, plain
from explorer.ui import services
from explorer.ui.match_rules import entered_rule
from explorer.ui.reading import choices, choose_reading
from explorer.ui.uploads import Files


@dataclass(frozen=True)
class Draft:
    """The imagery shown, before its names and split are confirmed."""

    key: str  # identifies the draft, so that edits of one do not reach another
    dataset: Dataset
    version: str = ""  # changes with how its files are read
    files: Files | None = None  # that it was read from


def area_key(draft: Draft) -> str:
    """Of the field of the minimum area, which begins anew where another choice sets it."""
    return f"minimum-{draft.key}-{draft.dataset.minimum_area}"


def take_minimum_area(draft: Draft) -> None:
    """Makes the minimum area of an upload one of its choices, so that its notes and a reload know it."""
    if draft.files is not None:
        made = choices(draft.files)
        choose_reading(draft.files, made.model_copy(update={"minimum_area": int(st.session_state[area_key(draft)])}))


def rule_key(draft: Draft) -> str:
    """Of the widgets of the match rule, which begin anew where another choice sets it."""
    return f"rule-{draft.key}-{draft.dataset.match_rule}"


def take_match_rule(draft: Draft) -> None:
    """Makes the match rule of an upload one of its choices, so that its notes and a reload know it."""
    if draft.files is not None:
        made = choices(draft.files)
        rule = entered_rule(draft.dataset.match_rule, rule_key(draft))
        choose_reading(draft.files, made.model_copy(update={"match_rule": rule}))


def revised(
    draft: Draft,
    name: str,
    classes: tuple[str, ...],
    validation: list[str],
    left_out: list[str],
    minimum_area: int,
    rule: MatchRule,
) -> Dataset:
    """The dataset with what was entered, made once for the same values."""
    values = (draft.key, draft.version, classes, tuple(validation), tuple(left_out), minimum_area, rule)
    kept: tuple[object, Dataset, Dataset] | None = st.session_state.get("revised")
    if kept is None or kept[0] != values or kept[1] is not draft.dataset:
        with services.alone_if_large(draft.dataset):
            made = revise(draft.dataset, draft.dataset.name, classes, validation, left_out, minimum_area, rule)
        kept = st.session_state["revised"] = values, draft.dataset, made
    name = plain(name, LONGEST_NAME)  # a browser may send more than its field takes
    return kept[2] if kept[2].name == name else replace(kept[2], name=name)  # without fitting a stretch again
