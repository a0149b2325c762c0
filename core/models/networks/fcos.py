"""fcos_resnet50_fpn: torchvision's FCOS, with multi-hot targets. It has no anchors: every point tells its box's sides."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torchvision.models.detection.fcos import FCOSHead

from core.models.anchors import Anchors
from core.models.box_coder import POINTS
from core.models.networks.detector import Detector, Head, SharedHeads, by_anchor
from core.models.networks.resnet import FPN_CHANNELS, FpnResNet, Norm


class PointHead(Head):
    """Labels, the distances to a box's sides in strides, and how central the point is in the box."""

    def __init__(self, labels: int) -> None:
        stock = FCOSHead(FPN_CHANNELS, 1, labels)
        super().__init__(
            stock.classification_head.conv,
            nn.Conv2d(FPN_CHANNELS, labels, 3, padding=1),
            nn.Conv2d(FPN_CHANNELS, 4, 3, padding=1),
            labels,
            box_tower=stock.regression_head.conv,
        )
        self.to_centreness = stock.regression_head.bbox_ctrness
        # A point begins with a box of two strides: at 0, half of the distances would be cut off and learn nothing.
        assert self.to_boxes.bias is not None
        nn.init.ones_(self.to_boxes.bias)

    def forward(self, map_bchw: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (b, hw, labels) and numbers (b, hw, 5)."""
        assert self.box_tower is not None
        features, box_features = self.tower(map_bchw), self.box_tower(map_bchw)
        numbers = torch.cat([self.to_boxes(box_features).relu(), self.to_centreness(box_features)], dim=1)
        return by_anchor(self.to_labels(features), self.labels), by_anchor(numbers, POINTS.numbers)


class Fcos(Detector):
    """A feature pyramid, and one head of two towers for all its maps."""

    # All but the last layer of labels, which are not the project's.
    library_parts: ClassVar = {
        "heads.shared.tower": "head.classification_head.conv",
        "heads.shared.box_tower": "head.regression_head.conv",
        "heads.shared.to_boxes": "head.regression_head.bbox_reg",
        "heads.shared.to_centreness": "head.regression_head.bbox_ctrness",
    }

    def __init__(self, anchors: Anchors, labels: int, norm: Norm) -> None:
        heads = SharedHeads(anchors, PointHead(labels))
        super().__init__(FpnResNet(norm, top_from="p5"), anchors, labels, heads)


def build_network(anchors: Anchors, labels: int, norm: Norm) -> Detector:
    """The detector for these points and this many labels, with random weights."""
    return Fcos(anchors, labels, norm)
