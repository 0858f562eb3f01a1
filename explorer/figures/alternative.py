"""What a figure shows in words, for those who do not see it: what over what, in which panels, with which curves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_KINDS = {
    "scatter": "Curves", "scattergl": "Curves", "bar": "Bars", "heatmap": "Map", "contour": "Contours",
    "surface": "Surfaces", "scatter3d": "Surfaces", "image": "Picture",
}  # fmt: skip
_MOST = 12  # names; a longer list helps nobody who hears it
_TAG = re.compile(r"<[^>]*>")


def alternative(content: dict[str, Any]) -> str:
    """The text alternative of a figure, from its kinds of traces, titles of axes, panels and names of traces.

    Args:
        content: a figure as a dictionary, with ``data`` and ``layout``.

    Returns:
        One or more sentences, each with a full stop.
    """
    layout = content["layout"]
    traces = content["data"]
    types = (trace.get("type", "scatter") for trace in traces)
    named = list(dict.fromkeys(_KINDS[each] for each in types if each in _KINDS))
    if layout.get("images"):
        named = ["Picture", *(kind for kind in named if kind != "Picture")]
    kinds = " and ".join([*named[:1], *(kind.lower() for kind in named[1:])]) or "Figure"
    axes = {side: _titles(layout, side) for side in "yx"}
    over = " over ".join(", ".join(axes[side]) for side in "yx" if axes[side])
    sentences = [f"{kinds}: {over}" if over else kinds]
    panels = _unique(each.get("text") for each in layout.get("annotations", ()) if each.get("xref") == "paper")
    if panels:
        sentences.append(f"Panels: {_listed(panels)}")
    curves = _unique(trace.get("name") for trace in traces)
    if curves:
        sentences.append(f"Shown: {_listed(curves)}")
    return "".join(f"{sentence}. " for sentence in sentences).strip()


def _titles(layout: dict[str, Any], side: str) -> list[str]:
    """Titles of all axes of this letter, those of 3D scenes among them."""
    scenes = [value for name, value in layout.items() if name.startswith("scene")]
    axes = [value for name, value in layout.items() if name.startswith(f"{side}axis")]
    axes += [scene[f"{side}axis"] for scene in scenes if f"{side}axis" in scene]
    return _unique(_text(axis.get("title")) for axis in axes)


def _text(title: Any) -> str | None:
    """Plotly takes a title as a string, or as a dictionary with its text."""
    text = title.get("text") if isinstance(title, dict) else title
    return text if isinstance(text, str) else None


def _unique(texts: Iterable[object]) -> list[str]:
    plain = (_TAG.sub(" ", text).strip() for text in texts if isinstance(text, str))
    return list(dict.fromkeys(" ".join(text.split()) for text in plain if text))


def _listed(names: list[str]) -> str:
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    return "; ".join([*names[:_MOST], *more])
