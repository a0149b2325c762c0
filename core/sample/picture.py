"""One picture of a surface, with the defects on it and their boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.randomness import seed_for
from core.sample.defects import DEFECTS, SHARES, Defect, Layer
from core.sample.surfaces import Floats, Random, make_light, make_surface

SAMPLE_LABELS = ("scratch", "pit", "stain", "inclusion", "crack")
USUAL_SIZE = 256  # pixels; the sizes of defects are given for pictures of this side
CLEAN_SHARE = 0.15
MARGIN = 3  # pixels between a defect and the border, and between two defects


def generate_image(
    index: int, seed: int = 0, size: int | tuple[int, int] = USUAL_SIZE
) -> tuple[NDArray[np.uint8], NDArray[np.float32], list[set[str]]]:
    """Picture `index` of the series `seed`.

    Args:
        index: position in the series; the lamp drifts slowly along it.
        seed: another seed gives another series.
        size: side of a square picture, or (width, height), in pixels; at least 64.

    Returns:
        The RGB picture (h, w, 3), the boxes (n, 4) x1 y1 x2 y2 tight around the visible defects, and the labels of
        each box. A clean surface has no boxes.
    """
    width, height = (size, size) if isinstance(size, int) else size
    if min(width, height) < 64:
        raise ValueError(f"a sample picture needs at least 64 x 64 pixels, not {width} x {height}")
    random = np.random.default_rng(seed_for(seed, "sample", index))
    surface = make_surface(random, width, height)
    boxes: list[tuple[int, int, int, int]] = []
    labels: list[set[str]] = []
    if random.random() >= CLEAN_SHARE:
        room = max(1.0, math.sqrt(width * height) / USUAL_SIZE)
        scale = math.sqrt(math.sqrt(width * height) / USUAL_SIZE)
        for _ in range(max(1, round(random.integers(1, 5) * room))):
            defect = DEFECTS[int(random.choice(len(DEFECTS), p=SHARES))](random, scale)
            box = _place_defect(random, surface, defect, boxes)
            if box is not None:
                boxes.append(box)
                labels.append(set(defect.labels))
    lit = surface * make_light(random, index, width, height)[..., None]
    lit += random.standard_normal(lit.shape[:2], np.float32)[..., None] * random.uniform(0.006, 0.014)
    picture = np.clip(lit * 255 + 0.5, 0, 255).astype(np.uint8)
    return picture, np.asarray(boxes, np.float32).reshape(-1, 4), labels


def _place_defect(
    random: Random, surface: Floats, defect: Defect, taken: Sequence[tuple[int, int, int, int]]
) -> tuple[int, int, int, int] | None:
    """Put `defect` on `surface` at a free place; its tight box, or None where there is no room."""
    seen = np.zeros_like(defect.layers[0].alpha)
    for layer in defect.layers:
        change = max(abs(layer.offset), max(abs(1 - gain) for gain in layer.gain) * 0.5)
        np.maximum(seen, layer.alpha * change, out=seen)
    # A film's fading edge belongs to the defect as far as an eye would follow it.
    rows, columns = np.nonzero(seen > 0.3 * seen.max())
    left, top, right, bottom = int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
    height, width = surface.shape[:2]
    if right - left > width - 2 * MARGIN or bottom - top > height - 2 * MARGIN:
        return None
    for _ in range(20):
        x = int(random.integers(MARGIN, width - MARGIN - (right - left) + 1))
        y = int(random.integers(MARGIN, height - MARGIN - (bottom - top) + 1))
        box = (x, y, x + right - left, y + bottom - top)
        if all(
            box[2] + MARGIN <= other[0]
            or other[2] + MARGIN <= box[0]
            or box[3] + MARGIN <= other[1]
            or other[3] + MARGIN <= box[1]
            for other in taken
        ):
            for layer in defect.layers:
                _paint_defect(surface, layer, x - left, y - top)
            return box
    return None


def _paint_defect(surface: Floats, layer: Layer, left: int, top: int) -> None:
    """Blend `layer` into `surface` with its corner at (left, top); what lies outside is cut off."""
    height, width = surface.shape[:2]
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + layer.alpha.shape[1], width), min(top + layer.alpha.shape[0], height)
    alpha = layer.alpha[y1 - top : y2 - top, x1 - left : x2 - left, None]
    under = surface[y1:y2, x1:x2]
    under += alpha * (under * (np.asarray(layer.gain, np.float32) - 1) + np.float32(layer.offset))
