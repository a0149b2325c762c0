"""Targets, loss and decoding of boxes with several labels, against slow and plain computations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from core import geometry
from core.models.detector import grid_anchors
from core.models.multilabel import (
    Decoding,
    Targets,
    collected,
    decode,
    detection_loss,
    detections,
    encode,
    match,
    suppress,
)


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


ANCHORS = grid_anchors((8, 8), 8, ((16.0, 16.0), (24.0, 12.0)))


@given(
    st.lists(
        st.tuples(*[st.floats(0, 40), st.floats(0, 40), st.floats(4, 24), st.floats(4, 24)]), min_size=1, max_size=6
    )
)
@settings(max_examples=60, deadline=None)
def test_every_anchor_learns_its_best_box_and_every_box_is_taught(
    drawn: list[tuple[float, float, float, float]],
) -> None:
    boxes = [[x, y, x + w, y + h] for x, y, w, h in drawn]
    matches = match(ANCHORS, targets([(box, [0]) for box in boxes]))
    iou = geometry.iou(np.array(boxes, np.float32), ANCHORS.numpy())
    positive, negative = matches.positive_ba[0].numpy(), matches.negative_ba[0].numpy()
    given_to = matches.box_ba[0].numpy()
    assert not (positive & negative).any()
    assert positive[iou.max(axis=0) >= 0.5 + 1e-5].all()
    assert not negative[iou.max(axis=0) >= 0.4 + 1e-5].any()
    taught = set(given_to[positive].tolist())
    # Boxes that lie on top of each other may want more anchors than a few rounds can deal out; these cannot.
    apart = [
        row
        for row in range(len(boxes))
        if all(
            other == row or overlap < 0.3
            for other, overlap in enumerate(
                geometry.iou(np.array([boxes[row]], np.float32), np.array(boxes, np.float32))[0]
            )
        )
    ]
    reached = {row for row in apart if iou[row].max() > 0}
    assert reached <= taught


def test_two_boxes_with_the_same_best_anchor_both_get_one() -> None:
    box = [12.0, 12.0, 28.0, 28.0]
    shifted = [13.0, 12.0, 29.0, 28.0]
    matches = match(ANCHORS, targets([(box, [0]), (shifted, [1])]))
    assert set(matches.box_ba[0][matches.positive_ba[0]].tolist()) == {0, 1}


def test_padding_is_given_to_nobody() -> None:
    truth = targets(
        [([10.0, 10.0, 26.0, 26.0], [0]), ([40.0, 40.0, 56.0, 56.0], [0])], [([10.0, 10.0, 26.0, 26.0], [0])]
    )
    matches = match(ANCHORS, truth)
    assert (matches.box_ba[1][matches.positive_ba[1]] == 0).all()
    assert matches.positive_ba[1].any()


@given(st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_decoding_undoes_encoding(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    corner, side = torch.rand(50, 2, generator=random) * 100, torch.rand(50, 2, generator=random) * 60 + 1
    boxes = torch.cat([corner, corner + side], dim=1)
    anchors = torch.cat([corner + 3, corner + 3 + torch.rand(50, 2, generator=random) * 60 + 1], dim=1)
    assert torch.allclose(decode(encode(boxes, anchors), anchors), boxes, atol=1e-3)


@pytest.mark.parametrize("kind", ["focal", "mined_bce"])
def test_a_clean_image_teaches(kind: str) -> None:
    logits = torch.zeros(2, len(ANCHORS), 3, requires_grad=True)
    deltas = torch.zeros(2, len(ANCHORS), 4, requires_grad=True)
    empty = Targets(torch.zeros(2, 0, 4), torch.zeros(2, 0, 3), torch.zeros(2, 0, dtype=torch.bool))
    sums = detection_loss(logits, deltas, ANCHORS, empty, kind)  # type: ignore[arg-type]
    label_loss, box_loss = sums.per_positive()
    (label_loss + box_loss).backward()
    assert float(label_loss.detach()) > 0
    assert float(box_loss.detach()) == 0
    assert logits.grad is not None and float(logits.grad.min()) >= 0 and float(logits.grad.max()) > 0


@pytest.mark.parametrize("kind", ["focal", "mined_bce"])
def test_descending_the_loss_finds_the_boxes_and_all_their_labels(kind: str) -> None:
    torch.manual_seed(0)
    truth = targets([([8.0, 8.0, 24.0, 24.0], [0, 2])], [([30.0, 30.0, 52.0, 42.0], [1])])
    logits = (torch.zeros(2, len(ANCHORS), 3) - 4).requires_grad_()
    deltas = torch.zeros(2, len(ANCHORS), 4, requires_grad=True)
    optimizer = torch.optim.Adam([logits, deltas], lr=0.3)
    for _ in range(200):
        label_loss, box_loss = detection_loss(logits, deltas, ANCHORS, truth, kind).per_positive()  # type: ignore[arg-type]
        optimizer.zero_grad()
        (label_loss + box_loss).backward()
        optimizer.step()
    found = detections(logits.detach(), deltas.detach(), ANCHORS, (64, 64), Decoding(score_threshold=0.3))
    (first_boxes, first_scores), (second_boxes, second_scores) = found
    assert torch.allclose(first_boxes[0], truth.boxes_bm4[0, 0], atol=1.0)
    assert (first_scores[0] > 0.5).tolist() == [True, False, True]
    assert torch.allclose(second_boxes[0], truth.boxes_bm4[1, 0], atol=1.0)
    assert (second_scores[0] > 0.5).tolist() == [False, True, False]


def test_the_loss_of_halves_adds_up_to_the_loss_of_the_whole() -> None:
    torch.manual_seed(1)
    truth = targets([([8.0, 8.0, 24.0, 24.0], [0])], [([30.0, 30.0, 52.0, 42.0], [1])])
    logits, deltas = torch.randn(2, len(ANCHORS), 3), torch.randn(2, len(ANCHORS), 4)
    whole = detection_loss(logits, deltas, ANCHORS, truth, "focal")
    halves = [
        detection_loss(
            logits[i : i + 1],
            deltas[i : i + 1],
            ANCHORS,
            Targets(truth.boxes_bm4[i : i + 1], truth.labels_bmk[i : i + 1], truth.valid_bm[i : i + 1]),
            "focal",
        )
        for i in range(2)
    ]
    assert float(whole.labels) == pytest.approx(sum(float(half.labels) for half in halves), rel=1e-5)
    assert float(whole.boxes) == pytest.approx(sum(float(half.boxes) for half in halves), rel=1e-5)
    assert int(whole.positives) == sum(int(half.positives) for half in halves)


def test_focal_loss_is_torchvisions_where_labels_exclude_each_other() -> None:
    from torchvision.ops import sigmoid_focal_loss

    torch.manual_seed(2)
    truth = targets([([8.0, 8.0, 24.0, 24.0], [0])])
    logits, deltas = torch.randn(1, len(ANCHORS), 3), torch.zeros(1, len(ANCHORS), 4)
    matches = match(ANCHORS, truth)
    wanted = torch.zeros_like(logits)
    wanted[0, matches.positive_ba[0], 0] = 1
    counted = (matches.positive_ba | matches.negative_ba)[0]
    expected = sigmoid_focal_loss(logits[0][counted], wanted[0][counted], alpha=0.25, gamma=2, reduction="sum")
    assert float(detection_loss(logits, deltas, ANCHORS, truth, "focal").labels) == pytest.approx(
        float(expected), rel=1e-4
    )


def test_mined_loss_takes_the_hardest_negatives_of_the_whole_batch() -> None:
    empty = Targets(torch.zeros(2, 0, 4), torch.zeros(2, 0, 1), torch.zeros(2, 0, dtype=torch.bool))
    logits = torch.full((2, len(ANCHORS), 1), -8.0)
    logits[0, :20] = 4.0  # twenty false alarms, all in one image
    loss = float(detection_loss(logits, torch.zeros(2, len(ANCHORS), 4), ANCHORS, empty, "mined_bce").labels)
    alarm, quiet = float(torch.tensor(4.0).exp().log1p()), float(torch.tensor(-8.0).exp().log1p())
    assert loss == pytest.approx(20 * alarm + 12 * quiet, rel=1e-4)


def plain_suppression(boxes: np.ndarray, scores: np.ndarray, iou: float, threshold: float) -> np.ndarray:
    result = np.zeros_like(scores)
    for label in range(scores.shape[1]):
        kept: list[int] = []
        for row in np.argsort(-scores[:, label], kind="stable"):
            if scores[row, label] >= threshold and all(
                geometry.iou(boxes[None, row], boxes[None, other])[0, 0] <= iou for other in kept
            ):
                kept.append(int(row))
                result[row, label] = scores[row, label]
    return result


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_batched_suppression_is_that_of_each_image_and_label(seed: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 60, (2, 30, 2))
    boxes = np.concatenate([corner, corner + random.uniform(2, 40, (2, 30, 2))], axis=2).astype(np.float32)
    scores = random.uniform(0, 1, (2, 30, 3)).astype(np.float32)
    found = suppress(
        torch.from_numpy(boxes), torch.from_numpy(scores), Decoding(score_threshold=0.2, nms_iou=0.5)
    ).numpy()
    for image in range(2):
        assert np.array_equal(found[image], plain_suppression(boxes[image], scores[image], 0.5, 0.2))


def test_rows_on_one_defect_become_one_row_with_all_its_labels() -> None:
    boxes = torch.tensor([[10.0, 10, 50, 50], [12.0, 10, 50, 50], [70.0, 70, 90, 90]])
    scores = torch.tensor([[0.9, 0.0], [0.0, 0.8], [0.0, 0.7]])
    joined_boxes, joined_scores = collected(boxes, scores, Decoding(nms_iou=0.5))
    assert torch.equal(joined_boxes, boxes[[0, 2]])
    assert torch.allclose(joined_scores, torch.tensor([[0.9, 0.8], [0.0, 0.7]]))


def test_no_candidate_gives_no_detection() -> None:
    logits, deltas = torch.full((1, len(ANCHORS), 3), -20.0), torch.zeros(1, len(ANCHORS), 4)
    [(boxes, scores)] = detections(logits, deltas, ANCHORS, (64, 64), Decoding())
    assert boxes.shape == (0, 4) and scores.shape == (0, 3)


def test_detections_stay_inside_the_picture_and_within_their_number() -> None:
    torch.manual_seed(3)
    logits, deltas = torch.randn(2, len(ANCHORS), 3) + 1, torch.randn(2, len(ANCHORS), 4) * 4
    for boxes, scores in detections(logits, deltas, ANCHORS, (64, 60), Decoding(max_detections=7)):
        assert 0 < len(boxes) <= 7
        assert float(boxes.min()) >= 0 and float(boxes[:, [0, 2]].max()) <= 64 and float(boxes[:, [1, 3]].max()) <= 60
        best: Tensor = scores.amax(dim=1)
        assert torch.equal(best, best.sort(descending=True).values)
