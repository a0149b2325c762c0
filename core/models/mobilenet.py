"""ssdlite320_mobilenet_v3: torchvision's SSDLite body on MobileNetV3, with a multi-label head at any input size."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from torchvision.models import mobilenet_v3_large
from torchvision.models.detection.ssdlite import SSDLiteFeatureExtractorMobileNet

from core.models.anchors import Anchors
from core.models.detector import Backbone, Detector, Head, heads_of_their_own, same_tensors
from core.models.registry import MODELS

# Blocks of MobileNetV3-Large: 7 leaves stride 8, 13 leaves stride 16. As in SSDLite, the map is taken from
# the block's expansion, before its strided convolution.
STRIDE8_BLOCK = 7
STRIDE16_BLOCK = 13


class MobileNetBackbone(Backbone):
    """Maps at strides 8, 16, 32 and 64. Stock SSDLite begins at 16, too coarse for small defects."""

    strides = MODELS["ssdlite320_mobilenet_v3"].strides

    def __init__(self, reduced_tail: bool) -> None:
        """`reduced_tail`: half the channels in the last blocks, as the COCO detector has; ImageNet's has them all."""
        super().__init__()
        norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)
        plain = mobilenet_v3_large(weights=None, norm_layer=norm, reduced_tail=reduced_tail)
        self.body = SSDLiteFeatureExtractorMobileNet(plain.features, STRIDE16_BLOCK, norm)
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


def build(anchors: Anchors, labels: int, reduced_tail: bool) -> Detector:
    """The detector for these anchors and this many labels, with random weights."""
    backbone = MobileNetBackbone(reduced_tail)
    return Detector(backbone, anchors, labels, heads_of_their_own(backbone, anchors, labels, _head))


def _head(channels: int, shapes: int, labels: int) -> Head:
    tower = nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels, eps=0.001, momentum=0.03),
        nn.ReLU6(inplace=True),
    )
    return Head(tower, nn.Conv2d(channels, shapes * labels, 1), nn.Conv2d(channels, shapes * 4, 1), labels)
