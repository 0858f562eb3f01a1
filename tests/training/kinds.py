"""Datasets of the kinds that people bring, made by code: what plans are derived from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import Dataset, Scene

Label = tuple[NDArray[np.uint8], NDArray[np.int32] | None]


def _dataset(name, labels, bands=("red", "green", "blue"), brightness=None) -> Dataset:
    random = np.random.default_rng(1)
    scenes = []
    for i, (label, objects) in enumerate(labels):
        level = 80 if brightness is None else brightness[i % len(brightness)]
        noise = random.normal(level, level / 8, (len(bands), *label.shape))
        image = (noise + 0.5 * level * (label > 0)).clip(0, 65535)
        if brightness is not None:
            image[:, :, :8] = 20_000  # roofs and quays are as bright everywhere
        dtype = np.uint8 if brightness is None else np.uint16
        scenes.append(Scene(f"{name}_{i}", image.astype(dtype), label, tuple(bands), objects=objects))
    return make_dataset(name, scenes, ("background", "object"))


def _boxes(side, places) -> Label:
    label = np.zeros((side, side), np.uint8)
    for top, left, height, width in places:
        label[top : top + height, left : left + width] = 1
    return label, None


def ships() -> Dataset:
    """Few, small, somewhat elongated; ports differ tenfold in brightness; five bands of Sentinel-2."""
    random = np.random.default_rng(2)
    labels = []
    for _ in range(6):
        places = []
        for cell in random.permutation(36)[:5]:
            long, thick = int(random.integers(9, 16)), int(random.integers(4, 7))
            size = (long, thick) if random.random() < 0.5 else (thick, long)
            places.append((cell // 6 * 60 + 20, cell % 6 * 60 + 20, *size))
        labels.append(_boxes(360, places))
    bands = ("B02", "B03", "B04", "B08", "B11")
    return _dataset("ships", labels, bands, brightness=(700, 2000, 7000, 1200, 900, 3000))


def _discs(side, centres, radii, numbered) -> Label:
    rows, columns = np.indices((side, side))
    objects = np.zeros((side, side), np.int32)
    for i, ((row, column), radius) in enumerate(zip(centres, radii, strict=True), start=1):
        objects[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = i
    return (objects > 0).astype(np.uint8), objects if numbered else None


def nuclei() -> Dataset:
    """Round things, some of which touch; drawn one by one; a sixth of the pixels."""
    random = np.random.default_rng(3)
    labels = []
    for _ in range(16):
        centres = [
            (24 + 40 * i + random.integers(-6, 7), 24 + 40 * j + random.integers(-6, 7)) for i, j in _cells(6, 9)
        ]
        centres += [(row, column + 22) for row, column in centres[:5]]
        radii = random.integers(9, 14, len(centres))
        labels.append(_discs(256, centres, radii, numbered=True))
    return _dataset("nuclei", labels)


def _cells(count, seed):
    chosen = np.random.default_rng(seed).permutation(36)
    return [(int(cell) // 6, int(cell) % 6) for cell in chosen[: count * 3]]


def trees() -> Dataset:
    """Discs of three pixels round points."""
    labels = []
    for i in range(8):
        random = np.random.default_rng(10 + i)
        centres = [(10 + 24 * row, 10 + 24 * column) for row in range(10) for column in range(10)]
        kept = [centres[j] for j in random.permutation(100)[:70]]
        labels.append(_discs(256, kept, [3] * len(kept), numbered=False))
    return _dataset("trees", labels)


def planes() -> Dataset:
    """Filled boxes of a hundred pixels; a seventh of the pixels."""
    labels = []
    for i in range(6):
        random = np.random.default_rng(20 + i)
        places = []
        for cell in random.permutation(9)[:6]:
            height, width = random.integers(80, 130, 2)
            places.append((cell // 3 * 200 + 30, cell % 3 * 200 + 30, int(height), int(width)))
        labels.append(_boxes(640, places))
    return _dataset("planes", labels)


def cracks() -> Dataset:
    """Thin wandering lines, three pixels thick; one in a hundred pixels."""
    labels = []
    for i in range(6):
        random = np.random.default_rng(30 + i)
        label = np.zeros((320, 320), np.uint8)
        row = 160.0
        for column in range(10, 310):
            row = float(np.clip(row + random.normal(0, 1), 20, 300))
            label[int(row) - 1 : int(row) + 2, column] = 1
        labels.append((label, None))
    return _dataset("cracks", labels)


def town() -> Dataset:
    """Buildings that cover almost half of the ground; touching ones are drawn one by one."""
    labels = []
    for i in range(12):
        random = np.random.default_rng(40 + i)
        objects = np.zeros((512, 512), np.int32)
        for number, cell in enumerate(random.permutation(49)[:42], start=1):
            top, left = cell // 7 * 70 + 8, cell % 7 * 70 + 8
            height, width = random.integers(46, 64, 2)
            objects[top : top + height, left : left + (70 if number % 3 == 0 else width)] = number
        labels.append(((objects > 0).astype(np.uint8), objects))
    return _dataset("town", labels)


KINDS = {each.__name__: each for each in (ships, nuclei, trees, planes, cracks, town)}
