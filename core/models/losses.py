"""What is wrong with a detector's answer, as sums that batches, tiles and ranks can add up.

Names of dimensions: b images, m ground truth boxes (padded), a anchors, k labels, n rows (one anchor of one image
each), c the numbers of the coding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as functional
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torchvision.ops import generalized_box_iou_loss

from core.models.coding import Coding, coding_of
from core.models.matching import Matches, Targets

# Negatives that a batch is mined for at least, by image: a batch of clean images teaches too.
LEAST_NEGATIVES = 16
# Numbers that go through the label loss together: on a CPU what fits in its cache, so that only the first of some
# ten operations waits for memory; elsewhere all, as each operation is a kernel's launch.
NUMBERS_AT_ONCE = 2**17

# Rows of the table of what an anchor may have to learn, before those of the boxes.
NEGATIVE, IGNORED, FIRST_BOX = 0, 1, 2


@dataclass(frozen=True, slots=True)
class LossSettings:
    """How errors count. The same fields as in a recipe, and the labels' weights made from the snapshot."""

    kind: Literal["focal", "mined_bce"] = "focal"
    focal_alpha: float = 0.25  # weight of the positives, 1 - alpha of the negatives
    focal_gamma: float = 2.0
    negatives: float = 3.0  # mined for each positive
    box: Literal["l1", "smooth_l1", "giou"] = "l1"
    label_weights: tuple[float, ...] = ()  # of the positives of each label; none: all 1


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
    codes_bac: Tensor,
    anchors_a4: Tensor,
    targets: Targets,
    settings: LossSettings,
) -> LossSums:
    """Loss of a batch, in float32 whatever the precision of the network.

    An image without boxes has a label loss above zero under either kind: clean images teach. Neither loops over
    images or labels nor, except on the CPU, where it costs nothing, waits for a number.

    The focal loss of a batch is the sum of its images' losses. The mined loss is not: its negatives are the hardest
    of the pictures that are computed together. Where an effective batch is cut (accumulated, halved for lack of
    memory, or spread over ranks), each piece is mined for its own share. The negatives of all pieces are as many,
    so the normalised loss is of the same size; but which anchors they are depends on the cut, and choosing the hardest
    over all pieces would need all losses of all ranks before the first gradient.
    """
    coding = coding_of(codes_bac)
    matches = coding.match(anchors_a4, targets)
    positives = matches.positive_ba.sum()
    what_ba, signs_wk, weights_wk = _table(matches, targets, settings)
    if settings.kind == "focal":
        alpha = torch.where(signs_wk < 0, settings.focal_alpha, 1 - settings.focal_alpha)
        labels = _FocalLoss.apply(logits_bak.float(), what_ba, signs_wk, weights_wk * alpha, settings.focal_gamma)
    else:
        labels = _MinedLoss.apply(logits_bak.float(), what_ba, signs_wk, weights_wk, matches, settings.negatives)
    return LossSums(labels, _box_loss(codes_bac, anchors_a4, targets, matches, settings, coding), positives)


def label_weights(boxes_by_label: list[int], kind: Literal["none", "balanced", "sqrt"]) -> tuple[float, ...]:
    """Weights of the labels' positives, by how many boxes carry each.

    balanced: by the inverse of that number; sqrt: by its root. They are scaled so that a box weighs 1 on average, and
    kept between 1/10 and 10, because a label of two boxes would shake all others. A label without boxes weighs 1.
    """
    if kind == "none" or not any(boxes_by_label):
        return ()
    power = 1.0 if kind == "balanced" else 0.5
    rarity = [count**-power if count else 0.0 for count in boxes_by_label]
    mean = sum(c * r for c, r in zip(boxes_by_label, rarity, strict=True)) / sum(boxes_by_label)
    return tuple(min(max(r / mean, 0.1), 10.0) if r else 1.0 for r in rarity)


def _table(matches: Matches, targets: Targets, settings: LossSettings) -> tuple[Tensor, Tensor, Tensor]:
    """What each anchor is to learn: rows (b, a) of a table of signs (w, k) and weights (w, k).

    The sign of a label is -1 where it is wanted, else 1: the loss of sign * logit is that of a label that is not
    wanted. A look-up in a table of some hundred rows is what building and masking (b, a, k) targets would come to.
    """
    images, boxes, labels = targets.labels_bmk.shape
    wanted_nk = targets.labels_bmk.flatten(0, 1)
    signs_wk = torch.cat([wanted_nk.new_ones(FIRST_BOX, labels), 1 - 2 * wanted_nk])
    weights_wk = torch.ones_like(signs_wk)
    weights_wk[IGNORED] = 0
    if settings.label_weights:
        weights_wk[FIRST_BOX:] = torch.where(wanted_nk > 0, wanted_nk.new_tensor(settings.label_weights), 1.0)
    first_row_b1 = torch.arange(images, device=wanted_nk.device)[:, None] * boxes + FIRST_BOX
    what_ba = torch.where(matches.negative_ba, NEGATIVE, IGNORED)
    return torch.where(matches.positive_ba, matches.box_ba + first_row_b1, what_ba), signs_wk, weights_wk


class _FocalLoss(torch.autograd.Function):
    """Sum of the sigmoid focal loss (Lin et al., Focal Loss for Dense Object Detection), and its gradient at once.

    With x = sign * logit and p = sigmoid(x), the probability of the error, the loss is weight * p^gamma *
    log(1 + e^x), and its derivative weight * sign * p^gamma * (gamma * (1 - p) * log(1 + e^x) + p).
    """

    @staticmethod
    def forward(
        ctx: Any, logits_bak: Tensor, what_ba: Tensor, signs_wk: Tensor, weights_wk: Tensor, gamma: float
    ) -> Tensor:
        logits_nk, what_n = logits_bak.reshape(-1, logits_bak.shape[2]), what_ba.flatten()
        gradient_nk = torch.empty_like(logits_nk) if ctx.needs_input_grad[0] else None
        total = logits_bak.new_zeros(())
        for rows in _blocks(logits_nk):
            sign, weight = signs_wk.index_select(0, what_n[rows]), weights_wk.index_select(0, what_n[rows])
            x = sign * logits_nk[rows]
            loss, p = _softplus(x), x.sigmoid_()
            weight *= p.square() if gamma == 2 else p.pow(gamma)
            total += torch.dot(weight.flatten(), loss.flatten())
            if gradient_nk is not None:
                slope = loss.mul_(1 - p).mul_(gamma).add_(p)
                torch.mul(slope.mul_(weight), sign, out=gradient_nk[rows])
        return _kept(ctx, gradient_nk, logits_bak, total)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None, None, None]:
        return ctx.saved_tensors[0] * upstream, None, None, None, None


class _MinedLoss(torch.autograd.Function):
    """Sum of cross-entropy over the positives and the hardest negatives of the batch, and its gradient at once."""

    @staticmethod
    def forward(
        ctx: Any,
        logits_bak: Tensor,
        what_ba: Tensor,
        signs_wk: Tensor,
        weights_wk: Tensor,
        matches: Matches,
        negatives: float,
    ) -> Tensor:
        logits_nk, what_n = logits_bak.reshape(-1, logits_bak.shape[2]), what_ba.flatten()
        gradient_nk = torch.empty_like(logits_nk) if ctx.needs_input_grad[0] else None
        loss_n, ones_k = logits_nk.new_empty(len(logits_nk)), logits_nk.new_ones(logits_nk.shape[1])
        for rows in _blocks(logits_nk):
            sign, weight = signs_wk.index_select(0, what_n[rows]), weights_wk.index_select(0, what_n[rows])
            x = sign * logits_nk[rows]
            torch.mv(_softplus(x).mul_(weight), ones_k, out=loss_n[rows])  # sum() of short rows is slower
            if gradient_nk is not None:
                torch.mul(x.sigmoid_().mul_(weight), sign, out=gradient_nk[rows])
        taught_n = matches.positive_ba.flatten() | _hardest(loss_n, matches, negatives)
        if gradient_nk is not None:
            gradient_nk *= taught_n[:, None]
        return _kept(ctx, gradient_nk, logits_bak, (loss_n * taught_n).sum())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None, None, None, None]:
        return ctx.saved_tensors[0] * upstream, None, None, None, None, None


def _kept(ctx: FunctionCtx, gradient_nk: Tensor | None, logits_bak: Tensor, total: Tensor) -> Tensor:
    if gradient_nk is not None:
        ctx.save_for_backward(gradient_nk.view_as(logits_bak))
    return total


def _softplus(x: Tensor) -> Tensor:
    """log(1 + e^x), without overflow: torch's own computes log1p number by number on a CPU, four times slower."""
    return x.clamp(min=0).sub_(x.abs().sigmoid_().log_())


def _hardest(loss_n: Tensor, matches: Matches, negatives: float) -> Tensor:
    """Which negatives are mined: so many for each positive, as in SSD, but at least sixteen an image."""
    negative_n = matches.negative_ba.flatten()
    candidates_n = torch.where(negative_n, loss_n, -1.0)
    least = LEAST_NEGATIVES * len(matches.negative_ba)
    wanted = (negatives * matches.positive_ba.sum()).clamp(min=least)
    if loss_n.device.type == "cpu":
        hardest = candidates_n.topk(min(int(wanted), len(loss_n)), sorted=False).indices
        return torch.zeros_like(negative_n).index_fill_(0, hardest, True) & negative_n
    # Elsewhere to know how many are wanted would be to wait, and sorting is cheap.
    order = candidates_n.argsort(descending=True, stable=True)
    first_n = torch.arange(len(order), device=order.device) < wanted.floor()
    return torch.zeros_like(negative_n).scatter_(0, order, first_n) & negative_n


def _box_loss(
    codes_bac: Tensor, anchors_a4: Tensor, targets: Targets, matches: Matches, settings: LossSettings, coding: Coding
) -> Tensor:
    """Sum over the positives of the error of their boxes, and of what else the coding predicts of them."""
    images, boxes = targets.valid_bm.shape
    if boxes == 0:
        return codes_bac.float().sum() * 0
    positive_n = matches.positive_ba.flatten()
    anchor_n = torch.arange(len(anchors_a4), device=anchors_a4.device).repeat(images)
    box_n = (matches.box_ba + torch.arange(images, device=anchors_a4.device)[:, None] * boxes).flatten()
    codes_nc = codes_bac.reshape(-1, codes_bac.shape[2])
    if positive_n.device.type == "cpu":
        # Of thousands of anchors some dozen are positive. Elsewhere, to know which would be to wait for the device.
        row_n = positive_n.nonzero()[:, 0]
        codes_nc, anchor_n, box_n, positive_n = codes_nc[row_n], anchor_n[row_n], box_n[row_n], positive_n[row_n]
    codes_nc, anchors_n4, boxes_n4 = codes_nc.float(), anchors_a4[anchor_n], targets.boxes_bm4.flatten(0, 1)[box_n]
    error_n = BOX_ERRORS[settings.box](codes_nc[:, :4], boxes_n4, anchors_n4, coding)
    quality_n = coding.quality_loss(codes_nc, boxes_n4, anchors_n4)
    if quality_n is not None:
        error_n = error_n + quality_n
    # Where an anchor is not positive its box is arbitrary, so it is masked, not multiplied.
    return torch.where(positive_n, error_n, 0.0).sum()


def _l1(codes_n4: Tensor, boxes_n4: Tensor, anchors_n4: Tensor, coding: Coding) -> Tensor:
    return (codes_n4 - coding.encode(boxes_n4, anchors_n4)).abs().sum(dim=1)


def _smooth_l1(codes_n4: Tensor, boxes_n4: Tensor, anchors_n4: Tensor, coding: Coding) -> Tensor:
    """Quadratic below an error of 1, as in SSD."""
    return functional.smooth_l1_loss(codes_n4, coding.encode(boxes_n4, anchors_n4), reduction="none").sum(dim=1)


def _giou(codes_n4: Tensor, boxes_n4: Tensor, anchors_n4: Tensor, coding: Coding) -> Tensor:
    """1 - GIoU (Rezatofighi et al., Generalized Intersection over Union)."""
    error_n: Tensor = generalized_box_iou_loss(coding.decode(codes_n4, anchors_n4), boxes_n4)
    return error_n


BOX_ERRORS: dict[str, Callable[[Tensor, Tensor, Tensor, Coding], Tensor]] = {
    "l1": _l1,
    "smooth_l1": _smooth_l1,
    "giou": _giou,
}


def _blocks(logits_nk: Tensor) -> list[slice]:
    rows, labels = logits_nk.shape
    size = max(1, NUMBERS_AT_ONCE // labels) if logits_nk.device.type == "cpu" else max(rows, 1)
    return [slice(begin, begin + size) for begin in range(0, rows, size)]
