"""What the Loss lab asks the worker for short jobs; answers are kept for all sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.balance import ClassShare
from explorer.losses.lab import Cost, GradientMaps, LabCrop, LossCurve, NothingFoundCost
from explorer.losses.spec import LossSpec, WeightRule
from explorer.losses.weights import class_weights
from explorer.settings import settings
from explorer.ui import services

OBJECTS, OBJECT_SIDE = 50, 8
"""The field of the experiment on misses: so many objects, of so many pixels along each side."""

BLIND_OBJECTS, BLIND_SIDE = 9, 4
"""The field on which nothing is found."""

_PATIENCE = 20.0  # seconds: the worker may be busy with another page's picture
_HASHED: dict[str | type, Any] = {LossSpec: LossSpec.model_dump_json}

Specs = tuple[LossSpec, ...]


def with_numbers(specs: Sequence[LossSpec], shares: Sequence[ClassShare]) -> Specs:
    """The losses with every rule for class weights replaced by what it gives for these classes."""
    pixels, objects = [share.pixels for share in shares], [share.objects or 0 for share in shares]

    def weights(rule: WeightRule, cap: float | None) -> tuple[float, ...]:
        return class_weights(rule, pixels, objects, cap)

    return tuple(spec.resolved(weights) for spec in specs)


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=_HASHED)
def curves(specs: Specs, share: float) -> tuple[LossCurve, ...]:
    """Each loss and its pulls against the probability of the true class, at a foreground share."""
    answer: tuple[LossCurve, ...] = _asked("explorer.losses.experiments:loss_curves", specs, share)
    return answer


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=_HASHED)
def misses(
    specs: Specs, share: float, missed_of_one: int, objects_hit: int, confidence: float
) -> tuple[tuple[NDArray[np.bool_], NDArray[np.bool_]], tuple[Cost, ...]]:
    """The two masks of missed pixels on the field of ``OBJECTS``, and what each loss charges for them."""
    field = OBJECTS, OBJECT_SIDE, share
    answer: tuple[tuple[NDArray[np.bool_], NDArray[np.bool_]], tuple[Cost, ...]] = _asked(
        "explorer.jobs.loss_lab:misses", specs, *field, missed_of_one, objects_hit, confidence
    )
    return answer


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=_HASHED)
def blindness(specs: Specs, share: float, confidence: float) -> tuple[NothingFoundCost, ...]:
    """What each loss charges for finding none of ``BLIND_OBJECTS``."""
    answer: tuple[NothingFoundCost, ...] = _asked(
        "explorer.jobs.loss_lab:blindness", specs, BLIND_OBJECTS, BLIND_SIDE, share, confidence
    )
    return answer


@st.cache_data(show_spinner="Cutting crops from the validation scenes …", max_entries=32)
def lab_crops(dataset_id: str) -> tuple[LabCrop, ...]:
    """The validation crops on which gradients can be looked at."""
    answer: tuple[LabCrop, ...] = _asked("explorer.jobs.loss_lab:lab_crops", services.store().dataset_file(dataset_id))
    return answer


@st.cache_data(show_spinner="Asking every loss for its gradient …", max_entries=32, hash_funcs=_HASHED)
def gradient_maps(run_id: str, dataset_id: str, checkpoint: str, written: int, crop: int, specs: Specs) -> GradientMaps:
    """Which pixels of a crop each loss pushes at a checkpoint.

    Args:
        run_id: of the run.
        dataset_id: of the dataset that it was trained on.
        checkpoint: name of the file.
        written: when it was, in nanoseconds, which tells it from one that has taken its place.
        crop: number in ``lab_crops``.
        specs: of the losses, weights as numbers.
    """
    store = services.store()
    answer: GradientMaps = _asked(
        "explorer.jobs.loss_lab:gradient_maps",
        store.folder(run_id).path,
        store.dataset_file(dataset_id),
        checkpoint,
        crop,
        specs,
        settings().device,
    )
    return answer


def _asked(name: str, *arguments: Any) -> Any:
    """What a worker's function answers.

    Raises:
        InputError: it does not answer in time.
    """
    future = services.engine().quick(name, *arguments)
    try:
        return future.result(timeout=_PATIENCE)
    except TimeoutError:
        future.cancel()
        raise InputError(
            f"the worker for short jobs has not answered in {_PATIENCE:.0f} s",
            "",
            "it is busy with another page's work: wait until that is done, then turn a control again",
        ) from None
