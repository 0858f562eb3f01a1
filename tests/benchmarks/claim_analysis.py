"""From finished runs to verdicts on the article's claims: pure functions, no torch."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.segmenter.registry import SEGMENTERS
from explorer.training.evidence import OWN_MEASURE, At, Evidence, Finding, Interval, Outcome
from tests.benchmarks.claim_plans import (
    CE,
    CE_GRID,
    CYCLED,
    DICE_CE,
    FOCAL_GRID,
    JACCARD,
    MAIN,
    ONCE,
    PRESETS,
    RECIPE,
    WEIGHTED,
)
from tests.benchmarks.paired_bootstrap import (
    Effect,
    Part,
    claim_p_values,
    effect,
    holm,
    pooled_effect,
    two_sided,
    verdict,
)
from tests.benchmarks.scoring import GRID, PIXELS, Counts, added, f1, false_alarms, precision, recall
from tests.benchmarks.sets import SETS

Metric = Callable[[Counts], float]
Table = NDArray[np.float64]

MEASURES = (OWN_MEASURE, "iou:0.5", "iou:0.1", "overlap", PIXELS)
"""Measures of the verdicts."""

_HALF = int(np.abs(GRID - 0.5).argmin())


@dataclass(frozen=True)
class Inequality:
    """Mean of (plus − minus) > bound. Of several plans it is the spread of their values that counts.

    Numbers without an upper bound are compared relative to their sum: else the dataset with the most of them decides.
    """

    metric: Metric
    plus: tuple[str, ...]
    minus: tuple[str, ...]
    bound: float = 0.0
    relative: bool = False  # (plus − minus) ÷ (plus + minus), from −1 to 1; 0 where both are 0

    def difference(self, plus: float, minus: float) -> float:
        """
        >>> Inequality(false_alarms, ("a",), ("b",), relative=True).difference(30, 10)
        0.5
        """
        if not self.relative:
            return plus - minus
        return (plus - minus) / (plus + minus) if plus + minus else 0.0


@dataclass(frozen=True)
class Claim:
    """A sentence that holds if all its inequalities do."""

    key: str
    text: str
    parts: tuple[Inequality, ...]

    @property
    def plans(self) -> tuple[str, ...]:
        """All that are compared."""
        return tuple(dict.fromkeys(name for part in self.parts for name in (*part.plus, *part.minus)))

    def matched(self) -> Inequality | None:
        """What is compared where both plans have the same recall: precision. None where spreads are compared."""
        first = self.parts[0]
        plus, minus = (first.plus, first.minus) if self.key != "switch" else (first.minus, first.plus)
        return Inequality(precision, plus, minus) if len(plus) == len(minus) == 1 else None


CLAIMS = (
    Claim(
        "weights",
        "Weighted cross-entropy raises recall over cross-entropy",
        (Inequality(recall, (WEIGHTED,), (CE,)),),
    ),
    Claim(
        "jaccard",
        "Jaccard raises precision over weighted cross-entropy",
        (Inequality(precision, (JACCARD,), (WEIGHTED,)),),
    ),
    Claim(
        "switch",
        "Weighted cross-entropy, then Jaccard at a small learning rate, cuts false alarms of weighted cross-entropy "
        "alone, and recall falls by at most five points (difference of false alarms ÷ their sum)",
        (
            Inequality(false_alarms, (WEIGHTED,), (ONCE,), relative=True),
            Inequality(recall, (ONCE,), (WEIGHTED,), bound=-0.05),
        ),
    ),
    Claim("over_dice_ce", "The recipe beats Dice + CE in F1", (Inequality(f1, (RECIPE,), (DICE_CE,)),)),
    Claim("over_ce", "The recipe beats cross-entropy in F1", (Inequality(f1, (RECIPE,), (CE,)),)),
    Claim("over_jaccard", "The recipe beats Jaccard in F1", (Inequality(f1, (RECIPE,), (JACCARD,)),)),
    Claim("cycling", "Cycling beats one switch in F1", (Inequality(f1, (CYCLED,), (ONCE,)),)),
    Claim(
        "focal",
        "Focal loss is less stable over focus and learning rate than cross-entropy is over learning rate "
        "(mean difference of F1 between two settings)",
        (Inequality(f1, FOCAL_GRID, CE_GRID),),
    ),
)


@dataclass
class Runs:
    """The counts of all runs of one dataset: by plan, seed and unit."""

    set_key: str
    half: dict[str, dict[int, dict[str, dict[str, Counts]]]] = field(default_factory=dict)  # the last: by measure
    own: dict[str, dict[int, dict[str, dict[str, Counts]]]] = field(default_factory=dict)
    curves: dict[str, dict[int, dict[str, dict[str, list[Counts]]]]] = field(default_factory=dict)

    def measure(self, name: str) -> str | None:
        """The measure of this name for this dataset; None where it is not counted."""
        own = SETS[self.set_key].own_rule
        if name == OWN_MEASURE:
            return own
        return name if name in SETS[self.set_key].rules else None

    def values(self, metric: Metric, plan: str, measure: str, at: At) -> dict[tuple[int, str], float]:
        """The metric of a plan by seed and unit."""
        counts = self.half if at == "half" else self.own
        return {
            (seed, unit): metric(of_unit[measure])
            for seed, units in counts.get(plan, {}).items()
            for unit, of_unit in units.items()
        }

    def at_equal_recall(
        self, metric: Metric, plans: tuple[str, str], measure: str
    ) -> tuple[dict[tuple[int, str], float], ...]:
        """The metric of two plans where, in each run, both have the recall that the lower one has at ½.

        The threshold of each is the highest at which its recall over all scoring scenes is at least that. NaN where the
        lower one finds nothing.
        """
        found: tuple[dict[tuple[int, str], float], ...] = ({}, {})
        one, other = (self.curves.get(plan, {}) for plan in plans)
        for seed in one.keys() & other.keys():
            pooled = [
                [added([unit[measure][place] for unit in runs[seed].values()]) for place in range(len(GRID))]
                for runs in (one, other)
            ]
            recalls = np.nan_to_num(np.array([[recall(counts) for counts in curve] for curve in pooled]))
            target = recalls[:, _HALF].min()
            for side, runs in enumerate((one, other)):
                place = int(np.flatnonzero(recalls[side] >= target).max())
                for unit, of_unit in runs[seed].items():
                    value = metric(of_unit[measure][place]) if target > 0 else math.nan
                    found[side][seed, unit] = value
        return found


def collected(rows: Iterable[Mapping[str, Any]]) -> dict[str, Runs]:
    """The runs of result rows by the key of their dataset; scenes of one unit are added up.

    Raises:
        InputError: two rows are of the same plan, dataset and seed: they are of different versions or settings.
    """
    found: dict[str, Runs] = {}
    for row in rows:
        runs = found.setdefault(row["set"], Runs(row["set"]))
        units: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for scene in row["scenes"].values():
            units[scene["unit"]].append(scene)
        half, own = ({unit: _added_up(scenes, at) for unit, scenes in units.items()} for at in ("half", "own"))
        curves = {unit: _added_curves(scenes) for unit, scenes in units.items()}
        for plan in row["plans"]:
            if row["seed"] in runs.half.get(plan, {}):
                where = f"{row['set']}, seed {row['seed']}, {plan}"
                raise InputError("it was run twice, in different ways", where, "use one results file for one setting")
            runs.half.setdefault(plan, {})[row["seed"]] = half
            runs.own.setdefault(plan, {})[row["seed"]] = own
            runs.curves.setdefault(plan, {})[row["seed"]] = curves
    return {key: found[key] for key in SETS if key in found}


def _added_up(scenes: Sequence[Mapping[str, Any]], at: str) -> dict[str, Counts]:
    return {measure: added([scene[at][measure] for scene in scenes]) for measure in scenes[0][at]}


def _added_curves(scenes: Sequence[Mapping[str, Any]]) -> dict[str, list[Counts]]:
    curves: dict[str, list[Counts]] = {}
    for measure in scenes[0]["curves"]:
        of_scenes = [scene["curves"][measure] for scene in scenes]
        curves[measure] = [added(counts) for counts in zip(*of_scenes, strict=True)]
    return curves


def differences(runs: Runs, inequality: Inequality, measure_name: str, at: At) -> Table | None:
    """The table of seeds × units of plus − minus; None where the dataset does not have what is compared."""
    measure = runs.measure(measure_name)
    if measure is None:
        return None
    if at == "matched":
        if measure not in (SETS[runs.set_key].own_rule, PIXELS):
            return None
        sides = runs.at_equal_recall(inequality.metric, (inequality.plus[0], inequality.minus[0]), measure)
    else:
        sides = tuple(
            _spread([runs.values(inequality.metric, plan, measure, at) for plan in plans])
            for plans in (inequality.plus, inequality.minus)
        )
    plus, minus = sides
    return _table({cell: inequality.difference(plus[cell], minus[cell]) for cell in plus.keys() & minus.keys()})


def _spread(values: Sequence[dict[tuple[int, str], float]]) -> dict[tuple[int, str], float]:
    """Of one plan its values; of several the mean absolute difference of two of them, which does not grow with their
    number."""
    if len(values) == 1:
        return values[0]
    cells = set.intersection(*(set(each) for each in values))
    return {cell: float(np.mean([abs(a[cell] - b[cell]) for a, b in combinations(values, 2)])) for cell in cells}


def _table(cells: Mapping[tuple[int, str], float]) -> Table | None:
    if not cells:
        return None
    seeds, units = sorted({seed for seed, _ in cells}), sorted({unit for _, unit in cells})
    return np.array([[cells.get((seed, unit), math.nan) for unit in units] for seed in seeds])


def evidence(rows: Iterable[Mapping[str, Any]], date: str) -> Evidence:
    """All outcomes and verdicts of result rows."""
    kept = [row for row in rows if row["kind"] == "claims"]
    by_set = collected(kept)
    losses = {plan: tuple(row["losses"]) for row in kept for plan in row["plans"]}
    trained: dict[str, tuple[str, int]] = {}
    for row in kept:  # a run that diverged has fewer steps
        steps = max(row["steps"], trained.get(row["set"], ("", 0))[1])
        trained[row["set"]] = SEGMENTERS[row["segmenter"]].name, steps
    return Evidence(
        date=date,
        command=" or ".join(sorted({f"python -m tests.benchmarks.claims {row['options']}" for row in kept})),
        datasets=tuple(SETS[key].title for key in by_set),
        outcomes=tuple(_outcomes(by_set, losses, trained)),
        findings=tuple(_findings(by_set)),
    )


def _outcomes(
    by_set: Mapping[str, Runs], losses: Mapping[str, tuple[str, ...]], trained: Mapping[str, tuple[str, int]]
) -> Iterable[Outcome]:
    places: tuple[Literal["half", "own"], ...] = ("half", "own")
    for key, runs in by_set.items():
        measure = SETS[key].own_rule
        for plan in (name for name in MAIN if name in runs.half):
            for at in places:
                tables = [_table(runs.values(metric, plan, measure, at)) for metric in (recall, precision, f1)]
                found = [_effect(table) for table in tables]
                sized = next((each for each in found if each is not None), None)
                if sized is None:
                    continue
                of_recall, of_precision, of_f1 = (_interval(each, within=(0, 1)) for each in found)
                yield Outcome(
                    dataset=SETS[key].title,
                    plan=plan,
                    losses=losses[plan],
                    segmenter=trained[key][0],
                    steps=trained[key][1],
                    preset=PRESETS.get(plan),
                    measure=measure,
                    at=at,
                    recall=of_recall,
                    precision=of_precision,
                    f1=of_f1,
                    seeds=sized.seeds,
                    units=sized.units,
                )


def _findings(by_set: Mapping[str, Runs]) -> Iterable[Finding]:
    places: tuple[At, ...] = ("half", "own", "matched")
    for measure in MEASURES:
        for at in places:
            if at == "matched" and measure not in (OWN_MEASURE, PIXELS):
                continue
            tables: dict[str, list[tuple[Inequality, list[Table | None]]]] = {}
            for claim in CLAIMS:
                matched = claim.matched()
                parts = claim.parts if at != "matched" else () if matched is None else (matched,)
                tables[claim.key] = [
                    (part, [differences(runs, part, measure, at) for runs in by_set.values()]) for part in parts
                ]
            for place, key in enumerate(by_set):
                of_dataset = {
                    claim: [(part, _effect(each[place])) for part, each in parts] for claim, parts in tables.items()
                }
                yield from _judged(of_dataset, SETS[key].title, measure, at)
            overall = {
                claim: [(part, pooled_effect([t for t in each if t is not None])) for part, each in parts]
                for claim, parts in tables.items()
            }
            yield from _judged(overall, None, measure, at)


def _judged(
    effects: Mapping[str, Sequence[tuple[Inequality, Effect | None]]], dataset: str | None, measure: str, at: At
) -> Iterable[Finding]:
    """One finding a claim that could be compared, after Holm over these claims."""
    one_sided = {}
    for key, parts in effects.items():
        known = [Part(found, part.bound) for part, found in parts if found is not None]
        if parts and len(known) == len(parts):
            one_sided[key] = claim_p_values(known)
    adjusted = holm({key: two_sided(*p) for key, p in one_sided.items()})
    for claim in CLAIMS:
        parts = effects[claim.key]
        if not parts or not any(found is not None for _, found in parts):
            continue
        first = next(found for _, found in parts if found is not None)
        p = adjusted.get(claim.key)
        yield Finding(
            claim=claim.key,
            text=claim.text,
            plans=claim.plans,
            dataset=dataset,
            measure=measure,
            at=at,
            effect=_interval(parts[0][1]),
            also={part.metric.__name__: _interval(found) for part, found in parts[1:]},
            p=None if p is None else round(p, 4),
            verdict="undecided" if p is None else verdict(*one_sided[claim.key], p),
            seeds=first.seeds,
            units=first.units,
        )


def _effect(table: Table | None) -> Effect | None:
    return None if table is None else effect(table)


def _interval(found: Effect | None, within: tuple[float, float] = (-math.inf, math.inf)) -> Interval:
    if found is None:
        return Interval(mean=None, low=None, high=None)
    low, high = (min(max(value, within[0]), within[1]) for value in found.interval)
    return Interval(mean=round(found.mean, 4), low=round(low, 4), high=round(high, 4))
