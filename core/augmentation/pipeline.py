"""From an image and its boxes to one picture as the network will see it.

Training and the window's previews run this very code with the same seeds. It is numpy and OpenCV only: the
window must preview without loading torch, and one matrix and one warp are several times faster than a chain
of tensor operations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core import geometry
from core.augmentation import placement
from core.augmentation.config import AugmentationConfig
from core.augmentation.draws import Draws
from core.augmentation.photometry import change_colors
from core.augmentation.pixels import Pixels, Plain, Turned
from core.augmentation.warp import warp

# A sliver of a box that rounding leaves at the edge of a crop is not a visible part.
_SLIVER = 1e-6
_ROUNDING = 1e-9
# A box that is this many times as long as it is wide looks the same wherever a crop cuts it across.
ELONGATED = 3.0

Clipped = Literal["ignore", "teach"]


@dataclass(frozen=True, slots=True)
class View:
    """What the network sees of an image.

    whole: all of it, stretched to `size`. crop: a window of `size` at native resolution, around `centre` if
    that is given; otherwise with chance `on_box` placed at random around one of the boxes, else anywhere.

    `clipped`: what becomes of a long thin box of which a crop shows only a part, see `teaches_part`.
    """

    size: tuple[int, int]  # width, height in output pixels
    mode: Literal["whole", "crop"]
    on_box: float = 0.8
    centre: tuple[float, float] | None = None  # x, y in pixels of the image
    clipped: Clipped = "ignore"

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(f"a view needs pixels, not {self.size}")


@dataclass(frozen=True, slots=True, eq=False)
class Augmented:
    """One picture with the boxes that are taught on it, and what became of the others."""

    image: NDArray[np.uint8]  # (h, w, 3), of the view's size
    boxes: NDArray[np.float32]  # (m, 4) x1 y1 x2 y2 in output pixels, inside the picture
    labels: NDArray[np.bool_]  # (m, k)
    kept: NDArray[np.intp]  # (m,) the source row of each box
    visible: NDArray[np.float32]  # (n,) fraction of each source box that is inside the picture
    hulls: NDArray[np.float32]  # (n, 4) every source box in output pixels, also outside the picture
    lost: int  # boxes that a view of the whole image no longer shows; 0 for a crop, which shows a part by design
    cut: int  # boxes that are partly visible, but too little of them to be taught
    spared: NDArray[np.float32]  # (cut, 4) what is visible of those: neither a defect that is taught nor background


def augment(
    image: NDArray[np.uint8] | Pixels,
    boxes: NDArray[np.float32],
    labels: NDArray[np.bool_],
    config: AugmentationConfig,
    seed: int,
    view: View,
    size: tuple[int, int] | None = None,
) -> Augmented:
    """One picture of `view.size` from `image` (h, w, 3), drawn by `seed` alone.

    `image` may be a smaller version of the image (see `views.kept_size`): then `size` is the image's own width and
    height, in which boxes are given and everything is drawn, so that only the pixels differ, and they only in
    sharpness.

    `boxes` (n, 4) are x1 y1 x2 y2 in continuous pixels of the image (pixel i covers i to i + 1), `labels`
    (n, k) their label sets. A turned box becomes the upright one of `placement.move_boxes`; what is visible of it is
    the part of that inside the picture. Boxes visible by less than `config.min_visible` are not taught, and what is
    seen of them is `spared`; one with no label is ignored in training, so it stays as long as anything of it is visible.
    With nothing switched on, the pixels are those of the image, resized or cut and not touched otherwise.
    """
    pixels = _check_boxes(image, boxes, labels)
    own = size or pixels.size
    random = np.random.Generator(np.random.SFC64(seed))
    draws = Draws.of(random)
    crops = random.random((placement.CROP_TRIES, 4))
    source = np.asarray(boxes, np.float64)
    if draws.quarter_turn < config.quarter_turn:
        # First of all and as another image, so that whatever is exact for an upright one stays so.
        turn = placement.quarter_turn(own[1])
        pixels, own, source, view = (
            Turned(pixels),
            own[::-1],
            placement.box_hulls(turn, source),
            _turn_quarters(view, turn),
        )
    # A box with no label is ignored, not taught: no picture is made for its sake.
    taught = source[np.asarray(labels, np.bool_).any(axis=1)] if len(source) else source
    matrix = _compose_matrix(own, taught, config, draws, crops, view)
    from_kept = (
        matrix
        if own == pixels.size
        else _snap_boxes(matrix @ placement.scaling(own[0] / pixels.size[0], own[1] / pixels.size[1]))
    )
    picture = change_colors(warp(pixels, from_kept, view.size), config, draws, random)
    return _place_boxes(picture, placement.move_boxes(matrix, source), labels, config, view)


def _turn_quarters(view: View, turn: placement.Matrix) -> View:
    """What sees of the turned image what `view` sees of the upright one."""
    if view.centre is None:
        return view
    x, y, _ = (turn @ [*view.centre, 1.0]).tolist()
    return replace(view, centre=(x, y))


def _compose_matrix(
    source: tuple[int, int],
    boxes: NDArray[np.float64],
    config: AugmentationConfig,
    draws: Draws,
    crops: NDArray[np.float64],
    view: View,
) -> placement.Matrix:
    """Source pixels to output pixels, everything composed."""
    linear = placement.linear_part(config, draws)
    if view.mode == "whole":
        matrix = placement.whole_matrix(linear, source, view.size)
    else:
        matrix = placement.window_matrix(linear, source, view.size, boxes, view.on_box, draws, view.centre)
    matrix = placement.shift_part(config, draws, view.size) @ matrix
    if draws.crop >= config.crop:
        return matrix
    # Last, because only in the finished picture is it known which boxes an edge would cut.
    present = np.asarray(geometry.clip_boxes(placement.move_boxes(matrix, boxes), *view.size), np.float64)
    window = placement.whole_box_window(present[geometry.box_area(present) > 0], view.size, config.crop_smallest, crops)
    if window is None:
        return matrix
    sides = window[2:] - window[:2]
    enlarge = placement.scaling(view.size[0] / sides[0], view.size[1] / sides[1])
    return enlarge @ placement.translation(*-window[:2]) @ matrix


def _place_boxes(
    picture: NDArray[np.uint8],
    hulls: NDArray[np.float64],
    labels: NDArray[np.bool_],
    config: AugmentationConfig,
    view: View,
) -> Augmented:
    clipped = geometry.clip_boxes(hulls, *view.size)
    visible = geometry.box_area(clipped) / np.maximum(geometry.box_area(hulls), np.finfo(np.float64).tiny)
    visible[visible < _SLIVER] = 0
    visible[visible > 1 - _SLIVER] = 1
    inside = visible > 0
    # Of an ignored box the least bit must not become background.
    unknown = ~np.asarray(labels, np.bool_).any(axis=1)
    enough = visible >= config.min_visible
    if view.mode == "crop" and view.clipped == "teach":
        enough |= teaches_part(_sides(hulls), _sides(clipped), config.min_visible)
    kept, cut = np.flatnonzero(inside & (enough | unknown)), inside & ~enough & ~unknown
    return Augmented(
        image=picture,
        boxes=clipped[kept].astype(np.float32),
        labels=labels[kept],
        kept=kept,
        visible=visible.astype(np.float32),
        hulls=hulls.astype(np.float32),
        lost=int((~inside).sum()) if view.mode == "whole" else 0,
        cut=int(cut.sum()),
        spared=clipped[cut].astype(np.float32),
    )


def teaches_part(sides: NDArray[np.float64], seen: NDArray[np.float64], min_visible: float) -> NDArray[np.bool_]:
    """Whether the part of a box that a crop shows is taught as a box of its own, (n,).

    `sides`: width and height (n, 2) of whole boxes, `seen`: of what is visible of them. The box is long and thin, the
    crop shows `min_visible` of its breadth, and at least as much of its length as it is wide: a piece of a scratch.
    """
    across, along = sides.argmin(axis=1), sides.argmax(axis=1)
    row = np.arange(len(sides))
    breadth, length = sides[row, across], sides[row, along]
    return np.asarray(
        (length >= ELONGATED * breadth) & (seen[row, across] >= min_visible * breadth) & (seen[row, along] >= breadth),
        np.bool_,
    )


def _sides(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(boxes[:, 2:] - boxes[:, :2], np.float64)


def _snap_boxes(matrix: placement.Matrix) -> placement.Matrix:
    """Without the rounding errors of a composition, which would make a plain copy a resampling."""
    whole = np.rint(matrix)
    return np.where(np.abs(matrix - whole) < _ROUNDING, whole, matrix)


def _check_boxes(image: NDArray[np.uint8] | Pixels, boxes: NDArray[np.float32], labels: NDArray[np.bool_]) -> Pixels:
    if boxes.ndim != 2 or boxes.shape[1] != 4 or labels.ndim != 2 or len(labels) != len(boxes):
        raise ValueError(f"boxes {boxes.shape} and labels {labels.shape} must be (n, 4) and (n, k)")
    if not isinstance(image, np.ndarray):
        return image
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"the image must be uint8 of shape (h, w, 3), not {image.dtype} of {image.shape}")
    return Plain(image)
