"""Models that tell labels of images, on the Inspect page: their own measures, and nothing that only boxes have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from core.inspection.error_counts import PrecisionRecall, count_errors
from core.inspection.marks import list_marks
from core.inspection.matched_images import MatchedImages, match_images
from core.types import Detections, GroundTruth
from desktop.inspect.inspect_column import InspectColumn
from desktop.inspect.inspect_stage import InspectStage
from desktop.inspect.mark_tags import Names
from desktop.inspect.mark_texts import describe_ignored, explain_label, name_mark
from desktop.viewer.pyramid import make_pyramid


def test_no_overlap_is_asked_for_where_labels_lie_on_the_whole_image(qtbot: QtBot) -> None:
    stage = InspectStage()
    qtbot.addWidget(stage)
    stage.show()
    assert stage.ious.isVisible() and "box" in stage.chips["fn"].toolTip()
    stage.set_is_detector(False)
    assert not stage.ious.isVisible()
    assert all("label" in chip.toolTip().lower() and "box" not in chip.toolTip() for chip in stage.chips.values())


def judged() -> MatchedImages:
    """Three images of 100 x 100: two carry "dent", one of which also "rust"; scores that rank "dent" imperfectly."""
    box = np.array([[0, 0, 100, 100]], np.float32)
    truth = [GroundTruth(box, np.array([flags])) for flags in ([True, False], [True, True])]
    truth.append(GroundTruth(np.zeros((0, 4), np.float32), np.zeros((0, 2), bool)))
    names = ("dent", "rust")
    scores = ((0.9, 0.2), (0.3, 0.8), (0.6, 0.1))
    found = [Detections(box, np.array([one], np.float32), names) for one in scores]
    return match_images([1, 2, 3], truth, found, names, names, 0.5, is_detector=False)


def test_average_precision_of_labels_is_that_of_the_images_that_carry_them() -> None:
    data = judged()
    # Precision 1 at the first of the two images with a dent, 2/3 at the second; rust is ranked rightly.
    assert data.label_ap == pytest.approx((0.5 * 1 + 0.5 * 2 / 3, 1.0))
    assert data.mean_ap == pytest.approx(sum(one for one in data.label_ap if one is not None) / 2)


def test_the_side_speaks_of_images_where_no_boxes_are_found(qtbot: QtBot) -> None:
    data, side = judged(), InspectColumn()
    qtbot.addWidget(side)
    side.show()
    assert side.detail.text() == "At the box" and "true boxes" in side.labels.horizontalHeaderItem(3).toolTip()
    side.set_is_detector(False)
    assert side.detail.text() == "In the image" and "image" in side.panel.prompt.text()
    assert all("box" not in side.labels.horizontalHeaderItem(column).toolTip() for column in range(7))
    names = Names(data.label_names, (QColor("red"), QColor("blue")))
    side.labels.set_labels(names)
    side.labels.set_scores((PrecisionRecall(1, 1, 1),) * 2, (0.5, 0.5))
    assert all("box" not in side.labels.item(0, column).toolTip() for column in range(1, 4))
    truth, said = list_marks(data, 1, 0.5)
    side.panel.set_mark(data, 1, truth, names, 0.5)
    assert side.panel.title.text() == "True labels, found in part" and not side.panel.where.isVisible()
    side.panel.set_mark(data, 1, said, names, 0.5)
    assert "rust: right" in side.panel.reasons.text() and "IoU" not in side.panel.reasons.text()
    (wrong,) = list_marks(data, 2, 0.5)
    assert explain_label(data, 2, wrong, 0, False) == "false: the image has no defect"


def test_labels_of_images_with_an_ignored_box_are_left_out(qtbot: QtBot) -> None:
    box = np.array([[0, 0, 100, 100]], np.float32)
    truth = [GroundTruth(box, np.array([[True]])), GroundTruth(box[:0], np.zeros((0, 1), bool), box)]
    found = [Detections(box, np.array([[0.9]], np.float32), ("dent",)) for _ in truth]
    data = match_images([1, 2], truth, found, ("dent",), ("dent",), 0.5, is_detector=False)
    told = describe_ignored(data, count_errors(data, 0.5), None)
    assert told == "Left out: 1 image with a box that is difficult or has no label."
    (truth_mark, detection) = list_marks(data, 1, 0.5)
    assert name_mark(truth_mark, is_detector=False) == "Ignored image"
    assert "nobody knows which labels" in explain_label(data, 1, detection, 0, None)
    panel = InspectColumn().panel
    qtbot.addWidget(panel)
    panel.set_mark(data, 1, detection, Names(("dent",), (QColor("red"),)), 0.5)
    assert [bar.verdict for bar in panel.bars.bars] == ["ignored"]


def test_pointing_at_labels_of_an_image_leaves_the_image_as_it_is(qtbot: QtBot) -> None:
    data, stage = judged(), InspectStage()
    qtbot.addWidget(stage)
    stage.resize(700, 500)
    stage.show()
    stage.set_is_detector(False)
    stage.set_image(make_pyramid(np.full((100, 100, 3), 90, np.uint8)))
    names = Names(data.label_names, (QColor("red"), QColor("blue")))
    marks = list_marks(data, 1, 0.5)
    stage.set_marks(marks, names)

    def take_middle() -> QColor:
        view = stage.left.view
        return view.grab().toImage().pixelColor(view.to_widget(QPointF(50, 50)).toPoint())

    before = take_middle()
    assert before == QColor(90, 90, 90)
    stage.left.hover_mark(marks[-1])
    assert stage.left.is_on_mark and take_middle() == before
    # A box within the image is lit up.
    stage.left.hover_mark(None)
    stage.set_marks([replace(marks[-1], xyxy=(20, 20, 80, 80))], names)
    stage.left.hover_mark(replace(marks[-1], xyxy=(20, 20, 80, 80)))
    assert take_middle() != before
