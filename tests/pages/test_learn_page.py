"""Learn: every step of every lesson, no result before the guess, answers of the class, and a lesson added as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.figures.colours import HIT
from explorer.jobs.job import Answer, Job, perform
from explorer.lessons import reading
from explorer.lessons.model import LineGuess, Link, Step
from explorer.lessons.reading import LESSONS, read_lesson
from explorer.lessons.words import WORDS
from explorer.runs import grids
from explorer.runs.grids import Axis, Cell, Grid, grid_file, save_grid
from explorer.runs.store import Store
from explorer.ui import identity, lesson_step, services
from explorer.ui.classroom import classroom
from tests.pages.conftest import ROOT, VISITOR
from tests.pages.look import address, button, texts

FILES = sorted(LESSONS.glob("*/*.md"))
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ADDED = """---
title: A lesson of a teacher
goal: Taught by one file
minutes: 3
order: 99
---

## Guess

```yaml
experiment: {kind: all_background, losses: [dice], share: 0.02}
guess: {kind: value, ask: "How many percent are right?", measure: accuracy, low: 0, high: 100, step: 1, unit: "%"}
```

Before it.

---

Said afterwards.
"""


class Engine:
    """Does jobs in this process; trains nothing."""

    def __init__(self) -> None:
        self.submitted: list[str] = []

    def ask(self, job: Job[Answer]) -> Answer:
        return perform(job)

    def submit(self, run_id: str) -> None:
        self.submitted.append(run_id)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(autouse=True)
def engine(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Engine]:
    """A server without workers, whose class is not open, and a grid of focal loss."""
    engine = Engine()
    monkeypatch.setattr(identity, "_visitor_id", lambda: VISITOR)
    monkeypatch.setattr(services, "start", lambda: None)
    monkeypatch.setattr(services, "used_elsewhere", lambda: None)
    monkeypatch.setattr(services, "store", lambda: store)
    monkeypatch.setattr(services, "engine", lambda: engine)
    real = grid_file("class_weight").read_bytes()
    monkeypatch.setattr(grids, "GRIDS_FOLDER", tmp_path)
    grid_file("class_weight").write_bytes(real)
    save_grid(focal_grid(), grid_file("focal"))
    grids.load_grid.cache_clear()
    st.cache_resource.clear()
    yield engine
    grids.load_grid.cache_clear()
    st.cache_resource.clear()


def focal_grid() -> Grid:
    """A grid in which the largest learning rate diverges."""
    gammas, rates = (0.0, 1.0, 2.0, 3.0, 5.0), (0.0005, 0.002, 0.005, 0.02, 0.1)
    cells = tuple(
        Cell((gamma, rate), rate == 0.1, 0, 0.8, 0.7, None if rate == 0.1 else 0.75, 0.8, 0.7, 0.1, ((500, 0.8),), ())
        for gamma, rate in product(gammas, rates)
    )
    axes = Axis("gamma", "Focus γ", gammas), Axis("learning_rate", "Learning rate", rates)
    return Grid("focal", "car_park", "focal", 500, 0, None, "IoU > 0.5", axes, cells, "")


@pytest.fixture
def learn() -> Callable[..., AppTest]:
    """Gives the page with these parameters in the address."""

    def opened(**parameters: object) -> AppTest:
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/learn.py")
        for name, value in parameters.items():
            page.query_params[name] = str(value)
        page.run()
        assert not page.exception
        return page

    return opened


def everything(page: AppTest) -> str:
    """All that is sent to the browser but for what was chosen: texts and the contents of components."""
    return texts(page) + " ".join(each.proto.json for each in page.get("bidi_component"))


def fragments(step: Step) -> list[str]:
    """What must not be sent before the guess."""
    found = [line for line in step.after.splitlines() if len(line) > 40]
    return found + ([answer.why for answer in step.question.answers] if step.question is not None else [])


def answer_it(page: AppTest, step: Step, monkeypatch: pytest.MonkeyPatch, words: Any) -> None:
    """Guesses or answers, and takes it."""
    if isinstance(step.guess, LineGuess):
        middle = (step.guess.low + step.guess.high) / 2
        monkeypatch.setattr(lesson_step, "draw_line", lambda guess, words, key: (middle,) * len(guess.x))
        page.run()
    elif page.radio:
        page.radio[0].set_value(page.radio[0].options.index(page.radio[0].options[-1])).run()
    button(page, words.guess if step.guess is not None else words.answer).click().run()
    monkeypatch.setattr(lesson_step, "draw_line", lambda guess, words, key: None)
    assert not page.exception


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_step_works_and_shows_nothing_before_the_guess(
    learn: Callable[..., AppTest], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson, language = read_lesson(file), file.parent.name
    words = WORDS[language]
    page = learn(lesson=lesson.slug, lang=language)
    for number, step in enumerate(lesson.steps):
        assert words.step.format(number + 1, len(lesson.steps)) in [each.proto.text for each in page.get("progress")]
        assert not page.error
        if step.waits:
            sent = everything(page)
            assert not [text for text in fragments(step) if text in sent]
            assert "result" not in " ".join(each.proto.id for each in page.get("bidi_component"))
            answer_it(page, step, monkeypatch, words)
            assert not page.error
            sent = everything(page)
            assert [text for text in fragments(step) if text in sent] == fragments(step)
        if number + 1 < len(lesson.steps):
            button(page, words.next).click().run()
            assert not page.exception
            assert address(page)["step"] == str(number + 2)


def test_cards_show_all_lessons_and_how_far_the_visitor_is(learn: Callable[..., AppTest]) -> None:
    page = learn(lesson="objects", step=2)
    page.button(key="lesson-all").click().run()
    assert "lesson" not in address(page)
    assert "Go on with step 2" in [each.label for each in page.button]
    assert sum(each.label == "Start" for each in page.button) == 6
    page.button(key="open-objects").click().run()
    assert address(page) == {"lesson": "objects", "step": "2"}


def test_last_step_leads_to_the_next_lesson(learn: Callable[..., AppTest]) -> None:
    page = learn(lesson="rare-class", step=5, lang="de")
    page.button(key="lesson-after").click().run()
    assert address(page) == {"lesson": "class-weights", "lang": "de"}


def test_language_is_kept_in_the_address_and_answers_survive_it(learn: Callable[..., AppTest]) -> None:
    page = learn(lesson="rare-class", step=3)
    page.radio[0].set_value(1).run()
    button(page, "This is my guess").click().run()
    page.button_group(key="language-en").set_value("de").run()
    assert address(page)["lang"] == "de"
    assert "**Richtig:** Gewichtete Kreuzentropie" in texts(page)
    page.button_group(key="language-de").set_value("en").run()
    assert "lang" not in address(page)


@pytest.mark.parametrize(("name", "value"), [("lang", "xx"), ("lesson", "none"), ("step", "77")])
def test_unknown_values_of_the_address_are_said(learn: Callable[..., AppTest], name: str, value: str) -> None:
    page = learn(**({"lesson": "objects"} | {name: value}))
    assert f"{value} here" in texts(page)


def test_result_without_a_guess_is_marked_and_can_be_guessed_again(learn: Callable[..., AppTest]) -> None:
    page = learn(lesson="rare-class", step=3)
    button(page, "Show it without a guess").click().run()
    assert "Shown without a guess." in texts(page)
    button(page, "Guess again").click().run()
    assert "This is my guess" in [each.label for each in page.button]


def test_lesson_added_as_one_file_appears_and_works(
    learn: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for language in ("en", "de"):
        (tmp_path / "lessons" / language).mkdir(parents=True)
    (tmp_path / "lessons" / "en" / "from-a-teacher.md").write_text(ADDED, encoding="utf-8")
    (tmp_path / "lessons" / "en" / "broken.md").write_text("---\ntitle: 1\n---\n", encoding="utf-8")
    (tmp_path / "lessons" / "de" / "anders.md").write_text(ADDED.replace("99", "98"), encoding="utf-8")
    monkeypatch.setattr(reading, "LESSONS", tmp_path / "lessons")
    page = learn()
    assert "A lesson of a teacher" in texts(page)
    assert "en/broken\\.md" in page.error[0].value
    page.button(key="open-from-a-teacher").click().run()
    assert "Before it." in texts(page)
    assert "Said afterwards." not in texts(page)
    page.slider[0].set_value(50.0).run()
    button(page, "This is my guess").click().run()
    assert not page.exception
    assert "Said afterwards." in texts(page)
    assert "Your guess is **48 %** away" in texts(page)
    german = learn(lesson="from-a-teacher", lang="de")
    assert WORDS["de"].other_language in [each.value for each in german.info]


def as_visitor(monkeypatch: pytest.MonkeyPatch, visitor_id: str) -> None:
    monkeypatch.setattr(identity, "_visitor_id", lambda: visitor_id)


def test_class_sees_the_distribution_after_its_own_answer_and_never_who(
    learn: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    classroom().open()
    for visitor, option in (("a" * 24, 0), ("b" * 24, 0), ("c" * 24, 2)):
        as_visitor(monkeypatch, visitor)
        page = learn(lesson="objects", step=2)
        assert "What the class said" not in texts(page), "not before the own answer"
        page.radio[0].set_value(option).run()
        button(page, "This is my guess").click().run()
        said = "What the class said (3 answers)" in texts(page)
        assert said == (visitor == "c" * 24), "from three answers on"
    figure = next(each.proto for each in page.get("bidi_component") if "lesson-objects-1-class" in each.proto.id)
    assert '"x":[2,0,1,0]' in sent_figure(figure)
    store.visitors.visitor(VISITOR)
    store.visitors.make_teacher(VISITOR, services.teacher_token(), services.teacher_token())
    as_visitor(monkeypatch, VISITOR)
    teacher = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/class.py").run()
    assert not teacher.exception
    assert "What the class said (3 answers)" in texts(teacher)
    right = "Only a loss with a nonlinear term"
    shown = next(each.proto for each in teacher.get("bidi_component") if "class-objects-1-class" in each.proto.id)
    assert '"x":[2,0,1,0]' in sent_figure(shown)
    assert HIT not in sent_figure(shown), "no option is marked as the right one"
    assert right not in " ".join(each.value for each in teacher.success)
    assert not any(visitor in sent_figure(shown) for visitor in ("a" * 24, "b" * 24, "c" * 24))
    teacher.toggle(key="class-objects-1-with-result").set_value(True).run()
    assert not teacher.exception
    shown = next(each.proto for each in teacher.get("bidi_component") if "class-objects-1-class" in each.proto.id)
    assert HIT in sent_figure(shown)
    assert right in " ".join(each.value for each in teacher.success)


def teachers_page(monkeypatch: pytest.MonkeyPatch, store: Store) -> AppTest:
    """Class, as the teacher sees it."""
    store.visitors.visitor(VISITOR)
    store.visitors.make_teacher(VISITOR, services.teacher_token(), services.teacher_token())
    as_visitor(monkeypatch, VISITOR)
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/class.py").run()
    assert not page.exception
    return page


def test_numbers_of_the_class_are_shown_without_the_result(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    classroom().open()
    for visitor, given in (("a" * 24, 10.0), ("b" * 24, 20.0), ("c" * 24, 30.0)):
        store.lesson_answers.keep(visitor, "landscape", 2, given, LONG_AGO)
        store.lesson_answers.keep(visitor, "focal", 1, (0.1, 0.2, 0.3, 0.4, 0.5), LONG_AGO)
    page = teachers_page(monkeypatch, store)
    for lesson, number, result in (("landscape", 2, "result: "), ("focal", 1, '"name":"result"')):
        page.selectbox(key="class-lesson").set_value(lesson).run()
        key = f"class-{lesson}-{number}"
        sent = [sent_figure(each.proto) for each in page.get("bidi_component") if f"{key}-result" in each.proto.id]
        assert "class, median" in sent[0]
        assert result not in sent[0]
        page.toggle(key=f"{key}-with-result").set_value(True).run()
        sent = [sent_figure(each.proto) for each in page.get("bidi_component") if f"{key}-result" in each.proto.id]
        assert result in sent[0]


def test_guess_after_the_result_was_seen_is_none_of_the_class(
    learn: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    as_visitor(monkeypatch, "e" * 24)
    classroom().open()
    before = store.lesson_answers.of_lesson("rare-class", LONG_AGO)
    page = learn(lesson="rare-class", step=3)
    button(page, "Show it without a guess").click().run()
    for again in (page, learn(lesson="rare-class", step=3)):  # in the same session, and in a new one
        if again is page:
            button(again, "Guess again").click().run()
        again.radio[0].set_value(1).run()
        button(again, "This is my guess").click().run()
        assert not again.exception
        assert store.lesson_answers.of_lesson("rare-class", LONG_AGO) == before


def test_class_lists_a_lesson_that_is_not_in_english(
    monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path
) -> None:
    for language, name in (("en", "from-a-teacher"), ("de", "anders")):
        (tmp_path / "lessons" / language).mkdir(parents=True)
        (tmp_path / "lessons" / language / f"{name}.md").write_text(ADDED, encoding="utf-8")
    monkeypatch.setattr(reading, "LESSONS", tmp_path / "lessons")
    for visitor in ("a" * 24, "b" * 24, "c" * 24):
        store.lesson_answers.keep(visitor, "anders", 0, 50.0, LONG_AGO)
    page = teachers_page(monkeypatch, store)
    assert "A lesson of a teacher (visitors: 3)" in page.selectbox(key="class-lesson").options
    assert "Was die Klasse gesagt hat (3 Antworten)" in texts(page)


def figure_of(page: AppTest, key: str) -> str:
    (found,) = (sent_figure(each.proto) for each in page.get("bidi_component") if key in each.proto.id)
    return found


def test_table_shows_the_rows_that_were_asked(learn: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    for step, filled in ((2, 1), (3, 2), (4, 5)):
        page = learn(lesson="focal", step=step)
        if step < 4:
            monkeypatch.setattr(lesson_step, "draw_line", lambda guess, words, key: (0.5,) * len(guess.x))
            page.run()
        button(page, "This is my guess").click().run()
        (trace,) = json.loads(figure_of(page, f"lesson-focal-{step - 1}-table"))["data"]
        assert sum(any(row) for row in trace["text"]) == filled
        assert sum(any(value is not None for value in row) for row in trace["z"]) == filled
        assert f"F1 of {5 * filled} finished runs" in texts(page)


def test_numbers_and_titles_of_a_german_lesson_are_german(
    learn: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = learn(lesson="focal", step=5, lang="de")
    figure = figure_of(page, "lesson-focal-4-table")
    for said in ("Fokus", "Lernrate", '"0,75"', '"0,0005"', '"separators":", "'):
        assert said in figure
    assert "0.75" not in texts(page)
    assert "| 0,80 | 0,70 | 0,75 |" in texts(page)
    assert "Pixel bei Schwelle ½, Validierungsszenen." in texts(page)
    page = learn(lesson="class-weights", step=2, lang="de")
    monkeypatch.setattr(lesson_step, "draw_line", lambda guess, words, key: (0.5,) * len(guess.x))
    button(page.run(), "Das ist mein Tipp").click().run()
    assert "Gewicht der Objekte" in figure_of(page, "lesson-class-weights-1-grid")
    assert "Weight of the objects" not in figure_of(page, "lesson-class-weights-1-grid")


def test_no_worker_is_needed_to_ask(learn: Callable[..., AppTest], engine: Engine) -> None:
    st.cache_data.clear()
    engine.ask = None  # type: ignore[assignment, method-assign]
    for lesson in ("rare-class", "jaccard-gradient"):
        assert "This is my guess" in [each.label for each in learn(lesson=lesson, step=2).button]


PATHS = "experiment: {kind: run_paths, runs: [car_park-ce]}"
PLANES = "experiment: {kind: slices, run: car_park-recipe, planes: [random], fields: [magic]}"


@pytest.mark.parametrize(
    ("experiment", "guess", "fault", "remedy"),
    [
        (PATHS, "kind: line, measure: recall, x: [1, 2, 3], x_title: x, y_title: y", "no validation at step 1", "105"),
        (PLANES, "kind: value, measure: lowest, step: 1", "the slices have no field magic", "jaccard"),
    ],
)
def test_guess_without_a_result_is_not_asked(
    learn: Callable[..., AppTest],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    experiment: str,
    guess: str,
    fault: str,
    remedy: str,
) -> None:
    (tmp_path / "lessons" / "en").mkdir(parents=True)
    before, after = ADDED.split("experiment:")[0], ADDED[ADDED.index("```\n\nBefore it.") :]
    text = f'{before}{experiment}\nguess: {{{guess}, ask: "How much?", low: 0, high: 100}}\n{after}'
    (tmp_path / "lessons" / "en" / "steps.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(reading, "LESSONS", tmp_path / "lessons")
    page = learn(lesson="steps")
    assert fault in page.error[0].value
    assert remedy in page.error[0].value
    assert "This is my guess" not in [each.label for each in page.button]


def sent_figure(proto: Any) -> str:
    """The figure that a component draws, as JSON without blanks."""
    text = proto.json or proto.bytes.decode()
    return json.dumps(json.loads(text)["figure"], separators=(",", ":"))


def test_no_answer_is_kept_without_a_class(
    learn: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    as_visitor(monkeypatch, "d" * 24)
    before = store.lesson_answers.of_lesson("landscape", LONG_AGO)
    page = learn(lesson="landscape", step=3)
    button(page, "This is my guess").click().run()
    assert store.lesson_answers.of_lesson("landscape", LONG_AGO) == before


def test_painted_misses_are_compared(learn: Callable[..., AppTest]) -> None:
    page = learn(lesson="objects", step=4)
    assert "Paint at least one missed pixel" in page.info[0].value
    button(page, "1 pixel of each").click().run()
    assert not page.exception
    assert "Pixels missed: **50**, objects touched: **50**, objects found: **50 of 50**" in texts(page)
    button(page, "50 pixels of one").click().run()
    assert "Pixels missed: **50**, objects touched: **1**, objects found: **49 of 50**" in texts(page)


def test_cell_of_a_grid_is_trained_as_its_finished_run_was(
    learn: Callable[..., AppTest], engine: Engine, store: Store
) -> None:
    page = learn(lesson="focal", step=5)
    page.select_slider(key="lesson-focal-4-gamma").set_value(3.0).run()
    button(page, "Train this cell").click().run()
    assert not page.exception
    (run_id,) = engine.submitted
    plan = store.run(run_id).plan
    (phase,) = plan.phases
    assert (phase.loss.kind, phase.loss.gamma, phase.learning_rate, phase.steps) == ("focal", 3.0, 0.005, 500)
    assert plan.seed == 0
    (link,) = (each.proto for each in page.get("page_link") if "Take this plan" in each.proto.label)
    key = parse_qs(link.query_string)["plan"][0]
    linked = store.linked_plans.read(key)
    assert linked is not None
    assert linked.phases == plan.phases
    assert parse_qs(link.query_string)["preset"] == ["focal"]


def test_links_to_train_carry_the_plans_of_the_runs_of_the_lesson(learn: Callable[..., AppTest], store: Store) -> None:
    for lesson, step, expected in (("focal", 7, [2.0, 0.0]), ("class-weights", 6, [(1.0, 5.0)])):
        queries = [parse_qs(each.proto.query_string) for each in learn(lesson=lesson, step=step).get("page_link")]
        plans = [store.linked_plans.read(query["plan"][0]) for query in queries if "plan" in query]
        losses = [plan.phases[0].loss for plan in plans if plan is not None]
        assert [loss.gamma if loss.kind == "focal" else loss.class_weights for loss in losses] == expected


ENGLISH = [read_lesson(file) for file in FILES if file.parent.name == "en"]
LAB_LINKS = [link for lesson in ENGLISH for step in lesson.steps for link in step.links
             if link.page == "loss_lab" and "losses" in link.query]  # fmt: skip


@pytest.mark.parametrize("link", LAB_LINKS, ids=lambda link: link.query["view"])
def test_links_to_the_loss_lab_set_what_the_lesson_used(link: Link) -> None:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/loss_lab.py")
    for name, value in link.query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    for name in ("share", "field", "background", "confidence"):
        if name in link.query:
            assert page.select_slider(key=name).format_func(page.select_slider(key=name).value) == link.query[name]
    for name in ("of_one", "of_many"):
        if name in link.query:
            assert page.slider(key=name).value == int(link.query[name])
