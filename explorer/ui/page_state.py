"""What each page shows, as one typed object that goes to the address and back.

A page's widgets keep their values in the address under the names of the fields below (``bind="query-params"``, or
``explorer.ui.address``). ``frame`` reads the address as the page's state before any widget does: what a field cannot
hold is taken out of the address, and said. Links to a page are made from its state (``address_of``), so that a lesson,
a picture on Home or a teacher's list names nothing that the page does not know.

Fields are left out of the address where they have their default, None: the page then decides, for example on the
run's own threshold. What belongs to the session and not to the picture (locks, a token, the language) is no state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Id = Annotated[str, Field(min_length=1)]  # the page says if there is no such thing
Word = Annotated[str, Field(min_length=1)]  # one of the options of a widget, which the page checks
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]


Rule = Word  # as MatchRule.parse reads it
Ids = Annotated[str, Field(min_length=1)]  # separated by commas
Objects = Word  # as ObjectSet.parse reads it

Camera = Annotated[str, Field(pattern=r"^(-?\d+(\.\d+)?)(,-?\d+(\.\d+)?){8}$", max_length=120)]
"""Eye, centre and up of a 3D scene, in Plotly's units."""


def _name_in_address(field: str) -> str:
    return field.rstrip("_").replace("_", "-")


def _widget(alias: str | None = None) -> Any:
    """A field that a widget of this key keeps in the address; the page itself keeps the others there."""
    return Field(None, alias=alias, json_schema_extra={"widget": True})


class PageState(BaseModel):
    """The state of one page. A dash in the address is an underscore here."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=_name_in_address, validate_by_name=True, validate_by_alias=True
    )
    title: ClassVar[str]  # of the page, see ``explorer.ui.frame.PAGES``

    def parameters(self) -> dict[str, str | list[str]]:
        """What the address holds: fields that are not None, by their name there."""
        given = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {
            name: [str(each) for each in value] if isinstance(value, list) else _text(value)
            for name, value in given.items()
        }

    @classmethod
    def read(cls, parameters: Mapping[str, Sequence[str]]) -> tuple[Self, dict[str, str]]:
        """The state that an address names.

        Args:
            parameters: all values of each parameter; those that are no field of the page are left out.

        Returns:
            The state without the fields that cannot be read, and what is wrong with these, by their name there.
        """
        names = {each.name: each for each in cls.names()}
        given: dict[str, object] = {
            name: tuple(values) if names[name].several else values[-1]
            for name, values in parameters.items()
            if name in names and values and values[-1] != ""
        }
        problems: dict[str, str] = {}
        while True:
            try:
                return cls.model_validate(given), problems
            except ValidationError as error:
                for each in error.errors():
                    problems[str(each["loc"][0])] = each["msg"].removeprefix("Value error, ")
                given = {name: value for name, value in given.items() if name not in problems}

    @classmethod
    def names(cls) -> tuple[Name, ...]:
        """The fields as the address has them."""
        return tuple(
            Name(
                str(field.alias),
                several="tuple" in str(field.annotation),
                widget=isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("widget")),
            )
            for field in cls.model_fields.values()
        )


@dataclass(frozen=True)
class Name:
    """A field of a page's state as the address has it."""

    name: str
    several: bool  # it may be there more than once
    widget: bool  # a widget of this key keeps it there


def _text(value: object) -> str:
    return (
        str(value).lower() if isinstance(value, bool) else f"{value:.12g}" if isinstance(value, float) else str(value)
    )


class ImageryState(PageState):
    """Which imagery is shown, and how."""

    title = "Imagery"
    source: Word | None = _widget()
    builtin: Id | None = None
    saved: Id | None = None  # id of a saved dataset
    upload: Id | None = None
    scene: Word | None = None
    scene_view: Word | None = _widget()
    opacity: Share | None = _widget()


class LossLabState(PageState):
    """Which losses are compared, with which settings, in which view."""

    title = "Loss lab"
    view: Word | None = _widget()
    losses: Annotated[str, Field(max_length=8000)] | None = None  # JSON of their specs
    lab_card: Word | None = _widget()  # whose settings are shown
    share: Word | None = _widget()
    field: Word | None = _widget()
    of_one: Count | None = _widget("of_one")
    of_many: Count | None = _widget("of_many")
    background: Word | None = _widget()
    confidence: Word | None = _widget()
    numbers: bool | None = _widget()
    run: Id | None = None
    checkpoint: Word | None = _widget()  # its step
    class_: Word | None = _widget()
    crop: Word | None = None
    pixel: Word | None = None  # row and column


class TrainState(PageState):
    """Which run is watched; or which plan is edited, for which dataset."""

    title = "Train"
    run: Id | None = None
    dataset: Id | None = None
    preset: Id | None = None
    plan: Id | None = None  # short id of an edited plan
    training_time: Word | None = _widget()
    training_steps: Annotated[int, Field(ge=10, le=1_000_000)] | None = _widget()
    class_: Word | None = _widget()
    objects: Objects | None = None
    object: Word | None = None  # that is shown large


class TradeoffsState(PageState):
    """Which runs are compared, and at which threshold, rule and cost."""

    title = "Trade-offs"
    runs: Ids | None = None
    checkpoint: Word | None = _widget()  # its step
    class_: Word | None = _widget()
    scope: Word | None = _widget()
    match: Rule | None = None
    min_area: Annotated[int, Field(ge=1, le=10_000_000)] | None = _widget()
    split: bool | None = _widget()
    threshold: Annotated[float, Field(ge=0.02, le=0.98)] | None = _widget()
    miss_cost: Annotated[float, Field(ge=0.1, le=100)] | None = _widget()
    scene: Word | None = _widget()
    objects: Objects | None = None
    object: Word | None = None


class CompareState(PageState):
    """Which runs are side by side, and in which view."""

    title = "Compare"
    runs: Ids | None = None
    show: Word | None = _widget()
    on: Word | None = _widget()  # dataset, where the runs are on several
    class_: Word | None = _widget()
    over: Word | None = _widget()
    smoothing: Annotated[int, Field(ge=0, le=20)] | None = _widget()
    log_losses: bool | None = _widget()
    bands: bool | None = _widget()
    equal_settings: bool | None = _widget()
    match: Rule | None = None
    validation_crop: Word | None = _widget()
    first: Word | None = _widget()
    second: Word | None = _widget()
    set: Word | None = None  # of objects
    objects: Objects | None = None
    object: Word | None = None


class LearnState(PageState):
    """Which step of which lesson."""

    title = "Learn"
    lesson: Id | None = None
    step: Annotated[int, Field(ge=1, le=100)] | None = None


class LandscapeState(PageState):
    """Which slice of which run is shown, and how."""

    title = "Landscape"
    run: Id | None = None
    follow: bool | None = _widget()
    plane: Word | None = _widget()
    line: bool | None = _widget()
    centre: Word | None = _widget()  # step of the checkpoint
    plane_seed: Count | None = _widget()
    plane_normalisation: Word | None = _widget()
    plane_layers: tuple[Word, ...] | None = _widget()
    plane_losses_0: Word | None = _widget()
    plane_losses_1: Word | None = _widget()
    plane_ends: Word | None = _widget()
    through_0: Word | None = _widget()  # steps of the checkpoints that span the plane
    through_1: Word | None = _widget()
    through_2: Word | None = _widget()
    extent: Annotated[float, Field(ge=0.05, le=3)] | None = _widget()
    resolution: Annotated[int, Field(ge=11, le=61)] | None = _widget()
    tolerance: Annotated[float, Field(ge=0.002, le=0.05)] | None = _widget()
    budget: Annotated[int, Field(ge=50, le=3721)] | None = _widget()
    object_metrics: bool | None = _widget()
    fields_: tuple[Word, ...] | None = _widget()
    slice_view: Word | None = _widget()
    logarithmic: bool | None = _widget()
    point: Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?,-?\d+(\.\d+)?$", max_length=40)] | None = None  # alpha, beta
    crop: Count | None = _widget()
    camera: Camera | None = None


class PredictState(PageState):
    """Which run predicts what. Settings that belong to one image are kept beside these in the address."""

    title = "Predict"
    run: Id | None = None
    checkpoint: Word | None = _widget()  # its step
    from_: Word | None = _widget()  # where the image comes from
    images: Id | None = None  # an upload
    data: Id | None = None  # the dataset whose scene it is
    image: Word | None = None
    prediction: Word | None = None
    drawn: Word | None = _widget()


STATES: Mapping[str, type[PageState]] = {
    state.title: state
    for state in (
        LearnState,
        ImageryState,
        LossLabState,
        TrainState,
        CompareState,
        TradeoffsState,
        LandscapeState,
        PredictState,
    )
}
"""By the page's title; other pages show nothing that a link would name."""


def address_of(state: PageState, page: str) -> str:
    """The address of a page that shows a state, relative to the server's root.

    >>> address_of(TradeoffsState(runs="car_park-ce", threshold=0.3), "tradeoffs")
    'tradeoffs?runs=car_park-ce&threshold=0.3'

    Args:
        page: name of the page as the address has it.
    """
    query = urlencode(state.parameters(), doseq=True)
    return f"{page}?{query}" if query else page
