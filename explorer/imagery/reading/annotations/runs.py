"""Run-length encodings of pixels: those of COCO, CVAT and Label Studio.

COCO counts pixels down the columns, alternately outside and inside, outside first. Its *compressed* form writes each
count as a number of 5-bit groups, from the fourth on as the difference to the count two before. CVAT counts along the
rows of the annotation's box. Label Studio packs the RGBA bytes of the whole image (see :func:`brush_runs`).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.reading.annotations.drawing import Bitmap

_REMEDY = "export it again"
_MAX_GROUPS = 7  # of 5 bits: counts below 2³⁴
_MAX_PACKETS = 5_000_000  # of a brush stroke
_CHANNELS = 4  # of a brush stroke; the last, alpha, says whether a pixel is painted


@dataclass(frozen=True, eq=False)
class Runs:
    """Consecutive pixels that are all inside or all outside."""

    lengths: NDArray[np.int64]  # (n,), at least 0
    inside: NDArray[np.bool_]  # (n,)


def counts_of(values: Any, pixels: int, label: str, which: str) -> Runs:
    """Runs from counts: outside, inside, outside …

    Args:
        values: a list of whole numbers, not negative.
        pixels: that they may cover at most; what they do not cover is outside.
        label: the annotation file, for messages.
        which: the annotation, for messages.

    Raises:
        InputError: a count is not a whole number or negative, or they cover more pixels.
    """
    try:
        counts = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{which}: its run lengths are not numbers", label, _REMEDY) from error
    if counts.ndim != 1 or not ((counts >= 0) & (counts == np.rint(counts))).all():
        raise InputError(f"{which}: its run lengths are not whole numbers from 0 on", label, _REMEDY)
    if counts.sum() > pixels:
        raise InputError(f"{which}: its run lengths cover more than its {pixels} pixels", label, _REMEDY)
    return Runs(counts.astype(np.int64), np.arange(len(counts)) % 2 == 1)


def compressed_counts(text: str, label: str, which: str) -> NDArray[np.int64]:
    """The counts in COCO's compressed form, which pycocotools writes as a string.

    Raises:
        InputError: the text holds other characters, or ends within a count.
    """
    groups = np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8).astype(np.int64) - 48
    last = np.flatnonzero((groups & 0x20) == 0)  # the last group of each count
    lengths = np.diff(last, prepend=-1)
    if not len(groups):
        return np.zeros(0, dtype=np.int64)
    is_whole = len(last) > 0 and last[-1] == len(groups) - 1
    if not is_whole or groups.min() < 0 or groups.max() > 63 or lengths.max() > _MAX_GROUPS:
        raise InputError(f"{which}: its compressed run lengths are broken", label, _REMEDY)
    first = last - lengths + 1
    place = np.arange(len(groups)) - np.repeat(first, lengths)
    counts = np.add.reduceat((groups & 0x1F) << (5 * place), first)
    counts[(groups[last] & 0x10) != 0] -= 1 << (5 * lengths[(groups[last] & 0x10) != 0])
    counts[1::2] = np.cumsum(counts[1::2])
    counts[2::2] = np.cumsum(counts[2::2])
    return counts


def brush_runs(stream: Any, pixels: int, label: str, which: str) -> Runs:
    """The painted pixels of a Label Studio brush stroke, row by row; a pixel is painted if its alpha is not 0.

    A bit stream, most significant bit first: 32 bits number of bytes; 5 bits word size − 1 (always 8 bits); four times
    4 bits, the widths − 1 of a length; then packets. A packet is a bit, two bits that choose one of the four widths,
    a length − 1 of that width, and, if the bit is 1, one byte to repeat, otherwise that many bytes.

    Args:
        stream: a list of bytes.
        pixels: of the image.
        label: the annotation file, for messages.
        which: the annotation, for messages.

    Raises:
        InputError: the stream is broken or belongs to an image of another size.
    """
    broken = InputError(f"{which}: its brush stroke is broken", label, _REMEDY)
    try:
        data = bytes(stream) if isinstance(stream, list) else b""
    except (TypeError, ValueError) as error:
        raise broken from error
    bits = _Bits(data)
    total, word = bits.read(32), bits.read(5) + 1
    widths = [bits.read(4) + 1 for _ in range(4)]
    if len(data) < 7 or word != 8:
        raise broken
    if total != _CHANNELS * pixels:
        raise InputError(
            f"{which}: its brush stroke covers {total // _CHANNELS} pixels, its image has {pixels}", label, _REMEDY
        )
    lengths, values = array("q"), bytearray()
    packets = position = 0
    while position < total:
        repeated = bits.read(1)
        length = bits.read(widths[bits.read(2)]) + 1
        packets += 1
        position += length
        lengths.extend((length,) if repeated else repeat(1, length))
        values += bits.read_bytes(1 if repeated else length)
        if position > total or bits.position > 8 * len(data) or packets > _MAX_PACKETS:
            raise broken
    edges = np.cumsum(lengths) // _CHANNELS  # alpha bytes, that is pixels, up to the end of each run
    return Runs(edges - np.concatenate([[0], edges[:-1]]), np.frombuffer(values, dtype=np.uint8) > 0)


def bitmap_of(runs: Runs, height: int, width: int, *, columns: bool, top: int = 0, left: int = 0) -> Bitmap:
    """The rows, or columns, of a bitmap that have pixels inside.

    Args:
        runs: that cover height × width pixels or fewer.
        height: of the area that they cover.
        width: of the area that they cover.
        columns: whether they go down the columns and not along the rows.
        top: where the area begins in the image.
        left: where the area begins in the image.
    """
    ends = np.cumsum(runs.lengths)
    filled = np.flatnonzero(runs.inside & (runs.lengths > 0))
    if not len(filled):
        return Bitmap(top, left, np.zeros((0, 0), dtype=np.bool_))
    line = height if columns else width
    first = int(ends[filled[0]] - runs.lengths[filled[0]]) // line
    last = int(ends[filled[-1]] - 1) // line
    begin, end = first * line, (last + 1) * line
    clipped = np.clip(ends, begin, end)
    lengths = clipped - np.concatenate([[begin], clipped[:-1]])
    pixels = np.zeros(end - begin, dtype=np.bool_)
    pixels[: lengths.sum()] = np.repeat(runs.inside, lengths)
    lines = pixels.reshape(-1, line)
    return Bitmap(top, left + first, lines.T) if columns else Bitmap(top + first, left, lines)


class _Bits:
    """Reads numbers of up to 32 bits, and bytes that may begin at any bit; beyond the end there are zeros."""

    def __init__(self, data: bytes):
        self._data = data
        self.position = 0

    def read(self, size: int) -> int:
        byte, shift = divmod(self.position, 8)
        window = int.from_bytes(self._data[byte : byte + 8].ljust(8, b"\0"), "big")
        self.position += size
        return (window >> (64 - shift - size)) & ((1 << size) - 1)

    def read_bytes(self, count: int) -> bytes:
        byte, shift = divmod(self.position, 8)
        window = int.from_bytes(self._data[byte : byte + count + 1].ljust(count + 1, b"\0"), "big")
        self.position += 8 * count
        return ((window >> (8 - shift)) & ((1 << 8 * count) - 1)).to_bytes(count, "big")
