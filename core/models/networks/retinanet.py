"""retinanet_resnet50_fpn: torchvision's RetinaNet in its second version, with multi-hot targets and fitted anchors.

The second version has GroupNorm in its heads, so that batches of one to four pictures train it, and makes the two
coarsest maps from conv5 (torchvision's retinanet_resnet50_fpn_v2; COCO mAP 41.5 against 36.4 of the first).
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from torch import nn
from torchvision.models.detection.retinanet import RetinaNetHead

from core.models.anchors import Anchors
from core.models.networks.detector import Detector, Head, SharedHeads, used_levels
from core.models.networks.resnet import FPN_CHANNELS, FpnResNet, Norm


class RetinaNet(Detector):
    """A feature pyramid, and one head of two towers for all its maps."""

    # The last layers are for other anchors and labels.
    library_parts: ClassVar = {
        "heads.shared.tower": "head.classification_head.conv",
        "heads.shared.box_tower": "head.regression_head.conv",
    }

    def __init__(self, anchors: Anchors, labels: int, norm: Norm) -> None:
        shapes = len(anchors.shapes[used_levels(anchors)[0]])
        towers = RetinaNetHead(FPN_CHANNELS, shapes, labels, norm_layer=partial(nn.GroupNorm, 32))
        head = Head(
            towers.classification_head.conv,
            nn.Conv2d(FPN_CHANNELS, shapes * labels, 3, padding=1),
            nn.Conv2d(FPN_CHANNELS, shapes * 4, 3, padding=1),
            labels,
            box_tower=towers.regression_head.conv,
        )
        super().__init__(FpnResNet(norm, top_from="c5"), anchors, labels, SharedHeads(anchors, head))


def build_network(anchors: Anchors, labels: int, norm: Norm) -> Detector:
    """The detector for these anchors and this many labels, with random weights."""
    return RetinaNet(anchors, labels, norm)
