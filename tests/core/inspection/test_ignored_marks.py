"""Ignored boxes on Inspect: drawn for what they are, counted, and what is detected on them neither right nor false."""

from __future__ import annotations

import numpy as np

from core.inspection.error_counts import count_errors, sum_counts
from core.inspection.marks import MarkFilter
from core.inspection.matched_images import match_images
from core.types import GroundTruth
from tests.core.inspection.matched_builders import BOX, FAR, NAMES, data_of, found, marks_of, truth

THIRD = (60, 10, 90, 40)


def with_ignored(*boxes: tuple[tuple[float, ...], tuple[int, ...]]) -> GroundTruth:
    """A true scratch at BOX, and ignored boxes by these labels."""
    plain = truth((BOX, (0,)))
    ignored = truth(*boxes)
    return GroundTruth(plain.boxes, plain.labels, ignored.boxes, ignored.labels)


def test_an_ignored_box_and_what_is_found_on_it_are_marked_so() -> None:
    data = data_of(with_ignored((FAR, (1,))), found((BOX, (0.9, 0)), (FAR, (0, 0.8)), (THIRD, (0.7, 0))))
    kinds = [(mark.source, mark.row, mark.kind, mark.labels, mark.verdicts) for mark in marks_of(data)]
    assert kinds == [
        ("truth", 0, "found", (0,), (True,)),
        ("truth", 1, "ignored", (1,), (None,)),
        ("detection", 0, "tp", (0,), (True,)),
        ("detection", 1, "ignored", (1,), (None,)),
        ("detection", 2, "fp", (0,), (False,)),
    ]
    counts = count_errors(data, 0.5)
    assert (sum_counts(counts).tp, sum_counts(counts).fp, sum_counts(counts).fn) == (1, 1, 0)
    assert counts.ignored.tolist() == [[0, 1]]
    assert count_errors(data, 0.85).ignored.sum() == 0
    assert [mark.kind for mark in marks_of(data, 0.85)] == ["found", "ignored", "tp"]


def test_ignored_boxes_are_counted_once_and_by_each_label_that_they_are_ignored_by() -> None:
    data = data_of(with_ignored((FAR, (1,)), (THIRD, (0, 1))), found())
    assert (data.ignored, data.label_ignored) == (2, (1, 2))
    assert data_of(truth((BOX, (0,))), found()).label_ignored == (0, 0)


def test_a_detection_with_another_label_on_it_is_false_by_that_label_only() -> None:
    data = data_of(with_ignored((FAR, (1,))), found((FAR, (0.9, 0.8))))
    detection = next(mark for mark in marks_of(data) if mark.source == "detection")
    assert (detection.kind, detection.labels, detection.verdicts) == ("fp", (0, 1), (False, None))


def test_what_is_ignored_can_be_hidden_and_is_not_shown_with_the_others() -> None:
    data = data_of(with_ignored((FAR, (1,))), found((FAR, (0, 0.8))))
    marks = marks_of(data)
    assert [mark.kind for mark in marks if MarkFilter(ignored=False).accepts(mark)] == ["fn"]
    only = MarkFilter(tp=False, fp=False, fn=False, truth=False)
    assert [mark.source for mark in marks if only.accepts(mark)] == ["truth", "detection"]
    assert [mark.kind for mark in marks if MarkFilter(label=0).accepts(mark)] == ["fn"]


def test_a_box_without_a_label_is_ignored_also_by_labels_that_only_the_model_knows() -> None:
    names = ("scratch", "stain", "dent")
    data = match_images([1], [with_ignored((FAR, (0, 1)))], [found((FAR, (0, 0, 0.9)), names=names)], NAMES, names, 0.5)
    assert sum_counts(count_errors(data, 0.5)).fp == 0
    marks = marks_of(data)
    assert marks[1].label_texts(data.label_names) == ["any label"] and marks[2].kind == "ignored"


def test_labels_of_images_are_judged_as_the_evaluation_does() -> None:
    box = np.array([[0, 0, 100, 100]], np.float32)
    plain = GroundTruth(box, np.array([[True, False]]))
    ignored = GroundTruth(box[:0], np.zeros((0, 2), bool), box)
    scores = [found((tuple(box[0]), one)) for one in ((0.9, 0.1), (0.1, 0.9))]
    data = match_images([1, 2], [plain, ignored], scores, NAMES, NAMES, 0.5, is_detector=False)
    counts = count_errors(data, 0.5)
    assert (sum_counts(counts).tp, sum_counts(counts).fp, sum_counts(counts).fn) == (1, 0, 0)
    assert counts.ignored.tolist() == [[0, 0], [0, 1]]
    assert data.label_ap == (1.0, None)
