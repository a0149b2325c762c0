"""Anchors fitted to boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import geometry
from core.models.anchors import (
    NO_ANCHORS,
    Anchors,
    best_overlap,
    fit_anchors,
    fit_enough,
    fit_shared,
    input_shape,
    reachable_share,
)
from core.models.networks.detector import grid_anchors


def random_boxes(seed: int, count: int, smallest: float, largest: float, picture: float = 256) -> np.ndarray:
    random = np.random.default_rng(seed)
    sides = np.exp(random.uniform(np.log(smallest), np.log(largest), (count, 2)))
    corner = random.uniform(0, 1, (count, 2)) * (picture - sides)
    return np.concatenate([corner, corner + sides], axis=1).astype(np.float32)


@given(st.integers(0, 10_000), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_reach_is_that_of_the_anchors_the_network_lays_out(seed: int, count: int) -> None:
    boxes = random_boxes(seed, 60, 10, 120)
    anchors = fit_anchors(boxes, (8, 16, 32), count)
    laid = np.concatenate(
        [
            grid_anchors((256 // stride + 4, 256 // stride + 4), stride, shapes).numpy()
            for stride, shapes in zip(anchors.strides, anchors.shapes, strict=True)
            if shapes
        ]
    )
    assert best_overlap(boxes, anchors) == pytest.approx(geometry.box_iou(boxes, laid).max(axis=1), abs=1e-4)


def test_fitted_anchors_reach_small_defects_that_stock_ones_miss() -> None:
    boxes = random_boxes(1, 500, 16, 40)
    stock = Anchors((16, 32), (((64.0, 64.0), (90.0, 45.0), (45.0, 90.0)), ((105.0, 105.0),)))
    assert reachable_share(boxes, stock) < 0.1
    assert reachable_share(boxes, fit_anchors(boxes, (8, 16, 32))) > 0.95


def test_large_boxes_go_to_coarse_maps_and_unused_maps_are_not_computed() -> None:
    small = fit_anchors(random_boxes(2, 200, 12, 18), (8, 16, 32))
    assert small.used_levels == 1
    mixed = fit_anchors(np.concatenate([random_boxes(2, 200, 12, 18), random_boxes(3, 200, 120, 200)]), (8, 16, 32))
    assert mixed.used_levels == 3
    assert min(w * h for w, h in mixed.shapes[2]) > max(w * h for w, h in mixed.shapes[0])


def test_boxes_too_small_for_the_finest_map_are_reported_as_out_of_reach() -> None:
    boxes = random_boxes(4, 300, 2, 3)
    assert reachable_share(boxes, fit_anchors(boxes, (8, 16, 32))) < 0.5


@given(st.integers(0, 10_000), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_shared_anchors_are_the_same_in_cells_on_every_map_that_has_boxes(seed: int, count: int) -> None:
    boxes = random_boxes(seed, 60, 10, 200)
    anchors = fit_shared(boxes, (8, 16, 32, 64), count)
    in_cells = [
        np.array(shapes) / stride for stride, shapes in zip(anchors.strides, anchors.shapes, strict=True) if shapes
    ]
    assert 1 <= len(in_cells[0]) <= count
    assert all(shapes == pytest.approx(in_cells[0], abs=2e-3) for shapes in in_cells)


def test_shared_anchors_reach_boxes_of_very_different_sizes() -> None:
    boxes = np.concatenate([random_boxes(8, 300, 20, 30), random_boxes(9, 300, 150, 250)])
    anchors = fit_enough(boxes, (8, 16, 32, 64, 128), "shared")
    assert reachable_share(boxes, anchors) > 0.95
    # Where no box is of an octave between or beyond, coarser maps than needed are not computed.
    assert fit_shared(random_boxes(8, 300, 20, 30), (8, 16, 32, 64, 128)).used_levels <= 2


def test_a_stated_number_of_shapes_is_kept_and_zero_takes_the_fewest_that_do() -> None:
    boxes = random_boxes(10, 500, 16, 120)
    for layout in ("own", "shared"):
        few, many = (fit_enough(boxes, (8, 16, 32), layout, count) for count in (3, 12))
        assert max(len(shapes) for shapes in few.shapes) <= 3 < sum(len(shapes) for shapes in many.shapes)
        chosen = fit_enough(boxes, (8, 16, 32), layout)
        assert reachable_share(boxes, chosen) >= 0.98
    assert fit_enough(boxes, (8, 16), "points").shapes == (((8.0, 8.0),), ((16.0, 16.0),))
    assert fit_enough(boxes, (), "own") == NO_ANCHORS


def test_a_project_with_few_or_no_boxes_gets_anchors() -> None:
    assert fit_anchors(np.zeros((0, 4), np.float32), (8, 16, 32)).used_levels >= 1
    shared = fit_shared(np.zeros((0, 4), np.float32), (8, 16, 32), 6)
    assert [len(shapes) for shapes in shared.shapes] == [6, 6, 6]
    one = np.array([[10, 10, 30, 25]], np.float32)
    assert reachable_share(one, fit_anchors(one, (8, 16, 32))) == 1.0


def test_fitting_is_repeatable() -> None:
    boxes = random_boxes(5, 400, 10, 100)
    assert fit_anchors(boxes, (8, 16), seed=3) == fit_anchors(boxes, (8, 16), seed=3)


def test_anchors_survive_json_and_refuse_nonsense() -> None:
    anchors = fit_anchors(random_boxes(6, 50, 10, 50), (8, 16))
    assert Anchors.from_json(anchors.to_json()) == anchors
    with pytest.raises(ValueError, match="positive"):
        Anchors((0,), (((10.0, 10.0),),))
    with pytest.raises(ValueError, match="positive finite"):
        Anchors((8,), (((float("nan"), 10.0),),))


@pytest.mark.parametrize(
    ("images", "expected"),
    [([], (320, 320)), ([(640, 640)], (320, 320)), ([(1280, 720)] * 3, (428, 240)), ([(100, 1000)], (160, 640))],
)
def test_the_input_takes_the_images_aspect_ratio(images: list[tuple[int, int]], expected: tuple[int, int]) -> None:
    assert input_shape(320, images) == expected
