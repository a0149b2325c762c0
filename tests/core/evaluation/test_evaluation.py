"""Matching and the measures that COCO does not have, on cases small enough to count by hand."""

from __future__ import annotations

import time

import numpy as np
import pytest

from core.evaluation.average_precision import evaluate_detections
from core.evaluation.curves import precision_recall_curves
from core.evaluation.matching import MatchTable, match_image
from core.types import Detections, GroundTruth

NAMES = ("scratch", "stain")
LEFT, RIGHT, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [60, 60, 70, 70]


def truth(*rows: tuple[list[int], tuple[int, int]]) -> GroundTruth:
    return GroundTruth(
        np.array([box for box, _ in rows], np.float32).reshape(-1, 4),
        np.array([on for _, on in rows], bool).reshape(-1, 2),
    )


def found(*rows: tuple[list[int], tuple[float, float]], names: tuple[str, ...] = NAMES) -> Detections:
    return Detections(
        np.array([box for box, _ in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score in rows], np.float32).reshape(-1, 2),
        names,
    )


@pytest.mark.parametrize("boxes", [100, 101, 150, 1000])
def test_every_box_of_a_crowded_image_can_be_found(boxes: int) -> None:
    corner = np.stack(np.divmod(np.arange(boxes), 40), axis=1).astype(np.float32) * 20
    rows, labels = np.concatenate([corner, corner + 10], axis=1), np.zeros((boxes, 2), bool)
    labels[:, 0] = True
    scores = np.where(labels, np.linspace(0.9, 0.3, boxes)[:, None], 0).astype(np.float32)
    result = evaluate_detections([GroundTruth(rows, labels)], [Detections(rows, scores, NAMES)], NAMES)
    assert (result.map50, result.map, result.agnostic_ap50, result.exact_match) == (1, 1, 1, 1)
    one = result.labels["scratch"]
    assert (one.precision, one.recall, one.threshold) == (1, 1, 0.15)  # nothing is false, down to nothing
    limited = evaluate_detections(
        [GroundTruth(rows, labels)], [Detections(rows, scores, NAMES)], NAMES, max_detections=100, score_threshold=0.3
    )
    assert limited.labels["scratch"].recall == 1  # at a threshold nothing is left out, whatever counts for AP
    assert limited.map50 == pytest.approx(1 if boxes == 100 else 100 / boxes, abs=0.01)


def test_nothing_to_find_and_nothing_found_has_no_measure() -> None:
    result = evaluate_detections([truth(), truth()], [found(), found()], NAMES)
    assert (result.images, result.map50, result.map75, result.map) == (2, None, None, None)
    assert result.agnostic_ap50 is None and result.label_set_f1 is None and result.exact_match is None
    assert result.labels["stain"].boxes == 0 and result.labels["stain"].recall is None


def test_no_images_at_all() -> None:
    assert evaluate_detections([], [], NAMES).map is None


def test_no_detections_is_zero_not_missing() -> None:
    result = evaluate_detections([truth((LEFT, (1, 0)))], [found()], NAMES)
    assert result.map50 == 0.0 and result.agnostic_ap50 == 0.0
    assert result.labels["scratch"].recall == 0.0 and result.labels["scratch"].precision is None
    assert result.labels["stain"].ap50 is None


def test_false_alarms_on_clean_images_lower_the_precision() -> None:
    clean = evaluate_detections([truth((LEFT, (1, 0))), truth()], [found((LEFT, (0.5, 0))), found()], NAMES)
    alarmed = evaluate_detections(
        [truth((LEFT, (1, 0))), truth()], [found((LEFT, (0.5, 0))), found((FAR, (0.9, 0)))], NAMES
    )
    assert clean.map50 == 1.0
    assert alarmed.map50 == pytest.approx(0.5)


def test_a_box_with_two_labels_counts_once_for_each() -> None:
    both = truth((LEFT, (1, 1)))
    half = evaluate_detections([both], [found((LEFT, (0.9, 0)))], NAMES)
    assert half.labels["scratch"].ap50 == 1.0 and half.labels["stain"].ap50 == 0.0
    assert half.agnostic_ap50 == 1.0
    assert half.label_set_f1 == pytest.approx(2 / 3) and half.exact_match == 0.0
    whole = evaluate_detections([both], [found((LEFT, (0.9, 0.4)))], NAMES)
    assert whole.map == 1.0 and whole.exact_match == 1.0 and whole.label_set_f1 == 1.0


def test_labels_are_matched_by_name_and_unknown_ones_ignored() -> None:
    foreign = Detections(np.array([LEFT], np.float32), np.array([[0.3, 0.8]], np.float32), ("dent", "scratch"))
    result = evaluate_detections([truth((LEFT, (1, 0)))], [foreign], NAMES)
    assert result.labels["scratch"].ap50 == 1.0
    assert set(result.labels) == set(NAMES)


def test_precision_and_recall_at_the_best_f1_or_at_the_chosen_threshold() -> None:
    images = [truth((LEFT, (1, 0)), (RIGHT, (1, 0)))]
    guesses = [found((LEFT, (0.9, 0)), (RIGHT, (0.7, 0)), (FAR, (0.2, 0)))]
    best = evaluate_detections(images, guesses, NAMES).labels["scratch"]
    assert (best.precision, best.recall, best.f1) == (1.0, 1.0, 1.0)
    assert best.threshold == 0.45, "the middle between the lowest that is right and the highest that is false"
    assert (best.tp, best.fp, best.fn) == (2, 0, 0)
    strict = evaluate_detections(images, guesses, NAMES, score_threshold=0.8).labels["scratch"]
    assert (strict.precision, strict.recall) == (1.0, 0.5)
    by_label = evaluate_detections(images, guesses, NAMES, score_threshold={"scratch": 0.8, "stain": 0.1})
    assert by_label.labels["scratch"] == strict and by_label.labels["stain"].threshold == 0.1
    loose = evaluate_detections(images, guesses, NAMES, score_threshold=0.1).labels["scratch"]
    assert loose.precision == pytest.approx(2 / 3) and loose.recall == 1.0


def test_equal_scores_are_never_cut_apart() -> None:
    images = [truth((LEFT, (1, 0)))]
    result = evaluate_detections(images, [found((LEFT, (0.5, 0)), (FAR, (0.5, 0)))], NAMES).labels["scratch"]
    assert result.precision == 0.5


def test_only_the_chosen_iou_thresholds_are_averaged() -> None:
    images, guesses = [truth(([0, 0, 10, 10], (1, 0)))], [found(([0, 0, 10, 8], (0.9, 0)))]
    assert evaluate_detections(images, guesses, NAMES, iou_thresholds=[0.5]).map == 1.0
    assert evaluate_detections(images, guesses, NAMES, iou_thresholds=[0.5, 0.9]).map == 0.5
    assert evaluate_detections(images, guesses, NAMES, iou_thresholds=[0.9]).map75 == 1.0


def test_the_json_has_plain_values() -> None:
    import json

    result = evaluate_detections([truth((LEFT, (1, 0)))], [found((LEFT, (0.9, 0)))], NAMES)
    values = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert values["images"] == 1 and values["map50"] == 1.0
    assert {"ap50", "precision", "recall", "boxes"} <= set(values["labels"]["scratch"])
    assert values["labels"]["stain"]["ap50"] is None


def test_lists_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="1 true images"):
        evaluate_detections([truth()], [], NAMES)
    with pytest.raises(ValueError, match="2 labels"):
        evaluate_detections([truth()], [found()], ("one",))


def test_matching_names_finds_false_alarms_and_misses() -> None:
    seen = match_image(
        truth((LEFT, (1, 1)), (RIGHT, (1, 0))),
        found((LEFT, (0.9, 0.2)), (FAR, (0.8, 0)), (LEFT, (0.7, 0))),
        0.5,
    )
    pairs = set(zip(seen.detections.tolist(), seen.labels.tolist(), seen.truths.tolist(), strict=True))
    assert pairs == {(0, 0, 0), (1, 0, -1), (2, 0, -1)}
    assert {tuple(row) for row in seen.fn_rows.tolist()} == {(0, 1), (1, 0)}
    assert (seen.tp, seen.fp, seen.fn) == (1, 2, 2)


def test_each_label_may_have_its_own_threshold() -> None:
    image, guess = truth((LEFT, (1, 1))), found((LEFT, (0.6, 0.2)))
    assert match_image(image, guess, np.array([0.5, 0.1])).tp == 2
    assert match_image(image, guess, np.array([0.7, 0.1])).tp == 1


def test_a_threshold_taken_from_a_score_includes_it() -> None:
    guess = found((LEFT, (0.7, 0)))
    assert match_image(truth((LEFT, (1, 0))), guess, 0.7).tp == 1
    assert match_image(truth((LEFT, (1, 0))), guess, float(guess.scores[0, 0])).tp == 1


def test_images_without_boxes_keep_their_place_in_the_table() -> None:
    table = MatchTable.build(
        [truth(), truth((LEFT, (1, 0))), truth()], [found((FAR, (0.9, 0))), found(), found((LEFT, (0.2, 0)))], NAMES
    )
    result = table.at(0.5)
    assert result.tp.tolist() == [0, 0, 0]
    assert result.fp.tolist() == [1, 0, 0]
    assert result.fn.tolist() == [0, 1, 0]
    assert result.image(1).fn_rows.tolist() == [[0, 0]]
    assert len(result.image(2).detections) == 0


def test_the_table_gives_at_every_threshold_what_matching_anew_gives() -> None:
    random = np.random.default_rng(1)
    images, guesses = [], []
    for _ in range(6):
        corner = random.uniform(0, 30, (5, 2))
        boxes = np.concatenate([corner, corner + random.uniform(5, 20, (5, 2))], axis=1).astype(np.float32)
        images.append(GroundTruth(boxes, random.random((5, 2)) < 0.6))
        moved = np.repeat(boxes, 3, axis=0) + random.normal(0, 1, (15, 4)).astype(np.float32)
        guesses.append(Detections(moved, random.random((15, 2)).astype(np.float32), NAMES))
    table = MatchTable.build(images, guesses, NAMES)
    for threshold in (0.1, 0.5, 0.9):
        result = table.at(threshold)
        for index, (image, guess) in enumerate(zip(images, guesses, strict=True)):
            kept = Detections(guess.boxes, np.where(guess.scores >= threshold, guess.scores, 0), NAMES)
            anew = match_image(image, kept, 0.0)
            here = result.image(index)
            assert (here.tp, here.fp, here.fn) == (anew.tp, anew.fp, anew.fn)
            assert here.tp + here.fn == image.labels.sum()
        assert result.tp.sum() > 0


def test_a_slider_over_a_thousand_images_answers_at_once() -> None:
    random = np.random.default_rng(2)
    corner = random.uniform(0, 400, (1000, 40, 2)).astype(np.float32)
    boxes = np.concatenate([corner, corner + 20], axis=2)
    images = [GroundTruth(one[:7], np.ones((7, 2), bool)) for one in boxes]
    guesses = [Detections(one, random.random((40, 2)).astype(np.float32), NAMES) for one in boxes]
    table = MatchTable.build(images, guesses, NAMES)
    best = min(_timed(lambda: table.at(0.3)) for _ in range(3))
    assert best < 0.1


def _timed(work: object) -> float:
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started


def test_curves_start_at_the_best_score_and_precision_never_rises() -> None:
    images = [truth((LEFT, (1, 0)), (RIGHT, (1, 0)))]
    guesses = [found((FAR, (0.9, 0)), (LEFT, (0.8, 0)), (RIGHT, (0.7, 0)))]
    curves = precision_recall_curves(images, guesses, NAMES)
    assert set(curves) == {"scratch"}
    curve = curves["scratch"]
    assert curve.recall.tolist() == [0, 0.5, 1]
    assert curve.precision == pytest.approx([2 / 3] * 3)
    assert curve.threshold == pytest.approx([0.9, 0.8, 0.7])


def test_a_label_that_the_model_does_not_know_has_dashes_and_both_means_are_there() -> None:
    import json

    images = [truth((LEFT, (1, 0)), (RIGHT, (0, 1)))]
    guesses = [found((LEFT, (0.9, 0)))]
    result = evaluate_detections(images, guesses, NAMES, score_threshold={"scratch": 0.5}, unknown_labels=["stain"])
    assert (result.map50, result.map75, result.map) == (1.0, 1.0, 1.0)
    assert (result.map50_all_labels, result.map75_all_labels, result.map_all_labels) == (0.5, 0.5, 0.5)
    stain = json.loads(json.dumps(result.to_json(), allow_nan=False))["labels"]["stain"]
    assert [stain[name] for name in ("ap50", "ap", "precision", "recall", "f1", "threshold")] == [None] * 6
    assert (stain["boxes"], stain["fn"]) == (1, 1)
    assert result.totals() == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3)}
    known = evaluate_detections(images, guesses, NAMES, score_threshold=0.5)
    assert known.labels["stain"].ap50 == 0.0 and known.map50 == known.map50_all_labels == 0.5
