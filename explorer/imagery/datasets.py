"""From files to datasets: orders the steps that pages and command line share.

``read_files`` unpacks, sorts and pairs files, decodes images and labels, and lays each label on its image's grid.
``label_scenes`` decides what the values of the labels mean, and joins all to a dataset; it is quick, so that a page can
repeat it at each choice of the visitor. A bad file refuses its own row only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from explorer.errors import InputError
from explorer.imagery.areas import outside_areas
from explorer.imagery.assembly import make_dataset
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.notes import Note
from explorer.imagery.reading.alignment import align
from explorer.imagery.reading.annotations.colour_keys import is_colour_key, read_labelmap
from explorer.imagery.reading.class_key import ClassKey, UndecidedError, class_key
from explorer.imagery.reading.formats import DecodedSizeError, read_bytes
from explorer.imagery.reading.label_files import Files, LabelFiles
from explorer.imagery.reading.label_format import LabelRequest
from explorer.imagery.reading.layout import arrange, validation_images
from explorer.imagery.reading.mask_values import joined
from explorer.imagery.reading.names import scene_names
from explorer.imagery.reading.pairing import Pair, pair
from explorer.imagery.reading.raster import read_raster
from explorer.imagery.reading.roles import Palette
from explorer.imagery.reading.upload import Skipped, unpack
from explorer.imagery.reading.values import FoundValue, found_values
from explorer.imagery.readings import ReadFiles, Reading, ReadRow, SceneReport
from explorer.imagery.scene import IGNORE, make_scene
from explorer.imagery.stretch import stretch_scene
from explorer.settings import MEBI, Settings, settings

_NAMED = 3  # files that are not used and have a note of their own
_NONE_REFUSED: Mapping[str, str] = MappingProxyType({})


def read_dataset(
    images: Files,
    masks: Files | None = None,
    *,
    name: str = "upload",
    choices: ReadingChoices | None = None,
    classes: Sequence[str] | None = None,
    validation: Collection[str] | None = None,
    limits: Settings | None = None,
) -> Reading:
    """Reads files and makes a dataset of them: ``read_files``, then ``label_scenes``."""
    read = read_files(images, masks, choices, limits)
    return label_scenes(read, name, choices, classes=classes, validation=validation, limits=limits)


def _say_nothing(_: str) -> None:
    return


def _as_it_is(row: ReadRow) -> ReadRow:
    return row


def read_files(
    images: Files,
    masks: Files | None = None,
    choices: ReadingChoices | None = None,
    limits: Settings | None = None,
    *,
    refused: Mapping[str, str] = _NONE_REFUSED,
    watch: Callable[[str], None] = _say_nothing,
    keep: Callable[[ReadRow], ReadRow] = _as_it_is,
) -> ReadFiles:
    """Unpacks, sorts and pairs files, and reads each pair. A bad file excludes only its own pair.

    Args:
        images: images; with the labels among them if ``masks`` is not given.
        masks: labels, in any format of ``explorer.imagery.reading.labels``.
        choices: those of ``ReadingChoices.for_files`` matter here, the others later.
        limits: on sizes and counts; those of the installation if not given.
        refused: files that must not be opened, with the reason: a reader has failed on them before.
        watch: is told the name of each file before it is opened.
        keep: is given each row once it is read, and gives the row in its place, for example with arrays on the disk.

    Raises:
        InputError: the files as a whole exceed the limits, none of them could be used, or a pair that was chosen by
            hand names no file.
    """
    limits, choices = limits or settings(), (choices or ReadingChoices()).for_files()
    image_files, mask_files, skipped = _unpacked(images, masks, limits, refused, watch)
    files = {**image_files, **mask_files}
    known = LabelFiles(files, limits, refused, watch)
    order = arrange(list(image_files), list(mask_files) if masks else None, known.is_label, choices.pairs)
    pairs = pair(
        order.images,
        order.labels,
        chosen=choices.pairs,
        listed={name: known.images_of(name) for name in order.labels if known.lists_images(name)},
        everywhere=[name for name in order.labels if known.is_shared(name) and not known.lists_images(name)],
        told_by_extension=order.told_by_extension,
        unread=[name for name in order.labels if known.why_unread(name)],
    )
    names = scene_names(order.images)
    companions = {name: files[name] for name in order.companions}
    uses = Counter(row.mask for row in pairs)
    rows: list[ReadRow] = []
    taken = 0
    for row in pairs:
        shared = uses[row.mask] > 1 or known.lists_images(row.mask or "")
        read = _read_row(row, names, known, files, companions, shared, choices, limits, taken)
        taken += read.decoded_bytes
        rows.append(keep(read))
    by_folder = {names[image] for image in validation_images(order.images)}
    unread = {each.name for each in order.skipped if known.why_unread(each.name)}
    notes = known.unsupported([*order.companions, *unread])
    notes += _not_used([each for each in order.skipped if each.name not in unread])
    in_rows = {name for row in rows for name in (row.pair.image, row.pair.mask)}
    skipped += tuple(Skipped(name, why) for name, why in refused.items() if name in files and name not in in_rows)
    unused = {name for row in rows if row.reason for name in (row.pair.image, row.pair.mask) if name is not None}
    return ReadFiles(
        tuple(rows),
        skipped,
        _palette(companions, limits),
        frozenset(by_folder),
        tuple(notes),
        {name: files[name] for name in unused},
    )


def label_scenes(
    read: ReadFiles,
    name: str,
    choices: ReadingChoices | None = None,
    *,
    classes: Sequence[str] | None = None,
    validation: Collection[str] | None = None,
    limits: Settings | None = None,
) -> Reading:
    """Decides what the values of the masks mean, and joins all rows to a dataset.

    Args:
        read: the files.
        name: of the dataset.
        choices: of the visitor.
        classes: class names, background first; derived from the masks if not given.
        validation: names of the validation scenes; those of a folder for validation, or chosen, if not given.
        limits: on the number of classes; those of the installation if not given.
    """
    limits, choices = limits or settings(), choices or ReadingChoices()
    left_out = set(choices.leave_out)
    reports = [
        SceneReport(row, reason="left out by choice" if row.name in left_out else row.reason) for row in read.rows
    ]
    notes = list(read.notes)
    values: tuple[FoundValue, ...] = ()
    found_classes: tuple[str, ...] = ()
    try:
        masks = [row.mask for row in read.rows if row.mask is not None]
        if not masks:
            raise _nothing_usable(read)
        key = class_key(masks, classes, read.palette, limits, choices)
        notes += key.notes
        found_classes, values = key.classes, found_values(masks, key)
        reports = _of_common_bands([_label(report, key, choices) for report in reports])
        scenes = [report.scene for report in reports if report.scene is not None]
        by_folder = {scene.name for scene in scenes} & read.validation
        if validation is None and 0 < len(by_folder) < len(scenes):
            validation = by_folder
            text = f"{len(by_folder)} of {len(scenes)} scenes lie in a folder for validation and validate."
            notes.append(Note("split_by_folder", text))
        dataset = make_dataset(name, scenes, key.classes, validation, choices=choices)
    except InputError as problem:
        if isinstance(problem, UndecidedError):
            notes += problem.notes
            reports = [_with_notes(report, problem.notes_by_mask) for report in reports]
        notes.append(Note("cannot_train", f"This cannot be trained on: {problem}."))
        reports = [
            report if report.scene is not None or report.reason else replace(report, reason=str(problem))
            for report in reports
        ]
        return Reading(tuple(reports), None, problem, found_classes, values, tuple(notes), read.skipped, choices)
    notes += [Note("not_used", f"Not used: {report.row.name}: {report.reason}.") for report in reports if report.reason]
    dataset = replace(dataset, notes=(*notes, *dataset.notes))
    return Reading(tuple(reports), dataset, None, key.classes, values, dataset.notes, read.skipped, choices)


def _unpacked(
    images: Files, masks: Files | None, limits: Settings, refused: Mapping[str, str], watch: Callable[[str], None]
) -> tuple[Files, Files, tuple[Skipped, ...]]:
    unpacked = unpack(images, limits, refused, watch)
    if not masks:
        return unpacked.files, {}, unpacked.skipped
    of_masks = unpack(masks, limits, refused, watch)
    mask_files = dict(of_masks.files)
    if set(unpacked.files) & set(mask_files):  # the same names on both sides are usual; a folder tells them apart
        mask_files = {f"masks/{name}": data for name, data in mask_files.items()}
    return unpacked.files, mask_files, unpacked.skipped + of_masks.skipped


def _read_row(
    row: Pair,
    names: Mapping[str, str],
    known: LabelFiles,
    files: Files,
    companions: Files,
    shared: bool,
    choices: ReadingChoices,
    limits: Settings,
    taken: int,
) -> ReadRow:
    """One pair, after others of its upload have taken some bytes."""
    name = names.get(row.image or "", row.image or row.mask or "")
    unread = known.why_unread(row.image) or known.why_unread(row.mask)
    if unread:
        return ReadRow(row, name, reason=unread, notes=(*row.notes, Note("format_unsupported", unread)))
    if row.image is None or row.mask is None or row.reason:
        return ReadRow(row, name, reason=row.reason, notes=row.notes)
    left = max(1, limits.max_total_decoded_bytes - taken)
    is_nearly_full = left < limits.max_decoded_bytes
    if is_nearly_full:
        limits = limits.model_copy(update={"max_decoded_bytes": left})
    try:
        known.open(row.image)
        raster = read_raster(
            files[row.image], row.image, limits, companions=companions, keep_fill=choices.keep_fill, scene=name
        )
        request = LabelRequest(row.image, raster, choices, companions, limits, shared)
        masks = [known.read(mask, request) for mask in (row.mask, *row.more_masks)]
        mask = align(joined(masks) if row.more_masks else masks[0], raster, choices.turn_masks)
    except DecodedSizeError as error:
        if is_nearly_full:
            total = limits.max_total_decoded_bytes / MEBI
            what = f"all images and labels of an upload may take {total:,.0f} MiB once decoded, which is used up"
            remedy = "upload fewer scenes or raise EXPLORER_MAX_TOTAL_DECODED_BYTES"
            error = DecodedSizeError(what, error.where, remedy)
        return ReadRow(row, name, reason=str(error), notes=row.notes)
    except InputError as error:
        return ReadRow(row, name, reason=str(error), notes=row.notes)
    except MemoryError:
        reason = f"{row.image}: it and its label need more memory than there is — cut it into tiles"
        return ReadRow(row, name, reason=reason, notes=row.notes)
    return ReadRow(row, name, raster, replace(mask, name=f"{row.mask} for {name}" if shared else row.mask))


def _not_used(skipped: Sequence[Skipped]) -> list[Note]:
    """A note on each file that takes no part; beyond the first few, one on all others."""
    notes = [Note("not_used", f"Not used: {each.name}: {each.reason}.") for each in skipped[:_NAMED]]
    others = skipped[_NAMED:]
    if others:
        text = f"Not used: {len(others)} more files, such as {others[0].name}: {others[0].reason}."
        notes.append(Note("not_used", text))
    return notes


def _palette(companions: Files, limits: Settings) -> Palette | None:
    """The colours and classes that a labelmap.txt among the files gives.

    Raises:
        InputError: it contradicts itself.
    """
    for name, source in companions.items():
        try:
            data = read_bytes(source, name, limits, may_be_empty=True)
        except InputError:
            continue
        if is_colour_key(data, name):
            return read_labelmap(data, name)
    return None


def _nothing_usable(read: ReadFiles) -> InputError:
    refused = [(row.name, row.reason) for row in read.rows] + [(each.name, each.reason) for each in read.skipped]
    name, reason = refused[0] if refused else ("imagery", "there is no file")
    where = "" if reason.startswith(f"{name}:") or reason.startswith(f"{name}.") else name
    remedy = "" if " — " in reason or ";" in reason else "give each image a mask of its name"
    return InputError(f"no image could be used with a label: {reason}", where, remedy)


def _with_notes(report: SceneReport, notes: Mapping[str, tuple[Note, ...]]) -> SceneReport:
    mask = report.row.mask
    found = () if mask is None else (*mask.notes, *notes.get(mask.name, ()))
    return replace(report, row=replace(report.row, notes=(*report.row.notes, *found)))


def _label(report: SceneReport, key: ClassKey, choices: ReadingChoices) -> SceneReport:
    """The report with its scene, or with the reason why it cannot be labelled."""
    row = report.row
    if report.reason or row.raster is None or row.mask is None:
        return report
    try:
        label = key.label(row.mask)
        notes = [*row.pair.notes, *row.mask.notes, *key.notes_by_mask.get(row.mask.name, ())]
        areas = choices.areas.get(row.name, ())
        if areas:
            outside = outside_areas(areas, label.shape)
            if outside.all():
                raise InputError(
                    "it lies outside the area of interest", row.name, "choose another area, or leave it out"
                )
            label[outside] = IGNORE
            notes.append(Note("area_of_interest", f"{int(outside.sum())} pixels outside the area are ignored."))
        raster = row.raster
        if choices.stretch == "scene":
            raster = replace(raster, image=stretch_scene(raster.image, raster.valid))
            notes.append(Note("stretch_per_scene", "Its bands were stretched by their own percentiles."))
        scene = make_scene(raster, label, key.objects(row.mask), notes)
    except InputError as error:
        return SceneReport(row, reason=str(error))
    return SceneReport(row, scene)


def _of_common_bands(reports: Sequence[SceneReport]) -> list[SceneReport]:
    """The reports; images with another number of bands than most are refused."""
    counts = [len(report.scene.image) for report in reports if report.scene is not None]
    if not counts:
        return list(reports)
    common = max(sorted(set(counts), reverse=True), key=counts.count)
    kept = []
    for report in reports:
        if report.scene is not None and len(report.scene.image) != common:
            bands = len(report.scene.image)
            reason = InputError(
                f"{bands} band{'s' if bands > 1 else ''}, most images have {common}",
                report.row.pair.image or report.row.name,
                "save all images with the same bands",
            )
            report = SceneReport(replace(report.row, notes=report.scene.notes), reason=str(reason))
        kept.append(report)
    return kept
