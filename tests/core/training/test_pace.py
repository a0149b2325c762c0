"""How long a run still takes."""

from __future__ import annotations

import pytest

from core.models.inputs import InputSpec
from core.training.pace import Pace, count_pixels, list_judged


def make_pace(limit: float = 0.0, every: int = 1) -> Pace:
    """Four epochs of ten steps; one judgement shows 600 pixels."""
    return Pace(4, 10, list_judged(4, every), 600, limit)


def test_nothing_is_said_before_anything_was_learnt() -> None:
    assert make_pace().left(1, 0, 0) is None
    assert make_pace().left_judging(1, 1.0, 1, 2, 1.0) is None


def test_the_judgements_to_come_are_counted_as_long_as_the_last_one_took() -> None:
    pace = make_pace()
    pace.learn(5.0, 5, 100)  # a second a step
    pace.judging = 20.0
    assert pace.left(2, 4, 100) == 6 + 2 * 10 + 3 * 20
    assert pace.left(5, 0, 100) == 0
    assert make_left(every=3) == 6 + 2 * 10 + 2 * 20, "after the third epoch and after the last"


def make_left(every: int) -> float | None:
    pace = make_pace(every=every)
    pace.learn(5.0, 5, 100)
    pace.judging = 20.0
    return pace.left(2, 4, 100)


def test_before_the_first_judgement_its_pixels_tell_what_it_may_take() -> None:
    pace = make_pace()
    pace.learn(6.0, 6, 60)  # a tenth of a second a pixel; without a pass back a third of it
    assert pace.left(1, 6, 6) == pytest.approx(4 + 30 + 4 * 600 * 0.1 / 3)


def test_a_judgement_under_way_is_counted_by_the_images_that_are_done() -> None:
    pace = make_pace()
    pace.learn(10.0, 10, 100)
    assert pace.left_judging(3, took=6.0, done=3, total=12, spent=50) == (24 - 6) + 10 + 24
    assert pace.left_judging(4, took=6.0, done=12, total=12, spent=50) == 0


def test_a_time_limit_ends_the_run_earlier() -> None:
    pace = make_pace(limit=30.0)
    pace.learn(10.0, 10, 100)
    pace.judging = 5.0
    assert pace.left(1, 10, spent=10.0) == 20 + 5
    assert pace.left(4, 9, spent=10.0) == 1 + 5, "sooner than the limit"


def test_the_pixels_of_a_judgement_are_those_of_its_tiles() -> None:
    whole = InputSpec(mode="whole", width=64, height=32, mean=(0, 0, 0), std=(1, 1, 1))
    assert count_pixels(whole, [(1000, 500), (10, 10)]) == 2 * 64 * 32
    crops = InputSpec(mode="crops", width=64, height=64, mean=(0, 0, 0), std=(1, 1, 1), tile=128, overlap=32)
    assert count_pixels(crops, [(100, 50)]) == 100 * 50
    assert count_pixels(crops, [(224, 128)]) == 2 * 128 * 128
