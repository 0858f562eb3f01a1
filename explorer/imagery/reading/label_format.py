"""What a reader of labels is: the types that the registry (:mod:`explorer.imagery.reading.labels`) and readers share.

A format is recognised by the content of a file, never by its name alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from explorer.imagery.choices import ReadingChoices
from explorer.imagery.reading.masks import Mask
from explorer.imagery.scene import Raster
from explorer.settings import Settings


@dataclass(frozen=True, eq=False)
class LabelRequest:
    """What a reader may need to know beside the label's own file."""

    image: str  # name of the image's file in the upload
    raster: Raster  # the image itself: its size, its georeference
    choices: ReadingChoices
    companions: Mapping[str, bytes | Path]  # all files of the upload that are neither image nor label, by name
    limits: Settings
    shared: bool = False  # whether the label's file is for several images, so that it may draw nothing on this one


@dataclass(frozen=True)
class LabelFormat:
    """How one format is recognised and read.

    Attributes:
        name: as people call it, "COCO JSON".
        recognised_by: a sentence.
        reads: what is taken from the file.
        limits: what is left out, and why.
        recognise: (content, name of the file) → whether it is this format. Must be fast and never raise.
        read: (content, name, request) → the label on its own grid; raises ``InputError``.
        images: (content, name) → names of the images that the file labels; None: those of its own name, or any that
            it covers on the ground.
        shared: whether one file may label many images.
    """

    name: str
    recognised_by: str
    reads: str
    limits: str
    recognise: Callable[[bytes, str], bool]
    read: Callable[[bytes, str, LabelRequest], Mask]
    images: Callable[[bytes, str], Collection[str]] | None = None
    shared: bool = False


@dataclass(frozen=True)
class UnsupportedFormat:
    """A format that people have and that is not read."""

    name: str
    recognise: Callable[[bytes, str], bool]
    instead: str  # what to export instead
