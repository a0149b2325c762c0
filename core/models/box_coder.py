"""What the numbers that a detector predicts beside the labels say of a box: deltas to an anchor, or distances from a point.

Names of dimensions: b images, a anchors or points, k labels, n boxes, c the coding's numbers.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
import torch.nn.functional as functional
from torch import Tensor

from core.models.target_assignment import Matches, Targets, match_anchors, match_points

# Variances of the box encoding (Liu et al., SSD: Single Shot MultiBox Detector, and its code).
CENTRE_VARIANCE = 0.1
SIDE_VARIANCE = 0.2
# Largest log of a side's ratio to its anchor's that is decoded, as in torchvision.
MAX_LOG_SIDE = math.log(1000 / 16)


class Coding(Protocol):
    """One way to find boxes: who learns them, and what is predicted of them."""

    @property
    def numbers(self) -> int:
        """Numbers by anchor; the first four are the box."""
        ...

    def match(self, anchors_a4: Tensor, targets: Targets) -> Matches:
        """Who is to learn which box."""
        ...

    def encode(self, boxes_n4: Tensor, anchors_n4: Tensor) -> Tensor:
        """Boxes x1 y1 x2 y2 relative to anchors, both (..., 4)."""
        ...

    def decode(self, codes_nc: Tensor, anchors_n4: Tensor) -> Tensor:
        """The inverse of `encode`, of numbers (..., c)."""
        ...

    def quality_loss(self, codes_nc: Tensor, boxes_n4: Tensor, anchors_n4: Tensor) -> Tensor | None:
        """Loss (n,) of what is predicted of a box besides its place; None if nothing is."""
        ...

    def scores(self, logits_nk: Tensor, codes_nc: Tensor) -> Tensor:
        """Scores 0..1 of the labels, (..., k), from logits (..., k) and numbers (..., c)."""
        ...


class Deltas:
    """SSD: offset of the centre and logarithm of the sides, relative to an anchor of about the box's shape."""

    numbers = 4

    def match(self, anchors_a4: Tensor, targets: Targets) -> Matches:
        return match_anchors(anchors_a4, targets)

    def encode(self, boxes_n4: Tensor, anchors_n4: Tensor) -> Tensor:
        box_centre, box_side = _centre_and_side(boxes_n4)
        centre, side = _centre_and_side(anchors_n4)
        offset = (box_centre - centre) / side / CENTRE_VARIANCE
        # A box without area would give minus infinity and then NaN everywhere.
        log_side = (box_side.clamp(min=1e-3) / side).log() / SIDE_VARIANCE
        return torch.cat([offset, log_side], dim=-1)

    def decode(self, codes_nc: Tensor, anchors_n4: Tensor) -> Tensor:
        centre, side = _centre_and_side(anchors_n4)
        box_centre = codes_nc[..., :2] * CENTRE_VARIANCE * side + centre
        half_side = (codes_nc[..., 2:] * SIDE_VARIANCE).clamp(max=MAX_LOG_SIDE).exp() * side / 2
        return torch.cat([box_centre - half_side, box_centre + half_side], dim=-1)

    def quality_loss(self, codes_nc: Tensor, boxes_n4: Tensor, anchors_n4: Tensor) -> Tensor | None:
        return None

    def scores(self, logits_nk: Tensor, codes_nc: Tensor) -> Tensor:
        return logits_nk.sigmoid()


class Points:
    """FCOS: distances from a point to the box's left, top, right and bottom in strides, and how central the point is.

    Tian et al., FCOS: A Simple and Strong Anchor-free Object Detector; numbers as in torchvision's BoxLinearCoder.
    An anchor is a square of one stride's side around the point.
    """

    numbers = 5

    def match(self, anchors_a4: Tensor, targets: Targets) -> Matches:
        return match_points(anchors_a4, targets)

    def encode(self, boxes_n4: Tensor, anchors_n4: Tensor) -> Tensor:
        centre, stride = _centre_and_side(anchors_n4)
        return torch.cat([(centre - boxes_n4[..., :2]) / stride, (boxes_n4[..., 2:] - centre) / stride], dim=-1)

    def decode(self, codes_nc: Tensor, anchors_n4: Tensor) -> Tensor:
        centre, stride = _centre_and_side(anchors_n4)
        return torch.cat([centre - codes_nc[..., :2] * stride, centre + codes_nc[..., 2:4] * stride], dim=-1)

    def quality_loss(self, codes_nc: Tensor, boxes_n4: Tensor, anchors_n4: Tensor) -> Tensor | None:
        """Cross-entropy of the centreness (the paper's equation 3), summed."""
        left, top, right, bottom = self.encode(boxes_n4, anchors_n4).unbind(dim=-1)
        across = torch.minimum(left, right) / torch.maximum(left, right)
        down = torch.minimum(top, bottom) / torch.maximum(top, bottom)
        centreness = (across * down).clamp(0, 1).sqrt()
        return functional.binary_cross_entropy_with_logits(codes_nc[..., 4], centreness, reduction="none")

    def scores(self, logits_nk: Tensor, codes_nc: Tensor) -> Tensor:
        """The geometric mean of label and centreness, as in torchvision."""
        return (logits_nk.sigmoid() * codes_nc[..., 4:].sigmoid()).sqrt()


DELTAS, POINTS = Deltas(), Points()


def coding_of(codes_bac: Tensor) -> Coding:
    """The coding of a network's answer, which its numbers by anchor tell."""
    return POINTS if codes_bac.shape[2] == POINTS.numbers else DELTAS


def _centre_and_side(boxes_n4: Tensor) -> tuple[Tensor, Tensor]:
    return (boxes_n4[..., :2] + boxes_n4[..., 2:]) / 2, boxes_n4[..., 2:] - boxes_n4[..., :2]
