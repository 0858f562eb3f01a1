"""What the losses and presets did on the benchmark's datasets, as measured: data that the pages show. No torch.

``assets/claims.json`` is written by ``python -m tests.benchmarks.claims report`` from finished runs, never by hand.
Where it does not exist, there is nothing to show.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.errors import InputError, explain_validation

FILE = Path(__file__).resolve().parents[2] / "assets" / "claims.json"

At = Literal["half", "own", "matched"]
"""At threshold ½, at each run's own threshold, or where both plans have the same recall."""

OWN_MEASURE = "own"
"""In a finding: every dataset is measured by its own match rule, or by pixels."""

AT_WORDS: dict[At, str] = {
    "half": "at threshold ½",
    "own": "at each run's own threshold",
    "matched": "at the same recall",
}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Model):
    """A mean with its 95 % bootstrap interval; all None where it is undefined."""

    mean: float | None
    low: float | None
    high: float | None


class Outcome(_Model):
    """What one plan reached on one dataset, over seeds and scoring units."""

    dataset: str  # title
    plan: str  # as tables name it
    losses: tuple[str, ...]  # kinds, in the order of the phases
    segmenter: str  # its name
    steps: int  # of a run
    preset: str | None  # key of the preset with this sequence of losses; None: it is none
    measure: str  # match rule, or "pixel"
    at: Literal["half", "own"]
    recall: Interval
    precision: Interval
    f1: Interval
    seeds: int
    units: int  # scenes, or sites with all their scenes


class Finding(_Model):
    """The verdict on one claim, on one dataset or over all."""

    claim: str  # key
    text: str  # the claim in a sentence
    plans: tuple[str, ...]  # that it compares, as tables name them
    dataset: str | None  # title; None: over all datasets
    measure: str  # match rule, "pixel", or ``OWN_MEASURE``
    at: At
    effect: Interval  # of the claim's first inequality
    also: dict[str, Interval] = {}  # of its others, by the score that they are about
    p: float | None  # two-sided, after Holm over the claims; None: nothing could be compared
    verdict: Literal["holds", "fails", "undecided"]
    seeds: int
    units: int  # over all datasets: datasets


class Evidence(_Model):
    """All that was measured."""

    date: str  # of the report, YYYY-MM-DD
    command: str  # that made the runs
    datasets: tuple[str, ...]  # titles, in the order in which they are shown
    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...]

    def of_loss(self, kind: str, at: Literal["half", "own"] = "half") -> tuple[Outcome, ...]:
        """What this loss did alone, one outcome a dataset."""
        return tuple(each for each in self.outcomes if each.losses == (kind,) and each.at == at)

    def of_preset(self, key: str, at: Literal["half", "own"] = "half") -> tuple[Outcome, ...]:
        """What a preset did, one outcome a dataset."""
        return tuple(each for each in self.outcomes if each.preset == key and each.at == at)

    def claims_about(self, plan: str) -> dict[str, dict[At, Finding]]:
        """The verdicts on the claims that compare this plan, over all datasets, each by its own measure.

        Args:
            plan: as the tables name it.

        Returns:
            For each claim, in a sentence, the findings by where plans were compared.
        """
        found: dict[str, dict[At, Finding]] = {}
        for each in self.findings:
            if each.dataset is None and each.measure == OWN_MEASURE and plan in each.plans:
                found.setdefault(each.text, {})[each.at] = each
        return found


def read_evidence(file: Path = FILE) -> Evidence | None:
    """The measured data; None where no report has been made.

    Raises:
        InputError: the file is no such data.
    """
    try:
        return Evidence.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        what, field = explain_validation(error)
        raise InputError(
            f"{what} ({field})", file.name, "make it again: python -m tests.benchmarks.claims report"
        ) from None
