"""A list of links that is shown one after another, in large type: the demo that comes with the app, or a visitor's own.

``assets/demo.yaml`` is a list; each entry has ``say``, a sentence that stands above the picture, ``page``, the page's
name as its address has it ("" for Home), ``query``, what the page shows, and ``whole``, whether the page is shown with
its controls instead of its picture alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from explorer.errors import InputError, explain_validation
from explorer.runs.saved_links import SavedLink

DEMO = Path(__file__).resolve().parents[2] / "assets" / "demo.yaml"


class Slide(BaseModel):
    """One link of a presentation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    say: str = Field(min_length=1, max_length=200)
    page: str
    query: Mapping[str, str | tuple[str, ...]] = {}
    whole: bool = False

    @property
    def address(self) -> str:
        """Of the page with what it shows, relative to the server's root."""
        return f"{self.page}?{urlencode(self.query, doseq=True)}" if self.query else self.page


_SLIDES = TypeAdapter(tuple[Slide, ...])


def read_slides(file: Path = DEMO) -> tuple[Slide, ...]:
    """The links in a file, in order.

    Raises:
        InputError: it cannot be read, or an entry is wrong; names the field.
    """
    try:
        return _SLIDES.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"cannot be read ({error})", file.name, "correct the file") from None
    except ValidationError as error:
        what, where = explain_validation(error)
        raise InputError(what, f"{file.name}, {where}", "correct the entry") from None


def saved_slides(links: Iterable[SavedLink]) -> tuple[Slide, ...]:
    """The links of a visitor's list, in order."""
    return tuple(
        Slide(
            say=link.say,
            page=link.page,
            query={name: tuple(values) for name, values in parse_qs(link.query).items()},
            whole=link.whole,
        )
        for link in links
    )
