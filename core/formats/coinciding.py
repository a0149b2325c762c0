"""Which boxes are one defect that was drawn twice, over many images at once and without comparing all with all."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

COINCIDING = 0.9  # IoU from which two boxes are one

Boxes = NDArray[np.float64]
Rows = NDArray[np.intp]


def merged_groups(boxes: Boxes, owners: Rows, keys: Rows) -> tuple[Rows, list[tuple[int, int]]]:
    """(leaders, [(leader, member)]) of `boxes` (n, 4), each on the image `owners` (n,), in ascending order of rows.

    A row joins the first row before it that it coincides with and that leads; every other row leads. Rows with a key
    of 0 or more join only rows with the same key, and the others only each other.
    """
    partners: dict[int, list[int]] = defaultdict(list)
    first, second, overlaps = pairs(boxes, owners, boxes, owners)
    keep = (first < second) & (overlaps >= COINCIDING) & (keys[first] == keys[second])
    order = np.lexsort((second[keep], first[keep]))
    for leader, member in zip(first[keep][order].tolist(), second[keep][order].tolist(), strict=True):
        partners[leader].append(member)
    leads = np.ones(len(boxes), bool)
    members: list[tuple[int, int]] = []
    for leader, followers in partners.items():
        if leads[leader]:
            for member in followers:
                if leads[member]:
                    leads[member] = False
                    members.append((leader, member))
    return np.flatnonzero(leads), members


def pairs(boxes: Boxes, owners: Rows, others: Boxes, other_owners: Rows) -> tuple[Rows, Rows, NDArray[np.float64]]:
    """(rows of `boxes`, rows of `others`, IoU) of all pairs on the same image that may coincide.

    Boxes of IoU t overlap in at least t of the wider one's width, so their left edges lie close together: sorted by
    them, each is compared with its next neighbours only.
    """
    found_first, found_second, found_iou = [], [], []
    if not len(boxes) or not len(others):
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    # Images side by side on one axis, so that one search serves all of them.
    step = 2 * max(boxes[:, 2].max(), others[:, 2].max()) + 2
    places = other_owners * step + others[:, 0]
    order = np.argsort(places, kind="stable")
    wanted = owners * step + boxes[:, 0]
    reach = (boxes[:, 2] - boxes[:, 0]) * (1 - COINCIDING) / COINCIDING + 1e-9 * wanted.max() + 1e-6
    starts = np.searchsorted(places[order], wanted - reach)
    ends = np.searchsorted(places[order], wanted + reach, "right")
    rows = np.flatnonzero(starts < ends)
    at = starts[rows]
    while len(rows):
        partner = order[at]
        overlaps = _iou(boxes[rows], others[partner])
        near = overlaps >= COINCIDING - 1e-9
        found_first.append(rows[near])
        found_second.append(partner[near])
        found_iou.append(overlaps[near])
        at = at + 1
        more = at < ends[rows]
        rows, at = rows[more], at[more]
    if not found_first:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    return np.concatenate(found_first), np.concatenate(found_second), np.concatenate(found_iou)


def _iou(boxes: Boxes, others: Boxes) -> NDArray[np.float64]:
    """Intersection over union, row by row."""
    sides = np.minimum(boxes[:, 2:], others[:, 2:]) - np.maximum(boxes[:, :2], others[:, :2])
    overlap = sides.clip(0).prod(axis=1)
    union = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (others[:, 2:] - others[:, :2]).prod(axis=1) - overlap
    result: NDArray[np.float64] = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
    return result
