"""The claims about a plan, as the pages show them."""

from __future__ import annotations

from explorer.training.evidence import OWN_MEASURE, At, Evidence, Finding, Interval
from explorer.ui.evidence import claims_in_words


def finding(
    text: str,
    at: At,
    effect: Interval,
    dataset: str | None = None,
    measure: str = OWN_MEASURE,
    also: dict[str, Interval] | None = None,
) -> Finding:
    return Finding(
        claim=text,
        text=text,
        plans=("weighted CE", "CE"),
        dataset=dataset,
        measure=measure,
        at=at,
        effect=effect,
        also=also or {},
        p=0.01,
        verdict="holds",
        seeds=8,
        units=11,
    )


def test_a_claim_is_one_line_with_the_verdict_of_each_comparison() -> None:
    raised, unknown = Interval(mean=0.24, low=0.011, high=0.49), Interval(mean=None, low=None, high=None)
    findings = (
        finding("Weights raise recall", "half", raised),
        finding("Weights raise recall", "own", unknown, also={"recall": raised}),
        finding("Weights raise recall", "half", unknown, dataset="Ships"),
        finding("Weights raise recall", "half", unknown, measure="pixel"),
    )
    found = Evidence(date="2026-01-01", command="", datasets=("Ships", "Cars"), outcomes=(), findings=findings)
    assert claims_in_words(found, "CE") == [
        "Weights raise recall: **holds** at threshold ½ (+0.24, from +0.01 to +0.49); "
        "**holds** at each run's own threshold (n/a; recall +0.24, from +0.01 to +0.49)"
    ]
    assert claims_in_words(found, "focal") == []
