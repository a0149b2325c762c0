"""Boxes from numbers, and detections from a network's answer, against slow and plain computations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder, BoxLinearCoder
from torchvision.models.detection.fcos import FCOS
from torchvision.models.detection.ssd import SSD

from core import geometry
from core.models.box_coder import DELTAS, POINTS, Coding
from core.models.multilabel import DecodingSpec, decode_detections, merge_rows
from tests.core.models.detection_targets import ANCHORS


def some_boxes(seed: int) -> tuple[Tensor, Tensor]:
    """Fifty boxes, and as many anchors near them."""
    random = torch.Generator().manual_seed(seed)
    corner, side = torch.rand(50, 2, generator=random) * 100, torch.rand(50, 2, generator=random) * 60 + 1
    boxes = torch.cat([corner, corner + side], dim=1)
    return boxes, torch.cat([corner + 3, corner + 3 + torch.rand(50, 2, generator=random) * 60 + 1], dim=1)


@given(st.integers(0, 1000), st.sampled_from([DELTAS, POINTS]))
@settings(max_examples=40, deadline=None)
def test_decoding_undoes_encoding(seed: int, coding: Coding) -> None:
    boxes, anchors = some_boxes(seed)
    assert torch.allclose(coding.decode(coding.encode(boxes, anchors), anchors), boxes, atol=1e-3)


@given(st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_deltas_are_those_of_torchvisions_ssd(seed: int) -> None:
    boxes, anchors = some_boxes(seed)
    coder = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
    deltas = coder.encode_single(boxes, anchors)
    assert torch.allclose(DELTAS.encode(boxes, anchors), deltas, rtol=1e-4, atol=1e-4)
    wild = deltas * 10  # sides beyond what is decoded
    assert torch.allclose(DELTAS.decode(wild, anchors), coder.decode_single(wild, anchors), rtol=1e-3, atol=1e-2)


@given(st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_distances_from_points_are_those_of_torchvisions_fcos(seed: int) -> None:
    boxes, anchors = some_boxes(seed)
    anchors[:, 3] = anchors[:, 1] + anchors[:, 2] - anchors[:, 0]
    coder = BoxLinearCoder(normalize_by_size=True)
    numbers = coder.encode(anchors, boxes)
    assert torch.allclose(POINTS.encode(boxes, anchors), numbers, rtol=1e-4, atol=1e-4)
    assert torch.allclose(POINTS.decode(numbers, anchors), coder.decode(numbers, anchors), rtol=1e-4, atol=1e-3)


def test_a_box_without_area_has_finite_deltas() -> None:
    assert DELTAS.encode(torch.tensor([[5.0, 5.0, 5.0, 9.0]]), ANCHORS[:1]).isfinite().all()


def plain_rows(boxes: np.ndarray, scores: np.ndarray, decoding: DecodingSpec) -> list[tuple[np.ndarray, np.ndarray]]:
    """Detections of one image in a loop over labels and boxes."""
    iou = geometry.box_iou(boxes, boxes)
    kept: list[tuple[float, int, int]] = []
    for label in range(scores.shape[1]):
        rows: list[int] = []
        for row in np.argsort(-scores[:, label], kind="stable"):
            if scores[row, label] >= decoding.score_floor and all(
                iou[row, other] <= decoding.nms_iou for other in rows
            ):
                rows.append(int(row))
                kept.append((float(scores[row, label]), int(row), label))
    kept.sort(reverse=True)
    homes: list[int] = []
    for _, row, _ in kept:
        if all(iou[row, home] <= max(decoding.nms_iou, 0.6) for home in homes):
            homes.append(row)
    joined = np.zeros((len(homes), scores.shape[1]), np.float32)
    for score, row, label in kept:
        home = int(iou[row, homes].argmax())
        joined[home, label] = max(joined[home, label], score)
    return [(boxes[home], row) for home, row in zip(homes, joined, strict=True)][: decoding.max_detections]


@given(st.integers(0, 10_000), st.sampled_from([4, 300]))
@settings(max_examples=40, deadline=None)
def test_detections_are_those_of_each_image_and_label(seed: int, most: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 50, (2, 30, 2))
    boxes = np.concatenate([corner, corner + random.uniform(2, 14, (2, 30, 2))], axis=2).astype(np.float32)
    scores = random.uniform(0.01, 0.99, (2, 30, 3)).astype(np.float32)
    anchors = torch.from_numpy(boxes[0])
    deltas = DELTAS.encode(torch.from_numpy(boxes), anchors)
    decoding = DecodingSpec(score_floor=0.2, nms_iou=0.5, max_detections=most)
    found = decode_detections(torch.from_numpy(scores).logit(), deltas, anchors, (64, 64), decoding)
    for image in range(2):
        expected = plain_rows(boxes[image], scores[image], decoding)
        # With few rows wanted, a label is not looked for among the pairs that are worse than all of them.
        assert len(found[image][0]) == len(expected) > 0
        for (box, row), ours, score in zip(expected, *found[image], strict=True):
            assert np.allclose(box, ours, atol=1e-2)
            assert score.max() == pytest.approx(row.max(), abs=1e-4)
            if most == 300:
                assert np.allclose(row, score, atol=1e-4)


def test_rows_on_one_defect_become_one_row_with_all_its_labels() -> None:
    boxes = torch.tensor([[10.0, 10, 50, 50], [12.0, 10, 50, 50], [70.0, 70, 90, 90]])
    scores = torch.tensor([[0.9, 0.0], [0.0, 0.8], [0.0, 0.7]])
    joined_boxes, joined_scores = merge_rows(boxes, scores, DecodingSpec(nms_iou=0.5))
    assert torch.equal(joined_boxes, boxes[[0, 2]])
    assert torch.allclose(joined_scores, torch.tensor([[0.9, 0.8], [0.0, 0.7]]))


def test_parts_without_a_row_merge_to_none() -> None:
    boxes, scores = merge_rows(torch.zeros(0, 4), torch.zeros(0, 3), DecodingSpec())
    assert boxes.shape == (0, 4) and scores.shape == (0, 3)


@pytest.mark.parametrize("numbers", [4, 5])
def test_no_candidate_gives_no_detection(numbers: int) -> None:
    logits, codes = torch.full((1, len(ANCHORS), 3), -20.0), torch.zeros(1, len(ANCHORS), numbers)
    [(boxes, scores)] = decode_detections(logits, codes, ANCHORS, (64, 64), DecodingSpec())
    assert boxes.shape == (0, 4) and scores.shape == (0, 3)


@pytest.mark.parametrize("numbers", [4, 5])
def test_detections_stay_inside_the_picture_and_within_their_number(numbers: int) -> None:
    torch.manual_seed(3)
    logits, codes = torch.randn(2, len(ANCHORS), 3) + 1, torch.randn(2, len(ANCHORS), numbers) * 4
    for boxes, scores in decode_detections(logits, codes, ANCHORS, (64, 60), DecodingSpec(max_detections=3)):
        assert len(boxes) == 3
        assert float(boxes.min()) >= 0 and float(boxes[:, [0, 2]].max()) <= 64 and float(boxes[:, [1, 3]].max()) <= 60
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        best: Tensor = scores.amax(dim=1)
        assert torch.equal(best, best.sort(descending=True).values)


def labels_of_torchvision(found: dict[str, Tensor], first: int) -> set[tuple[int, float, float]]:
    """(label from 0, score, left side) of torchvision's detections, rounded."""
    rows = zip(found["labels"].tolist(), found["scores"].tolist(), found["boxes"][:, 0].tolist(), strict=True)
    return {(label - first, round(score, 3), round(left, 1)) for label, score, left in rows}


def labels_of_ours(boxes: Tensor, scores: Tensor) -> set[tuple[int, float, float]]:
    row, label = (scores > 0).nonzero(as_tuple=True)
    rows = zip(label.tolist(), scores[row, label].tolist(), boxes[row, 0].tolist(), strict=True)
    return {(label, round(score, 3), round(left, 1)) for label, score, left in rows}


class _Settings:
    """What torchvision's decoding reads of its network."""

    score_thresh, nms_thresh, detections_per_img, topk_candidates = 0.3, 0.5, 300, 1000
    box_coder: BoxCoder | BoxLinearCoder


def test_detections_of_boxes_apart_are_those_of_torchvisions_ssd() -> None:
    torch.manual_seed(4)
    anchors = ANCHORS[::2][::3]  # of one shape and far enough apart that none is joined to another
    scores = torch.rand(1, len(anchors), 3) * 0.5
    deltas = torch.randn(1, len(anchors), 4) * 0.1
    stock = _Settings()
    stock.box_coder = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
    # The background takes what is left, so that torchvision's softmax gives these scores.
    logits = torch.cat([(1.5 - scores.sum(dim=2, keepdim=True)).clamp(min=1e-3), scores], dim=2)
    logits = (logits / logits.sum(dim=2, keepdim=True)).log()
    outputs = {"bbox_regression": deltas, "cls_logits": logits}
    [theirs] = SSD.postprocess_detections(stock, outputs, [anchors], [(64, 64)])  # type: ignore[arg-type]
    ours = decode_detections(
        logits.softmax(dim=2)[..., 1:].logit(), deltas, anchors, (64, 64), DecodingSpec(score_floor=0.3, nms_iou=0.5)
    )
    assert labels_of_ours(*ours[0]) == labels_of_torchvision(theirs, first=1)
    assert len(theirs["labels"]) > 3


def test_detections_from_points_are_those_of_torchvisions_fcos() -> None:
    torch.manual_seed(5)
    points = ANCHORS[::2][::3]
    logits, codes = torch.randn(1, len(points), 3), torch.rand(1, len(points), 5) * 0.4 + 0.1
    stock = _Settings()
    stock.box_coder = BoxLinearCoder(normalize_by_size=True)
    outputs = {"cls_logits": [logits], "bbox_regression": [codes[..., :4]], "bbox_ctrness": [codes[..., 4:]]}
    [theirs] = FCOS.postprocess_detections(stock, outputs, [[points]], [(64, 64)])  # type: ignore[arg-type]
    [(boxes, scores)] = decode_detections(logits, codes, points, (64, 64), DecodingSpec(score_floor=0.3, nms_iou=0.5))
    assert labels_of_ours(boxes, scores) == labels_of_torchvision(theirs, first=0)
    assert len(theirs["labels"]) > 20
