"""Gradients of the losses on a validation crop, at a checkpoint of a run: by pixel, and in weight space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from explorer.errors import InputError
from explorer.figures.imagery import scene_picture
from explorer.figures.loss_gradients import (
    agreement_height,
    cosines_figure,
    gradient_maps_figure,
    gradient_shares_figure,
    maps_height,
)
from explorer.figures.outcome import window
from explorer.imagery.pictures import Picture
from explorer.imagery.scene import IGNORE
from explorer.landscape.crops import CROP_SIZE
from explorer.losses.lab import GradientMaps, LabCrop
from explorer.losses.registry import LossKind
from explorer.losses.worked_example import Crop
from explorer.segmenter.inputs import InputSpec, reduced_scene
from explorer.ui import address, services
from explorer.ui.frame import shown_alone, stacking_columns
from explorer.ui.live_figure import Click, live_figure
from explorer.ui.loss_choice import set_losses
from explorer.ui.loss_lab_answers import gradient_maps, lab_crops, with_numbers
from explorer.ui.loss_numbers import show_numbers
from explorer.ui.messages import escaped, percent
from explorer.ui.pickers import pick_checkpoint, pick_class, pick_run, runs_with_checkpoints

Pixel = tuple[int, int]  # row and column
_PIXEL = "pixel"


def show_gradients(kinds: Sequence[LossKind]) -> None:
    """A run, a checkpoint and a crop, and the gradients of the losses there."""
    record = pick_run(runs_with_checkpoints())
    if record is None:
        return
    shares = services.balance(record.dataset_id)
    left, right = st.columns(2)
    with left:
        file = pick_checkpoint(record)
    crops = lab_crops(record.dataset_id, record.plan.inputs)
    richest = max(range(len(crops)), key=lambda number: crops[number].share)
    wanted = _wanted_crop([str(number + 1) for number in range(len(crops))])
    crop = right.selectbox(
        "Validation crop",
        range(len(crops)),
        richest if wanted is None else wanted,
        lambda number: _crop_label(number, crops[number]),
        key=f"lab-crop-{record.dataset_id}-{record.plan.inputs.scale:g}",
    )
    st.query_params["crop"] = str(crop + 1)
    picture, settings = stacking_columns("gradients", [3, 1])
    with settings:
        class_id = 1
        if len(shares) > 2:
            class_id = pick_class([share.name for share in shares], 1, background=True)
        specs = set_losses(kinds, shares, record.dataset_id)
    with picture, shown_alone():
        maps = gradient_maps(
            record.id, record.dataset_id, file.name, file.stat().st_mtime_ns, crop, with_numbers(specs, shares)
        )
        _show_maps(
            maps,
            class_id,
            [share.name for share in shares],
            _picture(record.dataset_id, record.plan.inputs, crops[crop]),
            record.id,
        )


def _show_maps(maps: GradientMaps, class_id: int, names: Sequence[str], picture: Picture, key: str) -> None:
    st.markdown(f"**Where each loss raises the logit of {escaped(names[class_id])} (blue) and lowers it (orange)**")
    pixel = _pixel(maps)
    click = live_figure(
        gradient_maps_figure(maps, class_id, picture, pixel),
        f"maps-{key}-{len(maps.specs)}",
        maps_height(len(maps.specs)),
    )
    if click is not None and _pixel_of(click) not in (None, pixel):
        st.query_params[_PIXEL] = "{},{}".format(*_pixel_of(click) or (0, 0))
        st.rerun()
    st.caption(
        "Shown is the gradient with respect to the pixel's logit, times −1 and the number of pixels. Each map has its "
        "own scale, which ends at the number beside the name. The outline is the label. Click a pixel to see its "
        "numbers."
    )
    if pixel is not None:
        _show_pixel(maps, pixel, class_id, names)
    st.markdown("**Gradient magnitude by outcome**")
    live_figure(gradient_shares_figure(maps), f"shares-{key}", agreement_height(len(maps.specs)))
    st.caption(
        "Share of the summed gradient magnitude on this crop. A large share on misses raises recall, on false "
        "alarms precision."
    )
    st.markdown("**Agreement of the losses**")
    live_figure(cosines_figure(maps), f"cosines-{key}", agreement_height(len(maps.specs)))
    st.caption(
        "Cosine between the gradients with respect to the segmenter's weights on this crop: 1 is the same direction, "
        "0 an unrelated one, −1 the opposite. Empty: the loss has no gradient here."
    )


def _show_pixel(maps: GradientMaps, pixel: Pixel, class_id: int, names: Sequence[str]) -> None:
    """The formulas with the values of the pixel that was clicked."""
    row, column = pixel
    with st.container(border=True):
        st.markdown(
            f"**Pixel in row {row}, column {column}**: label "
            + ("ignored" if maps.label[pixel] == IGNORE else escaped(names[maps.label[pixel]]))
            + f", predicted probability of {escaped(names[class_id])} {maps.probability[class_id, row, column]:.3g}."
        )
        crop = Crop(maps.probability.astype(np.float64), maps.label, maps.objects)
        show_numbers(maps.specs, crop, row, column)
        st.button("Close", icon=":material/close:", on_click=_forget_pixel, key="close-pixel")


def _forget_pixel() -> None:
    st.query_params.pop(_PIXEL, None)


def _pixel(maps: GradientMaps) -> Pixel | None:
    """The pixel in the address, if it lies in the crop."""
    text = st.query_params.get(_PIXEL)
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) == 2 and all(part.isdecimal() and len(part) < 6 for part in parts):
        row, column = int(parts[0]), int(parts[1])
        if row < maps.label.shape[0] and column < maps.label.shape[1]:
            return row, column
    st.caption(f"There is no pixel {escaped(text)} in this crop.")
    return None


def _pixel_of(click: Click) -> Pixel | None:
    """The pixel of a map that was clicked."""
    if isinstance(click.x, float | int) and isinstance(click.y, float | int):
        return round(click.y), round(click.x)
    return None


def _wanted_crop(known: Sequence[str]) -> int | None:
    """The position of the crop that the address names; None if it names none of these."""
    crop = address.named("crop", "crop", known, "another one")
    return None if crop is None else known.index(crop)


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs={InputSpec: InputSpec.model_dump_json})
def _picture(dataset_id: str, inputs: InputSpec, crop: LabCrop) -> Picture:
    dataset = services.dataset(dataset_id)
    scene = next((scene for scene in dataset.validation if scene.name == crop.scene), None)
    if scene is None:
        raise InputError("the dataset has no such validation scene", crop.scene, "choose another run")
    size = CROP_SIZE, CROP_SIZE
    return scene_picture(
        window(reduced_scene(scene, inputs), crop.top, crop.left, size), dataset.stretch, longest=CROP_SIZE
    )


def _crop_label(number: int, crop: LabCrop) -> str:
    return f"{number + 1} · {crop.scene} · {percent(crop.share)} objects"
