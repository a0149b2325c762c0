"""Pictures put together from several, with the boxes that can be seen in them.

Mosaic and CutMix cut and never shrink: small defects keep their pixels. A box that is covered or cut is taught as the
part that is left, if that is still `min_visible` of the whole defect, as in every other picture; otherwise what is left
is ignored, for it is no background. A blend shows both
pictures about equally, so that all boxes are there to be found (MixUp for detection: Zhang et al., Bag of Freebies for
Training Object Detection Neural Networks, 2019; the narrow spread: Ultralytics, Beta(32, 32)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core import geometry
from core.augmentation.pipeline import Augmented
from core.recipe.parts import Mixing

# Places that are tried for a cut; the one that cuts the fewest boxes is taken.
TRIES = 6
# Where a mosaic's four parts meet, and how long a patch's sides are, as fractions of the picture's.
_MEETING = (0.3, 0.7)
_PATCH = (0.3, 0.7)
_BLEND = 32.0
_SLIVER = 1e-6

Boxes = NDArray[np.float32]
Random = np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What the network is shown, and what is taught on it."""

    image: NDArray[np.uint8]  # (h, w, 3)
    boxes: Boxes  # (m, 4) x1 y1 x2 y2 in pixels, inside the picture
    labels: NDArray[np.bool_]  # (m, k); none: of this box it is taught neither that it is a defect nor that it is none
    visible: NDArray[np.float32]  # (m,) fraction of each defect that is inside its box

    @classmethod
    def of(cls, augmented: Augmented) -> Picture:
        """The taught boxes, and after them what is seen of those that are cut too much."""
        spared = augmented.spared
        return cls(
            augmented.image,
            np.concatenate([augmented.boxes, spared]),
            np.concatenate([augmented.labels, np.zeros((len(spared), augmented.labels.shape[1]), np.bool_)]),
            np.concatenate([augmented.visible[augmented.kept], np.zeros(len(spared), np.float32)]),
        )


def mix_pictures(
    first: Picture, partner: Callable[[int], Picture], mixing: Mixing, min_visible: float, random: Random
) -> Picture:
    """`first` made a mosaic, patched and blended, each with the recipe's chance.

    `partner(n)` gives the further pictures, of the same size, n from 0; only those that are needed are asked for.
    """
    # All chances are drawn, so that one control does not change what another does.
    chances = random.random(3)
    count = 0

    def another() -> Picture:
        nonlocal count
        count += 1
        return partner(count - 1)

    picture = first
    if chances[0] < mixing.mosaic:
        picture = make_mosaic([picture, another(), another(), another()], min_visible, random)
    if chances[1] < mixing.cutmix:
        picture = paste_patch(picture, another(), min_visible, random)
    if chances[2] < mixing.mixup:
        picture = blend_pictures(picture, another(), random)
    return picture


def make_mosaic(pictures: list[Picture], min_visible: float, random: Random) -> Picture:
    """Four pictures of one size around a meeting point, of each a part at its own scale."""
    height, width = pictures[0].image.shape[:2]
    meeting = random.uniform(*_MEETING, 2)
    x, y = round(width * meeting[0]), round(height * meeting[1])
    image = np.empty_like(pictures[0].image)
    parts = []
    for picture, (x1, y1, x2, y2) in zip(
        pictures, [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)], strict=True
    ):
        draws = random.random((TRIES, 2))
        room = np.array([width - (x2 - x1), height - (y2 - y1)])
        corners = np.floor(draws * (room + 1))
        windows = np.concatenate([corners, corners + np.array([x2 - x1, y2 - y1])], axis=1)
        left, top, right, bottom = windows[_fewest_cut(windows, [picture.boxes])].astype(int).tolist()
        image[y1:y2, x1:x2] = picture.image[top:bottom, left:right]
        parts.append(_cut_out(picture, (left, top, right, bottom), (x1 - left, y1 - top), min_visible))
    return _join_boxes(image, parts)


def paste_patch(under: Picture, over: Picture, min_visible: float, random: Random) -> Picture:
    """`under` with a rectangle of `over` pasted over it, at the place where it was (CutMix: Yun et al., 2019)."""
    height, width = under.image.shape[:2]
    sides = np.maximum(1, np.rint(random.uniform(*_PATCH, (TRIES, 2)) * [width, height]))
    corners = np.floor(random.random((TRIES, 2)) * (np.array([width, height]) - sides + 1))
    windows = np.concatenate([corners, corners + sides], axis=1)
    window = windows[_fewest_cut(windows, [under.boxes, over.boxes])]
    left, top, right, bottom = window.astype(int).tolist()
    image = under.image.copy()
    image[top:bottom, left:right] = over.image[top:bottom, left:right]
    covered = _covered_share(under, window.astype(np.float32), min_visible)
    return _join_boxes(image, [covered, _cut_out(over, (left, top, right, bottom), (0, 0), min_visible)])


def blend_pictures(first: Picture, second: Picture, random: Random) -> Picture:
    """Both pictures, half transparent."""
    share = float(random.beta(_BLEND, _BLEND))
    image = np.asarray(cv2.addWeighted(first.image, share, second.image, 1 - share, 0), np.uint8)
    return _join_boxes(image, [(p.boxes, p.labels, p.visible) for p in (first, second)])


_Part = tuple[Boxes, NDArray[np.bool_], NDArray[np.float32]]


def _join_boxes(image: NDArray[np.uint8], parts: list[_Part]) -> Picture:
    boxes, labels, visible = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Picture(image, boxes, labels, visible)


def _fewest_cut(windows: NDArray[np.float64], sets: list[Boxes]) -> int:
    """The window that the fewest boxes are partly in."""
    cut = np.zeros(len(windows), np.intp)
    for boxes in sets:
        inside = geometry.box_intersection(windows, boxes.astype(np.float64))
        whole = geometry.box_area(boxes).astype(np.float64)
        cut += ((inside > _SLIVER * whole) & (inside < (1 - _SLIVER) * whole)).sum(axis=1)
    return int(cut.argmin())


def _cut_out(picture: Picture, window: tuple[int, int, int, int], offset: tuple[int, int], min_visible: float) -> _Part:
    """The boxes seen in a window of a picture, moved by `offset`."""
    left, top, right, bottom = window
    low, high = np.array([left, top] * 2, np.float32), np.array([right, bottom] * 2, np.float32)
    inside = np.clip(picture.boxes, low, high)
    return _visible_rest(
        picture, inside + np.array(offset * 2, np.float32), _random_share(inside, picture.boxes), min_visible
    )


def _covered_share(picture: Picture, patch: Boxes, min_visible: float) -> _Part:
    """The boxes of a picture of which something is seen beside a patch (4,); each the hull of what is left of it."""
    boxes = picture.boxes.copy()
    overlap = np.concatenate([np.maximum(boxes[:, :2], patch[:2]), np.minimum(boxes[:, 2:], patch[2:])], axis=1)
    overlap[:, 2:] = np.maximum(overlap[:, 2:], overlap[:, :2])
    hidden = _random_share(overlap, boxes)
    for axis in (0, 1):
        other = 1 - axis
        # Only a patch across the whole box takes a side away; of a covered corner or middle the hull stays.
        across = (patch[other] <= boxes[:, other]) & (patch[other + 2] >= boxes[:, other + 2]) & (hidden > 0)
        before, after = patch[axis] <= picture.boxes[:, axis], patch[axis + 2] >= picture.boxes[:, axis + 2]
        low, high = across & before & ~after, across & after & ~before
        boxes[low, axis] = patch[axis + 2]
        boxes[high, axis + 2] = patch[axis]
    return _visible_rest(picture, boxes, 1 - hidden, min_visible)


def _random_share(part: Boxes, whole: Boxes) -> NDArray[np.float32]:
    share = geometry.box_area(part) / np.maximum(geometry.box_area(whole), np.finfo(np.float32).tiny)
    return np.asarray(np.where(share > 1 - _SLIVER, 1, np.where(share < _SLIVER, 0, share)), np.float32)


def _visible_rest(picture: Picture, boxes: Boxes, share: NDArray[np.float32], min_visible: float) -> _Part:
    visible = picture.visible * share
    # What augmentation let pass with nothing more covered passes here, too.
    enough = (visible >= np.float32(min_visible)) | (share == 1)
    seen = share > 0  # the least bit of a defect must not become background
    return boxes[seen], (picture.labels & enough[:, None])[seen], visible[seen]
