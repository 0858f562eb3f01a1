"""What a run is for and what it does not show, as a model card says it: derived from what the run did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explorer.report.blocks import percent, short
from explorer.report.source import RunSource
from explorer.runs.compared_curves import was_steered

_FEW_OBJECTS = 50  # below, single objects move recall by more than two percent
_FEW_SCENES = 5


def intended_use(run: RunSource) -> str:
    """One sentence: for what, on which images."""
    reference = run.reference
    classes = ", ".join(reference.classes[1:])
    scale = "" if run.plan.inputs.scale == 1 else f", looked at in {run.plan.inputs.scale:g} times their resolution"
    return (
        f"Finding {classes} in images like those of the dataset “{reference.name}”: {len(reference.bands)} bands "
        f"({', '.join(reference.bands)}) in this order, of the same resolution and kind{scale}. It was made to "
        "compare losses: whether it is good enough for a task, images of that task must show."
    )


def limits(run: RunSource, beside: Sequence[RunSource]) -> tuple[str, ...]:
    """What limits the numbers, in sentences.

    Args:
        run: that is described.
        beside: all runs of the report.
    """
    return tuple(
        sentence
        for part in (_evidence(run), _choice(run), _domain(run), _sizes(run), _course(run), _unmeasured(run, beside))
        for sentence in part
    )


def _evidence(run: RunSource) -> Iterator[str]:
    """How much the scores rest on."""
    if run.summary is None:
        yield "Nothing is scored yet: the run has not ended, and the curves through training look at a part only."
        return
    scenes = len(run.summary["scenes"])
    few = "; one odd scene can decide them" if scenes < _FEW_SCENES else ""
    yield f"The scores rest on {_counted(scenes, 'validation scene')}{few}."
    for class_id, name in enumerate(run.reference.classes):
        found = run.summary["validation"]["classes"][str(class_id)]["object"]
        there = found["true_positives"] + found["false_negatives"]
        if not class_id or not run.reference.match_rule.counts_objects:
            continue
        if not there:
            yield f"{name}: the validation scenes hold no object that counts, so that there is no recall."
        elif there < _FEW_OBJECTS:
            yield f"{name}: there are {there} objects to find; one more or less moves recall by {percent(1 / there)}."
        if run.summary["found_nothing"].get(str(class_id)):
            yield f"{name}: no pixel was found at the run's threshold."
    if not run.reference.match_rule.may_choose:
        yield (
            f"Under the rule {run.reference.match_rule.words}, one blob over everything finds all objects: read the "
            "precision of pixels beside it."
        )
    if run.split_into_blocks:
        yield (
            "What validates is a block of a scene whose other blocks trained: how the run does on another image is not "
            "known."
        )


def _choice(run: RunSource) -> Iterator[str]:
    """What was chosen on which scenes."""
    if run.own is not None and run.own.scenes:
        objects = ", ".join(f"{run.reference.classes[chosen.class_id]} {chosen.objects}" for chosen in run.own.classes)
        yield (
            f"The threshold was chosen on what neither trained nor scores: {_counted(len(run.own.scenes), 'scene')} or "
            f"parts of scenes, with these numbers of objects: {objects}. Scores there, and on scenes that trained, are "
            "no result."
        )
    elif run.own is not None:
        yield "No scenes were held out to choose a threshold on: ½ is used, which may be far from the best one."
    yield (
        "A threshold that is read off the curves of this report was chosen on the scenes that score: on others it does "
        "worse."
    )
    yield from _triggers(run)


def _triggers(run: RunSource) -> Iterator[str]:
    """What its triggers watched: where a plan chooses its threshold, threshold scenes or nothing."""
    with_trigger = {number for number, phase in enumerate(run.plan.phases) if phase.trigger is not None}
    if not any(validation.phase in with_trigger for validation in run.history.validations):
        return
    if not run.plan.choose_threshold:
        yield "Triggers watched the validation scenes: when phases ended was decided on scenes that score."
    elif not run.threshold_scenes:
        yield "Triggers watched nothing, since no scenes could be held out: every phase had its full length."


def _domain(run: RunSource) -> Iterator[str]:
    """On which images it says nothing."""
    stretch = "each scene is stretched by itself" if run.plan.inputs.own_stretch else (
        "values outside the range of the training scenes, which the data card states, are clipped; predict refuses "
        "images that lie outside it"
    )  # fmt: skip
    scenes = len(run.reference.training)
    where = f"{_counted(scenes, 'scene')} of this dataset" if scenes else "this dataset"
    yield f"Trained on {where} alone: other places, seasons, sensors or resolutions were not looked at; {stretch}."
    prints = run.imagery.fingerprint if run.imagery else None
    if prints is not None and prints.brightness is not None and len(prints.scenes) > 1:
        yield (
            f"The brightest training scene is {short(round(prints.brightness, 2))} times as bright as the darkest one, "
            "by their medians: beyond that, nothing is known."
        )
    if run.plan.upright:
        yield "Up was taken to be up: images from straight above, or turned, were not trained."


def _sizes(run: RunSource) -> Iterator[str]:
    """Below which size nothing is said."""
    yield f"Objects of the label below {run.reference.minimum_area} px count as neither hit nor miss."
    for chosen in run.own.classes if run.own is not None else ():
        if chosen.smallest > 1:
            name = run.reference.classes[chosen.class_id]
            yield f"Predicted objects of {name} below {chosen.smallest} px are dropped at the own threshold."
    if run.plan.inputs.scale < 1:
        side = 1 / run.plan.inputs.scale
        yield f"One pixel of the segmenter covers {short(round(side, 2))} pixels of the image along each side."


def _course(run: RunSource) -> Iterator[str]:
    """What happened while it trained."""
    if run.ended is not None and run.ended.reason != "done":
        yield f"The run did not end as planned: {run.ended.reason}. {run.ended.message}".strip()
    changed = [text for _, text in run.history.notes if text.startswith("Changed by hand")]
    if changed:
        yield f"It was changed by hand {_counted(len(changed), 'time')} while it trained; the plan's file repeats that."
    if run.history.returns:
        yield f"It went back to an earlier step {_counted(run.history.returns, 'time')}, see the plan's log."
    if run.plan.segmenter.kind == "pretrained":
        yield (
            "The encoder was trained on ImageNet (EfficientNet-Lite0, Apache-2.0, copyright 2020 ML Illustrated): what "
            "its images taught is part of the run."
        )


def _unmeasured(run: RunSource, beside: Sequence[RunSource]) -> Iterator[str]:
    """What nobody looked at."""
    rest = {"seed", "name"}
    alike = [
        other
        for other in beside
        if other.plan.model_dump(exclude=rest) == run.plan.model_dump(exclude=rest)
        and other.reference.id == run.reference.id
        and _went_as_planned(other)
    ]
    seeds = len({other.plan.seed for other in alike})
    if seeds < 2 or not _went_as_planned(run):
        yield "One seed: how much the scores vary between seeds was not measured."
    else:
        yield f"{seeds} seeds of this plan are in this report: their spread is a rough estimate of that between seeds."
    yield "Not measured: whether probabilities are calibrated, errors of the labels, and the time on other machines."


def _went_as_planned(run: RunSource) -> bool:
    """Whether it trained to the end of its plan, and nobody changed it on the way."""
    return run.ended is not None and run.ended.reason == "done" and not was_steered(run.plan, run.history)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
