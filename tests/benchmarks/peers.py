"""What people would use instead: a bare torch loop with the small U-Net, and a random forest on a filter bank.

Both get what the app gets: the same training scenes, threads and seconds, and their threshold is chosen by the app's
own rule on the same scenes. They share the app's reader and its segmenter, and none of its training code.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from explorer.imagery.scene import IGNORE, Dataset, Scene
from explorer.imagery.stretch import stretched
from explorer.segmenter.network import build_segmenter
from explorer.segmenter.spec import SIZES
from explorer.segmenter.tiling import predict_probabilities

Probabilities = Callable[[Scene], NDArray[np.float32]]
"""(K, H, W) of a scene, on its own grid."""

CROP, BATCH = 64, 16
PEAK_RATE, WEIGHT_DECAY, WARM_UP = 5e-3, 1e-2, 0.3
WANTED_SIZE = 28  # pixels across the median object at reduced resolution

_SIGMAS = (1.0, 2.0, 4.0, 8.0, 16.0)
_PIXELS_OF_CLASS = 30_000  # that the forest learns from
_TREES_AT_A_TIME = 8
_MOST_TREES = 400
_ROWS_AT_A_TIME = 64


def reduced_scale(dataset: Dataset, class_id: int) -> float:
    """The reduced resolution of the bare loop: the median object is 28 pixels across, or ½ where it is smaller."""
    areas = [
        area
        for scene in dataset.training
        for area in np.bincount(ndimage.label(scene.label == class_id, np.ones((3, 3)))[0].ravel())[1:]
        if area >= dataset.minimum_area
    ]
    across = math.sqrt(float(np.median(areas)) * 4 / math.pi) if areas else 0.0
    return min(0.5, WANTED_SIZE / across) if across else 0.5


def bare_loop(dataset: Dataset, seconds: float, seed: int, scale: float) -> Probabilities:
    """Dice + CE, AdamW, one cycle over the time that there is, turns and flips, half of the crops on the foreground.

    Args:
        dataset: its training side trains.
        seconds: of training, after the scenes have been prepared.
        seed: of weights and crops.
        scale: of the scenes, at most 1.
    """
    rng = np.random.default_rng(seed)
    classes = len(dataset.classes)
    images, labels = [], []
    for scene in dataset.training:
        resized = _resized(stretched(scene.image, dataset.stretch), scale)
        image, label = _padded(resized, _resized_label(scene.label, resized.shape[1:]))
        images.append(image)
        labels.append(label)
    foreground = [np.argwhere((label > 0) & (label != IGNORE)) for label in labels]
    with_objects = [place for place, found in enumerate(foreground) if len(found)]
    areas = np.array([label.size for label in labels], dtype=np.float64)

    def crop(on_object: bool) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        if on_object and with_objects:
            place = with_objects[rng.integers(len(with_objects))]
            centre = foreground[place][rng.integers(len(foreground[place]))] + rng.integers(-CROP // 3, CROP // 3, 2)
        else:
            place = int(rng.choice(len(labels), p=areas / areas.sum()))
            centre = rng.integers(0, labels[place].shape)
        top, left = (
            int(np.clip(middle - CROP // 2, 0, side - CROP))
            for middle, side in zip(centre, labels[place].shape, strict=True)
        )
        image = images[place][:, top : top + CROP, left : left + CROP]
        label = labels[place][top : top + CROP, left : left + CROP]
        turns = int(rng.integers(4))
        image, label = np.rot90(image, turns, (1, 2)), np.rot90(label, turns)
        if rng.random() < 0.5:
            image, label = image[:, :, ::-1], label[:, ::-1]
        return np.ascontiguousarray(image), np.ascontiguousarray(label)

    segmenter = build_segmenter(len(dataset.bands), classes, SIZES["medium"], seed)
    optimizer = torch.optim.AdamW(segmenter.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    began = time.perf_counter()
    while (share := (time.perf_counter() - began) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * _one_cycle(share)
        crops = [crop(number % 2 == 0) for number in range(BATCH)]
        batch = torch.from_numpy(np.stack([each for each, _ in crops])).contiguous(memory_format=torch.channels_last)
        truth = torch.from_numpy(np.stack([each for _, each in crops])).long()
        loss = _dice_and_cross_entropy(segmenter(batch), truth, classes)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    segmenter.eval()

    def probabilities(scene: Scene) -> NDArray[np.float32]:
        prepared = _resized(stretched(scene.image, dataset.stretch), scale)
        found = predict_probabilities(segmenter, torch.from_numpy(prepared))
        if found.shape[1:] != scene.size:
            found = F.interpolate(found[None], size=scene.size, mode="bilinear", align_corners=False)[0]
        return np.asarray(found.numpy(), dtype=np.float32)

    return probabilities


def _one_cycle(share: float) -> float:
    """Learning rate as a share of its peak: up along a half cosine, then down to zero along another."""
    if share < WARM_UP:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * share / WARM_UP)) / 2
    return (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2


def _dice_and_cross_entropy(logits: torch.Tensor, label: torch.Tensor, classes: int) -> torch.Tensor:
    """Mean cross-entropy plus one minus the mean soft Dice of the foreground classes; ignored pixels do not count."""
    counted = (label != IGNORE)[:, None]
    cross_entropy = F.cross_entropy(logits, label, ignore_index=IGNORE)
    probability = logits.softmax(1) * counted
    truth = F.one_hot(label.masked_fill(label == IGNORE, 0), classes).movedim(-1, 1) * counted
    both, sums = (probability * truth).sum((0, 2, 3)), (probability + truth).sum((0, 2, 3))
    dice = (2 * both + 1) / (sums + 1)
    return cross_entropy + 1 - dice[1:].mean()


def forest(dataset: Dataset, seconds: float, seed: int, threads: int) -> Probabilities:
    """A random forest on a filter bank, of as many trees as the time allows.

    It learns from as many pixels of each class, so that its probabilities are those of balanced classes; its threshold,
    which is chosen, allows for that. The time for the filters of the training scenes is not counted.
    """
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(seed)
    features: list[NDArray[np.float32]] = []
    truths: list[NDArray[np.uint8]] = []
    for scene in dataset.training:
        bank = filter_bank(stretched(scene.image, dataset.stretch))
        for class_id in range(len(dataset.classes)):
            places = np.flatnonzero(scene.label == class_id)
            wanted = max(1, _PIXELS_OF_CLASS // len(dataset.training))
            places = places if len(places) <= wanted else rng.choice(places, wanted, replace=False)
            features.append(bank.reshape(len(bank), -1)[:, places].T)
            truths.append(np.full(len(places), class_id, dtype=np.uint8))
    x, y = np.concatenate(features), np.concatenate(truths)
    weights = (1 / np.bincount(y, minlength=len(dataset.classes)).clip(1))[y]
    began = time.perf_counter()
    model = RandomForestClassifier(
        n_estimators=0,
        min_samples_leaf=2,
        n_jobs=threads,
        random_state=seed,
        warm_start=True,
    )
    while True:
        before = time.perf_counter()
        model.set_params(n_estimators=model.n_estimators + _TREES_AT_A_TIME)
        model.fit(x, y, weights)
        now = time.perf_counter()
        if now - began + (now - before) > seconds or model.n_estimators >= _MOST_TREES:
            break

    def probabilities(scene: Scene) -> NDArray[np.float32]:
        bank = filter_bank(stretched(scene.image, dataset.stretch))
        found = np.zeros((len(dataset.classes), *scene.size), dtype=np.float32)
        for top in range(0, scene.size[0], _ROWS_AT_A_TIME):
            part = bank[:, top : top + _ROWS_AT_A_TIME]
            predicted = model.predict_proba(part.reshape(len(bank), -1).T)
            for column, class_id in enumerate(model.classes_):
                found[class_id, top : top + _ROWS_AT_A_TIME] = predicted[:, column].reshape(part.shape[1:])
        return found

    return probabilities


def filter_bank(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Channels (F, H, W) of an image (C, H, W): bands; smoothed bands, differences of Gaussians; and of their mean
    gradient, both eigenvalues of the Hessian, and the deviation, at five scales."""
    grey = bands.mean(0)
    channels = [*bands]
    smoothed = [np.stack([ndimage.gaussian_filter(band, sigma) for band in bands]) for sigma in _SIGMAS]
    channels += [band for each in smoothed for band in each]
    channels += [band for one, other in pairwise(smoothed) for band in one - other]
    for sigma in _SIGMAS:
        channels.append(ndimage.gaussian_gradient_magnitude(grey, sigma))
        xx, xy, yy = (ndimage.gaussian_filter(grey, sigma, order=order) for order in ((0, 2), (1, 1), (2, 0)))
        middle, distance = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
        mean, square = ndimage.gaussian_filter(grey, sigma), ndimage.gaussian_filter(grey * grey, sigma)
        channels += [middle + distance, middle - distance, np.sqrt(np.maximum(square - mean * mean, 0))]
    return np.stack(channels).astype(np.float32, copy=False)


def _resized(image: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    if scale == 1:
        return image
    height, width = (max(1, round(side * scale)) for side in image.shape[1:])
    return np.stack([np.asarray(Image.fromarray(band).resize((width, height), Image.Resampling.BOX)) for band in image])


def _resized_label(label: NDArray[np.uint8], size: Sequence[int]) -> NDArray[np.uint8]:
    """Each pixel takes the class that covers most of it."""
    if label.shape == tuple(size):
        return label
    ids = np.unique(label)
    shares = [
        np.asarray(Image.fromarray((label == k).astype(np.float32)).resize((size[1], size[0]), Image.Resampling.BOX))
        for k in ids
    ]
    return ids[np.argmax(shares, axis=0)].astype(np.uint8)


def _padded(image: NDArray[np.float32], label: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """At least as large as a crop; what is added is ignored."""
    down, right = (max(0, CROP - side) for side in label.shape)
    return (
        np.pad(image, ((0, 0), (0, down), (0, right)), mode="edge"),
        np.pad(label, ((0, down), (0, right)), constant_values=IGNORE),
    )
