"""ssdlite320_mobilenet_v3: torchvision's SSDLite body on MobileNetV3, with a multi-label head at any input size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import Tensor, nn
from torchvision.models import mobilenet_v3_large
from torchvision.models.detection.ssdlite import SSDLiteFeatureExtractorMobileNet

from core.models.anchors import Anchors
from core.models.networks.depthwise import learn_faster
from core.models.networks.detector import Backbone, Detector, Head, group_norm, heads_of_their_own, same_tensors
from core.models.registry import MODELS

# batch: as the published weights have it. added: GroupNorm in what is added to the pre-trained backbone, since statistics
# of one to a few pictures are noise, and of one cell an error. group: everywhere, for random weights.
Norm = Literal["batch", "added", "group"]

# Blocks of MobileNetV3-Large: 7 leaves stride 8, 13 leaves stride 16. As in SSDLite, the map is taken from
# the block's expansion, before its strided convolution.
STRIDE8_BLOCK = 7
STRIDE16_BLOCK = 13


class MobileNetBackbone(Backbone):
    """Maps at strides 8, 16, 32 and 64. Stock SSDLite begins at 16, too coarse for small defects."""

    strides = MODELS["ssdlite320_mobilenet_v3"].strides

    def __init__(self, reduced_tail: bool, norm: Norm) -> None:
        """`reduced_tail`: half the channels in the last blocks, as the COCO detector has; ImageNet's has them all."""
        super().__init__()
        old = group_norm if norm == "group" else _batch_norm
        plain = mobilenet_v3_large(weights=None, norm_layer=old, reduced_tail=reduced_tail)
        self.body = SSDLiteFeatureExtractorMobileNet(plain.features, STRIDE16_BLOCK, _norm_of_the_new(norm))
        del self.body.extra[1:]
        self.channels = (240, 672, plain.features[-1].out_channels, 512)
        self.imagenet_names = same_tensors(plain, self)

    def maps(self, images_b3hw: Tensor, levels: int) -> list[Tensor]:
        first, second = self.body.features
        current = first[:STRIDE8_BLOCK](images_b3hw)
        expand, rest = first[STRIDE8_BLOCK].block[0], first[STRIDE8_BLOCK].block[1:]
        found = [expand(current)]
        if levels > 1:
            current = first[STRIDE8_BLOCK + 1 :](rest(found[0]))
            found.append(current)
        for block in (second, *self.body.extra)[: max(levels - 2, 0)]:
            current = block(current)
            found.append(current)
        return found

    def stages(self) -> dict[str, list[nn.Module]]:
        first, second = self.body.features
        return {
            "stem": [first[:2]],
            "stride4": [first[2:4]],
            "stride8": [first[4:8]],
            "stride16": [first[8:]],
            "stride32": [second],
        }


def build_network(anchors: Anchors, labels: int, reduced_tail: bool, norm: Norm) -> Detector:
    """The detector for these anchors and this many labels, with random weights."""
    backbone = MobileNetBackbone(reduced_tail, norm)
    learn_faster(backbone)
    return Detector(
        backbone, anchors, labels, heads_of_their_own(backbone, anchors, labels, partial(_build_head, norm))
    )


def _build_head(norm: Norm, channels: int, shapes: int, labels: int) -> Head:
    tower = nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        _norm_of_the_new(norm)(channels),
        nn.ReLU6(inplace=True),
    )
    return Head(tower, nn.Conv2d(channels, shapes * labels, 1), nn.Conv2d(channels, shapes * 4, 1), labels)


def _norm_of_the_new(norm: Norm) -> Callable[[int], nn.Module]:
    return _batch_norm if norm == "batch" else group_norm


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=0.001, momentum=0.03)
