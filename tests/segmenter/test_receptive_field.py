"""The receptive field is as far as the gradient of one pixel of the output reaches."""

import pytest
import torch
from torch import nn

from explorer.segmenter.network import build_segmenter
from explorer.segmenter.receptive_field import receptive_field
from explorer.segmenter.spec import PretrainedSpec, UNetSpec


def without_normalisation(module):
    """GroupNorm and ReLU would hide how far the convolutions reach."""
    for name, child in module.named_children():
        if isinstance(child, nn.GroupNorm | nn.ReLU):
            setattr(module, name, nn.Identity())
        without_normalisation(child)


def reach(spec, period, side):
    """Along one axis, the most pixels of the input that have a gradient, over all places in the raster."""
    segmenter = build_segmenter(3, 2, spec, seed=0).double()
    without_normalisation(segmenter)
    for parameter in segmenter.parameters():
        parameter.data = 0.001 + parameter.data.abs() / parameter.data.abs().amax() / 100
    widest = 0
    for at in range(period):
        images = torch.rand(1, 3, 32, side, dtype=torch.float64).requires_grad_()
        segmenter(images)[0, 1, 16, side // 2 + at].backward()
        seen = images.grad[0].abs().sum((0, 1)).nonzero().ravel()
        widest = max(widest, int(seen[-1] - seen[0]) + 1)
    return widest


@pytest.mark.parametrize(
    ("spec", "period"),
    [
        (UNetSpec(width=4, depth=1), 2),
        (UNetSpec(width=4, depth=2), 4),
        (UNetSpec(width=4, depth=3), 8),
        (PretrainedSpec(width=8), 16),
    ],
    ids=str,
)
def test_the_receptive_field_is_as_far_as_the_gradient_reaches(spec, period):
    assert receptive_field(spec) == reach(spec, period, side=512)
