"""The losses of detectors, against torchvision's and against plain computations."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as functional
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection.fcos import FCOSHead
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from core.models import losses
from core.models.box_coder import DELTAS, POINTS, coding_of
from core.models.losses import LossSettings, LossSums, detection_loss, label_weights
from core.models.multilabel import DecodingSpec, decode_detections
from core.models.networks.detector import grid_anchors
from core.models.target_assignment import Matches, Targets, match_anchors
from tests.core.models.detection_targets import ANCHORS, answer, clean, drawn_targets, targets

KINDS = [LossSettings("focal"), LossSettings("mined_bce")]


def wanted_of(matches: Matches, truth: Targets) -> Tensor:
    """Multi-hot targets (b, a, k), built one by one."""
    wanted = torch.zeros(*matches.box_ba.shape, truth.labels_bmk.shape[2])
    for image, anchor in matches.positive_ba.nonzero().tolist():
        wanted[image, anchor] = truth.labels_bmk[image, matches.box_ba[image, anchor]]
    return wanted


def plain_label_loss(logits: Tensor, truth: Targets, settings: LossSettings) -> Tensor:
    """Sum of the label loss out of torchvision's and torch's own pieces, for automatic differentiation."""
    matches = coding_of(torch.zeros(1, 1, 4)).match(ANCHORS, truth)
    wanted = wanted_of(matches, truth)
    weights = torch.ones_like(wanted)
    if settings.label_weights:
        weights = torch.where(wanted > 0, torch.tensor(settings.label_weights), 1.0)
    if settings.kind == "focal":
        each = sigmoid_focal_loss(logits, wanted, alpha=settings.focal_alpha, gamma=settings.focal_gamma)
        return (each * weights)[matches.positive_ba | matches.negative_ba].sum()
    each = (functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * weights).sum(dim=2)
    count = max(int(settings.negatives * int(matches.positive_ba.sum())), 16 * len(logits))
    hardest = each[matches.negative_ba].sort(descending=True).values[:count]
    return each[matches.positive_ba].sum() + hardest.sum()


@given(
    drawn_targets(),
    st.sampled_from(["focal", "mined_bce"]),
    st.floats(0.05, 0.95),
    st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5]),
    st.sampled_from([0.5, 3.0, 100.0]),
    st.sampled_from([(), (0.5, 2.0, 7.0)]),
    st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_label_loss_and_its_gradient_are_those_of_plain_pieces(
    truth: Targets, kind: str, alpha: float, gamma: float, negatives: float, weights: tuple[float, ...], seed: int
) -> None:
    torch.manual_seed(seed)
    chosen = LossSettings(kind, alpha, gamma, negatives, label_weights=weights)  # type: ignore[arg-type]
    logits, deltas = answer(len(truth.valid_bm))
    expected = plain_label_loss(logits, truth, chosen)
    [expected_gradient] = torch.autograd.grad(expected, logits)
    loss = detection_loss(logits, deltas, ANCHORS, truth, chosen).labels
    [gradient] = torch.autograd.grad(loss, logits)
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-4)
    assert torch.allclose(gradient, expected_gradient, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "chosen", [LossSettings("focal", focal_gamma=1.5), LossSettings("focal"), LossSettings("mined_bce")]
)
def test_blocks_that_go_through_the_loss_together_change_nothing(
    chosen: LossSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(7)
    truth = targets([([8.0, 8.0, 24.0, 24.0], [0, 2])], [([30.0, 30.0, 52.0, 42.0], [1])])
    logits, deltas = answer(2)
    whole = detection_loss(logits, deltas, ANCHORS, truth, chosen).labels
    [gradient] = torch.autograd.grad(whole, logits)
    monkeypatch.setattr(losses, "NUMBERS_AT_ONCE", 50)
    pieces = detection_loss(logits, deltas, ANCHORS, truth, chosen).labels
    assert float(pieces.detach()) == pytest.approx(float(whole.detach()), rel=1e-5)
    assert torch.allclose(torch.autograd.grad(pieces, logits)[0], gradient, atol=1e-6)


@pytest.mark.parametrize("chosen", KINDS)
@pytest.mark.parametrize("far", [-200.0, 200.0])
def test_logits_far_from_any_doubt_keep_loss_and_gradient_finite(chosen: LossSettings, far: float) -> None:
    truth = targets([([8.0, 8.0, 24.0, 24.0], [0])])
    logits = torch.full((1, len(ANCHORS), 3), far, requires_grad=True)
    sums = detection_loss(logits, torch.zeros(1, len(ANCHORS), 4), ANCHORS, truth, chosen)
    sums.labels.backward()
    assert logits.grad is not None and logits.grad.isfinite().all()
    assert sums.labels.isfinite() and float(sums.labels.detach()) >= 50


@pytest.mark.parametrize("numbers", [4, 5])
@pytest.mark.parametrize("chosen", KINDS)
def test_a_clean_image_teaches(chosen: LossSettings, numbers: int) -> None:
    logits = torch.zeros(2, len(ANCHORS), 3, requires_grad=True)
    codes = torch.zeros(2, len(ANCHORS), numbers, requires_grad=True)
    label_loss, box_loss = detection_loss(logits, codes, ANCHORS, clean(2), chosen).per_positive()
    (label_loss + box_loss).backward()
    assert float(label_loss.detach()) > 0
    assert float(box_loss.detach()) == 0
    assert logits.grad is not None and float(logits.grad.min()) >= 0 and float(logits.grad.max()) > 0
    assert codes.grad is not None and not codes.grad.any()


@given(drawn_targets(), st.sampled_from(["l1", "smooth_l1", "giou"]), st.sampled_from([4, 5]), st.booleans())
@settings(max_examples=50, deadline=None)
def test_whatever_the_boxes_loss_and_gradient_are_numbers(truth: Targets, box: str, numbers: int, mined: bool) -> None:
    torch.manual_seed(8)
    logits, codes = answer(len(truth.valid_bm), numbers=numbers)
    chosen = LossSettings("mined_bce" if mined else "focal", box=box)  # type: ignore[arg-type]
    sums = detection_loss(logits, codes, ANCHORS, truth, chosen)
    (sums.labels + sums.boxes).backward()
    assert sums.labels.isfinite() and sums.boxes.isfinite()
    assert logits.grad is not None and logits.grad.isfinite().all() and logits.grad.any()
    assert codes.grad is not None and codes.grad.isfinite().all()
    assert bool(codes.grad.any()) == bool(sums.positives > 0)


@given(st.integers(0, 1000), st.sampled_from([1, 3, 40]))
@settings(max_examples=20, deadline=None)
def test_any_number_of_labels_will_do(seed: int, labels: int) -> None:
    torch.manual_seed(seed)
    truth = targets([([8.0, 8.0, 24.0, 24.0], list(range(0, labels, 2)))], labels=labels)
    logits, deltas = answer(1, labels=labels)
    for chosen in KINDS:
        loss = detection_loss(logits, deltas, ANCHORS, truth, chosen).labels
        wanted = wanted_of(match_anchors(ANCHORS, truth), truth)
        [gradient] = torch.autograd.grad(loss, logits)
        assert (gradient[wanted > 0] < 0).all()
        assert (gradient[wanted == 0] >= 0).all()


@pytest.mark.parametrize("box", ["l1", "smooth_l1", "giou"])
def test_box_loss_is_the_librarys(box: str) -> None:
    torch.manual_seed(9)
    truth = targets([([8.0, 8.0, 24.0, 24.0], [0])], [([30.0, 30.0, 52.0, 42.0], [1]), ([1.0, 2.0, 12.0, 14.0], [1])])
    logits, deltas = answer(2)
    sums = detection_loss(logits, deltas, ANCHORS, truth, LossSettings(box=box))  # type: ignore[arg-type]
    matches = match_anchors(ANCHORS, truth)
    image, anchor = matches.positive_ba.nonzero(as_tuple=True)
    boxes, found, anchors = (
        truth.boxes_bm4[image, matches.box_ba[image, anchor]],
        deltas[image, anchor],
        ANCHORS[anchor],
    )
    expected = {
        "l1": lambda: functional.l1_loss(found, DELTAS.encode(boxes, anchors), reduction="sum"),
        "smooth_l1": lambda: functional.smooth_l1_loss(found, DELTAS.encode(boxes, anchors), reduction="sum"),
        "giou": lambda: generalized_box_iou_loss(DELTAS.decode(found, anchors), boxes, reduction="sum"),
    }[box]()
    assert int(sums.positives) == len(image) > 3
    assert float(sums.boxes.detach()) == pytest.approx(float(expected.detach()), rel=1e-4)
    gradients = zip(torch.autograd.grad(sums.boxes, deltas), torch.autograd.grad(expected, deltas), strict=True)
    assert all(torch.allclose(ours, theirs, atol=1e-5) for ours, theirs in gradients)


def test_loss_at_points_is_that_of_torchvisions_fcos() -> None:
    torch.manual_seed(10)
    points = torch.cat([grid_anchors((128 // s, 128 // s), s, ((s, s),)) - s / 2 for s in (8, 16, 32)])
    truth = targets([([8.0, 8.0, 30.0, 28.0], [0])], [([30.0, 30.0, 122.0, 90.0], [1]), ([1.0, 2.0, 12.0, 14.0], [2])])
    logits, codes = answer(2, points, numbers=5)
    codes = codes.detach().abs().requires_grad_()
    matches = POINTS.match(points, truth)
    sums = detection_loss(logits, codes, points, truth, LossSettings(box="giou"))
    head = FCOSHead(32, 1, 3, num_convs=1)
    stock = head.compute_loss(
        [
            {"boxes": boxes[valid], "labels": labels[valid].argmax(dim=1)}
            for boxes, labels, valid in zip(truth.boxes_bm4, truth.labels_bmk, truth.valid_bm, strict=True)
        ],
        {"cls_logits": logits, "bbox_regression": codes[..., :4], "bbox_ctrness": codes[..., 4:]},
        [points, points],
        list(torch.where(matches.positive_ba, matches.box_ba, -1)),
    )
    label_loss, box_loss = sums.per_positive()
    assert float(label_loss.detach()) == pytest.approx(float(stock["classification"].detach()), rel=1e-4)
    expected = stock["bbox_regression"] + stock["bbox_ctrness"]
    assert float(box_loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-4)
    assert torch.allclose(torch.autograd.grad(box_loss, codes)[0], torch.autograd.grad(expected, codes)[0], atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "box", "numbers"),
    [
        ("focal", "l1", 4),
        ("mined_bce", "smooth_l1", 4),
        ("focal", "giou", 4),
        ("focal", "giou", 5),
        ("mined_bce", "l1", 5),
    ],
)
def test_descending_the_loss_finds_the_boxes_and_all_their_labels(kind: str, box: str, numbers: int) -> None:
    torch.manual_seed(0)
    chosen = LossSettings(kind, box=box)  # type: ignore[arg-type]
    truth = targets([([8.0, 8.0, 24.0, 24.0], [0, 2])], [([30.0, 30.0, 52.0, 42.0], [1])])
    logits = (torch.zeros(2, len(ANCHORS), 3) - 4).requires_grad_()
    codes = torch.zeros(2, len(ANCHORS), numbers)
    codes[..., :4] += numbers - 4  # points begin with boxes of a size
    codes.requires_grad_()
    optimizer = torch.optim.Adam([logits, codes], lr=0.1)
    for _ in range(150):
        label_loss, box_loss = detection_loss(logits, codes, ANCHORS, truth, chosen).per_positive()
        optimizer.zero_grad()
        (label_loss + box_loss).backward()
        optimizer.step()
    found = decode_detections(logits.detach(), codes.detach(), ANCHORS, (64, 64), DecodingSpec(score_floor=0.3))
    (first_boxes, first_scores), (second_boxes, second_scores) = found
    assert torch.allclose(first_boxes[0], truth.boxes_bm4[0, 0], atol=1.0)
    assert (first_scores[0] > 0.5).tolist() == [True, False, True]
    assert torch.allclose(second_boxes[0], truth.boxes_bm4[1, 0], atol=1.0)
    assert (second_scores[0] > 0.5).tolist() == [False, True, False]


def halves_of(truth: Targets, logits: Tensor, deltas: Tensor, chosen: LossSettings) -> list[LossSums]:
    return [
        detection_loss(
            logits[i : i + 1],
            deltas[i : i + 1],
            ANCHORS,
            Targets(truth.boxes_bm4[i : i + 1], truth.labels_bmk[i : i + 1], truth.valid_bm[i : i + 1]),
            chosen,
        )
        for i in range(2)
    ]


def test_the_loss_of_halves_adds_up_to_the_loss_of_the_whole() -> None:
    torch.manual_seed(1)
    truth = targets([([8.0, 8.0, 24.0, 24.0], [0])], [([30.0, 30.0, 52.0, 42.0], [1])])
    logits, deltas = (tensor.detach() for tensor in answer(2))
    whole = detection_loss(logits, deltas, ANCHORS, truth, LossSettings("focal"))
    halves = halves_of(truth, logits, deltas, LossSettings("focal"))
    assert float(whole.labels) == pytest.approx(sum(float(half.labels) for half in halves), rel=1e-5)
    assert float(whole.boxes) == pytest.approx(sum(float(half.boxes) for half in halves), rel=1e-5)
    assert int(whole.positives) == sum(int(half.positives) for half in halves)


def test_halves_are_mined_for_as_many_negatives_as_the_whole_each_for_its_share() -> None:
    torch.manual_seed(1)
    truth = targets([([4.0, 4.0, 20.0, 20.0], [0])], [([28.0, 28.0, 44.0, 44.0], [1])])
    logits, deltas = (tensor.detach() for tensor in answer(2))
    chosen = LossSettings("mined_bce", negatives=100.0)
    matches = match_anchors(ANCHORS, truth)
    # So that whole and halves take every negative there is.
    assert (100 * matches.positive_ba.sum(dim=1) >= matches.negative_ba.sum(dim=1)).all()
    whole = detection_loss(logits, deltas, ANCHORS, truth, chosen)
    assert float(whole.labels) == pytest.approx(
        sum(float(half.labels) for half in halves_of(truth, logits, deltas, chosen)), rel=1e-5
    )
    few = LossSettings("mined_bce", negatives=0.01)  # the floor: sixteen an image, the hardest of what is at hand
    hard = torch.cat([logits[:1] + 9, logits[1:] - 9])
    assert float(detection_loss(hard, deltas, ANCHORS, truth, few).labels) > 1.2 * sum(
        float(half.labels) for half in halves_of(truth, hard, deltas, few)
    )


def test_mined_loss_takes_the_hardest_negatives_of_the_whole_batch() -> None:
    logits = torch.full((2, len(ANCHORS), 1), -8.0)
    logits[0, :20] = 4.0  # twenty false alarms, all in one image
    loss = float(
        detection_loss(logits, torch.zeros(2, len(ANCHORS), 4), ANCHORS, clean(2, 1), LossSettings("mined_bce")).labels
    )
    alarm, quiet = float(torch.tensor(4.0).exp().log1p()), float(torch.tensor(-8.0).exp().log1p())
    assert loss == pytest.approx(20 * alarm + 12 * quiet, rel=1e-4)


def test_equal_losses_are_mined_no_more_often_than_wanted() -> None:
    logits = torch.zeros(1, len(ANCHORS), 1, requires_grad=True)
    detection_loss(
        logits, torch.zeros(1, len(ANCHORS), 4), ANCHORS, clean(1, 1), LossSettings("mined_bce")
    ).labels.backward()
    assert logits.grad is not None and int((logits.grad > 0).sum()) == 16


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=12))
def test_label_weights_favour_rare_labels_and_keep_the_whole(counts: list[int]) -> None:
    assert label_weights(counts, "none") == ()
    for kind in ("balanced", "sqrt"):
        weights = label_weights(counts, kind)  # type: ignore[arg-type]
        if not any(counts):
            assert weights == ()
            continue
        assert all(0.1 <= weight <= 10 for weight in weights)
        there = sorted((count, weight) for count, weight in zip(counts, weights, strict=True) if count)
        assert all(rare[1] >= common[1] for rare, common in pairwise(there))
        if all(0.1 < weight < 10 for weight in weights):
            mean = sum(count * weight for count, weight in there) / sum(count for count, _ in there)
            assert mean == pytest.approx(1)


def test_label_weights_of_three_to_one_are_stated() -> None:
    assert label_weights([300, 100], "balanced") == pytest.approx((2 / 3, 2.0))
    assert label_weights([100, 0], "balanced") == pytest.approx((1.0, 1.0))
    first, second = label_weights([400, 100], "sqrt")
    assert second / first == pytest.approx(2.0)
