"""Names of files: what is compared when images and labels are told apart and paired.

Names are compared in NFC, without case, with every kind of space as one, and in tokens: ``leftImg8bit``,
``train_masks`` and ``Ground Truth`` hold the words "img", "masks" and "truth". A number is one token, so "10" is no
part of "101".
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from itertools import takewhile
from pathlib import PurePosixPath

Tokens = tuple[str, ...]


class Role(Enum):
    """What a folder or a file holds, by the words in its name."""

    IMAGE = "image"
    MASK = "mask"


def words(text: str) -> frozenset[str]:
    """A set of words from a text of them."""
    return frozenset(text.split())


_IMAGE = words(
    "image images img imgs imagery photo photos picture pictures input inputs bild bilder luftbild luftbilder "
    "foto fotos"
)
_IMAGE_IF_ALONE = words("rgb sat satellite source x raw")  # too common in other meanings to tell beside unknown words
_MASK = words(
    "mask masks label labels labelmap labelmaps gt gts groundtruth annotation annotations annot annots ann anns "
    "segmentation segmentations seg segs maske masken annotationen manual"
)
_MASK_IF_ALONE = words("truth target targets vector vectors y instance instances panoptic polygon polygons semantic")
_VARIANT = words("color colour colored coloured palette ids id class classes object objects inst fine coarse")
VISUALISATION = words("viz vis visualization visualisation visualized overlay overlays preview previews human")
_NEUTRAL = (
    words("dir dirs folder folders png jpg jpeg tif tiff data dataset set files file final ground map maps machine")
    | words("v version left bit binary gray grey aug only")
    | _VARIANT
    | VISUALISATION
)
IMAGE_WORDS = _IMAGE | _IMAGE_IF_ALONE
MASK_WORDS = _MASK | _MASK_IF_ALONE
_ROLE_WORDS = IMAGE_WORDS | MASK_WORDS
_SPLITS = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "ts"), "test"),
}
_SPLITS_IN_FULL = _SPLITS.keys() - {"tr", "ts", "trn", "dev"}  # the others tell only beside "images" or "labels"

_IMAGE_SUFFIXES = re.compile(r"(\.(png|jpe?g|tiff?|bmp|gif|webp|jp2))+$", re.IGNORECASE)
_CITYSCAPES_IMAGE = re.compile("left_?img_?8_?bit", re.IGNORECASE)
_LOWER, _UPPER, _LETTER = "a-zß-öø-ÿ", "A-ZÀ-ÖØ-Þ", r"[^\W\d_]"
_BORDERS = re.compile(  # of camelCase words, of acronyms (JPEGImages), and between letters and digits
    rf"(?<=[{_LOWER}])(?=[{_UPPER}])|(?<=[{_UPPER}])(?=[{_UPPER}][{_LOWER}])"
    rf"|(?<={_LETTER})(?=\d)|(?<=\d)(?={_LETTER})"
)
_SEPARATORS = re.compile(r"[\W_]+")
_GLUED = re.compile(  # trainmasks, valannot, labelids
    r"^(?!un|re)(\w{2,})(masks?|labels?|annots?|annotations?|segmentations?|images?)$"
    r"|^(labels?|instances?|gt)(ids|trainids|fine|coarse)$"
)
_JOINERS = dict.fromkeys([0x200C, 0x200D, 0xFE0E, 0xFE0F])  # they shape letters and emoji and are not seen


def escaped(name: str) -> str:
    """The name with every character that cannot or must not be shown written as an escape, ``\\u202e``."""
    return "".join(c if _may_be_shown(c) else c.encode("unicode_escape").decode() for c in name)


def is_clean(name: str) -> bool:
    """Whether the name has no control, bidirectional or other invisible formatting characters.

    Every space, and the joiners that Persian, Indic scripts and emoji need, are clean.
    """
    return all(map(_may_be_shown, name))


def _may_be_shown(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs" or ord(character) in _JOINERS


def comparable(text: str, keep_case: bool = False) -> str:
    """A part of a name in the form in which it is compared: NFC, one kind of space, no dot or space at its end."""
    text = unicodedata.normalize("NFC", text.translate(_JOINERS))
    text = " ".join(text.split()).rstrip(" .")
    return text if keep_case else unicodedata.normalize("NFC", text.casefold())


def without_image_suffix(name: str) -> str:
    """The name without the extensions of images at its end: ``a`` for ``a.tif`` and ``a.tif.png``."""
    return _IMAGE_SUFFIXES.sub("", name) or name


@lru_cache(maxsize=20_000)
def tokens_of(text: str) -> Tokens:
    """The words and numbers of a part of a name."""
    text = unicodedata.normalize("NFC", text.translate(_JOINERS))
    text = _BORDERS.sub(" ", _CITYSCAPES_IMAGE.sub(" img ", text))
    tokens: list[str] = []
    for token in _SEPARATORS.split(unicodedata.normalize("NFC", text.casefold())):
        glued = None if token in _ROLE_WORDS else _GLUED.match(token)
        if glued:
            tokens += [part for part in glued.groups() if part]
        elif token == "ids" and tokens and tokens[-1] == "train":  # labelTrainIds
            tokens[-1] = "trainids"
        elif token:
            tokens.append(token)
    return tuple(tokens)


@dataclass(frozen=True)
class _Folder:
    """What the name of one folder says."""

    role: Role | None
    split: str | None
    rest: Tokens  # what is left of its name without the words of role and split; all of it if it has none


@lru_cache(maxsize=20_000)
def _folder(part: str) -> _Folder:
    tokens = tokens_of(part)
    known = all(token in _ROLE_WORDS | _NEUTRAL | _SPLITS.keys() or token.isdecimal() for token in tokens)
    present = set(tokens)
    role = None
    if present & _MASK or (known and present & _MASK_IF_ALONE):
        role = Role.MASK
    elif present & _IMAGE or (known and present & _IMAGE_IF_ALONE):
        role = Role.IMAGE
    splits = present & (_SPLITS.keys() if role else _SPLITS_IN_FULL) if role or known else set()
    split = _SPLITS[min(splits)] if splits else None
    if role is None:
        return _Folder(None, split, () if split else (comparable(part),))
    rest = tuple(token for token in tokens if token not in _ROLE_WORDS | _NEUTRAL | splits)
    return _Folder(role, split, rest)


@dataclass(frozen=True)
class FileName:
    """A relative name with forward slashes, and what is compared of it."""

    raw: str

    @cached_property
    def path(self) -> PurePosixPath:
        """The name as a path."""
        return PurePosixPath(self.raw)

    @cached_property
    def suffix(self) -> str:
        """The extension in lower case, with its dot."""
        return self.path.suffix.lower()

    @cached_property
    def exact_stem(self) -> str:
        """The name without folders and extension, in NFC, with its case."""
        return comparable(self.path.stem, keep_case=True)

    @cached_property
    def stem(self) -> str:
        """The same without case, and without a second extension of an image (``a.tif.geojson``)."""
        return without_image_suffix(comparable(self.path.stem))

    @cached_property
    def parts(self) -> Tokens:
        """Every part of the path, as it is compared."""
        return tuple(map(comparable, self.path.parts))

    @cached_property
    def _folders(self) -> tuple[_Folder, ...]:
        return tuple(map(_folder, self.path.parent.parts))

    @cached_property
    def role(self) -> Role | None:
        """What the innermost folder that says it holds."""
        return next((folder.role for folder in reversed(self._folders) if folder.role), None)

    @cached_property
    def split(self) -> str | None:
        """``train``, ``val`` or ``test``, by the innermost folder that says it."""
        return next((folder.split for folder in reversed(self._folders) if folder.split), None)

    @cached_property
    def folder(self) -> Tokens:
        """The split, and the folders without the words that tell images from masks.

        It is the same for ``n/train_images`` and ``n/masks/train``.
        """
        return self._compared(with_rest=True)

    @cached_property
    def plain_folder(self) -> Tokens:
        """The split, and the folders that tell neither images nor masks."""
        return self._compared(with_rest=False)

    def _compared(self, with_rest: bool) -> Tokens:
        found: list[str] = []
        for folder in self._folders:
            if with_rest or folder.role is None:
                found += folder.rest
        return (self.split or "", *found)

    @cached_property
    def role_words(self) -> frozenset[str]:
        """The words of the folders that say what they hold."""
        folders = zip(self.path.parent.parts, self._folders, strict=True)
        return frozenset(token for part, folder in folders if folder.role for token in tokens_of(part))

    @cached_property
    def tokens(self) -> Tokens:
        """The words and numbers of the stem."""
        return tokens_of(without_image_suffix(self.path.stem))

    @cached_property
    def end_words(self) -> frozenset[str]:
        """The words at both ends of the stem that say what the file holds, with "color" and the like beside them."""
        start, end = self._ends
        return frozenset(self.tokens[:start] + self.tokens[len(self.tokens) - end :])

    @cached_property
    def bare(self) -> Tokens:
        """The tokens without the words at both ends that say what the file holds; empty if there are no others."""
        start, end = self._ends
        return self.tokens[start : max(start, len(self.tokens) - end)]

    @cached_property
    def wordless(self) -> Tokens:
        """The tokens without the words for image and mask at any place."""
        return tuple(token for token in self.bare if token not in _ROLE_WORDS)

    @cached_property
    def _ends(self) -> tuple[int, int]:
        return _run(self.tokens), _run(self.tokens[::-1])


def _run(tokens: Tokens) -> int:
    """How many of the first tokens say what a file holds; 0 without a word for image or mask among them."""
    known = tuple(takewhile(lambda token: token in _ROLE_WORDS | _NEUTRAL or token == "trainids", tokens))
    return len(known) if any(token in _ROLE_WORDS for token in known) else 0


def common_start(sequences: Iterable[Sequence[str]]) -> int:
    """How many of their first items all sequences share."""
    columns = zip(*sequences, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def same_split(one: FileName, other: FileName) -> bool:
    """Whether two files may belong together by their folders for training, validation and test."""
    return one.split is None or other.split is None or one.split == other.split


def meant(wanted: str, names: Collection[str]) -> list[str]:
    """The names that a person means by ``wanted``: that very name, or those which end with its parts."""
    if wanted in names:
        return [wanted]
    parts = FileName(wanted.replace("\\", "/")).parts
    return [name for name in names if parts and FileName(name).parts[-len(parts) :] == parts]


def scene_names(images: Sequence[str]) -> Mapping[str, str]:
    """A name for the scene of each image: its stem, with as many of its folders as tell it from others.

    Returns:
        Unique names in NFC, by the name of the image: ``harbour`` for ``images/harbour.tif``; ``train/a`` and
        ``val/a``; ``a.png`` and ``a.tif`` where only the extension differs.
    """
    paths = {name: PurePosixPath(unicodedata.normalize("NFC", name)) for name in dict.fromkeys(images)}
    by_stem: dict[str, list[str]] = defaultdict(list)
    for name, path in paths.items():
        by_stem[path.stem].append(name)
    found: dict[str, str] = {}
    taken: set[str] = set()
    for group in by_stem.values():
        deepest = max(len(paths[name].parts) for name in group)
        for depth in range(1, deepest + 1):
            short = {name: "/".join((*paths[name].parts[:-1], paths[name].stem)[-depth:]) for name in group}
            if len(set(short.values())) == len(group):
                break
        for name in group:
            scene = short[name]
            if list(short.values()).count(scene) > 1:
                scene = "/".join(paths[name].parts[-depth:])
            number, numbered = 1, scene
            while numbered in taken:
                number += 1
                numbered = f"{scene} ({number})"
            taken.add(numbered)
            found[name] = numbered
    return {name: found[name] for name in paths}
