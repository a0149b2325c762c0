"""Defects as coats of light and shade, drawn on a sheet of their own before they are put on a surface."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.sample.surfaces import Floats, Random, smooth_noise

OVERSAMPLING = 3  # defects are drawn this much larger and averaged down, for soft edges

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Layer:
    """One coat of a defect: where it is (0..1) and what it does to the light that the surface returns."""

    alpha: Floats  # (side, side)
    gain: tuple[float, float, float]
    offset: float


@dataclass(frozen=True, slots=True)
class Defect:
    """Layers of one size, bottom first, and the labels of the whole."""

    layers: tuple[Layer, ...]
    labels: frozenset[str]


def _blank_sheet(side: float) -> Image:
    """An empty drawing of `side` pixels, oversampled."""
    pixels = math.ceil(side) * OVERSAMPLING
    return np.zeros((pixels, pixels), np.uint8)


def _coat_alpha(sheet: Image, blur: float = 0.0) -> Floats:
    side = len(sheet) // OVERSAMPLING
    alpha = cv2.resize(sheet, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), blur) if blur > 0 else alpha, np.float32)


def _draw_stroke(sheet: Image, points: Floats, widths: Floats | float) -> None:
    """Draw a line through `points` (n, 2), in pixels of the finished picture, as wide as `widths` says at each."""
    ends = np.rint(points * OVERSAMPLING * 16).astype(np.int32)
    thick = np.broadcast_to(np.asarray(widths, np.float32), len(points)) * OVERSAMPLING
    for start, stop, width in zip(ends[:-1], ends[1:], thick[:-1], strict=True):
        cv2.line(sheet, start.tolist(), stop.tolist(), 255, max(1, round(float(width))), cv2.LINE_AA, 4)


def _fill_shape(sheet: Image, points: Floats) -> None:
    cv2.fillPoly(sheet, [np.rint(points * OVERSAMPLING * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)


def _draw_blob(random: Random, centre: Floats, radius: float, roughness: float, corners: int = 40) -> Floats:
    """A closed outline (corners, 2) around `centre`, out of round by `roughness`."""
    turns = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    waves = sum(
        random.normal() * roughness / order * np.sin(order * turns + random.uniform(0, 2 * math.pi))
        for order in range(2, 6)
    )
    stretch, tilt = random.uniform(0.8, 1.25), random.uniform(0, math.pi)
    reach = radius * np.clip(1 + waves, 0.5, 1.6)
    long, short = reach * np.cos(turns) * stretch, reach * np.sin(turns) / stretch
    x = long * math.cos(tilt) - short * math.sin(tilt)
    y = long * math.sin(tilt) + short * math.cos(tilt)
    return np.stack([x, y], axis=1).astype(np.float32) + centre


def _random_center(side: float) -> Floats:
    return np.full(2, side / 2, np.float32)


def _slant_points(random: Random) -> float:
    """An angle away from the axes: a box around a line along an axis would be a sliver."""
    return float(random.uniform(0.33, 1.24) + math.pi / 2 * random.integers(4))


def _scratch_layers(random: Random, scale: float, side: float, length: float) -> list[Layer]:
    """A bright smooth furrow with a thin shadow beside it, thinning out at both ends."""
    angle = _slant_points(random)
    along = np.linspace(-0.5, 0.5, 24, dtype=np.float32)
    bend = random.uniform(-0.18, 0.18) * length * (4 * along**2 - 1) / 2
    direction = np.array([math.cos(angle), math.sin(angle)], np.float32)
    normal = np.array([-direction[1], direction[0]], np.float32)
    points = _random_center(side) + np.outer(along * length, direction) + np.outer(bend, normal)
    widths = random.uniform(1.1, 1.9) * scale * (1 - 0.6 * (2 * np.abs(along)) ** 3)
    ridge, shadow = _blank_sheet(side), _blank_sheet(side)
    _draw_stroke(shadow, (points + normal * 1.1 * scale).astype(np.float32), widths)
    _draw_stroke(ridge, points.astype(np.float32), widths)
    if random.random() < 0.3:  # the tool jumped: a second furrow beside the first
        beside = points[4:-6] + normal * random.uniform(3, 5) * scale
        _draw_stroke(ridge, beside.astype(np.float32), widths[4:-6] * 0.7)
    bright = random.uniform(0.15, 0.30)
    return [Layer(_coat_alpha(shadow, 0.4), (0.72,) * 3, 0.0), Layer(_coat_alpha(ridge, 0.35), (1.0,) * 3, bright)]


def _stain_layers(random: Random, side: float, radius: float, strength: float) -> list[Layer]:
    """A dried drop: a soft brown or blue film, darker along its edge."""
    outline = _draw_blob(random, _random_center(side), radius, 0.22)
    sheet = _blank_sheet(side)
    _fill_shape(sheet, outline)
    body = _coat_alpha(sheet, 1.6)
    rim = np.clip(body - _coat_alpha(sheet, 1.6 + radius * 0.22), 0, 1)
    mottle = 0.8 + 0.2 * smooth_noise(random, len(body), len(body), 4, 4)
    film = np.clip(body * mottle, 0, 1)
    gain = (0.86, 0.75, 0.58) if random.random() < 0.7 else (0.66, 0.76, 0.87)
    faded = tuple(1 - (1 - value) * strength for value in gain)
    return [
        Layer(film, (faded[0], faded[1], faded[2]), 0.0),
        Layer(np.clip(rim * 1.6, 0, 1), (0.76, 0.72, 0.66), 0.0),
    ]


def _pit_layers(random: Random, side: float, radius: float, centre: Floats | None = None) -> list[Layer]:
    """A round hole: its wall towards the lamp lies in shadow, the far wall and the raised lip catch the light."""
    middle = _random_center(side) if centre is None else centre
    outline = _draw_blob(random, middle, radius, 0.06)
    angle = random.uniform(-0.5, 0.5) + math.pi / 4
    toward = np.array([math.cos(angle), math.sin(angle)], np.float32)
    lip, hole, shade = _blank_sheet(side), _blank_sheet(side), _blank_sheet(side)
    _fill_shape(lip, middle + (outline - middle) * 1.15)
    _fill_shape(hole, outline)
    _fill_shape(shade, middle + (outline - middle) * 0.8 - toward * radius * 0.22)
    far = np.clip(_coat_alpha(lip, 0.5) - _coat_alpha(shade, radius * 0.18), 0, 1)
    y, x = np.mgrid[: len(far), : len(far)].astype(np.float32)
    facing = np.clip(((x - middle[0]) * toward[0] + (y - middle[1]) * toward[1]) / radius, 0, 1)
    return [
        Layer(_coat_alpha(hole, 0.6), (random.uniform(0.50, 0.65),) * 3, 0.0),
        Layer(_coat_alpha(shade, radius * 0.15), (random.uniform(0.40, 0.55),) * 3, 0.0),
        Layer(far * facing, (1.0,) * 3, random.uniform(0.20, 0.34)),
    ]


def _inclusion_layers(random: Random, side: float, radius: float) -> list[Layer]:
    """A foreign particle pressed into the surface: angular, of another material, with a thin seam around it."""
    corners = int(random.integers(7, 11))
    turns = np.sort(np.linspace(0, 2 * math.pi, corners, endpoint=False) + random.uniform(-0.3, 0.3, corners))
    reach = radius * random.uniform(0.65, 1.25, corners)
    middle = _random_center(side)
    outline = (middle + np.stack([reach * np.cos(turns), reach * np.sin(turns)], axis=1)).astype(np.float32)
    body, seam, facet = _blank_sheet(side), _blank_sheet(side), _blank_sheet(side)
    _fill_shape(body, outline)
    _draw_stroke(seam, np.concatenate([outline, outline[:1]]), max(0.8, radius * 0.07))
    half = np.concatenate([outline[: corners // 2 + 1], middle[None]])
    _fill_shape(facet, half.astype(np.float32))
    gains = ((0.50, 0.48, 0.50), (0.78, 0.60, 0.40), (0.55, 0.62, 0.72))
    gain = gains[int(random.integers(len(gains)))]
    flesh = _coat_alpha(body, 0.5)
    speckle = np.clip(0.5 + 0.5 * smooth_noise(random, len(flesh), len(flesh), 0.9, 0.9), 0, 1)
    return [
        Layer(flesh, gain, 0.02),
        Layer(flesh * speckle, (0.82,) * 3, 0.0),
        Layer(_coat_alpha(facet, 0.8), (1.0,) * 3, random.uniform(0.05, 0.11)),
        Layer(_coat_alpha(seam, 0.5), (random.uniform(0.45, 0.6),) * 3, 0.0),
    ]


def _crack_layers(random: Random, scale: float, side: float, length: float) -> list[Layer]:
    """A dark jagged line with branches, widest where it began."""
    sheet = _blank_sheet(side)
    angle = _slant_points(random)
    steps = max(6, int(length / (5 * scale)))
    pace = length / steps
    start = _random_center(side) - np.array([math.cos(angle), math.sin(angle)], np.float32) * length / 2

    def walk(begin: Floats, heading: float, count: int, width: float, branches: int) -> None:
        turns = heading + random.uniform(-0.75, 0.75, count)
        path = begin + np.concatenate(
            [np.zeros((1, 2)), np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1) * pace, axis=0)]
        )
        _draw_stroke(sheet, path.astype(np.float32), np.linspace(width, width * 0.5, len(path)).astype(np.float32))
        for _ in range(branches):
            at = int(random.integers(1, max(2, count - 2)))
            side_turn = random.choice([-1, 1]) * random.uniform(0.6, 1.1)
            walk(path[at].astype(np.float32), heading + side_turn, max(2, count // 3), width * 0.65, 0)

    walk(start, angle, steps, random.uniform(1.2, 2.0) * scale, int(random.integers(1, 4)))
    return [
        # The edges of the crack stand up a little and shade the surface beside it.
        Layer(_coat_alpha(sheet, 1.6 * scale), (0.80,) * 3, 0.0),
        Layer(_coat_alpha(sheet, 0.35), (random.uniform(0.25, 0.45),) * 3, 0.0),
    ]


def _draw_scratch(random: Random, scale: float) -> Defect:
    length = random.uniform(42, 105) * scale
    return Defect(tuple(_scratch_layers(random, scale, length + 20 * scale, length)), frozenset({"scratch"}))


def _draw_pit(random: Random, scale: float) -> Defect:
    radius = random.uniform(4.5, 8.5) * scale
    return Defect(tuple(_pit_layers(random, radius * 4, radius)), frozenset({"pit"}))


def _draw_stain(random: Random, scale: float) -> Defect:
    radius = random.uniform(14, 34) * scale
    layers = _stain_layers(random, radius * 4.4, radius, random.uniform(0.65, 1.0))
    return Defect(tuple(layers), frozenset({"stain"}))


def _draw_inclusion(random: Random, scale: float) -> Defect:
    radius = random.uniform(7, 15) * scale
    return Defect(tuple(_inclusion_layers(random, radius * 3.2, radius)), frozenset({"inclusion"}))


def _draw_crack(random: Random, scale: float) -> Defect:
    length = random.uniform(38, 85) * scale
    return Defect(tuple(_crack_layers(random, scale, length * 2.2, length)), frozenset({"crack"}))


def _stained_scratch(random: Random, scale: float) -> Defect:
    radius = random.uniform(20, 32) * scale
    side = radius * 4.4
    stain = _stain_layers(random, side, radius, random.uniform(0.75, 1.0))
    return Defect(
        (*stain, *_scratch_layers(random, scale, side, radius * random.uniform(1.7, 2.6))),
        frozenset({"scratch", "stain"}),
    )


def _cracked_inclusion(random: Random, scale: float) -> Defect:
    radius = random.uniform(9, 14) * scale
    length = radius * random.uniform(3.6, 5)
    side = length * 2.2
    return Defect(
        (*_crack_layers(random, scale, side, length), *_inclusion_layers(random, side, radius)),
        frozenset({"inclusion", "crack"}),
    )


def _corroded_pit(random: Random, scale: float) -> Defect:
    radius = random.uniform(17, 26) * scale
    side = radius * 4.4
    stain = _stain_layers(random, side, radius, random.uniform(0.75, 1.0))
    pit = _pit_layers(
        random,
        side,
        random.uniform(6, 9) * scale,
        _random_center(side) + random.uniform(-4, 4, 2).astype(np.float32) * scale,
    )
    return Defect((*stain, *pit), frozenset({"pit", "stain"}))


DEFECTS: tuple[Callable[[Random, float], Defect], ...] = (
    _draw_scratch,
    _draw_pit,
    _draw_stain,
    _draw_inclusion,
    _draw_crack,
    _stained_scratch,
    _cracked_inclusion,
    _corroded_pit,
)
SHARES = (0.18, 0.18, 0.14, 0.17, 0.16, 0.07, 0.05, 0.05)
