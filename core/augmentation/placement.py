"""Where each source pixel goes, as one matrix.

All coordinates are continuous: pixel i covers i to i + 1, so its centre lies at i + 0.5, and a box around
exactly that pixel is (i, i + 1). Matrices are 3 x 3 and act on columns (x, y, 1).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from core import geometry
from core.augmentation.config import AugmentationConfig
from core.augmentation.draws import Draws, either_way

Matrix = NDArray[np.float64]

# Drawn crop windows per picture: enough to find one that needs little growing around the boxes.
CROP_TRIES = 6


def translation(x: float, y: float) -> Matrix:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def scaling(x: float, y: float) -> Matrix:
    return np.array([[x, 0, 0], [0, y, 0], [0, 0, 1]], np.float64)


def quarter_turn(height: float) -> Matrix:
    """A picture of `height` turned clockwise by 90 degrees, its corner where it was."""
    return np.array([[0, -1, height], [1, 0, 0], [0, 0, 1]], np.float64)


def linear_part(config: AugmentationConfig, draws: Draws) -> Matrix:
    """Mirror, then shear, turn and scale about the origin."""
    matrix = scaling(
        -1 if draws.horizontal_flip < config.horizontal_flip else 1,
        -1 if draws.vertical_flip < config.vertical_flip else 1,
    )
    if config.shear:
        # Along one axis only: shears of 45 degrees along both would flatten the picture to a line.
        slope = math.tan(math.radians(either_way(draws.shear, config.shear)))
        along_x = draws.shear_axis < 0.5
        shear = np.eye(3)
        shear[(0, 1) if along_x else (1, 0)] = slope
        matrix = shear @ matrix
    if config.rotation:
        angle = math.radians(either_way(draws.rotation, config.rotation))
        cos, sin = math.cos(angle), math.sin(angle)
        matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ matrix
    if config.scale:
        factor = math.exp(either_way(draws.scale, -math.log(1 - config.scale)))
        matrix = scaling(factor, factor) @ matrix
    return matrix


def largest_enlargement(config: AugmentationConfig, stretch: tuple[float, float]) -> float:
    """How many times larger than the plain view of a whole image its picture may show a part of it, at most.

    `stretch`: output pixels per source pixel along x and y; a turn brings one to where the other was.
    """
    slope = math.tan(math.radians(config.shear))
    # Of a shear by `slope`: the larger singular value.
    largest = (slope + math.hypot(slope, 2)) / 2
    if config.rotation:
        angles = np.radians(np.linspace(0, min(config.rotation, 90), 16))
        cos, sin, ratio = np.cos(angles), np.sin(angles), stretch[0] / stretch[1]
        turns = np.stack([np.stack([cos, -sin * ratio], -1), np.stack([sin / ratio, cos], -1)], -2)
        largest *= float(np.linalg.norm(turns, 2, axis=(-2, -1)).max())
    largest /= 1 - config.scale
    return largest / config.crop_smallest if config.crop else largest


def shift_part(config: AugmentationConfig, draws: Draws, size: tuple[int, int]) -> Matrix:
    """A shift by whole output pixels: a fraction of one would blur the picture for nothing."""
    return translation(
        round(either_way(draws.shift_x, config.shift) * size[0]),
        round(either_way(draws.shift_y, config.shift) * size[1]),
    )


def whole_matrix(linear: Matrix, source: tuple[int, int], size: tuple[int, int]) -> Matrix:
    """The source (w, h) changed by `linear` about its centre, then stretched to `size`."""
    (width, height), (out_width, out_height) = source, size
    centred = translation(width / 2, height / 2) @ linear @ translation(-width / 2, -height / 2)
    return scaling(out_width / width, out_height / height) @ centred


def window_matrix(
    linear: Matrix,
    source: tuple[int, int],
    size: tuple[int, int],
    boxes: NDArray[np.float64],
    on_box: float,
    draws: Draws,
    centre: tuple[float, float] | None = None,
) -> Matrix:
    """A window of `size` on the source changed by `linear`, at whole pixels.

    Around `centre` (source pixels) if that is given. Otherwise with chance `on_box` it is placed at random around
    one of `boxes` (n, 4), all of it inside where it fits; else anywhere. It leaves the picture only where the picture is
    smaller, which is then in its middle: prediction has to show it there, too.
    """
    picture = np.array([[0, 0, *source]], np.float64)
    if centre is None and len(boxes) and draws.on_box < on_box:
        chosen = boxes[min(int(draws.which_box * len(boxes)), len(boxes) - 1)][None]
        target, ground = move_boxes(linear, chosen)[0], box_hulls(linear, picture)[0]
        x = _about_center(target[0], target[2], ground[0], ground[2], size[0], draws.place_x)
        y = _about_center(target[1], target[3], ground[1], ground[3], size[1], draws.place_y)
        return translation(-x, -y) @ linear
    # By its centre in the source: drawn in the turned picture it would often see empty corners.
    x, y = centre or (_fit_inside(source[0], size[0], draws.place_x), _fit_inside(source[1], size[1], draws.place_y))
    moved = linear @ np.array([x, y, 1.0])
    return translation(-round(moved[0] - size[0] / 2), -round(moved[1] - size[1] / 2)) @ linear


def centre_window(length: float, side: float) -> int:
    """Where, at a whole pixel, a window of `side` starts that has a picture of `length` in its middle."""
    return round((length - side) / 2)


def _about_center(low: float, high: float, ground_low: float, ground_high: float, side: int, draw: float) -> float:
    """Where a window of `side` starts so that it holds low..high, or lies within it, and the ground fills it.

    A smaller ground is in its middle.
    """
    if ground_high - ground_low <= side:
        return centre_window(ground_low + ground_high, side)
    first = max(min(high - side, low), min(ground_low, ground_high - side))
    last = min(max(high - side, low), max(ground_low, ground_high - side))
    whole_first, whole_last = math.ceil(first - 1e-6), math.floor(last + 1e-6)
    if whole_first > whole_last:
        return round((first + last) / 2)
    return min(whole_first + int(draw * (whole_last - whole_first + 1)), whole_last)


def _fit_inside(length: int, side: int, draw: float) -> float:
    """The centre of a window of `side` that lies in a picture of `length`, or has a shorter one in its middle.

    Drawn over the whole picture and then moved inside: what lies at the border is seen about as often as the rest. Drawn
    inside at once, only the very first windows would show it, and a network takes for defects what it has hardly seen.
    """
    if length <= side:
        return length / 2
    return min(max(draw * length, side / 2), length - side / 2)


def box_hulls(matrix: Matrix, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The upright hulls (n, 4) of `boxes` (n, 4) after `matrix`."""
    x, y = boxes[:, [0, 2, 2, 0]], boxes[:, [1, 1, 3, 3]]
    new_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
    new_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
    return np.stack([new_x.min(1), new_y.min(1), new_x.max(1), new_y.max(1)], axis=1)


def move_boxes(matrix: Matrix, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The upright boxes (n, 4) around what `boxes` (n, 4) hold, after `matrix`.

    The hull of a turned box is too large: few defects fill the corners of their box, and those of a disc grow by 41% at 45
    degrees while the disc stays as it is. An ellipse in the box has the right size after any turn (Kalra and others: Towards
    Rotation Invariance in Object Detection, 2021), but a line along a long thin box reaches its ends, as the hull says:
    so the hull counts by the fourth power of how far the sides are from equal. Mirrored, scaled and by quarter turns,
    both are the moved box itself.
    """
    hulls = box_hulls(matrix, boxes)
    linear = matrix[:2, :2]
    if not (linear[0, 1] or linear[1, 0]) or not (linear[0, 0] or linear[1, 1]):
        return hulls
    half, outer = (boxes[:, 2:] - boxes[:, :2]) / 2, (hulls[:, 2:] - hulls[:, :2]) / 2
    inner = np.sqrt((linear**2 @ (half**2).T).T)
    ratio = half.min(axis=1) / np.maximum(half.max(axis=1), np.finfo(np.float64).tiny)
    reach = inner + (outer - inner) * ((1 - ratio) ** 4)[:, None]
    centre = (hulls[:, :2] + hulls[:, 2:]) / 2
    return np.concatenate([centre - reach, centre + reach], axis=1)


def whole_box_window(
    boxes: NDArray[np.float64], size: tuple[int, int], smallest: float, random: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """A part (4,) of a picture of `size` that no box's edge crosses, or None where there is no such part.

    `boxes` (n, 4) are inside the picture. Each try draws a window of the picture's own shape with sides of
    `smallest` to 1 times the picture's, around one of the boxes, and grows it until every box that it
    touches is whole; the try that had to grow least wins. `random` has shape (CROP_TRIES, 4).
    """
    picture = np.array([0, 0, *size], np.float64)
    best: NDArray[np.float64] | None = None
    least = math.inf
    for row in random:
        fraction = smallest + row[0] * (1 - smallest)
        sides = picture[2:] * fraction
        first, last = np.zeros(2), picture[2:] - sides
        if len(boxes):
            chosen = boxes[min(int(row[3] * len(boxes)), len(boxes) - 1)]
            # Around the chosen box, so that a crop of a picture with defects never comes out empty.
            first = np.clip(np.minimum(chosen[2:] - sides, chosen[:2]), 0, last)
            last = np.clip(np.maximum(chosen[2:] - sides, chosen[:2]), 0, last)
        corner = first + row[1:3] * (last - first)
        window = _grow_canvas(np.concatenate([corner, corner + sides]), boxes)
        growth = float(np.prod(window[2:] - window[:2]) / np.prod(sides))
        if growth < least:
            best, least = window, growth
    if best is None or np.array_equal(best, picture):
        return None
    return best


def _grow_canvas(window: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest window around `window` that no box's edge crosses."""
    while True:
        touched = boxes[geometry.box_intersection(boxes, window[None])[:, 0] > 0]
        if not len(touched):
            return window
        low, high = touched[:, :2].min(0), touched[:, 2:].max(0)
        grown = np.concatenate([np.minimum(window[:2], low), np.maximum(window[2:], high)])
        if np.array_equal(grown, window):
            return window
        window = grown
