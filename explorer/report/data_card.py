"""The data card: what the scenes are, how they are split, what counts as an object, and what the reader noted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from explorer.imagery.balance import class_balance
from explorer.imagery.scene import Dataset, Scene
from explorer.report.blocks import UNKNOWN, Fact, Table, percent, short, unknown
from explorer.report.source import RunSource
from explorer.training.fingerprint import Fingerprint

_NAMES = 12  # of scenes, at most


def data_facts(run: RunSource) -> tuple[Fact, ...]:
    """The dataset in a list of facts."""
    reference = run.reference
    without = run.without_imagery or "the imagery is not at hand"
    imagery = run.imagery.dataset if run.imagery else None
    prints = run.imagery.fingerprint if run.imagery else None
    held = run.threshold_scenes
    return (
        Fact("Dataset", reference.name),
        Fact("Hash of its content", reference.id, "pixels, labels, names and split"),
        Fact("Classes", ", ".join(reference.classes), "the first one is the background"),
        Fact("Bands", ", ".join(reference.bands)),
        Fact("Data type", prints.data_type) if prints else _data_type(imagery, without),
        Fact("Value range per band", _ranges(run), "stretched to 0 to 1, clipped beyond"),
        _scenes(
            "Training scenes", tuple(mark.name for mark in reference.training), imagery.training if imagery else None
        ),
        _held_out(run, held),
        _scenes(
            "Validation scenes",
            tuple(mark.name for mark in reference.validation),
            imagery.validation if imagery else None,
        ),
        Fact("Match rule", reference.match_rule.words, "when a predicted object counts as one of the label"),
        Fact("Minimum object area", f"{reference.minimum_area} px", "smaller objects of the label do not count"),
        Fact("Labels", _labels(prints)) if prints else unknown("Labels", without),
        Fact("Options of reading", " ".join(reference.choices.as_options()) or "none: all as the reader decided"),
        unknown("Licence and origin of the images", "the app does not ask for them: add them before you pass this on"),
    )


def class_table(run: RunSource) -> Table | None:
    """Pixels and objects of each class in the training and in the validation scenes; None without imagery."""
    if run.imagery is None:
        return None
    dataset = run.imagery.dataset
    sides = [
        class_balance(scenes, dataset.classes, dataset.minimum_area)
        for scenes in (dataset.training, dataset.validation)
    ]
    rows = []
    for trained, scored in zip(*sides, strict=True):
        row = [trained.name]
        for side in (trained, scored):
            objects = "" if side.objects is None else f"{side.objects:,}"
            below = "" if side.objects is None else f"{side.below_minimum:,}"
            row += [percent(side.share), objects, below]
        rows.append(tuple(row))
    columns = ["Class"]
    for side in ("training", "validation"):
        columns += [f"Pixels, {side}", f"Objects, {side}", f"Below {dataset.minimum_area} px, {side}"]
    return Table(tuple(columns), tuple(rows), frozenset(range(1, len(columns))))


def size_table(run: RunSource) -> Table | None:
    """Sizes of the objects in the scenes that trained, of each foreground class; None where they are not known."""
    prints = run.imagery.fingerprint if run.imagery else None
    if prints is None:
        return None
    rows = []
    for each in prints.classes:
        sizes = each.diameters
        values = (sizes.p5, sizes.p25, sizes.p50, sizes.p75, sizes.p95) if sizes else ()
        shown = [f"{value:.1f}" for value in values] or [UNKNOWN] * 5
        spacing = UNKNOWN if each.spacing is None else f"{each.spacing:.1f}"
        rows.append((each.name, *shown, spacing, percent(each.touching)))
    columns = ("Class", "5 %", "25 %", "Median", "75 %", "95 %", "Spacing", "Touching")
    return Table(columns, tuple(rows), frozenset(range(1, len(columns))))


def typical_sizes(run: RunSource) -> str:
    """Where the fingerprint is not there: the typical diameters that the run's thresholds were chosen with."""
    if run.own is None:
        return ""
    sizes = zip(run.reference.classes[1:], run.own.diameters, strict=False)
    known = [f"{name} {short(diameter)} px" for name, diameter in sizes if diameter]
    return f"Diameter of a typical training object: {', '.join(known)}." if known else ""


def note_table(run: RunSource) -> Table | None:
    """What the reader noted on the dataset and its scenes; None without imagery or notes."""
    if run.imagery is None:
        return None
    found = Counter(_notes(run.imagery.dataset))
    rows = [
        (where, text, code if count == 1 else f"{code} ({count} times)") for (where, text, code), count in found.items()
    ]
    return Table(("Where", "Note", "Code"), tuple(rows)).first_rows() if rows else None


def _notes(dataset: Dataset) -> Iterator[tuple[str, str, str]]:
    for note in dataset.notes:
        yield "dataset", note.text, note.code
    for scene in dataset.scenes:
        for note in scene.notes:
            yield scene.name, note.text, note.code


def _data_type(dataset: Dataset | None, without: str) -> Fact:
    if dataset is None:
        return unknown("Data type", without)
    return Fact("Data type", ", ".join(dict.fromkeys(str(scene.image.dtype) for scene in dataset.scenes)))


def _ranges(run: RunSource) -> str:
    reference = run.reference
    parts = zip(reference.bands, reference.low, reference.high, strict=True)
    return ", ".join(f"{band}: {short(low)} to {short(high)}" for band, low, high in parts)


def _scenes(name: str, marked: Sequence[str], scenes: Sequence[Scene] | None) -> Fact:
    """How many, their names and, where the imagery is at hand, their sizes."""
    names = [scene.name for scene in scenes] if scenes is not None else list(marked)
    if not names:
        return unknown(name, "the run is of a version that did not remember its scenes")
    sizes = ""
    if scenes:
        pixels = sum(scene.label.size for scene in scenes)
        sizes = f"; {_sizes(scenes)} px, {pixels / 1e6:.3g} million pixels in all"
    return Fact(name, f"{len(names)}: {_listed(names)}{sizes}")


def _sizes(scenes: Sequence[Scene]) -> str:
    sizes = Counter(f"{width}×{height}" for height, width in (scene.size for scene in scenes))
    common = [size for size, _ in sizes.most_common(3)]
    return ", ".join(common) + (f" and {len(sizes) - 3} other sizes" if len(sizes) > 3 else "")


def _held_out(run: RunSource, held: Sequence[str]) -> Fact:
    if held:
        return Fact("Threshold scenes", f"{len(held)}: {_listed(held)}", "held out of training, and do not score")
    why = "held none out" if run.own is not None or not run.plan.choose_threshold else "has not ended"
    return unknown("Threshold scenes", f"the run {why}")


def _labels(prints: Fingerprint) -> str:
    if prints.instances:
        return "objects drawn one by one, so that those that touch are apart"
    return "masks: connected pixels are one object"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} others" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more
