"""The report's file: its numbers are those of the run, names stay text, and nothing in it may ask the network."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.imagery.match_rule import MatchRule
from explorer.report import page as page_module
from explorer.report.curves import compared_figures
from explorer.report.page import problem_html, report_html
from explorer.report.provenance import difference_table
from explorer.report.results import compared_table, result_table, scene_table
from explorer.report.source import RunSource, read_run, with_shared_class
from explorer.report.tradeoffs import threshold_blocks
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.training.events import Intervened, Validation
from explorer.training.plan import Intervention, Plan, Trigger
from tests.report.reported import HOSTILE, hostile_dataset, reported, trained_folder
from tests.runs.tiny import tiny_dataset, tiny_plan

MADE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Parts(HTMLParser):
    """Elements with their attributes, scripts, and the text beside them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(page.decode())
        self.close()
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.words.append(data)


@pytest.fixture(scope="module")
def parts(run: RunSource) -> Parts:
    return Parts(report_html([run], MADE))


def test_numbers_are_those_of_the_summary(run: RunSource, parts: Parts) -> None:
    assert run.summary is not None
    table = result_table(run)
    assert table is not None
    own, pixels, half, _ = table.rows
    scores = run.summary["validation"]["classes"]["1"]
    assert own[1] == f"own ({run.summary['threshold']['1']:.3f})"
    assert own[7:] == tuple(
        str(scores["object"][name]) for name in ("true_positives", "false_negatives", "false_positives")
    )
    assert pixels[3:6] == tuple(f"{scores['pixel'][name]:.3f}" for name in ("recall", "precision", "f1"))
    assert half[3] == f"{run.summary['validation_half']['classes']['1']['object']['recall']:.3f}"
    assert " ".join(pixels[3:7]) in parts.text


def test_slider_looks_up_the_counts_of_the_sweep(run: RunSource) -> None:
    assert run.sweep is not None
    (block,) = threshold_blocks([run])
    counts = block.table["runs"][0]
    curve = run.sweep.of_class(1).curve("object", run.reference.minimum_area)
    assert counts["object"]["found"] == curve.true_positives.tolist()
    assert counts["own"] == run.threshold(1)
    pixels = run.sweep.of_class(1).pixel
    at = block.table["thresholds"].index(0.5)
    assert counts["pixel"]["false"][at] == pixels.false_positives[pixels.at(0.5)]


def test_counts_of_the_slider_say_how_objects_are_cut_out(run: RunSource) -> None:
    assert run.own is not None
    (block,) = threshold_blocks([run])
    assert "predictions are taken as they are" in block.about or "px are left out" in block.about
    cut = replace(run, own=replace(run.own, classes=(replace(run.own.classes[0], split=True, smallest=33),)))
    (block,) = threshold_blocks([cut])
    assert "predictions that touch are split, and objects below 33 px are left out" in block.about
    assert block.about in Parts(report_html([cut], MADE)).text


def test_names_stay_text(run: RunSource, parts: Parts) -> None:
    assert HOSTILE in parts.text
    assert len(parts.scripts) == 4, "figures, Plotly, the page's own, and the table of the slider"
    assert not [tag for tag, _ in parts.elements if tag == "b"]
    assert not any("<script>" in script for script in (parts.scripts[0], parts.scripts[1]))
    figures = json.loads(next(script for script in parts.scripts if script.startswith('{"ink"')))
    assert "<b>" not in json.dumps(figures), "Plotly would read it as markup"


def test_policy_allows_the_two_scripts_and_nothing_else(parts: Parts) -> None:
    metas = [attributes for tag, attributes in parts.elements if tag == "meta"]
    policy = next(each["content"] for each in metas if each.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "img-src data: blob:;" in policy, "Plotly saves a figure through a blob: address"
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    code = [script for script in parts.scripts if not script.startswith("{")]
    assert allowed == [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in code]
    loaded = [
        value
        for tag, attributes in parts.elements
        for name, value in attributes.items()
        if name in ("src", "href") and tag != "a"
    ]
    assert all((value or "").startswith("data:") for value in loaded)


def test_what_repeats_the_run_is_in_the_page(run: RunSource, parts: Parts) -> None:
    links = [attributes for tag, attributes in parts.elements if tag == "a" and "download" in attributes]
    content = base64.b64decode((links[0]["href"] or "").partition(",")[2])
    assert Plan.model_validate_json(content) == run.repeatable
    assert hashlib.sha256(content).hexdigest() in parts.text
    assert run.checkpoint is not None
    assert hashlib.sha256(run.checkpoint.read_bytes()).hexdigest() in parts.text
    assert run.reference.id in parts.text
    assert "python -m explorer train --images DIR --masks DIR" in parts.text
    assert run.summary is not None
    assert run.summary["versions"]["torch"] in parts.text


def test_what_is_not_known_has_a_reason(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", tiny_plan(5), DatasetReference.to(tiny_dataset()))
    source = read_run(folder, "new", without_imagery="no images were given", without_sweep="it has no checkpoint yet")
    text = Parts(report_html([source], MADE)).text
    for expected in (
        "n/a: the run has not ended",
        "new: n/a, it has no checkpoint yet.",
        "n/a: the run has made no step.",
        "n/a: no slice of this run has been measured.",
        "Shares and objects: n/a, no images were given.",
        "Licence and origin of the images n/a",
    ):
        assert expected in text


def test_a_rule_that_counts_pixels(tmp_path: Path) -> None:
    dataset = hostile_dataset(MatchRule.parse("tolerance:2"))
    run = reported(trained_folder(tmp_path / "run", dataset, steps=10), dataset)
    (block,) = threshold_blocks([run])
    assert block.counted == "pixels"
    assert "near" in block.table["runs"][0]["object"]
    assert "pixels within 2 px" in Parts(report_html([run], MADE)).text


def test_several_runs_are_told_apart(run: RunSource, tmp_path: Path) -> None:
    dataset = hostile_dataset()
    other = reported(trained_folder(tmp_path / "other", dataset, steps=12, seed=1), dataset, "second")
    page = report_html([replace(run, label="first"), other], MADE)
    text = Parts(page).text
    assert "2 runs compared" in text
    assert "Seed 0 1" in text, "the seeds differ"
    assert "Batch size 2 2" not in text, "what is equal is no difference"
    assert [row[0] for row in compared_table((run, other)).rows if len(row) == 1] == [HOSTILE, "second"]
    (block,) = threshold_blocks([run, other])
    assert len(block.table["runs"]) == 2, "they are measured on the same scenes"


def test_runs_differ_in_what_a_trigger_waits_for_and_in_changes_by_hand(run: RunSource) -> None:
    first, patient = (
        run.plan.phases[0].model_copy(update={"trigger": Trigger(patience=patience)}) for patience in (1, 3)
    )
    plans = [run.plan.model_copy(update={"phases": (phase,)}) for phase in (first, patient)]
    one, other = (replace(run, label=name, plan=plan) for name, plan in zip("ab", plans, strict=True))
    assert [row[0] for row in difference_table([one, other]).rows] == ["Phase 1: Until"]
    steered = replace(run, label="b", events=(*run.events, Intervened(9, Intervention(step=9, learning_rate=0.5))))
    ((name, before, after),) = difference_table([replace(run, label="a"), steered]).rows
    assert (name, before, after) == ("Changes made while it trained", "–", "step 9: learning rate 0.5")


def test_runs_that_validated_on_other_parts_say_so(run: RunSource) -> None:
    halved = [replace(each, pixels=each.pixels // 2) if isinstance(each, Validation) else each for each in run.events]
    other = replace(run, label="second", events=tuple(halved))
    assert all("different parts" in each.caption for each in compared_figures([run, other])[:2])
    assert not any("different parts" in each.caption for each in compared_figures([run, replace(run, label="second")]))


def test_runs_on_other_labels_share_no_curves(run: RunSource, tmp_path: Path) -> None:
    dataset = tiny_dataset()
    other = reported(trained_folder(tmp_path / "other", dataset, steps=4), dataset, "second")
    assert len(threshold_blocks([run, other])) == 2
    shown = compared_figures([run, other])
    assert [len({trace.name for trace in each.figure.data}) for each in shown] == [1] * 6, "no figure has both"
    assert f"on {run.reference.name}" in shown[2].caption
    assert "on tiny" in shown[5].caption
    assert "different datasets: their numbers do not compare" in Parts(report_html([run, other], MADE)).text


def test_runs_on_one_dataset_show_the_same_class_first(run: RunSource) -> None:
    rare = replace(run, main_class=2)
    without = replace(run, label="second", sweep=None)
    assert [each.main_class for each in with_shared_class([without, rare])] == [2, 2]
    elsewhere = replace(without, reference=run.reference.model_copy(update={"id": "other"}))
    assert [each.main_class for each in with_shared_class([rare, elsewhere])] == [2, 1]


def test_too_large_a_report_is_refused(run: RunSource, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(report_html([run], MADE)) < 10_000_000
    monkeypatch.setattr(page_module, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="MB"):
        report_html([run], MADE)


def test_many_scenes_are_left_out_and_counted(run: RunSource) -> None:
    summary = copy.deepcopy(dict(run.summary or {}))
    scores = next(iter(summary["scenes"].values()))
    summary["scenes"] = {f"scene {number}": scores for number in range(1000)}
    table = scene_table(replace(run, summary=summary))
    assert table is not None
    assert len(table.rows) == 200
    assert table.remark == "The first 200 of 1,000 rows; 800 are left out."
    assert table.remark in Parts(report_html([replace(run, summary=summary)], MADE)).text


def test_a_problem_is_a_page_that_escapes_names() -> None:
    page = problem_html(InputError("is not shared", HOSTILE, "ask"))
    assert b"<script>" not in page
    assert HOSTILE in Parts(page).text
