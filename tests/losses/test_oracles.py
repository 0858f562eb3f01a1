"""Published losses as oracles, each called the one way in which it means the same.

What they do otherwise is not ours to follow: MONAI's focal mean divides by the number of classes and its overlaps are
smoothed; kornia takes every image alone and leaves absent classes out; none of them may see an all-ignored image.
"""

from __future__ import annotations

from collections.abc import Callable

import kornia.losses as kornia
import monai.losses as monai
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional.classification import multiclass_jaccard_index

from explorer.imagery.scene import IGNORE
from explorer.losses import LossSpec
from explorer.losses.loss import build_loss
from tests.losses.cases import WEIGHTS, of_truth, random_case

Peer = Callable[[Tensor, Tensor], Tensor]
EXACT = {"softmax": True, "to_onehot_y": True, "smooth_nr": 0, "smooth_dr": 0, "batch": True, "ignore_index": IGNORE}


def weighted(z: Tensor, y: Tensor) -> Tensor:
    weights = torch.tensor(WEIGHTS[: z.shape[1]], dtype=z.dtype)
    return F.cross_entropy(z, y.long(), weight=weights, ignore_index=IGNORE)


def monai_focal(z: Tensor, y: Tensor) -> Tensor:
    peer = monai.FocalLoss(gamma=2, use_softmax=True, to_onehot_y=True, reduction="none", ignore_index=IGNORE)
    return peer(z, y[:, None]).sum() / (y != IGNORE).sum()


def kornia_focal(z: Tensor, y: Tensor) -> Tensor:
    per_class = kornia.focal_loss(z, y.long(), alpha=None, gamma=1.5, ignore_index=IGNORE)
    return per_class.sum() / (y != IGNORE).sum()


def of_monai(peer: torch.nn.Module) -> Peer:
    return lambda z, y: peer(z, y[:, None])


def dice_and_weighted(z: Tensor, y: Tensor) -> Tensor:
    """Not MONAI's DiceCELoss, which ignores pixels in its Dice only, and weights that too."""
    return of_monai(monai.DiceLoss(**EXACT))(z, y) + 2.5 * weighted(z, y)


PEERS: list[tuple[dict[str, object], Peer]] = [
    ({"kind": "cross_entropy"}, lambda z, y: F.cross_entropy(z, y.long(), ignore_index=IGNORE)),
    ({"kind": "weighted_cross_entropy", "class_weights": WEIGHTS}, weighted),
    ({"kind": "focal", "gamma": 2}, monai_focal),
    ({"kind": "focal", "gamma": 1.5}, kornia_focal),
    ({"kind": "jaccard"}, of_monai(monai.DiceLoss(jaccard=True, **EXACT))),
    ({"kind": "dice"}, of_monai(monai.DiceLoss(**EXACT))),
    ({"kind": "dice", "include_background": False}, of_monai(monai.DiceLoss(include_background=False, **EXACT))),
    ({"kind": "dice", "aggregate": "image"}, of_monai(monai.DiceLoss(**EXACT | {"batch": False}))),
    (
        {"kind": "dice", "aggregate": "image"},
        lambda z, y: kornia.dice_loss(z, y.long(), average="macro", eps=0, ignore_index=IGNORE),
    ),
    ({"kind": "dice_cross_entropy", "ce_factor": 2.5, "class_weights": WEIGHTS}, dice_and_weighted),
    ({"kind": "soft_jaccard", "smoothing": 0}, of_monai(monai.DiceLoss(jaccard=True, **EXACT))),
    ({"kind": "tversky", "alpha": 0.3, "beta": 0.8}, of_monai(monai.TverskyLoss(alpha=0.3, beta=0.8, **EXACT))),
    (
        {"kind": "tversky", "alpha": 0.3, "beta": 0.8, "aggregate": "image"},
        lambda z, y: kornia.tversky_loss(z, y.long(), alpha=0.3, beta=0.8, eps=0, ignore_index=IGNORE),
    ),
]


@pytest.mark.parametrize(("settings", "peer"), PEERS, ids=lambda v: v["kind"] if isinstance(v, dict) else "")
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradient_are_the_peers(settings: dict[str, object], peer: Peer, classes: int, seed: int) -> None:
    logits, labels = random_case(seed, classes, (3, 16, 16))
    if settings.get("class_weights"):
        settings = settings | {"class_weights": WEIGHTS[:classes]}
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    value, expected = build_loss(LossSpec(**settings))(ours, labels), peer(theirs, labels)
    # MONAI computes its focal loss in float32
    torch.testing.assert_close(value, expected.to(value.dtype), rtol=1e-5, atol=1e-7)
    value.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_lovasz_softmax_is_kornias_where_all_classes_occur(classes: int, seed: int) -> None:
    logits, labels = random_case(seed, classes, (3, 16, 16), ignored=0)
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    value = build_loss(LossSpec(kind="lovasz", aggregate="image"))(ours, labels)
    expected = kornia.lovasz_softmax_loss(theirs, labels)
    assert value.item() == pytest.approx(expected.item(), rel=1e-6)
    value.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("kind", ["lovasz", "jaccard"])
def test_on_hard_predictions_the_distance_is_that_of_torchmetrics(classes: int, kind: str) -> None:
    logits, labels = random_case(5, classes, (3, 16, 16))
    decided = logits.argmax(1)
    index = multiclass_jaccard_index(decided, labels, classes, average="macro", ignore_index=IGNORE)
    value = build_loss(LossSpec(kind=kind))(of_truth(decided, classes, 200), labels)
    assert value.item() == pytest.approx(1 - index.item(), rel=1e-6)


@pytest.mark.parametrize("classes", [2, 4])
def test_dice_and_cross_entropy_are_monais_where_nothing_is_ignored(classes: int) -> None:
    logits, labels = random_case(2, classes, (3, 16, 16), ignored=0)
    value = build_loss(LossSpec(kind="dice_cross_entropy", ce_factor=2.5))(logits, labels)
    expected = of_monai(monai.DiceCELoss(lambda_ce=2.5, **{key: EXACT[key] for key in EXACT if key != "ignore_index"}))(
        logits, labels
    )
    assert value.item() == pytest.approx(expected.item(), rel=1e-10)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("share", [1 / 768, 0.125, 0.5, 1.0])
def test_the_hardest_pixels_are_those_of_topk(classes: int, share: float) -> None:
    logits, labels = random_case(1, classes, (3, 16, 16), ignored=0)
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    value = build_loss(LossSpec(kind="dice_topk", top_share=share))(ours, labels)
    hardest = F.cross_entropy(theirs, labels, reduction="none").flatten().topk(round(share * 768)).values
    expected = hardest.mean() + of_monai(monai.DiceLoss(**EXACT))(theirs, labels)
    torch.testing.assert_close(value, expected, rtol=1e-10, atol=0)
    value.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_both_parts_of_the_unified_focal_loss_are_monais(seed: int) -> None:
    """Of one image, since MONAI takes every image alone; its focal part is a mean over classes too, hence the 2."""
    logits, labels = random_case(seed, 2, (1, 16, 16))
    settings = {"kind": "unified_focal", "delta": 0.7, "gamma": 0.3}
    own = {"delta": 0.7, "gamma": 0.3, "to_onehot_y": True, "ignore_index": IGNORE, "epsilon": 1e-12}
    for share, peer, factor in (
        (1, monai.unified_focal_loss.AsymmetricFocalLoss(**own), 2),
        (0, monai.unified_focal_loss.AsymmetricFocalTverskyLoss(**own), 1),
    ):
        ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
        value = build_loss(LossSpec(**settings, focal_share=share))(ours, labels)
        expected = factor * peer(theirs.softmax(1), labels[:, None])
        torch.testing.assert_close(value, expected.to(value.dtype), rtol=1e-5, atol=1e-9)
        value.backward()
        expected.backward()
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-9)
