"""Moving pixels by one matrix: exact where it can be, antialiased where the picture shrinks."""

from __future__ import annotations

import math

import cv2
import numpy as np

from core.augmentation.pixels import Image, Pixels
from core.augmentation.placement import Matrix, box_hulls, scaling, translation

# Below this scale bilinear sampling skips source pixels, and a thin scratch turns into dots.
_SHRINK = 0.75
# OpenCV's codes, by whether left and right, and top and bottom, change places.
_FLIPS = {(False, False): None, (True, False): 1, (False, True): 0, (True, True): -1}


def resize(image: Image, size: tuple[int, int]) -> Image:
    """`image` (h, w, 3) stretched to `size` (w, h): smoothed where it shrinks, bilinear where it grows.

    Training, previews and prediction must all shrink in this one way.
    """
    height, width = image.shape[:2]
    # OpenCV halves exactly some twenty times faster than it averages by other factors.
    while width >= 2 * size[0] and height >= 2 * size[1] and width % 2 == height % 2 == 0:
        width, height = width // 2, height // 2
        image = _as_image(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    if (width, height) == size:
        return image
    factor_x, factor_y = width / size[0], height / size[1]
    if max(factor_x, factor_y) >= 2:
        return _as_image(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    if max(factor_x, factor_y) > 1:
        # About as wide a filter as averaging has, at a quarter of its time: a line of one pixel keeps its weight
        # within a fifth wherever it lies. Three taps do for factors below 2.
        sigma_x, sigma_y = (0.6 * math.sqrt(max(factor**2 - 1, 0.02)) for factor in (factor_x, factor_y))
        image = _as_image(cv2.GaussianBlur(image, (3, 3), sigma_x, sigmaY=sigma_y))
    return _as_image(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR))


def warp(image: Pixels, matrix: Matrix, size: tuple[int, int]) -> Image:
    """A new picture of `size` (w, h) with `image` moved by `matrix` (continuous coordinates).

    What lies outside the image is filled with its mean colour: mirroring would show defects a second time
    with no box around them, and repeating the edge would draw scratches. Mirroring, whole-pixel windows
    and plain resizing are exact. Only the part that is shown is read.
    """
    upright = matrix[0, 1] == 0 and matrix[1, 0] == 0
    if upright and abs(matrix[0, 0]) == 1 and abs(matrix[1, 1]) == 1:
        x, y = matrix[0, 2], matrix[1, 2]
        if x == round(x) and y == round(y):
            return _source_window(image, matrix, size)
    if upright and _fills_output(matrix, image.size, size):
        return _mirror_border(resize(image.part(0, 0, *image.size), size), matrix)
    return _sample_pixels(image, matrix, size)


def _mirror_border(image: Image, matrix: Matrix) -> Image:
    """A copy of the image, mirrored as the upright `matrix` says."""
    code = _FLIPS[bool(matrix[0, 0] < 0), bool(matrix[1, 1] < 0)]
    # Several times faster than a copy in numpy, which goes backwards value by value.
    return image.copy() if code is None else _as_image(cv2.flip(image, code))


def _fills_output(matrix: Matrix, source: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether the upright rectangle of an image of `source` (w, h) becomes exactly the picture's."""
    hull = box_hulls(matrix, np.array([[0, 0, *source]], np.float64))[0]
    return bool(np.allclose(hull, [0, 0, *size], rtol=0, atol=1e-6))


def _source_window(image: Pixels, matrix: Matrix, size: tuple[int, int]) -> Image:
    """A picture of `size` with `image` moved by the upright `matrix` of scale 1 and whole pixels."""
    left, right, x1, x2 = _visible_part(matrix[0, 0], matrix[0, 2], image.size[0], size[0])
    top, bottom, y1, y2 = _visible_part(matrix[1, 1], matrix[1, 2], image.size[1], size[1])
    inside = left < right and top < bottom
    if inside and (x1, y1, x2, y2) == (0, 0, *size):
        return _mirror_border(image.part(left, top, right, bottom), matrix)
    picture = np.empty((size[1], size[0], 3), np.uint8)
    picture[:] = image.mean_color()
    if inside:
        picture[y1:y2, x1:x2] = _mirror_border(image.part(left, top, right, bottom), matrix)
    return picture


def _visible_part(sign: float, offset: float, length: int, side: int) -> tuple[int, int, int, int]:
    """From and to which pixel an image of `length` is seen along one axis, and where in a picture of `side`."""
    start = round(offset) - (length if sign < 0 else 0)
    first, last = max(start, 0), min(start + length, side)
    if sign < 0:
        return start + length - last, start + length - first, first, last
    return first - start, last - start, first, last


def _sample_pixels(image: Pixels, matrix: Matrix, size: tuple[int, int]) -> Image:
    width, height = image.size
    inverse = np.asarray(np.linalg.inv(matrix), np.float64)
    back = box_hulls(inverse, np.array([[0, 0, *size]], np.float64))[0]
    covered = back[0] >= -1e-6 and back[1] >= -1e-6 and back[2] <= width + 1e-6 and back[3] <= height + 1e-6
    scale_x = min(math.hypot(matrix[0, 0], matrix[1, 0]), 1.0)
    scale_y = min(math.hypot(matrix[0, 1], matrix[1, 1]), 1.0)
    # Only what the picture shows, and a margin for averaging: a line-scan image is wider than OpenCV can warp.
    left, right = _source_span(back[0], back[2], 2 / scale_x, width)
    top, bottom = _source_span(back[1], back[3], 2 / scale_y, height)
    if left >= right or top >= bottom:
        return np.broadcast_to(image.mean_color(), (size[1], size[0], 3)).copy()
    part = image.part(left, top, right, bottom)
    matrix = matrix @ translation(left, top)
    if min(scale_x, scale_y) < _SHRINK:
        small = (
            max(1, round(part.shape[1] * scale_x)) if scale_x < _SHRINK else part.shape[1],
            max(1, round(part.shape[0] * scale_y)) if scale_y < _SHRINK else part.shape[0],
        )
        matrix = matrix @ scaling(part.shape[1] / small[0], part.shape[0] / small[1])
        part = resize(part, small)
    # OpenCV puts pixel centres at whole numbers.
    centres = translation(-0.5, -0.5) @ matrix @ translation(0.5, 0.5)
    border = cv2.BORDER_REPLICATE if covered else cv2.BORDER_CONSTANT
    color = () if covered else tuple(float(channel) for channel in image.mean_color())
    return _as_image(
        cv2.warpAffine(part, centres[:2], size, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=color)
    )


def _source_span(first: float, last: float, margin: float, length: int) -> tuple[int, int]:
    """The pixels from `first` to `last` and a margin, on multiples of 8 so that they can be halved."""
    return max(0, math.floor((first - margin) / 8) * 8), min(length, math.ceil((last + margin) / 8) * 8)


def _as_image(array: object) -> Image:
    """What OpenCV returns, with the type that it has."""
    assert isinstance(array, np.ndarray) and array.dtype == np.uint8
    return array
