"""Finds fill values that a file does not declare: −9999, 65535 or a border of 0 would flatten the stretch.

A value is a suspect if all of this holds:

- It is the smallest or the largest of all bands, and all bands of a pixel have it at once.
- It cannot be a measurement: a negative value where all others are not, −32768, 9's (9999, −99999), or 1e19 and more.
  Or it is where sensors end (0, the largest of the data type, 32767, 65535) and lies at the border: it covers 1 % of
  the image and 5 % of its edge. A dark or saturated object is thus no suspect.
- It covers an area: its largest 4-connected piece has at least 16 pixels and 0.05 % of the image.
- It is far from the rest: no other value is nearer than the range (0.5 to 99.5 %) of the rest is wide; at the border,
  a quarter of that range is enough, and a fiftieth for 0 in all but 8-bit images, whose values are not clipped there.
  Shadows, night skies and overexposed roofs have neighbouring values.
- In single bands of pixels that have values in others, only values that cannot be a measurement are suspects; there,
  the nearest other value is taken, so that the pixel stays.
- The rest is an image: it has more than a few values, and a 0 (or 255 of 8 bits) does not cover half of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from explorer.imagery.notes import Note
from explorer.imagery.reading.formats import is_empty

_SMALLEST_AREA, _SMALLEST_SHARE = 16, 0.0005  # of the largest connected piece: pixels and share of the image
_BORDER_SHARE, _EDGE_SHARE, _BORDER_GAP, _ZERO_GAP = 0.01, 0.05, 0.25, 0.02
_HUGE = 1e19  # also the fill values of netCDF (9.97e36) and of GIS software (±3.4e38)
_SENTINELS = {sign * (10**digits - 1) for digits in range(3, 10) for sign in (1, -1)} | {-(2**15), 1 - 2**15, -(2**31)}
_SENSOR_ENDS = {0, 2**15 - 1, 2**16 - 1}
_FEWEST_VALUES = 16  # of the rest
_BACKGROUND_SHARE = 0.5
_RANGE = (0.5, 99.5)  # percentiles
_SAMPLES = 1_000_000  # values of the rest from which its range is computed
_MOST_FILLS = 4


@dataclass(frozen=True, eq=False)
class FillResult:
    """An image without its suspected fill values."""

    image: NDArray[np.generic]  # (C, H, W), its own dtype
    valid: NDArray[np.bool_]  # (H, W)
    notes: tuple[Note, ...]


def find_fill(image: NDArray[np.generic], valid: NDArray[np.bool_]) -> FillResult:
    """Marks the pixels of suspected fill values as not valid, with a note for each value.

    Args:
        image: (C, H, W), any real dtype.
        valid: (H, W), False where a pixel is known to have no data.
    """
    notes: list[Note] = []
    values: list[float] = []
    while len(notes) < _MOST_FILLS:
        found = _suspect(image, valid)
        if found is None:
            break
        value, where = found
        count = int(where.sum())
        notes.append(
            Note(
                "fill_value",
                f"{value:.10g} in {count:,} px ({100 * count / where.size:.3g} %) is far from all other values "
                "and is treated as nodata; it can be used as a value (--keep-fill).",
            )
        )
        values.append(value)
        valid = valid & ~where
    for value in values:
        image = without_stray_nodata(image, (value,) * len(image), valid)
    image, in_bands = _without_fill_of_bands(image, valid)
    return FillResult(image, valid, (*notes, *in_bands))


def _without_fill_of_bands(
    image: NDArray[np.generic], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.generic], list[Note]]:
    """The image without suspects in some of its bands, where the others have values; and a note for each."""
    notes = []
    for number in range(len(image)) if len(image) > 1 else ():
        found = _suspect(image[number : number + 1], valid, ends=False)
        if found is not None:
            value, where = found
            image = without_stray_nodata(image, (*[None] * number, value, *[None] * (len(image) - number - 1)), valid)
            notes.append(
                Note(
                    "fill_value",
                    f"{value:.10g} in {int(where.sum()):,} px of band {number + 1} is far from all other values; "
                    "there, the nearest of them is used instead (--keep-fill leaves it).",
                )
            )
    return image, notes


def without_stray_nodata(
    image: NDArray[np.generic], nodata: tuple[float | None, ...], valid: NDArray[np.bool_]
) -> NDArray[np.generic]:
    """The image without nodata values in single bands of valid pixels, where these would flatten the stretch.

    A nodata value that is further from the band's other values than these are apart becomes the nearest of them. The
    others stay: 255 on a bright roof and 0 in deep water are data if the other bands have values.
    """
    result = image
    for number, value in enumerate(nodata):
        if value is None:
            continue
        band = image[number]
        empty = is_empty(band, None)
        stray = is_empty(band, value) & ~empty & valid
        if not stray.any():
            continue
        rest = band[valid & ~stray & ~empty]
        if rest.size == 0:
            continue
        low, high = rest.min(), rest.max()
        nearest = low if value < float(low) else high
        if abs(float(nearest) - value) <= float(high) - float(low):
            continue
        if result is image:
            result = image.copy()
        result[number][stray] = nearest
    return result


def _suspect(
    image: NDArray[np.generic], valid: NDArray[np.bool_], ends: bool = True
) -> tuple[float, NDArray[np.bool_]] | None:
    """A fill value and where it is, (H, W).

    Args:
        image: (C, H, W).
        valid: (H, W).
        ends: whether values where sensors end may be it, too.
    """
    for extreme in (np.fmin, np.fmax):
        value = _extreme(image, valid, extreme)
        if value is None:
            return None
        where = valid.copy()
        for band in image:
            where &= band == value
        needed = max(_SMALLEST_AREA, _SMALLEST_SHARE * valid.size)
        count = int(where.sum())
        if count < needed or not _is_far(image, valid, where, value, extreme, ends):
            continue
        pieces, _ = ndimage.label(where)
        if int(np.bincount(pieces.ravel())[1:].max()) >= needed:
            return float(value), where
    return None


def _extreme(
    image: NDArray[np.generic], chosen: NDArray[np.bool_], extreme: np.ufunc, beside: np.generic | None = None
) -> np.generic | None:
    """The smallest or largest finite value of the chosen pixels, other than ``beside``; None if there is none."""
    found = []
    for band in image:
        values = band[chosen]
        if band.dtype.kind == "f":
            values = values[np.isfinite(values)]
        if beside is not None:
            values = values[values != beside]
        if values.size:
            found.append(extreme.reduce(values))
    return extreme.reduce(np.array(found, dtype=image.dtype)) if found else None


def _is_far(
    image: NDArray[np.generic],
    valid: NDArray[np.bool_],
    where: NDArray[np.bool_],
    value: np.generic,
    extreme: np.ufunc,
    ends: bool,
) -> bool:
    rest = valid & ~where
    nearest = _extreme(image, rest, extreme, value)
    if nearest is None:
        return False
    step = max(1, image.size // _SAMPLES)
    sample = np.concatenate([band[rest][::step] for band in image]).astype(np.float64)
    sample = sample[np.isfinite(sample) & (sample != float(value))]
    if sample.size == 0:
        return False
    low, high = np.percentile(sample, _RANGE)
    spread = float(high - low)
    if spread <= 0 or len(np.unique(sample)) < _FEWEST_VALUES:
        return False
    number = float(value)
    gap = abs(float(nearest) - number)
    if abs(number) >= _HUGE or number in _SENTINELS or number < 0 <= float(nearest):
        return gap > spread
    is_end = number in _SENSOR_ENDS or (image.dtype.kind in "iu" and number == float(_largest(image)))
    needed = _ZERO_GAP if number == 0 and image.dtype.itemsize > 1 else _BORDER_GAP
    return ends and is_end and _is_border(image, where, number) and gap > needed * spread


def _largest(image: NDArray[np.generic]) -> int:
    """The largest value of an integer dtype."""
    bits = 8 * image.dtype.itemsize
    return int(2 ** (bits - 1) - 1 if image.dtype.kind == "i" else 2**bits - 1)


def _is_border(image: NDArray[np.generic], where: NDArray[np.bool_], value: float) -> bool:
    share = float(where.mean())
    white = np.iinfo(np.uint8).max if image.dtype == np.uint8 else None
    if share < _BORDER_SHARE or (share >= _BACKGROUND_SHARE and value in (0, white)):
        return False
    edge = np.concatenate([where[0], where[-1], where[1:-1, 0], where[1:-1, -1]])
    return float(edge.mean()) >= _EDGE_SHARE
