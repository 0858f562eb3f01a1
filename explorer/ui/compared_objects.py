"""Validation crops and objects of compared runs: side by side, and those that one run finds and another misses."""

from __future__ import annotations

import itertools
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
from explorer.ui.sweeps import SweptRun, about_swept_runs
from explorer.ui.unique_labels import position_labels

_CROP_SIDE = 512  # pixels of a crop, at most
_LONGEST = 768  # pixels of its picture
_IN_A_ROW = 4
_SET, _CHOSEN_SET = "set", "chosen-set"  # in the address; in the session, with the number of sets
_Outcomes = tuple[Outcome | None, ...]
_OF_ONE: Mapping[str, tuple[str, _Outcomes]] = {
    "found": ("found", ("found",)),
    "missed": ("missed", ("missed",)),
    "alarms": ("false alarms", ("false",)),
}
_OF_TWO: Mapping[str, tuple[str, _Outcomes]] = {
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
    masks = [run.sweep.predicted(number, class_id, run.threshold, part) for run in runs]
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
        f"all pictures follow. {about_swept_runs(runs, len(dataset.classes))}"
    )


def validation_crops(dataset: Dataset) -> list[tuple[int, tuple[int, int, int, int]]]:
    """The validation scenes by their position, large ones in parts of about one size: top, left, height and width."""
    crops = []
    for number, scene in enumerate(dataset.validation):
        rows, columns = (_even_parts(side) for side in scene.size)
        crops += [(number, (top, left, height, width)) for top, height in rows for left, width in columns]
    return crops


def _even_parts(side: int) -> list[tuple[int, int]]:
    """Start and length of the parts of a side, none longer than ``_CROP_SIDE``: they differ by one pixel at most.

    >>> _even_parts(513)
    [(0, 256), (256, 257)]
    """
    count = -(-side // _CROP_SIDE)
    edges = [side * number // count for number in range(count + 1)]
    return [(start, end - start) for start, end in itertools.pairwise(edges)]


def _crop_labels(dataset: Dataset, crops: Sequence[tuple[int, tuple[int, int, int, int]]]) -> dict[int, str]:
    names = []
    for number, (top, left, height, width) in crops:
        scene = dataset.validation[number]
        whole = (height, width) == scene.size
        names.append(scene.name if whole else f"{scene.name}, from row {top} and column {left}")
    return position_labels(names)


def show_objects(runs: Sequence[SweptRun], class_id: int) -> None:
    """The objects of two of the runs by who finds them, or of the only run by outcome.

    Args:
        runs: on one dataset, under one match rule that counts objects.
        class_id: 1 or more.
    """
    dataset_id = runs[0].record.dataset_id
    dataset = services.dataset(dataset_id)
    chosen_runs = _pick_pair(runs) if len(runs) > 1 else runs
    if len(runs) == 1:
        st.info("Choose a second run above to see what one finds and the other misses.", icon=":material/compare:")
    sources = tuple(map(source_of, chosen_runs))
    every = placed_objects(sources, dataset_id, class_id, dataset.minimum_area)
    chosen, words, shown = _pick_set(every, _OF_TWO if len(sources) > 1 else _OF_ONE)
    at = [
        f"{letter} at {run.threshold_words}" if len(sources) > 1 else f"At {run.threshold_words}"
        for letter, run in zip("AB", chosen_runs, strict=False)
    ]
    st.caption(
        f"Class {escaped(dataset.classes[class_id])}. {', '.join(at)}. Match rule: {runs[0].sweep.match_rule.words}; "
        f"objects from {dataset.minimum_area} pixels on."
        + (" A false alarm of both shares a pixel with one of the other run, and counts once." if at[1:] else "")
        + f" {about_swept_runs(chosen_runs, len(dataset.classes))}"
    )
    if not shown:
        st.info(f"No objects here: none is {words}." if "alarm" not in words else f"There are no {words}.",
                icon=":material/check:")  # fmt: skip
        return
    show_gallery(shown, sources, dataset_id, class_id, "-".join(("objects", chosen, *(s.name for s in sources))))


def _pick_pair(runs: Sequence[SweptRun]) -> list[SweptRun]:
    """Run A and run B, kept in the address."""
    by_label = {run.label: run for run in runs}
    names = list(by_label)
    pair = []
    for column, parameter, title, place in zip(
        wrapping_columns("pair", 2), ("first", "second"), ("Run A", "Run B"), (0, 1), strict=True
    ):
        address.named(parameter, "run to compare", names, names[place])
        label = column.selectbox(title, names, place, key=parameter, bind="query-params")
        pair.append(by_label[label or names[place]])
    if pair[0] is pair[1]:
        st.caption("A and B are the same run.")
    return pair


def _pick_set(
    objects: Sequence[PlacedObject], named: Mapping[str, tuple[str, _Outcomes]]
) -> tuple[str, str, list[PlacedObject]]:
    """The set of objects that the address names: its key, its words, and the objects."""
    sets = {key: [each for each in objects if each.object.outcomes == wanted] for key, (_, wanted) in named.items()}
    first = next(iter(named))
    asked = address.named(_SET, "set of objects", list(named), f"“{named[first][0]}”") or first
    widget = f"{_CHOSEN_SET}-{len(named)}"
    chosen = st.pills(
        "Objects",
        list(named),
        default=asked,
        format_func=lambda key: f"{len(sets[key]):,} {named[key][0]}",
        required=True,
        key=widget,
        on_change=_take_set,
        args=(widget,),
    )
    key = chosen or asked
    return key, named[key][0], sets[key]


def _take_set(widget: str) -> None:
    st.query_params[_SET] = st.session_state[widget]
    st.query_params.pop(OBJECT, None)
