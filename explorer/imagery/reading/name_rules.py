"""The rules by which the names of an image and a label match, from the strictest to the loosest.

A rule pairs an image and a label only if neither of them matches a second file by it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from explorer.imagery.reading.names import FileName, Tokens, common_start, same_split

_Key = Callable[[FileName], Hashable]  # names match if they have the same key; None matches nothing
_MAX_COMPARED = 40_000  # image × label of one key; where so many have one name, their folders must tell
_MAX_NEAR = 20  # names with one token that are looked at, for a message
_MAX_TOKENS = 24  # of one name that are looked for in another


@dataclass(frozen=True)
class Match:
    """An image and a label that belong together."""

    image: FileName
    label: FileName
    why: str = ""  # what they were paired by, where it was not the whole name or all but known words


def matches_by_name(
    images: Sequence[FileName], labels: Sequence[FileName], only_strictly: Collection[str] = ()
) -> list[Match]:
    """What all rules find, each among the files that the stricter ones left.

    Args:
        images: without a label so far.
        labels: without an image so far.
        only_strictly: names of labels that are not to be matched by a part of their names.
    """
    found: list[Match] = []
    for key, folders_count in _STRICT:
        found += _unique(*_left(images, labels, found), key, _fit if folders_count else same_split)
    left_images, left_labels = _left(images, labels, found)
    image_index, label_index = NameIndex(left_images), NameIndex(left_labels)  # what matches now is ambiguous
    left_images = [image for image in left_images if not label_index.could_match(image, 1)]
    left_labels = [
        label for label in left_labels if label.raw not in only_strictly and not image_index.could_match(label, 1)
    ]
    for rule in (_alone_in_folder, _by_core, _by_containment, _by_stem_elsewhere):
        found += rule(*_left(left_images, left_labels, found), images, labels)
    return found


def _left(
    images: Sequence[FileName], labels: Sequence[FileName], found: Sequence[Match]
) -> tuple[list[FileName], list[FileName]]:
    with_label, with_image = {match.image for match in found}, {match.label for match in found}
    return [each for each in images if each not in with_label], [each for each in labels if each not in with_image]


def could_match(image: FileName, label: FileName) -> bool:
    """Whether the names match apart from the words that say what a file holds."""
    same = image.stem == label.stem or (bool(image.wordless) and image.wordless == label.wordless)
    if not image.bare and not label.bare:
        same = image.plain_folder == label.plain_folder
    return same and _fit(image, label)


class NameIndex:
    """Names, to be searched for those that are like another."""

    def __init__(self, names: Sequence[FileName]) -> None:
        self._by_key: dict[Hashable, list[FileName]] = defaultdict(list)
        self._by_token: dict[str, list[FileName]] = defaultdict(list)
        for name in names:
            for key in self._keys(name):
                self._by_key[key].append(name)
            for token in set(name.bare):
                self._by_token[token].append(name)
        self._sorted = sorted(names, key=lambda name: name.stem)
        self._stems = [name.stem for name in self._sorted]

    def could_match(self, name: FileName, count: int = 20) -> list[FileName]:
        """Names that differ in the words that say what a file holds, at most; no more than ``count``."""
        found = dict.fromkeys(other for key in self._keys(name) for other in self._by_key.get(key, ()))
        return list(islice((other for other in found if could_match(name, other)), count))

    def nearest(self, name: FileName, count: int = 2) -> list[FileName]:
        """The names that have the most tokens, or the longest start, in common with this one; none if nothing is."""
        place = bisect_left(self._stems, name.stem)
        near = dict.fromkeys(self._sorted[max(0, place - count) : place + count])
        for token in set(name.bare):
            near |= dict.fromkeys(self._by_token.get(token, ())[:_MAX_NEAR])
        own = set(name.bare)
        scores = {other: (len(own & set(other.bare)), common_start([name.stem, other.stem])) for other in near}
        alike = [other for other, (shared, start) in scores.items() if shared or start >= 3]
        return sorted(alike, key=lambda other: scores[other], reverse=True)[:count]

    @staticmethod
    def _keys(name: FileName) -> list[Hashable]:
        if not name.bare:
            return [name.plain_folder]
        return [name.stem, name.wordless] if name.wordless else [name.stem]


_STRICT: tuple[tuple[_Key, bool], ...] = (  # and whether the folders must fit, too
    (lambda name: (name.folder, name.exact_stem), False),
    (lambda name: (name.folder, name.stem), False),
    (lambda name: (name.plain_folder, name.stem), False),
    (lambda name: name.stem if name.bare else None, True),
    (lambda name: (name.folder, name.bare), False),
    (lambda name: (name.plain_folder, name.bare), False),
    (lambda name: name.bare or None, True),
    (lambda name: (name.folder, name.wordless) if name.wordless else None, False),
    (lambda name: name.wordless or None, True),
)


def _fit(one: FileName, other: FileName) -> bool:
    """Whether the folders do not contradict each other: where both have some, those of one end or begin the other's."""
    a, b = one.plain_folder[1:], other.plain_folder[1:]
    shorter, longer = sorted((a, b), key=len)
    size = len(shorter)
    return same_split(one, other) and (size == 0 or shorter in (longer[:size], longer[-size:]))


def _unique(
    images: Sequence[FileName],
    labels: Sequence[FileName],
    key: _Key,
    fit: Callable[[FileName, FileName], bool],
    key_of_label: _Key | None = None,
) -> list[Match]:
    groups: dict[Hashable, tuple[list[FileName], list[FileName]]] = defaultdict(lambda: ([], []))
    for image in images:
        groups[key(image)][0].append(image)
    for label in labels:
        groups[(key_of_label or key)(label)][1].append(label)
    groups.pop(None, None)
    return [
        match
        for of_images, of_labels in groups.values()
        if len(of_images) * len(of_labels) <= _MAX_COMPARED
        for match in _mutual([(image, label) for image in of_images for label in of_labels if fit(image, label)])
    ]


def _mutual(fitting: Sequence[tuple[FileName, FileName]]) -> list[Match]:
    """The pairs of which neither file is in a second pair."""
    of_image: dict[FileName, set[FileName]] = defaultdict(set)
    of_label: dict[FileName, set[FileName]] = defaultdict(set)
    for image, label in fitting:
        of_image[image].add(label)
        of_label[label].add(image)
    return [Match(image, label) for image, label in fitting if len(of_image[image]) == 1 and len(of_label[label]) == 1]


def _alone_in_folder(
    images: Sequence[FileName],
    labels: Sequence[FileName],
    all_images: Sequence[FileName],
    all_labels: Sequence[FileName],
) -> list[Match]:
    """The only image and the only label of a folder, where one of them is named by its kind alone: ``mask.png``."""
    folders: dict[Tokens, tuple[list[FileName], list[FileName]]] = defaultdict(lambda: ([], []))
    for side, names in enumerate((all_images, all_labels)):
        for name in names:
            folders[name.plain_folder][side].append(name)
    left_labels = set(labels)
    return [
        Match(image, label, "they are the only image and the only label of their folder")
        for image in images
        for label in folders[image.plain_folder][1]
        if label in left_labels
        and all(len(names) == 1 for names in folders[image.plain_folder])
        and not (image.bare and label.bare)
    ]


def _by_core(
    images: Sequence[FileName],
    labels: Sequence[FileName],
    all_images: Sequence[FileName],
    all_labels: Sequence[FileName],
) -> list[Match]:
    """Names without what those of all images, and of all labels, begin and end with: IMG_1_rgb and seg-01-final."""
    of_images = _common(images if len(images) > 1 else all_images)
    of_labels = _common(labels if len(labels) > 1 else all_labels)
    if of_images.numbers and of_labels.numbers and of_images.numbers != of_labels.numbers:
        return []  # north_1_* and north_2_*, say
    of_two_folders = all(len({name.folder for name in names}) == 1 for names in (all_images, all_labels))
    matches = _unique(images, labels, of_images.core, same_split if of_two_folders else _fit, of_labels.core)
    why = "their names are alike apart from what all images and all masks have in common"
    return [Match(match.image, match.label, why) for match in matches]


class _Common(NamedTuple):
    """What several names begin and end with, in tokens."""

    start: int
    end: int
    numbers: tuple[int, ...]  # those in it, apart from that of a version

    def core(self, name: FileName) -> Hashable:
        """The tokens of a name without it; numbers without leading zeros."""
        tokens = name.bare[self.start : len(name.bare) - self.end]
        return tuple(str(int(token)) if token.isdecimal() else token for token in tokens) or None


def _common(names: Sequence[FileName]) -> _Common:
    all_tokens = [name.bare for name in names]
    room = min(map(len, all_tokens), default=0) - 1  # something has to be left of each
    if len(set(all_tokens)) < 2 or room < 1:
        return _Common(0, 0, ())
    start = min(room, common_start(all_tokens))
    end = min(room - start, common_start(tokens[::-1] for tokens in all_tokens))
    cut = all_tokens[0][:start] + all_tokens[0][len(all_tokens[0]) - end :]
    versions = {"v", "version", "r", "rev"}
    numbers = tuple(
        int(token)
        for before, token in zip(("", *cut), cut, strict=False)
        if token.isdecimal() and before not in versions
    )
    return _Common(start, end, numbers)


def _by_containment(
    images: Sequence[FileName],
    labels: Sequence[FileName],
    all_images: Sequence[FileName],
    all_labels: Sequence[FileName],
) -> list[Match]:
    """A label whose name holds the whole name of an image, or the reverse; "tile_1" is no part of "tile_1_2"."""
    fitting = dict.fromkeys(_contained(all_images, labels))
    fitting |= {(image, label): None for label, image in _contained(all_labels, images)}
    left_images, left_labels = set(images), set(labels)
    return [
        Match(match.image, match.label, "the name of one contains that of the other")
        for match in _mutual(list(fitting))
        if match.image in left_images and match.label in left_labels
    ]


def _contained(inner: Sequence[FileName], outer: Sequence[FileName]) -> Iterator[tuple[FileName, FileName]]:
    """For each outer name, the inner names of which it holds the most tokens."""
    by_tokens: dict[Tokens, list[FileName]] = defaultdict(list)
    for name in inner:
        by_tokens[name.bare].append(name)
    for name in outer:
        for part in _parts(name.tokens):
            owners = [owner for owner in by_tokens.get(part, []) if _fit(owner, name)]
            if owners:
                yield from ((owner, name) for owner in owners)
                break


def _parts(tokens: Tokens) -> Iterator[Tokens]:
    """Runs of tokens, the longest first, that no number continues; a lone number only if there is no other."""
    numbers = [token.isdecimal() for token in tokens]
    for size in range(min(len(tokens), _MAX_TOKENS), 0, -1):
        for start in range(len(tokens) - size + 1):
            end = start + size
            continued = (start > 0 and numbers[start - 1]) or (end < len(tokens) and numbers[end])
            lone = size == 1 and numbers[start] and sum(numbers) > 1
            if not continued and not lone:
                yield tokens[start:end]


def _by_stem_elsewhere(
    images: Sequence[FileName],
    labels: Sequence[FileName],
    all_images: Sequence[FileName],
    all_labels: Sequence[FileName],
) -> list[Match]:
    """The same stem in folders of other names."""
    matches = _unique(images, labels, lambda name: name.stem if name.bare else None, same_split)
    return [Match(match.image, match.label, "their names are the same, their folders are not") for match in matches]
