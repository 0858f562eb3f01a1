"""How long a text may be that comes from a visitor or out of a file, and how it is made safe to keep and to show."""

from __future__ import annotations

LONGEST_NAME = 200
"""Characters of the name of a class, a band or a property that a file gives; of a dataset, whoever names it."""

LONGEST_FILE_NAME = 255
"""Characters of the name of a file, with its folders."""

LONGEST_SENTENCE = 2000
"""Characters of a note or a message, in which names of files and classes may stand."""


def plain(text: str, longest: int) -> str:
    """A text that can be kept and sent: without lone surrogates, which UTF-8 lacks, and with an end.

    >>> plain("a" * 10, 5)
    'aaaa…'
    >>> plain("\\ud800!", 5)
    '?!'

    Args:
        text: of a visitor, or of a file.
        longest: characters that are kept; the last is "…" where there are more.
    """
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return text.encode("utf-8", "replace").decode("utf-8")
