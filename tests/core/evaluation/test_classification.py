"""Measures of which labels an image carries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.evaluation.classification import (
    average_precision,
    evaluate_image_labels,
    image_labels,
    judge_image_labels,
    roc_auc,
    whole_image,
)
from core.types import GroundTruth

Cases = st.integers(1, 30).flatmap(
    lambda n: st.tuples(
        st.lists(st.booleans(), min_size=n, max_size=n),
        # Few different scores, so that many are equal.
        st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 1.0]), min_size=n, max_size=n),
    )
)


def arrays(case: tuple[list[bool], list[float]]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    return np.array(case[0], np.bool_), np.array(case[1], np.float32)


@given(Cases)
def test_roc_auc_is_the_chance_that_an_image_with_the_label_scores_higher(
    case: tuple[list[bool], list[float]],
) -> None:
    truth, score = arrays(case)
    pairs = [1.0 if yes > no else 0.5 if yes == no else 0.0 for yes in score[truth] for no in score[~truth]]
    if pairs:
        assert roc_auc(truth, score) == pytest.approx(float(np.mean(pairs)))
    else:
        assert roc_auc(truth, score) is None


@given(Cases)
def test_average_precision_is_the_area_under_the_steps(case: tuple[list[bool], list[float]]) -> None:
    truth, score = arrays(case)
    if not truth.any():
        assert average_precision(truth, score) is None
        return
    area = before = 0.0
    for cut in sorted(set(score.tolist()), reverse=True):
        said = score >= np.float32(cut)
        recall = (truth & said).sum() / truth.sum()
        area += (recall - before) * (truth & said).sum() / said.sum()
        before = recall
    assert average_precision(truth, score) == pytest.approx(area)


@given(Cases)
def test_the_threshold_of_a_label_gives_its_best_f1(case: tuple[list[bool], list[float]]) -> None:
    truth, score = arrays(case)
    found = evaluate_image_labels(truth[:, None], score[:, None], ["dent"]).labels["dent"]
    if not truth.any():
        assert found.threshold is None and found.f1 is None
        return

    def f1(threshold: float) -> float:
        said = score >= np.float32(threshold)
        return float(2 * (truth & said).sum() / (truth.sum() + said.sum()))

    assert found.threshold is not None
    assert f1(found.threshold) == max(f1(one) for one in set(score.tolist()))


def test_macro_and_micro_measures_of_a_case_worked_out_by_hand() -> None:
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0]], np.bool_)
    scores = np.array([[0.9, 0.6, 0.1], [0.4, 0.8, 0.2], [0.2, 0.1, 0.7], [0.1, 0.7, 0.1]])
    found = evaluate_image_labels(truth, scores, ["dent", "scratch", "never"], threshold=0.5)
    # dent: said of the first image alone; scratch: of three, two of them right; never: wrongly of one.
    assert found.labels["dent"].precision == 1 and found.labels["dent"].recall == 0.5
    assert found.labels["scratch"].precision == pytest.approx(2 / 3) and found.labels["scratch"].recall == 1
    assert found.labels["never"].f1 is None and found.labels["never"].roc_auc is None
    assert found.macro_f1 == pytest.approx((2 / 3 + 0.8) / 2)
    assert found.micro_f1 == pytest.approx(2 * 3 / (4 + 5))
    assert found.exact_match == pytest.approx(1 / 4)
    assert found.labels["dent"].roc_auc == 1 and found.labels["scratch"].roc_auc == 1 and found.map == 1
    assert evaluate_image_labels(truth, scores, ["dent", "scratch", "never"], threshold=0.4).labels["dent"].recall == 1


def test_without_images_nothing_is_judged() -> None:
    found = evaluate_image_labels(np.zeros((0, 2), np.bool_), np.zeros((0, 2)), ["a", "b"])
    assert found.images == 0 and all(value is None for value in found.measures().values())


def test_shapes_that_do_not_agree_are_refused() -> None:
    with pytest.raises(ValueError, match="labels"):
        evaluate_image_labels(np.zeros((2, 2), np.bool_), np.zeros((2, 2)), ["a"])


def test_an_image_carries_the_labels_of_all_its_boxes_as_one_box_of_its_size() -> None:
    truth = GroundTruth(np.array([[1, 1, 5, 5], [2, 2, 9, 9]], np.float32), np.array([[1, 0, 0], [0, 0, 1]], np.bool_))
    assert image_labels(truth).tolist() == [True, False, True]
    whole = whole_image(truth, 40, 30)
    assert whole.boxes.tolist() == [[0, 0, 40, 30]] and whole.labels.tolist() == [[True, False, True]]
    clean = GroundTruth(np.zeros((0, 4), np.float32), np.zeros((0, 3), np.bool_))
    assert len(whole_image(clean, 40, 30)) == 0 and whole_image(clean, 40, 30).labels.shape == (0, 3)


def test_images_with_an_ignored_box_are_left_out_and_counted() -> None:
    box = np.array([[1, 1, 5, 5]], np.float32)
    none = box[:0]
    pit, clean = np.array([[True]]), np.zeros((0, 1), np.bool_)
    truth = [GroundTruth(box, pit), GroundTruth(none, clean), GroundTruth(box, pit, box), GroundTruth(none, clean, box)]
    scores = np.array([[0.9], [0.2], [0.1], [0.95]])
    found = judge_image_labels(truth, scores, ["pit"])
    assert found.images == 2 and found.ignored_images == 2 and found.map == 1.0 and found.labels["pit"].images == 1
    assert found.to_json()["ignored_images"] == 2
    assert found.measures() == evaluate_image_labels(np.array([[True], [False]]), scores[:2], ["pit"]).measures()
    whole = whole_image(truth[2], 40, 30)
    assert (
        len(whole) == 0 and whole.ignored.tolist() == [[0, 0, 40, 30]] and whole.ignored_by_label().tolist() == [[True]]
    )
    assert judge_image_labels(truth[2:], scores[2:], ["pit"]).images == 0


def test_one_score_by_label_gives_one_figure() -> None:
    truth = np.array([[1, 0], [1, 1], [0, 0], [0, 1]], np.bool_)
    scores = np.array([[0.9, 0.6], [0.4, 0.8], [0.2, 0.1], [0.1, 0.7]])
    found = evaluate_image_labels(truth, scores, ["dent", "stain"], {"dent": 0.5, "stain": 0.65})
    dent, stain = found.labels["dent"], found.labels["stain"]
    assert (dent.threshold, dent.tp, dent.fp, dent.fn, dent.recall) == (0.5, 1, 0, 1, 0.5)
    assert (stain.threshold, stain.tp, stain.fp, stain.fn, stain.f1) == (0.65, 2, 0, 0, 1.0)
    chosen = evaluate_image_labels(truth, scores, ["dent", "stain"])
    assert {name: (one.threshold, one.f1) for name, one in chosen.labels.items()} == {
        "dent": (0.3, 1.0),
        "stain": (0.65, 1.0),
    }


def test_a_label_that_the_model_does_not_know_has_dashes_and_both_means_are_there() -> None:
    truth = np.array([[1, 0], [1, 1], [0, 0], [0, 1]], np.bool_)
    scores = np.array([[0.9, 0], [0.4, 0], [0.2, 0], [0.1, 0]])
    found = evaluate_image_labels(truth, scores, ["dent", "stain"], {"dent": 0.3}, ["stain"])
    assert found.map == 1.0 and found.map_all_labels == 0.5 and found.macro_f1 == 1.0
    stain = found.to_json()["labels"]["stain"]
    assert all(stain[name] is None for name in ("ap", "roc_auc", "precision", "recall", "f1", "threshold"))
    assert (stain["images"], stain["fn"], found.to_json()["unknown_labels"]) == (2, 2, ["stain"])
