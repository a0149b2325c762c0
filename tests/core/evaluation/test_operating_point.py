from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.evaluation.operating_point import (
    HAND,
    NOTHING,
    VAL,
    OperatingPoint,
    choose_threshold,
    describe_own_choice,
    describe_point,
)


def choose(answers: list[tuple[float, bool]], positives: int) -> float | None:
    answers = sorted(answers, reverse=True)
    scores = np.array([score for score, _ in answers], np.float32)
    return choose_threshold(scores, np.array([hit for _, hit in answers], bool), positives)


def test_of_equal_f1_the_middle_of_the_widest_stretch_is_chosen() -> None:
    # From 0.2 to 0.7 all that is right is found and nothing else.
    assert choose([(0.9, True), (0.7, True), (0.2, False)], 2) == 0.45
    # With 2 to be found, one of one is worth as much as two of four: 2/3 from 0.95 down to 0.8, and from 0.1 down to 0.
    assert choose([(0.95, True), (0.8, False), (0.5, False), (0.1, True)], 2) == 0.875
    assert choose([(0.9, True), (0.85, False), (0.5, False), (0.4, True)], 2) == 0.2
    # Nothing false: anything down to nothing.
    assert choose([(0.8, True)], 1) == 0.4


def test_equal_scores_are_never_cut_apart_and_close_ones_are_told_apart() -> None:
    assert choose([(0.5, True), (0.5, False)], 1) == 0.25
    low = np.float32(0.5)
    high = np.nextafter(low, np.float32(1))
    found = choose_threshold(np.array([high, low], np.float32), np.array([True, False]), 1)
    assert found is not None and low < np.float32(found) <= high


def test_without_anything_right_nothing_is_chosen() -> None:
    assert choose([], 3) is None and choose([(0.9, False)], 3) is None and choose([(0.9, False)], 0) is None


@given(
    st.lists(st.tuples(st.sampled_from([i / 20 for i in range(1, 20)]), st.booleans()), max_size=12), st.integers(0, 3)
)
def test_no_other_threshold_has_a_better_f1(answers: list[tuple[float, bool]], more: int) -> None:
    positives = sum(hit for _, hit in answers) + more

    def f1(threshold: float) -> float:
        passing = [hit for score, hit in answers if np.float32(score) >= np.float32(threshold)]
        return 2 * sum(passing) / (len(passing) + positives) if passing or positives else 0.0

    found = choose(answers, positives)
    if found is None:
        assert not any(hit for _, hit in answers)
    else:
        assert f1(found) == max(f1(step / 200) for step in range(201))


def test_a_label_without_validation_boxes_gets_a_fallback_that_is_said() -> None:
    found = {"scratch": 0.3, "stain": 0.5, "pit": None, "dent": None}
    point = OperatingPoint.of_validation(found, "8 validation images in epoch 2", ["pit"])
    assert point.thresholds == {"scratch": 0.3, "stain": 0.5, "pit": 0.4, "dent": 0.4} and point.chosen_on == VAL
    assert "8 validation images in epoch 2" in point.how and "pit: none there" in point.how
    assert "dent: none of it was found, so the median of the others, 0.4" in point.how
    nothing = OperatingPoint.of_validation({"pit": None}, "8 validation images in epoch 2", ["pit"])
    assert nothing.thresholds == {"pit": 0.5} and nothing.chosen_on == NOTHING and "8 validation images" in nothing.how


def test_what_a_user_sets_takes_the_place_of_what_was_chosen() -> None:
    chosen = OperatingPoint({"scratch": 0.3, "stain": 0.5}, VAL, "the best F1 of each label on 8 images")
    part = chosen.with_hand_set({"stain": 0.9, "gone": 0.1})
    assert part.thresholds == {"scratch": 0.3, "stain": 0.9} and part.chosen_on == HAND
    assert describe_point(part) == "set by hand: stain; the others: the best F1 of each label on 8 images"
    assert describe_point(chosen.with_hand_set({"scratch": 0.1, "stain": 0.1})) == "set by hand"
    assert chosen.with_hand_set({"gone": 0.1}) is chosen
    assert chosen.renamed({"stain": "dirt"}).thresholds == {"scratch": 0.3, "dirt": 0.5}
    assert part.list_limits(["stain", "other"]).tolist() == [np.float32(0.9), np.inf]


def test_json_goes_there_and_back_and_what_is_wrong_is_named() -> None:
    point = OperatingPoint({"a": 0.25}, VAL, "somehow", {"a": 0.1})
    assert OperatingPoint.from_json(point.to_json(), "x") == point
    assert point.to_json() == {"thresholds": {"a": 0.25}, "review": {"a": 0.1}, "chosen_on": "val", "how": "somehow"}
    good = OperatingPoint({"a": 0.25}, VAL, "somehow").to_json()
    for field, value in (("thresholds", [1]), ("thresholds", {"a": 2}), ("thresholds", {"a": True}), ("how", 1)):
        with pytest.raises(InputError, match=f"file: {field}"):
            OperatingPoint.from_json(good | {field: value}, "file")
    with pytest.raises(InputError, match="file"):
        OperatingPoint.from_json(None, "file")


def test_judging_the_images_that_thresholds_were_chosen_on_is_said() -> None:
    assert describe_own_choice(0, 40) == ""
    assert describe_own_choice(40, 40).startswith("the thresholds were chosen on these 40 images")
    assert "on 3 of these 1,200 images" in describe_own_choice(3, 1200)
