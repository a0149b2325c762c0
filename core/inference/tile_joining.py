"""From what a network found in overlapping tiles to the defects of the image: one detection for each, however long.

A tile shows of a defect the part that lies inside it. A side of a part is *open* where it lies on a border that its tile
has inside the image: the defect may go on there. Two parts of different tiles are of one defect if

agreement    in the region that both tiles see, they say the same: their boxes, cut to it, coincide (`AGREES`). An open side
             goes on to the region's end, as no more than that is known of it. Where tiles only touch, a few pixels on
             either side of the border are the region, so that two open sides with equal cross-sections agree.
slant        or both are open towards each other and are pieces of one slanted line, whose box grows with the length of it
             that a tile shows. Tried of sides at which a part agrees with none; it wants an overlap of 64 px.
labels       and they carry the same set: of scores relative to each part's best, none differs by half or more.

Links are taken best first, by agreement and the weaker score; a defect has one part in a tile at most, so parallel
neighbours never run together. What follows from a chain of links is one detection: each side is that of the outermost
part, averaged with those that end within a few pixels of it, closed ones before open ones; if one part saw all of the
defect, its box is taken as it is. The score of each label is the highest of any part: joining never hides what a part
alone would have shown. What is open still and lies inside of a detection that is joined, or has no open side, is a piece of it.

What a network says of a part is what its training taught it: a crop teaches the visible part of a box, cut at its border,
if at least the recipe's `min_visible` of the box is visible, which is what this module takes a part to be. Of less than
that it was taught nothing, so a defect much longer than the crops it learnt from may still come out short.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.geometry import box_area, box_iou

Doubles = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

SLACK = 4.0  # px by which a network misses a border, or an edge, that it sees
# Boxes are compared with this many pixels around them: of two pixels' error, a line four pixels wide would have no overlap.
_GROWN = 6.0
AGREES = 0.55  # IoU, in the common region, of parts of one defect
_NARROWEST = 4 * SLACK  # of a common region
_THICKEST = 64.0  # px, of a slanted line
_SLANT_ERROR = 0.06  # of the way from part to part, for the thickness of a line that bends
SAME_LABELS = 0.5  # relative scores that differ by this much are of another set of labels
_WEAKEST = 0.3  # of the better one's score: a part much fainter than another does not prolong it
_INSIDE = 0.9  # share of a part that lies inside of a box
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class TileParts:
    """What was found in the tiles of one image."""

    boxes: Doubles  # (n, 4) in pixels of the image
    scores: Doubles  # (n, k)
    tile: Ints  # (n,) row of `windows`
    windows: Doubles  # (t, 4), in pixels of the image
    size: tuple[int, int]  # width and height of the image

    def take(self, rows: Bools) -> TileParts:
        """Those of the parts."""
        return TileParts(self.boxes[rows], self.scores[rows], self.tile[rows], self.windows, self.size)

    def find_seen_best(self, margin: float) -> Bools:
        """Which parts (n,) are best seen in their own tile: not those whose centre is in the outer half of an overlap.

        Of such a part the neighbouring tile shows all, or more. `margin`: half of the overlap. Parts about as near to
        one tile as to the other are left to both, or an error of two pixels would make them vanish from both.
        """
        centre = (self.boxes[:, :2] + self.boxes[:, 2:]) / 2
        window = self.windows[self.tile]
        low = np.where(window[:, :2] > 0, window[:, :2] + margin - SLACK, -np.inf)
        high = np.where(window[:, 2:] < np.array(self.size), window[:, 2:] - margin + SLACK, np.inf)
        return np.asarray(((centre >= low) & (centre <= high)).all(axis=1))

    def find_open(self) -> Bools:
        """Which sides (n, 4) of each part lie on a border inside the image."""
        inner = np.concatenate([self.windows[:, :2] > 0, self.windows[:, 2:] < np.array(self.size)], axis=1)
        sign = np.array([1, 1, -1, -1])
        reach = sign * (self.boxes - self.windows[self.tile])
        return np.asarray(inner[self.tile] & (reach <= SLACK))


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Pairs of parts that may be of one defect: rows, and how well they fit."""

    first: Ints
    second: Ints
    quality: Doubles  # 0..1


def join_tiles(parts: TileParts) -> tuple[Doubles, Doubles, Ints]:
    """Boxes (m, 4) and scores (m, k) with the parts of each defect joined, and how many parts each has (m,).

    Parts that are linked to none are as they were.
    """
    is_open = parts.find_open()
    endless = np.where(is_open, np.array([-np.inf, -np.inf, np.inf, np.inf]), parts.boxes)
    neighbours = list(_list_neighbours(parts))
    agreeing = _keep_alike(parts, [link for near in neighbours for link in _find_agreeing(endless, *near)])
    ends = is_open & ~_find_continued(parts, agreeing)
    slanted = _keep_alike(parts, [link for near in neighbours for link in _find_slanted(parts.boxes, ends, *near)])
    return _join_owned(parts, is_open, _unite_parts(parts.tile, [agreeing, slanted]))


def _list_neighbours(parts: TileParts) -> Iterator[tuple[Ints, Ints, Doubles]]:
    """Parts of each two tiles that touch or overlap, and the region (4,) that both see."""
    order = np.argsort(parts.tile, kind="stable")
    tiles, starts = np.unique(parts.tile[order], return_index=True)
    rows = dict(zip(tiles.tolist(), np.split(order, starts[1:]), strict=True))
    for tile in tiles.tolist():
        later = tiles[tiles > tile]
        low = np.maximum(parts.windows[later, :2], parts.windows[tile, :2])
        high = np.minimum(parts.windows[later, 2:], parts.windows[tile, 2:])
        near = (high >= low).all(axis=1)
        missing = np.maximum(_NARROWEST - (high - low), 0) / 2
        regions = np.concatenate([low - missing, high + missing], axis=1)
        for other, region in zip(later[near].tolist(), regions[near], strict=True):
            yield rows[tile], rows[other], region


def _find_agreeing(endless: Doubles, one: Ints, other: Ints, region: Doubles) -> Iterator[Links]:
    """Parts of two tiles whose boxes coincide in the region that both see."""
    one, cut_one = _cut_to_region(endless, one, region)
    other, cut_other = _cut_to_region(endless, other, region)
    if not len(one) or not len(other):
        return
    for begin in range(0, len(one), _ROWS_AT_ONCE):
        iou = np.asarray(box_iou(_grow(cut_one[begin : begin + _ROWS_AT_ONCE]), _grow(cut_other)), np.float64)
        first, second = np.nonzero(iou >= AGREES)
        yield Links(one[begin + first], other[second], iou[first, second])


def _cut_to_region(boxes: Doubles, rows: Ints, region: Doubles) -> tuple[Ints, Doubles]:
    """Those of `rows` that lie in the region, and their boxes inside it."""
    low, high = np.maximum(boxes[rows, :2], region[:2]), np.minimum(boxes[rows, 2:], region[2:])
    there = (high > low).all(axis=1)
    return rows[there], np.concatenate([low[there], high[there]], axis=1)


def _grow(boxes: Doubles) -> Doubles:
    return np.asarray(boxes + np.array([-_GROWN, -_GROWN, _GROWN, _GROWN]))


def _find_slanted(boxes: Doubles, is_open: Bools, one: Ints, other: Ints, region: Doubles) -> Iterator[Links]:
    """Parts of two tiles that are open to each other and pieces of one slanted line.

    The line runs through the centres of both boxes, whatever its thickness; with its slope, each box tells how thick it
    is. Of a parallel neighbour, the thickness would be too large by the distance, or below zero: the thinnest fits best.
    """
    one, other = one[is_open[one].any(axis=1)], other[is_open[other].any(axis=1)]
    if not len(one) or not len(other):
        return
    first, second = boxes[one][:, None], boxes[other][None, :]
    low = np.maximum(np.maximum(first[..., :2], second[..., :2]), region[:2])
    high = np.minimum(np.minimum(first[..., 2:], second[..., 2:]), region[2:])
    way = (second[..., :2] + second[..., 2:] - first[..., :2] - first[..., 2:]) / 2
    forth, back = (np.concatenate([sign * way < 0, sign * way > 0], axis=2) for sign in (1, -1))
    facing = (forth & is_open[one][:, None]).any(axis=2) & (back & is_open[other][None, :]).any(axis=2)
    rows, columns = np.nonzero(facing & (high - low >= -SLACK).all(axis=2) & (np.abs(way).max(axis=2) > 0))
    way = np.abs(way[rows, columns])
    main = way.argmax(axis=1)
    slope = way.min(axis=1) / way.max(axis=1)
    thickness = np.empty((2, len(rows)))
    for row, sides in enumerate((_measure_sides(boxes[one[rows]]), _measure_sides(boxes[other[columns]]))):
        along, across = sides[np.arange(len(rows)), main], sides[np.arange(len(rows)), 1 - main]
        thickness[row] = across - slope * along
    error = 2 * SLACK + _SLANT_ERROR * way.max(axis=1)
    fits = (thickness >= -error).all(axis=0) & (thickness <= _THICKEST).all(axis=0)
    # The end of a thick line that a border cuts loses up to its thickness.
    fits &= np.abs(thickness[0] - thickness[1]) <= error + thickness.max(axis=0) / 2
    quality = 1 / (1 + np.abs(thickness).mean(axis=0)[fits])
    yield Links(one[rows[fits]], other[columns[fits]], quality)


def _measure_sides(boxes: Doubles) -> Doubles:
    return np.asarray(boxes[:, 2:] - boxes[:, :2])


def _keep_alike(parts: TileParts, links: list[Links]) -> Links:
    """Those of the links whose parts carry the same set of labels, best first."""
    none = np.zeros(0, np.intp)
    first, second = (np.concatenate([none, *(getattr(one, name) for one in links)]) for name in ("first", "second"))
    quality = np.concatenate([np.zeros(0), *(one.quality for one in links)])
    best = parts.scores.max(axis=1, initial=0)
    relative = parts.scores / np.maximum(best, 1e-12)[:, None]
    weaker, stronger = np.minimum(best[first], best[second]), np.maximum(best[first], best[second])
    alike = np.abs(relative[first] - relative[second]).max(axis=1, initial=0) < SAME_LABELS
    kept = np.flatnonzero(alike & (weaker >= _WEAKEST * stronger))
    kept = kept[np.argsort(-(quality * weaker)[kept], kind="stable")]
    return Links(first[kept], second[kept], quality[kept])


def _find_continued(parts: TileParts, links: Links) -> Bools:
    """Which sides (n, 4) of each part look towards a part that it may be joined to."""
    continued = np.zeros((len(parts.boxes), 4), bool)
    for own, other in ((links.first, links.second), (links.second, links.first)):
        way = parts.windows[parts.tile[other]] - parts.windows[parts.tile[own]]
        np.logical_or.at(continued, own, np.concatenate([way[:, :2] < 0, way[:, 2:] > 0], axis=1))
    return continued


def _unite_parts(tile: Ints, rounds: list[Links]) -> Ints:
    """Of each part (n,), one that stands for its defect: by links best first, those of one round before the next."""
    tiles, owners = [1 << number for number in tile.tolist()], list(range(len(tile)))

    def find_owner(row: int) -> int:
        while owners[row] != row:
            owners[row] = row = owners[owners[row]]
        return row

    for links in rounds:
        for first, second in zip(links.first.tolist(), links.second.tolist(), strict=True):
            one, other = find_owner(first), find_owner(second)
            if one != other and not tiles[one] & tiles[other]:
                owners[other] = one
                tiles[one] |= tiles[other]
    return np.array([find_owner(row) for row in range(len(owners))], np.intp)


def _join_owned(parts: TileParts, is_open: Bools, owner: Ints) -> tuple[Doubles, Doubles, Ints]:
    order = np.argsort(owner, kind="stable")
    starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    counts = np.diff(np.append(starts, len(owner)))
    boxes, ends = parts.boxes[order[starts]], np.asarray(is_open[order[starts]].any(axis=1))
    for group in np.flatnonzero(counts > 1).tolist():
        rows = order[starts[group] : starts[group] + counts[group]]
        boxes[group], ends[group] = _join_boxes(parts.boxes[rows], is_open[rows], parts.scores[rows])
    scores = np.maximum.reduceat(parts.scores[order], starts, axis=0) if len(order) else parts.scores
    scores = _absorb_pieces(boxes, scores, ends, counts > 1)
    kept = scores.any(axis=1)
    return boxes[kept], scores[kept], counts[kept]


def _join_boxes(boxes: Doubles, is_open: Bools, scores: Doubles) -> tuple[Doubles, bool]:
    """The box (4,) of a defect from its parts (n, 4), and whether a side of it is open still."""
    outer = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
    whole = ~is_open.any(axis=1) & (box_area(boxes) >= _INSIDE * box_area(outer[None]))
    if whole.any():
        return boxes[np.argmax(np.where(whole, scores.max(axis=1), -1))], False
    near = np.abs(boxes - outer) <= SLACK
    closed = near & ~is_open
    used = np.where(closed.any(axis=0), closed, near)
    return (boxes * used).sum(axis=0) / used.sum(axis=0), not closed.any(axis=0).all()


def _absorb_pieces(boxes: Doubles, scores: Doubles, is_open: Bools, is_joined: Bools) -> Doubles:
    """The scores (n, k), 0 where what has an open side still lies inside of a larger box that says the same.

    The larger one is joined, or has no open side; its score is at least that of the piece, as of parts that are joined.
    """
    left, area, whole = scores.copy(), box_area(boxes), is_joined | ~is_open
    for row in np.flatnonzero(is_open).tolist():
        box = boxes[row]
        sides = np.minimum(boxes[:, 2:] + SLACK, box[2:]) - np.maximum(boxes[:, :2] - SLACK, box[:2])
        around = np.flatnonzero(whole & (area > area[row]) & (sides > 0).all(axis=1))
        around = around[sides[around].prod(axis=1) >= _INSIDE * area[row]]
        for label in np.flatnonzero(scores[row]).tolist() if len(around) else ():
            home = around[np.argmax(scores[around, label])]
            if scores[home, label] >= SAME_LABELS * scores[row, label]:
                left[home, label] = max(left[home, label], left[row, label])
                left[row, label] = 0
    return left
