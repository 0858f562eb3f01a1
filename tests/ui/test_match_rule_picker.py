"""The match rule as widgets, and in the address."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from explorer.imagery.match_rule import HALF_IOU, MatchRule


def rule_page() -> None:
    import streamlit as st

    from explorer.imagery.match_rule import HALF_IOU
    from explorer.ui.match_rules import pick_rule_of_address

    st.session_state["rule"] = pick_rule_of_address(HALF_IOU, "rule")


def opened(asked: str | None) -> AppTest:
    page = AppTest.from_function(rule_page)
    if asked is not None:
        page.query_params["match"] = asked
    return page.run()


def named(page: AppTest) -> str:
    """The rule in the address."""
    return "".join(page.query_params["match"])


@pytest.mark.parametrize("asked", ["iou:0.1", "overlap", "centre", "centroid:4", "tolerance:3"])
def test_address_names_the_rule(asked: str) -> None:
    page = opened(asked)
    assert not page.exception
    assert page.session_state["rule"] == MatchRule.parse(asked)
    assert not page.info


@pytest.mark.parametrize("asked", ["iou:2", "nearest", "tolerance", "iou:", "overlap:1"])
def test_bad_rule_is_said_and_the_datasets_is_used(asked: str) -> None:
    page = opened(asked)
    assert not page.exception
    assert page.session_state["rule"] == HALF_IOU
    assert f"There is no match rule {asked}" in page.info[0].value.replace("\\", "")


def test_choice_goes_into_the_address_and_the_datasets_out_of_it() -> None:
    page = opened(None)
    page.number_input[0].set_value(0.1).run()
    assert page.session_state["rule"] == MatchRule.parse("iou:0.1")
    assert named(page) == "iou:0.1"
    page.selectbox[0].set_value("tolerance").run()
    assert page.session_state["rule"] == MatchRule.parse("tolerance:3")
    assert named(page) == "tolerance:3"
    page.selectbox[0].set_value("iou").run()
    page.number_input[0].set_value(0.5).run()
    assert page.session_state["rule"] == HALF_IOU
    assert "match" not in page.query_params


def test_rule_that_a_blob_wins_says_so() -> None:
    assert "One prediction over everything" in opened("overlap").caption[0].value
    assert not opened("iou:0.1").caption
