"""The threshold of the Inspect page: a slider, and the number that can be typed."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from desktop.base import theme
from desktop.kit import formatting
from desktop.kit.jump_slider import JumpSlider
from desktop.kit.number_fields import DecimalSpinBox, with_decimal_point

TICKS = 1000  # of the slider: a score has three digits here
STEP, FINE_STEP = 0.01, 0.001
NUMBER_WIDTH = 98  # room for BY_LABEL
BY_LABEL = "by label"


class ThresholdBar(QWidget):
    """Shows from which score on detections count, of one label or of all, and lets it be moved or typed."""

    moved = Signal(float)  # by the user
    left = Signal()  # what was typed is taken, and the keys are the page's again

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shows = False  # it follows thresholds, and is not moved by the user
        self.slider = JumpSlider()
        self.slider.setRange(0, TICKS)
        self.slider.setSingleStep(round(STEP * TICKS))
        self.slider.setPageStep(TICKS // 20)
        self.slider.setAccessibleName("Threshold")
        self.slider.setToolTip(
            "Detections below this score are left out ([ and ]): of all labels, or of the one that is chosen on the right"
        )
        self.number = _ThresholdNumber()
        self.number.setFixedWidth(NUMBER_WIDTH)
        caption = QLabel("Score ≥")
        caption.setProperty("role", "muted")
        caption.setBuddy(self.number)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (caption, self.number, self.slider):
            row.addWidget(widget, int(widget is self.slider))
        self.slider.valueChanged.connect(lambda tick: self._move(tick / TICKS))
        self.number.entered.connect(self._move)
        self.number.left.connect(self.left)

    @property
    def value(self) -> float:
        """Where the slider is."""
        return self.slider.value() / TICKS

    @property
    def text(self) -> str:
        """What stands in the field for the number."""
        return self.number.text() or self.number.lineEdit().placeholderText()

    def show_thresholds(self, thresholds: Sequence[float]) -> None:
        """Show one threshold, or that there are several, with the slider in the middle of them. Emits nothing."""
        different = len(set(thresholds)) > 1
        middle = float(median(thresholds)) if thresholds else 0.5
        self._shows = True
        self.slider.setValue(round(TICKS * middle))
        self.number.show_value(middle, (BY_LABEL if different else "") if thresholds else formatting.NONE)
        self._shows = False
        self.setEnabled(bool(thresholds))
        exact = f"{middle:.6g}"
        self.number.setToolTip(
            "Each label has its own: see them on the right. A number here is set for all of them"
            if different
            else f"From 0 to 1{f'; now {exact}' if len(exact) > 5 else ''}"
        )

    def set_value(self, value: float) -> None:
        """Move the threshold as the user does, and emit `moved`."""
        if self.slider.value() == round(value * TICKS):
            self._move(value)
        self.slider.setValue(round(value * TICKS))

    def step_value(self, steps: int) -> None:
        """Move the threshold by hundredths; by thousandths where a hundredth would reach past an end."""
        step = STEP if 0 <= round(self.value + steps * STEP, 6) <= 1 else FINE_STEP
        self.slider.setValue(round((self.value + steps * step) * TICKS))

    def _move(self, value: float) -> None:
        if not self._shows:
            self.moved.emit(value)


class _ThresholdNumber(DecimalSpinBox):
    """A score with three digits, or words in its place until one is typed."""

    entered = Signal(float)  # typed, or stepped to
    left = Signal()

    _words = ""  # Qt asks for the text while the field is made

    def __init__(self) -> None:
        super().__init__(0.0, 1.0, 3)
        self._shows = False
        self._typed = ""  # since something was last shown or taken
        self.setSingleStep(STEP)
        self.setKeyboardTracking(False)
        self.setAccessibleName("Threshold in figures")
        self.setFont(theme.mono_font(13))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().textEdited.connect(self._note_typing)
        self.valueChanged.connect(self._enter)
        self.editingFinished.connect(self._finish)

    def show_value(self, value: float, words: str = "") -> None:
        """Show a number, or words where there is not one. Emits nothing."""
        self._shows, self._words, self._typed = True, words, ""
        self.lineEdit().setPlaceholderText(words)
        self.setValue(value)
        self._shows = False

    def textFromValue(self, value: float) -> str:
        return "" if self._words else super().textFromValue(value)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            if event.key() == Qt.Key.Key_Escape:
                self.show_value(self.value(), self._words)
            self.left.emit()

    def _note_typing(self, text: str) -> None:
        self._typed = text

    def _enter(self, value: float) -> None:
        if not self._shows:
            self._typed = ""
            self.entered.emit(value)

    def _finish(self) -> None:
        # The number that stood there unseen was typed: nothing changed for the field, all of it for the labels.
        try:
            float(with_decimal_point(self._typed))
        except ValueError:
            return
        self._enter(self.value())
