"""What others found, on Home: four pictures of the finished runs, each of which opens its page with everything set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from explorer.ui.page_state import LandscapeState, PageState, TradeoffsState

_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "home"


@dataclass(frozen=True)
class Found:
    """One picture."""

    file: str  # in assets/home
    alt: str  # what it shows, for whoever cannot see it
    sentence: str  # what it shows
    page: str  # file of the page
    link: str
    parameters: dict[str, str | list[str]]  # of the page's address


def _of(file: str, alt: str, sentence: str, page: str, link: str, state: PageState) -> Found:
    return Found(file, alt, sentence, page, link, state.parameters())


FOUND = (
    _of(
        "path.svg",
        "recall and precision of the recipe and of cross-entropy while they train",
        "**The recipe** finds nearly all cars first and then drops false alarms; plain cross-entropy of equal budget "
        "does not get there on this car park.",
        "pages/tradeoffs.py",
        "Compare them at every threshold",
        TradeoffsState(runs="car_park-recipe,car_park-ce"),
    ),
    _of(
        "landscape.svg",
        "two losses over one random plane of weights",
        "**One checkpoint, two losses** over the same random plane of weights, dark where each is low. Click a point "
        "there to see what it predicts.",
        "pages/landscape.py",
        "Look at the landscape",
        LandscapeState(run="car_park-recipe"),
    ),
    _of(
        "cars.png",
        "hits, misses and false alarms of two runs on one scene",
        "**Found and missed cars:** blue hits, orange misses, purple false alarms. Left the recipe, right "
        "cross-entropy, each at its own threshold.",
        "pages/tradeoffs.py",
        "See every object",
        TradeoffsState(runs="car_park-recipe,car_park-ce", scope="object"),
    ),
    Found(
        "grid.svg",
        "recall of focal loss by its focusing and its learning rate",
        "**Focal loss** by its focusing γ and its learning rate: 25 short runs. Six find nothing at this threshold, "
        "one of them without focusing (γ = 0).",
        "pages/learn.py",
        "Find out why",
        {"lesson": "focal"},
    ),
)


def show_found() -> None:
    """The pictures, two in a row."""
    for row in range(0, len(FOUND), 2):
        with st.container(key=f"stacks-found-{row}"):
            columns = st.columns(2)
        for column, found in zip(columns, FOUND[row : row + 2], strict=True):
            with column.container(border=True, height="stretch", key=f"tile-found-{found.file}"):
                st.image(_FOLDER / found.file, width="stretch", alt=found.alt)
                st.markdown(found.sentence)
                st.page_link(
                    found.page, label=found.link, icon=":material/arrow_forward:", query_params=found.parameters
                )
