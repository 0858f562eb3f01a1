"""The glossary: terms with a short explanation in each language, and the pages on which they matter; one YAML file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from explorer.errors import InputError, explain_validation

GLOSSARY = Path(__file__).resolve().parents[2] / "assets" / "glossary.yaml"
Language = Literal["en", "de"]
LANGUAGES: dict[Language, str] = {"en": "English", "de": "Deutsch"}
"""How each language calls itself."""

_Word = Annotated[str, Field(min_length=1, max_length=60)]
_Title = Literal["Learn", "Imagery", "Loss lab", "Train", "Compare", "Trade-offs", "Landscape", "Predict", "Storage"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Explanation(_Model):
    """A term in one language.

    Attributes:
        term: as a heading.
        text: one or a few sentences.
        aliases: other words for it.
    """

    term: _Word
    text: str = Field(min_length=10, max_length=300)
    aliases: tuple[_Word, ...] = ()


class Entry(_Model):
    """A term in all languages.

    Attributes:
        pages: titles of the pages on which it matters.
    """

    pages: tuple[_Title, ...] = Field(min_length=1)
    en: Explanation
    de: Explanation

    def said(self, language: Language) -> Explanation:
        """The term in a language."""
        return self.de if language == "de" else self.en


_ENTRIES = TypeAdapter(dict[str, Entry])


def read_glossary(file: Path = GLOSSARY) -> dict[str, Entry]:
    """All terms by their names in the file, in its order.

    Raises:
        InputError: names the entry and the field at fault.
    """
    try:
        return _ENTRIES.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file.name}, line {mark.line + 1}" if mark is not None else file.name
        raise InputError("not YAML", where, "put texts with a colon or a # in quotation marks") from None
    except ValidationError as error:
        what, where = explain_validation(error)
        raise InputError(what, f"{file.name}, {where or 'the whole file'}", "correct the entry") from None


@cache
def glossary() -> dict[str, Entry]:
    """The project's terms, read once."""
    return read_glossary()


def terms_of(page: str, language: Language) -> list[Explanation]:
    """The terms that matter on a page, in alphabetical order.

    Args:
        page: its title.
        language: of the explanations.
    """
    said = [entry.said(language) for entry in glossary().values() if page in entry.pages]
    return sorted(said, key=lambda each: each.term.casefold())


def explained(name: str) -> str:
    """What a term means, in English, for the help of a widget.

    Raises:
        KeyError: the glossary has no such entry.
    """
    return glossary()[name].en.text
