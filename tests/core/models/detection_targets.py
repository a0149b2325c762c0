"""Ground truth and anchors for the tests of matching, losses and decoding."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from core.models.multilabel import Targets
from core.models.networks.detector import grid_anchors

ANCHORS = grid_anchors((8, 8), 8, ((16.0, 16.0), (24.0, 12.0)))


def targets(*images: list[tuple[list[float], list[int]]], labels: int = 3) -> Targets:
    """Ground truth from (box, label indices) pairs, one list an image."""
    most = max(len(image) for image in images)
    boxes, sets = torch.zeros(len(images), most, 4), torch.zeros(len(images), most, labels)
    valid = torch.zeros(len(images), most, dtype=torch.bool)
    for row, image in enumerate(images):
        for place, (box, names) in enumerate(image):
            boxes[row, place] = torch.tensor(box)
            sets[row, place, names] = 1
            valid[row, place] = True
    return Targets(boxes, sets, valid)


def clean(images: int, labels: int = 3) -> Targets:
    """Images without a box."""
    return Targets(torch.zeros(images, 0, 4), torch.zeros(images, 0, labels), torch.zeros(images, 0, dtype=torch.bool))


@st.composite
def drawn_targets(draw: st.DrawFn, labels: int = 3) -> Targets:
    """One to three images of 64 px with none to six boxes, among them some without area, each with some labels."""
    sides = st.one_of(st.just(0.0), st.floats(0.5, 40))
    box = st.tuples(st.floats(0, 60), st.floats(0, 60), sides, sides)
    names = st.sets(st.integers(0, labels - 1), min_size=1)
    images = draw(st.lists(st.lists(st.tuples(box, names), max_size=6), min_size=1, max_size=3))
    return targets(
        *([([x, y, x + w, y + h], sorted(label)) for (x, y, w, h), label in image] for image in images), labels=labels
    )


def answer(images: int, anchors_a4: Tensor = ANCHORS, labels: int = 3, numbers: int = 4) -> tuple[Tensor, Tensor]:
    """Random logits (b, a, k) and numbers (b, a, c) that want a gradient."""
    logits = torch.randn(images, len(anchors_a4), labels, requires_grad=True)
    return logits, torch.randn(images, len(anchors_a4), numbers, requires_grad=True)
