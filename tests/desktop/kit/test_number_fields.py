"""Numbers are typed with a comma in half of the world."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractSpinBox
from pytestqt.qtbot import QtBot

from desktop.kit.field_controls import NumberControl, SliderControl
from desktop.kit.list_controls import ListControl
from desktop.kit.number_fields import DecimalSpinBox, WholeSpinBox, with_decimal_point


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


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1 000", 1000.0),
        ("1\u202f000,5", 1000.5),
        ("1'000.5", 1000.5),
        ("1.000,5", 1000.5),
        ("1.000.000", 1_000_000.0),
        ("12,5 px", 12.5),
        (" 12.5 ", 12.5),
        ("\u22120,5", -0.5),
        ("0.2549", 0.25),
    ],
)
@pytest.mark.parametrize("pasted", [True, False])
def test_a_field_for_decimals_takes_a_number_as_it_is_written(
    qtbot: QtBot, typed: str, meant: float, pasted: bool
) -> None:
    field = DecimalSpinBox(-10, 2_000_000, 2)
    field.setSuffix(" px")
    qtbot.addWidget(field)
    field.setValue(7)
    enter(qtbot, field, typed, pasted)
    assert field.value() == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1,000", 1000),
        ("1.000", 1000),
        ("1 000", 1000),
        ("12 500", 12_500),
        ("1,000,000", 1_000_000),
        ("40 epochs", 40),
        ("1 epoch", 1),
        (" 25 ", 25),
    ],
)
@pytest.mark.parametrize("pasted", [True, False])
def test_a_field_for_whole_numbers_takes_one_as_it_is_written(
    qtbot: QtBot, typed: str, meant: int, pasted: bool
) -> None:
    field = WholeSpinBox(0, 2_000_000, 7)
    field.setSuffix(" epochs")
    qtbot.addWidget(field)
    enter(qtbot, field, typed, pasted)
    assert field.value() == meant


@pytest.mark.parametrize("kind", ["whole", "decimal"])
@pytest.mark.parametrize("text", ["3 mm", "1 2", "1.00,5", "1,00.5", "12.34.56", "seven"])
def test_what_is_no_number_of_the_field_leaves_it_as_it_is(qtbot: QtBot, text: str, kind: str) -> None:
    field = WholeSpinBox(0, 9_999) if kind == "whole" else DecimalSpinBox(0, 9_999)
    field.setSuffix(" px")
    qtbot.addWidget(field)
    field.setValue(7)
    enter(qtbot, field, text, pasted=True)
    assert field.value() == 7 and field.text().startswith("7")


@pytest.mark.parametrize(("text", "meant"), [("1 000", 322), ("1,000", 322), ("323", 322), ("0", 1), ("-4", 1)])
def test_a_number_beyond_the_limits_becomes_the_nearest(qtbot: QtBot, text: str, meant: int) -> None:
    field = WholeSpinBox(1, 322, 7)
    qtbot.addWidget(field)
    enter(qtbot, field, text, pasted=True)
    assert field.value() == meant
    decimal = DecimalSpinBox(0, 10, 1)
    qtbot.addWidget(decimal)
    enter(qtbot, decimal, "12,75", pasted=True)
    assert decimal.value() == 10


def test_a_half_typed_into_a_field_for_whole_numbers_does_not_become_fifteen(qtbot: QtBot) -> None:
    field = WholeSpinBox(0, 9_999, 7)
    field.setKeyboardTracking(False)
    qtbot.addWidget(field)
    enter(qtbot, field, "1.5", pasted=False)
    assert field.value() == 7


@pytest.mark.parametrize(("typed", "meant"), [("1 000", 1000.0), ("2,5e-3", 0.0025), ("0.01 px", 0.01)])
def test_a_field_over_many_magnitudes_takes_one_as_it_is_written(qtbot: QtBot, typed: str, meant: float) -> None:
    control = NumberControl(0, None, "px")
    qtbot.addWidget(control)
    control.show_value(0.5)
    enter(qtbot, control.number, typed, pasted=True)
    assert control.number.value() == meant


def enter(qtbot: QtBot, field: QAbstractSpinBox, text: str, pasted: bool) -> None:
    """Put a text in place of all that the field holds, its unit too, and press Enter."""
    field.lineEdit().selectAll()
    if pasted:
        QGuiApplication.clipboard().setText(text)
        field.lineEdit().paste()
    else:
        for character in text:  # keys have no narrow spaces
            field.lineEdit().insert(character)
    qtbot.keyClick(field, Qt.Key.Key_Return)
