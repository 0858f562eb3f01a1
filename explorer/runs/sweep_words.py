"""How the counts of a threshold sweep differ from a run's result, in sentences that stand beside them. No torch."""

from __future__ import annotations

from collections.abc import Mapping

from explorer.metrics.splitting_predictions import ObjectCut
from explorer.runs.class_thresholds import OwnThresholds

_EACH_ALONE = (
    " Each class is thresholded by itself here. What a run predicts, and its result, give each pixel to one class: "
    "their counts differ."
)


def cut_of(own: OwnThresholds | None, class_id: int, split: bool) -> ObjectCut:
    """How a sweep cuts out the objects of a class.

    Args:
        own: the thresholds of the checkpoint; None: there are none.
        class_id: 1 or more.
        split: whether the sweep separates neighbours.
    """
    cuts = own.cuts(split) if own is not None else ()
    return cuts[class_id - 1] if cuts else ObjectCut()


def about_sweeps(cuts: Mapping[str, ObjectCut], classes: int) -> str:
    """What holds at every threshold of sweeps of one class: what is split and left out, and that it stands alone.

    >>> about_sweeps({"a": ObjectCut(12.0, 40)}, classes=2)[:89]
    'At every threshold, predictions that touch are split, and objects below 40 px are left ou'
    >>> about_sweeps({"a": ObjectCut()}, classes=2)
    'At every threshold, predictions are taken as they are.'

    Args:
        cuts: by the run's name, as the sentence has it.
        classes: number of classes, background included.
    """
    words = {name: _in_words(cut) for name, cut in cuts.items()}
    one = len(set(words.values())) == 1
    said = f", {next(iter(words.values()))}" if one else ": " + "; ".join(f"{n}: {text}" for n, text in words.items())
    half = " A result at ½ is of predictions as they are." if any(cut != ObjectCut() for cut in cuts.values()) else ""
    return f"At every threshold{said}.{half}{_EACH_ALONE if classes > 2 else ''}"


def _in_words(cut: ObjectCut) -> str:
    parts = ["predictions that touch are split"] if cut.diameter is not None else []
    parts += [f"objects below {cut.smallest} px are left out"] if cut.smallest > 1 else []
    return ", and ".join(parts) or "predictions are taken as they are"
