"""ssd300_vgg16 and ssd512_vgg16: torchvision's VGG16 body of the original SSD, with a multi-label head at any input size."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch.nn.functional as functional
from torch import Tensor, nn
from torchvision.models.detection.ssd import SSDFeatureExtractorVGG
from torchvision.models.vgg import cfgs, make_layers

from core.models.anchors import Anchors
from core.models.networks.detector import Backbone, Detector, Head, group_norm, heads_of_their_own, same_tensors

# none: as the published weights have it. group: for random weights, which hardly learn without (Zhu et al., ScratchDet).
Norm = Literal["none", "group"]


class VggBackbone(Backbone):
    """conv4_3, fc7, conv8_2, conv9_2 and, for five maps, conv10_2 of SSD.

    The unpadded maps of the original cover only the middle of the picture. conv10_2 is padded here, as in the original
    SSD512, and has stride 2; those after it are not used.
    """

    def __init__(self, maps: Literal[4, 5], norm: Norm) -> None:
        super().__init__()
        self.strides = (8, 16, 32, 64, 128)[:maps]
        self.channels = (512, 1024, 512, 256, 256)[:maps]
        plain = plain_vgg("D")
        self.body = SSDFeatureExtractorVGG(plain["features"], highres=False)
        conv10_2 = self.body.extra[3][2]
        conv10_2.stride, conv10_2.padding = (2, 2), (1, 1)
        del self.body.extra[maps - 1 :]
        if norm == "group":
            add_norms(self.body)
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
            f"conv{stage + 1}": [features[begin:end]] for stage, (begin, end) in enumerate(pairwise(pools))
        }
        stages["conv5"] = [conv5]
        return stages


def build_network(anchors: Anchors, labels: int, maps: Literal[4, 5], norm: Norm) -> Detector:
    """The detector for these anchors and this many labels, with random weights."""
    backbone = VggBackbone(maps, norm)
    return Detector(backbone, anchors, labels, heads_of_their_own(backbone, anchors, labels, _build_head))


def plain_vgg(layout: Literal["D", "E"]) -> nn.ModuleDict:
    """The convolutions of torchvision's VGG16 (D) or VGG19 (E) under its names, with random weights.

    Not vgg16() itself: its classifier has 120 million parameters that would be thrown away.
    """
    plain = nn.ModuleDict({"features": make_layers(cfgs[layout], batch_norm=False)})
    for layer in plain.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    return plain


def add_norms(module: nn.Module) -> None:
    """Put a norm behind every convolution in `module`."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            setattr(module, name, nn.Sequential(child, group_norm(child.out_channels)))
        else:
            add_norms(child)


def _build_head(channels: int, shapes: int, labels: int) -> Head:
    to_labels = nn.Conv2d(channels, shapes * labels, 3, padding=1)
    return Head(nn.Identity(), to_labels, nn.Conv2d(channels, shapes * 4, 3, padding=1), labels)
