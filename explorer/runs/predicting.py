"""Predicts for one image of any size: the one way from an image to a ``Prediction``, for pages and the command line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.bands import natural_bands
from explorer.imagery.pictures import Picture, as_bytes
from explorer.imagery.scene import Raster, Stretch
from explorer.imagery.stretch import stretched
from explorer.metrics.class_map import in_thousandths
from explorer.metrics.splitting_predictions import blocks_of, find_lines
from explorer.runs.folder import DatasetReference
from explorer.runs.prediction import Prediction, PredictionMeta
from explorer.segmenter.inputs import stretch_for
from explorer.segmenter.prediction import Predictor
from explorer.segmenter.tiling import TILE, Advance
from explorer.settings import MEBI

NewArray = Callable[[tuple[int, ...], Any], NDArray[Any]]
"""Makes an array of a shape and data type, in memory or on the disk."""

_PICTURE_PIXELS = 16_000_000  # of the picture that is kept; larger images are thinned out
_FLOAT = 4  # bytes
_COPIES = 3  # of an image's channels, while they are computed


def predict_raster(
    predictor: Predictor,
    reference: DatasetReference,
    raster: Raster,
    checkpoint: str,
    diameters: Sequence[float] = (),
    advance: Advance = lambda _done, _tiles: None,
    new: NewArray = np.empty,
) -> Prediction:
    """What a segmenter makes of an image.

    Args:
        predictor: of the run.
        reference: what the run remembers of its dataset.
        raster: see :func:`explorer.runs.prediction.as_trained`.
        checkpoint: name of the predictor's.
        diameters: of typical objects of class 1, 2, …, in pixels, to separate those that touch; 0: unknown, or not
            wanted; none at all likewise.
        advance: called after each tile, and after each block in which objects are separated.
        new: makes the arrays that are as large as the image.
    """
    classes, (height, width) = len(reference.classes), raster.valid.shape
    values = new((classes - 1, height, width), np.uint16)
    most_probable = new((height, width), np.uint8) if classes > 2 else None
    blocks = blocks_of((height, width)) * sum(diameter > 0 for diameter in diameters)
    done, parts = 0, blocks

    def count(tile: int, tiles: int) -> None:
        nonlocal done, parts
        done, parts = tile, tiles + blocks
        advance(done, parts)

    def count_block() -> None:
        nonlocal done
        done += 1
        advance(done, parts)

    top = 0
    for strip in predictor.strips(raster.image, raster.valid, count):
        rows = slice(top, top + strip.shape[1])
        values[:, rows] = in_thousandths(strip[1:])
        if most_probable is not None:
            most_probable[rows] = strip.argmax(0)
        top = rows.stop
    lines = new((classes - 1 if any(diameters) else 0, height, width), np.bool_)
    for number in range(len(lines)):
        lines[number] = find_lines(values[number], diameters[number], count_block) if diameters[number] else False
    step = math.ceil(math.sqrt(height * width / _PICTURE_PIXELS))
    place = raster.georeference
    meta = PredictionMeta(
        image=raster.name,
        classes=reference.classes,
        checkpoint=checkpoint,
        flips=predictor.flips,
        step=step,
        crs=place.crs if place else None,
        transform=place.transform if place else None,
        notes=raster.notes,
        diameters=tuple(diameters),
    )
    return Prediction(meta, values, raster.valid, lines, most_probable, _picture(raster, predictor, reference, step))


def require_memory(predictor: Predictor, raster: Raster, most: int) -> None:
    """Refuses an image that takes too much memory to predict for.

    Args:
        predictor: of the run.
        raster: the image.
        most: bytes.

    Raises:
        InputError: it takes more.
    """
    height, width = raster.valid.shape
    working = predictor.inputs.working_size((height, width))
    channels = predictor.inputs.channels(len(raster.bands))
    bands = height * width * len(raster.bands)  # stretched at the image's own scale
    needed = _FLOAT * (bands + _COPIES * channels * math.prod(working) + channels * TILE * max(TILE, width))
    if needed > most:
        raise InputError(
            f"predicting for {width} × {height} pixels takes about {needed / MEBI:,.0f} MiB of memory, at most "
            f"{most / MEBI:,.0f} MiB",
            raster.name,
            "cut it into tiles, or raise EXPLORER_PREDICTION_MEMORY",
        )


def _picture(raster: Raster, predictor: Predictor, reference: DatasetReference, step: int) -> Picture:
    """Every ``step``-th row and column as the segmenter sees it."""
    chosen = list(natural_bands(raster.bands))
    limits = stretch_for(raster.image, reference.stretch, predictor.inputs, raster.valid)
    own = Stretch(tuple(limits.low[band] for band in chosen), tuple(limits.high[band] for band in chosen))
    return as_bytes(stretched(raster.image[chosen, ::step, ::step], own).transpose(1, 2, 0))
