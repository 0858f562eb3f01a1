"""Widgets that choose a slice: kind of plane, its settings, extent, resolution and tolerance."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from pydantic import ValidationError

from explorer.errors import InputError, explain_validation
from explorer.landscape.plane_kinds import PLANE_KINDS
from explorer.landscape.plane_settings import Checkpoints, Choice, Layers, Losses, Number, Setting
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.registry import LOSSES
from explorer.ui import address
from explorer.ui.pickers import step_of


def pick_slice(run_id: str, checkpoints: Sequence[str]) -> SliceRequest:
    """Widgets for every part of a slice request; those of the plane come from ``PLANE_KINDS``.

    The centre is at first the last checkpoint. It stays when others arrive, and with it the slice that is shown: the
    keys of widgets with checkpoints name the run, not how many there are.

    Args:
        run_id: of the run.
        checkpoints: names of the run's checkpoints, oldest first.

    Raises:
        InputError: the settings do not go together.
    """
    titles = {each: kind.title for each, kind in PLANE_KINDS.items()}
    address.named("plane", "plane", titles.values(), next(iter(titles.values())))
    key = st.selectbox("Plane", list(titles), format_func=titles.__getitem__, key="plane", bind="query-params")
    kind = PLANE_KINDS[key]
    st.caption(kind.shows)
    line = kind.can_be_line and st.toggle("One dimension (a line)", key="line", bind="query-params")
    plane: dict[str, object] = {"kind": key, "line": line}
    for setting in kind.settings:
        if not setting.advanced:
            plane[setting.name] = _setting(setting, run_id, checkpoints, line)
    centre: str = st.session_state.setdefault(f"centre-at-first-{run_id}", checkpoints[-1])
    if centre not in checkpoints:  # a run that goes back drops checkpoints
        centre = checkpoints[-1]
    if kind.centred and len(checkpoints) > 1:
        centre = _pick_step("Centre: checkpoint at step", checkpoints, centre, key="centre")
    with st.expander("Extent, resolution and more"):
        for setting in kind.settings:
            if setting.advanced:
                plane[setting.name] = _setting(setting, run_id, checkpoints, line)
        rest = {
            "extent": st.slider(
                "Extent", 0.05, 3.0, 1.0, 0.05, key="extent", bind="query-params",
                help="How far the slice reaches from its middle to each side, in lengths of the directions.",
            ),
            "resolution": st.select_slider("Points per side", (11, 21, 31, 41, 61), 41, key="resolution",
                                           bind="query-params"),
            "tolerance": st.select_slider(
                "Tolerance (share of the range)", (0.002, 0.005, 0.01, 0.02, 0.05), 0.01, key="tolerance",
                bind="query-params",
                help="Points are measured until the error at 95 % of the points is expected to be below this, and "
                "nowhere above four times this. Points that were predicted before they were measured tell.",
            ),
            "budget": st.slider("Maximum points", 50, 3721, 1681, 1, key="budget", bind="query-params"),
            "objects": st.checkbox("Include object metrics (slower)", key="object-metrics",
                                   bind="query-params"),
        }  # fmt: skip
    try:
        return SliceRequest.model_validate(rest | {"plane": plane, "checkpoint": centre})
    except ValidationError as error:
        raise InputError(*explain_validation(error), "choose other settings") from None


def _setting(setting: Setting, run_id: str, checkpoints: Sequence[str], line: bool) -> object:
    """The widget of one setting of a plane."""
    key = f"plane-{setting.name}"
    match setting:
        case Number() if setting.is_integer:
            low, high, start, step = (int(each) for each in (setting.low, setting.high, setting.default, setting.step))
            return st.number_input(
                setting.label, low, high, start, step, key=key, help=_sentence(setting), bind="query-params"
            )
        case Number():
            return st.slider(
                setting.label, float(setting.low), float(setting.high), setting.default, float(setting.step),
                key=key, help=_sentence(setting), bind="query-params",
            )  # fmt: skip
        case Choice():
            words = list(setting.choices)
            return st.selectbox(
                setting.label, words, words.index(setting.default), lambda word: setting.choices[word],
                key=key, help=_sentence(setting), bind="query-params",
            )  # fmt: skip
        case Layers():
            return tuple(
                st.multiselect(
                    setting.label, setting.suggestions, key=key, help=_sentence(setting), bind="query-params"
                )
            )
        case Losses():
            return _losses(setting, key)
        case Checkpoints():
            return _checkpoints(setting, run_id, checkpoints, line)
    raise TypeError(f"no widget for {type(setting).__name__}")


def _losses(setting: Losses, key: str) -> tuple[str, ...]:
    """A widget for each label; a loss without one keeps its default."""
    names: dict[str, str] = {kind: info.name for kind, info in LOSSES.items()}
    chosen = tuple(
        st.selectbox(
            label, setting.kinds, setting.kinds.index(default), names.__getitem__, key=f"{key}-{number}",
            bind="query-params",
        )
        for number, (label, default) in enumerate(zip(setting.labels, setting.default, strict=False))
    )  # fmt: skip
    return chosen + setting.default[len(chosen) :]


def _checkpoints(setting: Checkpoints, run_id: str, checkpoints: Sequence[str], line: bool) -> tuple[str, ...]:
    """At first the first, the last and, for a plane, the middle one."""
    spread = [0, len(checkpoints) - 1, (len(checkpoints) - 1) // 2]
    return tuple(
        _pick_step(
            f"{setting.label} {number + 1}, at step", checkpoints, checkpoints[spread[number]], f"through-{number}"
        )
        for number in range(setting.count(line))
    )


def _pick_step(label: str, checkpoints: Sequence[str], first: str, key: str) -> str:
    """A slider over checkpoints by their step, which the address keeps."""
    steps = {step_of(name): name for name in checkpoints}
    address.named(key, "checkpoint at step", [str(step) for step in steps], f"that at step {step_of(first)}")
    if len(steps) == 1:
        return first
    if st.session_state.get(key, step_of(first)) not in steps:  # of another run
        del st.session_state[key]
    return steps[st.select_slider(label, list(steps), step_of(first), key=key, bind="query-params")]


def _sentence(setting: Setting) -> str:
    return f"{setting.help[:1].upper()}{setting.help[1:]}."
