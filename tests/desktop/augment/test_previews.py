"""What the Augment page says of its previews, and how they are laid out and kept, without a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.augmentation.pipeline import Augmented, View
from desktop.augment.previews import ImageCache, find_grid_shape, list_caption_parts, summarise_previews
from tests.builders import write_picture


def outcome(visible: list[float], min_visible: float = 0.5, mode: str = "whole") -> Augmented:
    fractions = np.array(visible, np.float32)
    kept = np.flatnonzero((fractions > 0) & (fractions >= min_visible))
    return Augmented(
        image=np.zeros((8, 8, 3), np.uint8),
        boxes=np.zeros((len(kept), 4), np.float32),
        labels=np.ones((len(kept), 1), bool),
        kept=kept,
        visible=fractions,
        hulls=np.zeros((len(visible), 4), np.float32),
        lost=int((fractions == 0).sum()) if mode == "whole" else 0,
        cut=int(((fractions > 0) & (fractions < min_visible)).sum()),
        spared=np.zeros((int(((fractions > 0) & (fractions < min_visible)).sum()), 4), np.float32),
    )


WHOLE, CROP = View((8, 8), "whole"), View((8, 8), "crop")


@pytest.mark.parametrize(
    ("visible", "view", "texts"),
    [
        ([], WHOLE, ["no boxes"]),
        ([1], WHOLE, ["1 box"]),
        ([1, 0.7, 1], WHOLE, ["all 3 boxes"]),
        ([1, 0, 0.2], WHOLE, ["1 of 3 boxes", "1 lost", "1 cut to 20%"]),
        ([0.1, 0.2, 0.3], WHOLE, ["0 of 3 boxes", "3 cut to 10–30%"]),
        ([1, 0, 0], CROP, ["1 box"]),
        ([0, 0], CROP, ["no boxes"]),
        ([0, 0.4], CROP, ["0 boxes", "1 cut to 40%"]),
    ],
)
def test_a_caption_says_what_became_of_the_boxes(visible: list[float], view: View, texts: list[str]) -> None:
    assert [part.text for part in list_caption_parts(outcome(visible, mode=view.mode), view)] == texts


def test_the_summary_counts_over_all_previews_and_warns_when_many_are_gone() -> None:
    fine = [outcome([1, 1, 1, 1])] * 9
    assert summarise_previews(fine, WHOLE, 0.5).text == "Of 36 boxes in 9 previews, none is lost or cut."
    few = summarise_previews([*fine[:8], outcome([1, 0, 0.2, 0.3])], WHOLE, 0.5)
    assert few.text == "Of 36 boxes in 9 previews: 1 lost, 2 below 50% visible and not taught."
    assert few.tone == "muted"
    assert summarise_previews([*fine[:7], *[outcome([1, 1, 0, 0.2])] * 2], WHOLE, 0.5).tone == "warning"
    assert summarise_previews([outcome([1, 0, 0, 0])] * 9, WHOLE, 0.5).tone == "bad"
    # What a crop does not show is not lost, and its edge always cuts some.
    crops = summarise_previews([outcome([1, 0, 0.2], mode="crop")] * 4, CROP, 0.5)
    assert crops.text.startswith("Of 8 boxes in 4 crops: 4 below 50% visible")


@pytest.mark.parametrize(
    ("width", "height", "aspect", "columns"),
    [
        (840, 640, 1, 4),
        (2100, 1280, 1, 4),
        (400, 1200, 1, 2),
        (1800, 200, 1, 12),
        (3000, 700, 1, 6),
        (820, 620, 1.5, 4),
        (600, 1100, 1.5, 2),
        (820, 620, 0.5, 6),
    ],
)
def test_columns_follow_the_room_and_the_shape(width: int, height: int, aspect: float, columns: int) -> None:
    found, across, down = find_grid_shape(12, width, height, 24, 8, aspect)
    assert found == columns and across / down == pytest.approx(aspect, rel=0.03)
    rows = -(-12 // found)
    assert found * across + (found - 1) * 8 <= width and rows * (down + 24) + (rows - 1) * 8 <= height


def test_the_image_cache_keeps_the_latest_and_what_fits(tmp_path: Path) -> None:
    paths = [write_picture(tmp_path / f"{number}.png", seed=number) for number in range(3)]
    small = ImageCache(limit_bytes=2 * 64 * 48 * 3)
    first = small.read_image(paths[0])
    assert small.read_image(paths[0]) is first
    small.read_image(paths[1])
    assert small.read_image(paths[0]) is first
    small.read_image(paths[2])
    assert small.read_image(paths[0]) is first
    small.read_image(paths[1])
    small.read_image(paths[2])
    assert small.read_image(paths[0]) is not first
    tiny = ImageCache(limit_bytes=1)
    assert tiny.read_image(paths[0]) is tiny.read_image(paths[0])
