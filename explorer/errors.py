"""The error that means "the input is wrong, not the program"."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be used.

    Pages show it next to the widget; the command line prints it in one line and exits with code 2.

    Args:
        what: what is wrong ("the mask is 64×64, its image 128×128").
        where: the file, field or scene ("harbour.png", "phases[1].learning_rate").
        remedy: what the user can do ("save both at the same size").
    """

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(what, where, remedy)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} — {self.remedy}" if self.remedy else text
