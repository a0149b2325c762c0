"""Boxes from numbers, and detections from a network's answer, against slow and plain computations."""

from __future__ import annotations

from dataclasses import replace

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
    place = {row: rank for rank, (_, row, _) in reversed(list(enumerate(kept)))}
    for rank, (score, row, label) in enumerate(kept):
        # One that is kept is its own; another is joined to one that is better than itself.
        better = [home for home in homes if place[home] <= rank]
        home = homes.index(row if row in better else max(better, key=lambda home: float(iou[row, home])))
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
    decoding = DecodingSpec(score_floor=0.2, nms_iou=0.5, max_detections=most, sure_score=2)
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


def test_a_box_is_joined_to_a_better_one_and_never_to_a_worse() -> None:
    """A pit that lies nearer to a faint stain stays with the scratch that it was found on."""
    near = torch.tensor([[0.0, 0, 100, 20], [20.0, 0, 120, 20], [32.0, 0, 132, 20]])
    scores = torch.tensor([[0.9, 0, 0], [0, 0.5, 0], [0, 0, 0.1]])
    overlaps = geometry.box_iou(near.numpy(), near.numpy())
    assert overlaps[1, 2] > overlaps[0, 1] > 0.6 > overlaps[0, 2]
    _, with_faint = merge_rows(near, scores, DecodingSpec())
    _, without = merge_rows(near[:2], scores[:2], DecodingSpec())
    assert torch.equal(with_faint[0], torch.tensor([0.9, 0.5, 0]))
    assert torch.equal(without, with_faint[:1])


# Few places and scores: equal scores, equal boxes and overlaps near every threshold turn up.
_coarse = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(4, 20), st.integers(4, 20))
_scores = st.lists(st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.3, 0.5, 0.9, 1.0]), min_size=3, max_size=3)


def filtered(rows: tuple[Tensor, Tensor], floor: float) -> tuple[Tensor, Tensor]:
    """What of some rows scores at least `floor`."""
    scores = rows[1] * (rows[1] >= floor)
    there = scores.amax(dim=1) > 0
    return rows[0][there], scores[there]


@given(
    st.lists(st.tuples(_coarse, _scores), max_size=40),
    st.sampled_from([0.05, 0.2, 0.3, 0.7]),
    st.sampled_from([3, 300]),
)
@settings(max_examples=200, deadline=None)
def test_rows_do_not_depend_on_what_is_below_a_higher_floor(
    candidates: list[tuple[tuple[int, int, int, int], list[float]]], floor: float, most: int
) -> None:
    boxes = torch.tensor([[x, y, x + w, y + h] for (x, y, w, h), _ in candidates], dtype=torch.float32).reshape(-1, 4)
    scores = torch.tensor([row for _, row in candidates]).reshape(-1, 3)
    low = merge_rows(boxes, scores, DecodingSpec(score_floor=0.01, max_detections=most))
    high = merge_rows(boxes, scores, DecodingSpec(score_floor=floor, max_detections=most))
    expected = filtered(low, floor)
    assert torch.equal(high[0], expected[0]) and torch.equal(high[1], expected[1])


@given(st.integers(0, 1000), st.sampled_from([0.02, 0.1, 0.5, 0.9]), st.sampled_from([20, 4000]))
@settings(max_examples=60, deadline=None)
def test_an_answer_is_decoded_alike_at_every_floor_below(seed: int, floor: float, candidates: int) -> None:
    random = torch.Generator().manual_seed(seed)
    logits = (torch.randn(1, len(ANCHORS), 3, generator=random) * 3).round(decimals=1)
    codes = torch.randn(1, len(ANCHORS), 4, generator=random) * 0.5
    spec = DecodingSpec(score_floor=0.01, max_candidates=candidates, max_detections=10)
    [low] = decode_detections(logits, codes, ANCHORS, (64, 64), spec)
    [high] = decode_detections(logits, codes, ANCHORS, (64, 64), replace(spec, score_floor=floor))
    expected = filtered(low, floor)
    assert torch.equal(high[0], expected[0]) and torch.equal(high[1], expected[1])


@pytest.mark.parametrize(("boxes", "kept"), [(250, 250), (900, 900)])
def test_detections_that_are_sure_are_kept_whatever_their_number(boxes: int, kept: int) -> None:
    corner = torch.cartesian_prod(torch.arange(30.0), torch.arange(30.0))[:boxes] * 20
    rows = torch.cat([corner, corner + 10], dim=1)
    found, scores = merge_rows(rows, torch.full((boxes, 2), 0.0).index_fill(1, torch.tensor([1]), 0.5), DecodingSpec())
    assert len(found) == len(scores) == kept


def test_of_faint_detections_as_many_are_kept_as_twice_the_boxes_of_the_fullest_image() -> None:
    corner = torch.cartesian_prod(torch.arange(30.0), torch.arange(30.0)) * 20
    rows, scores = torch.cat([corner, corner + 10], dim=1), torch.linspace(0.09, 0.02, 900)[:, None]
    assert len(merge_rows(rows, scores, DecodingSpec.for_images(150))[0]) == 300
    assert len(merge_rows(rows, scores, DecodingSpec.for_images(400))[0]) == 800


def test_what_was_kept_says_whether_it_serves_fuller_images() -> None:
    usual, crowded = DecodingSpec.for_images(20), DecodingSpec.for_images(2000)
    assert usual == DecodingSpec() and crowded.max_detections == 4000
    for spec in (usual, crowded):
        assert DecodingSpec.parse(spec.describe()) == spec and spec.covers(usual)
    assert not usual.covers(crowded)
    assert not replace(usual, nms_iou=0.5).covers(usual)
    before = DecodingSpec.parse("score_floor=0.01 nms_iou=0.45 max_candidates=4000 max_detections=300")
    assert before is not None and not before.covers(usual)
    assert DecodingSpec.parse("threshold=0.5") is None and DecodingSpec.parse("rules") is None


def test_a_score_that_is_no_number_costs_no_other_detection() -> None:
    logits, codes = torch.full((1, len(ANCHORS), 2), -9.0), torch.zeros(1, len(ANCHORS), 4)
    logits[0, 0, 0], logits[0, 40, 1] = float("nan"), 5.0
    [(_, scores)] = decode_detections(logits, codes, ANCHORS, (64, 64), DecodingSpec())
    assert scores[:, 1].tolist() == pytest.approx([torch.tensor(5.0).sigmoid().item()])


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
    for boxes, scores in decode_detections(
        logits, codes, ANCHORS, (64, 60), DecodingSpec(max_detections=3, sure_score=2)
    ):
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
