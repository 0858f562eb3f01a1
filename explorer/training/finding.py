"""Whether a run finds anything at all, from its validations. No torch.

A class is found where at least one pixel of the label is predicted as that class. A loss can be low and fall while
nothing is found: with little foreground, "background everywhere" is nearly right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.metrics.counts import Scores
from explorer.training.events import Validation


@dataclass(frozen=True)
class Silence:
    """A class of which nothing is found."""

    class_id: int
    since_step: int  # of the first validation from which on nothing was found
    predicted_anything: bool  # at the last validation: False: no pixel is predicted as the class; True: all are wrong


def silences(validations: Sequence[Validation]) -> tuple[Silence, ...]:
    """The foreground classes of which the last validation found nothing, although its label holds some.

    >>> from explorer.metrics.counts import ClassScores, ObjectScores, PixelScores
    >>> found, nothing, wrong = (
    ...     Scores(None, {1: ClassScores(PixelScores(p, r, r, r), ObjectScores(None, r, r, 0, 0, 5))})
    ...     for p, r in ((0.5, 0.5), (None, 0.0), (0.0, 0.0))
    ... )
    >>> seen = [Validation(10 * (i + 1), 0, 0, each, 64, 0.1) for i, each in enumerate([found, nothing, wrong])]
    >>> silences(seen)
    (Silence(class_id=1, since_step=20, predicted_anything=True),)
    >>> silences(seen[:1])
    ()

    Args:
        validations: of a run so far, in order; steps that were lost by going back left out.
    """
    if not validations:
        return ()
    result = []
    for class_id, of_class in sorted(validations[-1].scores.classes.items()):
        if class_id == 0 or not _silent(validations[-1].scores, class_id):
            continue
        since = validations[-1].step
        for validation in reversed(validations):
            if not _silent(validation.scores, class_id):
                break
            since = validation.step
        result.append(Silence(class_id, since, of_class.pixel.precision is not None))
    return tuple(result)


def found_nothing_since(validations: Sequence[Validation]) -> int | None:
    """The step since which nothing of any class is found; None where the last validation found something."""
    silent = silences(validations)
    scores = validations[-1].scores if validations else Scores(None, {})
    there = [k for k, of_class in scores.classes.items() if k > 0 and of_class.pixel.recall is not None]
    return max(each.since_step for each in silent) if silent and len(silent) == len(there) else None


def not_found_message(scores: Scores, classes: Sequence[str]) -> str:
    """In words, which classes were not found at all, for the end of a run; empty where all were.

    Args:
        scores: of the last validation.
        classes: names, background first.
    """
    silent = [k for k in sorted(scores.classes) if k > 0 and _silent(scores, k)]
    if not silent:
        return ""
    there = [k for k in scores.classes if k > 0 and scores.classes[k].pixel.recall is not None]
    unpredicted = [k for k in silent if scores.classes[k].pixel.precision is None]
    why = "no pixel is predicted as {}" if len(unpredicted) == len(silent) else "no pixel predicted as {} is right"
    names = " or ".join(f"“{classes[k]}”" for k in silent)
    found = "nothing was found" if len(silent) == len(there) else "not every class was found"
    return f"done, but {found}: on the validation scenes {why.format(names)}"


def _silent(scores: Scores, class_id: int) -> bool:
    return class_id in scores.classes and scores.classes[class_id].pixel.recall == 0
