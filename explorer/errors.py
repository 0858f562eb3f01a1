"""The error that means "the input is wrong, not the program"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.texts import LONGEST_SENTENCE, plain

if TYPE_CHECKING:
    from pydantic import ValidationError


class InputError(ValueError):
    """Input that cannot be used.

    Pages show it next to the widget; the command line prints it in one line and exits with code 2. Texts of visitors
    may stand in it: see :func:`explorer.texts.plain`.

    Args:
        what: what is wrong ("the mask is 64×64, its image 128×128").
        where: the file, field or scene ("harbour.png", "phases[1].learning_rate").
        remedy: what the user can do ("save both at the same size").
    """

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = (plain(text, LONGEST_SENTENCE) for text in (what, where, remedy))
        super().__init__(self.what, self.where, self.remedy)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} — {self.remedy}" if self.remedy else text


def explain_validation(error: ValidationError) -> tuple[str, str]:
    """The first fault that pydantic found, as ``what`` and ``where`` of an :class:`InputError`.

    Returns:
        What is wrong and the field at fault, for example ``phases[1].learning_rate``; the field is empty if the fault
        is not in a single field. Tags of unions begin with ``kind=`` and are left out: they are no fields.
    """
    first = error.errors()[0]
    where = ""
    for part in first["loc"]:
        if str(part).startswith("kind="):
            continue
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else part
    return first["msg"].removeprefix("Value error, "), where
