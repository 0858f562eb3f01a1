"""What a lesson consists of: steps with text, an experiment, a guess, a question, and links to other pages."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from explorer.lessons.experiments import Experiment
from explorer.runs.grids import GridName, load_grid

Line = Annotated[str, Field(min_length=1, max_length=300)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ChoiceGuess(_Model):
    """One of several options."""

    kind: Literal["choice"]
    ask: Line
    options: tuple[Line, ...] = Field(min_length=2, max_length=8)
    right: int = Field(ge=1, description="number of the option that the result shows to be right, from 1")

    @model_validator(mode="after")
    def _right_is_an_option(self) -> ChoiceGuess:
        if self.right > len(self.options):
            raise ValueError(f"right is {self.right}, but there are {len(self.options)} options")
        return self


class _Range(_Model):
    measure: str = Field(description="of the experiment: what the guess is compared with")
    low: float
    high: float
    unit: str = Field("", max_length=12)

    @model_validator(mode="after")
    def _low_below_high(self) -> _Range:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low:g}) must be below high ({self.high:g})")
        return self


class ValueGuess(_Range):
    """A number, by a slider."""

    kind: Literal["value"]
    ask: Line
    step: float = Field(gt=0)

    @model_validator(mode="after")
    def _step_fits(self) -> ValueGuess:
        if self.step > self.high - self.low:
            raise ValueError(f"step ({self.step:g}) must be at most high − low ({self.high - self.low:g})")
        return self


class LineGuess(_Range):
    """A line over given values of x, drawn with the pointer or set by keys."""

    kind: Literal["line"]
    ask: Line
    x: tuple[float, ...] = Field(min_length=3, max_length=12)
    x_title: Line
    y_title: Line
    x_unit: str = Field("", max_length=12)


Guess = Annotated[ChoiceGuess | ValueGuess | LineGuess, Field(discriminator="kind")]


class Answer(_Model):
    """One answer to a question, and what is said about it afterwards."""

    text: Line
    why: str = Field(min_length=1, max_length=800)
    right: bool = False


class Question(_Model):
    """A question with answers, of which exactly one is right."""

    ask: Line
    answers: tuple[Answer, ...] = Field(min_length=2, max_length=6)

    @model_validator(mode="after")
    def _one_is_right(self) -> Question:
        if sum(answer.right for answer in self.answers) != 1:
            raise ValueError("exactly one answer must have right: true")
        return self


class GridCell(_Model):
    """A run of a grid."""

    grid: GridName
    values: tuple[float, ...] = Field(description="of the grid's axes, in their order")

    @model_validator(mode="after")
    def _is_there(self) -> GridCell:
        load_grid(self.grid).cell(*self.values)
        return self


class Link(_Model):
    """A link to another page with everything set."""

    page: Literal["imagery", "loss_lab", "train", "compare", "tradeoffs", "landscape"]
    label: Line
    query: dict[str, str] = Field(default_factory=dict, description="what the page shows, as its address has it")
    cell: GridCell | None = Field(None, description="whose plan Train takes")

    @model_validator(mode="after")
    def _train_takes_plans(self) -> Link:
        if self.cell is not None and self.page != "train":
            raise ValueError(f"the page {self.page} takes no plan, so leave out cell, or name the page train")
        return self

    @field_validator("query", mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        """Numbers and lists as the addresses of pages have them: lists of losses are JSON there."""
        if not isinstance(given, dict):
            return given
        try:
            return {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
        except TypeError as error:  # a date, for example
            raise ValueError(f"{error}; put the value in quotation marks") from None


class Step(_Model):
    """One step of a lesson; it has a guess, a question, or neither."""

    title: Line
    text: str = Field(description="Markdown, shown at once")
    after: str = Field("", description="Markdown, shown with the result of a guess or the answers of a question")
    experiment: Experiment | None = None
    guess: Guess | None = None
    question: Question | None = None
    links: tuple[Link, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether something is shown only after the visitor's guess or answer."""
        return self.guess is not None or self.question is not None

    @model_validator(mode="after")
    def _parts_fit(self) -> Step:
        if self.guess is not None and self.question is not None:
            raise ValueError("a step has a guess or a question, not both")
        if isinstance(self.guess, ValueGuess | LineGuess):
            self._require_measured(self.guess)
        if self.after and not self.waits:
            raise ValueError("text after a line --- needs a guess or a question before it")
        return self

    def _require_measured(self, guess: ValueGuess | LineGuess) -> None:
        """Refuses a guess that could not be compared with a result."""
        experiment, is_line = self.experiment, isinstance(guess, LineGuess)
        measures = () if experiment is None else experiment.lines if is_line else experiment.numbers
        if guess.measure not in measures:
            raise ValueError(
                f"guess.measure is {guess.measure!r}; for a guess of kind {guess.kind}, the experiment measures "
                + (", ".join(measures) or "nothing")
            )
        if experiment is not None and isinstance(guess, LineGuess):
            experiment.require_x(guess.x)


class Lesson(_Model):
    """A lesson in one language."""

    slug: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="its file's name, and its name in addresses")
    language: str = Field(pattern=r"^[a-z]{2}$")
    title: Line
    goal: Line
    minutes: int = Field(ge=1, le=60)
    order: int
    steps: tuple[Step, ...] = Field(min_length=1, max_length=12)
