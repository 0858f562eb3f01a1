"""Validation crops and objects of compared runs: side by side, and those that one run finds and another misses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from explorer.figures.colours import class_colours
from explorer.figures.object_tiles import part_pictures
from explorer.figures.outcome import label_picture, window
from explorer.figures.outcome_grid import Pane, grid_figure, grid_height
from explorer.imagery.scene import Dataset
from explorer.metrics.objects import Outcome
from explorer.runs.object_sets import PlacedObject
from explorer.ui import address, services
from explorer.ui.frame import wrapping_columns
from explorer.ui.live_figure import live_figure
from explorer.ui.messages import escaped
from explorer.ui.object_counts import placed_objects
from explorer.ui.object_gallery import OBJECT, Source, show_gallery
from explorer.ui.scene_outcome import show_outcome_legend
from explorer.ui.sweeps import SweptRun
from explorer.ui.unique_labels import position_labels

_CROP_SIDE = 512  # pixels of a crop, at most
_LONGEST = 768  # pixels of its picture
_IN_A_ROW = 4
_SET, _CHOSEN_SET = "set", "chosen-set"  # in the address; in the session
_Outcomes = tuple[Outcome | None, Outcome | None]
_SETS: Mapping[str, tuple[str, _Outcomes]] = {
    "first": ("found by A only", ("found", "missed")),
    "second": ("found by B only", ("missed", "found")),
    "neither": ("found by neither", ("missed", "missed")),
    "both": ("found by both", ("found", "found")),
    "first-alarms": ("false alarms of A only", ("false", None)),
    "second-alarms": ("false alarms of B only", (None, "false")),
    "both-alarms": ("false alarms of both", ("false", "false")),
}


def source_of(run: SweptRun) -> Source:
    """What a gallery shows of a run."""
    return Source(run.label, run.job.file, run.job.file.stat().st_mtime_ns, run.threshold)


def show_crops(runs: Sequence[SweptRun], class_id: int) -> None:
    """One validation crop as image, label and outcome of each run; to move or zoom one picture moves all.

    Args:
        runs: on one dataset.
        class_id: 1 or more.
    """
    dataset = services.dataset(runs[0].record.dataset_id)
    crops = validation_crops(dataset)
    labels = dict(zip(_crop_labels(dataset, crops).values(), crops, strict=True))
    names = list(labels)
    address.named("validation-crop", "validation crop", names, f"“{names[0]}”")
    chosen = st.selectbox("Validation crop", names, key="validation-crop", bind="query-params")
    number, part = labels[chosen or names[0]]
    scene = dataset.validation[number]
    masks = [run.sweep.predicted(number, class_id, run.threshold) for run in runs]
    plain, *outcomes = part_pictures(scene, dataset.stretch, masks, class_id, part, _LONGEST)
    shown = window(scene, part[0], part[1], part[2:])
    label = label_picture(shown, dataset.stretch, max(_LONGEST, *part[2:]), class_colours(dataset))
    panes = [Pane("image", plain), Pane("label", label)]
    panes += [Pane(f"{run.label}, at\u00a0{run.threshold:.2f}", each) for run, each in zip(runs, outcomes, strict=True)]
    columns = min(_IN_A_ROW, len(panes))
    figure = grid_figure(panes, columns, part[:2], part[2:])
    height, per_width = grid_height(panes, columns, part[2:])
    live_figure(figure, "compared-crops", height=height, zooms=True, per_width=per_width)
    show_outcome_legend(wrong_class=False)
    st.caption(
        f"The class {escaped(dataset.classes[class_id])}, each run at its own threshold, which its title names; ½ "
        "where a run held no scenes out to choose one. Drag to move, turn the wheel to zoom, double-click to see all: "
        "all pictures follow."
    )


def validation_crops(dataset: Dataset) -> list[tuple[int, tuple[int, int, int, int]]]:
    """The validation scenes by their position, large ones in parts: top, left, height and width in pixels."""
    crops = []
    for number, scene in enumerate(dataset.validation):
        height, width = scene.size
        crops += [
            (number, (top, left, min(_CROP_SIDE, height - top), min(_CROP_SIDE, width - left)))
            for top in range(0, height, _CROP_SIDE)
            for left in range(0, width, _CROP_SIDE)
        ]
    return crops


def _crop_labels(dataset: Dataset, crops: Sequence[tuple[int, tuple[int, int, int, int]]]) -> dict[int, str]:
    names = []
    for number, (top, left, height, width) in crops:
        scene = dataset.validation[number]
        whole = (height, width) == scene.size
        names.append(scene.name if whole else f"{scene.name}, from row {top} and column {left}")
    return position_labels(names)


def show_objects(runs: Sequence[SweptRun], class_id: int) -> None:
    """The objects of two of the runs, by who finds them.

    Args:
        runs: on one dataset, under one match rule that counts objects.
        class_id: 1 or more.
    """
    dataset = services.dataset(runs[0].record.dataset_id)
    if len(runs) == 1:
        st.info("Choose a second run above to see what one finds and the other misses.", icon=":material/compare:")
        return
    by_label = {run.label: run for run in runs}
    names = list(by_label)
    left, right = wrapping_columns("pair", 2)
    for parameter, place in (("first", 0), ("second", 1)):
        address.named(parameter, "run to compare", names, names[place])
    first = left.selectbox("Run A", names, 0, key="first", bind="query-params")
    second = right.selectbox("Run B", names, 1, key="second", bind="query-params")
    pair = [by_label[first or names[0]], by_label[second or names[1]]]
    sources = tuple(map(source_of, pair))
    every = placed_objects(sources, runs[0].record.dataset_id, class_id, dataset.minimum_area)
    sets = {key: _with(every, outcomes) for key, (_, outcomes) in _SETS.items()}
    asked = address.named(_SET, "set of objects", list(_SETS), f"“{_SETS['first'][0]}”") or "first"
    chosen = st.pills(
        "Objects",
        list(_SETS),
        default=asked,
        format_func=lambda key: f"{len(sets[key]):,} {_SETS[key][0]}",
        required=True,
        key=_CHOSEN_SET,
        on_change=_take_set,
    )
    if pair[0] is pair[1]:
        st.caption("A and B are the same run.")
    name = escaped(dataset.classes[class_id])
    st.caption(
        f"Class {name}. A at {pair[0].threshold_words}, B at {pair[1].threshold_words}. Match rule: "
        f"{pair[0].sweep.match_rule.words}; objects from {dataset.minimum_area} pixels on. A false alarm of both "
        "shares a pixel with one of the other run, and counts once."
    )
    shown = sets[chosen or "first"]
    if not shown:
        st.info(f"No object is {_SETS[chosen or 'first'][0]}." if "alarms" not in (chosen or "") else
                f"There are no {_SETS[chosen or 'first'][0]}.", icon=":material/check:")  # fmt: skip
        return
    show_gallery(shown, sources, runs[0].record.dataset_id, class_id, f"pair-{chosen}-{first}-{second}")


def _with(objects: Sequence[PlacedObject], outcomes: _Outcomes) -> list[PlacedObject]:
    return [each for each in objects if each.object.outcomes == outcomes]


def _take_set() -> None:
    st.query_params[_SET] = st.session_state[_CHOSEN_SET]
    st.query_params.pop(OBJECT, None)
