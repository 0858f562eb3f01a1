"""Tells images from masks and pairs them, by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from explorer.imagery.notes import Note

IMAGE_WORDS = frozenset({"image", "images", "img", "imgs", "photo", "rgb", "sat", "source", "x"})
MASK_WORDS = frozenset(
    {"mask", "masks", "label", "labels", "gt", "groundtruth", "truth", "annotation", "annotations", "ann"}
    | {"seg", "segmentation", "target", "targets", "vector", "vectors", "y"}
)
_SEPARATORS = re.compile(r"[\s_.\-]+")


@dataclass(frozen=True)
class Pair:
    """One row of the table that shows which files were paired, which were not, and why."""

    image: str | None
    mask: str | None
    reason: str = ""  # why the row is not used; empty if it is
    more_masks: tuple[str, ...] = ()  # of the same image, where each mask holds one object
    notes: tuple[Note, ...] = ()  # on how it was paired

    @property
    def used(self) -> bool:
        """Whether there are an image and a mask and no reason against them."""
        return self.image is not None and self.mask is not None and not self.reason


def pair(images: Sequence[str], masks: Sequence[str]) -> tuple[Pair, ...]:
    """Pairs images and masks by name, with the strictest rule first.

    The rules compare folder and stem, the stem alone, then both again without words such as "mask": ``a.tif`` matches
    ``a.png``, ``a_mask.png``, ``label-a.tif`` and ``A.gt.png``. Folders named ``images`` or ``masks`` are left out of
    the comparison. A file that matches more than one other is not paired.

    Returns:
        A row for each pair, in the order of the images, then a row for each file without a partner.
    """
    partner: dict[str, str] = {}
    left_images, left_masks = list(dict.fromkeys(images)), list(dict.fromkeys(masks))
    for rule in _RULES:
        partner.update(_unique_matches(left_images, left_masks, rule))
        taken = set(partner.values())
        left_images = [name for name in left_images if name not in partner]
        left_masks = [name for name in left_masks if name not in taken]
    rows = [Pair(image, mask) for image, mask in partner.items()]
    rows.sort(key=lambda row: images.index(row.image or ""))
    rows += [Pair(name, None, _why_unpaired(name, left_images, left_masks, "mask")) for name in left_images]
    rows += [Pair(None, name, _why_unpaired(name, left_masks, left_images, "image")) for name in left_masks]
    return tuple(rows)


def separate(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tells images from masks that were sent together: by a folder named "masks" or by a word in the name.

    GeoJSON files are masks in any folder.

    Returns:
        The names of the images and the names of the masks.
    """
    images: list[str] = []
    masks: list[str] = []
    for name in names:
        path = PurePosixPath(name.lower())
        words = {path.suffix.removeprefix(".")} | set(path.parent.parts)
        tokens = _tokens(path.stem)
        words |= {tokens[0], tokens[-1]} if len(tokens) > 1 else set()
        (masks if words & (MASK_WORDS | {"geojson", "json"}) else images).append(name)
    return images, masks


def _tokens(stem: str) -> list[str]:
    return [token for token in _SEPARATORS.split(stem.lower()) if token] or [stem.lower()]


def _folder(name: str) -> tuple[str, ...]:
    parts = PurePosixPath(name.lower()).parent.parts
    return tuple(part for part in parts if part not in IMAGE_WORDS | MASK_WORDS)


def _stem(name: str) -> str:
    return PurePosixPath(name.lower()).stem


def _bare(name: str) -> str:
    """The stem without a word for "image" or "mask" at either end, whatever its separators."""
    tokens = _tokens(_stem(name))
    words = IMAGE_WORDS | MASK_WORDS
    if len(tokens) > 1 and tokens[-1] in words:
        tokens = tokens[:-1]
    if len(tokens) > 1 and tokens[0] in words:
        tokens = tokens[1:]
    return " ".join(tokens)


_RULES: tuple[Callable[[str], object], ...] = (  # names match if they have the same key
    lambda name: (_folder(name), _stem(name)),
    _stem,
    lambda name: (_folder(name), _bare(name)),
    _bare,
)


def _unique_matches(
    images: Sequence[str], masks: Sequence[str], rule: Callable[[str], object]
) -> list[tuple[str, str]]:
    groups: dict[object, tuple[list[str], list[str]]] = {}
    for side, names in enumerate((images, masks)):
        for name in names:
            groups.setdefault(rule(name), ([], []))[side].append(name)
    return [(group[0][0], group[1][0]) for group in groups.values() if len(group[0]) == len(group[1]) == 1]


def _why_unpaired(name: str, own: Sequence[str], others: Sequence[str], other_kind: str) -> str:
    rivals = [rival for rival in own if rival != name and _bare(rival) == _bare(name)]
    partners = [partner for partner in others if _bare(partner) == _bare(name)]
    if partners and (rivals or len(partners) > 1):
        names = ", ".join([name, *rivals])
        return f"ambiguous: {names} could match {', '.join(partners)}; rename or remove some of them"
    return f"no {other_kind} has a matching name"
