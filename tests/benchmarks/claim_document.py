"""Writes what the runs showed: ``assets/claims.json`` for the app, and the tables of ``docs/claims.md``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from explorer.files import write_atomically
from explorer.training.evidence import AT_WORDS, FILE, OWN_MEASURE, At, Evidence, Finding, Interval, Outcome
from tests.benchmarks.claim_analysis import MEASURES

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "claims.md"
START, END = "<!-- claims -->\n", "<!-- end -->"

_MEASURES = {OWN_MEASURE: "each dataset's own measure", "overlap": "any overlap", "pixel": "pixels"}


def write_report(found: Evidence, data: Path = FILE, document: Path = DOCUMENT) -> None:
    """Writes both files."""
    write_atomically(data, (found.model_dump_json(indent=1) + "\n").encode())
    write_atomically(document, filled(document.read_text(encoding="utf-8"), found).encode())


def filled(text: str, found: Evidence) -> str:
    """The document with the tables of this evidence between its two marks."""
    before, _, rest = text.partition(START)
    return before + START + tables(found) + rest[rest.index(END) :]


def tables(found: Evidence) -> str:
    """All tables as Markdown."""
    of_dataset = {each.dataset: each for each in found.outcomes}
    head = ("dataset", "measure", "segmenter", "steps", "seeds", "units that score")
    sizes = [
        (each.dataset, _measure_words(each.measure), each.segmenter, str(each.steps), str(each.seeds), str(each.units))
        for each in of_dataset.values()
    ]
    parts = [
        f"\n`{found.command}`, {found.date}.\n",
        _table(head, sizes),
        "\n### Over all datasets\n",
        "The mean difference over datasets with its 95 % interval. Datasets are drawn first, then seeds and units.\n",
        *(part for measure in MEASURES for part in (f"By {_measure_words(measure)}:\n", _over_all(found, measure))),
        "\n### On each dataset, by its own measure, at ½\n",
        _by_dataset(found, "half"),
        "\n### On each dataset, by its own measure, at each run's own threshold\n",
        _by_dataset(found, "own"),
        "\n### Recall, precision and F1\n",
        "Means over seeds and units by each dataset's own measure. Precision is over the runs that predict anything.\n",
        _scores(found),
    ]
    return "\n" + "\n\n".join(part.strip("\n") for part in parts) + "\n\n"


def _over_all(found: Evidence, measure: str) -> str:
    overall = {
        (each.claim, each.at): each for each in found.findings if each.dataset is None and each.measure == measure
    }
    places = [at for at in AT_WORDS if any(key[1] == at for key in overall)]
    rows = [(text, *(_verdict(overall.get((key, at))) for at in places)) for key, text in _claims(found).items()]
    return _table(("claim", *(AT_WORDS[at] for at in places)), rows)


def _by_dataset(found: Evidence, at: At) -> str:
    rows = []
    for key, text in _claims(found).items():
        of_claim = {
            each.dataset: each
            for each in found.findings
            if each.claim == key and each.at == at and each.measure == OWN_MEASURE
        }
        rows.append((text, *(_verdict(of_claim.get(name)) for name in found.datasets)))
    return _table(("claim", *found.datasets), rows)


def _scores(found: Evidence) -> str:
    cells: dict[tuple[str, str], dict[str, Outcome]] = {}
    for each in found.outcomes:
        cells.setdefault((each.dataset, each.plan), {})[each.at] = each
    rows = []
    for (dataset, plan), by_at in cells.items():
        half, own = by_at.get("half"), by_at.get("own")
        shown = [_number(each) for each in (half.recall, half.precision)] if half else ["n/a", "n/a"]
        rows.append((dataset, plan, *shown, *("n/a" if each is None else _number(each.f1) for each in (half, own))))
    return _table(("dataset", "plan", "recall at ½", "precision at ½", "F1 at ½", "F1 at the own threshold"), rows)


def _claims(found: Evidence) -> dict[str, str]:
    return {each.claim: each.text for each in found.findings}


def _verdict(finding: Finding | None) -> str:
    if finding is None:
        return "n/a"
    also = "".join(f"; {score} {_difference(effect)}" for score, effect in finding.also.items())
    return f"**{finding.verdict}** {_difference(finding.effect)}{also}"


def _difference(value: Interval) -> str:
    return "n/a" if value.mean is None else f"{value.mean:+.2f} [{value.low:+.2f}, {value.high:+.2f}]"


def _number(value: Interval) -> str:
    return "n/a" if value.mean is None else f"{value.mean:.2f} [{value.low:.2f}, {value.high:.2f}]"


def _measure_words(measure: str) -> str:
    return _MEASURES.get(measure, measure.replace("iou:", "IoU > ").replace("centroid:", "centroids within ")) + (
        " px" if measure.startswith("centroid") else ""
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
