"""Targets, loss and decoding for boxes that carry several labels.

One sigmoid per label and no background class. Everything is batched: no loop over images or labels and no
synchronisation with the host inside a training step.

Names of dimensions: b images, m ground truth boxes (padded), a anchors, k labels, n detections.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as functional
from torch import Tensor
from torchvision.ops import nms

# Variances of the box encoding (Liu et al., SSD: Single Shot MultiBox Detector, and its code).
CENTRE_VARIANCE = 0.1
SIDE_VARIANCE = 0.2
# Largest log of a side's ratio to its anchor's that is decoded: a factor of 62, as in torchvision.
MAX_LOG_SIDE = 4.135

POSITIVE_IOU = 0.5
NEGATIVE_IOU = 0.4
# Rounds in which ground truth boxes that want the same best anchor are given another one.
CLAIM_ROUNDS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Ground truth of a batch, padded to the image with the most boxes."""

    boxes_bm4: Tensor  # float32, x1 y1 x2 y2 in input pixels
    labels_bmk: Tensor  # float32 multi-hot
    valid_bm: Tensor  # bool, False for padding

    def to(self, device: torch.device) -> Targets:
        return Targets(
            self.boxes_bm4.to(device, non_blocking=True),
            self.labels_bmk.to(device, non_blocking=True),
            self.valid_bm.to(device, non_blocking=True),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What each anchor is to learn."""

    box_ba: Tensor  # int64, the row of the ground truth; meaningless where not positive
    positive_ba: Tensor  # bool
    negative_ba: Tensor  # bool; an anchor that is neither is ignored


def match(anchors_a4: Tensor, targets: Targets) -> Matches:
    """Give anchors to ground truth boxes.

    An anchor is positive for the box that it overlaps most, from IoU 0.5 up; negative below 0.4. Each box
    also gets the best anchor that no other box claims with a higher IoU, so no box goes untaught.
    """
    iou_bma = _iou(targets.boxes_bm4, anchors_a4) * targets.valid_bm[..., None]
    boxes = iou_bma.shape[1]
    if boxes == 0:
        none_ba = torch.zeros(iou_bma.shape[0], iou_bma.shape[2], dtype=torch.bool, device=anchors_a4.device)
        return Matches(none_ba.long(), none_ba, ~none_ba)
    best_iou_ba, best_box_ba = iou_bma.max(dim=1)
    positive_ba = best_iou_ba >= POSITIVE_IOU
    negative_ba = best_iou_ba < NEGATIVE_IOU

    # Coinciding boxes overlap an anchor equally: a tiny preference for the earlier one breaks the tie.
    preference_m1 = torch.arange(boxes, device=iou_bma.device)[:, None] * 1e-6
    claim_bma = torch.where(iou_bma > 0, iou_bma - preference_m1, -1.0)
    unserved_bm = targets.valid_bm
    for _ in range(min(CLAIM_ROUNDS, boxes)):
        value_bm, anchor_bm = claim_bma.max(dim=2)
        bid_bm = torch.where(unserved_bm, value_bm, -1.0)
        highest_ba = torch.full_like(best_iou_ba, -1.0).scatter_reduce(1, anchor_bm, bid_bm, "amax")
        wins_bm = unserved_bm & (bid_bm > 0) & (bid_bm == highest_ba.gather(1, anchor_bm))
        # Losers write to an extra column that is cut off: no indexing by a mask, which would synchronise.
        slot_bm = torch.where(wins_bm, anchor_bm, anchors_a4.shape[0])
        row_bm = torch.arange(boxes, device=slot_bm.device).expand_as(slot_bm)
        best_box_ba = _extended(best_box_ba, 0).scatter(1, slot_bm, row_bm)[:, :-1]
        taken_ba = _extended(torch.zeros_like(positive_ba), False).scatter(1, slot_bm, True)[:, :-1]
        positive_ba = positive_ba | taken_ba
        negative_ba = negative_ba & ~taken_ba
        claim_bma = claim_bma.masked_fill(taken_ba[:, None], -1.0)
        unserved_bm = unserved_bm & ~wins_bm
    return Matches(best_box_ba, positive_ba, negative_ba)


@dataclass(frozen=True, slots=True, eq=False)
class LossSums:
    """Loss of a batch before it is normalised, so that batches, tiles and ranks can be added up."""

    labels: Tensor  # scalar
    boxes: Tensor  # scalar
    positives: Tensor  # scalar, anchors that were given to a box

    def per_positive(self) -> tuple[Tensor, Tensor]:
        """Label loss and box loss, normalised by the positives of all that was added up."""
        divisor = self.positives.clamp(min=1)
        return self.labels / divisor, self.boxes / divisor


def detection_loss(
    logits_bak: Tensor,
    deltas_ba4: Tensor,
    anchors_a4: Tensor,
    targets: Targets,
    kind: Literal["focal", "mined_bce"],
) -> LossSums:
    """Loss of a batch, in float32 whatever the precision of the network.

    An image without boxes has a label loss above zero under either kind: clean images teach.
    """
    logits_bak, deltas_ba4 = logits_bak.float(), deltas_ba4.float()
    matches = match(anchors_a4, targets)
    positives = matches.positive_ba.sum()
    if targets.boxes_bm4.shape[1] == 0:
        wanted_bak = torch.zeros_like(logits_bak)
        box_loss = deltas_ba4.sum() * 0
    else:
        row_ba1 = matches.box_ba[..., None]
        labels_bak = targets.labels_bmk.gather(1, row_ba1.expand(-1, -1, logits_bak.shape[2]))
        wanted_bak = labels_bak * matches.positive_ba[..., None]
        matched_ba4 = targets.boxes_bm4.gather(1, row_ba1.expand(-1, -1, 4))
        error_ba4 = (deltas_ba4 - encode(matched_ba4, anchors_a4)).abs()
        # Absolute error, as it localises small defects better than smooth L1. Where an anchor is not
        # positive its encoding is arbitrary, so it is masked, not multiplied.
        box_loss = torch.where(matches.positive_ba[..., None], error_ba4, 0.0).sum()
    if kind == "focal":
        label_loss = _focal_loss(logits_bak, wanted_bak, matches.positive_ba | matches.negative_ba)
    else:
        label_loss = _mined_loss(logits_bak, wanted_bak, matches, positives)
    return LossSums(label_loss, box_loss, positives)


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Boxes (..., 4) in x1 y1 x2 y2 relative to anchors (..., 4): centre offsets and log sides."""
    box_centre, box_side = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
    centre, side = (anchors[..., :2] + anchors[..., 2:]) / 2, anchors[..., 2:] - anchors[..., :2]
    offset = (box_centre - centre) / side / CENTRE_VARIANCE
    # A box without area would give minus infinity and then NaN everywhere.
    log_side = (box_side.clamp(min=1e-3) / side).log() / SIDE_VARIANCE
    return torch.cat([offset, log_side], dim=-1)


def decode(deltas: Tensor, anchors: Tensor) -> Tensor:
    """The inverse of `encode`: boxes (..., 4) in x1 y1 x2 y2."""
    centre, side = (anchors[..., :2] + anchors[..., 2:]) / 2, anchors[..., 2:] - anchors[..., :2]
    box_centre = deltas[..., :2] * CENTRE_VARIANCE * side + centre
    box_side = (deltas[..., 2:] * SIDE_VARIANCE).clamp(max=MAX_LOG_SIDE).exp() * side
    return torch.cat([box_centre - box_side / 2, box_centre + box_side / 2], dim=-1)


@dataclass(frozen=True, slots=True)
class Decoding:
    """How raw outputs become detections."""

    score_threshold: float = 0.02
    nms_iou: float = 0.45  # as in SSD
    max_candidates: int = 1000  # anchors an image that go on to non-maximum suppression
    max_detections: int = 300


def detections(
    logits_bak: Tensor, deltas_ba4: Tensor, anchors_a4: Tensor, size: tuple[int, int], decoding: Decoding
) -> list[tuple[Tensor, Tensor]]:
    """Boxes (n, 4) and scores (n, k) of each image, best first, cut to `size` (width, height).

    Non-maximum suppression is by label; a label that was suppressed at a box has score 0 there.
    """
    scores_bak = logits_bak.float().sigmoid()
    candidates = min(decoding.max_candidates, scores_bak.shape[1])
    anchor_bn = scores_bak.amax(dim=2).topk(candidates, dim=1).indices
    scores_bnk = scores_bak.gather(1, anchor_bn[..., None].expand(-1, -1, scores_bak.shape[2]))
    deltas_bn4 = deltas_ba4.float().gather(1, anchor_bn[..., None].expand(-1, -1, 4))
    boxes_bn4 = decode(deltas_bn4, anchors_a4[anchor_bn])
    width, height = size
    boxes_bn4 = boxes_bn4.minimum(boxes_bn4.new_tensor([width, height, width, height])).clamp(min=0)
    scores_bnk = suppress(boxes_bn4, scores_bnk, decoding)
    return [collected(boxes, scores, decoding) for boxes, scores in zip(boxes_bn4, scores_bnk, strict=True)]


def suppress(boxes_bn4: Tensor, scores_bnk: Tensor, decoding: Decoding) -> Tensor:
    """`scores_bnk` with 0 where the score is below the threshold or a better box of the same label overlaps.

    One non-maximum suppression serves all images and labels: each (image, label) pair is moved to a place
    of its own, in float64 so that the move costs no precision.
    """
    sides_bn2 = boxes_bn4[..., 2:] - boxes_bn4[..., :2]
    possible_bnk = (scores_bnk >= decoding.score_threshold) & (sides_bn2 > 0).all(dim=2)[..., None]
    image, row, label = possible_bnk.nonzero(as_tuple=True)
    if len(image) == 0:
        return torch.zeros_like(scores_bnk)
    boxes = boxes_bn4[image, row].double()
    place = (image * scores_bnk.shape[2] + label).double() * (boxes.max() - boxes.min() + 1)
    scores = scores_bnk[image, row, label]
    kept = nms(boxes + place[:, None], scores.double(), decoding.nms_iou)
    result = torch.zeros_like(scores_bnk)
    result[image[kept], row[kept], label[kept]] = scores[kept]
    return result


def collected(boxes_n4: Tensor, scores_nk: Tensor, decoding: Decoding) -> tuple[Tensor, Tensor]:
    """The rows with a label left, best first; rows that lie on one defect become one row with all its labels.

    Suppression by label may keep a scratch at one anchor and the stain on it at the next. A row is joined to
    a better one that it overlaps by the suppression's IoU or more: such rows have no label in common.
    """
    best_n = scores_nk.amax(dim=1)
    order = best_n.argsort(descending=True, stable=True)
    order = order[best_n[order] > 0]
    boxes_n4, scores_nk, best_n = boxes_n4[order], scores_nk[order], best_n[order]
    if len(boxes_n4) == 0:
        return boxes_n4, scores_nk
    same_defect = max(decoding.nms_iou, 0.6)
    keeper = nms(boxes_n4, best_n, same_defect)
    home_n = _iou(boxes_n4[None], boxes_n4[keeper])[0].argmax(dim=1)
    joined = scores_nk.new_zeros(len(keeper), scores_nk.shape[1])
    joined.scatter_reduce_(0, home_n[:, None].expand_as(scores_nk), scores_nk, "amax")
    return boxes_n4[keeper][: decoding.max_detections], joined[: decoding.max_detections]


def _focal_loss(logits_bak: Tensor, wanted_bak: Tensor, counted_ba: Tensor) -> Tensor:
    """Sum of the sigmoid focal loss, alpha 0.25, gamma 2 (Lin et al., Focal Loss for Dense Object Detection)."""
    cross_entropy = functional.binary_cross_entropy_with_logits(logits_bak, wanted_bak, reduction="none")
    probability = logits_bak.sigmoid()
    missing = probability + wanted_bak - 2 * probability * wanted_bak  # 1 - p of the truth
    weight = 0.75 - 0.5 * wanted_bak
    return (weight * missing.square() * cross_entropy * counted_ba[..., None]).sum()


def _mined_loss(logits_bak: Tensor, wanted_bak: Tensor, matches: Matches, positives: Tensor) -> Tensor:
    """Sum of cross-entropy over the positives and the hardest negatives of the whole batch.

    Three negatives a positive, as in SSD, but at least sixteen an image: a batch of clean images teaches too.
    """
    loss_ba = functional.binary_cross_entropy_with_logits(logits_bak, wanted_bak, reduction="none").sum(dim=2)
    hardest = torch.where(matches.negative_ba, loss_ba, 0.0).flatten().sort(descending=True).values
    wanted = torch.maximum(3 * positives, positives.new_tensor(16 * len(logits_bak)))
    mined = torch.where(torch.arange(len(hardest), device=hardest.device) < wanted, hardest, 0.0).sum()
    return torch.where(matches.positive_ba, loss_ba, 0.0).sum() + mined


def _iou(boxes_bm4: Tensor, anchors_a4: Tensor) -> Tensor:
    """IoU of every pair, shape (b, m, a)."""
    # Column by column: a product over a last dimension of two is many times slower.
    left, top, right, bottom = boxes_bm4[..., None].unbind(dim=2)
    anchor_left, anchor_top, anchor_right, anchor_bottom = anchors_a4.unbind(dim=1)
    width = (torch.minimum(right, anchor_right) - torch.maximum(left, anchor_left)).clamp_(min=0)
    height = (torch.minimum(bottom, anchor_bottom) - torch.maximum(top, anchor_top)).clamp_(min=0)
    overlap = width.mul_(height)
    box_area = (right - left).clamp(min=0) * (bottom - top).clamp(min=0)
    anchor_area = (anchor_right - anchor_left) * (anchor_bottom - anchor_top)
    return overlap / (box_area + anchor_area - overlap).clamp(min=1e-9)


def _extended(values_ba: Tensor, value: int | bool) -> Tensor:
    """`values_ba` with one more column."""
    return functional.pad(values_ba, (0, 1), value=value)
