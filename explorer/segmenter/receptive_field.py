"""The receptive field of each segmenter: how much of its input one pixel of its output depends on. Pure; no torch.

Computed backwards, layer by layer, as the interval of input positions along one axis. Normalisation over a whole crop
is left out: it tells a pixel how bright its crop is, not where anything lies in it.
"""

from __future__ import annotations

from explorer.segmenter.spec import PretrainedSpec, SegmenterSpec, UNetSpec

_Interval = tuple[int, int]  # first and last position

_ENCODER = ((3, 2), (3, 1), (3, 2), (3, 1), (5, 2), (5, 1), (3, 2), (3, 1), (3, 1), (5, 1))
"""Kernel and stride of the stem and the nine blocks of EfficientNet-Lite0 that ``PretrainedSpec`` uses."""

_ENCODER_HALVINGS = 4


def receptive_field(spec: SegmenterSpec) -> int:
    """Side in pixels, at the working scale, of the square of the input that can influence one pixel of the output.

    It is the largest one: pixels of the output differ by a few pixels, depending on their place in the raster of the
    deepest level. What a pixel depends on strongly is about two thirds of it.

    >>> [receptive_field(UNetSpec(depth=depth)) for depth in (1, 2, 3, 4)]
    [18, 44, 100, 204]
    """
    match spec:
        case UNetSpec():
            return max(_side(_through_unet(at, spec.depth)) for at in range(2**spec.depth))
        case PretrainedSpec():
            return max(_side(_through_pretrained(at)) for at in range(2**_ENCODER_HALVINGS))


def _side(interval: _Interval) -> int:
    return interval[1] - interval[0] + 1


def _before_convolution(interval: _Interval, kernel: int, stride: int = 1) -> _Interval:
    """What a convolution reads for this part of its output; it is padded as TensorFlow's "same" pads an even size."""
    first, last = interval
    before = (kernel - stride) // 2
    return first * stride - before, last * stride - before + kernel - 1


def _through_unet(at: int, depth: int) -> _Interval:
    interval = at, at
    for _ in range(depth):
        first, last = _before_block(interval)
        interval = first // 2, last // 2  # before the nearest pixels were repeated
    interval = _before_block(interval)
    for _ in range(depth):
        first, last = interval
        interval = _before_block((2 * first, 2 * last + 1))  # before the largest of two was taken
    return interval


def _before_block(interval: _Interval) -> _Interval:
    return _before_convolution(_before_convolution(interval, 3), 3)


def _through_pretrained(at: int) -> _Interval:
    interval = _before_convolution(_before_bilinear((at, at)), 3)
    interval = _before_convolution(interval, 3)
    for _ in range(_ENCODER_HALVINGS - 2):
        interval = _before_convolution(_before_bilinear(interval), 3)
    interval = _before_bilinear(interval)
    for kernel, stride in reversed(_ENCODER):
        interval = _before_convolution(interval, kernel, stride)
    return interval


def _before_bilinear(interval: _Interval) -> _Interval:
    """Doubling by bilinear interpolation reads two neighbours: positions p / 2 − ¼ rounded down and up."""
    first, last = interval
    return (first - 1) // 2, (last - 1) // 2 + 1
