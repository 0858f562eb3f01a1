"""What a setting of a plane kind can be: a number, a choice, layers, losses or checkpoints. No torch.

Each checks its values and reads and writes them as the command line does; ``explorer.ui.slice_request`` has one widget
for each class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.losses.registry import LOSSES

RESERVED = frozenset(
    [
        "kind",
        "line",
        "settings",
        "run_folder",
        "checkpoint",
        "plane",
        "extent",
        "resolution",
        "tolerance",
        "budget",
        "exhaustive",
        "fields",
        "objects",
        "device",
        "out",
        "run",
        "help",
    ]
)
"""Names in a ``PlaneSpec`` or on the command line that mean something else than a setting."""


@dataclass(frozen=True, kw_only=True)
class Setting(ABC):
    """One setting of a plane kind."""

    name: str  # key in a PlaneSpec and keyword of the builder
    label: str  # as shown on the page
    help: str  # one phrase, for the page and the command line
    metavar: str  # stands for its value in the command line's help
    default: Any
    advanced: bool = False  # shown on the page among the settings that few visitors change

    def __post_init__(self) -> None:
        if self.name in RESERVED or not self.name.isidentifier():
            raise ValueError(f"a setting of a plane cannot be named {self.name!r}: choose another name")

    @property
    def option(self) -> str:
        """Its option on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @abstractmethod
    def check(self, value: object, line: bool) -> Any:
        """The value in the type that the builder receives.

        Args:
            value: from a constructor, JSON or ``parse``.
            line: whether the plane is to be a line.

        Raises:
            ValueError: it is of another type or out of range.
        """

    def parse(self, text: str) -> object:
        """The value of an argument of the command line, still to be checked.

        Raises:
            ValueError: the text is no such value.
        """
        return text

    def text(self, value: Any) -> str:
        """The argument that ``parse`` reads as this value."""
        return str(value)


@dataclass(frozen=True, kw_only=True)
class Number(Setting):
    """A number in a closed range; an integer if its default is one.

    >>> seed = Number(name="seed", label="Seed", help="of the draw", default=0, low=0, high=9, step=1)
    >>> seed.check(seed.parse("7"), line=False), seed.text(7), seed.option
    (7, '7', '--seed')
    >>> seed.check(10, line=False)
    Traceback (most recent call last):
    ValueError: seed must lie between 0 and 9, not 10
    """

    default: float
    low: float
    high: float
    step: float
    metavar: str = "N"

    @property
    def is_integer(self) -> bool:
        """Whether values are integers."""
        return isinstance(self.default, int)

    def check(self, value: object, line: bool) -> float:
        """An int or a float, within the range."""
        if isinstance(value, bool) or not isinstance(value, int if self.is_integer else (int, float)):
            raise ValueError(self._wrong_type(value))
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.name} must lie between {self.low:g} and {self.high:g}, not {value:g}")
        return value if self.is_integer else float(value)

    def parse(self, text: str) -> float:
        """An int or a float."""
        try:
            return int(text) if self.is_integer else float(text)
        except ValueError:
            raise ValueError(self._wrong_type(text)) from None

    def _wrong_type(self, value: object) -> str:
        return f"{self.name} must be {'an integer' if self.is_integer else 'a number'}, not {value!r}"


@dataclass(frozen=True, kw_only=True)
class Choice(Setting):
    """One of several words.

    >>> norm = Choice(name="norm", label="", help="", metavar="NORM", default="l1", choices={"l1": "L1", "l2": "L2"})
    >>> norm.check("l3", line=False)
    Traceback (most recent call last):
    ValueError: norm must be l1 or l2, not 'l3'
    """

    default: str
    choices: Mapping[str, str]  # word: title on the page

    def check(self, value: object, line: bool) -> str:
        """One of the words."""
        if not isinstance(value, str) or value not in self.choices:
            raise ValueError(f"{self.name} must be {' or '.join(self.choices)}, not {value!r}")
        return value


@dataclass(frozen=True, kw_only=True)
class _Names(Setting):
    """Several names, which a comma separates on the command line."""

    default: tuple[str, ...] = ()

    def check(self, value: object, line: bool) -> tuple[str, ...]:
        """A tuple of strings."""
        if not isinstance(value, tuple | list) or not all(isinstance(name, str) for name in value):
            raise ValueError(f"{self.name} must be a list of names, not {value!r}")
        return tuple(value)

    def parse(self, text: str) -> tuple[str, ...]:
        """The names between commas."""
        return tuple(text.split(","))

    def text(self, value: tuple[str, ...]) -> str:
        """The names with commas between them."""
        return ",".join(value)


@dataclass(frozen=True, kw_only=True)
class Layers(_Names):
    """Layers by the beginning of their parameters' names; none: all layers. The builder knows which ones exist."""

    metavar: str = "NAME,NAME"
    suggestions: tuple[str, ...]  # offered on the page


@dataclass(frozen=True, kw_only=True)
class Losses(_Names):
    """Two losses of the registry. A kind with one label uses the first alone; one name on the command line is both.

    >>> losses = Losses(name="losses", label="Losses", help="", labels=("Loss",), default=("dice", "jaccard"))
    >>> losses.parse("focal")
    ('focal', 'focal')
    """

    metavar: str = "A,B"
    labels: tuple[str, ...]  # of the widgets

    @property
    def kinds(self) -> tuple[str, ...]:
        """Losses that can be chosen. A combined one is a sum of these: a slice has no field for it."""
        return tuple(kind for kind in LOSSES if kind != "combined")

    def check(self, value: object, line: bool) -> tuple[str, ...]:
        """Two of the losses."""
        names = super().check(value, line)
        for name in names:
            if name not in self.kinds:
                raise ValueError(f"there is no loss {name!r} to choose; there are {', '.join(self.kinds)}")
        if len(names) != 2:
            raise ValueError(f"{self.name} needs 2 of them, got {len(names)}")
        return names

    def parse(self, text: str) -> tuple[str, ...]:
        """The names between commas; one name stands for both."""
        names = super().parse(text)
        return names * 2 if len(names) == 1 else names


@dataclass(frozen=True, kw_only=True)
class Checkpoints(_Names):
    """Three checkpoints that span a plane, or two that span a line: ``step_….safetensors`` or ``RUN/step_…``."""

    metavar: str = "A,B,C"

    def count(self, line: bool) -> int:
        """How many are needed."""
        return 2 if line else 3

    def check(self, value: object, line: bool) -> tuple[str, ...]:
        """As many names as are needed."""
        names = super().check(value, line)
        if len(names) != self.count(line):
            raise ValueError(f"{self.name} needs {self.count(line)} of them, got {len(names)}")
        return names
