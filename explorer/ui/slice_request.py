"""Which slice: the plane, its settings, extent, resolution and tolerance, as widgets that also stand in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from pydantic import ValidationError

from explorer.errors import InputError, explain_validation
from explorer.landscape.slice_meta import SliceRequest
from explorer.landscape.spec import CAN_SHOW, PlaneKind, PlaneSpec
from explorer.losses.registry import LOSSES, LossKind

_LAYERS = ("encoder", "decoder", "head")
_NAMES: dict[PlaneKind, str] = {
    "random": "Random directions",
    "pca": "The run's own path (PCA)",
    "hessian": "Steepest curvature (Hessian)",
    "gradients": "What two losses want",
    "checkpoints": "Through checkpoints",
}
_KINDS: tuple[LossKind, ...] = tuple(kind for kind in LOSSES if kind != "combined")


def pick_slice(checkpoints: Sequence[str]) -> SliceRequest:
    """Widgets for everything that a slice can be asked for.

    Args:
        checkpoints: names of the run's checkpoints, oldest first.

    Raises:
        InputError: the settings do not go together.
    """
    kind: PlaneKind = st.selectbox(
        "Plane", list(_NAMES), format_func=_NAMES.__getitem__, key="plane", bind="query-params"
    )
    st.caption(CAN_SHOW[kind])
    line = st.toggle("One dimension only", key="line", bind="query-params")
    values: dict[str, object] = {"kind": kind, "line": line}
    if kind == "random":
        values["seed"] = st.number_input("Seed", 0, 2**30 - 1, 0, key="plane-seed", bind="query-params")
        values["normalisation"] = st.selectbox("Normalised by", ["filter", "layer"], key="normalisation")
    if kind in ("hessian", "gradients"):
        first = _loss("Loss" if kind == "hessian" else "One loss", "weighted_cross_entropy", "plane-loss")
        second = _loss("The other loss", "jaccard", "plane-other") if kind == "gradients" else "jaccard"
        values["losses"] = (first, second)
    if kind == "hessian":
        ends = {"LA": "two largest eigenvalues", "BE": "largest and smallest"}
        values["ends"] = st.selectbox("Directions", list(ends), format_func=ends.__getitem__, key="ends")
    if kind == "checkpoints":
        values["checkpoints"] = _through(checkpoints, 2 if line else 3)
    centre = st.select_slider(
        "Centre: the checkpoint after step",
        checkpoints,
        checkpoints[-1],
        format_func=step_of,
        key=f"centre-{len(checkpoints)}",
    ) if len(checkpoints) > 1 else checkpoints[0]  # fmt: skip
    with st.expander("Extent, resolution, tolerance, layers"):
        values["layers"] = tuple(
            st.multiselect("Layers that move; all if none is chosen", _LAYERS, key="layers") if kind != "checkpoints"
            else ()
        )  # fmt: skip
        rest = {
            "extent": st.slider("Extent to each side", 0.05, 3.0, 1.0, 0.05, key="extent", bind="query-params"),
            "resolution": st.select_slider("Points a side", (11, 21, 31, 41, 61), 41, key="resolution"),
            "tolerance": st.select_slider(
                "Tolerance, share of the range", (0.002, 0.005, 0.01, 0.02, 0.05), 0.01, key="tolerance",
                help="Points are measured until 95 % of the estimated errors are below this.",
            ),
            "budget": st.slider("Points at most", 50, 3721, 1681, 1, key="budget"),
            "objects": st.checkbox("Object metrics too (slower)", key="object-metrics"),
        }  # fmt: skip
    try:
        return SliceRequest.model_validate(rest | {"plane": PlaneSpec.model_validate(values), "checkpoint": centre})
    except ValidationError as error:
        raise InputError(*explain_validation(error), "choose others") from None


def step_of(checkpoint: str) -> str:
    """The step of a checkpoint's file, for people."""
    return str(int("".join(filter(str.isdigit, checkpoint.split(".")[0]))))


def _loss(label: str, default: LossKind, key: str) -> LossKind:
    return st.selectbox(label, _KINDS, _KINDS.index(default), lambda kind: LOSSES[kind].name, key=key)


def _through(checkpoints: Sequence[str], count: int) -> tuple[str, ...]:
    """The first, the last and, for a plane, the middle one at first."""
    spread = [0, len(checkpoints) - 1, (len(checkpoints) - 1) // 2]
    return tuple(
        st.selectbox(
            f"Checkpoint {number + 1}, after step",
            checkpoints,
            spread[number],
            step_of,
            key=f"through-{number}-{len(checkpoints)}",
        )
        for number in range(count)
    )
