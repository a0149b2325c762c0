"""Which anchor or point learns which box, against slow and plain computations and torchvision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models.detection.fcos import FCOS
from torchvision.ops import box_iou

from core import geometry
from core.models import target_assignment
from core.models.networks.detector import grid_anchors
from core.models.target_assignment import Targets, match_anchors, match_points, pairwise_iou
from tests.core.models.detection_targets import ANCHORS, clean, drawn_targets, targets

# Three maps of a picture of 128 px, as torchvision's FCOS lays its points.
POINTS = torch.cat([grid_anchors((128 // s, 128 // s), s, ((s, s),)) - s / 2 for s in (8, 16, 32)])
POINTS_BY_MAP = [256, 64, 16]


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
    matches = match_anchors(ANCHORS, targets([(box, [0]) for box in boxes]))
    iou = geometry.box_iou(np.array(boxes, np.float32), ANCHORS.numpy())
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
                geometry.box_iou(np.array([boxes[row]], np.float32), np.array(boxes, np.float32))[0]
            )
        )
    ]
    reached = {row for row in apart if iou[row].max() > 0}
    assert reached <= taught


def test_two_boxes_with_the_same_best_anchor_both_get_one() -> None:
    box = [12.0, 12.0, 28.0, 28.0]
    shifted = [13.0, 12.0, 29.0, 28.0]
    matches = match_anchors(ANCHORS, targets([(box, [0]), (shifted, [1])]))
    assert set(matches.box_ba[0][matches.positive_ba[0]].tolist()) == {0, 1}


def test_of_boxes_that_coincide_the_earlier_has_the_anchors_but_for_one() -> None:
    box = [12.0, 12.0, 28.0, 28.0]
    matches = match_anchors(ANCHORS, targets([([40.0, 40.0, 60.0, 60.0], [0]), (box, [0]), (box, [1])]))
    owners = matches.box_ba[0][matches.positive_ba[0]]
    assert (owners == 1).sum() >= 1
    assert (owners == 2).sum() == 1


@pytest.mark.parametrize("match", [match_anchors, match_points])
def test_padding_is_given_to_nobody(match) -> None:  # type: ignore[no-untyped-def]
    truth = targets(
        [([10.0, 10.0, 26.0, 26.0], [0]), ([40.0, 40.0, 56.0, 56.0], [0])], [([10.0, 10.0, 26.0, 26.0], [0])]
    )
    matches = match(POINTS, truth)
    assert (matches.box_ba[1][matches.positive_ba[1]] == 0).all()
    assert matches.positive_ba[1].any()


@given(drawn_targets(), st.sampled_from([match_anchors, match_points]), st.sampled_from([100, 1500]))
@settings(max_examples=30, deadline=None)
def test_how_many_pairs_are_looked_at_together_changes_nothing(truth: Targets, match, pairs: int) -> None:  # type: ignore[no-untyped-def]
    whole = match(POINTS, truth)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target_assignment, "PAIRS_AT_ONCE", pairs)
        pieces = match(POINTS, truth)
    # Which of several anchors that overlap a box equally is its own is not said, only how many.
    assert torch.equal(whole.positive_ba.sum(dim=1), pieces.positive_ba.sum(dim=1))
    both = whole.positive_ba & pieces.positive_ba
    assert both.sum() >= whole.positive_ba.sum() - truth.valid_bm.sum()
    assert torch.equal(whole.box_ba[both], pieces.box_ba[both])


@pytest.mark.parametrize("match", [match_anchors, match_points])
def test_a_box_without_area_is_learnt_by_nobody_and_disturbs_nothing(match) -> None:  # type: ignore[no-untyped-def]
    sound = ([10.0, 10.0, 26.0, 26.0], [0])
    flat = [([30.0, 30.0, 30.0, 50.0], [0]), ([50.0, 50.0, 40.0, 40.0], [0])]
    alone, among = match(POINTS, targets([sound])), match(POINTS, targets([sound, *flat]))
    assert torch.equal(alone.positive_ba, among.positive_ba)
    assert torch.equal(alone.negative_ba, among.negative_ba)
    assert (among.box_ba[among.positive_ba] == 0).all()


@pytest.mark.parametrize("match", [match_anchors, match_points])
def test_where_there_is_no_box_all_is_negative(match) -> None:  # type: ignore[no-untyped-def]
    matches = match(POINTS, clean(2))
    assert matches.positive_ba.shape == (2, len(POINTS))
    assert matches.negative_ba.all()


@given(drawn_targets())
@settings(max_examples=40, deadline=None)
def test_overlap_is_torchvisions(truth: Targets) -> None:
    ours = pairwise_iou(truth.boxes_bm4, ANCHORS)
    for boxes, iou in zip(truth.boxes_bm4, ours, strict=True):
        assert torch.allclose(iou, box_iou(boxes, ANCHORS), atol=1e-6)


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_points_learn_the_boxes_that_torchvisions_fcos_gives_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 100, (6, 2))
    # Areas far apart, because torchvision compares them with 8 square pixels' precision.
    sides = np.stack([random.permutation(6) * 14 + 9, random.uniform(12, 13, 6)], axis=1)
    boxes = torch.from_numpy(np.concatenate([corner, corner + sides], axis=1).astype(np.float32))
    found: list[torch.Tensor] = []

    class Head:
        def compute_loss(self, targets: object, outputs: object, anchors: object, matched: list[torch.Tensor]) -> None:
            found.extend(matched)

    class Stub:
        center_sampling_radius = 1.5
        head = Head()

    FCOS.compute_loss(Stub(), [{"boxes": boxes}], {}, [POINTS], POINTS_BY_MAP)  # type: ignore[arg-type]
    matches = match_points(POINTS, targets([(box, [0]) for box in boxes.tolist()]))
    assert torch.equal(matches.positive_ba[0], found[0] >= 0)
    assert torch.equal(matches.box_ba[0][matches.positive_ba[0]], found[0][found[0] >= 0])
    assert torch.equal(matches.negative_ba, ~matches.positive_ba)


# -- ignored boxes


def with_ignored(found: Targets, *boxes: list[float]) -> Targets:
    return replace(found, ignored_bj4=torch.tensor([list(boxes)]))


def test_anchors_on_an_ignored_box_are_no_negatives_and_true_boxes_keep_theirs() -> None:
    taught = targets([([2.0, 2.0, 18.0, 18.0], [0])])
    plain = match_anchors(ANCHORS, taught)
    found = match_anchors(ANCHORS, with_ignored(taught, [30.0, 30.0, 46.0, 46.0], [4.0, 4.0, 18.0, 18.0]))
    assert torch.equal(found.positive_ba, plain.positive_ba) and torch.equal(found.box_ba, plain.box_ba)
    spared = (plain.negative_ba & ~found.negative_ba)[0]
    iou = pairwise_iou(torch.tensor([[[30.0, 30.0, 46.0, 46.0]]]), ANCHORS)[0, 0]
    assert spared[iou >= 0.4].all() and spared[iou.argmax()]
    assert not spared[ANCHORS[:, 0] >= 50].any() and found.negative_ba.any()


@pytest.mark.parametrize("box", [[20.0, 20.0, 21.5, 21.5], [0.0, 0.0, 64.0, 64.0]])
def test_an_ignored_box_of_any_size_is_spared(box: list[float]) -> None:
    found = match_anchors(ANCHORS, with_ignored(clean(1), box))
    spared = ~found.negative_ba[0]
    assert spared.any() and not found.positive_ba.any()
    inside = (ANCHORS[:, :2] >= torch.tensor(box[:2])).all(dim=1) & (ANCHORS[:, 2:] <= torch.tensor(box[2:])).all(dim=1)
    assert spared[inside].all()


def test_points_in_an_ignored_box_are_no_negatives() -> None:
    found = match_points(POINTS, with_ignored(clean(1), [32.0, 32.0, 64.0, 64.0]))
    centre = (POINTS[:, :2] + POINTS[:, 2:]) / 2
    inside = ((centre >= 32) & (centre < 64)).all(dim=1)
    assert torch.equal(~found.negative_ba[0], inside) and not found.positive_ba.any()
