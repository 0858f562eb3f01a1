"""How a run ended: ``summary.json``, in the form that ``evaluate`` prints as well.

::

    {"steps", "seconds", "device", "samples_per_second",       of training, pauses left out
     "classes": ["background", "ship", …],                     names by class id
     "scale": 0.5,                                             working scale: pixels of the segmenter per pixel
     "threshold": {"1": 0.44},                                 by class id; null: the most probable class
     "threshold_source": "own: chosen on 3 threshold scenes",  or "half: …", "given", "none: …; ½ is used"
     "threshold_scenes": ["port_1 (threshold block)", …],      on which it was chosen
     "threshold_choice": {"1": {"criterion", "value", "objects", "rule",     how, in words; {} unless own
                                "split", "split_rule", "smallest", "smallest_rule"}},
     "match_rule": "IoU > 0.5", "match": "iou:0.5",            in words, and as ``--match`` takes it
     "min_area": 8, "minimum_area": 8,                         pixels; the latter name is that of earlier versions
     "split": {"1": true},                                     whether neighbours are separated, by class id
     "smallest": {"1": 40},                                    predicted objects with fewer pixels are dropped
     "flips": false,                                           mean over flips
     "validation": SCORES,                                     at the threshold, split and without the smallest
     "validation_half": SCORES,                                at ½, or the most probable class, as it is
     "validation_unseen": SCORES,                              at the threshold, over scenes that neither trained nor
                                                               chose; null: there are none, or it is not known
     "found_nothing": {"1": false},                            whether no pixel was found; null: none is there
     "scenes": {"port_4": SCORES, …},                          at the threshold, scene by scene
     "scene_use": {"port_4": "validation", …},                 or "training", "threshold", "new"; null: not known
     "scenes_median": SCORES without counts,                   over the scenes where a score is defined
     "not_used": {"port_9": "the mask is …"},                  scenes that could not be scored, and why
     "versions": {"python": "3.11.9", "torch": …, "numpy": …, "scipy": …}}   of what evaluated

``SCORES`` is what :func:`explorer.metrics.counts.scores_to_json` gives. ``summary.json`` has ``ended`` and ``message``
too. In summaries of earlier versions ``validation`` is what ``validation_half`` is now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from platform import python_version
from typing import Any

from explorer.files import write_atomically
from explorer.imagery.scene import Dataset
from explorer.metrics.counts import scores_to_json
from explorer.metrics.splitting_predictions import ObjectCut
from explorer.runs.class_thresholds import AppliedThresholds, choice_to_json, thresholds_of
from explorer.runs.evaluation import Evaluation, Scoring, evaluate_scenes, found_nothing, median_over_scenes
from explorer.runs.folder import RunFolder
from explorer.runs.own_threshold import own_thresholds
from explorer.runs.scene_use import SceneUse
from explorer.runs.segmenters import find_checkpoint, load_predictor
from explorer.runs.timeline import timeline
from explorer.training.events import Ended, Event, Started, Step


def summarise(
    folder: RunFolder,
    events: Sequence[Event],
    evaluation: Evaluation,
    scoring: Scoring,
    applied: AppliedThresholds,
    uses: Mapping[str, SceneUse] | None,
    flips: bool = False,
    not_used: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What a run took, and how its segmenter does, as JSON: see the head of this module.

    Args:
        folder: of the run.
        events: of the run.
        evaluation: over the scenes that were asked for.
        scoring: what the scores of objects rest on.
        applied: the thresholds of the evaluation.
        uses: what the run has used each scene for; None: not known.
        flips: the predictions are means over flips.
        not_used: why a scene could not be scored, by its name.
    """
    holding = timeline(events)
    last = next((event for event in reversed(holding) if isinstance(event, Step)), None)
    started = next((event for event in reversed(holding) if isinstance(event, Started)), None)
    steps, seconds = (last.step, last.seconds) if last else (0, 0.0)
    plan, classes = folder.plan(), folder.dataset().classes
    return {
        "steps": steps,
        "seconds": round(seconds, 3),
        "device": started.device if started else None,
        "samples_per_second": round(steps * plan.batch_size / seconds, 2) if seconds else None,
        "classes": list(classes),
        "scale": plan.inputs.scale,
        "threshold": applied.by_class(len(classes)),
        "threshold_source": applied.source,
        "threshold_scenes": list(applied.own.scenes) if applied.own else [],
        "threshold_choice": choice_to_json(applied.own),
        "match_rule": scoring.match_rule.words,
        "match": str(scoring.match_rule),
        "min_area": scoring.minimum_area,
        "minimum_area": scoring.minimum_area,
        **_cuts_to_json(scoring.cuts, len(classes)),
        "flips": flips,
        "validation": scores_to_json(evaluation.scores),
        "validation_half": scores_to_json(evaluation.half),
        "validation_unseen": scores_to_json(evaluation.unseen) if evaluation.unseen and uses is not None else None,
        "found_nothing": found_nothing(evaluation.scores),
        "scenes": {name: scores_to_json(scores) for name, scores in evaluation.scenes.items()},
        "scene_use": None if uses is None else dict(uses),
        "scenes_median": median_over_scenes(evaluation.scenes.values()),
        "not_used": dict(not_used or {}),
        "versions": {"python": python_version(), **{name: version(name) for name in ("torch", "numpy", "scipy")}},
    }


def _cuts_to_json(cuts: Sequence[ObjectCut], classes: int) -> dict[str, dict[str, Any]]:
    by_class = {str(class_id): cut for class_id, cut in enumerate(cuts or (ObjectCut(),) * (classes - 1), start=1)}
    return {
        "split": {class_id: cut.diameter is not None for class_id, cut in by_class.items()},
        "smallest": {class_id: cut.smallest for class_id, cut in by_class.items()},
    }


def write_summary(folder: RunFolder, dataset: Dataset, events: Sequence[Event], device: str) -> None:
    """Chooses the thresholds of a run that has ended, and writes ``summary.json`` over all of the validation scenes."""
    checkpoint, _ = find_checkpoint(folder)
    own_thresholds(folder, dataset, checkpoint, device, last=True)
    applied = thresholds_of(folder, "own", len(dataset.classes), checkpoint)
    scoring = Scoring(dataset.minimum_area, dataset.match_rule, applied.cuts)
    predictor = load_predictor(folder, checkpoint, device)
    evaluation = evaluate_scenes(predictor, dataset.validation, len(dataset.classes), scoring, applied.values)
    uses: dict[str, SceneUse] = {scene.name: "validation" for scene in dataset.validation}
    summary = summarise(folder, events, evaluation, scoring, applied, uses, predictor.flips)
    ended = next((event for event in reversed(events) if isinstance(event, Ended)), None)
    if ended is not None:
        summary |= {"ended": ended.reason, "message": ended.message}
    write_atomically(folder.summary_file, (json.dumps(summary, indent=1) + "\n").encode())
