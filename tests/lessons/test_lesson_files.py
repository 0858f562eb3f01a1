"""Lesson files: those of the app in both languages, and what is said about broken ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.lessons.model import ChoiceGuess, Lesson, LineGuess
from explorer.lessons.reading import LESSONS, BrokenLesson, languages, lessons, read_lesson
from explorer.lessons.words import WORDS
from explorer.ui.frame import PAGES
from explorer.ui.page_state import STATES

FILES = sorted(LESSONS.glob("*/*.md"))
SLUGS = ["rare-class", "class-weights", "objects", "jaccard-gradient", "focal", "recipe", "landscape"]
TITLES = {Path(file).stem: title for title, (file, _) in PAGES.items()}
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
        links = [(link.page, link.query) for link in step.links]
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


def test_broken_lesson_takes_no_other_with_it(written: Callable[[str], Path]) -> None:
    file = written(WHOLE)
    (file.parent / "broken.md").write_text("nothing", encoding="utf-8")
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
