"""From a detector's raw answer to detections: boxes, each with one score per label.

Names of dimensions: b images, a anchors, k labels, c the numbers of the coding, p pairs of a box and a label, n rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import nms

from core.models.box_coder import coding_of
from core.models.decoding_spec import DecodingSpec
from core.models.target_assignment import pairwise_iou

# Boxes (n, 4) and scores (n, k) of one image.
Rows = tuple[Tensor, Tensor]

# Rows whose overlap with all others is computed at once: what bounds memory where there are thousands.
_PAIRS_AT_ONCE = 2**22

# Rows that overlap by this much lie on one defect, whatever overlap suppression by label allows.
SAME_DEFECT_IOU = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Boxes (p, 4), each with one score and one label, best first; of equal scores in the order of the answer."""

    boxes_p4: Tensor
    score_p: Tensor
    label_p: Tensor

    def first(self, count: int) -> Pairs:
        return Pairs(self.boxes_p4[:count], self.score_p[:count], self.label_p[:count])


def decode_detections(
    logits_bak: Tensor,
    codes_bac: Tensor,
    anchors_a4: Tensor,
    size: tuple[int, int],
    decoding: DecodingSpec,
) -> list[Rows]:
    """Boxes (n, 4) and scores (n, k) of each image, best first, cut to `size` (width, height).

    Non-maximum suppression is by label; a label that was suppressed at a box has score 0 there. Boxes that lie on
    one defect are one row with all its labels. What scores at least `t` is the same at every floor up to `t`.
    """
    labels, coding = logits_bak.shape[2], coding_of(codes_bac)
    scores_bp = coding.scores(logits_bak.float(), codes_bac.float()).flatten(1)
    corner = anchors_a4.new_tensor(size).repeat(2)

    def decode_image(scores_p: Tensor, codes_ac: Tensor) -> Rows:
        pair_p = _best_pairs(scores_p, decoding)
        anchor_p = pair_p.div(labels, rounding_mode="floor")
        boxes_p4 = coding.decode(codes_ac[anchor_p].float(), anchors_a4[anchor_p]).minimum(corner).clamp_(min=0)
        return _fill_rows(Pairs(boxes_p4, scores_p[pair_p], pair_p.remainder(labels)), labels, decoding)

    return [decode_image(*image) for image in zip(scores_bp, codes_bac, strict=True)]


def merge_rows(boxes_n4: Tensor, scores_nk: Tensor, decoding: DecodingSpec) -> Rows:
    """Rows (n, 4) and (n, k) of several parts of an image as those of one image, best first.

    The same defect may have been seen in two parts that overlap.
    """
    row_p, label_p = (scores_nk >= decoding.score_floor).nonzero(as_tuple=True)
    score_p, order_p = scores_nk[row_p, label_p].sort(descending=True, stable=True)
    return _fill_rows(Pairs(boxes_n4[row_p[order_p]], score_p, label_p[order_p]), scores_nk.shape[1], decoding)


def _best_pairs(scores_p: Tensor, decoding: DecodingSpec) -> Tensor:
    """Which of the scores (p,) go on, best first: at most `max_candidates` that reach the floor."""
    pair_p = (scores_p >= decoding.score_floor).nonzero()[:, 0]
    if len(pair_p) > decoding.max_candidates:
        # Of equal scores, which ones are among the best must not depend on how many are asked for.
        least = scores_p[pair_p].topk(decoding.max_candidates, sorted=False).values.amin()
        pair_p = pair_p[scores_p[pair_p] >= least]
    return pair_p[scores_p[pair_p].sort(descending=True, stable=True).indices[: decoding.max_candidates]]


def _fill_rows(pairs: Pairs, labels: int, decoding: DecodingSpec) -> Rows:
    """The rows of as many of the pairs, best first, as fill `max_detections` of them, and all that are sure.

    What is better is not changed by what is worse, and suppression takes time by the square of the pairs, of which an
    untrained network gives thousands.
    """
    count, most = 2 * decoding.max_detections, decoding.max_detections
    while True:
        boxes_n4, scores_nk = _make_rows(pairs.first(count), labels, decoding)
        complete = count >= len(pairs.score_p)
        if complete or (len(boxes_n4) >= most and float(pairs.score_p[count]) < decoding.sure_score):
            kept = max(most, int((scores_nk.amax(dim=1) >= decoding.sure_score).sum()) if len(boxes_n4) else 0)
            return boxes_n4[:kept], scores_nk[:kept]
        count *= 4


def _make_rows(pairs: Pairs, labels: int, decoding: DecodingSpec) -> Rows:
    """Boxes (n, 4) and scores (n, k) from pairs: suppression by label, and then one row for all that lies on one defect.

    Suppression by label may keep a scratch at one anchor and the stain on it at the next. A box that overlaps better
    ones by SAME_DEFECT_IOU (or suppression's IoU, if that is more) is joined to the one of them that it overlaps most.
    Never to a worse one, so that a row does not change with what is worse than it.
    """
    there_p = (pairs.boxes_p4[:, 2:] > pairs.boxes_p4[:, :2]).all(dim=1)
    boxes_p4, score_p, label_p = pairs.boxes_p4[there_p], pairs.score_p[there_p], pairs.label_p[there_p]
    if len(boxes_p4) == 0:
        return boxes_p4, boxes_p4.new_zeros(0, labels)
    # Each label is moved to a place of its own, in float64 so that the move costs no precision.
    place_p = label_p.double() * (boxes_p4.max() - boxes_p4.min() + 1)
    kept_n = nms(boxes_p4.double() + place_p[:, None], score_p.double(), decoding.nms_iou)
    boxes_n4, score_n, label_n = boxes_p4[kept_n], score_p[kept_n], label_p[kept_n]
    keeper = nms(boxes_n4, score_n, max(decoding.nms_iou, SAME_DEFECT_IOU))
    home_n = _find_homes(boxes_n4, keeper)
    scores_nk = score_n.new_zeros(len(keeper) * labels)
    scores_nk.scatter_reduce_(0, home_n * labels + label_n, score_n, "amax")
    return boxes_n4[keeper], scores_nk.view(-1, labels)


def _find_homes(boxes_n4: Tensor, keeper: Tensor) -> Tensor:
    """For each box (n, 4), best first, the place in `keeper` of the one that it is joined to; a keeper's is its own."""
    home_n = keeper.new_zeros(len(boxes_n4))
    home_n[keeper] = torch.arange(len(keeper), device=keeper.device)
    is_keeper = torch.zeros_like(home_n, dtype=torch.bool)
    is_keeper[keeper] = True
    joined = (~is_keeper).nonzero()[:, 0]
    for rows in joined.split(max(1, _PAIRS_AT_ONCE // max(1, len(keeper)))):
        iou_kr = pairwise_iou(boxes_n4[keeper][None], boxes_n4[rows])[0]
        home_n[rows] = iou_kr.masked_fill(keeper[:, None] > rows, -1).max(dim=0).indices
    return home_n
