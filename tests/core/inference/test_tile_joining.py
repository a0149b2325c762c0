"""A defect that lies over several tiles is one detection, and neighbours stay apart: from parts as a perfect network sees them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core import geometry
from core.inference.tile_joining import SLACK, TileParts, join_tiles
from core.models.decoding import merge_rows
from core.models.decoding_spec import DecodingSpec
from core.models.inputs import tiles

LABELS = 3
SCRATCH, STAIN, BOTH = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 1.0, 0.0)
SIZE = (2600, 2200)

Box = tuple[float, float, float, float]
Defect = tuple[Box, tuple[float, ...]]


@dataclass(frozen=True)
class Grid:
    tile: int = 512
    overlap: int = 128
    size: tuple[int, int] = SIZE


GRIDS = [Grid(), Grid(256, 128), Grid(1024, 128), Grid(640, 200), Grid(384, 64), Grid(512, 256), Grid(300, 20)]
grids = st.sampled_from(GRIDS)


def see_parts(
    defects: list[Defect], grid: Grid, place_noise: float = 0.0, score_noise: float = 0.0, seed: int = 0
) -> TileParts:
    """What a perfect network says of each tile: the clipped true boxes, each with the scores of its set."""
    random = np.random.default_rng(seed)
    windows = np.array(tiles(*grid.size, grid.tile, grid.overlap), np.float64)
    boxes, scores, tile = [], [], []
    for row, window in enumerate(windows):
        for box, labels in defects:
            part = np.concatenate([np.maximum(box[:2], window[:2]), np.minimum(box[2:], window[2:])])
            if (part[2:] - part[:2] < 1).any():
                continue
            part += random.uniform(-place_noise, place_noise, 4)
            part = np.clip(part, np.tile(window[:2], 2), np.tile(window[2:], 2))
            if (part[2:] > part[:2]).all():
                boxes.append(part)
                scores.append(np.array(labels) * (0.95 - score_noise * random.random(LABELS)))
                tile.append(row)
    return TileParts(
        np.array(boxes).reshape(-1, 4),
        np.array(scores).reshape(-1, LABELS),
        np.array(tile, np.intp),
        windows,
        grid.size,
    )


def detect(parts: TileParts, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What comes out for the image."""
    boxes, scores, _ = join_tiles(parts.take(parts.find_seen_best(grid.overlap / 2)))
    found, found_scores = merge_rows(torch.from_numpy(boxes).float(), torch.from_numpy(scores).float(), DecodingSpec())
    return found.numpy(), found_scores.numpy()


def assert_found(defects: list[Defect], parts: TileParts, grid: Grid, iou: float = 0.9) -> None:
    """Each defect is one detection with its set of labels, and there is nothing else."""
    boxes, scores = detect(parts, grid)
    overlap = geometry.box_iou(np.array([box for box, _ in defects], np.float32), boxes)
    assert len(boxes) == len(defects), (defects, boxes.round(1).tolist())
    for row, (box, labels) in enumerate(defects):
        place = int(overlap[row].argmax())
        assert overlap[row, place] >= iou, (box, boxes.round(1).tolist())
        assert np.array_equal(scores[place] > 0, np.array(labels) > 0)


def lay_line(centre: tuple[float, float], length: float, angle: float, thickness: float) -> Box:
    """The box around a line, cut to the image."""
    x, y = (abs(length * part) / 2 + thickness / 2 for part in (math.cos(angle), math.sin(angle)))
    box = np.array([centre[0] - x, centre[1] - y, centre[0] + x, centre[1] + y])
    return tuple(np.clip(box, 0, np.tile(SIZE, 2)).tolist())


lines = st.builds(
    lay_line,
    st.tuples(st.floats(100, SIZE[0] - 100), st.floats(100, SIZE[1] - 100)),
    st.floats(30, 3000),
    st.floats(0, math.pi),
    st.floats(5, 60),
)
label_sets = st.sampled_from([SCRATCH, STAIN, BOTH])
seeds = st.integers(0, 10_000)


@given(grids, lines, label_sets)
@settings(max_examples=200, deadline=None)
def test_a_defect_of_any_length_and_angle_is_one_detection(grid: Grid, box: Box, labels: tuple[float, ...]) -> None:
    defects = [(box, labels)]
    assert_found(defects, see_parts(defects, grid), grid, 0.999)


@given(grids, lines, label_sets, seeds)
@settings(max_examples=200, deadline=None)
def test_a_defect_is_one_detection_where_places_and_scores_err(
    grid: Grid, box: Box, labels: tuple[float, ...], seed: int
) -> None:
    defects = [(box, labels)]
    # Two pixels at either side are by themselves more than a tenth of a line that is forty wide.
    iou = min(0.9, 0.97 * math.prod((side - 4) / side for side in (box[2] - box[0], box[3] - box[1])))
    assert_found(defects, see_parts(defects, grid, 2.0, 0.45, seed), grid, iou)


@given(grids, st.floats(300, 2000), st.floats(0, 500), st.floats(0, 180), st.floats(0, 1), seeds)
@settings(max_examples=60, deadline=None)
def test_a_large_square_is_one_detection(grid: Grid, side: float, x: float, y: float, noise: float, seed: int) -> None:
    defects = [((x, y, x + side, y + side), STAIN)]
    assert_found(defects, see_parts(defects, grid, 2 * noise, noise * 0.45, seed), grid)


def test_a_square_of_which_inner_tiles_see_no_border_is_one_detection() -> None:
    defects = [((200.0, 200.0, 2000.0, 2000.0), STAIN)]
    assert_found(defects, see_parts(defects, Grid()), Grid(), 0.999)


@given(grids, st.floats(300, 2400), st.floats(4, 60), st.floats(3, 40), st.booleans(), st.floats(0, 1000), seeds)
@settings(max_examples=200, deadline=None)
def test_parallel_neighbours_stay_apart(
    grid: Grid, length: float, thickness: float, gap: float, upright: bool, place: float, seed: int
) -> None:
    start = place * 0.1 + 20
    rows = [place + row * (thickness + gap) for row in range(3)]
    lying: list[Box] = [(start + 7 * n, row, start + length - 11 * n, row + thickness) for n, row in enumerate(rows)]
    lying = [(x1, y1, min(x2, SIZE[1]), y2) for x1, y1, x2, y2 in lying]
    defects = [(((y1, x1, y2, x2) if upright else (x1, y1, x2, y2)), SCRATCH) for x1, y1, x2, y2 in lying]
    assert_found(defects, see_parts(defects, grid), grid, 0.999)
    noise = min(2.0, gap / 4, thickness / 6)
    parts = see_parts(defects, grid, noise, 0.45, seed)
    assert_found(defects, parts, grid, 0.95 * (thickness - 2 * noise) / (thickness + 2 * noise))


@given(grids, st.floats(50, 2000), st.floats(4, 100), st.floats(6, 80), st.booleans(), st.floats(0, 1), seeds)
@settings(max_examples=200, deadline=None)
def test_defects_in_line_stay_apart_wherever_the_gap_lies(
    grid: Grid, end: float, thickness: float, gap: float, upright: bool, noise: float, seed: int
) -> None:
    lying: list[Box] = [
        (0.0, 700.0, end, 700 + thickness),
        (end + gap, 700.0, end + gap + 60, 700 + thickness),
        (end + 2 * gap + 60, 700.0, SIZE[1], 700 + thickness),
    ]
    lying = [box for box in lying if box[2] <= SIZE[1] and box[2] - box[0] > 20]
    defects = [(((y1, x1, y2, x2) if upright else (x1, y1, x2, y2)), SCRATCH) for x1, y1, x2, y2 in lying]
    assert_found(defects, see_parts(defects, grid), grid, 0.999)
    noise = min(noise * 2, gap / 6, thickness / 6)
    parts = see_parts(defects, grid, noise, 0.45, seed)
    assert_found(defects, parts, grid, 0.9 * (thickness - 2 * noise) / (thickness + 2 * noise))


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("at", range(380, 1030, 9))
def test_a_gap_across_a_seam_is_kept(grid: Grid, at: int) -> None:
    defects = [((20.0, 300.0, float(at), 330.0), SCRATCH), ((at + 12.0, 300.0, 2000.0, 330.0), SCRATCH)]
    assert_found(defects, see_parts(defects, grid), grid, 0.999)


@given(grids, lines, st.permutations([SCRATCH, STAIN, BOTH, (0.0, 0.0, 1.0)]), seeds)
@settings(max_examples=100, deadline=None)
def test_other_sets_of_labels_in_line_are_other_defects(
    grid: Grid, box: Box, sets: list[tuple[float, ...]], seed: int
) -> None:
    cuts = np.linspace(20, 2500, 5)
    defects = [((x1, box[1], x2, box[3]), labels) for x1, x2, labels in zip(cuts[:-1], cuts[1:], sets, strict=True)]
    assert_found(defects, see_parts(defects, grid, 0, 0.4, seed), grid, 0.999)


def test_a_small_defect_inside_the_box_of_a_long_one_stays() -> None:
    """The box of a slanted scratch holds much that is not the scratch."""
    grid = Grid()
    small: list[Defect] = [
        ((x, y, x + 40, y + 30), SCRATCH) for x, y in ((600.0, 900.0), (1000.0, 880.0), (500.0, 370.0))
    ]
    defects = [((100.0, 100.0, 1900.0, 1700.0), SCRATCH), *small]
    assert_found(defects, see_parts(defects, grid), grid, 0.99)


def test_tiles_that_only_touch_are_joined_by_equal_cross_sections() -> None:
    grid = Grid(512, 0, (2048, 1024))
    defects = [((100.0, 300.0, 1900.0, 330.0), SCRATCH), ((100.0, 400.0, 500.0, 430.0), STAIN)]
    defects += [((522.0, 400.0, 900.0, 430.0), STAIN)]
    assert_found(defects, see_parts(defects, grid), grid, 0.999)


def see_pieces(lines: list[tuple[float, float, float, float, float]], grid: Grid) -> TileParts:
    """What a network that sees no further than its tile says of straight lines (x1, y1, x2, y2, thickness)."""
    windows = np.array(tiles(*grid.size, grid.tile, grid.overlap), np.float64)
    boxes, tile = [], []
    along = np.linspace(0, 1, 4000)[:, None]
    for row, (left, top, right, bottom) in enumerate(windows):
        for x1, y1, x2, y2, thickness in lines:
            points = np.array([x1, y1]) * (1 - along) + np.array([x2, y2]) * along
            inside = ((points >= (left, top)) & (points <= (right, bottom))).all(axis=1)
            if inside.sum() > 4:
                low, high = points[inside].min(0) - thickness / 2, points[inside].max(0) + thickness / 2
                boxes.append(np.clip(np.concatenate([low, high]), [left, top] * 2, [right, bottom] * 2))
                tile.append(row)
    scores = np.tile(np.array([0.9, 0, 0]), (len(boxes), 1))
    return TileParts(np.array(boxes).reshape(-1, 4), scores, np.array(tile, np.intp), windows, grid.size)


def test_pieces_of_a_slanted_line_are_nearly_always_one_detection() -> None:
    random, joined = np.random.default_rng(0), []
    for turn in range(120):
        grid = [one for one in GRIDS if one.overlap >= 64][turn % 6]
        angle, length, thickness = random.uniform(0, 2 * math.pi), random.uniform(200, 2000), random.uniform(4, 30)
        centre = random.uniform([1050, 1050], [1550, 1150])
        half = np.array([math.cos(angle), math.sin(angle)]) * length / 2
        low, high = centre - half, centre + half
        box = np.concatenate([np.minimum(low, high) - thickness / 2, np.maximum(low, high) + thickness / 2])
        found, _ = detect(see_pieces([(*low, *high, thickness)], grid), grid)
        joined.append(np.abs(found - box).max(axis=1).min() <= 2 * SLACK)
    assert np.mean(joined) > 0.9


def test_eight_thousand_pixels_with_ten_thousand_detections_take_less_than_a_second() -> None:
    grid = Grid(1024, 128, (8000, 8000))
    random = np.random.default_rng(0)
    centre, sides = random.uniform(0, 8000, (9000, 2)), random.uniform(6, 60, (9000, 2))
    boxes = np.concatenate([centre - sides, centre + sides], axis=1).clip(0, 8000)
    long = random.uniform(0, 6000, (400, 2))
    boxes = np.concatenate([boxes, np.concatenate([long, long + random.uniform(10, 2000, (400, 2))], axis=1)])
    defects = [(tuple(box), SCRATCH) for box in boxes.tolist() if (np.diff(np.reshape(box, (2, 2)), axis=0) > 2).all()]
    parts = see_parts(defects, grid, 1.0, 0.5)
    assert parts.find_seen_best(grid.overlap / 2).sum() > 10_000
    began = time.process_time()
    detect(parts, grid)
    assert time.process_time() - began < 1
