"""ssd_compact: a small detector of our own that learns small defects from scratch, on a CPU if need be.

Plain 3x3 convolutions with norms on native-resolution crops; a top-down path brings context to the fine
map, on which most defects are found. It predicts fully convolutionally: any image size will do.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch.nn.functional as functional
from torch import Tensor, nn

from core.models.anchors import Anchors
from core.models.networks.detector import Backbone, Detector, Head, conv_block, group_norm, heads_of_their_own
from core.models.registry import MODELS

# batch: the better where a batch has some pictures. group: statistics of one to a few pictures are noise.
Norm = Literal["batch", "group"]

WIDTH = 96


class CompactBackbone(Backbone):
    """Maps of 96 channels at strides 8, 16 and 32."""

    strides = MODELS["ssd_compact"].strides
    channels = (WIDTH, WIDTH, WIDTH)

    def __init__(self, norm: Norm) -> None:
        super().__init__()
        make_norm = group_norm if norm == "group" else nn.BatchNorm2d
        layer = partial(conv_block, norm=make_norm)
        self.imagenet_names = {}  # there is no such classifier
        self.stem = layer(3, 32, stride=2)
        self.stage1 = nn.Sequential(layer(32, 48, stride=2), layer(48, 48))
        self.stage2 = nn.Sequential(layer(48, WIDTH, stride=2), layer(WIDTH, WIDTH))
        self.stage3 = nn.Sequential(layer(WIDTH, 144, stride=2), layer(144, 144))
        self.stage4 = nn.Sequential(layer(144, 160, stride=2), layer(160, 160))
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, WIDTH, 1, bias=False), make_norm(WIDTH)) for channels in (WIDTH, 144, 160)
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


def build_network(anchors: Anchors, labels: int, norm: Norm) -> Detector:
    """The detector for these anchors and this many labels, with random weights."""
    backbone = CompactBackbone(norm)
    return Detector(
        backbone, anchors, labels, heads_of_their_own(backbone, anchors, labels, partial(_build_head, norm))
    )


def _build_head(norm: Norm, channels: int, shapes: int, labels: int) -> Head:
    tower = nn.Sequential(conv_block(channels, WIDTH, norm=group_norm if norm == "group" else nn.BatchNorm2d))
    return Head(tower, nn.Conv2d(WIDTH, shapes * labels, 1), nn.Conv2d(WIDTH, shapes * 4, 1), labels)
