"""Which pictures an epoch shows: rare labels more often, images and tiles without defects in part, all shared fairly."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.augmentation.config import PRESETS, AugmentationConfig
from core.errors import InputError
from core.project.snapshot import SnapshotImage
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.training.data.crops import image_views, kept_size, training_view
from core.training.data.data_advice import ENOUGH_TO_MIX, data_notices, mixing_notice
from core.training.data.sampling import Sampler, batch_bounds, rank_bounds, repeat_factors
from core.types import Split, Status

SIDE = 64


def recipe(**changes: object) -> Recipe:
    quick = {"sampling.input_size": SIDE, "sampling.mode": "crops", "sampling.crops_per_image": 1}
    return with_settings(
        default_recipe("ssd_compact"), quick | {name.replace("__", "."): value for name, value in changes.items()}
    )


def image(labels: Sequence[set[int]], width: int = SIDE, height: int = SIDE, number: int = 0) -> SnapshotImage:
    """An image with a small box for each set of labels, side by side from the left."""
    boxes = np.array([[10 * at, 5, 10 * at + 8, 13] for at in range(len(labels))], np.float32).reshape(-1, 4)
    marks = np.array([[label in own for label in range(3)] for own in labels], bool).reshape(-1, 3)
    status = Status.LABELLED if labels else Status.CLEAN
    return SnapshotImage(f"/{number}.png", width, height, status, Split.TRAIN, "", str(number), boxes, marks)


def sampler(images: Sequence[SnapshotImage], chosen: Recipe) -> Sampler:
    views = [image_views(chosen, (SIDE, SIDE), (one.width, one.height), one.boxes) for one in images]
    return Sampler(images, views, chosen)


def shown(rows: NDArray[np.intp]) -> Counter[int]:
    return Counter(rows[:, 0].tolist())


# -- rare labels


def test_repeat_factors_are_those_of_lvis() -> None:
    # Label 0 is on all 8 images, label 1 on 2, label 2 on 1 together with label 1.
    sets = [np.array([[True, number < 2, number == 0]]) for number in range(8)]
    factors = repeat_factors(sets, 0.5)
    rarest, rare = math.sqrt(0.5 / 0.125), math.sqrt(0.5 / 0.25)
    assert factors == pytest.approx([rarest, rare] + [1] * 6)
    assert repeat_factors(sets, 0.0).tolist() == [1.0] * 8
    assert repeat_factors([np.zeros((0, 3), bool)] * 2, 0.5).tolist() == [1.0, 1.0]


def test_rare_labels_are_repeated_as_often_as_their_factor_says_and_drawn_anew_each_time() -> None:
    images = [image([{0}], number=number) for number in range(30)] + [
        image([{1}], number=90),
        image([{0, 2}], number=91),
    ]
    chosen = recipe(sampling__rare_labels=0.2)
    own = sampler(images, chosen)
    epochs = [own.epoch(number) for number in range(1, 201)]
    assert {len(rows) for rows in epochs} == {len(own)}
    counts = sum((shown(rows) for rows in epochs), Counter())
    factor = math.sqrt(0.2 * 32)
    assert counts[30] / 200 == pytest.approx(factor, abs=0.12) and counts[31] / 200 == pytest.approx(factor, abs=0.12)
    assert all(counts[number] == 200 for number in range(30))
    for rows in epochs:
        assert len({tuple(row) for row in rows.tolist()}) == len(rows), "a picture must not come twice with one seed"


# -- images without a defect


@pytest.mark.parametrize(("share", "expected"), [(1.0, 10), (0.3, 3), (0.0, 0)])
def test_of_clean_images_an_epoch_shows_the_share_and_changes_which(share: float, expected: int) -> None:
    images = [image([{0}], number=number) for number in range(4)] + [
        image([], number=9 + number) for number in range(10)
    ]
    own = sampler(images, recipe(sampling__empty_share=share))
    seen: Counter[int] = Counter()
    for epoch in range(1, 60):
        rows = own.epoch(epoch)
        assert len(rows) == len(own) == 4 + expected
        assert set(range(4)) <= set(rows[:, 0].tolist())
        seen += shown(rows[rows[:, 0] >= 4])
    assert len(seen) == (10 if expected else 0)


# -- tiles


def test_every_defect_is_in_a_tile_of_each_epoch_and_empty_tiles_are_a_changing_sample() -> None:
    big = replace(
        image([{0}, {1}]),
        width=400,
        height=300,
        boxes=np.array([[20, 30, 30, 40], [350, 250, 360, 262]], np.float32),
    )
    chosen = recipe(sampling__placing="tiles", sampling__empty_tiles=2.0)
    views = image_views(chosen, (SIDE, SIDE), (400, 300), big.boxes)
    centres = np.array([view.centre for view in views.views])
    inside = [
        (np.abs(centres[:, 0] - x) + 5 <= SIDE / 2) & (np.abs(centres[:, 1] - y) + 6 <= SIDE / 2)
        for x, y in ((25, 35), (355, 256))
    ]
    for seen in inside:
        assert seen.any() and np.flatnonzero(seen).max() < views.taught
    own = sampler([big, image([], 200, 200, number=2)], chosen)
    empties: set[tuple[int, int]] = set()
    for epoch in range(1, 30):
        rows = own.epoch(epoch)
        taught = rows[(rows[:, 0] == 0) & (rows[:, 1] < views.taught)]
        assert sorted(taught[:, 1].tolist()) == list(range(views.taught))
        assert len(rows) - len(taught) == 2 * views.taught
        empties |= {tuple(row) for row in rows.tolist() if tuple(row) not in {tuple(one) for one in taught.tolist()}}
    assert len(empties) > 6 * views.taught and {image for image, _ in empties} == {0, 1}


@settings(max_examples=60, deadline=None)
@given(
    st.integers(20, 400),
    st.integers(20, 400),
    st.floats(0, 0.9),
    st.floats(0, 0.9),
    st.floats(1, SIDE * 0.25),
    st.floats(1, SIDE * 0.25),
)
def test_a_box_no_larger_than_the_overlap_is_whole_in_some_tile(
    width: int, height: int, x: float, y: float, box_width: float, box_height: float
) -> None:
    x1, y1 = x * width, y * height
    box = np.array([[x1, y1, min(x1 + box_width, width), min(y1 + box_height, height)]], np.float32)
    views = image_views(recipe(sampling__placing="tiles"), (SIDE, SIDE), (width, height), box)
    centres = np.array([view.centre for view in views.views])
    whole = np.all((box[:, :2] >= centres - SIDE / 2 - 1e-3) & (box[:, 2:] <= centres + SIDE / 2 + 1e-3), axis=1)
    assert whole.any() and np.flatnonzero(whole).max() < views.taught


def test_tiles_too_small_for_any_defect_are_refused_with_the_field() -> None:
    one = replace(image([{0}], 400, 400), boxes=np.array([[10, 10, 390, 390]], np.float32))
    with pytest.raises(InputError, match="sampling.input_size"):
        sampler([one], recipe(sampling__placing="tiles", augmentation=PRESETS["None"].model_dump()))


# -- order, batches, ranks


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 300), st.integers(1, 24), st.integers(1, 5))
def test_batches_and_ranks_show_each_picture_once(count: int, batch: int, size: int) -> None:
    together = batch * size
    bounds = batch_bounds(count, together)
    assert [first for first, _ in bounds] == [0, *(last for _, last in bounds[:-1])] and bounds[-1][1] == count
    lengths = [last - first for first, last in bounds]
    assert len(bounds) == -(-count // together) and max(lengths) <= together
    if count > together:
        assert 2 * min(lengths) >= together - 1
    for first, last in bounds:
        shares = [rank_bounds(first, last, rank, size) for rank in range(size)]
        assert all(0 <= b - a <= batch for a, b in shares)
        assert [position for a, b in shares for position in range(a, b)] == list(range(first, last))


def test_the_order_depends_on_the_epoch_and_the_seed_alone() -> None:
    images = [image([{0}], number=number) for number in range(20)]
    first, second = sampler(images, recipe()), sampler(images, recipe())
    assert np.array_equal(first.epoch(3), second.epoch(3))
    assert not np.array_equal(first.epoch(3), first.epoch(4))
    assert not np.array_equal(first.epoch(3), sampler(images, recipe(seed=1)).epoch(3))


# -- the size that is kept


def test_a_large_image_is_kept_as_small_as_augmentation_allows() -> None:
    plain = AugmentationConfig()
    view = training_view(recipe(sampling__mode="whole"), (320, 240))
    assert kept_size(plain, view, (4000, 3000)) == (320, 240)
    assert kept_size(plain, view, (400, 300)) == (400, 300), "hardly larger: kept as it is"
    zoomed = plain.model_copy(update={"crop": 0.5, "crop_smallest": 0.5, "scale": 0.2})
    assert kept_size(zoomed, view, (4000, 3000)) == (960, 720), "2.5 times enlarged, rounded up to 3"
    assert kept_size(plain.model_copy(update={"scale": 0.9}), view, (4000, 3000)) == (4000, 3000)
    crops = training_view(recipe(), (320, 320))
    assert kept_size(plain, crops, (4000, 3000)) == (4000, 3000)


# -- advice


def test_mixing_on_a_small_set_and_mixing_that_never_happens_are_told() -> None:
    mixing = recipe(mixing__mosaic=0.5, schedule__epochs=20)
    assert f"{ENOUGH_TO_MIX - 1} training images" in mixing_notice(mixing, ENOUGH_TO_MIX - 1)
    assert mixing_notice(mixing, ENOUGH_TO_MIX) == "" and mixing_notice(recipe(), 5) == ""
    assert "Off for the last" in mixing_notice(recipe(mixing__mosaic=0.5, schedule__epochs=5), 10_000)


def test_what_does_not_fit_in_the_caches_is_told_with_the_limits_to_raise() -> None:
    images = [image([{0}])]
    (told,) = data_notices(recipe(), images, (SIDE, SIDE), [(4000, 3000)] * 100, (10**9, 10**9))
    assert "Images in memory" in told and "44% of them are decoded anew for each crop;" in told
    assert data_notices(recipe(), images, (SIDE, SIDE), [(4000, 3000)] * 100, (10**9, 10**10)) == ()


def test_crops_that_leave_most_defects_out_are_told() -> None:
    crowded = replace(
        image([{0}] * 40), width=4000, height=4000, boxes=np.tile(np.array([[1, 1, 9, 9]], np.float32), (40, 1))
    )
    (told,) = data_notices(recipe(), [crowded], (SIDE, SIDE), [(1, 1)], (100, 0))
    assert "set Place crops to tiles" in told
    assert data_notices(recipe(sampling__placing="tiles"), [crowded], (SIDE, SIDE), [(1, 1)], (100, 0)) == ()


def test_images_that_whole_mode_squeezes_are_told_with_the_mend() -> None:
    strip, usual = image([{0}], 30_000, 2000), image([{0}], 3000, 1000)
    (told,) = data_notices(recipe(sampling__mode="whole"), [strip, usual, usual], (640, 160), [(1, 1)], (100, 0))
    assert told.startswith("1 of 3 images are squeezed up to 3.8 times") and "640 x 160" in told and "crops" in told
    assert data_notices(recipe(sampling__mode="whole"), [usual] * 3, (640, 160), [(1, 1)], (100, 0)) == ()
    assert data_notices(recipe(), [strip], (640, 160), [(1, 1)], (10**9, 0)) == ()
