"""Tensors stay on their device: under ``FakeTensorMode``, device ``meta`` refuses tensors on the CPU."""

from __future__ import annotations

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from explorer.landscape.curvature import HessianOperator
from explorer.landscape.directions import layer_mask, random_direction
from explorer.landscape.evaluation import Writer, restored
from explorer.landscape.objective import flatten
from explorer.landscape.plane import Plane
from explorer.landscape.segment_sums.sums import in_order
from explorer.landscape.segmenter_objective import SegmenterObjective
from explorer.losses.spec import logged_specs
from explorer.segmenter.network import build_segmenter
from tests.landscape.scenes import NAMES, SMALL, make_crops

META = torch.device("meta")


def make_objective_on_meta() -> SegmenterObjective:
    segmenter = build_segmenter(3, 2, SMALL, 0).to(META)
    return SegmenterObjective(segmenter, make_crops(), logged_specs((1.0, 8.0)), NAMES[:2])


def test_a_point_of_a_slice_stays_on_its_device() -> None:
    objective = make_objective_on_meta()
    with FakeTensorMode(allow_non_fake_inputs=True):
        centre = flatten(objective.parameters)
        direction = random_direction(objective, seed=0)
        assert direction.device.type == "meta"
        plane = Plane.__new__(Plane)  # its checks read norms back, once a plane
        for name, value in (("centre", centre), ("first", direction), ("second", direction.clone())):
            object.__setattr__(plane, name, value)
        with restored(objective.parameters), torch.no_grad():
            Writer(objective.parameters, plane).write(0.1, 0.2)
            ordered = in_order(objective.logits(), objective.evaluator.order)
        assert ordered.device.type == "meta"


def test_losses_and_their_curvature_stay_on_their_device() -> None:
    objective = make_objective_on_meta()
    with FakeTensorMode(allow_non_fake_inputs=True):
        mask = layer_mask(objective, ["decoder"])
        for kind in ("weighted_cross_entropy", "jaccard", "lovasz"):
            product = HessianOperator(objective, kind, mask)(torch.ones_like(mask))
            assert product.device.type == "meta"
