"""What the Inspect page shows, without its window: words of marks, places of words, the order of images."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from PySide6.QtCore import QRectF, QSizeF

from desktop.inspect.inspect_list import SORTS, order_images
from desktop.inspect.inspect_view import place_tag
from desktop.inspect.mark_texts import explain_label
from tests.core.inspection.matched_builders import BOX, FAR, NAMES, data_of, found, marks_of, truth


def test_right_about_one_label_and_wrong_about_another_is_mixed() -> None:
    data = data_of(truth((BOX, (0,))), found((BOX, (0.7, 0.9))))
    box, detection = marks_of(data)
    assert (box.source, box.kind) == ("truth", "found")
    assert (detection.kind, detection.labels, detection.verdicts) == ("mixed", (1, 0), (False, True))
    assert detection.label_texts(NAMES) == ["stain 0.90", "scratch 0.70"]
    assert explain_label(data, 0, detection, 0, True) == "right, IoU 1.00"
    assert explain_label(data, 0, detection, 1, False) == "false: what is there is scratch"


def test_false_detections_tell_why() -> None:
    data = data_of(
        truth((BOX, (0,))), found((BOX, (0.9, 0)), (BOX, (0.8, 0)), (FAR, (0.7, 0)), ((10, 10, 50, 25), (0.6, 0)))
    )
    _, first, *false = marks_of(data)
    assert first.kind == "tp"
    assert [explain_label(data, 0, mark, 0, False) for mark in false] == [
        "false: found already by a surer detection",
        "false: nothing is there",
        "false: overlaps scratch by IoU 0.38 only",
    ]


def test_words_at_boxes_give_way_to_each_other_and_stay_inside() -> None:
    bounds, size = QRectF(0, 0, 300, 200), QSizeF(80, 18)
    taken: list[QRectF] = []
    for box in [
        QRectF(50, 60, 40, 40),
        QRectF(52, 62, 40, 40),
        QRectF(54, 64, 40, 40),
        QRectF(290, 2, 8, 8),
        QRectF(0, 195, 9, 4),
    ]:
        taken.append(place_tag(box, size, bounds, taken))
    assert taken[0].bottom() <= 60
    assert all(bounds.contains(rect) for rect in taken)
    assert not any(first.intersects(second) for first, second in combinations(taken, 2))
    assert place_tag(QRectF(50, 60, 40, 40), size, bounds, [], below=True).top() >= 100


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("Most errors", [2, 0, 1]),
        ("Most missed", [2, 0, 1]),
        ("Most false", [0, 2, 1]),
        ("Most right", [1, 0, 2]),
        ("Name", [0, 1, 2]),
    ],
)
def test_images_are_sorted_as_asked_and_equal_ones_by_name(sort: str, expected: list[int]) -> None:
    fn, fp, tp = np.array([0, 0, 4]), np.array([2, 0, 1]), np.array([1, 5, 1])
    assert sort in SORTS
    assert order_images(tp, fp, fn, sort, np.ones(3, bool)).tolist() == expected
    assert order_images(tp, fp, fn, sort, np.array([True, False, True])).tolist() == [
        row for row in expected if row != 1
    ]
