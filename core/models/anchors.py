"""Anchors fitted to a project: which box shapes the network looks for, on which of its feature maps.

numpy only, so that the window can say what a model will reach before torch is loaded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core import geometry

Floats = NDArray[np.floating]
REACH_IOU = 0.5
ENOUGH_REACH = 0.95
# More shapes cost time and make near copies of each other; they are added until enough boxes are reached.
SHAPE_COUNTS = (4, 6, 9, 12)
AMPLE_REACH = 0.98
# Where even those leave too many boxes out, such as long thin ones of every length, as many more as bring so much.
MORE_SHAPES = (16, 20, 24)
REAL_GAIN = 0.01
# Side of the smallest shapes of a shared set, in cells, best first: below 2.8, a box that lies between two cells is lost.
SHARED_SIDES = (2.83, 4.0, 2.0)


@dataclass(frozen=True, slots=True)
class Anchors:
    """Anchor shapes by feature map. A map without shapes predicts nothing and is not computed."""

    strides: tuple[int, ...]  # input pixels from one cell to the next, finest map first
    shapes: tuple[tuple[tuple[float, float], ...], ...]  # (width, height) in input pixels, by map

    def __post_init__(self) -> None:
        if len(self.strides) != len(self.shapes):
            raise ValueError(f"{len(self.strides)} strides for shapes of {len(self.shapes)} maps")
        if self.strides and not any(self.shapes):
            raise ValueError("there are no anchor shapes")
        if any(stride <= 0 for stride in self.strides):
            raise ValueError(f"strides must be positive: {self.strides}")
        if not all(0 < side < math.inf for level in self.shapes for shape in level for side in shape):
            raise ValueError("anchor shapes must have positive finite sides")

    @property
    def used_levels(self) -> int:
        """How many maps are needed, counted from the finest."""
        return max((level + 1 for level, shapes in enumerate(self.shapes) if shapes), default=0)

    @property
    def points(self) -> bool:
        """Whether these are not anchors but points, which are kept as a square of a cell's size on every map."""
        cells = tuple(((float(stride), float(stride)),) for stride in self.strides)
        return bool(self.strides) and self.shapes == cells

    def to_json(self) -> dict[str, Any]:
        return {"strides": list(self.strides), "shapes": [[list(shape) for shape in level] for level in self.shapes]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Anchors:
        """Raises KeyError, TypeError or ValueError if `values` are not anchors."""
        return cls(
            tuple(int(stride) for stride in values["strides"]),
            tuple(tuple((float(w), float(h)) for w, h in level) for level in values["shapes"]),
        )


NO_ANCHORS = Anchors((), ())  # of a model that finds no boxes


def fit_anchors(boxes: Floats, strides: Sequence[int], count: int = 9, seed: int = 0) -> Anchors:
    """Anchors for `boxes` (n, 4), in pixels of the network's input, on maps with these `strides`.

    Shapes are the centres of k-means clusters under 1 - IoU of centred boxes (Redmon and Farhadi,
    YOLO9000, section 2). Each goes to the coarsest map on which a box of that shape, lying as badly as it
    can between two cells, is still reached. Without boxes, shapes of a generic set are used.
    """
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    sides = sides[(sides > 0).all(axis=1)]
    if len(sides) == 0:
        base = np.array([(1.0, 1.0), (1.6, 0.7), (0.7, 1.6)])
        sides = np.concatenate([base * strides[0] * 2.5 * 1.8**power for power in range(4)])
    shapes = _cluster_shapes(sides, count, np.random.default_rng(seed))
    levels: list[list[tuple[float, float]]] = [[] for _ in strides]
    for width, height in sorted(shapes.tolist(), key=lambda shape: shape[0] * shape[1]):
        fitting = [level for level, stride in enumerate(strides) if _worst_iou(width, height, stride) >= REACH_IOU]
        levels[max(fitting, default=0)].append((round(width, 2), round(height, 2)))
    return Anchors(tuple(strides), tuple(tuple(level) for level in levels))


def fit_shared(boxes: Floats, strides: Sequence[int], count: int = 6, seed: int = 0) -> Anchors:
    """Anchors for a head that all maps share: one set of shapes, in cells, so that it means the same on every map.

    Boxes (n, 4) in pixels of the network's input go to maps by the root of their area, an octave each, as in a
    feature pyramid (Lin et al., Feature Pyramid Networks, equation 1); their shapes in cells are clustered together.
    Maps without boxes get none. Where an octave begins is what lets most boxes be reached.
    """
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    boxes, sides = boxes[(sides > 0).all(axis=1)], sides[(sides > 0).all(axis=1)]
    if len(sides) == 0:
        base = np.array([(1.0, 1.0), (1.6, 0.7), (0.7, 1.6)])
        cells = np.concatenate([base * 3 * 2 ** (part / 2) for part in range(2)])[:count]
        return _scale_boxes(cells, strides, range(len(strides)))
    tried = [_fit_octaves(sides, strides, count, smallest, seed) for smallest in SHARED_SIDES]
    return max(tried, key=lambda anchors: round(reachable_share(boxes, anchors), 2))


def fit_points(boxes: Floats, strides: Sequence[int]) -> Anchors:
    """One square of a cell's size on every map: for models that predict from points, whatever the boxes."""
    del boxes
    return _scale_boxes(np.ones((1, 2)), strides, range(len(strides)))


def fit_enough(
    boxes: Floats, strides: Sequence[int], layout: Literal["own", "shared", "points"], shapes: int = 0
) -> Anchors:
    """Anchors in the layout of a model, of `shapes` shapes; 0: the fewest that reach ample of the boxes.

    None for a model that has no maps to find boxes on.
    """
    if not strides:
        return NO_ANCHORS
    if layout == "points":
        return fit_points(boxes, strides)
    fitting = fit_anchors if layout == "own" else fit_shared
    for count in (shapes,) if shapes else SHAPE_COUNTS:
        fitted = fitting(boxes, strides, count)
        reach = reachable_share(boxes, fitted)
        if reach >= AMPLE_REACH:
            break
    return fitted if shapes or reach >= ENOUGH_REACH else _add_shapes(boxes, fitted, reach, fitting)


def _add_shapes(boxes: Floats, fitted: Anchors, reach: float, fitting: Callable[..., Anchors]) -> Anchors:
    """Anchors of more shapes, where they bring a real gain; `fitted` if none do."""
    for count in MORE_SHAPES:
        more = fitting(boxes, fitted.strides, count)
        found = reachable_share(boxes, more)
        if found >= reach + REAL_GAIN:
            fitted, reach = more, found
        if reach >= AMPLE_REACH:
            break
    return fitted


def reachable_share(boxes: Floats, anchors: Anchors, iou: float = REACH_IOU) -> float:
    """Share of `boxes` (n, 4), in pixels of the network's input, that some anchor overlaps by at least `iou`.

    1.0 without boxes. A box that no anchor reaches can hardly be learnt. Points reach the boxes that hold one of the
    finest map, wherever they lie.
    """
    return float(reached_boxes(boxes, anchors, iou).mean()) if len(boxes) else 1.0


def reached_boxes(boxes: Floats, anchors: Anchors, iou: float = REACH_IOU) -> NDArray[np.bool_]:
    """Which of `boxes` (n, 4) some anchor, or point, reaches: see `reachable_share`."""
    if anchors.points:
        return np.asarray(((boxes[:, 2:] - boxes[:, :2]) >= anchors.strides[0]).all(axis=1), np.bool_)
    return np.asarray(best_overlap(boxes, anchors) >= iou, np.bool_)


def best_overlap(boxes: Floats, anchors: Anchors) -> NDArray[np.float64]:
    """IoU of each box with its best anchor, shape (n,): that of each shape at the nearest cell centre."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    best = np.zeros(len(boxes))
    for stride, shapes in zip(anchors.strides, anchors.shapes, strict=True):
        nearest = (np.floor(centres / stride) + 0.5) * stride
        for width, height in shapes:
            half = np.array([width, height]) / 2
            low = np.maximum(nearest - half, boxes[:, :2])
            high = np.minimum(nearest + half, boxes[:, 2:])
            overlap = np.maximum(high - low, 0).prod(axis=1)
            union = geometry.box_area(boxes) + width * height - overlap
            best = np.maximum(best, overlap / union)
    return best


def input_shape(size: int, images: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Width and height of the network's input, of about `size` * `size` pixels, with the images' aspect ratio.

    `images`: (width, height) of each. The median ratio is taken (at most 4 to 1), so that pictures from one
    camera are not squeezed. Sides are multiples of 4, as `size` is; images that are nearly square give
    exactly `size`.
    """
    if not images:
        return size, size
    ratio = float(np.median([math.log(width / height) for width, height in images]))
    ratio = min(max(ratio, -math.log(4)), math.log(4))
    if abs(ratio) < 0.05:
        return size, size
    step = 4
    width = round(size * math.exp(ratio / 2) / step) * step
    height = round(size * math.exp(-ratio / 2) / step) * step
    return max(width, step), max(height, step)


def _worst_iou(width: float, height: float, stride: int) -> float:
    """IoU of a box with an anchor of its own shape that is half a cell away in both directions."""
    overlap = max(width - stride / 2, 0) * max(height - stride / 2, 0)
    return overlap / (2 * width * height - overlap)


def _fit_octaves(sides: NDArray[np.float64], strides: Sequence[int], count: int, smallest: float, seed: int) -> Anchors:
    """Shared anchors where boxes with sides (n, 2) from `smallest` cells up belong to the finest map."""
    octave = np.log2(np.sqrt(sides.prod(axis=1)) / (strides[0] * smallest))
    level = np.clip(np.floor(octave), 0, len(strides) - 1).astype(int)
    cells = _cluster_shapes(sides / np.asarray(strides, np.float64)[level, None], count, np.random.default_rng(seed))
    return _scale_boxes(cells, strides, range(int(level.min()), int(level.max()) + 1))


def _scale_boxes(cells: NDArray[np.float64], strides: Sequence[int], used: range) -> Anchors:
    """Shapes (n, 2) in cells on each of the maps in `used`."""
    ordered = sorted(cells.tolist(), key=lambda shape: shape[0] * shape[1])
    return Anchors(
        tuple(strides),
        tuple(
            tuple((round(w * stride, 2), round(h * stride, 2)) for w, h in ordered) if level in used else ()
            for level, stride in enumerate(strides)
        ),
    )


def _cluster_shapes(sides: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """`count` typical (width, height) rows of `sides` (n, 2); fewer where there are fewer distinct ones."""
    if len(sides) > 20_000:
        sides = sides[rng.choice(len(sides), 20_000, replace=False)]
    distinct = np.unique(sides, axis=0)
    if len(distinct) <= count:
        return distinct
    # Seeded by quantiles of area and ratio, so that rare long shapes get a centre of their own.
    order = np.lexsort((np.log(sides[:, 0] / sides[:, 1]), np.log(sides.prod(axis=1)).round(1)))
    centres = sides[order[np.linspace(0, len(sides) - 1, count).round().astype(int)]].copy()
    for _ in range(50):
        nearest = _shape_iou(sides, centres).argmax(axis=1)
        moved = np.array(
            [
                np.median(sides[nearest == k], axis=0) if (nearest == k).any() else sides[rng.integers(len(sides))]
                for k in range(count)
            ]
        )
        if np.allclose(moved, centres):
            break
        centres = moved
    return np.unique(centres, axis=0)


def _shape_iou(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    overlap = np.minimum(first[:, None], second[None]).prod(axis=2)
    union = first.prod(axis=1)[:, None] + second.prod(axis=1)[None] - overlap
    iou: NDArray[np.float64] = overlap / union
    return iou
