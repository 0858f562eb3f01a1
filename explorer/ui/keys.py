"""The keys of the keyboard: what each does on which page. The list that ``?`` opens and the script that presses the
buttons take them from here.

Streamlit's own ``shortcut`` of a button becomes part of its name, so that it is not used: names stay what is said of
them, and the narrow buttons of a run keep their width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from explorer.ui.browser_script import script

UNDO, REDO, COPY_LINK, SAVE_LINK = "Alt+Z", "Alt+Y", "Alt+L", "Alt+S"
"""Pressed by ``page_tools.js``, whose buttons they are."""
NUMBERED = "1…9"
"""The key of buttons of which there are several: 1 presses the first of them."""
LIST = "?"


@dataclass(frozen=True)
class Key:
    """A key and the button that it presses.

    Attributes:
        key: a letter or a digit, or ``NUMBERED``.
        what: what happens, in a phrase.
        pages: titles of the pages that have it.
        widgets: keys of the buttons, ``*`` for any text; the first one that can be pressed is.
    """

    key: str
    what: str
    pages: tuple[str, ...]
    widgets: tuple[str, ...]


_TOOLED = ("Learn", "Imagery", "Loss lab", "Train", "Compare", "Trade-offs", "Landscape", "Predict", "Storage", "Class")

KEYS = (
    Key("H", "The terms of this page", _TOOLED, ("terms",)),
    Key(NUMBERED, "Train on an example", ("Home",), ("train-*",)),
    Key(NUMBERED, "Open a lesson", ("Learn",), ("open-*",)),
    Key("N", "Next step, next lesson", ("Learn",), ("lesson-next", "lesson-after")),
    Key("B", "Step before", ("Learn",), ("lesson-back",)),
    Key("A", "Give the guess or the answer", ("Learn",), ("lesson-*-take",)),
    Key("S", "Show the result without it", ("Learn",), ("lesson-*-skip",)),
    Key("Z", "Guess or answer again", ("Learn",), ("lesson-*-again",)),
    Key("L", "All lessons", ("Learn",), ("lesson-all",)),
    Key(NUMBERED, "Show a built-in dataset", ("Imagery",), ("card-*",)),
    Key("U", "Use this dataset", ("Imagery",), ("use-dataset",)),
    Key("A", "Use the drawn area", ("Imagery",), ("use-area",)),
    Key("Z", "Remove the area", ("Imagery",), ("remove-area",)),
    Key("X", "Close the details of a point or pixel", ("Loss lab",), ("close-point", "close-pixel")),
    Key("P", "Play, pause, resume", ("Train",), ("play", "play-*", "pause-*")),
    Key("1", "One step, while paused", ("Train",), ("one-*",)),
    Key("0", "Ten steps, while paused", ("Train",), ("ten-*",)),
    Key("X", "Stop", ("Train", "Landscape", "Trade-offs", "Predict"), ("stop-*",)),
    Key("W", "Play with controls", ("Train",), ("play-controls",)),
    Key("E", "Play with the recipe", ("Train",), ("play-recipe",)),
    Key("N", "New run", ("Train",), ("new-run",)),
    Key("O", "Carry on from here, after the end", ("Train",), ("carry-on-*",)),
    Key("D", "Prepare or download the report", ("Train", "Trade-offs"), ("report-*-prepare", "report-*-download")),
    Key("U", "Use the newest checkpoints", ("Trade-offs",), ("use-newest-checkpoints",)),
    Key("S", "Download all numbers", ("Trade-offs",), ("download-tradeoffs",)),
    Key("M", "Measure the slice", ("Landscape",), ("measure",)),
    Key("K", "Measure the curvature", ("Landscape",), ("measure-curvature",)),
    Key("F", "Follow the training, or not", ("Landscape",), ("follow",)),
    Key("P", "Predict, or show the prediction", ("Predict",), ("predict-now",)),
    Key("S", "Share what is ticked, or stop sharing", ("Storage",), ("storage-share",)),
    Key("E", "Rename it", ("Storage",), ("storage-rename",)),
    Key("T", "Tag it", ("Storage",), ("storage-tag",)),
    Key("A", "Archive it, or list it again", ("Storage",), ("storage-archive",)),
    Key("D", "Delete it", ("Storage",), ("storage-delete",)),
    Key("Z", "Take the last change back", ("Storage",), ("change-undo",)),
    Key("P", "Send the preset", ("Class",), ("send-preset",)),
    Key("S", "Send to the page", ("Class",), ("send-page",)),
    Key("D", "Collect the results", ("Class",), ("collect",)),
)
"""In the order of the list; no page has two of one key."""

GO = {
    "Home": "H",
    "Learn": "L",
    "Imagery": "I",
    "Loss lab": "B",
    "Train": "T",
    "Compare": "C",
    "Trade-offs": "O",
    "Landscape": "A",
    "Predict": "P",
    "Storage": "S",
    "Class": "K",
}
"""The letter that follows G, by the title of the page that is opened."""

_BUTTON = '<button type="button" class="keys" aria-haspopup="dialog">Keys <kbd>?</kbd></button>'
_STYLE = """
.keys {
  font: inherit; font-size: 0.875rem; color: var(--st-text-color); background: none; cursor: pointer;
  border: 0; border-radius: var(--st-base-radius); padding: 0.25rem 0;
}
.keys:hover { color: var(--st-primary-color); }
.keys:focus-visible { outline: 2px solid var(--st-primary-color); }
kbd { font: inherit; border: 1px solid var(--st-border-color); border-radius: 0.25rem; padding: 0 0.35rem; }
"""


def keys_of(title: str) -> list[Key]:
    """The keys of a page's own buttons, in the order of the list."""
    return [key for key in KEYS if title in key.pages]


def show_keys(title: str, files: Mapping[str, str]) -> None:
    """The button that opens the list of keys, and the script that listens to them.

    Args:
        title: of the page.
        files: of the pages that can be opened, by title.
    """
    own = keys_of(title)
    pages = {name: "" if file == "app.py" else Path(file).stem for name, file in files.items()}
    everywhere = [
        (LIST, "This list"),
        (f"{UNDO}, {REDO}", "Undo, redo"),
        (COPY_LINK, "Copy a link to the page"),
        (SAVE_LINK, "Save a link to the page"),
    ]
    lists = [
        ("On this page", [(each.key, each.what) for each in own]),
        ("On every page", everywhere if title != "Home" else everywhere[:1]),
        ("Go to", [(f"G, then {GO[name]}", name) for name in pages]),
    ]
    component = st.components.v2.component("keys", html=_BUTTON, css=_STYLE, js=script("keys.js"))
    component(
        key="keys",
        data={
            "buttons": [{"key": each.key, "widgets": each.widgets} for each in own],
            "pages": {GO[name]: path for name, path in pages.items()},
            "lists": [{"title": heading, "rows": rows} for heading, rows in lists if rows],
        },
    )
