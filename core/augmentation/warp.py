"""Moving pixels by one matrix: exact where it can be, antialiased where the picture shrinks."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from core.augmentation.placement import Matrix, hulls, scaling, translation

Image = NDArray[np.uint8]

# Below this scale bilinear sampling skips source pixels, and a thin scratch turns into dots.
_SHRINK = 0.75


def resize(image: Image, size: tuple[int, int]) -> Image:
    """`image` (h, w, 3) stretched to `size` (w, h): smoothed where it shrinks, bilinear where it grows.

    Training, previews and prediction must all shrink in this one way.
    """
    height, width = image.shape[:2]
    # OpenCV halves exactly some twenty times faster than it averages by other factors.
    while width >= 2 * size[0] and height >= 2 * size[1] and width % 2 == height % 2 == 0:
        width, height = width // 2, height // 2
        image = _image(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    if (width, height) == size:
        return image
    factor_x, factor_y = width / size[0], height / size[1]
    if max(factor_x, factor_y) >= 2:
        return _image(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    if max(factor_x, factor_y) > 1:
        # About as wide a filter as averaging has, at a quarter of its time: a line of one pixel keeps its weight
        # within a fifth wherever it lies. Three taps do for factors below 2.
        sigma_x, sigma_y = (0.6 * math.sqrt(max(factor**2 - 1, 0.02)) for factor in (factor_x, factor_y))
        image = _image(cv2.GaussianBlur(image, (3, 3), sigma_x, sigmaY=sigma_y))
    return _image(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR))


def warp(image: Image, matrix: Matrix, size: tuple[int, int]) -> Image:
    """A new picture of `size` (w, h) with `image` (h, w, 3) moved by `matrix` (continuous coordinates).

    What lies outside the image is filled with its mean colour: mirroring would show defects a second time
    with no box around them, and repeating the edge would draw scratches. Mirroring, whole-pixel windows
    and plain resizing are exact.
    """
    upright = matrix[0, 1] == 0 and matrix[1, 0] == 0
    if upright and abs(matrix[0, 0]) == 1 and abs(matrix[1, 1]) == 1:
        x, y = matrix[0, 2], matrix[1, 2]
        if x == round(x) and y == round(y):
            return _window(_mirrored(image, matrix), *_start(image, matrix), size)
    if upright and _fills(matrix, image, size):
        return np.ascontiguousarray(_mirrored(resize(image, size), matrix))
    return _sampled(image, matrix, size)


def _mirrored(image: Image, matrix: Matrix) -> Image:
    """The image mirrored as the upright `matrix` says; a view."""
    return image[:: -1 if matrix[1, 1] < 0 else 1, :: -1 if matrix[0, 0] < 0 else 1]


def _start(image: Image, matrix: Matrix) -> tuple[int, int]:
    """Where the mirrored image's first column and row lie after the upright `matrix` of scale 1."""
    height, width = image.shape[:2]
    return (
        round(matrix[0, 2] - (width if matrix[0, 0] < 0 else 0)),
        round(matrix[1, 2] - (height if matrix[1, 1] < 0 else 0)),
    )


def _fills(matrix: Matrix, image: Image, size: tuple[int, int]) -> bool:
    """Whether the image's upright rectangle becomes exactly the picture's."""
    height, width = image.shape[:2]
    hull = hulls(matrix, np.array([[0, 0, width, height]], np.float64))[0]
    return bool(np.allclose(hull, [0, 0, *size], rtol=0, atol=1e-6))


def _window(image: Image, x: int, y: int, size: tuple[int, int]) -> Image:
    """A picture of `size` with `image` copied to (x, y)."""
    height, width = image.shape[:2]
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + width, size[0]), min(y + height, size[1])
    if (left, top, right, bottom) == (0, 0, *size):
        return image[-y : size[1] - y, -x : size[0] - x].copy()
    picture = np.empty((size[1], size[0], 3), np.uint8)
    picture[:] = mean_color(image)
    if left < right and top < bottom:
        picture[top:bottom, left:right] = image[top - y : bottom - y, left - x : right - x]
    return picture


def _sampled(image: Image, matrix: Matrix, size: tuple[int, int]) -> Image:
    height, width = image.shape[:2]
    inverse = np.asarray(np.linalg.inv(matrix), np.float64)
    back = hulls(inverse, np.array([[0, 0, *size]], np.float64))[0]
    covered = back[0] >= -1e-6 and back[1] >= -1e-6 and back[2] <= width + 1e-6 and back[3] <= height + 1e-6
    scale_x = min(math.hypot(matrix[0, 0], matrix[1, 0]), 1.0)
    scale_y = min(math.hypot(matrix[0, 1], matrix[1, 1]), 1.0)
    # Only what the picture shows, and a margin for averaging: a line-scan image is wider than OpenCV can warp.
    left, right = _span(back[0], back[2], 2 / scale_x, width)
    top, bottom = _span(back[1], back[3], 2 / scale_y, height)
    if left >= right or top >= bottom:
        return _window(image, size[0], size[1], size)
    part = image[top:bottom, left:right]
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
    color = () if covered else tuple(float(channel) for channel in mean_color(image))
    return _image(cv2.warpAffine(part, centres[:2], size, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=color))


def _span(first: float, last: float, margin: float, length: int) -> tuple[int, int]:
    """The pixels from `first` to `last` and a margin, on multiples of 8 so that they can be halved."""
    return max(0, math.floor((first - margin) / 8) * 8), min(length, math.ceil((last + margin) / 8) * 8)


def mean_color(image: Image) -> Image:
    """The mean of about a thousand pixels (3,): quick, and the same for the same image."""
    step_y, step_x = (max(1, side // 32) for side in image.shape[:2])
    return _image(np.rint(image[::step_y, ::step_x].mean(axis=(0, 1))).astype(np.uint8))


def _image(array: object) -> Image:
    """What OpenCV returns, with the type that it has."""
    assert isinstance(array, np.ndarray) and array.dtype == np.uint8
    return array
