"""One control per kind of value. Each shows a value and says when the user changed it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QValidator
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from core.counting import singularize
from desktop.kit.jump_slider import JumpSlider
from desktop.kit.number_fields import DecimalSpinBox, WholeSpinBox, strip_unit, with_decimal_point

# Where a field has no upper limit; Qt's spin boxes need one.
_MANY = 2_000_000_000
# Beside a slider: wide enough for "64.0 /255", the same in every row.
NUMBER_WIDTH = 104


class Control(QWidget):
    """Holds one value. `edited` comes only from the user, never from `show_value`."""

    edited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: object = None
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(8)

    def show_value(self, value: object) -> None:
        """Show `value`. It is what the control stands for, also where it displays fewer digits."""
        self._shown = value
        self._display_value(value)

    def commit(self) -> None:
        """Take over what was typed but not yet confirmed."""

    def setAccessibleName(self, name: str) -> None:
        """Name the control and what of it takes the keys."""
        super().setAccessibleName(name)
        for place in range(self._row.count()):
            item = self._row.itemAt(place)
            child = item.widget() if item is not None else None
            if child is not None and not child.accessibleName():
                child.setAccessibleName(name)

    def mark_invalid(self, invalid: bool) -> None:
        """Show by the style sheet whether what was entered is wrong."""
        child = self.focusProxy()
        if child is not None and bool(child.property("invalid")) != invalid:
            child.setProperty("invalid", invalid)
            child.style().unpolish(child)
            child.style().polish(child)

    def _display_value(self, value: object) -> None:
        raise NotImplementedError

    def take_value(self, value: object) -> None:
        """A child widget now shows `value`; whether the user did it shows in the difference."""
        self._shown = value
        self._display_value(value)
        self.edited.emit(value)

    def _hold_child(self, child: QWidget, stretch: int = 0) -> None:
        if isinstance(child, QAbstractSpinBox):
            # The style sheet's padding does not reach the line edit inside a spin box.
            child.lineEdit().setTextMargins(6, 0, 0, 0)
            if child.specialValueText():
                child.lineEdit().installEventFilter(_WordPicker(child))
            child.installEventFilter(_UndoGuard(child))
        child.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        child.installEventFilter(_wheel_guard(self))
        self._row.addWidget(child, stretch)
        if self.focusProxy() is None:
            self.setFocusProxy(child)


class SliderControl(Control):
    """A number between two limits: a slider and the number beside it."""

    def __init__(self, low: float, high: float, unit: str = "", *, open_low: bool = False, zero: str = "") -> None:
        super().__init__()
        self._step, self._decimals = _choose_resolution(high - low)
        self._low = low + self._step if open_low else low
        self.slider = JumpSlider()
        self.slider.setRange(0, round((high - self._low) / self._step))
        self.slider.setPageStep(max(1, self.slider.maximum() // 10))
        self.slider.setMinimumWidth(70)
        self.number = DecimalSpinBox(self._low, high, self._decimals)
        self.number.setSingleStep(self._step)
        self.number.setKeyboardTracking(False)
        _put_unit(self.number, unit, zero)
        self.number.setFixedWidth(NUMBER_WIDTH)
        self._hold_child(self.slider, 1)
        self._hold_child(self.number)
        self.slider.valueChanged.connect(self._take_slider)
        self.number.valueChanged.connect(self._take_typed)

    def commit(self) -> None:
        self.number.interpretText()

    def _display_value(self, value: object) -> None:
        assert isinstance(value, int | float)
        self.slider.setValue(self._find_tick(value))
        self.number.setValue(value)

    def _find_tick(self, value: float) -> int:
        return round((value - self._low) / self._step)

    def _take_slider(self, tick: int) -> None:
        assert isinstance(self._shown, int | float)
        if tick != self._find_tick(self._shown):
            self.take_value(round(self._low + tick * self._step, self._decimals))

    def _take_typed(self, value: float) -> None:
        assert isinstance(self._shown, int | float)
        if abs(value - self._shown) > self._step * 0.5001:
            self.take_value(value)


class NumberControl(Control):
    """A number without a useful slider: over many magnitudes, or without an upper limit."""

    def __init__(
        self, low: float, high: float | None, unit: str = "", *, open_low: bool = False, zero: str = ""
    ) -> None:
        super().__init__()
        self.number = MagnitudeSpinBox()
        self.number.setRange(1e-12 if open_low and low == 0 else low, _MANY if high is None else high)
        self.number.setKeyboardTracking(False)
        _put_unit(self.number, unit, zero)
        self._hold_child(self.number, 1)
        self.number.valueChanged.connect(self._take_typed)

    def commit(self) -> None:
        self.number.interpretText()

    def _display_value(self, value: object) -> None:
        assert isinstance(value, int | float)
        self.number.setValue(value)

    def _take_typed(self, value: float) -> None:
        assert isinstance(self._shown, int | float)
        if not math.isclose(value, self._shown, rel_tol=1e-9, abs_tol=1e-13):
            self.take_value(value)


class MagnitudeSpinBox(DecimalSpinBox):
    """Shows 0.001 as 0.001 and 1e-05 as 1e-05; a step goes along 1, 2, 5, 10."""

    def __init__(self) -> None:
        super().__init__(decimals=12)

    def textFromValue(self, value: float) -> str:
        return f"{value:g}"

    def valueFromText(self, text: str) -> float:
        return _parse_number(self._strip_unit(text)) or 0.0

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        bare = self._strip_unit(text)
        if _parse_number(bare) is not None:
            inside = self.minimum() <= (_parse_number(bare) or 0.0) <= self.maximum()
            return (QValidator.State.Acceptable if inside else QValidator.State.Intermediate, text, position)
        possible = all(character in "0123456789.,eE+-" for character in bare)
        return (QValidator.State.Intermediate if possible else QValidator.State.Invalid, text, position)

    def fixup(self, text: str) -> str:
        return self.textFromValue(self.value())

    def stepBy(self, steps: int) -> None:
        value = self.value()
        for _ in range(abs(steps)):
            value = _next_magnitude(value, steps > 0)
        self.setValue(value)

    def _strip_unit(self, text: str) -> str:
        if self.specialValueText() and text == self.specialValueText():
            return f"{self.minimum():g}"
        return strip_unit(self, text)


class IntControl(Control):
    """A whole number."""

    def __init__(self, low: int | None, high: int | None, step: int = 1, unit: str = "", *, zero: str = "") -> None:
        super().__init__()
        self._unit = unit
        self.number = WholeSpinBox()
        self.number.setRange(-_MANY if low is None else low, _MANY if high is None else high)
        self.number.setSingleStep(step)
        self.number.setKeyboardTracking(False)
        _put_unit(self.number, unit, zero)
        self._hold_child(self.number, 1)
        self.number.valueChanged.connect(self._name_unit)
        self.number.valueChanged.connect(self._take_typed)

    def commit(self) -> None:
        self.number.interpretText()

    def _display_value(self, value: object) -> None:
        assert isinstance(value, int)
        self.number.setValue(value)
        self._name_unit(value)

    def _name_unit(self, value: int) -> None:
        """What is counted is named as it is said of that many: 1 epoch, 2 epochs."""
        if self._unit.endswith("s"):
            self.number.setSuffix(f" {singularize(self._unit) if value == 1 else self._unit}")

    def _take_typed(self, value: int) -> None:
        if value != self._shown:
            self.take_value(value)


class ChoiceControl(Control):
    """One of a few values."""

    def __init__(self, choices: Sequence[tuple[object, str]]) -> None:
        super().__init__()
        self._values = [value for value, _ in choices]
        self.combo = QComboBox()
        # Long names must not widen the whole form.
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.setMinimumContentsLength(8)
        for _, text in choices:
            self.combo.addItem(text)
        self._hold_child(self.combo, 1)
        self.combo.activated.connect(self._take_choice)

    @property
    def values(self) -> list[object]:
        """What is offered, in order."""
        return list(self._values)

    def set_choices(self, choices: Sequence[tuple[object, str]]) -> None:
        """Offer other values; the one that is shown stays, if it is among them."""
        if [value for value, _ in choices] != self._values or [text for _, text in choices] != self._list_texts():
            self._values = [value for value, _ in choices]
            self.combo.clear()
            self.combo.addItems([text for _, text in choices])
            self.combo.setCurrentIndex(self._values.index(self._shown) if self._shown in self._values else -1)

    def _list_texts(self) -> list[str]:
        return [self.combo.itemText(place) for place in range(self.combo.count())]

    def _display_value(self, value: object) -> None:
        if value is not None and value not in self._values:
            # Such as the fourth GPU of the machine that a recipe came from: it is shown as it is.
            self._values.append(value)
            self.combo.addItem(str(value))
        self.combo.setCurrentIndex(self._values.index(value) if value in self._values else -1)

    def _take_choice(self, index: int) -> None:
        if self._values[index] != self._shown:
            self.take_value(self._values[index])


class FlagControl(Control):
    """Yes or no."""

    def __init__(self) -> None:
        super().__init__()
        self.box = QCheckBox()
        self._hold_child(self.box, 1)
        self.box.clicked.connect(self.take_value)

    def _display_value(self, value: object) -> None:
        self.box.setChecked(bool(value))


class TextControl(Control):
    """A line of text."""

    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._hold_child(self.line, 1)
        self.line.textEdited.connect(self._take_typed)

    def _display_value(self, value: object) -> None:
        if self.line.text() != str(value):
            self.line.setText(str(value))

    def _take_typed(self, text: str) -> None:
        self.take_value(text)


class _WordPicker(QObject):
    """A click on the word that stands for nothing, such as "no limit", takes all of it: digits inside it mean nothing."""

    def __init__(self, number: QAbstractSpinBox) -> None:
        super().__init__(number)
        self._number = number

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonRelease and self._number.text() == self._number.specialValueText():
            self._number.selectAll()
        return False


class _UndoGuard(QObject):
    """The keys for undo belong to a number only while another is being typed: then they are those of its text."""

    def __init__(self, number: QAbstractSpinBox) -> None:
        super().__init__(number)
        self._number = number

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        keys = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)
        if self._is_typing() or not any(event.matches(key) for key in keys):
            return False
        event.ignore()
        return True

    def _is_typing(self) -> bool:
        number = self._number
        if not isinstance(number, QSpinBox | QDoubleSpinBox):
            return True
        return number.valueFromText(number.text()) != number.value()


class _WheelGuard(QObject):
    """Scrolling a form must not change the values that the wheel passes over."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def _wheel_guard(parent: QObject) -> QObject:
    return _WheelGuard(parent)


def _choose_resolution(span: float) -> tuple[float, int]:
    """Step and decimals with which a slider over `span` has some 50 to 300 places."""
    if span <= 2:
        return 0.01, 2
    if span <= 20:
        return 0.1, 1
    if span <= 100:
        return 0.5, 1
    return max(1.0, 10.0 ** (math.floor(math.log10(span)) - 2)), 0


def _put_unit(number: QAbstractSpinBox, unit: str, zero: str = "") -> None:
    """`zero`: what the least value means, in words."""
    assert isinstance(number, QSpinBox | QDoubleSpinBox)
    number.setSpecialValueText(zero)
    if unit == "±":
        number.setPrefix("± ")
    elif unit in ("°", "%"):
        number.setSuffix(unit)
    elif unit == "x":
        number.setSuffix(" ×")
    elif unit:
        number.setSuffix(f" {unit}")


def _parse_number(text: str) -> float | None:
    try:
        value = float(with_decimal_point(text))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _next_magnitude(value: float, up: bool) -> float:
    """The next of ... 0.5, 1, 2, 5, 10 ... above or below `value`; 0 goes to 0.001 and stays at 0 downwards."""
    if value <= 0:
        return 0.001 if up else value
    exponent = math.floor(math.log10(value) + 1e-9)
    ladder = [m * 10.0**e for e in (exponent - 1, exponent, exponent + 1) for m in (1, 2, 5)]
    if up:
        return float(f"{min(rung for rung in ladder if rung > value * (1 + 1e-9)):g}")
    return float(f"{max(rung for rung in ladder if rung < value * (1 - 1e-9)):g}")
