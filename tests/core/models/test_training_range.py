from __future__ import annotations

import json

import numpy as np
import pytest

from core.models.training_range import (
    ImageFacts,
    TrainingRange,
    ValueRange,
    compare_images,
    measure_brightness,
    measure_range,
)


def facts(width: int, height: int, brightness: float | None = 0.5, side: float | None = None) -> ImageFacts:
    boxes = None if side is None else np.array([[0, 0, side, side / 2]], np.float32)
    return ImageFacts(f"{width}x{height}.png", width, height, brightness, boxes)


def trained_on(*images: ImageFacts) -> TrainingRange:
    found = measure_range(images)
    assert found is not None
    return found


SQUARES = trained_on(*[facts(640, 640, 0.4 + place / 1000, 20 + place) for place in range(100)])


def kinds(images: list[ImageFacts], trained: TrainingRange | None = SQUARES, mode: str = "crops") -> list[str]:
    return [one.kind for one in compare_images(trained, images, mode)]  # type: ignore[arg-type]


def test_the_range_has_ends_percentiles_and_median() -> None:
    found = ValueRange.of(np.arange(101))
    assert found is not None
    assert (found.low, found.p1, found.median, found.p99, found.high) == (0, 1, 50, 99, 100)
    assert ValueRange.of([]) is None and measure_range([]) is None
    assert (SQUARES.images, SQUARES.long_side.median, SQUARES.aspect.high) == (100, 640, 1)
    assert SQUARES.box is not None and SQUARES.box_share is not None and SQUARES.brightness is not None
    assert (SQUARES.box.low, SQUARES.box.high) == (20, 119) and SQUARES.box_share.high == pytest.approx(119 / 640)
    assert SQUARES.brightness.median == pytest.approx(0.4495)
    assert TrainingRange.model_validate_json(SQUARES.model_dump_json()) == SQUARES


def test_images_of_another_scale_are_told_with_the_figures() -> None:
    (found,) = compare_images(SQUARES, [facts(1280, 1280)] * 12, "crops")
    assert (found.kind, found.count, found.of, found.example) == ("larger", 12, 12, "1280x1280.png")
    assert "trained on 640 px, these are 1,280 px" in found.text and "2 times as large" in found.text
    assert found.trained.median == 640 and found.seen.median == 1280
    json.dumps(found.to_json(), allow_nan=False)
    (half,) = compare_images(SQUARES, [facts(320, 320)], "whole")
    assert half.kind == "smaller" and half.text.startswith("the image is smaller than those it was trained on")
    assert "same field of view" in half.text


@pytest.mark.parametrize(("width", "height"), [(640, 640), (700, 650), (560, 600), (800, 800), (512, 512)])
def test_a_size_that_differs_by_chance_is_no_word_worth(width: int, height: int) -> None:
    assert kinds([facts(width, height)]) == []


def test_an_image_of_another_shape_is_not_called_larger() -> None:
    assert kinds([facts(2000, 640)]) == ["aspect"]
    assert kinds([facts(640, 2000)]) == ["aspect"]
    (found,) = compare_images(SQUARES, [facts(2000, 640)], "whole")
    assert "trained on 1 : 1" in found.text and "3.12 : 1" in found.text and "squeezed" in found.text


def test_turned_images_are_the_same() -> None:
    wide = trained_on(*[facts(1600, 1200)] * 5)
    assert kinds([facts(1200, 1600)], wide) == []


def test_brightness_differs_beyond_a_step() -> None:
    assert kinds([facts(640, 640, 0.62)]) == []
    (found,) = compare_images(SQUARES, [facts(640, 640, 0.9), facts(640, 640, 0.8)], "crops")
    assert found.kind == "brightness" and "brighter" in found.text and "40% to 50% of white" in found.text
    (found,) = compare_images(SQUARES, [facts(640, 640, 0.1)], "crops")
    assert "darker" in found.text and "this is 10%" in found.text
    assert kinds([facts(640, 640, None)]) == []


def test_boxes_of_other_sizes_are_told_by_pixels_or_by_share_of_what_the_network_sees() -> None:
    assert kinds([facts(640, 640, 0.5, 400)]) == ["box size"]
    assert kinds([facts(640, 640, 0.5, 60)]) == []
    # Twice the image with twice the box: the same to a network that sees whole images.
    assert kinds([facts(1280, 1280, 0.5, 200)], mode="whole") == ["larger"] == kinds([facts(1280, 1280, 0.5, 100)])
    (found,) = compare_images(SQUARES, [facts(640, 640, 0.5, 400)], "crops")
    assert "trained on 21 to 118 px, these about 400 px" in found.text


def test_its_own_images_are_silent_outliers_among_them() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        count = int(random.integers(1, 400))
        own = [
            facts(
                *(int(side) for side in random.lognormal(6, 0.6, 2) + 16),
                float(random.random()),
                float(random.lognormal(3, 1)),
            )
            for _ in range(count)
        ]
        assert kinds(own, trained_on(*own)) == [] == kinds(own, trained_on(*own), "whole")


def test_an_outlier_of_the_training_hides_no_scale_that_many_have() -> None:
    trained = trained_on(*[facts(640, 640)] * 300, facts(4000, 4000))
    assert kinds([facts(1280, 1280)] * 10, trained) == ["larger"]
    assert kinds([facts(640, 640)] * 99 + [facts(4000, 4000)], trained) == []
    assert kinds([facts(640, 640)] * 99 + [facts(9000, 9000)], trained) == ["larger"]


def test_without_a_range_or_images_nothing_is_said() -> None:
    assert kinds([facts(9, 9)], None) == [] == kinds([])


def test_brightness_is_the_mean_of_the_pixels() -> None:
    assert measure_brightness(np.full((3, 2, 3), 255, np.uint8)) == 1.0
    half = np.zeros((2000, 2000, 3), np.uint8)
    half[:, 1000:] = 255
    assert measure_brightness(half) == pytest.approx(0.5, abs=0.01)
