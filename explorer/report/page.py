"""The report as one HTML file: everything is in it, and its content security policy forbids any request."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.io.json import to_json_plotly

from explorer.errors import InputError
from explorer.figures.colours import FALSE_ALARM, HIT, INK, MISS, run_colours
from explorer.figures.tradeoffs import AT_SLIDER
from explorer.report import curves, data_card, limits, plan_card, provenance, results, tradeoffs
from explorer.report.blocks import Fact, Figure, Table
from explorer.report.scenes import ScenePicture, scene_pictures
from explorer.report.source import RunSource, with_shared_class

MOST_BYTES = 10_000_000
_PICTURES_BYTES = 1_600_000  # of all pictures together, before they are written as text
_PICTURE_BYTES = 220_000  # of one picture, at most
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, eq=False)
class RunSection:
    """Everything that the page says about one run."""

    number: int  # from 1
    run: RunSource
    colour: str
    request: Fact
    phases: Table
    settings: tuple[Fact, ...]
    reasons: Table | None
    log: Table | None
    figures: tuple[Figure, ...]
    why_no_result: str
    result: Table | None
    medians: Table | None
    scenes: Table | None
    threshold: tuple[str, ...]
    pictures: tuple[ScenePicture, ...]
    about_pictures: str
    landscape: Figure | None
    provenance: tuple[Fact, ...]
    use: str
    limits: tuple[str, ...]
    commands: tuple[Fact, ...]
    plan_file: str

    @property
    def plan_address(self) -> str:
        """The plan's file as a data: address."""
        return "data:application/json;base64," + base64.b64encode(self.plan_file.encode()).decode()


@dataclass(frozen=True, eq=False)
class DataSection:
    """One dataset."""

    name: str
    facts: tuple[Fact, ...]
    classes: Table | None
    sizes: Table | None
    typical: str
    notes: Table | None
    without: str  # why its imagery is not looked at; empty: it is


def report_html(runs: Sequence[RunSource], made: datetime) -> bytes:
    """The report.

    Args:
        runs: at least one; their labels differ.
        made: when, in UTC.

    Raises:
        InputError: it would be larger than ``MOST_BYTES``.
    """
    runs = with_shared_class(runs)
    first_of = {run.reference.id: run for run in reversed(runs)}
    datasets = [first_of[key] for key in dict.fromkeys(run.reference.id for run in runs)]
    colours = run_colours(len(runs))
    most = min(_PICTURE_BYTES, _PICTURES_BYTES // (2 * len(runs)))
    sections = [_section(number, runs, colours[number - 1], most) for number in range(1, len(runs) + 1)]
    drawn = _Drawn()
    environment = _environment()
    environment.filters["drawn"] = drawn.add
    body = environment.get_template("body.html").render(
        made=made,
        sections=sections,
        datasets=[_data_section(run) for run in datasets],
        compared=_Compared.of(runs) if len(runs) > 1 else None,
        blocks=tradeoffs.threshold_blocks(runs),
        missing=tradeoffs.missing_sweeps(runs),
        colours={"hit": HIT, "miss": MISS, "false alarm": FALSE_ALARM},
        run_colours=colours,
        at_slider=AT_SLIDER,
    )
    script = (_TEMPLATES / "report.js").read_text(encoding="utf-8")
    page = environment.get_template("page.html").render(
        title=f"Report: {', '.join(run.label for run in runs)}",
        body=Markup(body),  # escaped by its own template
        style=_style(),
        plotly=Markup(_plotly()),
        script=Markup(script),
        policy=_policy(_plotly(), script),
        figures=Markup(drawn.as_json()),
    )
    content = page.encode()
    if len(content) > MOST_BYTES:
        remedy = "take fewer runs" if len(runs) > 1 else "merge classes of the dataset: each has its curves"
        raise InputError(f"the report would take {len(content) / 1e6:.1f} MB", "report", remedy)
    return content


def problem_html(problem: InputError) -> bytes:
    """A page that says why there is no report, for whoever opens the file."""
    return _environment().get_template("problem.html").render(problem=str(problem), style=_style()).encode()


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


def _style() -> Markup:
    return Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8"))


@dataclass(frozen=True, eq=False)
class _Compared:
    """What several runs have in one picture or table."""

    settings: Table
    figures: tuple[Figure, ...]
    result: Table | None
    class_names: str
    drawn: tuple[str, ...]  # labels of the runs, for the legend

    @classmethod
    def of(cls, runs: Sequence[RunSource]) -> _Compared:
        names = dict.fromkeys(run.reference.classes[run.main_class] for run in runs)
        return cls(
            provenance.difference_table(runs),
            curves.compared_figures(runs),
            results.compared_table(tuple(runs)),
            ", ".join(names),
            tuple(run.label for run in runs),
        )


class _Drawn:
    """The figures of a page by the id of their place."""

    def __init__(self) -> None:
        self._figures: list[str] = []

    def add(self, figure: Figure) -> str:
        """Takes a figure in and gives the id of its place."""
        content = _in_single_precision(figure.figure.to_plotly_json())
        content["layout"] = {name: value for name, value in content["layout"].items() if name != "template"}
        self._figures.append(str(to_json_plotly(content)))
        return f"figure-{len(self._figures) - 1}"

    def as_json(self) -> str:
        """All of them, such that nothing in it ends the script that it stands in."""
        listed = ",".join(f'"figure-{number}":{figure}' for number, figure in enumerate(self._figures))
        text = f'{{"ink":{json.dumps(INK)},"figures":{{{listed}}}}}'
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _in_single_precision(content: Any) -> Any:
    """A figure with half the bytes: more digits are never seen."""
    if isinstance(content, dict):
        return {name: _in_single_precision(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_in_single_precision(value) for value in content]
    if isinstance(content, np.ndarray) and content.dtype == np.float64:
        return content.astype(np.float32)
    return content


def _section(number: int, runs: Sequence[RunSource], colour: str, most_bytes: int) -> RunSection:
    run = runs[number - 1]
    pictures, about = scene_pictures(run, most_bytes)
    return RunSection(
        number=number,
        run=run,
        colour=colour,
        request=plan_card.request_fact(run),
        phases=plan_card.phase_table(run),
        settings=plan_card.setting_facts(run),
        reasons=plan_card.reason_table(run),
        log=plan_card.log_table(run),
        figures=curves.run_figures(run),
        why_no_result=results.why_no_result(run),
        result=results.result_table(run),
        medians=results.median_table(run),
        scenes=results.scene_table(run),
        threshold=results.threshold_sentences(run),
        pictures=pictures,
        about_pictures=about,
        landscape=curves.landscape_figure(run),
        provenance=provenance.provenance_facts(run),
        use=limits.intended_use(run),
        limits=limits.limits(run, runs),
        commands=provenance.commands(run),
        plan_file=provenance.plan_file(run),
    )


def _data_section(run: RunSource) -> DataSection:
    return DataSection(
        name=run.reference.name,
        facts=data_card.data_facts(run),
        classes=data_card.class_table(run),
        sizes=data_card.size_table(run),
        typical=data_card.typical_sizes(run),
        notes=data_card.note_table(run),
        without="" if run.imagery is not None else run.without_imagery or "the imagery is not at hand",
    )


@cache
def _plotly() -> str:
    """The library out of the installed wheel."""
    package = find_spec("plotly")
    assert package is not None
    return (Path(str(package.origin)).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8").strip()


def _policy(*scripts: str) -> str:
    """A content security policy: these scripts alone, styles of the page, pictures in the page, and no request."""
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'none'; "
        "form-action 'none'; base-uri 'none'"
    )


@cache
def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
