"""The evaluator against pycocotools and faster-coco-eval."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from typing import Any

import faster_coco_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from core.evaluation.average_precision import DEFAULT, evaluate_detections
from core.evaluation.curves import precision_recall_curves
from core.evaluation.matching import match_image
from core.types import Detections, GroundTruth


def truth_of(boxes: list[list[float]], labels: list[list[bool]], label_count: int) -> GroundTruth:
    return GroundTruth(np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, bool).reshape(-1, label_count))


def detections_of(boxes: list[list[float]], scores: list[list[float]], names: tuple[str, ...]) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32).reshape(-1, len(names)), names
    )


def coco_rows(truth: list[GroundTruth], detections: list[Detections]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same rows as COCO's dictionaries; ids start at 1, as both oracles need."""
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    label_count = truth[0].labels.shape[1]
    for image, (true, found) in enumerate(zip(truth, detections, strict=True), start=1):
        crowds = [(0, true.boxes, true.labels), (1, true.ignored, true.ignored_by_label())]
        rows = [
            (crowd, at[row], label) for crowd, at, sets in crowds for row, label in zip(*np.nonzero(sets), strict=True)
        ]
        for crowd, box, label in rows:
            x1, y1, x2, y2 = (float(v) for v in box)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(label) + 1,
                    "iscrowd": crowd,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                }
            )
        for row, label in zip(*np.nonzero(found.scores > 0), strict=True):
            x1, y1, x2, y2 = (float(v) for v in found.boxes[row])
            results.append(
                {
                    "image_id": image,
                    "category_id": int(label) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "score": float(found.scores[row, label]),
                }
            )
    dataset = {
        "info": {},
        "images": [{"id": i + 1, "width": 999, "height": 999} for i in range(len(truth))],
        "categories": [{"id": i + 1, "name": str(i)} for i in range(label_count)],
        "annotations": annotations,
    }
    return dataset, results


def pycocotools_precision(dataset: dict[str, Any], results: list[dict[str, Any]], most: int = 100) -> np.ndarray:
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dataset
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(results), "bbox")
        run.params.maxDets = [1, 10, most]
        run.evaluate()
        run.accumulate()
    return run.eval["precision"][:, :, :, 0, -1]


def faster_precision(dataset: dict[str, Any], results: list[dict[str, Any]], most: int = 100) -> np.ndarray:
    with contextlib.redirect_stdout(io.StringIO()):
        coco = faster_coco_eval.COCO(dataset)
        run = faster_coco_eval.COCOeval_faster(coco, coco.loadRes(results), "bbox")
        run.params.maxDets = [1, 10, most]
        run.evaluate()
        run.accumulate()
    return run.eval["precision"][:, :, :, 0, -1]


def assert_agrees(truth: list[GroundTruth], detections: list[Detections], names: tuple[str, ...]) -> None:
    ours = evaluate_detections(truth, detections, names, max_detections=100)
    dataset, results = coco_rows(truth, detections)
    for oracle in (pycocotools_precision, faster_precision):
        precision_trk = oracle(dataset, [dict(one) for one in results])
        for label, name in enumerate(names):
            theirs = precision_trk[:, :, label]
            one = ours.labels[name]
            if (theirs < 0).all():
                assert one.ap is None and one.ap50 is None
                continue
            assert one.ap == pytest.approx(theirs.mean(), abs=1e-6), oracle.__name__
            assert one.ap50 == pytest.approx(theirs[0].mean(), abs=1e-6), oracle.__name__
        judged = precision_trk[precision_trk > -1]
        if judged.size:
            assert ours.map == pytest.approx(judged.mean(), abs=1e-6), oracle.__name__
            at75 = precision_trk[5]
            assert ours.map75 == pytest.approx(at75[at75 > -1].mean(), abs=1e-6), oracle.__name__


# Whole pixels on a small grid and few distinct scores: equal scores, equal overlaps and overlaps exactly at a threshold
# all turn up, and both sides compute the same fractions.
boxes = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(1, 10), st.integers(1, 10)).map(
    lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]
)
score = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.5, 0.75, 1.0])


@st.composite
def datasets(draw: st.DrawFn) -> tuple[list[GroundTruth], list[Detections], tuple[str, ...]]:
    label_count = draw(st.integers(1, 3))
    names = tuple("abc"[:label_count])
    truth, found = [], []
    for _ in range(draw(st.integers(1, 4))):
        true_boxes = draw(st.lists(boxes, max_size=5))
        sets = st.lists(st.booleans(), min_size=label_count, max_size=label_count).filter(any)
        truth.append(truth_of(true_boxes, [draw(sets) for _ in true_boxes], label_count))
        copies = st.sampled_from(true_boxes) if true_boxes else boxes
        found_boxes = draw(st.lists(st.one_of(boxes, copies), max_size=8))
        rows = st.lists(score, min_size=label_count, max_size=label_count)
        found.append(detections_of(found_boxes, [draw(rows) for _ in found_boxes], names))
    return truth, found, names


@settings(max_examples=150, deadline=None)
@given(datasets())
def test_agrees_with_both_oracles_on_random_data(
    data: tuple[list[GroundTruth], list[Detections], tuple[str, ...]],
) -> None:
    truth, found, names = data
    if not any((one.scores > 0).any() for one in found):
        return  # both oracles crash without a single detection; the empty cases have tests of their own
    assert_agrees(truth, found, names)


def jittered(seed: int, images: int, names: tuple[str, ...], dense: int) -> tuple[list[GroundTruth], list[Detections]]:
    random = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(images):
        count = int(random.integers(0, dense))
        corner = random.uniform(0, 400, (count, 2))
        true_boxes = np.concatenate([corner, corner + random.uniform(8, 90, (count, 2))], axis=1).astype(np.float32)
        labels = random.random((count, len(names))) < 0.4
        labels[np.arange(count), random.integers(0, len(names), count)] = True
        truth.append(GroundTruth(true_boxes, labels))
        repeats = np.repeat(true_boxes, 4, axis=0)
        moved = repeats + random.normal(0, 5, repeats.shape).astype(np.float32)
        moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
        scores = random.random((len(moved), len(names))).astype(np.float32)
        scores[random.random(scores.shape) < 0.5] = 0
        found.append(Detections(moved, scores, names))
    return truth, found


def test_agrees_on_a_larger_set_with_fractional_boxes() -> None:
    names = ("a", "b", "c", "d", "e")
    truth, found = jittered(3, 60, names, 15)
    assert_agrees(truth, found, names)
    assert 0.05 < evaluate_detections(truth, found, names).map < 0.95


def test_agrees_when_more_than_the_allowed_detections_crowd_one_image() -> None:
    names = ("a",)
    truth, found = jittered(5, 2, names, 90)
    random = np.random.default_rng(0)
    corner = random.uniform(0, 400, (300, 2)).astype(np.float32)
    extra = np.concatenate([corner, corner + 20], axis=1)
    crowded = Detections(
        np.concatenate([found[0].boxes, extra]),
        np.concatenate([found[0].scores, random.random((300, 1)).astype(np.float32)]),
        names,
    )
    assert (crowded.scores > 0).sum() > 100
    assert_agrees(truth, [crowded, found[1]], names)


def test_of_a_crowded_image_as_many_detections_count_as_twice_its_boxes() -> None:
    names = ("a", "b")
    truth, found = jittered(7, 3, names, 400)
    fullest = max(int(one.labels.sum(axis=0).max()) for one in truth)
    assert fullest > 60
    ours = evaluate_detections(truth, found, names)
    dataset, results = coco_rows(truth, found)
    for oracle in (pycocotools_precision, faster_precision):
        precision_trk = oracle(dataset, [dict(one) for one in results], 2 * fullest)
        assert ours.map == pytest.approx(precision_trk.mean(), abs=1e-6), oracle.__name__
    assert ours.map != evaluate_detections(truth, found, names, max_detections=100).map


@pytest.mark.parametrize("overlap_at", DEFAULT)
def test_agrees_where_the_overlap_is_exactly_a_threshold(overlap_at: float) -> None:
    names = ("a",)
    truth = [truth_of([[0, 0, 100, 100]], [[True]], 1)]
    found = [detections_of([[0, 0, 100, round(overlap_at * 100)]], [[0.5]], names)]
    assert_agrees(truth, found, names)


def test_agrees_where_one_label_has_no_truth_and_another_no_detections() -> None:
    names = ("a", "b", "c")
    truth = [truth_of([[0, 0, 10, 10], [20, 20, 40, 40]], [[True, False, False], [False, True, False]], 3)]
    found = [detections_of([[0, 0, 10, 9], [5, 5, 9, 9]], [[0.9, 0, 0], [0, 0, 0.8]], names)]
    assert_agrees(truth, found, names)
    result = evaluate_detections(truth, found, names)
    assert result.labels["b"].ap50 == 0.0 and result.labels["c"].ap50 is None
    assert result.map50 == pytest.approx(0.5)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_agrees_which_of_two_equally_overlapped_boxes_is_taken(order: list[int]) -> None:
    names = ("a",)
    both = [[0, 0, 10, 10], [2, 0, 12, 10]]
    truth = [truth_of([both[row] for row in order], [[True], [True]], 1)]
    found = [detections_of([[1, 0, 11, 10], [3, 0, 13, 10]], [[0.9], [0.8]], names)]
    assert_agrees(truth, found, names)


# -- ignored boxes, as COCO's crowds


@st.composite
def datasets_with_ignored(draw: st.DrawFn) -> tuple[list[GroundTruth], list[Detections], tuple[str, ...]]:
    truth, found, names = draw(datasets())
    ignored = []
    for one in truth:
        regions = draw(st.lists(boxes, max_size=3))
        sets = st.lists(st.booleans(), min_size=len(names), max_size=len(names)).filter(any)
        labels = np.array([draw(sets) for _ in regions], bool).reshape(-1, len(names))
        ignored.append(replace(one, ignored=np.array(regions, np.float32).reshape(-1, 4), ignored_labels=labels))
    return ignored, found, names


@settings(max_examples=150, deadline=None)
@given(datasets_with_ignored())
def test_ignored_boxes_count_as_crowds_do(data: tuple[list[GroundTruth], list[Detections], tuple[str, ...]]) -> None:
    truth, found, names = data
    if any((one.scores > 0).any() for one in found):
        assert_agrees(truth, found, names)


def test_ignored_boxes_of_a_larger_set_count_as_crowds_do() -> None:
    names = ("a", "b", "c")
    truth, found = jittered(7, 40, names, 12)
    random = np.random.default_rng(7)
    for place, one in enumerate(truth):
        part = random.random(len(one)) < 0.3
        truth[place] = GroundTruth(one.boxes[~part], one.labels[~part], one.boxes[part], one.labels[part])
    assert_agrees(truth, found, names)


def test_a_detection_on_an_ignored_box_is_neither_right_nor_wrong() -> None:
    names = ("a", "b")
    region = np.array([[50, 50, 90, 90]], np.float32)
    truth = replace(truth_of([[0, 0, 10, 10]], [[True, False]], 2), ignored=region)  # by every label
    found = detections_of([[0, 0, 10, 10], [60, 60, 80, 80], [55, 55, 85, 85]], [[0.8, 0], [0.9, 0], [0, 0.9]], names)
    result = evaluate_detections([truth], [found], names)
    assert result.labels["a"].ap == 1.0 and result.labels["a"].precision == 1.0 and result.labels["b"].boxes == 0
    assert result.agnostic_ap50 == 1.0
    match = match_image(truth, found, 0.5)
    assert (match.tp, match.fp, match.fn) == (1, 0, 0)
    curve = precision_recall_curves([truth], [found], names)["a"]
    assert curve.precision.tolist() == [1.0] and curve.recall.tolist() == [1.0]
