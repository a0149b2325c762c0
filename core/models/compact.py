"""ssd_compact: a small detector of our own that learns small defects from scratch, on a CPU if need be.

Plain 3x3 convolutions with BatchNorm on native-resolution crops; a top-down path brings context to the fine
map, on which most defects are found. It predicts fully convolutionally: any image size will do.
"""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor, nn

from core.models.anchors import Anchors
from core.models.detector import Backbone, Detector, Head, convolution, heads_of_their_own
from core.models.registry import MODELS

WIDTH = 96


class CompactBackbone(Backbone):
    """Maps of 96 channels at strides 8, 16 and 32."""

    strides = MODELS["ssd_compact"].strides
    channels = (WIDTH, WIDTH, WIDTH)

    def __init__(self) -> None:
        super().__init__()
        self.imagenet_names = {}  # there is no such classifier
        self.stem = convolution(3, 32, stride=2)
        self.stage1 = nn.Sequential(convolution(32, 48, stride=2), convolution(48, 48))
        self.stage2 = nn.Sequential(convolution(48, WIDTH, stride=2), convolution(WIDTH, WIDTH))
        self.stage3 = nn.Sequential(convolution(WIDTH, 144, stride=2), convolution(144, 144))
        self.stage4 = nn.Sequential(convolution(144, 160, stride=2), convolution(160, 160))
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH))
            for channels in (WIDTH, 144, 160)
        )

    def maps(self, images_b3hw: Tensor, levels: int) -> list[Tensor]:
        stride8 = self.stage2(self.stage1(self.stem(images_b3hw)))
        stride16 = self.stage3(stride8)
        stride32 = self.stage4(stride16)
        found = [lateral(m) for lateral, m in zip(self.lateral, (stride8, stride16, stride32), strict=True)]
        for level in (1, 0):
            found[level] = found[level] + functional.interpolate(found[level + 1], size=found[level].shape[2:])
        return [functional.relu(m) for m in found[:levels]]

    def stages(self) -> dict[str, list[nn.Module]]:
        return {
            "stem": [self.stem],
            "stage1": [self.stage1],
            "stage2": [self.stage2],
            "stage3": [self.stage3],
            "stage4": [self.stage4, self.lateral],
        }


def build(anchors: Anchors, labels: int) -> Detector:
    """The detector for these anchors and this many labels, with random weights."""
    backbone = CompactBackbone()
    return Detector(backbone, anchors, labels, heads_of_their_own(backbone, anchors, labels, _head))


def _head(channels: int, shapes: int, labels: int) -> Head:
    tower = nn.Sequential(convolution(channels, WIDTH))
    return Head(tower, nn.Conv2d(WIDTH, shapes * labels, 1), nn.Conv2d(WIDTH, shapes * 4, 1), labels)
