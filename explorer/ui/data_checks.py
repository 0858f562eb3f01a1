"""The card of data checks: what each finding means, and a button that mends it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import streamlit as st

from explorer.imagery.checks import CHECKS, Finding, Mend, StretchPerScene
from explorer.imagery.scene import Dataset
from explorer.ui import services
from explorer.ui.frame import stacking_columns
from explorer.ui.messages import escaped

_FOUND = "checks-found"  # in the session
_OF_AREAS = ("below_minimum_area", "few_objects")  # the checks that depend on the minimum area
_SHOWN_CASES = 3  # of one check, before the others are hidden


def show_checks(dataset: Dataset, key: str, mend: Callable[[Mend], None], has_files: bool) -> None:
    """Checks a dataset, once for each key and minimum area, and lists what was found.

    Args:
        dataset: to check.
        key: changes with everything in the dataset that checks depend on, but for the minimum area.
        mend: carries out what a button says; called before the page runs again.
        has_files: whether the dataset's files are there to be read in another way, as some mends need.
    """
    found = _findings(dataset, key)
    with st.container(border=True, key="data-checks"):
        if not found:
            st.markdown(f"**Data checks** :material/check_circle: all {len(CHECKS)} passed")
            with st.popover("What was checked"):
                for check in CHECKS:
                    st.markdown(f"**{check.title}?** {escaped(check.meaning)}")
            return
        by_code: dict[str, list[Finding]] = defaultdict(list)
        for finding in found:
            by_code[finding.code].append(finding)
        st.markdown(f"**Data checks**: {len(by_code)} of {len(CHECKS)} found something")
        for code, findings in by_code.items():
            _show_findings(code, findings, mend, has_files)


def _show_findings(code: str, findings: Sequence[Finding], mend: Callable[[Mend], None], has_files: bool) -> None:
    """What one check has found: its title and meaning once, each case, and each mend once."""
    possible = [finding.mend for finding in findings if has_files or not isinstance(finding.mend, StretchPerScene)]
    mends = dict.fromkeys(each for each in possible if each is not None)
    said, buttons = stacking_columns(f"check-{code}", [2, 1], centred=True) if mends else (st.container(), None)
    with said:
        title, meaning = escaped(findings[0].title), escaped(findings[0].meaning)
        st.markdown(
            f":material/warning: **{title}.** "
            + " ".join(escaped(finding.text) for finding in findings[:_SHOWN_CASES])
            + f"  \n:gray[{meaning}]"
        )
        if len(findings) > _SHOWN_CASES:
            with st.popover(f"and {len(findings) - _SHOWN_CASES} more", type="tertiary"):
                for finding in findings[_SHOWN_CASES:]:
                    st.markdown(escaped(finding.text))
    for number, chosen in enumerate(mends):
        assert buttons is not None
        buttons.button(chosen.button, key=f"mend-{code}-{number}", on_click=mend, args=(chosen,), width="stretch")


def _findings(dataset: Dataset, key: str) -> tuple[Finding, ...]:
    """What all checks find; a check runs again only if something it depends on has changed."""
    kept: dict[str, tuple[object, tuple[Finding, ...]]] = st.session_state.setdefault(_FOUND, {})
    keys = {check.code: (key, dataset.minimum_area if check.code in _OF_AREAS else None) for check in CHECKS}
    stale = [check for check in CHECKS if check.code not in kept or kept[check.code][0] != keys[check.code]]
    if stale:
        with st.spinner("Checking the data …"), services.alone_if_large(dataset):
            for check in stale:
                kept[check.code] = keys[check.code], check.findings(dataset)
    return tuple(finding for check in CHECKS for finding in kept[check.code][1])
