"""The threshold can be moved, clicked and typed from 0 to 1, in thousandths."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QStyle, QStyleOptionSlider
from pytestqt.qtbot import QtBot

from desktop.inspect.inspect_page import InspectPage
from desktop.inspect.threshold_bar import ThresholdBar
from desktop.kit.jump_slider import JumpSlider


@pytest.fixture
def bar(qtbot: QtBot) -> ThresholdBar:
    bar = ThresholdBar()
    qtbot.addWidget(bar)
    bar.resize(500, 40)
    bar.show()
    return bar


def type_number(qtbot: QtBot, bar: ThresholdBar, text: str, key: Qt.Key = Qt.Key.Key_Return) -> None:
    bar.number.setFocus()
    bar.number.selectAll()
    qtbot.keyClick(bar.number, Qt.Key.Key_Delete)
    qtbot.keyClicks(bar.number, text)
    qtbot.keyClick(bar.number, key)


@pytest.mark.parametrize(
    ("typed", "expected"), [("0.997", 0.997), ("1", 1.0), ("0", 0.0), ("0,5", 0.5), ("0.9954", 0.995), ("7", 1.0)]
)
def test_a_typed_threshold_is_taken(qtbot: QtBot, bar: ThresholdBar, typed: str, expected: float) -> None:
    bar.show_thresholds([0.3])
    moved: list[float] = []
    bar.moved.connect(moved.append)
    type_number(qtbot, bar, typed)
    assert moved == [expected]


def test_one_number_takes_the_place_of_those_of_the_labels_even_that_of_the_middle(
    qtbot: QtBot, bar: ThresholdBar
) -> None:
    bar.show_thresholds([0.2, 0.4, 0.9])
    assert bar.text == "by label" and bar.value == 0.4
    moved: list[float] = []
    bar.moved.connect(moved.append)
    type_number(qtbot, bar, "0.4")
    assert moved == [0.4]
    bar.show_thresholds([0.4, 0.4, 0.4])
    assert bar.text == "0.400"


def test_what_is_not_typed_to_its_end_changes_nothing(qtbot: QtBot, bar: ThresholdBar) -> None:
    moved: list[float] = []
    bar.moved.connect(moved.append)
    for thresholds, text in (([0.4213], "0.421"), ([0.2, 0.9], "by label")):
        bar.show_thresholds(thresholds)
        bar.number.setFocus()
        bar.slider.setFocus()
        type_number(qtbot, bar, "0.7", Qt.Key.Key_Escape)
        assert bar.text == text
    assert moved == []


def test_keys_step_by_hundredths_and_by_thousandths_at_the_ends(bar: ThresholdBar) -> None:
    bar.show_thresholds([0.98])
    values = []
    for _ in range(4):
        bar.step_value(1)
        values.append(bar.value)
    assert values == [0.99, 1.0, 1.0, 1.0]
    bar.show_thresholds([0.995])
    bar.step_value(1)
    assert bar.value == 0.996
    bar.show_thresholds([0.004])
    bar.step_value(-1)
    assert bar.value == 0.003


def test_without_a_threshold_there_is_nothing_to_move(bar: ThresholdBar) -> None:
    bar.show_thresholds([])
    assert bar.text == "–" and not bar.isEnabled()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.93])
def test_a_click_on_the_groove_goes_there(qtbot: QtBot, share: float) -> None:
    slider = JumpSlider()
    qtbot.addWidget(slider)
    slider.setRange(0, 1000)
    slider.setPageStep(100)
    slider.resize(400, 24)
    slider.show()
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    parts = QStyle.SubControl
    groove, handle = (
        slider.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, part, slider)
        for part in (parts.SC_SliderGroove, parts.SC_SliderHandle)
    )
    room = groove.width() - handle.width()
    at = QPoint(groove.x() + handle.width() // 2 + round(share * room), slider.height() // 2)
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=at)
    assert slider.value() == pytest.approx(1000 * share, abs=1000 / room)


def test_a_threshold_above_99_hundredths_counts_on_the_page(qtbot: QtBot, page: InspectPage) -> None:
    stage, thresholds = page.workspace.stage, page.workspace.thresholds
    type_number(qtbot, stage.score, "0.996")
    assert set(thresholds.point.thresholds.values()) == {0.996}
    assert stage.score.text == "0.996" and page.workspace.images.table.hasFocus()
