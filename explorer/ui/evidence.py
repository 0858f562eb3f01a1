"""What a loss or a preset did on the benchmark's datasets; nothing where it was not measured."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.figures.evidence import evidence_figure, evidence_height
from explorer.losses.registry import LOSSES, LossKind
from explorer.training.evidence import AT_WORDS, Evidence, Finding, Interval, Outcome, read_evidence
from explorer.ui.live_figure import live_figure

_AT: tuple[str, str] = ("half", "own")


@st.cache_resource(show_spinner=False)
def _evidence() -> Evidence | None:
    return read_evidence()


def show_preset_evidence(key: str) -> None:
    """Scores of a preset on every dataset of the benchmark."""
    evidence = _evidence()
    if evidence is not None and evidence.of_preset(key):
        with st.expander(f"What this did on {len(evidence.datasets)} datasets", icon=":material/query_stats:"):
            _show(evidence, evidence.of_preset(key), evidence.of_preset(key, "own"), key)


def show_loss_evidence(kinds: Sequence[LossKind]) -> None:
    """Scores of the losses that were measured alone, on every dataset of the benchmark."""
    evidence = _evidence()
    measured = [kind for kind in kinds if evidence is not None and evidence.of_loss(kind)]
    if evidence is None or not measured:
        return
    with st.expander(f"What these did alone on {len(evidence.datasets)} datasets", icon=":material/query_stats:"):
        for tab, kind in zip(st.tabs([LOSSES[kind].name for kind in measured]), measured, strict=True):
            with tab:
                _show(evidence, evidence.of_loss(kind), evidence.of_loss(kind, "own"), kind)


def _show(evidence: Evidence, half: Sequence[Outcome], own: Sequence[Outcome], key: str) -> None:
    at = st.segmented_control(
        "Scores",
        _AT,
        format_func=lambda name: AT_WORDS["half" if name == "half" else "own"],
        default=_AT[0],
        required=True,
        key=f"evidence-at-{key}",
        label_visibility="collapsed",
    )
    shown = half if at == "half" or not own else own
    live_figure(evidence_figure(shown), f"evidence-{key}-{at}", height=evidence_height(shown))
    st.caption(
        f"Mean over seeds and scenes that did not train, with 95 % bootstrap intervals; {_lengths(shown)}, measured on "
        f"{evidence.date}. Objects count by each dataset's match rule. docs/claims.md has the method."
    )
    claims = claims_in_words(evidence, shown[0].plan)
    if claims:
        st.markdown("**Claims about it, over all of these datasets**")
        st.markdown("\n".join(f"- {each}" for each in claims))
        st.caption(
            "Mean difference with its 95 % interval, each dataset by its own measure. Holds or fails: p < 0.05, "
            "two-sided, corrected for the number of claims; undecided: everything else."
        )


def claims_in_words(evidence: Evidence, plan: str) -> list[str]:
    """One line of Markdown for each claim that compares a plan: its verdicts, with the differences measured.

    Args:
        evidence: see :mod:`explorer.training.evidence`.
        plan: as its tables name it.
    """
    return [
        f"{text}: "
        + "; ".join(f"**{found.verdict}** {AT_WORDS[at]} ({_differences(found)})" for at, found in by_at.items())
        for text, by_at in evidence.claims_about(plan).items()
    ]


def _differences(found: Finding) -> str:
    return "; ".join(
        [_difference(found.effect), *(f"{score} {_difference(each)}" for score, each in found.also.items())]
    )


def _difference(effect: Interval) -> str:
    if effect.mean is None or effect.low is None or effect.high is None:
        return "n/a"
    return f"{effect.mean:+.2f}, from {effect.low:+.2f} to {effect.high:+.2f}"


def _lengths(outcomes: Sequence[Outcome]) -> str:
    """How long the runs were, in words: "240 steps with Small U-Net"."""
    return ", ".join(
        f"{steps} steps with {name}" for name, steps in dict.fromkeys((o.segmenter, o.steps) for o in outcomes)
    )
