"""Numbers are typed with a comma in half of the world."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QLocale, Qt
from pytestqt.qtbot import QtBot

from desktop.kit.decimal_field import DecimalSpinBox, with_decimal_point
from desktop.kit.field_controls import NumberControl, SliderControl
from desktop.kit.list_controls import ListControl


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("0,2", "0.2"),
        ("0.2", "0.2"),
        ("1.000,5", "1000.5"),
        ("1,000.5", "1000.5"),
        ("1,000,000", "1000000"),
        ("7", "7"),
    ],
)
def test_a_comma_stands_before_decimals_unless_it_groups_thousands(typed: str, meant: str) -> None:
    assert with_decimal_point(typed) == meant


@pytest.mark.parametrize("country", ["C", "de_DE", "en_US", "cs_CZ"])
@pytest.mark.parametrize("typed", ["0,25", "0.25"])
def test_both_marks_are_understood_in_every_country(qtbot: QtBot, typed: str, country: str) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale(country))
    try:
        field = DecimalSpinBox(0, 10, 2)
        qtbot.addWidget(field)
        field.selectAll()
        qtbot.keyClicks(field, typed)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert field.value() == 0.25 and field.text() == "0.25"
    finally:
        QLocale.setDefault(before)


def test_a_field_that_groups_thousands_reads_what_it_writes(qtbot: QtBot) -> None:
    field = DecimalSpinBox(0, 100_000, 2)
    field.setGroupSeparatorShown(True)
    qtbot.addWidget(field)
    field.setValue(12_500.5)
    assert field.text() == "12,500.50"
    for typed, meant in (("1,000", 1000.0), ("0,250", 0.25), ("12,5", 12.5), ("12,500.50", 12_500.5)):
        field.selectAll()
        qtbot.keyClicks(field, typed)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert field.value() == meant, typed


@pytest.mark.parametrize("kind", ["slider", "number", "slider with a unit"])
def test_controls_of_forms_take_a_comma(qtbot: QtBot, kind: str) -> None:
    control = NumberControl(0, None) if kind == "number" else SliderControl(0, 1, "px" if "unit" in kind else "")
    qtbot.addWidget(control)
    control.show_value(0.5)
    with qtbot.waitSignal(control.edited) as edited:
        control.number.selectAll()
        qtbot.keyClicks(control.number, "0,2")
        qtbot.keyClick(control.number, Qt.Key.Key_Return)
    assert edited.args == [0.2]


@pytest.mark.parametrize("typed", ["0.67, 0.92", "0.67,0.92", "0,67; 0,92", "0,67, 0,92", "0.67; 0.92"])
def test_a_list_of_decimals_is_read_with_either_mark(qtbot: QtBot, typed: str) -> None:
    control = ListControl()
    qtbot.addWidget(control)
    with qtbot.waitSignal(control.edited) as edited:
        control.line.setText(typed)
        control.line.textEdited.emit(typed)
    assert edited.args == [("0.67", "0.92")]
