"""From a detector's raw answer to detections: boxes, each with one score per label.

Names of dimensions: b images, a anchors, k labels, c the numbers of the coding, p pairs of a box and a label, n rows.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torchvision.ops import nms

from core.models.box_coder import coding_of
from core.models.decoding_spec import DecodingSpec
from core.models.target_assignment import pairwise_iou

# Boxes (n, 4) and scores (n, k) of one image.
Rows = tuple[Tensor, Tensor]

# Rows that overlap by this much lie on one defect, whatever overlap suppression by label allows.
SAME_DEFECT_IOU = 0.6


def decode_detections(
    logits_bak: Tensor,
    codes_bac: Tensor,
    anchors_a4: Tensor,
    size: tuple[int, int],
    decoding: DecodingSpec,
) -> list[Rows]:
    """Boxes (n, 4) and scores (n, k) of each image, best first, cut to `size` (width, height).

    Non-maximum suppression is by label; a label that was suppressed at a box has score 0 there. Boxes that lie on
    one defect are one row with all its labels.
    """
    labels, coding = logits_bak.shape[2], coding_of(codes_bac)
    scores_bp = coding.scores(logits_bak.float(), codes_bac.float()).flatten(1)
    possible = int((scores_bp >= decoding.score_floor).sum(dim=1).amax())
    corner = anchors_a4.new_tensor(size).repeat(2)

    def best(pairs: int) -> list[Rows]:
        score_bp, pair_bp = scores_bp.topk(pairs, dim=1)
        anchor_bp = pair_bp.div(labels, rounding_mode="floor")
        codes_bpc = codes_bac.gather(1, anchor_bp[..., None].expand(-1, -1, codes_bac.shape[2])).float()
        boxes_bp4 = coding.decode(codes_bpc, anchors_a4[anchor_bp]).minimum(corner).clamp_(min=0)
        images = zip(boxes_bp4, score_bp, pair_bp.remainder(labels), strict=True)
        return [_rows(boxes_p4, score_p, label_p, labels, decoding) for boxes_p4, score_p, label_p in images]

    return _filled(best, min(possible, decoding.max_candidates), decoding)


def merge_rows(boxes_n4: Tensor, scores_nk: Tensor, decoding: DecodingSpec) -> Rows:
    """Rows (n, 4) and (n, k) of several parts of an image as those of one image, best first.

    The same defect may have been seen in two parts that overlap.
    """
    row_p, label_p = (scores_nk >= decoding.score_floor).nonzero(as_tuple=True)
    score_p, order_p = scores_nk[row_p, label_p].sort(descending=True, stable=True)
    boxes_p4, label_p, labels = boxes_n4[row_p[order_p]], label_p[order_p], scores_nk.shape[1]
    [rows] = _filled(
        lambda pairs: [_rows(boxes_p4[:pairs], score_p[:pairs], label_p[:pairs], labels, decoding)],
        len(score_p),
        decoding,
    )
    return rows


def _filled(best: Callable[[int], list[Rows]], possible: int, decoding: DecodingSpec) -> list[Rows]:
    """`best(pairs)` of as many of the `possible` pairs, best first, as fill the rows of every image.

    What is better is not changed by what is worse, and suppression takes time by the square of the pairs, of which an
    untrained network gives thousands.
    """
    pairs = 2 * decoding.max_detections
    while True:
        found = best(min(pairs, possible))
        if pairs >= possible or all(len(boxes_n4) >= decoding.max_detections for boxes_n4, _ in found):
            return [(boxes[: decoding.max_detections], scores[: decoding.max_detections]) for boxes, scores in found]
        pairs *= 4


def _rows(boxes_p4: Tensor, score_p: Tensor, label_p: Tensor, labels: int, decoding: DecodingSpec) -> Rows:
    """Boxes (n, 4) and scores (n, k) from pairs of a box and a label, best first: suppression by label, and then one
    row for all that lies on one defect.

    Suppression by label may keep a scratch at one anchor and the stain on it at the next. A box is joined to
    a better one that it overlaps by the suppression's IoU or more: such boxes have no label in common.
    """
    there_p = (score_p >= decoding.score_floor) & ((boxes_p4[:, 2:] - boxes_p4[:, :2]) > 0).all(dim=1)
    boxes_p4, score_p, label_p = boxes_p4[there_p], score_p[there_p], label_p[there_p]
    if len(boxes_p4) == 0:
        return boxes_p4, boxes_p4.new_zeros(0, labels)
    # Each label is moved to a place of its own, in float64 so that the move costs no precision.
    place_p = label_p.double() * (boxes_p4.max() - boxes_p4.min() + 1)
    kept_n = nms(boxes_p4.double() + place_p[:, None], score_p.double(), decoding.nms_iou)
    boxes_n4, score_n, label_n = boxes_p4[kept_n], score_p[kept_n], label_p[kept_n]
    keeper = nms(boxes_n4, score_n, max(decoding.nms_iou, SAME_DEFECT_IOU))
    home_n = pairwise_iou(boxes_n4[keeper][None], boxes_n4)[0].max(dim=0).indices
    scores_nk = score_n.new_zeros(len(keeper) * labels)
    scores_nk.scatter_reduce_(0, home_n * labels + label_n, score_n, "amax")
    return boxes_n4[keeper], scores_nk.view(-1, labels)
