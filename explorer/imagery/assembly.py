"""Makes a dataset from labelled scenes: checks them, splits them, fits the stretch, and notes what looks wrong."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from explorer.errors import InputError
from explorer.imagery.balance import class_balance
from explorer.imagery.checks.brightness import brightness_differs
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.match_rule_proposal import match_rule_of
from explorer.imagery.notes import Note
from explorer.imagery.objects import default_minimum_area
from explorer.imagery.reading.names import without_image_suffix
from explorer.imagery.scene import Dataset, Scene, check_scenes, has_foreground
from explorer.imagery.splitting import Split, split
from explorer.imagery.stretch import fit_stretch

_BRIGHTNESS_REMEDY = "One stretch may suit neither: choose one for each scene (--stretch scene)."
_OWN_NOTES = (
    "single_scene",
    "mixed_data_types",
    "band_names_differ",
    "no_foreground",
    "below_minimum_area",
    "brightness_differs",
)


def make_dataset(
    name: str,
    scenes: Sequence[Scene],
    classes: Sequence[str],
    validation: Collection[str] | None = None,
    choices: ReadingChoices | None = None,
    minimum_area: int | None = None,
    match_rule: MatchRule | None = None,
) -> Dataset:
    """Checks the scenes, splits them and fits the stretch to the training side.

    Args:
        name: of the dataset.
        scenes: of any size, with the same number of bands.
        classes: names; the position is the id, 0 is the background.
        validation: names of the validation scenes, with or without file extension; chosen if not given.
        choices: how the files of the scenes were read, to be kept with the dataset.
        minimum_area: in pixels, at least 1; smaller objects count as neither hit nor miss. That of the choices, or
            chosen from the label, if not given; see :func:`explorer.imagery.objects.default_minimum_area`.
        match_rule: when a predicted object counts as one of the label. That of the choices, or proposed from the label,
            if not given; see :mod:`explorer.imagery.match_rule_proposal`.

    Raises:
        InputError: the scenes do not form a dataset (see :func:`explorer.imagery.scene.check_scenes`), or
            ``validation`` names no scene or all of them.
    """
    check_scenes(name, scenes, classes)
    parts = _split_by_name(scenes, validation) if validation is not None else split(scenes, len(classes))
    choices = choices or ReadingChoices()
    labelled = parts.training + parts.validation
    minimum_area = minimum_area or choices.minimum_area or default_minimum_area(labelled, len(classes))
    rule, rule_notes = match_rule or choices.match_rule, tuple[Note, ...]()
    if rule is None:
        rule, rule_notes = _proposed_rule(labelled, classes, minimum_area)
    dataset = Dataset(
        name,
        tuple(classes),
        scenes[0].bands,
        parts.training,
        parts.validation,
        fit_stretch(parts.training),
        (*_notes(scenes, parts), *_size_notes(labelled, classes, minimum_area), *rule_notes),
        choices,
        minimum_area,
        rule,
    )
    differing = [
        Note("brightness_differs", f"{case.text} {_BRIGHTNESS_REMEDY}") for case in brightness_differs(dataset)
    ]
    return replace(dataset, notes=(*dataset.notes, *differing))


def revise(
    dataset: Dataset,
    name: str,
    classes: Sequence[str],
    validation: Collection[str],
    leave_out: Collection[str] = (),
    minimum_area: int | None = None,
    match_rule: MatchRule | None = None,
) -> Dataset:
    """The dataset with another name, class names, split, scenes, minimum area or match rule; itself if nothing differs.

    Args:
        dataset: as it was read; notes on its files stay.
        name: of the new one.
        classes: names, as many as before.
        validation: names of the validation scenes.
        leave_out: names of scenes that are not used.
        minimum_area: in pixels; that of the dataset if not given.
        match_rule: that of the dataset if not given.

    Raises:
        InputError: see :func:`make_dataset`.
    """
    changes: dict[str, object] = {"leave_out": tuple(leave_out)}
    if minimum_area not in (None, dataset.minimum_area):
        changes["minimum_area"] = minimum_area
    another_rule = match_rule not in (None, dataset.match_rule)
    if another_rule:
        changes["match_rule"] = match_rule
    held_out = set(validation) - set(leave_out)
    if (
        not leave_out
        and minimum_area in (None, dataset.minimum_area)
        and not another_rule
        and held_out == {scene.name for scene in dataset.validation}
        and (name, tuple(classes)) == (dataset.name, dataset.classes)
    ):
        return dataset
    scenes = [scene for scene in dataset.scenes if scene.name not in leave_out]
    choices = dataset.choices.model_copy(update=changes)
    revised = make_dataset(
        name,
        scenes,
        classes,
        held_out,
        choices=choices,
        minimum_area=minimum_area or dataset.minimum_area,
        match_rule=match_rule or dataset.match_rule,
    )
    dropped = (*_OWN_NOTES, "match_rule") if another_rule else _OWN_NOTES
    kept = tuple(note for note in dataset.notes if note.code not in dropped)
    return replace(revised, notes=(*kept, *revised.notes))


def _split_by_name(scenes: Sequence[Scene], validation: Collection[str]) -> Split:
    known = {scene.name for scene in scenes}
    wanted = {name for name in validation if name in known}  # a name in full wins over parts of names
    in_part = set(validation) - wanted
    names = {
        name: {without_image_suffix(part) for part in (name, PurePosixPath(name).name)}
        for name in (scene.name for scene in scenes)
    }
    meant = {part: {name for name, parts in names.items() if without_image_suffix(part) in parts} for part in in_part}
    wanted |= set().union(*meant.values())
    unknown = [part for part, found in meant.items() if not found]
    if unknown:
        raise InputError(
            f"no scene is named {', '.join(sorted(unknown))}",
            "validation",
            f"choose from {', '.join(names)}",
        )
    held_out = tuple(scene for scene in scenes if scene.name in wanted)
    training = tuple(scene for scene in scenes if scene.name not in wanted)
    if not held_out or not training:
        missing = "validation" if not held_out else "training"
        raise InputError(f"no scene is left for {missing}", "validation", "name some of the scenes, but not all")
    return Split(training, held_out)


def _notes(scenes: Sequence[Scene], parts: Split) -> tuple[Note, ...]:
    notes = []
    if len(scenes) == 1:
        text = "Only one scene: it is split into training and validation blocks with a margin between."
        notes.append(Note("single_scene", text))
    dtypes = sorted({str(scene.image.dtype) for scene in scenes})
    if len(dtypes) > 1:
        text = f"The images have different data types ({', '.join(dtypes)}); the same stretch is applied to all."
        notes.append(Note("mixed_data_types", text))
    if len({scene.bands for scene in scenes}) > 1:
        text = f"The band names differ between scenes; those of {scenes[0].name} are used."
        notes.append(Note("band_names_differ", text))
    for side, part in (("training", parts.training), ("validation", parts.validation)):
        if not has_foreground(part):
            text = f"No foreground in the {side} scenes: choose the validation scenes or add scenes."
            notes.append(Note("no_foreground", text))
    return tuple(notes)


def _proposed_rule(
    scenes: Sequence[Scene], classes: Sequence[str], minimum_area: int
) -> tuple[MatchRule, tuple[Note, ...]]:
    rule, reason = match_rule_of(scenes, classes, minimum_area)
    if rule == HALF_IOU:
        return rule, ()
    return rule, (Note("match_rule", f"Objects match by {rule.words}. {reason} Another rule can be chosen (--match)."),)


def _size_notes(scenes: Sequence[Scene], classes: Sequence[str], minimum_area: int) -> tuple[Note, ...]:
    shares = class_balance(scenes, classes, minimum_area)
    below, total = sum(share.below_minimum for share in shares), sum(share.objects or 0 for share in shares)
    if not below:
        return ()
    by_class = ", ".join(f"{share.name}: {share.below_minimum:,}" for share in shares if share.below_minimum)
    text = (
        f"{below:,} of {total:,} objects of the label are smaller than {minimum_area} pixels"
        f"{f' ({by_class})' if len(classes) > 2 else ''}: they count as neither hit nor miss; choose a smaller "
        "minimum area to count them (--min-area)."
    )
    return (Note("below_minimum_area", text),)
