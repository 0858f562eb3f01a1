"""Tells images, labels and side files apart, by the folders and names of the layouts that people have.

Known layouts: two folders (``images``/``masks`` and many other words), Cityscapes, mmsegmentation, Pascal VOC and CVAT,
labelme's, nnU-Net, YOLO, one folder per scene, one mask per object (Data Science Bowl), and files side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from explorer.imagery.reading.names import (
    MASK_WORDS,
    VISUALISATION,
    FileName,
    Role,
    Tokens,
    common_start,
    meant,
    same_split,
    words,
)
from explorer.imagery.reading.upload import Skipped

_SIDE_FILES = words(  # take no part unless they are labels
    ".tfw .tifw .tiffw .pgw .pngw .jgw .jpgw .jpegw .wld .gfw .xml .json .jsonl .txt .qml .qgz .qgs .md .csv .tsv .prj "
    ".dbf .shx .cpg .sbn .sbx .qix .qpj .qmd .fix .lyr .sld .ovr .rrd .msk .rpb .imd .til .eph .att .geo .yaml .yml "
    ".names .data .toml .ini .cfg .log .html .htm .rst .pdf .doc .docx .rtf .xlsx .py .ipynb .sh .lock .cache .pbtxt"
)
_DOCUMENTS = words("license licence readme copying notice citation authors changelog makefile")  # without extension
_RASTERS = words(".png .jpg .jpeg .tif .tiff .bmp .gif .webp .jp2 .j2k .heic .heif .avif")
_VECTORS = words(".geojson .shp .gpkg .kml .fgb .kmz .gml .topojson")  # labels even where they are broken
_PHOTOS = words(".jpg .jpeg .tif .tiff")
_INSTANCES = words("instance instances inst panoptic object objects")
_CLASS_WORDS = words("class classes category cat layer band channel")
_OBJECT_WORDS = words("object obj objects instance inst nucleus cell")

_SURE_WORDS = MASK_WORDS - {"y", "ann", "anns", "target", "targets", "vector", "vectors", "manual", "semantic"}  # alone

_Key = TypeVar("_Key")


@dataclass(frozen=True)
class Arrangement:
    """What the files of an upload are.

    Attributes:
        images: names, in the order in which they came.
        labels: names, in the order in which they came.
        companions: names of side files: world files, lists of classes, descriptions.
        skipped: labels that say what another one says, and files in the wrong place.
        told_by_extension: the labels that nothing but their extension tells from the images.
    """

    images: tuple[str, ...]
    labels: tuple[str, ...]
    companions: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    told_by_extension: frozenset[str] = frozenset()


def arrange(
    images: Collection[str],
    masks: Collection[str] | None,
    is_label: Callable[[str], bool],
    chosen: Mapping[str, str] | None = None,
) -> Arrangement:
    """Says of every file whether it is an image, a label or a side file.

    Args:
        images: names of the files sent as images; of all files if ``masks`` is None.
        masks: names of the files sent as masks; None if all came together.
        is_label: whether a file that is no raster is a label file, by its content.
        chosen: label by image, as paired by hand: these files are what the choice says, whatever their names.
    """
    chosen = chosen or {}
    sent = list(images) if masks is None else list(masks)  # where labels may be
    found = _sort(images, is_label, _stems(images))
    companions = found.companions
    by_extension: frozenset[str] = frozenset()
    if masks is None:
        rasters, labels, by_extension = _told_apart(found.rasters, found.labels)
        skipped: list[Skipped] = []
    else:
        among_masks = _sort(masks, is_label, _stems(images))
        rasters, skipped = _without(found.rasters, Role.MASK, "it lies in a folder of masks; the masks came separately")
        skipped += [Skipped(name.raw, "a label among the images; the masks came separately") for name in found.labels]
        labels, more = _without(among_masks.rasters, Role.IMAGE, "it lies in a folder of images among the masks")
        labels = among_masks.labels + labels
        skipped += more
        companions = companions + among_masks.companions
    labels, more = _one_of_each_variant(labels)
    skipped += more
    as_images = {name for wanted in chosen for name in meant(wanted, images)}
    as_labels = {name for wanted in chosen.values() for name in meant(wanted, sent)}
    by_hand = as_images | as_labels
    are_images, are_labels = {name.raw for name in rasters} | as_images, {name.raw for name in labels} | as_labels
    if masks is None:
        are_images, are_labels = are_images - as_labels, are_labels - (as_images - as_labels)
    return Arrangement(
        tuple(name for name in images if name in are_images),
        tuple(name for name in sent if name in are_labels),
        tuple(name.raw for name in companions if name.raw not in by_hand),
        tuple(entry for entry in skipped if entry.name not in by_hand),
        by_extension,
    )


def masks_by_object(images: Sequence[FileName], labels: Sequence[FileName]) -> dict[str, list[str]]:
    """The masks of each image that has one mask per object.

    Recognised are ``id/images/id.png`` with ``id/masks/*.png``, ``masks/id/*.png``, and ``id_object_1.png``. The names
    of such masks hold a number; where they hold a word for a class instead, the file is not taken for an object.
    """
    found: dict[str, list[str]] = defaultdict(list)
    by_stem = _grouped(images, lambda image: image.stem)
    by_scene = _grouped(images, _scene_folder)
    masks = [label for label in labels if label.suffix in _RASTERS and not _CLASS_WORDS & set(label.tokens)]
    for image, group in _mask_folders(masks, by_stem, by_scene):
        if all(any(token.isdecimal() for token in mask.tokens) for mask in group):
            found[image.raw] += [mask.raw for mask in group]
    taken = {name for names in found.values() for name in names}
    by_tokens = _grouped(images, lambda image: image.bare)
    for mask in masks:
        *start, word, number = mask.tokens if len(mask.tokens) > 2 else ("", "", "")
        candidates = [image for image in by_tokens.get(tuple(start), []) if same_split(image, mask)]
        if mask.raw not in taken and word in _OBJECT_WORDS and number.isdecimal() and len(candidates) == 1:
            found[candidates[0].raw].append(mask.raw)
    return dict(found)


def validation_images(images: Collection[str]) -> Collection[str]:
    """The images in a folder for validation (``val``, ``valid``, ``validation``), where others are in one for training.

    Returns:
        Their names; empty if there are no such folders.
    """
    splits = {name: FileName(name).split for name in images}
    if "train" not in splits.values():
        return frozenset()
    return frozenset(name for name, split in splits.items() if split == "val")


@dataclass(frozen=True)
class _Sorted:
    rasters: list[FileName]
    labels: list[FileName]
    companions: list[FileName]


def _stems(names: Iterable[str]) -> set[str]:
    return {name.stem for name in map(FileName, names) if name.suffix not in _SIDE_FILES}


def _sort(names: Iterable[str], is_label: Callable[[str], bool], stems: Collection[str]) -> _Sorted:
    rasters, labels, companions = [], [], []
    for name in map(FileName, names):
        if name.suffix in _RASTERS:
            rasters.append(name)
        elif name.suffix in _VECTORS or is_label(name.raw):
            labels.append(name)
        elif name.suffix in _SIDE_FILES or name.parts[-1] in _DOCUMENTS:
            companions.append(name)
        else:  # an image of a kind that is not read, most likely: it gets its reason when it is read
            rasters.append(name)
    folders = {name.parts[:-1] for name in labels if name.suffix == ".txt"}
    empty = {each for each in companions if each.suffix == ".txt" and each.parts[:-1] in folders and each.stem in stems}
    labels += [name for name in companions if name in empty]  # YOLO: an image without objects
    return _Sorted(rasters, labels, [name for name in companions if name not in empty])


def _told_apart(
    rasters: list[FileName], labels: list[FileName]
) -> tuple[list[FileName], list[FileName], frozenset[str]]:
    """Images and labels among files that came together, and the labels told by nothing but their extension."""
    folders_tell = any(name.role is Role.MASK for name in (*rasters, *labels))
    shared = common_start(name.tokens for name in rasters) if len(rasters) > 1 else 0
    partners = {(name.folder, name.wordless) for name in rasters if not _mask_words(name, shared)}
    masks = []
    for name in rasters:
        said = _mask_words(name, shared)
        if name.role is not None and folders_tell:
            is_mask = name.role is Role.MASK
        elif said & _SURE_WORDS & name.end_words:
            is_mask = True
        else:
            is_mask = bool(said) and (name.folder, name.wordless) in partners
        if is_mask:
            masks.append(name)
    by_extension: frozenset[str] = frozenset()
    if not masks and not labels and any(name.role is Role.IMAGE for name in rasters):  # sat/1.tiff and map/1.tif
        masks = [name for name in rasters if name.role is None and name.path.parent.name.lower() in ("map", "maps")]
    if not masks and not labels:
        groups = _grouped(rasters, lambda name: (name.folder, name.stem))
        masks = [
            png
            for group in groups.values()
            for png in group
            if len(group) == 2 and png.suffix == ".png" and any(other.suffix in _PHOTOS for other in group)
        ]
        by_extension = frozenset(name.raw for name in masks)
    taken = set(masks)
    return [name for name in rasters if name not in taken], labels + masks, by_extension


def _mask_words(name: FileName, shared: int) -> frozenset[str]:
    return MASK_WORDS & frozenset(name.tokens[shared:])


def _without(names: list[FileName], role: Role, reason: str) -> tuple[list[FileName], list[Skipped]]:
    """The names without those in folders of a role, if folders of the other role lie beside them."""
    if not {Role.IMAGE, Role.MASK} <= {name.role for name in names}:
        return names, []
    skipped = [Skipped(name.raw, reason) for name in names if name.role is role]
    return [name for name in names if name.role is not role], skipped


def _one_of_each_variant(labels: list[FileName]) -> tuple[list[FileName], list[Skipped]]:
    """The labels, with one of those that say the same in several ways: ids, colours, a number per object."""
    groups = _grouped(labels, lambda label: (label.folder, label.bare))
    skipped: list[Skipped] = []
    for group in groups.values():
        variants = {label: _variant(label) for label in group}
        rasters = [label for label in group if label.suffix in _RASTERS]
        if not rasters:
            continue
        used = min(rasters, key=lambda label: variants[label].rank)
        for label, variant in variants.items():
            if variant.rank > variants[used].rank:
                skipped.append(Skipped(label.raw, f"{variant.what} of the scene; {used.raw} is used"))
    unused = {entry.name for entry in skipped}
    return [label for label in labels if label.raw not in unused], skipped


class _Variant(NamedTuple):
    rank: float  # the lower, the better it suits among the labels of one scene
    what: str


def _variant(label: FileName) -> _Variant:
    said = label.end_words | label.role_words
    if label.suffix == ".xml":
        return _Variant(8, "the boxes")
    if label.suffix not in _RASTERS:
        is_polygons = label.suffix == ".json" and "polygons" in said
        return _Variant(7, "the polygons") if is_polygons else _Variant(0, "another label")
    coarse = 0.5 if "coarse" in said else 0
    if said & VISUALISATION:
        return _Variant(6, "a picture of the labels")
    if said & _INSTANCES:
        return _Variant(4 + coarse, "the numbers of the objects")
    if said & {"color", "colour", "colored", "coloured"}:
        return _Variant(3 + coarse, "the colours")
    return _Variant(1 + coarse, "the class ids") if "trainids" in said else _Variant(2 + coarse, "the class ids")


def _scene_folder(image: FileName) -> Tokens:
    """The folder of a scene that has its own: that above ``images``, or that in which the image lies."""
    parts = image.parts[:-1]
    if parts and FileName("/".join([*image.path.parts[-2:-1], "file"])).role is Role.IMAGE:
        return parts[:-1]
    return parts


def _mask_folders(
    masks: Sequence[FileName], by_stem: Mapping[str, list[FileName]], by_scene: Mapping[Tokens, list[FileName]]
) -> list[tuple[FileName, list[FileName]]]:
    """Images and the masks in the folder that belongs to each, where it holds no mask of the image's own name."""
    folders = _grouped(masks, lambda mask: mask.parts[:-1])
    found = []
    for parts, group in folders.items():
        named = [
            image
            for part in reversed(parts)
            for image in by_stem.get(part, [])
            if same_split(image, group[0]) and FileName(f"{part}/file").role is None
        ]
        inside = by_scene.get(parts[:-1], []) if parts and FileName(f"{parts[-1]}/file").role is Role.MASK else []
        owners = named if len(named) == 1 else [image for image in inside if image in named] or inside
        if len(owners) != 1:
            continue
        image = owners[0]
        if any(mask.bare in (image.bare, ()) for mask in group):
            continue
        apart = len(by_scene) > 1 and not any(_shape(mask) == _shape(image) for mask in group)
        if named or apart:  # otherwise, scene_7 could be taken for an object of the only image, scene_5
            found.append((image, group))
    return found


def _shape(name: FileName) -> Tokens:
    return tuple("#" if token.isdecimal() else token for token in name.bare)


def _grouped(names: Iterable[FileName], key: Callable[[FileName], _Key]) -> dict[_Key, list[FileName]]:
    groups: dict[_Key, list[FileName]] = defaultdict(list)
    for name in names:
        groups[key(name)].append(name)
    return groups
