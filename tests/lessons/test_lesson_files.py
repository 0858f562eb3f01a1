"""Lesson files: those of the app in both languages, and what is said about broken ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.lessons.experiments import (
    AllBackground,
    Experiment,
    GridLine,
    GridRun,
    GridTable,
    PaintedMisses,
    RunPaths,
    Slices,
)
from explorer.lessons.model import ChoiceGuess, Lesson, LineGuess, Step, ValueGuess
from explorer.lessons.reading import LESSONS, BrokenLesson, languages, lessons, read_lesson
from explorer.lessons.words import WORDS
from explorer.ui.frame import PAGES
from explorer.ui.page_state import STATES

FILES = sorted(LESSONS.glob("*/*.md"))
SLUGS = ["rare-class", "class-weights", "objects", "jaccard-gradient", "focal", "recipe", "landscape"]
TITLES = {Path(file).stem: title for title, (file, _) in PAGES.items()}
GUESS = 'guess: {kind: choice, ask: "More?", options: ["yes", "no"], right: 2}'
WHOLE = """---
title: A lesson
goal: A goal
minutes: 5
order: 9
---

## First

```yaml
experiment: {kind: all_background, share: 0.01}
guess: {kind: choice, ask: "More?", options: ["yes", "no"], right: 2}
```

Before.

---

After.

## Second

```yaml
question:
  ask: Why?
  answers:
    - {text: This, why: Because., right: true}
    - {text: That, why: No.}
links:
  - {page: loss_lab, label: Go, query: {losses: [{kind: dice}], share: 0.01}}
```

```yaml
## no heading, inside a fence
```
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "en" / "a-lesson.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


def shape(lesson: Lesson) -> list[object]:
    """What must not differ between languages: everything but texts."""
    found: list[object] = []
    for step in lesson.steps:
        guess = step.guess
        numbers = (
            (guess.right, len(guess.options))
            if isinstance(guess, ChoiceGuess)
            else guess.model_dump(exclude={"ask", "x_title", "y_title"})
            if guess is not None
            else None
        )
        answers = [answer.right for answer in step.question.answers] if step.question is not None else None
        links = [(link.page, link.query, link.cell) for link in step.links]
        found.append((step.experiment, numbers, answers, links, bool(step.after)))
    return found


def test_seven_lessons_in_two_languages_in_their_order() -> None:
    assert languages() == ("en", "de")
    for language in languages():
        found = lessons(language)
        assert [each.slug for each in found] == SLUGS
        assert all(isinstance(each, Lesson) for each in found)
        assert language in WORDS


@pytest.mark.parametrize("slug", SLUGS)
def test_translation_has_the_same_experiments_guesses_and_answers(slug: str) -> None:
    english, german = (read_lesson(LESSONS / language / f"{slug}.md") for language in ("en", "de"))
    assert shape(english) == shape(german)
    assert english.title != german.title
    assert (english.minutes, english.order) == (german.minutes, german.order)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_lesson_asks_before_it_shows_and_leads_on(file: Path) -> None:
    lesson = read_lesson(file)
    assert sum(step.guess is not None for step in lesson.steps) >= 2
    assert sum(step.question is not None for step in lesson.steps) == 1
    assert len(lesson.steps[-1].links) >= 2


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_links_name_nothing_that_their_page_does_not_know(file: Path) -> None:
    for step in read_lesson(file).steps:
        for link in step.links:
            state = STATES[TITLES[link.page]]
            _, problems = state.read({name: [value] for name, value in link.query.items()})
            assert problems == {}
            assert set(link.query) <= {each.name for each in state.names()}


def test_steps_are_read_with_their_parts(written: Callable[[str], Path]) -> None:
    lesson = read_lesson(written(WHOLE))
    first, second = lesson.steps
    assert (lesson.slug, lesson.language) == ("a-lesson", "en")
    assert (first.text, first.after) == ("Before.", "After.")
    assert isinstance(first.guess, ChoiceGuess)
    assert second.question is not None
    assert second.links[0].query == {"losses": '[{"kind": "dice"}]', "share": "0.01"}
    assert "## no heading" in second.text


@pytest.mark.parametrize(
    ("before", "after", "where", "what"),
    [
        ("---\ntitle", "title", "en/a-lesson.md, line 1", "has no front matter"),
        ("minutes: 5\n", "", "field minutes", "Field required"),
        ("minutes: 5", "minutes: many", "field minutes", "valid integer"),
        ("order: 9", "order: [", "en/a-lesson.md, line 5", "not YAML"),
        ("right: 2", "right: 3", "field steps[0].guess", "there are 2 options (step 1, \"First\")"),
        ("kind: all_background", "kind: magic", "field steps[0].experiment", "magic"),
        ("share: 0.01}", "share: 7}", "field steps[0].experiment", "less than or equal to 0.5"),
        ("right: true", "right: false", "field steps[1].question", "exactly one answer"),
        ("page: loss_lab", "page: nowhere", "field steps[1].links", "Input should be"),
        ("links:", "lnks:", "en/a-lesson.md, line 29", "no field of a step"),
        ("## First", "Text\n\n## First", "en/a-lesson.md, line 8", "text before the first step"),
        ("kind: choice, ask: \"More?\", options: [\"yes\", \"no\"], right: 2",
         "kind: value, ask: \"How?\", measure: speed, low: 0, high: 1, step: 0.1",
         "field steps[0]", "the experiment measures accuracy, loss"),
        ("order: 9", "order: 9\nmade: 2024-02-30", "en/a-lesson.md, line", "day is out of range"),
        ("experiment: {kind: all_background, share: 0.01}\nguess: {", "{experiment: {kind: all_background}, gess: {",
         "en/a-lesson.md, line", "not YAML"),
        ("experiment: {kind: all_background, share: 0.01}\n" + GUESS, "{experiment: {kind: all_background}, gess: 1}",
         "en/a-lesson.md, line 11", "'gess' is no field of a step"),
        ("experiment: {kind: all_background, share: 0.01}\n" + GUESS, "  experiment: {kind: all_background}\n  gess: 1",
         "en/a-lesson.md, line 12", "'gess' is no field of a step"),
        ("share: 0.01}}", "share: 0.01}, cell: {grid: focal, values: [2, 0.005]}}", "field steps[1].links[0]",
         "takes no plan"),
        ("page: loss_lab, label: Go,", "page: train, label: Go, cell: {grid: focal, values: [2, 3]},",
         "field steps[1].links[0].cell", "choose among Focus γ: 0, 1, 2, 3, 5"),
        ("share: 0.01}}", "run: 2024-02-03}}", "field steps[1].links[0].query", "quotation marks"),
    ],
)  # fmt: skip
def test_broken_lesson_names_the_place_and_the_fault(
    written: Callable[[str], Path], before: str, after: str, where: str, what: str
) -> None:
    assert before in WHOLE
    with pytest.raises(InputError) as problem:
        read_lesson(written(WHOLE.replace(before, after, 1)))
    assert where in problem.value.where
    assert what in problem.value.what
    assert problem.value.remedy


LINE = "kind: line, ask: Draw, x_title: a, y_title: b, low: 0, high: 1"


@pytest.mark.parametrize(
    ("experiment", "guess", "what"),
    [
        ("kind: grid_table, grid: focal, rows: [0]", "kind: value, ask: Guess, measure: row, low: 0, high: 1, step: 1",
         "for a guess of kind value, the experiment measures good_cells"),
        ("kind: grid_table, grid: focal", f"{LINE}, measure: good_cells, x: [0.002, 0.005, 0.02]", "measures row"),
        ("kind: grid_table, grid: focal", f"{LINE}, measure: row, x: [0.002, 0.005, 0.02]", "needs rows"),
        ("kind: grid_table, grid: focal, rows: [4]", f"{LINE}, measure: row, x: [0.002, 0.005, 0.02]", "take 0, 1, 2"),
        ("kind: grid_table, grid: focal, rows: [0]", f"{LINE}, measure: row, x: [0.002, 0.005, 7]", "take 0.0005"),
        ("kind: grid_table, grid: class_weight", GUESS[8:-1], "has 1 axes"),
        ("kind: grid_run, grid: class_weight", GUESS[8:-1], "has 1 axes"),
        ("kind: grid_curves, grid: focal", GUESS[8:-1], "has 2 axes"),
        ("kind: grid_line, grid: focal", GUESS[8:-1], "has 2 axes"),
        ("kind: grid_line, grid: class_weight", f"{LINE}, measure: recall, x: [1, 2, 3]", "take 1, 2, 5"),
        ("kind: grid_line, grid: class_weight", "kind: value, ask: Guess, measure: f1, low: 0, high: 1, step: 0.1",
         "measures nothing"),
        ("kind: slices, run: a, planes: [random], fields: [dice]", f"{LINE}, measure: unit, x: [1, 2, 3]",
         "measures nothing"),
        ("kind: all_background", f"{LINE}, measure: loss, x: [2, 1, 0]", "from 0.1 to 50"),
        ("kind: miss_gradient, losses: [jaccard]", f"{LINE}, measure: jaccard_to_ce, x: [-2, -1, 0]",
         "from -9 to -0.5"),
        ("kind: miss_gradient, losses: [jaccard], probability: 0.5", GUESS[8:-1], "less than or equal to 0.31"),
        ("kind: all_background", "kind: value, ask: Guess, measure: loss, low: 0, high: 1, step: 2", "must be at most"),
        ("kind: all_background", "kind: value, ask: Guess, measure: loss, low: 0, high: .inf, step: 2", "finite"),
    ],
)  # fmt: skip
def test_guess_that_could_not_be_compared_is_refused(
    written: Callable[[str], Path], experiment: str, guess: str, what: str
) -> None:
    text = WHOLE.replace("kind: all_background, share: 0.01", experiment, 1).replace(GUESS, f"guess: {{{guess}}}")
    with pytest.raises(InputError) as problem:
        read_lesson(written(text))
    assert what in problem.value.what
    assert '(step 1, "First")' in problem.value.what
    assert "steps[0]" in problem.value.where
    assert problem.value.remedy


def test_byte_order_mark_is_no_part_of_the_front_matter(written: Callable[[str], Path]) -> None:
    file = written(WHOLE)
    file.write_text(WHOLE, encoding="utf-8-sig")
    assert read_lesson(file).title == "A lesson"


def draws(shown: Experiment, asked: Step) -> bool:
    """Whether an experiment shows what a later step asks about its own one."""
    later, guess = asked.experiment, asked.guess
    if isinstance(later, GridTable) and isinstance(shown, GridRun):
        return shown.grid == later.grid
    if type(shown) is not type(later):
        return False
    if isinstance(shown, AllBackground) and isinstance(later, AllBackground):
        return shown.compares != "accuracy" and shown.compares == later.compares
    if isinstance(shown, GridLine) and isinstance(later, GridLine):
        measure = guess.measure if isinstance(guess, LineGuess) else later.shows[-1]
        return shown.grid == later.grid and measure in shown.shows
    if isinstance(shown, GridTable) and isinstance(later, GridTable):
        whole = shown.rows is None
        return shown.grid == later.grid and (whole or set((later.rows or ())[-1:]) & set(shown.rows or ()) != set())
    if isinstance(shown, RunPaths) and isinstance(later, RunPaths):
        return shown.scope == later.scope and set(later.runs) <= set(shown.runs)
    if isinstance(shown, Slices) and isinstance(later, Slices):
        if isinstance(guess, ValueGuess) and guess.measure == "unit":
            return shown.lengths
        return later.planes[-1] in shown.planes and later.fields[0] in shown.fields
    return shown == later


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_no_step_shows_what_a_later_one_asks(file: Path) -> None:
    steps = read_lesson(file).steps
    for number, asked in enumerate(steps):
        if asked.guess is None:
            continue
        for before in steps[:number]:
            assert before.experiment is None or not draws(before.experiment, asked), (before.title, asked.title)
            assert not isinstance(before.experiment, PaintedMisses), "whoever paints can try out what is asked"


def test_broken_lesson_takes_no_other_with_it(written: Callable[[str], Path]) -> None:
    file = written(WHOLE)
    (file.parent / "broken.md").symlink_to(file.parent / "gone.md")
    whole, broken = lessons("en", file.parents[1])
    assert isinstance(whole, Lesson)
    assert isinstance(broken, BrokenLesson)
    assert broken.slug == "broken"


def test_changed_file_is_read_again(written: Callable[[str], Path]) -> None:
    file = written(WHOLE)
    lessons("en", file.parents[1])
    file.write_text(WHOLE.replace("A lesson", "Another title"), encoding="utf-8")
    (changed,) = lessons("en", file.parents[1])
    assert isinstance(changed, Lesson)
    assert changed.title == "Another title"


def test_line_has_a_range(written: Callable[[str], Path]) -> None:
    line = "kind: line, ask: Draw, measure: loss, x: [20, 10, 5], x_title: a, y_title: b, low: 100, high: 0"
    text = WHOLE.replace('kind: choice, ask: "More?", options: ["yes", "no"], right: 2', line)
    with pytest.raises(InputError, match="must be below high"):
        read_lesson(written(text))
    lesson = read_lesson(written(text.replace("low: 100, high: 0", "low: 0, high: 100")))
    assert isinstance(lesson.steps[0].guess, LineGuess)
