"""Undamaged surfaces and the light on them. All fields are float32, shape (h, w)."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Random = np.random.Generator


def make_surface(random: Random, width: int, height: int) -> Floats:
    """An undamaged surface as reflectance (h, w, 3) around 0.5."""
    grain = _TEXTURES[int(random.choice(len(_TEXTURES), p=(0.45, 0.2, 0.2, 0.15)))](random, width, height)
    level = random.uniform(0.45, 0.62)
    tint = 1 + random.uniform(-0.035, 0.035) * np.array([1, 0.1, -1], np.float32)
    return np.asarray((level + grain)[..., None] * tint, np.float32)


def smooth_noise(random: Random, width: int, height: int, sigma_x: float, sigma_y: float) -> Floats:
    """Gaussian noise smoothed to the given size, with standard deviation 1."""
    # Coarse noise is drawn coarsely: smoothing over hundreds of pixels at full size would be slow.
    step = max(1, int(min(sigma_x, sigma_y) / 2))
    shape = (height // step + 2, width // step + 2)
    field = random.standard_normal(shape, np.float32)
    smooth = cv2.GaussianBlur(field, (0, 0), max(sigma_x / step, 0.01), sigmaY=max(sigma_y / step, 0.01))
    smooth = (smooth - smooth.mean()) / (smooth.std() + 1e-6)
    grown = cv2.resize(smooth, (shape[1] * step, shape[0] * step), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown[:height, :width], np.float32)


def _brushed_metal(random: Random, width: int, height: int) -> Floats:
    lengthwise = random.random() < 0.5
    across = (height, width) if lengthwise else (width, height)
    fine = smooth_noise(random, *across, 14, 0.4) * random.uniform(0.02, 0.035)
    streaks = smooth_noise(random, *across, 60, 1.0) * random.uniform(0.012, 0.022)
    wide = smooth_noise(random, *across, 90, 9) * 0.012
    grain = fine + streaks + wide
    return np.ascontiguousarray(grain.T) if lengthwise else grain


def _blasted_metal(random: Random, width: int, height: int) -> Floats:
    fine = smooth_noise(random, width, height, 0.8, 0.8) * random.uniform(0.02, 0.035)
    rough = (
        fine + smooth_noise(random, width, height, 3, 3) * 0.012 + smooth_noise(random, width, height, 30, 30) * 0.012
    )
    return np.asarray(rough, np.float32)


def _turned_metal(random: Random, width: int, height: int) -> Floats:
    """Rings that a lathe leaves, seen away from their centre."""
    centre_x = random.uniform(-0.6, 1.6) * width
    centre_y = height * (1 + random.uniform(0.3, 1.2)) * (1 if random.random() < 0.5 else -1)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    radius = np.hypot(x - centre_x, y - centre_y)
    period = random.uniform(3.5, 6)
    wobble = smooth_noise(random, width, height, 20, 20) * 0.5
    rings = np.sin(radius * (2 * math.pi / period) + wobble) * random.uniform(0.01, 0.02)
    return np.asarray(rings + smooth_noise(random, width, height, 0.6, 0.6) * 0.016, np.float32)


def _coated_metal(random: Random, width: int, height: int) -> Floats:
    """Paint or ceramic: nearly flat, with an orange-peel waviness."""
    return (
        smooth_noise(random, width, height, 4, 4) * random.uniform(0.006, 0.012)
        + smooth_noise(random, width, height, 40, 40) * 0.015
    )


_TEXTURES: tuple[Callable[[Random, int, int], Floats], ...] = (
    _brushed_metal,
    _blasted_metal,
    _turned_metal,
    _coated_metal,
)


def make_light(random: Random, index: int, width: int, height: int) -> Floats:
    """Illumination (h, w): a lamp that drifts along the series, falls off to one side, and a faint glare."""
    drift = 1 + 0.10 * math.sin(index / 17 + 0.7) + random.uniform(-0.05, 0.05)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x / width - 0.5, y / height - 0.5
    angle = random.uniform(0, 2 * math.pi)
    slope = random.uniform(0.05, 0.28) * (x * math.cos(angle) + y * math.sin(angle))
    vignette = -random.uniform(0.05, 0.25) * (x * x + y * y)
    distance = (x - random.uniform(-0.5, 0.5)) ** 2 + (y - random.uniform(-0.5, 0.5)) ** 2
    glare = random.uniform(0, 0.15) * np.exp(-distance / random.uniform(0.03, 0.15))
    return np.asarray(drift * (1 + slope + vignette + glare), np.float32)
