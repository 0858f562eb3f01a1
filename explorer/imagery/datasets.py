"""Makes datasets: from scenes, from uploaded files (the pages) and from two folders (the command line)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.class_key import ClassKey, Palette, class_key
from explorer.imagery.reading.formats import FileKind, kind_of, read_bytes
from explorer.imagery.reading.layout import arrange
from explorer.imagery.reading.masks import Mask, read_mask
from explorer.imagery.reading.pairing import Pair, pair
from explorer.imagery.reading.raster import read_raster
from explorer.imagery.reading.upload import Skipped, unpack
from explorer.imagery.reading.vectors import read_polygons
from explorer.imagery.scene import Dataset, Raster, Scene, check_scenes, has_foreground, make_scene
from explorer.imagery.splitting import Split, split
from explorer.imagery.stretch import fit_stretch
from explorer.settings import Settings, settings

_IMAGE_EXTENSIONS = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
_MASK_EXTENSIONS = _IMAGE_EXTENSIONS | {".geojson", ".json"}


@dataclass(frozen=True)
class Upload:
    """The result of an upload: its dataset, and the reason for every file that is not part of it."""

    table: tuple[Pair, ...]
    dataset: Dataset | None
    problem: InputError | None = None  # why there is no dataset
    skipped: tuple[Skipped, ...] = ()  # files that were neither paired nor read


@dataclass(frozen=True)
class _ReadPair:
    row: Pair
    raster: Raster
    mask: Mask


def make_dataset(
    name: str,
    scenes: Sequence[Scene],
    classes: Sequence[str],
    validation: Collection[str] | None = None,
    seed: int = 0,
) -> Dataset:
    """Checks the scenes, splits them and fits the stretch to the training side.

    Args:
        name: of the dataset.
        scenes: of any size, with the same number of bands.
        classes: names; the position is the id, 0 is the background.
        validation: names of the validation scenes, with or without file extension; chosen if not given.
        seed: of that choice.

    Raises:
        InputError: the scenes do not form a dataset (see :func:`explorer.imagery.scene.check_scenes`), or
            ``validation`` names no scene or all of them.
    """
    check_scenes(name, scenes, classes)
    parts = _split_by_name(scenes, validation) if validation is not None else split(scenes, len(classes), seed)
    return Dataset(
        name,
        tuple(classes),
        scenes[0].bands,
        parts.training,
        parts.validation,
        fit_stretch(parts.training),
        _notes(scenes, parts),
    )


def dataset_from_files(
    images: Mapping[str, bytes],
    masks: Mapping[str, bytes] | None = None,
    *,
    name: str = "upload",
    classes: Sequence[str] | None = None,
    palette: Palette | None = None,
    validation: Collection[str] | None = None,
    seed: int = 0,
    limits: Settings | None = None,
) -> Upload:
    """Makes a dataset from uploaded files and zips. A bad file excludes only its own pair.

    Args:
        images: content by name; includes the masks if ``masks`` is not given.
        masks: content by name; rasters, or GeoJSON polygons for georeferenced images.
        name: of the dataset.
        classes: class names, background first; derived from the masks if not given.
        palette: colours of the masks and their classes; derived from the masks if not given.
        validation: names of the validation scenes; chosen if not given.
        seed: of that choice.
        limits: on sizes and counts; those of the installation if not given.

    Raises:
        InputError: the upload as a whole exceeds the limits, or none of its files could be used.
    """
    limits = limits or settings()
    unpacked = unpack(images, limits)
    image_files, skipped = dict(unpacked.files), unpacked.skipped
    mask_files = image_files
    if masks:
        unpacked = unpack(masks, limits)
        mask_files, skipped = dict(unpacked.files), skipped + unpacked.skipped
    files = arrange(
        image_files,
        mask_files if masks else None,
        lambda name: kind_of(read_bytes(mask_files[name], name, limits)) is FileKind.GEOJSON,
    )
    skipped += files.skipped
    table, read = [], []
    for row in pair(files.images, files.labels, told_by_extension=files.told_by_extension):
        try:
            if row.used:
                read.append(_read_pair(row, image_files, mask_files, limits))
        except InputError as error:
            row = replace(row, reason=str(error))
        table.append(row)
    try:
        key = class_key([item.mask for item in read], classes, palette, limits)
        scenes, refused = _labelled(read, key)
        table = [refused.get(row, row) for row in table]
        dataset = make_dataset(name, scenes, key.classes, validation, seed)
    except InputError as error:
        return Upload(tuple(table), None, error, skipped)
    return Upload(tuple(table), dataset, None, skipped)


def dataset_from_folders(
    images: Path,
    masks: Path,
    validation: Collection[str] | None = None,
    *,
    classes: Sequence[str] | None = None,
    palette: Palette | None = None,
    seed: int = 0,
    limits: Settings | None = None,
) -> Dataset:
    """Makes a dataset from the files in two folders. Here, a file that cannot be read is an error.

    Args:
        images: folder of images.
        masks: folder of masks, paired by name.
        validation: names of the validation scenes; chosen if not given.
        classes: class names, background first; derived from the masks if not given.
        palette: colours of the masks and their classes; derived from the masks if not given.
        seed: of the choice of validation scenes.
        limits: on sizes and counts; those of the installation if not given.

    Raises:
        InputError: a folder is missing or empty, no image has a mask, a file cannot be read, or the scenes do not
            form a dataset (see :func:`make_dataset`).
    """
    limits = limits or settings()
    image_files = _files_in(images, _IMAGE_EXTENSIONS, limits)
    mask_files = _files_in(masks, _MASK_EXTENSIONS, limits)
    table = pair(list(image_files), list(mask_files))
    read = [_read_pair(row, image_files, mask_files, limits) for row in table if row.used]
    if not read:
        raise InputError(f"no image has a mask: {table[0].reason}", str(masks), "give each mask the name of its image")
    key = class_key([item.mask for item in read], classes, palette, limits)
    scenes = [make_scene(item.raster, key.label(item.mask)) for item in read]
    dataset = make_dataset(images.resolve().name, scenes, key.classes, validation, seed)
    unused = tuple(
        Note("not_used", f"Not used: {row.image or row.mask}: {row.reason}.") for row in table if not row.used
    )
    return replace(dataset, notes=dataset.notes + unused)


def _split_by_name(scenes: Sequence[Scene], validation: Collection[str]) -> Split:
    wanted = set(validation)
    names = {
        scene.name: {scene.name, PurePosixPath(scene.name).name, PurePosixPath(scene.name).stem} for scene in scenes
    }
    unknown = wanted - set().union(*names.values())
    if unknown:
        raise InputError(
            f"no scene is named {', '.join(sorted(unknown))}",
            "validation",
            f"choose from {', '.join(names)}",
        )
    held_out = tuple(scene for scene in scenes if names[scene.name] & wanted)
    training = tuple(scene for scene in scenes if not names[scene.name] & wanted)
    if not held_out or not training:
        missing = "validation" if not held_out else "training"
        raise InputError(f"no scene is left for {missing}", "validation", "name some of the scenes, but not all")
    return Split(training, held_out)


def _notes(scenes: Sequence[Scene], parts: Split) -> tuple[Note, ...]:
    notes: list[Note] = []

    def note(code: str, text: str) -> None:
        notes.append(Note(code, text))

    if len(scenes) == 1:
        note("single_scene", "Only one scene: it is split into training and validation blocks with a margin between.")
    dtypes = sorted({str(scene.image.dtype) for scene in scenes})
    if len(dtypes) > 1:
        note(
            "mixed_data_types",
            f"The images have different data types ({', '.join(dtypes)}); the same stretch is applied to all.",
        )
    if len({scene.bands for scene in scenes}) > 1:
        note("band_names_differ", f"The band names differ between scenes; those of {scenes[0].name} are used.")
    for side, part in (("training", parts.training), ("validation", parts.validation)):
        if not has_foreground(part):
            note("no_foreground", f"No foreground in the {side} scenes: choose the validation scenes or add scenes.")
    return tuple(notes)


def _read_pair(
    row: Pair, images: Mapping[str, Path | bytes], masks: Mapping[str, Path | bytes], limits: Settings
) -> _ReadPair:
    assert row.image is not None
    assert row.mask is not None
    raster = read_raster(images[row.image], row.image, limits)
    data = read_bytes(masks[row.mask], row.mask, limits)
    if kind_of(data) is FileKind.GEOJSON:
        return _ReadPair(row, raster, read_polygons(data, row.mask, raster, limits))
    return _ReadPair(row, raster, read_mask(data, row.mask, limits))


def _labelled(pairs: Sequence[_ReadPair], key: ClassKey) -> tuple[list[Scene], dict[Pair, Pair]]:
    """The labelled scenes, and for each scene that could not be labelled its row with the reason."""
    scenes, refused = [], {}
    for item in pairs:
        try:
            scenes.append(make_scene(item.raster, key.label(item.mask)))
        except InputError as error:
            refused[item.row] = replace(item.row, reason=str(error))
    return scenes, refused


def _files_in(folder: Path, extensions: Collection[str], limits: Settings) -> dict[str, Path]:
    """The files of a folder and its subfolders, by relative name."""
    if not folder.is_dir():
        raise InputError("no such folder", str(folder), "check the path")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in extensions and path.is_file())
    files = {str(PurePosixPath(path.relative_to(folder))): path for path in paths if not path.name.startswith(".")}
    if not files:
        raise InputError(f"contains no {', '.join(sorted(extensions))} files", str(folder), "check the path")
    if len(files) > limits.max_files:
        raise InputError(
            f"{len(files)} files, at most {limits.max_files}",
            str(folder),
            "use fewer files or raise EXPLORER_MAX_FILES",
        )
    return files
