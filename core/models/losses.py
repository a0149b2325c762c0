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
from torch.autograd.function import once_differentiable
from torchvision.ops import generalized_box_iou_loss

from core.models.box_coder import Coding, coding_of
from core.models.target_assignment import Matches, Targets

# Negatives that a batch is mined for at least, by image: a batch of clean images teaches too.
LEAST_NEGATIVES = 16
# Numbers that go through the label loss together: on a CPU what fits in its cache, so that only the first of some
# ten operations waits for memory; elsewhere all, as each operation is a kernel's launch.
NUMBERS_AT_ONCE = 2**17

# A logit at which the loss of a label that is not wanted is nothing.
SURE = -100.0


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
    labels = _label_loss(logits_bak.float(), targets, matches, settings)
    boxes = _box_loss(codes_bac, anchors_a4, targets, matches, settings, coding)
    return LossSums(labels, boxes, matches.positive_ba.sum())


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


def _label_loss(logits_bak: Tensor, targets: Targets, matches: Matches, settings: LossSettings) -> Tensor:
    """Sum of the label loss: what teaches nothing but that nothing is there goes apart, as it is nearly all."""
    logits_nk, taught_n = logits_bak.flatten(0, 1), matches.positive_ba.flatten()
    background = logits_nk.new_zeros(())
    if settings.kind == "focal":
        silent_n = ~matches.negative_ba.flatten()
        background = _FocalBackground.apply(logits_nk, silent_n, settings.focal_gamma) * (1 - settings.focal_alpha)
    else:
        taught_n = taught_n | _select_hardest(logits_nk.detach(), matches, settings.negatives)
    row_n, counts_n = _gather_selected(taught_n)
    logits_nk, wanted_nk = logits_nk.index_select(0, row_n), _select_wanted(matches, targets, row_n)
    loss_nk = functional.binary_cross_entropy_with_logits(logits_nk, wanted_nk, reduction="none")
    if settings.kind == "focal":
        alpha_nk = wanted_nk * settings.focal_alpha + (1 - wanted_nk) * (1 - settings.focal_alpha)
        loss_nk = loss_nk * alpha_nk * (logits_nk.sigmoid() - wanted_nk).abs().pow(settings.focal_gamma)
    if settings.label_weights:
        loss_nk = loss_nk * torch.where(wanted_nk > 0, wanted_nk.new_tensor(settings.label_weights), 1.0)
    return background + torch.where(counts_n[:, None], loss_nk, 0.0).sum()


def _select_wanted(matches: Matches, targets: Targets, row_n: Tensor) -> Tensor:
    """Which labels the anchors of these rows are to have, (n, k)."""
    images, boxes, labels = targets.labels_bmk.shape
    first_b1 = torch.arange(images, device=row_n.device)[:, None] * boxes
    table_nk = torch.cat([targets.labels_bmk.new_zeros(1, labels), targets.labels_bmk.flatten(0, 1)])
    place_n = torch.where(matches.positive_ba, matches.box_ba + first_b1 + 1, 0).flatten()
    return table_nk.index_select(0, place_n.index_select(0, row_n))


class _FocalBackground(torch.autograd.Function):
    """Sum of the sigmoid focal loss, before alpha, where no label is wanted, and its gradient at once.

    Lin et al., Focal Loss for Dense Object Detection. With p = sigmoid(x) the loss is p^gamma * log(1 + e^x), and
    its derivative p^gamma * (gamma * (1 - p) * log(1 + e^x) + p).
    """

    @staticmethod
    def forward(ctx: Any, logits_nk: Tensor, silent_n: Tensor, gamma: float) -> Tensor:
        """Anchors that are `silent_n` do not count."""
        gradient_nk = torch.empty_like(logits_nk) if ctx.needs_input_grad[0] else None
        total = logits_nk.new_zeros(())
        for rows in _split_blocks(logits_nk):
            x = _silence_ignored(logits_nk[rows], silent_n[rows])
            loss, p = _softplus(x), x.sigmoid_()
            power = p.square() if gamma == 2 else p.pow(gamma)
            total += torch.dot(power.flatten(), loss.flatten())
            if gradient_nk is not None:
                slope = torch.sub(1, p, out=gradient_nk[rows]).mul_(loss)
                torch.mul(slope.mul_(gamma).add_(p), power, out=slope)
        if gradient_nk is not None:
            ctx.save_for_backward(gradient_nk)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        return ctx.saved_tensors[0] * upstream, None, None


def _silence_ignored(logits_nk: Tensor, silent_n: Tensor) -> Tensor:
    """A copy in which silent rows are so sure that nothing is there that neither loss nor gradient is left."""
    if silent_n.device.type == "cpu":
        return logits_nk.index_fill(0, silent_n.nonzero()[:, 0], SURE)
    return torch.where(silent_n[:, None], SURE, logits_nk)


def _softplus(x: Tensor) -> Tensor:
    """log(1 + e^x), without overflow: torch's own computes log1p number by number on a CPU, four times slower."""
    return x.clamp(min=0).sub_(x.abs().sigmoid_().log_())


def _select_hardest(logits_nk: Tensor, matches: Matches, negatives: float) -> Tensor:
    """Which negatives are mined: so many for each positive, as in SSD, but at least sixteen an image."""
    loss_n, ones_k = logits_nk.new_empty(len(logits_nk)), logits_nk.new_ones(logits_nk.shape[1])
    for rows in _split_blocks(logits_nk):
        torch.mv(_softplus(logits_nk[rows]), ones_k, out=loss_n[rows])  # the sum of short rows is slower
    negative_n = matches.negative_ba.flatten()
    candidates_n = loss_n * negative_n
    wanted = (negatives * matches.positive_ba.sum()).clamp(min=LEAST_NEGATIVES * len(matches.negative_ba))
    if loss_n.device.type == "cpu":
        hardest = candidates_n.topk(min(int(wanted), len(loss_n)), sorted=False).indices
        return torch.zeros_like(negative_n).index_fill_(0, hardest, True) & negative_n
    # Elsewhere to know how many are wanted would be to wait, and sorting is cheap.
    order = candidates_n.argsort(descending=True, stable=True)
    first_n = torch.arange(len(order), device=order.device) < wanted.floor()
    return torch.zeros_like(negative_n).scatter_(0, order, first_n) & negative_n


def _gather_selected(true_n: Tensor) -> tuple[Tensor, Tensor]:
    """Rows among which are all that are true, and whether each is.

    On a CPU they are just those: of thousands of anchors some dozen. Elsewhere, to know which would be to wait for the
    device, so they are all.
    """
    if true_n.device.type != "cpu":
        return torch.arange(len(true_n), device=true_n.device), true_n
    rows_n = true_n.nonzero()[:, 0]
    return rows_n, true_n.new_ones(len(rows_n))


def _box_loss(
    codes_bac: Tensor, anchors_a4: Tensor, targets: Targets, matches: Matches, settings: LossSettings, coding: Coding
) -> Tensor:
    """Sum over the positives of the error of their boxes, and of what else the coding predicts of them."""
    boxes = targets.valid_bm.shape[1]
    if boxes == 0:
        return codes_bac.float().sum() * 0
    row_n, positive_n = _gather_selected(matches.positive_ba.flatten())
    image_n, anchor_n = row_n.div(len(anchors_a4), rounding_mode="floor"), row_n.remainder(len(anchors_a4))
    box_n = matches.box_ba.flatten()[row_n] + image_n * boxes
    codes_nc = codes_bac.flatten(0, 1).index_select(0, row_n).float()
    anchors_n4, boxes_n4 = anchors_a4[anchor_n], targets.boxes_bm4.flatten(0, 1)[box_n]
    error_n = BOX_ERRORS[settings.box](codes_nc[:, :4], boxes_n4, anchors_n4, coding)
    quality_n = coding.quality_loss(codes_nc, boxes_n4, anchors_n4)
    if quality_n is not None:
        error_n = error_n + quality_n
    # Where an anchor is not positive its box is arbitrary, so it is masked, not multiplied.
    return torch.where(positive_n, error_n, 0.0).sum()


def _l1_loss(codes_n4: Tensor, boxes_n4: Tensor, anchors_n4: Tensor, coding: Coding) -> Tensor:
    return (codes_n4 - coding.encode(boxes_n4, anchors_n4)).abs().sum(dim=1)


def _smooth_l1(codes_n4: Tensor, boxes_n4: Tensor, anchors_n4: Tensor, coding: Coding) -> Tensor:
    """Quadratic below an error of 1, as in SSD."""
    return functional.smooth_l1_loss(codes_n4, coding.encode(boxes_n4, anchors_n4), reduction="none").sum(dim=1)


def _giou_loss(codes_n4: Tensor, boxes_n4: Tensor, anchors_n4: Tensor, coding: Coding) -> Tensor:
    """1 - GIoU (Rezatofighi et al., Generalized Intersection over Union)."""
    error_n: Tensor = generalized_box_iou_loss(coding.decode(codes_n4, anchors_n4), boxes_n4)
    return error_n


BOX_ERRORS: dict[str, Callable[[Tensor, Tensor, Tensor, Coding], Tensor]] = {
    "l1": _l1_loss,
    "smooth_l1": _smooth_l1,
    "giou": _giou_loss,
}


def _split_blocks(logits_nk: Tensor) -> list[slice]:
    rows, labels = logits_nk.shape
    size = max(1, NUMBERS_AT_ONCE // labels) if logits_nk.device.type == "cpu" else max(rows, 1)
    return [slice(begin, begin + size) for begin in range(0, rows, size)]
