"""Pictures put together from several: what is taught is what can be seen, by counting the pixels of every defect."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.recipe.parts import Mixing
from core.training.data.mixing import Picture, blend_pictures, make_mosaic, mix_pictures, paste_patch

SIDE = 80
MANY = settings(max_examples=80, deadline=None)


def painted(rng: np.random.Generator, first: int, size: tuple[int, int] = (SIDE, SIDE)) -> Picture:
    """A picture of `size` with up to 5 separate defects at whole pixels; the red of their pixels is their number, from
    `first`, and they carry the set of labels that the number's bits say."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    boxes = []
    for column in rng.permutation(4)[: rng.integers(0, 5)]:
        x1 = column * width // 4 + int(rng.integers(0, 4))
        x2 = x1 + int(rng.integers(2, width // 4 - 4))
        y1 = int(rng.integers(0, height - 4))
        y2 = int(rng.integers(y1 + 2, height + 1))
        image[y1:y2, x1:x2] = first + len(boxes)
        boxes.append([x1, y1, x2, y2])
    numbers = first + np.arange(len(boxes))
    labels = (numbers[:, None] >> np.arange(6)) & 1 > 0
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    return Picture(image, rows, labels, np.ones(len(rows), np.float32))


def plain(value: int) -> Picture:
    """A picture of one grey without a defect."""
    image = np.full((SIDE, SIDE, 3), value, np.uint8)
    return Picture(image, np.zeros((0, 4), np.float32), np.zeros((0, 6), bool), np.zeros(0, np.float32))


def number_of(labels: NDArray[np.bool_]) -> int:
    return int((labels << np.arange(6)).sum())


def check(result: Picture, sources: list[Picture], min_visible: float) -> None:
    """Every defect is taught as the hull of its pixels that are left, if enough of it is left; otherwise it is ignored."""
    height, width = result.image.shape[:2]
    assert (result.boxes >= 0).all() and (result.boxes <= [width, height, width, height]).all()
    known = result.labels.any(axis=1)
    found = zip(result.boxes[known], result.labels[known], result.visible[known], strict=True)
    taught = {number_of(labels): (box, seen) for box, labels, seen in found}
    ignored = result.boxes[~known].tolist()
    assert len(taught) == known.sum()
    for source in sources:
        for box, labels in zip(source.boxes, source.labels, strict=True):
            number = number_of(labels)
            rows, columns = np.nonzero(result.image[..., 0] == number)
            whole = (box[2] - box[0]) * (box[3] - box[1])
            share = len(rows) / whole
            assert (number in taught) == (len(rows) > 0 and share >= min_visible - 1e-6), (number, share)
            if not len(rows):
                continue
            hull = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            if number in taught:
                hull_taught, seen = taught.pop(number)
                assert seen == pytest.approx(share, abs=1e-5)
                assert hull_taught.tolist() == hull
            else:
                ignored.remove(hull)
    assert not taught and not ignored


@MANY
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_a_mosaic_teaches_what_is_left_of_each_defect(seed: int, min_visible: float) -> None:
    rng = np.random.default_rng(seed)
    pictures = [painted(rng, 1 + 8 * quarter, (SIDE, 60)) for quarter in range(4)]
    result = make_mosaic(pictures, min_visible, rng)
    assert result.image.shape == (60, SIDE, 3)
    check(result, pictures, min_visible)


@MANY
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_a_patch_covers_and_brings_defects(seed: int, min_visible: float) -> None:
    rng = np.random.default_rng(seed)
    under, over = painted(rng, 1), painted(rng, 9)
    before = under.image.copy()
    result = paste_patch(under, over, min_visible, rng)
    assert np.array_equal(under.image, before)
    check(result, [under, over], min_visible)


@MANY
@given(st.integers(0, 10**6))
def test_a_blend_shows_and_teaches_both(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = painted(rng, 1), painted(rng, 9)
    result = blend_pictures(first, second, rng)
    assert len(result.boxes) == len(first.boxes) + len(second.boxes)
    assert np.array_equal(result.boxes, np.concatenate([first.boxes, second.boxes]))
    assert np.array_equal(result.labels, np.concatenate([first.labels, second.labels]))
    low, high = np.minimum(first.image, second.image), np.maximum(first.image, second.image)
    assert (result.image >= low).all() and (result.image <= high).all()


def test_a_blend_shows_both_about_equally() -> None:
    white, black = plain(200), plain(0)
    shares = [
        float(blend_pictures(white, black, np.random.default_rng(seed)).image.mean()) / 200 for seed in range(300)
    ]
    assert min(shares) > 0.25 and max(shares) < 0.75 and np.mean(shares) == pytest.approx(0.5, abs=0.02)


def test_what_was_cut_before_counts_in_what_is_left() -> None:
    """A defect of which augmentation left 60%, and a patch 60% of that, is seen by 36%."""
    halves = []
    for seed in range(200):
        under = Picture(
            np.ones((SIDE, SIDE, 3), np.uint8),
            np.array([[0, 0, SIDE, SIDE]], np.float32),
            np.ones((1, 6), bool),
            np.array([0.6], np.float32),
        )
        result = paste_patch(under, plain(0), 0.5, np.random.default_rng(seed))
        left = 0.6 * float((result.image[..., 0] == 1).mean())
        assert result.labels.any() == (left >= 0.5) and len(result.boxes) == 1
        halves.append(left)
    assert min(halves) < 0.5 < max(halves)


def test_each_kind_comes_as_often_as_asked_and_asks_for_no_more_pictures_than_it_needs() -> None:
    rng = np.random.default_rng(0)
    first = painted(rng, 1)
    asked: Counter[int] = Counter()

    def count(mixing: Mixing, seed: int) -> tuple[int, Picture]:
        numbers: list[int] = []

        def partner(number: int) -> Picture:
            numbers.append(number)
            return painted(np.random.default_rng(number), 9)

        picture = mix_pictures(first, partner, mixing, 0.5, np.random.default_rng(seed))
        assert numbers == list(range(len(numbers)))
        return len(numbers), picture

    for seed in range(400):
        asked[count(Mixing(mosaic=0.25), seed)[0]] += 1
    assert set(asked) == {0, 3} and 70 <= asked[3] <= 130
    assert count(Mixing(mosaic=1, mixup=1, cutmix=1), 0)[0] == 5
    assert count(Mixing(), 0) == (0, first)
