"""Which anchor, or which point, learns which ground truth box. Batched, and without waiting for the device.

Names of dimensions: b images, m ground truth boxes (padded), a anchors, k labels, r an anchor's rank for a box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

POSITIVE_IOU = 0.5
NEGATIVE_IOU = 0.4
# Rounds in which ground truth boxes that want the same best anchor are given another one, and how many of its best
# anchors a box may bid for in them.
CLAIM_ROUNDS = 4
WISHES = 8
# Pairs of box and anchor that are looked at together. On a CPU, what fits in its cache; elsewhere, what is worth a
# kernel's launch, and yet an image with hundreds of boxes must not cost gigabytes.
PAIRS_AT_ONCE = 2**17
PAIRS_ON_GPU = 2**24
# An anchor of which this share, or whose centre, lies on an ignored box is no negative.
IGNORED_SHARE = 0.5
GROUP = 16  # anchors of which the best one is looked for first
NO_AREA = 1e30  # of a box that a point does not learn

# Points further than this from a box's centre, in strides, do not learn it (Tian et al., FCOS: A Simple and Strong
# Anchor-free Object Detector, section 2.2), and a map learns the boxes that reach 4 to 8 strides from the point.
CENTRE_RADIUS = 1.5
NEAREST_SIDE, FARTHEST_SIDE = 4.0, 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Ground truth of a batch, padded to the image with the most boxes."""

    boxes_bm4: Tensor  # float32, x1 y1 x2 y2 in input pixels
    labels_bmk: Tensor  # float32 multi-hot
    valid_bm: Tensor  # bool, False for padding
    # float32, boxes whose pixels teach nothing; padded with boxes without area, and of no column where there is none
    ignored_bj4: Tensor = field(default_factory=lambda: torch.zeros(0, 0, 4))

    def __post_init__(self) -> None:
        if not self.ignored_bj4.shape[1]:
            # Of as many images as the rest, so that a part of a batch is cut out of all alike.
            object.__setattr__(self, "ignored_bj4", self.boxes_bm4.new_zeros(len(self.boxes_bm4), 0, 4))

    def to(self, device: torch.device) -> Targets:
        return Targets(
            self.boxes_bm4.to(device, non_blocking=True),
            self.labels_bmk.to(device, non_blocking=True),
            self.valid_bm.to(device, non_blocking=True),
            self.ignored_bj4.to(device, non_blocking=True),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What each anchor is to learn."""

    box_ba: Tensor  # int64, the row of the ground truth; meaningless where not positive
    positive_ba: Tensor  # bool
    negative_ba: Tensor  # bool; an anchor that is neither is ignored


def match_anchors(anchors_a4: Tensor, targets: Targets) -> Matches:
    """Give anchors to the boxes that they overlap, see `_match_taught`; one on an ignored box is no negative."""
    matches = _match_taught(anchors_a4, targets)
    if not targets.ignored_bj4.shape[1]:
        return matches
    return _spare_ignored(matches, _lie_on_ignored(anchors_a4, targets.ignored_bj4))


def _match_taught(anchors_a4: Tensor, targets: Targets) -> Matches:
    """Give anchors to the boxes that they overlap.

    An anchor is positive for the box that it overlaps most, from IoU 0.5 up; negative below 0.4. Each box
    also gets the best anchor that no other box claims with a higher IoU, so no box goes untaught. Of boxes that
    overlap an anchor equally, the earlier one has it.
    """
    images, boxes = targets.valid_bm.shape
    if boxes == 0:
        return _no_match(anchors_a4, images)
    columns = _box_columns(anchors_a4)
    blocks = _split_blocks(images * boxes, len(anchors_a4), anchors_a4.device)
    best_iou, best_box, wished_iou, wished = [], [], [], []
    for block in blocks:
        iou_bma = _pairwise_iou(targets.boxes_bm4, [column[block] for column in columns])
        iou_bma *= targets.valid_bm[..., None]
        most_bmr, anchor_bmr = _best_match(iou_bma, WISHES)
        wished_iou.append(most_bmr)
        wished.append(anchor_bmr + block.start)
        best_iou.append(iou_bma.amax(dim=1))
        best_box.append(_first_highest(iou_bma, best_iou[-1]))
    best_iou_ba, best_box_ba = torch.cat(best_iou, dim=1), torch.cat(best_box, dim=1)
    most_bmr, place_bmr = torch.cat(wished_iou, dim=2).topk(min(WISHES, len(anchors_a4)), dim=2)
    claims_ba = _claim_anchors(most_bmr, torch.cat(wished, dim=2).gather(2, place_bmr), len(anchors_a4))
    claimed_ba = claims_ba >= 0
    return Matches(
        torch.where(claimed_ba, claims_ba, best_box_ba),
        (best_iou_ba >= POSITIVE_IOU) | claimed_ba,
        (best_iou_ba < NEGATIVE_IOU) & ~claimed_ba,
    )


def match_points(points_a4: Tensor, targets: Targets) -> Matches:
    """Give points to the boxes that they lie in, see `_match_taught_points`; one in an ignored box is no negative."""
    matches = _match_taught_points(points_a4, targets)
    if not targets.ignored_bj4.shape[1]:
        return matches
    return _spare_ignored(matches, _centre_on(_box_columns(points_a4), targets.ignored_bj4))


def _match_taught_points(points_a4: Tensor, targets: Targets) -> Matches:
    """Give points to the boxes that they lie in, as FCOS does; every point is positive or negative.

    `points_a4`: a square of one stride's side around each point, all maps. A point learns a box if it lies inside
    it, within 1.5 strides of its centre in x and in y, and the box's farthest side is 4 to 8 strides away (the finest
    map has no lower bound, the coarsest no upper one). Of several such boxes, it learns the smallest, the earlier
    one of equals.
    """
    images, boxes = targets.valid_bm.shape
    if boxes == 0:
        return _no_match(points_a4, images)
    left_a, top_a, right_a, bottom_a = _box_columns(points_a4)
    x_a, y_a, stride_a = (left_a + right_a) / 2, (top_a + bottom_a) / 2, right_a - left_a
    limits = (
        2 * CENTRE_RADIUS * stride_a,
        torch.where(stride_a == stride_a.min(), 0.0, NEAREST_SIDE * stride_a),
        torch.where(stride_a == stride_a.max(), torch.inf, FARTHEST_SIDE * stride_a),
    )
    sides_bm2 = targets.boxes_bm4[..., 2:] - targets.boxes_bm4[..., :2]
    area_bm1 = torch.where(targets.valid_bm, sides_bm2.prod(dim=2), NO_AREA)[..., None]
    smallest, box = [], []
    for block in _split_blocks(images * boxes, len(points_a4), points_a4.device):
        takes_bma = _takes_point(targets.boxes_bm4, x_a[block], y_a[block], *(limit[block] for limit in limits))
        area_bma = torch.where(takes_bma, area_bm1, NO_AREA)
        smallest.append(area_bma.amin(dim=1))
        box.append(_first_highest(area_bma.neg_(), -smallest[-1]))
    positive_ba = torch.cat(smallest, dim=1) < NO_AREA
    return Matches(torch.cat(box, dim=1), positive_ba, ~positive_ba)


def _lie_on_ignored(anchors_a4: Tensor, ignored_bj4: Tensor) -> Tensor:
    """Which anchors an ignored box would have taught, or that lie on one by IGNORED_SHARE or their centre: (b, a) bool.

    Box by box: there are few, and all pairs at once may be too many.
    """
    columns = _box_columns(anchors_a4)
    area_a = (columns[2] - columns[0]) * (columns[3] - columns[1])
    spared_ba = torch.zeros(len(ignored_bj4), len(anchors_a4), dtype=torch.bool, device=anchors_a4.device)
    for box_b14 in ignored_bj4.split(1, dim=1):
        iou_ba = _pairwise_iou(box_b14, columns)[:, 0]
        sides_b2 = (box_b14[:, 0, 2:] - box_b14[:, 0, :2]).clamp(min=0)
        # From an IoU and both areas: the overlap is iou * union, and the union both areas together over 1 + iou.
        share_ba = iou_ba / (1 + iou_ba) * (sides_b2.prod(dim=1)[:, None] + area_a) / area_a
        best_b1 = iou_ba.amax(dim=1, keepdim=True)
        spared_ba |= (iou_ba >= NEGATIVE_IOU) | (share_ba >= IGNORED_SHARE) | ((iou_ba == best_b1) & (best_b1 > 0))
    return spared_ba | _centre_on(columns, ignored_bj4)


def _centre_on(columns: Sequence[Tensor], boxes_bj4: Tensor) -> Tensor:
    """Of which anchors, given as x1, y1, x2 and y2 (a,), the centre lies in one of the boxes: (b, a) bool."""
    left_a, top_a, right_a, bottom_a = columns
    x_a, y_a = (left_a + right_a) / 2, (top_a + bottom_a) / 2
    inside_ba = torch.zeros(len(boxes_bj4), len(x_a), dtype=torch.bool, device=x_a.device)
    for box_b4 in boxes_bj4.unbind(dim=1):
        left, top, right, bottom = box_b4[..., None].unbind(dim=1)
        inside_ba |= (x_a >= left) & (x_a < right) & (y_a >= top) & (y_a < bottom)
    return inside_ba


def _spare_ignored(matches: Matches, spared_ba: Tensor) -> Matches:
    """`matches` in which spared anchors are no negatives; what they learn of a true box stays."""
    return Matches(matches.box_ba, matches.positive_ba, matches.negative_ba & ~spared_ba)


def pairwise_iou(boxes_bm4: Tensor, anchors_a4: Tensor) -> Tensor:
    """IoU of every pair, shape (b, m, a); 0 for boxes without area."""
    return _pairwise_iou(boxes_bm4, _box_columns(anchors_a4))


def _pairwise_iou(boxes_bm4: Tensor, anchor_columns: Sequence[Tensor]) -> Tensor:
    left, top, right, bottom = boxes_bm4[..., None].unbind(dim=2)
    anchor_left, anchor_top, anchor_right, anchor_bottom = anchor_columns
    overlap = torch.minimum(right, anchor_right).sub_(torch.maximum(left, anchor_left)).clamp_(min=0)
    overlap *= torch.minimum(bottom, anchor_bottom).sub_(torch.maximum(top, anchor_top)).clamp_(min=0)
    box_area = (right - left).clamp(min=0) * (bottom - top).clamp(min=0)
    anchor_area = (anchor_right - anchor_left) * (anchor_bottom - anchor_top)
    return overlap.div_((box_area + anchor_area).sub_(overlap).clamp_(min=1e-9))


def _takes_point(
    boxes_bm4: Tensor, x_a: Tensor, y_a: Tensor, radius_a: Tensor, nearest_a: Tensor, farthest_a: Tensor
) -> Tensor:
    """Whether a point may learn a box, (b, m, a): inside, near its centre, and of the size that its map is for.

    All conditions become one number above zero, as comparing takes several times longer than subtracting.
    `radius_a` is twice the distance from the centre.
    """
    left, top, right, bottom = boxes_bm4[..., None].unbind(dim=2)
    to_left, to_top, to_right, to_bottom = x_a - left, y_a - top, right - x_a, bottom - y_a
    margin = torch.minimum(to_left, to_right)
    margin = torch.minimum(margin, torch.minimum(to_top, to_bottom), out=margin)
    side = torch.maximum(to_left, to_right)
    side = torch.maximum(side, torch.maximum(to_top, to_bottom), out=side)
    # The distance from a box's centre is half the difference of those from its sides.
    off = torch.maximum(to_left.sub_(to_right).abs_(), to_top.sub_(to_bottom).abs_())
    margin = torch.minimum(margin, radius_a - off, out=margin)
    margin = torch.minimum(margin, side - nearest_a, out=margin)
    return torch.minimum(margin, farthest_a - side, out=margin) > 0


def _claim_anchors(iou_bmr: Tensor, anchor_bmr: Tensor, anchors: int) -> Tensor:
    """The box that claims each anchor, (b, a) int64, -1 for none.

    In every round each box without an anchor bids for the best of its wishes that is free, and the highest bid wins.
    """
    images, boxes = iou_bmr.shape[:2]
    device = iou_bmr.device
    # Coinciding boxes overlap an anchor equally: a tiny preference for the earlier one breaks the tie.
    bid_bmr = torch.where(iou_bmr > 0, iou_bmr - torch.arange(boxes, device=device)[:, None] * 1e-6, -1.0)
    row_bm = torch.arange(boxes, device=device).expand(images, boxes)
    # One more column, which is cut off: losers write to it, for an index by a mask would wait for the device.
    owner_ba = torch.full((images, anchors + 1), -1, dtype=torch.int64, device=device)
    served_bm = torch.zeros(images, boxes, dtype=torch.bool, device=device)
    for _ in range(min(CLAIM_ROUNDS, boxes)):
        taken_bmr = owner_ba.gather(1, anchor_bmr.flatten(1)).view_as(anchor_bmr) >= 0
        offer_bm, wish_bm = torch.where(taken_bmr, -1.0, bid_bmr).max(dim=2)
        anchor_bm = anchor_bmr.gather(2, wish_bm[..., None])[..., 0]
        offer_bm = torch.where(served_bm, -1.0, offer_bm)
        highest_ba = offer_bm.new_full((images, anchors), -1.0).scatter_reduce_(1, anchor_bm, offer_bm, "amax")
        wins_bm = (offer_bm > 0) & (offer_bm == highest_ba.gather(1, anchor_bm))
        owner_ba.scatter_(1, torch.where(wins_bm, anchor_bm, anchors), row_bm)
        owner_ba[:, anchors] = -1
        served_bm |= wins_bm
    return owner_ba[:, :anchors]


def _box_columns(boxes_n4: Tensor) -> tuple[Tensor, ...]:
    """x1, y1, x2 and y2, each (n,), packed: arithmetic on every fourth number is many times slower."""
    return boxes_n4.t().contiguous().unbind(dim=0)


def _first_highest(value_bma: Tensor, highest_ba: Tensor) -> Tensor:
    """The first row m at which `value_bma` is `highest_ba`, its maximum over m; (b, a) int64. Overwrites `value_bma`."""
    boxes = value_bma.shape[1]
    # Many times faster than max() with its indices over a dimension that is not the last, and than comparing: what is
    # below the maximum by anything that counts becomes hugely negative, and the rest goes by its row.
    falling_m1 = torch.arange(boxes, 0, -1, dtype=value_bma.dtype, device=value_bma.device)[:, None]
    place_bma = value_bma.sub_(highest_ba[:, None]).mul_(1e30).add_(falling_m1)
    return boxes - place_bma.amax(dim=1).long()


def _best_match(value_bma: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` highest over a and their places, (b, m, r); all, if there are no more.

    The highest lie in the groups with the highest maxima, and maxima over a dimension that is not the last are nearly
    free, while topk goes number by number.
    """
    anchors = value_bma.shape[2]
    groups = anchors // GROUP
    if groups <= count:
        return value_bma.topk(min(count, anchors), dim=2)
    whole = groups * GROUP
    group_bmr = value_bma[..., :whole].unflatten(2, (GROUP, groups)).amax(dim=2).topk(count, dim=2).indices
    member_r = torch.arange(0, whole, groups, device=value_bma.device)[:, None]
    rest = torch.arange(whole, anchors, device=value_bma.device).expand(*value_bma.shape[:2], anchors - whole)
    place_bmr = torch.cat([(group_bmr[:, :, None] + member_r).flatten(2), rest], dim=2)
    highest_bmr, which_bmr = value_bma.gather(2, place_bmr).topk(count, dim=2)
    return highest_bmr, place_bmr.gather(2, which_bmr)


def _split_blocks(pairs: int, anchors: int, device: torch.device) -> list[slice]:
    """Runs of anchors that are looked at together, each in `pairs` pairs with boxes."""
    size = max(1, (PAIRS_AT_ONCE if device.type == "cpu" else PAIRS_ON_GPU) // pairs)
    return [slice(begin, min(begin + size, anchors)) for begin in range(0, anchors, size)]


def _no_match(anchors_a4: Tensor, images: int) -> Matches:
    positive_ba = torch.zeros(images, len(anchors_a4), dtype=torch.bool, device=anchors_a4.device)
    return Matches(positive_ba.long(), positive_ba, ~positive_ba)
