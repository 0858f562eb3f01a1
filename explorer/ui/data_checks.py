"""The card of data checks: what each finding means, and a button that mends it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.imagery.checks import CHECKS, Finding, Mend, check_dataset
from explorer.imagery.scene import Dataset
from explorer.ui.messages import escaped

_FOUND = "checks-found"  # in the session


def show_checks(dataset: Dataset, key: str, mend: Callable[[Mend], None]) -> None:
    """Checks a dataset, once for each key, and lists what was found.

    Args:
        dataset: to check.
        key: changes with the dataset.
        mend: carries out what a button says; called before the page runs again.
    """
    found = _findings(dataset, key)
    with st.container(border=True, key="data-checks"):
        if not found:
            st.markdown(f"**Data checks** :material/check_circle: all {len(CHECKS)} passed")
            with st.popover("What was checked"):
                for check in CHECKS:
                    st.markdown(f"**{check.title}?** {escaped(check.meaning)}")
            return
        st.markdown(f"**Data checks**: {len(found)} finding{'s' if len(found) > 1 else ''}")
        for number, finding in enumerate(found):
            said, button = st.columns([3, 1.4], vertical_alignment="center")
            said.markdown(
                f":material/warning: **{escaped(finding.title)}.** {escaped(finding.text)}  \n"
                f":gray[{escaped(finding.meaning)}]"
            )
            if finding.mend is not None:
                button.button(
                    finding.mend.button, key=f"mend-{finding.code}-{number}", on_click=mend, args=(finding.mend,),
                    width="stretch",
                )  # fmt: skip


def _findings(dataset: Dataset, key: str) -> tuple[Finding, ...]:
    kept: tuple[str, tuple[Finding, ...]] | None = st.session_state.get(_FOUND)
    if kept is None or kept[0] != key:
        with st.spinner("Checking the data …"):
            kept = st.session_state[_FOUND] = key, check_dataset(dataset)
    return kept[1]
