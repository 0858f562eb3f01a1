"""Answers of the worker for short jobs to the Loss lab, cached for all sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.imagery.balance import ClassShare
from explorer.jobs.loss_lab_jobs import CompareMisses, ListLabCrops, LossCurves, MapGradients, PredictOnlyBackground
from explorer.losses.lab import AllBackgroundLoss, Cost, GradientMaps, LabCrop, LossCurve
from explorer.losses.spec import LossSpec
from explorer.losses.weights import weights_of_shares
from explorer.segmenter.inputs import InputSpec
from explorer.settings import settings
from explorer.ui import services

OBJECTS, OBJECT_SIDE = 50, 8
"""The synthetic label of the experiment on misses: number of objects, and pixels along each side of one."""

RARE_OBJECTS, RARE_SIDE = 9, 4
"""Those of the synthetic label for which only background is predicted."""

_HASHED: dict[str | type, Any] = {LossSpec: LossSpec.model_dump_json, InputSpec: InputSpec.model_dump_json}

Specs = tuple[LossSpec, ...]


def with_numbers(specs: Sequence[LossSpec], shares: Sequence[ClassShare]) -> Specs:
    """The losses with every rule for class weights replaced by what it gives for these classes."""
    weights_of = weights_of_shares(shares)
    return tuple(spec.resolved(weights_of) for spec in specs)


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=_HASHED)
def curves(specs: Specs, share: float) -> tuple[LossCurve, ...]:
    """Each loss and its gradients against the probability of the true class, at a foreground share."""
    return services.engine().ask(LossCurves(specs, share))


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=_HASHED)
def misses(
    specs: Specs, share: float, missed_of_one: int, objects_with_miss: int, confidence: float
) -> tuple[tuple[NDArray[np.bool_], NDArray[np.bool_]], tuple[Cost, ...]]:
    """The two masks of missed pixels on the synthetic label of ``OBJECTS``, and what each loss charges for them."""
    job = CompareMisses(specs, OBJECTS, OBJECT_SIDE, share, missed_of_one, objects_with_miss, confidence)
    return services.engine().ask(job)


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=_HASHED)
def all_background_losses(specs: Specs, share: float, confidence: float) -> tuple[AllBackgroundLoss, ...]:
    """Each loss where only background is predicted and none of ``RARE_OBJECTS`` is found."""
    return services.engine().ask(PredictOnlyBackground(specs, RARE_OBJECTS, RARE_SIDE, share, confidence))


@st.cache_data(show_spinner="Cutting crops from the validation scenes …", max_entries=32, hash_funcs=_HASHED)
def lab_crops(dataset_id: str, inputs: InputSpec) -> tuple[LabCrop, ...]:
    """The validation crops for which gradients of a run with these inputs can be computed."""
    return services.engine().ask(ListLabCrops(services.store().dataset_file(dataset_id), inputs))


@st.cache_data(show_spinner="Computing the gradient of each loss …", max_entries=32, hash_funcs=_HASHED)
def gradient_maps(run_id: str, dataset_id: str, checkpoint: str, written: int, crop: int, specs: Specs) -> GradientMaps:
    """The gradients of losses on a crop, at a checkpoint.

    Args:
        run_id: of the run.
        dataset_id: of the dataset that it was trained on.
        checkpoint: name of the file.
        written: when it was, in nanoseconds, which tells it from one that has taken its place.
        crop: number in ``lab_crops``.
        specs: of the losses, weights as numbers.
    """
    store = services.store()
    run, dataset = store.folder(run_id).path, store.dataset_file(dataset_id)
    return services.engine().ask(MapGradients(run, dataset, checkpoint, crop, specs, settings().device))
