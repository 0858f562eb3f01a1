"""Pairs images and labels: by hand, by what a label file lists, and by their names, the strictest rule first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.layout import masks_by_object
from explorer.imagery.reading.name_rules import NameIndex, matches_by_name
from explorer.imagery.reading.names import FileName, escaped, meant, same_split

_NONE: Mapping[str, str] = MappingProxyType({})
_LISTS_NOTHING: Mapping[str, Collection[str]] = MappingProxyType({})
_SHOWN = 4  # names in one sentence


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


def pair(
    images: Collection[str],
    labels: Collection[str],
    *,
    chosen: Mapping[str, str] = _NONE,
    listed: Mapping[str, Collection[str]] = _LISTS_NOTHING,
    everywhere: Collection[str] = (),
    told_by_extension: Collection[str] = (),
    unread: Collection[str] = (),
) -> tuple[Pair, ...]:
    """Pairs images and labels.

    A choice by hand comes before everything. Then come masks with one object each (see
    :func:`~explorer.imagery.reading.layout.masks_by_object`), the images that a label file lists itself, and the names:
    folder and stem, the stem alone, both without words such as "mask", and at last without what all names of a side
    have in common, or where a mask's name contains that of its image; what these last rules pair has a note. Files in
    folders for training, validation and test never mix. A file that matches more than one other by a rule is not paired
    by it.

    Args:
        images: names.
        labels: names of rasters, vector and annotation files.
        chosen: label by image, by hand; names in full or their last parts.
        listed: names of images by label file, where the file says which it labels.
        everywhere: vector files that can be drawn on any georeferenced image. If one such file is left, every image
            without a label gets it.
        told_by_extension: the labels that were told from the images by nothing but their extension.
        unread: the labels in formats that are not read: one is paired only with an image that no other label has.

    Returns:
        A row for each pair, in the order of the images, then a row for each file without a partner. A label file for
        several images is in several rows.

    Raises:
        InputError: ``chosen`` names a file that is not there, or one that could be several.
    """
    table = _Table(list(map(FileName, dict.fromkeys(images))), list(map(FileName, dict.fromkeys(labels))))
    _pair_by_hand(table, chosen)
    of_all_kinds = table.labels
    table.labels = [label for label in of_all_kinds if label.raw not in unread]
    _pair_objects(table)
    _pair_by_list(table, listed)
    _pair_by_name(table, listed, everywhere)
    _pair_everywhere(table, everywhere)
    if len(table.labels) < len(of_all_kinds):
        table.labels = of_all_kinds
        _pair_by_name(table, listed, everywhere)
    rows = [table.rows[image.raw] for image in table.images if image.raw in table.rows]
    return (*(_with_note(row, told_by_extension) for row in rows), *_unpaired(table, listed))


def _with_note(row: Pair, told_by_extension: Collection[str]) -> Pair:
    if row.mask not in told_by_extension or row.image in told_by_extension:
        return row
    note = Note("paired_by_part", f"Nothing but its extension tells the mask {row.mask} from its image {row.image}.")
    return replace(row, notes=(*row.notes, note))


@dataclass
class _Table:
    """The rows so far, and the files that have none yet."""

    images: list[FileName]
    labels: list[FileName]
    rows: dict[str, Pair] = field(default_factory=dict)  # by image
    refused: dict[str, str] = field(default_factory=dict)  # reason, by image or label
    unclear: dict[str, str] = field(default_factory=dict)  # the same, of what is paired if a later rule tells
    taken: set[str] = field(default_factory=set)  # labels with an image

    @property
    def left_images(self) -> list[FileName]:
        return [image for image in self.images if image.raw not in self.rows and image.raw not in self.refused]

    @property
    def left_labels(self) -> list[FileName]:
        return [label for label in self.labels if label.raw not in self.taken]

    def add(self, image: str, label: str, *notes: Note, more: Sequence[str] = ()) -> None:
        self.rows[image] = Pair(image, label, more_masks=tuple(more), notes=notes)
        self.taken |= {label, *more}


def _pair_by_hand(table: _Table, chosen: Mapping[str, str]) -> None:
    for wanted_image, wanted_label in chosen.items():
        image = _the_one(wanted_image, table.images, "image")
        label = _the_one(wanted_label, table.labels, "mask")
        table.add(image, label, Note("paired_by_hand", f"{label} was chosen as the label of {image}."))


def _the_one(wanted: str, names: Sequence[FileName], kind: str) -> str:
    found = meant(wanted, [name.raw for name in names])
    if len(found) == 1:
        return found[0]
    what = f"it could be {_some(list(map(FileName, found)))}" if found else f"no {kind} has this name"
    remedy = "give more of its path" if found else f"choose from {_some(names)}" if names else f"add the {kind}"
    raise InputError(what, escaped(wanted)[:200], remedy)


def _pair_objects(table: _Table) -> None:
    for image, masks in masks_by_object(table.left_images, table.left_labels).items():
        table.add(image, masks[0], more=masks[1:])


def _pair_by_list(table: _Table, listed: Mapping[str, Collection[str]]) -> None:
    """Gives each image the label file that lists it, if no other does and no label has the image's name."""
    by_name: dict[str, list[FileName]] = defaultdict(list)
    by_stem: dict[str, list[FileName]] = defaultdict(list)
    for image in table.left_images:
        by_name[image.parts[-1]].append(image)
        by_stem[image.stem].append(image)
    claims: dict[FileName, list[FileName]] = defaultdict(list)
    for label in table.left_labels:
        names = listed.get(label.raw, ())
        if len(names) == 1 and label.stem in by_stem:
            continue  # the image was renamed together with its label file, which still lists the old name
        for name in dict.fromkeys(names):
            found = _listed_images(FileName(name.replace("\\", "/")), label, by_name, by_stem)
            if len(found) == 1 and label not in claims[found[0]]:
                claims[found[0]].append(label)
            elif len(found) > 1:
                table.unclear |= {each.raw: _ambiguous(found, [label]) for each in (*found, label)}
    others = NameIndex([label for label in table.left_labels if label.raw not in listed])
    for image, labels in claims.items():
        named = others.could_match(image)
        rivals = labels + named
        if len(rivals) == 1:
            table.add(image.raw, rivals[0].raw)
        elif rivals:
            table.refused[image.raw] = _ambiguous([image], rivals)
            table.refused |= {label.raw: _ambiguous([image], rivals) for label in named}
            table.unclear |= {label.raw: _ambiguous([image], rivals) for label in labels}


def _listed_images(
    name: FileName, label: FileName, by_name: Mapping[str, list[FileName]], by_stem: Mapping[str, list[FileName]]
) -> list[FileName]:
    """The images that a label file may mean: of that file name, with as many folders as it takes to tell them apart.

    A label file in a folder for training means no image in one for validation; one that is called after a split, as
    ``instances_train2017.json``, means the images of that split first.
    """
    if not name.parts:
        return []
    candidates = by_name.get(name.parts[-1]) or by_stem.get(name.stem, [])  # the images may have been converted
    candidates = [image for image in candidates if same_split(image, label)]
    called = FileName(f"{label.stem}/file")
    candidates = [image for image in candidates if same_split(image, called)] or candidates
    for depth in range(2, len(name.parts) + 1):
        if len(candidates) < 2:
            break
        folders = name.parts[-depth:-1]
        candidates = [image for image in candidates if image.parts[-depth:-1] == folders] or candidates
    return candidates


def _pair_by_name(table: _Table, listed: Collection[str], everywhere: Collection[str]) -> None:
    images = table.left_images
    labels = [label for label in table.left_labels if label.raw not in table.refused]
    vectors = [label.raw for label in labels if label.raw in everywhere]
    # The only vector file of several images is for all of them, unless it has the very name of one.
    shared = vectors if len(vectors) == 1 and len(images) > 1 else []
    for match in matches_by_name(images, labels, {*listed, *shared}):
        text = f"{match.label.raw} was paired with {match.image.raw}: {match.why}."
        table.add(match.image.raw, match.label.raw, *([Note("paired_by_part", text)] if match.why else []))


def _pair_everywhere(table: _Table, everywhere: Collection[str]) -> None:
    by_label = NameIndex(table.left_labels)
    claimed = [image for image in table.left_images if by_label.could_match(image)]
    by_image = NameIndex(claimed)
    free = [label for label in table.left_labels if label.raw in everywhere and not by_image.could_match(label)]
    images = [image for image in table.left_images if image not in set(claimed)]
    if len(free) == 1:
        text = f"{free[0].raw} has the name of no image: it is drawn on every image without a label of its own."
        for image in images:
            table.add(image.raw, free[0].raw, Note("shared_label", text))
    elif len(free) > 1:
        reason = f"several files could be drawn on it: {_some(free)}; {_BY_HAND}"
        table.refused |= {image.raw: reason for image in images}
        table.refused |= {label.raw: f"one of {len(free)} files for any image; {_BY_HAND}" for label in free}


_BY_HAND = "rename or remove some of them, or pair by hand"


def _unpaired(table: _Table, listed: Mapping[str, Collection[str]]) -> list[Pair]:
    images, labels = NameIndex(table.left_images), NameIndex(table.left_labels)
    paired = NameIndex([image for image in table.images if image.raw in table.rows])
    rows = []
    for image in table.images:
        if image.raw not in table.rows:
            known = table.refused.get(image.raw) or table.unclear.get(image.raw)
            reason = known or _why_image(image, images, labels, not table.labels, listed)
            rows.append(Pair(image.raw, None, reason))
    for label in table.left_labels:
        known = table.refused.get(label.raw) or table.unclear.get(label.raw)
        reason = known or _why_label(label, images, labels, listed.get(label.raw, ()))
        owners = paired.could_match(label, 1)
        if owners and not reason.startswith("ambiguous"):
            used = table.rows[owners[0].raw].mask
            reason = f"{owners[0].raw} is paired with {used} already; to use this file instead, pair by hand"
        rows.append(Pair(None, label.raw, reason))
    return rows


def _why_image(
    image: FileName, images: NameIndex, labels: NameIndex, no_labels: bool, listed: Mapping[str, Collection[str]]
) -> str:
    candidates = labels.could_match(image)
    if candidates:
        rivals = [rival for label in candidates for rival in images.could_match(label)]
        return _ambiguous(list(dict.fromkeys([image, *rivals])), candidates)
    if no_labels:
        return 'no masks were found; put them into a folder "masks", or end their names with "_mask"'
    for label, lists in listed.items():
        if not same_split(FileName(label), image):
            continue
        return f"{label} does not list it; it lists {_some(list(map(FileName, lists)))}"
    return f"no mask has a matching name{_nearest(image, labels)}"


def _why_label(label: FileName, images: NameIndex, labels: NameIndex, lists: Collection[str]) -> str:
    candidates = images.could_match(label)
    if candidates:
        rivals = [rival for image in candidates for rival in labels.could_match(image)]
        return _ambiguous(candidates, list(dict.fromkeys([*rivals, label])))
    if lists:
        return f"none of the images that it lists is there: {_some(list(map(FileName, lists)))}"
    return f"no image has a matching name{_nearest(label, images)}"


def _ambiguous(images: Sequence[FileName], labels: Sequence[FileName]) -> str:
    return f"ambiguous: {_some(images)} could match {_some(labels)}; {_BY_HAND}"


def _nearest(name: FileName, others: NameIndex) -> str:
    alike = others.nearest(name)
    return f"; nearest: {_some(alike)}" if alike else ""


def _some(names: Sequence[FileName]) -> str:
    shown = ", ".join(escaped(name.raw)[:200] for name in names[:_SHOWN])
    return f"{shown} and others" if len(names) > _SHOWN else shown
