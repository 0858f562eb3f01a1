"""What is chosen for real imagery; skipped where it is not beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.imagery.choices import ReadingChoices
from explorer.imagery.datasets import label_scenes, read_files
from explorer.imagery.reading.upload import files_in
from explorer.segmenter.spec import PretrainedSpec
from explorer.settings import settings
from explorer.training.budget import Budget
from explorer.training.diagnosis import before_training
from explorer.training.fingerprint import Fingerprint, fingerprint
from explorer.training.planning import propose

SETS = {
    # folder: labels, kinds of the classes, working scale, weight rule and cap of the article's preset, red green blue
    "ships": ("masks", ("objects",), 1.0, "inverse_frequency", 20.0, (2, 1, 0)),
    "nuclei": ("instances", ("objects",), 1.0, "sqrt_inverse_frequency", 3.0, (0, 1, 2)),
    "trees": ("masks", ("points",), 1.0, "inverse_frequency", 5.0, (0, 1, 2)),
    "planes": ("instances", ("objects",), 0.3, "sqrt_inverse_frequency", 3.0, (0, 1, 2)),
    "cars": ("instances", ("objects",), 1.0, "sqrt_inverse_frequency", 3.0, (0, 1, 2)),
    "road_damage": ("masks", ("areas", "thin", "objects"), 0.4, "inverse_frequency", 10.0, (0, 1, 2)),
    "buildings_banepa": ("instances", ("objects",), 0.5, "sqrt_inverse_frequency", 1.5, (0, 1, 2)),
}


def fingerprint_of(folder: Path, labels: str) -> Fingerprint:
    limits, choices = settings(), ReadingChoices(instances=labels == "instances")
    read = read_files(files_in(folder / "images", limits), files_in(folder / labels, limits), choices, limits)
    return fingerprint(label_scenes(read, folder.name, choices, limits=limits).required())


@pytest.mark.parametrize("name", SETS)
def test_the_plan_for_real_imagery(name: str, shared_data: Path) -> None:
    labels, kinds, scale, rule, cap, rgb = SETS[name]
    found = fingerprint_of(shared_data / name, labels)
    plan = propose(found, "recall_first", Budget(steps=600)).plan
    assert tuple(each.kind for each in found.classes) == kinds
    assert plan.inputs.scale == scale
    assert (plan.phases[0].loss.class_weights, plan.phases[0].loss.weight_cap) == (rule, cap)
    assert plan.segmenter == PretrainedSpec(rgb=rgb)
    assert plan.inputs.own_stretch == (name == "nuclei")
    assert plan.upright == (name == "road_damage"), "the others are seen from above"
    assert before_training(found, plan) == ()
