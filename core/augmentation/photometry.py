"""Changes of colour, sharpness and noise. Boxes do not move."""

from __future__ import annotations

from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from core.augmentation.config import AugmentationConfig
from core.augmentation.draws import Draws, either_way

Image = NDArray[np.uint8]

# ITU-R BT.601 luma.
_LUMA = np.array([0.299, 0.587, 0.114])
# A Gaussian narrower than this leaves the neighbouring pixels less than half a grey level.
_NO_BLUR = 0.2
# A normal distribution in 256 equally likely steps. One random byte a value through this table takes a sixth
# of the time of true normal numbers, with the same spread to 0.3%; nothing lies beyond 2.9 deviations.
_NORMAL = np.array([NormalDist().inv_cdf((step + 0.5) / 256) for step in range(256)])


def change_colors(image: Image, config: AugmentationConfig, draws: Draws, random: np.random.Generator) -> Image:
    """`image` (h, w, 3) with brightness, contrast and saturation changed in one pass, then blur, then noise.

    That is the order of a camera: light, lens, sensor.
    """
    image = _change_light(image, config, draws)
    sigma = draws.blur * config.blur
    if sigma > _NO_BLUR:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    strength = draws.noise * config.noise
    if strength > 0:
        image = _add_noise(image, strength, random)
    return image


def _change_light(image: Image, config: AugmentationConfig, draws: Draws) -> Image:
    offset = 255 * either_way(draws.brightness, config.brightness)
    gain = 1 + either_way(draws.contrast, config.contrast)
    strength = 1 + either_way(draws.saturation, config.saturation)
    if gain != 1:
        # Contrast turns about the picture's own mean, so that it does not brighten or darken the picture as well.
        offset += (1 - gain) * float(np.dot(cv2.mean(image)[:3], _LUMA))
    if strength != 1:
        matrix = gain * (strength * np.eye(3) + (1 - strength) * _LUMA[None, :])
        return np.asarray(cv2.transform(image, np.column_stack([matrix, np.full(3, offset)])), np.uint8)
    if gain == 1 and offset == 0:
        return image
    table = np.clip(np.rint(np.arange(256) * gain + offset), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def _add_noise(image: Image, strength: float, random: np.random.Generator) -> Image:
    """Gaussian noise; a grey picture stays grey, as from a camera without colour."""
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    grey = np.array_equal(red, green) and np.array_equal(red, blue)
    shape = image.shape[:2] if grey else image.shape
    steps = np.frombuffer(random.bytes(int(np.prod(shape))), np.uint8).reshape(shape)
    noise = cv2.LUT(steps, np.rint(_NORMAL * strength).astype(np.int16))
    if grey:
        return np.asarray(cv2.merge([cv2.add(red, noise, dtype=cv2.CV_8U)] * 3), np.uint8)
    return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)
