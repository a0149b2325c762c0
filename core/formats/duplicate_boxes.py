"""Which boxes are one defect that was drawn twice, over many images at once and without comparing all with all."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

COINCIDING = 0.9  # IoU from which two boxes are one
_CROWDED = 300_000  # pairs of boxes on one image that are looked at all at once

Boxes = NDArray[np.float64]
Rows = NDArray[np.intp]


def merged_groups(boxes: Boxes, owners: Rows, keys: Rows) -> tuple[Rows, list[tuple[int, int]]]:
    """(leaders, [(leader, member)]) of `boxes` (n, 4), each on the image `owners` (n,), in ascending order of rows.

    A row joins the first row before it that it coincides with and that leads; every other row leads. Rows with a key
    of 0 or more join only rows with the same key, and the others only each other.
    """
    leads = np.ones(len(boxes), bool)
    members: list[tuple[int, int]] = []
    starts, ends, order = _find_candidates(boxes, owners, boxes, owners)
    counts = np.bincount(owners, weights=ends - starts)
    crowded = np.flatnonzero(counts > _CROWDED)
    plain = np.flatnonzero(~np.isin(owners, crowded))
    first, second, overlaps = _compare_candidates(boxes, boxes, plain, starts[plain], ends[plain], order)
    keep = (first < second) & (overlaps >= COINCIDING) & (keys[first] == keys[second])
    partners: dict[int, list[int]] = defaultdict(list)
    by_leader = np.lexsort((second[keep], first[keep]))
    for leader, member in zip(first[keep][by_leader].tolist(), second[keep][by_leader].tolist(), strict=True):
        partners[leader].append(member)
    for leader, followers in partners.items():
        if leads[leader]:
            for member in followers:
                if leads[member]:
                    leads[member] = False
                    members.append((leader, member))
    for owner in crowded.tolist():
        members += _one_by_one(boxes, np.flatnonzero(owners == owner), keys, leads)
    return np.flatnonzero(leads), members


def _one_by_one(boxes: Boxes, rows: Rows, keys: Rows, leads: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The same for one image with so many boxes in a heap that the pairs among them would fill the memory."""
    members = []
    while len(rows) > 1:
        first, rows = rows[0], rows[1:]
        joins = (keys[rows] == keys[first]) & (_pair_iou(boxes[rows], boxes[first : first + 1]) >= COINCIDING)
        leads[rows[joins]] = False
        members += [(int(first), member) for member in rows[joins].tolist()]
        rows = rows[~joins]
    return members


def find_pairs(boxes: Boxes, others: Boxes) -> tuple[Rows, Rows, NDArray[np.float64]]:
    """(rows of `boxes`, rows of `others`, IoU) of the pairs on one image that coincide.

    In a heap of boxes, only the best partner of each that no one before it has.
    """
    zeros, other_zeros = np.zeros(len(boxes), np.intp), np.zeros(len(others), np.intp)
    starts, ends, order = _find_candidates(boxes, zeros, others, other_zeros)
    if (ends - starts).sum() <= _CROWDED:
        return _compare_candidates(boxes, others, np.arange(len(boxes)), starts, ends, order)
    free = np.ones(len(others), bool)
    found: list[tuple[int, int, float]] = []
    for row in range(len(boxes)):
        overlaps = np.where(free, _pair_iou(others, boxes[row : row + 1]), 0.0)
        best = int(overlaps.argmax())
        if overlaps[best] >= COINCIDING:
            free[best] = False
            found.append((row, best, float(overlaps[best])))
    rows, places, values = zip(*found, strict=True) if found else ((), (), ())
    return np.array(rows, np.intp), np.array(places, np.intp), np.array(values, np.float64)


def _find_candidates(boxes: Boxes, owners: Rows, others: Boxes, other_owners: Rows) -> tuple[Rows, Rows, Rows]:
    """(starts, ends, order): the others that may coincide with row i are order[starts[i] : ends[i]].

    Boxes of IoU t overlap in at least t of the wider one's width, so their left edges lie close together.
    """
    if not len(boxes) or not len(others):
        return np.zeros(len(boxes), np.intp), np.zeros(len(boxes), np.intp), np.zeros(0, np.intp)
    # Images side by side on one axis, so that one search serves all of them.
    step = 2 * max(boxes[:, 2].max(), others[:, 2].max()) + 2
    places = other_owners * step + others[:, 0]
    order = np.argsort(places, kind="stable")
    wanted = owners * step + boxes[:, 0]
    reach = (boxes[:, 2] - boxes[:, 0]) * (1 - COINCIDING) / COINCIDING + 1e-9 * wanted.max() + 1e-6
    starts = np.searchsorted(places[order], wanted - reach)
    ends = np.searchsorted(places[order], wanted + reach, "right")
    return starts, ends, order


def _compare_candidates(
    boxes: Boxes, others: Boxes, rows: Rows, starts: Rows, ends: Rows, order: Rows
) -> tuple[Rows, Rows, NDArray[np.float64]]:
    """Rows of `boxes` and of `others` that coincide, and their IoU; each row with its next candidate, all at once."""
    found_first, found_second, found_iou = [], [], []
    more = starts < ends
    rows, at, ends = rows[more], starts[more], ends[more]
    while len(rows):
        partner = order[at]
        overlaps = _pair_iou(boxes[rows], others[partner])
        near = overlaps >= COINCIDING
        found_first.append(rows[near])
        found_second.append(partner[near])
        found_iou.append(overlaps[near])
        at = at + 1
        more = at < ends
        rows, at, ends = rows[more], at[more], ends[more]
    if not found_first:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    return np.concatenate(found_first), np.concatenate(found_second), np.concatenate(found_iou)


def _pair_iou(boxes: Boxes, others: Boxes) -> NDArray[np.float64]:
    """Intersection over union, row by row."""
    sides = np.minimum(boxes[:, 2:], others[:, 2:]) - np.maximum(boxes[:, :2], others[:, :2])
    overlap = sides.clip(0).prod(axis=1)
    union = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (others[:, 2:] - others[:, :2]).prod(axis=1) - overlap
    result: NDArray[np.float64] = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
    return result
