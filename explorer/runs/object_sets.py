"""Objects of validation scenes that predictions find, miss or falsely report: as lists, and as an address. No torch.

Every count of objects on a page stands for an :class:`ObjectSet`, whose text is short enough for an address, so that
whoever has the link sees exactly the objects that were counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from explorer.errors import InputError
from explorer.imagery.match_rule import MatchRule
from explorer.imagery.scene import Scene
from explorer.metrics.class_map import STEPS
from explorer.metrics.matching import find_label_objects
from explorer.metrics.object_differences import ComparedObject, compare_objects
from explorer.metrics.objects import Outcome
from explorer.runs.threshold_sweep import ThresholdSweep

_MARK = "~"  # between the parts of the text; an address keeps it as it is
_CUTS: dict[bool, Literal["split", "joined"]] = {True: "split", False: "joined"}
_WHOLE = re.compile(r"\d{1,9}")


@dataclass(frozen=True)
class ObjectSet:
    """The objects of one outcome in what a run predicts, and all that they depend on."""

    run: str  # id
    step: int  # of the checkpoint
    threshold: float  # 0 to 1, a whole multiple of 1/STEPS
    split: bool  # predictions that touch are split
    class_id: int  # 1 or more
    rule: MatchRule
    minimum_area: int  # pixels
    outcome: Outcome

    def __str__(self) -> str:
        parts = (self.run, self.step, round(self.threshold * STEPS), _CUTS[self.split], self.class_id, self.rule,
                 self.minimum_area, self.outcome)  # fmt: skip
        return _MARK.join(map(str, parts))

    @classmethod
    def parse(cls, text: str) -> ObjectSet:
        """Reads what ``str`` gave.

        >>> text = str(ObjectSet("ab12", 240, 0.44, False, 1, MatchRule.parse("iou:0.5"), 8, "missed"))
        >>> text, ObjectSet.parse(text).threshold
        ('ab12~240~440~joined~1~iou:0.5~8~missed', 0.44)

        Raises:
            InputError: it is no such text.
        """
        parts = text.split(_MARK)
        wrong = InputError("does not name objects of a run", text[:80], "open them from a count on a page")
        if len(parts) != 8:
            raise wrong
        run, step, threshold, cut, class_id, rule, area, outcome = parts
        whole = [int(each) for each in (step, threshold, class_id, area) if _WHOLE.fullmatch(each)]
        if len(whole) != 4 or cut not in _CUTS.values() or outcome not in get_args(Outcome):
            raise wrong
        if not 1 <= whole[1] <= STEPS or whole[2] < 1 or whole[3] < 1:
            raise wrong
        known: Outcome = outcome  # type: ignore[assignment]  # one of them, see above
        return cls(run, whole[0], whole[1] / STEPS, cut == _CUTS[True], whole[2], MatchRule.parse(rule), whole[3],
                   known)  # fmt: skip


@dataclass(frozen=True)
class PlacedObject:
    """An object of one of the validation scenes."""

    scene: int  # its position among them
    object: ComparedObject


def objects_of(
    sweeps: Sequence[tuple[ThresholdSweep, float]], scenes: Sequence[Scene], class_id: int, minimum_area: int
) -> tuple[PlacedObject, ...]:
    """The objects of all scenes as several predictions have them.

    Args:
        sweeps: each with its threshold; all under one match rule, over these scenes.
        scenes: the validation scenes, in their order.
        class_id: 1 or more.
        minimum_area: in pixels; see :mod:`explorer.metrics.matching`.

    Returns:
        None at all where the match rule counts pixels.
    """
    if not all(sweep.match_rule.counts_objects for sweep, _ in sweeps):
        return ()
    found: list[PlacedObject] = []
    for number, scene in enumerate(scenes):
        objects = find_label_objects(scene.label, class_id, scene.objects)
        matchings = [sweep.matched(number, objects, class_id, threshold) for sweep, threshold in sweeps]
        found += (PlacedObject(number, each) for each in compare_objects(objects, matchings, minimum_area))
    return tuple(found)
