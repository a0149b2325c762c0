"""ssd300_vgg16: torchvision's VGG16 body of the original SSD, with a multi-label head at any input size."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as functional
from torch import Tensor, nn
from torchvision.models.detection.ssd import SSDFeatureExtractorVGG
from torchvision.models.vgg import cfgs, make_layers

from core.models.anchors import Anchors
from core.models.detector import Backbone, Detector, Head, heads_of_their_own, same_tensors
from core.models.registry import MODELS


class VggBackbone(Backbone):
    """conv4_3, fc7, conv8_2 and conv9_2 of SSD300.

    The two unpadded maps after them cover only the middle of the picture, so they are not used: a box as large
    as the picture is found on the map of stride 64.
    """

    strides = MODELS["ssd300_vgg16"].strides
    channels = (512, 1024, 512, 256)

    def __init__(self) -> None:
        super().__init__()
        # Not vgg16() itself: its classifier has 120 million parameters that a detector throws away.
        plain = nn.ModuleDict({"features": make_layers(cfgs["D"], batch_norm=False)})
        for layer in plain.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        self.body = SSDFeatureExtractorVGG(plain["features"], highres=False)
        del self.body.extra[3:]
        self.imagenet_names = same_tensors(plain, self)

    def maps(self, images_b3hw: Tensor, levels: int) -> list[Tensor]:
        current = self.body.features(images_b3hw)
        # conv4_3's activations are far larger than those of later maps (Liu, Rabinovich and Berg, ParseNet).
        found = [self.body.scale_weight.view(1, -1, 1, 1) * functional.normalize(current)]
        for block in self.body.extra[: levels - 1]:
            current = block(current)
            found.append(current)
        return found

    def stages(self) -> dict[str, list[nn.Module]]:
        features, conv5 = self.body.features, self.body.extra[0][:-1]
        pools = [0, *(index for index, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d)), len(features)]
        stages: dict[str, list[nn.Module]] = {
            f"conv{stage + 1}": [features[begin:end]]
            for stage, (begin, end) in enumerate(pairwise(pools))
        }
        stages["conv5"] = [conv5]
        return stages


def build(anchors: Anchors, labels: int) -> Detector:
    """The detector for these anchors and this many labels, with random weights."""
    backbone = VggBackbone()
    return Detector(backbone, anchors, labels, heads_of_their_own(backbone, anchors, labels, _head))


def _head(channels: int, shapes: int, labels: int) -> Head:
    to_labels = nn.Conv2d(channels, shapes * labels, 3, padding=1)
    return Head(nn.Identity(), to_labels, nn.Conv2d(channels, shapes * 4, 3, padding=1), labels)
