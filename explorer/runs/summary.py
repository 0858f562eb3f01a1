"""How a run ended: ``summary.json``, in the form that ``evaluate`` prints as well."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from explorer.files import write_atomically
from explorer.imagery.scene import Dataset
from explorer.metrics.counts import Scores, scores_to_json
from explorer.metrics.matching import MATCH_RULE
from explorer.runs.folder import RunFolder
from explorer.runs.segmenters import evaluate_scenes, load_predictor
from explorer.runs.timeline import timeline
from explorer.training.events import Ended, Event, Started, Step


def summarise(folder: RunFolder, events: Sequence[Event], scores: Scores, minimum_area: int) -> dict[str, Any]:
    """What a run took, and how its segmenter does.

    Args:
        folder: of the run.
        events: of the run.
        scores: over the scenes that were asked for.
        minimum_area: of the objects in these scores, in pixels.

    Returns:
        ``{"steps", "seconds", "device", "samples_per_second", "minimum_area", "match_rule", "validation": …}``: steps
        and seconds of training, pauses left out, on this device; what the object scores rest on; the scores as
        ``scores_to_json`` gives them.
    """
    holding = timeline(events)
    last = next((event for event in reversed(holding) if isinstance(event, Step)), None)
    started = next((event for event in reversed(holding) if isinstance(event, Started)), None)
    steps, seconds = (last.step, last.seconds) if last else (0, 0.0)
    return {
        "steps": steps,
        "seconds": round(seconds, 3),
        "device": started.device if started else None,
        "samples_per_second": round(steps * folder.plan().batch_size / seconds, 2) if seconds else None,
        "minimum_area": minimum_area,
        "match_rule": MATCH_RULE,
        "validation": scores_to_json(scores),
    }


def write_summary(folder: RunFolder, dataset: Dataset, events: Sequence[Event], device: str) -> None:
    """Writes ``summary.json`` of a run that has ended, with scores over all of the validation scenes."""
    predictor = load_predictor(folder, device=device)
    scores = evaluate_scenes(predictor, dataset.validation, len(dataset.classes), dataset.minimum_area)
    summary = summarise(folder, events, scores, dataset.minimum_area)
    ended = next((event for event in reversed(events) if isinstance(event, Ended)), None)
    if ended is not None:
        summary |= {"ended": ended.reason, "message": ended.message}
    write_atomically(folder.summary_file, (json.dumps(summary, indent=1) + "\n").encode())
