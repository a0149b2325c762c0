"""The augmentation: pixels and boxes move together, exactly where they can, and nothing is random but the seed."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core import geometry
from core.augmentation.config import PRESETS, AugmentationConfig
from core.augmentation.pipeline import Augmented, View, augment
from core.augmentation.placement import CROP_TRIES, box_hulls, move_boxes, scaling, whole_box_window
from core.augmentation.warp import resize
from core.randomness import seed_for

NOTHING = PRESETS["None"]
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def config(**changes: float) -> AugmentationConfig:
    return AugmentationConfig.model_validate(NOTHING.model_dump() | changes)


def textured(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def some_boxes(width: int, height: int, count: int, seed: int = 0) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, [width - 4, height - 4], (count, 2))
    sides = random.uniform(2, [width / 3, height / 3], (count, 2))
    return np.concatenate([corner, np.minimum(corner + sides, [width, height])], axis=1).astype(np.float32)


def one_label(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.eye(len(boxes), 3, dtype=bool) | np.array([False, True, False])


def run(
    image: NDArray[np.uint8], boxes: NDArray[np.float32], changes: AugmentationConfig, seed: int, view: View
) -> Augmented:
    return augment(image, boxes, one_label(boxes), changes, seed, view)


@st.composite
def configs(draw: st.DrawFn) -> AugmentationConfig:
    def upto(high: float) -> float:
        return draw(st.sampled_from([0.0, high / 4, high]))

    return AugmentationConfig(
        horizontal_flip=upto(1),
        vertical_flip=upto(1),
        quarter_turn=upto(1),
        rotation=upto(180),
        scale=upto(0.9),
        shift=upto(0.5),
        shear=upto(45),
        crop=upto(1),
        crop_smallest=draw(st.sampled_from([0.1, 0.5, 1.0])),
        brightness=upto(1),
        contrast=upto(0.95),
        saturation=upto(1),
        blur=upto(4),
        noise=upto(64),
        min_visible=upto(1),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[NDArray[np.uint8], NDArray[np.float32], AugmentationConfig, int, View]:
    width, height = draw(st.integers(8, 120)), draw(st.integers(8, 120))
    seed = draw(st.integers(0, 2**63 - 1))
    boxes = some_boxes(width, height, draw(st.integers(0, 6)), seed % 1000)
    view = View(
        (draw(st.integers(1, 90)), draw(st.integers(1, 90))),
        draw(st.sampled_from(["whole", "crop"])),
        draw(st.sampled_from([0.0, 0.8, 1.0])),
    )
    return textured(width, height), boxes, draw(configs()), seed, view


# -- whatever is switched on


@FEW
@given(cases())
def test_boxes_stay_inside_and_every_box_is_accounted_for(case: tuple) -> None:
    image, boxes, changes, seed, view = case
    result = run(image, boxes, changes, seed, view)
    width, height = view.size
    assert result.image.shape == (height, width, 3) and result.image.dtype == np.uint8
    assert len(result.boxes) == len(result.labels) == len(result.kept)
    assert (result.boxes[:, 2:] >= result.boxes[:, :2]).all()
    assert (result.boxes >= 0).all() and (result.boxes <= [width, height, width, height]).all()
    assert ((result.visible >= 0) & (result.visible <= 1)).all()
    assert (result.visible[result.kept] > 0).all()
    assert (result.visible[result.kept] >= np.float32(changes.min_visible)).all()
    assert np.array_equal(result.labels, one_label(boxes)[result.kept])
    gone = int((result.visible == 0).sum())
    assert len(result.kept) + result.cut + gone == len(boxes)
    assert result.lost == (gone if view.mode == "whole" else 0)


@FEW
@given(cases())
def test_the_same_seed_gives_the_same_picture_and_leaves_the_image_alone(case: tuple) -> None:
    image, boxes, changes, seed, view = case
    before = image.copy()
    first, second = run(image, boxes, changes, seed, view), run(image, boxes, changes, seed, view)
    assert np.array_equal(first.image, second.image) and np.array_equal(first.boxes, second.boxes)
    assert np.array_equal(image, before)
    assert not np.shares_memory(first.image, image)


def test_another_seed_gives_another_picture() -> None:
    image, boxes = textured(64, 64), some_boxes(64, 64, 3)
    view = View((64, 64), "whole")
    pictures = [run(image, boxes, PRESETS["Medium"], seed, view) for seed in range(20)]
    assert len({picture.image.tobytes() for picture in pictures}) == 20


def test_a_control_moves_only_its_own_effect() -> None:
    image, boxes = textured(64, 64), some_boxes(64, 64, 3)
    view = View((32, 32), "crop", 1.0)
    for seed in range(20):
        plain = run(image, boxes, config(horizontal_flip=0.5), seed, view)
        noisy = run(image, boxes, config(horizontal_flip=0.5, noise=20, blur=1, brightness=0.2), seed, view)
        assert np.array_equal(plain.hulls, noisy.hulls)


# -- exactness


@pytest.mark.parametrize("size", [(64, 48), (32, 24), (17, 40), (128, 96)])
def test_with_nothing_switched_on_a_whole_view_is_the_resized_image(size: tuple[int, int]) -> None:
    image, boxes = textured(64, 48), some_boxes(64, 48, 4)
    result = run(image, boxes, NOTHING, 3, View(size, "whole"))
    assert np.array_equal(result.image, resize(image, size))
    factor = np.array([size[0] / 64, size[1] / 48] * 2)
    np.testing.assert_allclose(result.boxes, boxes * factor, atol=1e-4)
    assert (result.visible == 1).all() and result.lost == result.cut == 0


@pytest.mark.parametrize("seed", range(12))
def test_with_nothing_switched_on_a_crop_is_a_cut_out_of_the_image(seed: int) -> None:
    image, boxes = textured(100, 80), some_boxes(100, 80, 4)
    result = run(image, boxes, NOTHING, seed, View((32, 24), "crop", 0.5))
    left, top = (boxes[0, :2] - result.hulls[0, :2]).round().astype(int)
    assert 0 <= left <= 68 and 0 <= top <= 56
    assert np.array_equal(result.image, image[top : top + 24, left : left + 32])
    np.testing.assert_allclose(result.hulls, boxes - [left, top, left, top], atol=1e-4)


@pytest.mark.parametrize("horizontal", [0, 1])
@pytest.mark.parametrize("vertical", [0, 1])
def test_flips_are_exact_for_pixels_and_boxes(horizontal: int, vertical: int) -> None:
    image = textured(61, 47)
    boxes = np.array([[0, 0, 1, 1], [10.25, 5.5, 30, 20]], np.float32)
    flips = config(horizontal_flip=horizontal, vertical_flip=vertical)
    result = run(image, boxes, flips, 0, View((61, 47), "whole"))
    expected = image[:: -1 if vertical else 1, :: -1 if horizontal else 1]
    assert np.array_equal(result.image, expected)
    x = boxes[:, [0, 2]] if not horizontal else 61 - boxes[:, [2, 0]]
    y = boxes[:, [1, 3]] if not vertical else 47 - boxes[:, [3, 1]]
    assert np.array_equal(result.boxes, np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1))


def test_a_quarter_turn_is_exact_for_pixels_and_boxes() -> None:
    image = textured(61, 47)
    boxes = np.array([[0, 0, 1, 1], [10.25, 5.5, 30, 20]], np.float32)
    result = run(image, boxes, config(quarter_turn=1), 0, View((47, 61), "whole"))
    assert np.array_equal(result.image, np.rot90(image, -1))
    expected = np.stack([47 - boxes[:, 3], boxes[:, 0], 47 - boxes[:, 1], boxes[:, 2]], axis=1)
    assert np.array_equal(result.boxes, expected) and np.array_equal(result.hulls, expected)


@pytest.mark.parametrize("seed", range(8))
def test_a_turned_crop_is_a_turned_cut_out(seed: int) -> None:
    image, boxes = textured(100, 80), np.array([[20, 30, 25, 37]], np.float32)
    placed = run(image, boxes, config(quarter_turn=1), seed, View((32, 24), "crop", 1.0))
    left, top = round(80 - 37 - float(placed.hulls[0, 0])), round(20 - float(placed.hulls[0, 1]))
    assert np.array_equal(placed.image, np.rot90(image, -1)[top : top + 24, left : left + 32])
    tile = run(image, boxes, config(quarter_turn=1), seed, View((32, 32), "crop", centre=(40.0, 36.0)))
    assert np.array_equal(tile.image, np.rot90(image[20:52, 24:56], -1))


def test_flips_and_quarter_turns_lay_a_picture_down_in_all_eight_ways() -> None:
    image, boxes = textured(16, 16), np.zeros((0, 4), np.float32)
    ways = config(horizontal_flip=0.5, vertical_flip=0.5, quarter_turn=0.5)
    seen = {run(image, boxes, ways, seed, View((16, 16), "whole")).image.tobytes() for seed in range(80)}
    turns = [np.rot90(image, count) for count in range(4)]
    assert seen == {one.tobytes() for turn in turns for one in (turn, turn[:, ::-1])}


@pytest.mark.parametrize("seed", range(8))
def test_a_mirrored_crop_is_a_mirrored_cut_out(seed: int) -> None:
    image, boxes = textured(100, 80), np.array([[20, 30, 25, 37]], np.float32)
    result = run(image, boxes, config(horizontal_flip=1), seed, View((32, 24), "crop", 1.0))
    # The window in the mirrored image, from where the box came to lie.
    left, top = round(100 - 25 - float(result.hulls[0, 0])), round(30 - float(result.hulls[0, 1]))
    assert np.array_equal(result.image, image[:, ::-1][top : top + 24, left : left + 32])
    assert result.visible.tolist() == [1]


# -- pixels and boxes move together


def blob(width: int, height: int, box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """White inside `box` (whole pixels), black elsewhere."""
    x1, y1, x2, y2 = box.astype(int)
    image = np.zeros((height, width, 3), np.uint8)
    image[y1:y2, x1:x2] = 255
    return image


def round_blob(width: int, height: int, box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """White inside the ellipse that fills `box`, black elsewhere."""
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    x, y = (np.arange(width) + 0.5 - centre[0]) / half[0], (np.arange(height) + 0.5 - centre[1]) / half[1]
    inside = x[None, :] ** 2 + y[:, None] ** 2 <= 1
    return np.repeat(np.where(inside, 255, 0).astype(np.uint8)[..., None], 3, axis=2)


@FEW
@given(
    st.integers(0, 10**6),
    st.sampled_from(["whole", "crop"]),
    st.sampled_from(
        [
            {"rotation": 30.0},
            {"rotation": 180.0},
            {"shear": 30.0},
            {"scale": 0.3},
            {"shift": 0.4},
            {"crop": 1.0},
            {"rotation": 20.0, "scale": 0.3, "shear": 10.0, "shift": 0.1, "crop": 0.5, "horizontal_flip": 0.5},
        ]
    ),
)
def test_white_pixels_land_in_their_box(seed: int, mode: str, changes: dict[str, float]) -> None:
    random = np.random.default_rng(seed)
    corner = random.integers(5, 150, 2)
    box = np.concatenate([corner, corner + random.integers(12, 40, 2)]).astype(np.float32)
    size = (200, 200) if mode == "whole" else (120, 120)
    turns = bool({"rotation", "shear"} & changes.keys())
    image = (round_blob if turns else blob)(200, 200, box)
    result = run(image, box[None], config(**changes, min_visible=0), seed, View(size, mode, 0.8))
    rows, columns = np.nonzero(result.image[..., 0] > 127)
    if not len(result.boxes):
        assert len(rows) == 0
        return
    x1, y1, x2, y2 = result.boxes[0]
    if not len(rows):
        # Only a corner of the box is in the picture, and what is round does not fill its corners.
        assert result.visible[0] < 0.5
        return
    found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    slack = 2 if turns else 0.75  # the stairs of a drawn ellipse, enlarged
    assert (found[:2] >= np.array([x1, y1]) - slack).all() and (found[2:] <= np.array([x2, y2]) + slack).all()
    if result.visible[0] == 1:
        # Nothing is cut, so the box is as tight as half a pixel of interpolation allows; the end of an ellipse is thinner.
        assert np.abs(found - [x1, y1, x2, y2]).max() <= (3.5 if turns else 1.0)


@FEW
@given(st.integers(0, 10**6), st.sampled_from(["whole", "crop"]))
def test_the_visible_fraction_is_that_of_the_pixels_left(seed: int, mode: str) -> None:
    random = np.random.default_rng(seed)
    corner = random.integers(0, 140, 2)
    box = np.concatenate([corner, corner + random.integers(30, 60, 2)]).astype(np.float32)
    size = (200, 200) if mode == "whole" else (90, 90)
    changes = config(shift=0.5, scale=0.3, horizontal_flip=0.5)
    result = run(blob(200, 200, box), box[None], changes, seed, View(size, mode, 0.5))
    hull = geometry.box_area(result.hulls)[0]
    counted = float((result.image[..., 0] > 127).sum()) / hull
    assert counted == pytest.approx(float(result.visible[0]), abs=0.06)
    kept = result.visible[0] >= changes.min_visible
    assert result.kept.tolist() == ([0] if kept else [])


def test_an_enlarged_pixel_is_centred_in_its_enlarged_box() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[7, 12] = 255
    result = run(image, np.array([[12, 7, 13, 8]], np.float32), config(rotation=1e-6), 0, View((80, 80), "whole"))
    weights = result.image[..., 0].astype(float)
    centre = [(weights.sum(axis) * (np.arange(80) + 0.5)).sum() / weights.sum() for axis in (0, 1)]
    box = result.boxes[0]
    assert centre == pytest.approx([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], abs=0.1)


def test_a_large_image_is_averaged_when_it_shrinks() -> None:
    """A pattern of single pixels becomes even grey; sampling it would give black and white."""
    board = ((np.indices((800, 800)).sum(0) % 2) * 255).astype(np.uint8)
    image = np.repeat(board[..., None], 3, axis=2)
    for changes in (NOTHING, config(rotation=10, scale=0.1)):
        result = run(image, np.zeros((0, 4), np.float32), changes, 5, View((64, 64), "whole"))
        middle = result.image[20:44, 20:44]
        assert np.abs(middle.astype(int) - 127).max() <= 8


@pytest.mark.parametrize("size", [(80, 60), (65, 48), (45, 33), (40, 30), (31, 17), (160, 40), (7, 5), (300, 200)])
def test_resizing_moves_nothing_and_keeps_the_mean(size: tuple[int, int]) -> None:
    rows, columns = np.mgrid[0:60, 0:80]
    image = np.zeros((60, 80, 3), np.uint8)
    image[..., 0] = columns * 3
    image[..., 1] = rows * 4
    image[..., 2] = 100
    result = resize(image, size).astype(float)
    assert result.shape == (size[1], size[0], 3)
    # A ramp stays the ramp: the value of a pixel is that of its centre in the image. Edges are replicated.
    x = (np.arange(size[0]) + 0.5) * 80 / size[0] - 0.5
    y = (np.arange(size[1]) + 0.5) * 60 / size[1] - 0.5
    inner_x, inner_y = (x > 3) & (x < 76), (y > 3) & (y < 56)
    assert np.abs(result[:, inner_x, 0] - 3 * x[inner_x]).max(initial=0) <= 1.6
    assert np.abs(result[inner_y, :, 1].T - 4 * y[inner_y]).max(initial=0) <= 1.6
    assert (result[..., 2] == 100).all()


@pytest.mark.parametrize("side", [20, 33, 45, 60, 75, 81, 90])
def test_a_thin_line_keeps_its_weight_wherever_it_lies(side: int) -> None:
    for column in range(50, 60):
        image = np.zeros((120, 120, 3), np.uint8)
        image[:, column] = 240
        line = resize(image, (side, side))[side // 2, :, 0].astype(float)
        assert line.sum() == pytest.approx(240 * side / 120, rel=0.21)


def test_an_image_longer_than_opencv_can_warp_is_augmented() -> None:
    image = np.full((20, 40_000, 3), 90, np.uint8)
    boxes = np.array([[39_000, 2, 39_500, 18]], np.float32)
    whole = run(image, boxes, config(rotation=0.01), 1, View((400, 20), "whole"))
    crop = run(image, boxes, config(rotation=5), 1, View((64, 16), "crop", 1.0))
    assert whole.visible[0] > 0.5 and (whole.image[5:15, 20:380] == 90).all()
    assert crop.image.shape == (16, 64, 3) and (crop.image == 90).all()


def test_what_lies_outside_the_image_is_its_mean_colour() -> None:
    image = np.full((40, 40, 3), (10, 60, 200), np.uint8)
    image[::2] = (30, 80, 220)
    result = run(image, np.zeros((0, 4), np.float32), NOTHING, 0, View((80, 80), "crop"))
    outside = np.ones((80, 80), bool)
    rows, columns = np.nonzero((result.image != (20, 70, 210)).any(2))
    outside[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = False
    assert outside.sum() == 80 * 80 - 40 * 40
    assert (result.image[outside] == (20, 70, 210)).all()


# -- crops


@pytest.mark.parametrize("seed", range(40))
def test_a_crop_on_a_box_holds_all_of_it_where_it_fits(seed: int) -> None:
    boxes = some_boxes(200, 150, 1, seed)
    result = run(textured(200, 150), boxes, NOTHING, seed, View((100, 80), "crop", 1.0))
    assert result.visible.tolist() == [1] and result.boxes.shape == (1, 4)


def test_a_crop_on_a_box_that_does_not_fit_lies_within_it() -> None:
    boxes = np.array([[10, 10, 190, 140]], np.float32)
    for seed in range(20):
        result = run(textured(200, 150), boxes, config(min_visible=0), seed, View((64, 64), "crop", 1.0))
        assert result.boxes.tolist() == [[0, 0, 64, 64]]


def test_crops_on_a_box_come_as_often_as_asked_and_vary() -> None:
    boxes = np.array([[300, 300, 310, 310]], np.float32)
    image = np.zeros((1000, 1000, 3), np.uint8)
    results = [run(image, boxes, NOTHING, seed, View((50, 50), "crop", 0.7)) for seed in range(300)]
    shown = [result for result in results if len(result.kept)]
    assert 0.62 <= len(shown) / 300 <= 0.78
    assert len({tuple(result.boxes[0]) for result in shown}) > 100
    # A box beside the window is not lost: this is only a part of the image.
    assert sum(result.lost for result in results) == 0


def test_crops_stay_on_the_image_where_it_is_large_enough() -> None:
    image = np.full((90, 120, 3), 200, np.uint8)
    image[0, 0] = 0  # so that the mean colour differs from the surface
    boxes = np.array([[0, 0, 4, 4], [116, 86, 120, 90]], np.float32)
    for seed in range(40):
        result = run(image, boxes, NOTHING, seed, View((60, 60), "crop", 0.8))
        left, top = (boxes[0, :2] - result.hulls[0, :2]).round().astype(int)
        assert 0 <= left <= 60 and 0 <= top <= 30


@FEW
@given(st.integers(0, 10**6), st.integers(1, 8))
def test_the_crop_transform_shows_boxes_whole_or_not_at_all(seed: int, count: int) -> None:
    boxes = some_boxes(160, 120, count, seed)
    result = run(textured(160, 120), boxes, config(crop=1, crop_smallest=0.2), seed, View((80, 60), "whole"))
    assert set(np.unique(result.visible)) <= {0.0, 1.0}
    assert result.cut == 0 and len(result.kept) >= 1


def test_the_crop_transform_enlarges_and_is_not_always_skipped() -> None:
    boxes = np.array([[40, 40, 60, 60]], np.float32)
    image, view = textured(160, 160), View((160, 160), "whole")
    pictures = [run(image, boxes, config(crop=1), seed, view) for seed in range(30)]
    sides = [float(picture.boxes[0, 2] - picture.boxes[0, 0]) for picture in pictures]
    assert min(sides) >= 20 and max(sides) <= 40.001 and np.mean(sides) > 24


def test_the_crop_is_skipped_where_a_box_fills_the_picture() -> None:
    image, boxes = textured(64, 64), np.array([[0, 0, 64, 64]], np.float32)
    result = run(image, boxes, config(crop=1, crop_smallest=0.1), 0, View((64, 64), "whole"))
    assert np.array_equal(result.image, image)


@FEW
@given(st.integers(0, 10**6), st.integers(0, 12), st.sampled_from([0.1, 0.5, 0.9]))
def test_a_crop_window_crosses_no_box_and_is_not_too_small(seed: int, count: int, smallest: float) -> None:
    boxes = some_boxes(100, 80, count, seed).astype(np.float64)
    window = whole_box_window(boxes, (100, 80), smallest, np.random.default_rng(seed).random((CROP_TRIES, 4)))
    if window is None:
        return
    assert (window >= 0).all() and (window <= [100, 80, 100, 80]).all()
    assert window[2] - window[0] >= 100 * smallest - 1e-9 and window[3] - window[1] >= 80 * smallest - 1e-9
    overlap = geometry.box_intersection(boxes, window[None])[:, 0]
    assert (np.isclose(overlap, 0, atol=1e-9) | np.isclose(overlap, geometry.box_area(boxes))).all()


# -- lost and cut


def test_a_box_shifted_out_is_lost_and_one_shifted_half_out_is_cut() -> None:
    image = textured(100, 100)
    boxes = np.array([[0, 40, 10, 60], [40, 40, 60, 60]], np.float32)
    # A seed whose shift goes left by more than the first box is wide.
    seed = next(
        seed
        for seed in range(100)
        if run(image, boxes, config(shift=0.5), seed, View((100, 100), "whole")).hulls[0, 2] <= 0
    )
    result = run(image, boxes, config(shift=0.5), seed, View((100, 100), "whole"))
    assert result.visible[0] == 0 and result.lost >= 1
    half = np.array([[-float(result.hulls[1, 0]) + 40 - 5, 40, -float(result.hulls[1, 0]) + 40 + 3, 60]], np.float32)
    cut = run(image, half, config(shift=0.5, min_visible=0.5), seed, View((100, 100), "whole"))
    assert cut.visible[0] == pytest.approx(3 / 8, abs=0.01) and (cut.lost, cut.cut, len(cut.kept)) == (0, 1, 0)
    kept = run(image, half, config(shift=0.5, min_visible=0.3), seed, View((100, 100), "whole"))
    assert (kept.cut, len(kept.kept)) == (0, 1)


def turned_sides(sides: tuple[float, float], seed: int = 1) -> tuple[NDArray[np.float64], float]:
    """Width and height of a box of `sides` after a turn, and the angle of it."""
    x, y = (100 - side / 2 for side in sides)
    boxes = np.array([[x, y, 200 - x, 200 - y], [99.9999, 50, 100.0001, 150]], np.float32)
    result = run(np.zeros((200, 200, 3), np.uint8), boxes, config(rotation=45), seed, View((200, 200), "whole"))
    assert (result.boxes[0, :2] + result.boxes[0, 2:]) / 2 == pytest.approx([100, 100], abs=1e-3)
    line = (result.boxes[1, 2:] - result.boxes[1, :2]).tolist()
    return (result.boxes[0, 2:] - result.boxes[0, :2]).astype(np.float64), float(np.arctan2(*line))


@pytest.mark.parametrize("seed", range(5))
def test_a_turned_box_has_the_size_of_what_it_holds(seed: int) -> None:
    """A disc stays as large as it is, and a line reaches as far as its ends."""
    disc, angle = turned_sides((60, 60), seed)
    assert angle > 0.01 and disc == pytest.approx([60, 60], abs=1e-3)
    ellipse, _ = turned_sides((60, 40), seed)
    across = 2 * np.array(
        [np.hypot(30 * np.cos(angle), 20 * np.sin(angle)), np.hypot(30 * np.sin(angle), 20 * np.cos(angle))]
    )
    assert ellipse == pytest.approx(across, abs=0.3)
    line, _ = turned_sides((90, 1), seed)
    assert line == pytest.approx([90 * np.cos(angle) + np.sin(angle), 90 * np.sin(angle) + np.cos(angle)], abs=0.1)


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_quarter_turns_and_mirrors_move_a_box_as_it_is(angle: int) -> None:
    cos, sin = round(np.cos(np.radians(angle))), round(np.sin(np.radians(angle)))
    matrix = np.array([[cos, -sin, 7], [sin, cos, 3], [0, 0, 1]], np.float64) @ scaling(-2, 0.5)
    boxes = np.array([[3.25, 4, 31, 9.5], [0, 0, 1, 1]])
    assert np.array_equal(move_boxes(matrix, boxes), box_hulls(matrix, boxes))


# -- colours


def plain(value: int | tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((50, 50, 3), value, np.uint8)


def colours(image: NDArray[np.uint8], seeds: int = 60, **changes: float) -> NDArray[np.uint8]:
    none = np.zeros((0, 4), np.float32)
    return np.stack([run(image, none, config(**changes), seed, View((50, 50), "whole")).image for seed in range(seeds)])


def test_brightness_moves_both_ways_within_its_limit() -> None:
    means = colours(plain(128), brightness=0.2).mean((1, 2, 3))
    assert means.min() >= 128 - 51.5 and means.max() <= 128 + 51.5
    assert means.min() < 95 and means.max() > 160


def test_contrast_keeps_the_mean_and_changes_the_spread() -> None:
    image = plain(100)
    image[:, 25:] = 140
    pictures = colours(image, contrast=0.5).astype(float)
    assert np.abs(pictures.mean((1, 2, 3)) - 120).max() <= 1
    gains = (pictures[:, 0, 40, 0] - pictures[:, 0, 0, 0]) / 40
    assert gains.min() < 0.7 and gains.max() > 1.3 and gains.min() >= 0.45 and gains.max() <= 1.55


def test_saturation_leaves_grey_and_luma_alone() -> None:
    assert (colours(plain(77), saturation=1) == 77).all()
    pictures = colours(plain((180, 100, 60)), saturation=0.6).astype(float)
    luma = pictures[:, 0, 0] @ np.array([0.299, 0.587, 0.114])
    assert np.abs(luma - (180 * 0.299 + 100 * 0.587 + 60 * 0.114)).max() <= 1.5
    assert np.ptp(pictures[:, 0, 0, 0]) > 30


def test_blur_softens_an_edge_and_keeps_the_mean() -> None:
    image = plain(0)
    image[:, 25:] = 200
    widths = [int(((picture[25, :, 0] > 5) & (picture[25, :, 0] < 195)).sum()) for picture in colours(image, blur=4)]
    assert min(widths) <= 3 and max(widths) >= 8
    assert np.abs(colours(image, blur=4).mean((1, 2, 3)) - 100).max() < 1


def test_noise_has_the_drawn_strength_no_bias_and_no_colour_on_grey() -> None:
    grey = colours(plain(128), noise=20).astype(float)
    spread = grey[..., 0].std((1, 2))
    assert 15 < spread.max() <= 21 and spread.min() < 5
    assert np.abs(grey.mean((1, 2, 3)) - 128).max() < 1.5
    assert np.array_equal(grey[..., 0], grey[..., 1]) and np.array_equal(grey[..., 0], grey[..., 2])
    coloured = colours(plain((128, 120, 128)), seeds=5, noise=20)
    assert not np.array_equal(coloured[..., 0], coloured[..., 2])


def test_bright_pixels_do_not_wrap_around() -> None:
    assert colours(plain(250), brightness=1, noise=64, contrast=0.9, saturation=0.5).min(initial=255) >= 0
    pictures = colours(plain(255), seeds=40, brightness=0.5)
    assert (pictures[pictures.mean((1, 2, 3)) > 254] == 255).all() and (pictures.mean((1, 2, 3)) > 254).any()


# -- edges of the range


def test_images_without_boxes_and_boxes_over_all_of_it_work_with_every_preset() -> None:
    image = textured(50, 40)
    for preset in PRESETS.values():
        for boxes in (np.zeros((0, 4), np.float32), np.array([[0, 0, 50, 40]], np.float32)):
            for view in (View((32, 32), "whole"), View((64, 64), "crop")):
                result = augment(image, boxes, np.ones((len(boxes), 2), bool), preset, 1, view)
                assert result.image.shape[:2] == view.size[::-1]
                assert result.labels.shape[1] == 2


def test_wrong_shapes_are_refused() -> None:
    view, none = View((8, 8), "whole"), np.zeros((0, 4), np.float32)
    with pytest.raises(ValueError, match="uint8"):
        augment(np.zeros((8, 8, 3), np.float32), none, np.zeros((0, 1), bool), NOTHING, 0, view)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="labels"):
        augment(np.zeros((8, 8, 3), np.uint8), none, np.zeros((2, 1), bool), NOTHING, 0, view)
    with pytest.raises(ValueError, match="pixels"):
        View((0, 8), "whole")


def test_the_pipeline_needs_no_torch_and_no_window() -> None:
    code = (
        "import sys, core.augmentation.pipeline, core.training.data.crops;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'PySide6', 'torchvision')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_threads_do_not_change_the_picture() -> None:
    image, boxes = textured(300, 300), some_boxes(300, 300, 4)
    threads = cv2.getNumThreads()
    try:
        results = []
        for count in (1, 2):
            cv2.setNumThreads(count)
            seed = seed_for(0, "augment", 1, 2)
            results.append(run(image, boxes, PRESETS["Strong"], seed, View((256, 256), "whole")).image)
    finally:
        cv2.setNumThreads(threads)
    assert np.array_equal(*results)


def test_windows_placed_anywhere_see_the_border_about_as_often_as_the_middle() -> None:
    view = View((64, 64), "crop", on_box=0.0)
    image = np.zeros((200, 200, 3), np.uint8)
    none = (np.zeros((0, 4), np.float32), np.zeros((0, 1), np.bool_))
    image[:, :4], image[:, 98:102] = 255, 128
    plain = AugmentationConfig(horizontal_flip=0, vertical_flip=0, brightness=0, contrast=0)
    seen = [augment(image, *none, plain, seed, view).image for seed in range(200)]
    border = sum(bool((one == 255).any()) for one in seen)
    middle = sum(bool((one == 128).any()) for one in seen)
    assert 0.3 * middle < border < 1.5 * middle
