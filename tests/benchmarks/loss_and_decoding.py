"""The loss with its gradient, and decoding, beside torchvision's SSD and FCOS on the same boxes, anchors and answers.

    python tests/benchmarks/loss_and_decoding.py [--batch 16] [--boxes 8] [--labels 10] [--repeat 9] [--threads 1]

The sides take turns; of each the fastest turn counts, in processor time of this process and in wall-clock time. Matching
is part of the loss on both sides. Stated goal: at least 3 times torchvision's SSD on the CPU, batch 16, 8 boxes an
image, 10 labels.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as functional
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torchvision.models.detection import fcos_resnet50_fpn, ssd300_vgg16
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import box_iou

from core.models.multilabel import DecodingSpec, LossSettings, Targets, decode_detections, detection_loss
from core.models.networks.detector import grid_anchors

SIDE = 300
SSD_MAPS = (38, 19, 10, 5, 3, 1)
FCOS_STRIDES = (8, 16, 32, 64, 128)
GOAL = 3.0


class Case:
    """Ground truth of a batch, in both forms."""

    def __init__(self, images: int, boxes: int, labels: int) -> None:
        random = torch.Generator().manual_seed(0)
        corner = torch.rand(images, boxes, 2, generator=random) * (SIDE - 80)
        xyxy = torch.cat([corner, corner + torch.rand(images, boxes, 2, generator=random) * 68 + 12], dim=2)
        label = torch.randint(0, labels, (images, boxes), generator=random)
        hot = functional.one_hot(label, labels).float()
        self.images, self.labels, self.random = images, labels, random
        self.ours = Targets(xyxy, hot, torch.ones(images, boxes, dtype=torch.bool))
        self.stock = [{"boxes": one, "labels": names} for one, names in zip(xyxy, label, strict=True)]
        self.stock_from_1 = [{"boxes": one, "labels": names + 1} for one, names in zip(xyxy, label, strict=True)]

    def randn(self, *shape: int) -> Tensor:
        return torch.randn(self.images, *shape, generator=self.random).requires_grad_()

    def trained(self, logits_bak: Tensor, anchors_a4: Tensor) -> Tensor:
        """Logits as of a network that knows the boxes: high at what overlaps one, far below elsewhere."""
        iou_bam = torch.stack([box_iou(anchors_a4, one["boxes"]) for one in self.stock])
        best_ba, box_ba = iou_bam.max(dim=2)
        wanted = self.ours.labels_bmk.gather(1, box_ba[..., None].expand(-1, -1, self.labels))
        return logits_bak.detach() - 8 + wanted * (best_ba > 0.5)[..., None] * 9


def ssd(case: Case) -> list[tuple[str, str, Callable[[], Any], Callable[[], Any]]]:
    """(what, ours under which settings, torchvision's work, our work)."""
    stock = ssd300_vgg16(weights=None, weights_backbone=None, num_classes=case.labels + 1)
    maps = [torch.zeros(1, 1, side, side) for side in SSD_MAPS]
    anchors = stock.anchor_generator(
        ImageList(torch.zeros(case.images, 3, SIDE, SIDE), [(SIDE, SIDE)] * case.images), maps
    )
    logits, deltas = case.randn(len(anchors[0]), case.labels), case.randn(len(anchors[0]), 4)
    stock_logits = case.randn(len(anchors[0]), case.labels + 1)

    def stock_loss() -> None:
        matched = [
            stock.proposal_matcher(box_iou(one["boxes"], grid))
            for one, grid in zip(case.stock_from_1, anchors, strict=True)
        ]
        outputs = {"bbox_regression": deltas, "cls_logits": stock_logits}
        losses = stock.compute_loss(case.stock_from_1, outputs, anchors, matched)
        stock_logits.grad = deltas.grad = None
        sum(losses.values()).backward()

    works: list[tuple[str, str, Callable[[], Any], Callable[[], Any]]] = [
        (
            "SSD: matching, loss, gradient",
            f"{kind}, {box}",
            stock_loss,
            our_loss(case, logits, deltas, anchors[0], kind, box),
        )
        for kind, box in (("mined_bce", "smooth_l1"), ("focal", "l1"), ("focal", "giou"))
    ]
    trained = case.trained(logits, anchors[0])
    background = torch.full((*trained.shape[:2], 1), 6.0)
    answers = {
        "trained": (torch.cat([background, trained], dim=2), trained),
        "untrained": (stock_logits.detach(), logits.detach() - 2),
    }
    for name, (theirs, ours) in answers.items():
        outputs = {"bbox_regression": deltas.detach(), "cls_logits": theirs}
        works.append(
            (
                "SSD: decoding",
                f"{name} network",
                lambda outputs=outputs: stock.postprocess_detections(outputs, anchors, [(SIDE, SIDE)] * case.images),
                lambda ours=ours: decode_detections(
                    ours, deltas.detach(), anchors[0], (SIDE, SIDE), DecodingSpec(0.01, 0.45, max_detections=200)
                ),
            )
        )
    return works


def fcos(case: Case) -> list[tuple[str, str, Callable[[], Any], Callable[[], Any]]]:
    """The same for FCOS, on a picture of SSD's size."""
    stock = fcos_resnet50_fpn(weights=None, weights_backbone=None, num_classes=case.labels)
    sides = [-(-SIDE // stride) for stride in FCOS_STRIDES]
    grid = [grid_anchors((n, n), s, ((s, s),), 0.0) for n, s in zip(sides, FCOS_STRIDES, strict=True)]
    points, counts = torch.cat(grid), [len(level) for level in grid]
    logits, numbers = case.randn(len(points), case.labels), case.randn(len(points), 5)
    numbers = numbers.detach().abs().requires_grad_()

    def stock_loss() -> None:
        outputs = {"cls_logits": logits, "bbox_regression": numbers[..., :4], "bbox_ctrness": numbers[..., 4:]}
        losses = stock.compute_loss(case.stock, outputs, [points] * case.images, counts)
        logits.grad = numbers.grad = None
        sum(losses.values()).backward()

    trained, codes = case.trained(logits, points), numbers.detach()
    outputs = {
        "cls_logits": list(trained.split(counts, dim=1)),
        "bbox_regression": list(codes[..., :4].split(counts, dim=1)),
        "bbox_ctrness": list(codes[..., 4:].split(counts, dim=1)),
    }
    by_level = [list(points.split(counts))] * case.images
    return [
        (
            "FCOS: matching, loss, gradient",
            "focal, giou",
            stock_loss,
            our_loss(case, logits, numbers, points, "focal", "giou"),
        ),
        (
            "FCOS: decoding",
            "trained network",
            lambda: stock.postprocess_detections(outputs, by_level, [(SIDE, SIDE)] * case.images),
            lambda: decode_detections(trained, codes, points, (SIDE, SIDE), DecodingSpec(0.2, 0.6, max_detections=100)),
        ),
    ]


def our_loss(case: Case, logits: Tensor, codes: Tensor, anchors: Tensor, kind: str, box: str) -> Callable[[], None]:
    settings = LossSettings(kind, box=box)  # type: ignore[arg-type]

    def work() -> None:
        label_loss, box_loss = detection_loss(logits, codes, anchors, case.ours, settings).per_positive()
        logits.grad = codes.grad = None
        (label_loss + box_loss).backward()

    return work


def fastest(works: list[Callable[[], Any]], repeat: int) -> list[tuple[float, float]]:
    """(processor, wall) milliseconds of each, from turns taken one after the other."""
    times: list[list[tuple[float, float]]] = [[] for _ in works]
    for turn in range(repeat + 1):
        for work, row in zip(works, times, strict=True):
            processor, wall = time.process_time(), time.perf_counter()
            work()
            if turn:  # the first turn fills caches
                row.append((time.process_time() - processor, time.perf_counter() - wall))
    return [(min(p for p, _ in row) * 1000, min(w for _, w in row) * 1000) for row in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--boxes", type=int, default=8)
    parser.add_argument("--labels", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as torch takes")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    case = Case(options.batch, options.boxes, options.labels)
    table = Table(
        title=f"batch {options.batch}, {options.boxes} boxes an image, {options.labels} labels, "
        f"{torch.get_num_threads()} threads: milliseconds of processor (wall), the fastest of {options.repeat}"
    )
    for column in ("what", "ours", "torchvision", "DefectDesk", "ratio (processor)", "ratio (wall)"):
        table.add_column(column, justify="left" if column in ("what", "ours") else "right")
    ratios = []
    for what, settings, theirs, ours in [*ssd(case), *fcos(case)]:
        if "decoding" in what:
            with torch.inference_mode():
                stock, own = fastest([theirs, ours], options.repeat)
        else:
            stock, own = fastest([theirs, ours], options.repeat)
        ratios.append(stock[1] / own[1])
        table.add_row(
            what,
            settings,
            *(f"{processor:.1f} ({wall:.1f})" for processor, wall in (stock, own)),
            f"{stock[0] / own[0]:.1f}",
            f"{stock[1] / own[1]:.1f}",
        )
    console = Console(width=140)
    console.print(table)
    alike, focal = min(ratios[0], *ratios[3:5]), min(ratios[1:3])
    console.print(
        f"goal for SSD's own loss and decoding, {GOAL:g} times: {'met' if alike >= GOAL else 'missed'}, least "
        f"{alike:.1f} (wall). Focal loss, which torchvision's SSD has not, beside its mined one: least {focal:.1f}"
    )


if __name__ == "__main__":
    main()
