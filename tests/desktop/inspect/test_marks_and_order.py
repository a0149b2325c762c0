"""What the Inspect page shows, without its window: words of marks, places of words, the order of images."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from PySide6.QtCore import QRectF, QSizeF
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from core.inspection.marks import Mark
from desktop.inspect.inspect_list import SORTS, order_images
from desktop.inspect.inspect_view import InspectView
from desktop.inspect.mark_tags import Names, find_leader, place_tag
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
        place = place_tag(box, size, bounds, taken)
        assert place is not None
        taken.append(place)
    assert taken[0].bottom() <= 60
    assert all(bounds.contains(rect) for rect in taken)
    assert not any(first.intersects(second) for first, second in combinations(taken, 2))
    under = place_tag(QRectF(50, 60, 40, 40), size, bounds, [], below=True)
    assert under is not None and under.top() >= 100


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


def test_words_stand_beside_the_boxes_of_others_and_a_line_leads_to_their_own() -> None:
    bounds, size = QRectF(0, 0, 400, 300), QSizeF(80, 18)
    box = QRectF(100, 100, 30, 20)
    above = QRectF(95, 70, 60, 28)
    place = place_tag(box, size, bounds, [], [box, above])
    assert (
        place is not None
        and not place.intersects(above)
        and not place.intersects(box)
        and find_leader(box, place) is None
    )
    # All around it others stand: the words go further off, and are tied to their box.
    walls = [above, QRectF(95, 122, 60, 20), QRectF(132, 64, 100, 120), QRectF(10, 64, 88, 120)]
    place = place_tag(box, size, bounds, [], [box, *walls])
    assert place is not None and not any(place.intersects(wall) for wall in [box, *walls])
    leader = find_leader(box, place)
    assert leader is not None and leader.length() > 20


def test_words_of_a_box_that_fills_the_view_stay_inside_the_view() -> None:
    bounds = QRectF(0, 0, 300, 200)
    large = QRectF(-5, -5, 320, 220)
    place = place_tag(large, QSizeF(80, 18), bounds, [], [large])
    assert place is not None and bounds.contains(place)


def test_words_that_would_cover_the_defects_wait_for_the_pointer() -> None:
    bounds, size = QRectF(0, 0, 90, 60), QSizeF(80, 18)
    boxes = [QRectF(2, 2, 40, 26), QRectF(46, 2, 40, 26), QRectF(2, 32, 40, 26), QRectF(46, 32, 40, 26)]
    assert place_tag(boxes[0], size, bounds, [], boxes, always=False) is None
    place = place_tag(boxes[0], size, bounds, [], boxes)
    assert place is not None and bounds.contains(place)
    # Labels of a whole image have room in it.
    whole = QRectF(0, 0, 400, 300)
    assert place_tag(whole, size, whole, [], [whole], always=False) is not None


def test_words_at_the_right_edge_have_a_place_whatever_their_width() -> None:
    bounds, box = QRectF(0, 0, 300, 200), QRectF(270.5, 100.2, 20, 20)
    for width in (80.0, 80.3, 80.7, 120.5):
        place = place_tag(box, QSizeF(width, 18), bounds, [], [box], always=False)
        assert place is not None and bounds.contains(place) and not place.intersects(box)


def test_in_a_crowd_of_large_boxes_the_largest_and_the_chosen_one_are_named(qtbot: QtBot) -> None:
    shown = InspectView()
    qtbot.addWidget(shown.view)
    shown.view.resize(900, 900)
    shown.view.set_image(np.zeros((900, 900, 3), np.uint8))
    corners = [(10.0 * (row % 20), 40.0 * (row // 20)) for row in range(200)]
    marks = [
        Mark("detection", row, "tp", (x, y, x + 50 + row, y + 50), (0,), (True,), (0.9,))
        for row, (x, y) in enumerate(corners)
    ]
    shown.set_marks(marks, Names(("scratch",), (QColor("red"),)))
    assert {mark.row for mark in shown.named_marks()} == set(range(140, 200))
    shown.set_selected(("detection", 3))
    assert {mark.row for mark in shown.named_marks()} == {3, *range(141, 200)}
