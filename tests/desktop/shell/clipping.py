"""Finds texts that have too little room: in labels, buttons, fields, tabs and tables, and in what widgets paint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QFontMetricsF, QPainter, QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QTableView,
    QToolButton,
    QWidget,
)

from desktop.kit.parts import ElidedLabel

SLACK = 2  # pixels: hints are rounded up
MOST_ROWS = 20  # of a table that are looked at
NUMBER = re.compile(r"\d")

Allowed = Callable[[str], bool]  # whether a text may be elided


def find_clipped(window: QWidget, may_elide: Allowed, *, placeholders: bool) -> list[str]:
    """What is cut in `window`, a line each; `may_elide` says of which texts the middle may be left out."""
    found = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget.visibleRegion().isEmpty() or widget.window() is not window.window():
            continue
        texts = [*_cut_texts(widget, may_elide), *(_cut_placeholder(widget) if placeholders else ())]
        if _has_words(widget) and (edge := _find_edge(widget)):
            texts.append(f"{_words_of(widget)!r} {edge}")
        found += [f"{type(widget).__name__} in {_path(widget)}: {text}" for text in texts]
    return found


@contextmanager
def painted_texts(patch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """While it lasts: (whole text, what is painted of it) of every text that code of ours shortens or cuts."""
    found: list[tuple[str, str]] = []
    draw = QPainter.drawText

    def recording(elide: Callable[..., str]) -> Callable[..., str]:
        def elided(self: object, text: str, *rest: object) -> str:
            shown = elide(self, text, *rest)
            if shown != text:
                found.append((text, shown))
            return shown

        return elided

    def drawn(self: QPainter, *rest: object) -> object:
        if len(rest) == 3 and isinstance(rest[0], QRect | QRectF) and isinstance(rest[2], str):
            room, flags, text = rest
            wraps = int(flags) & int(Qt.TextFlag.TextWordWrap.value)  # type: ignore[call-overload]
            if not wraps and self.fontMetrics().horizontalAdvance(text) > room.width() + SLACK:
                found.append((text, text[: max(1, len(text) // 2)]))
        return draw(self, *rest)

    for metrics in (QFontMetrics, QFontMetricsF):
        patch.setattr(metrics, "elidedText", recording(metrics.elidedText))
    patch.setattr(QPainter, "drawText", drawn)
    yield found
    patch.undo()


def _cut_texts(widget: QWidget, may_elide: Allowed) -> Iterator[str]:
    if isinstance(widget, pg.PlotWidget):
        yield from _cut_axes(widget)
    elif isinstance(widget, ElidedLabel):
        wide = widget.fontMetrics().horizontalAdvance(widget.text())
        if wide > widget.contentsRect().width() and not may_elide(widget.text()):
            yield f"{widget.text()!r} is elided"
    elif isinstance(widget, QLabel) and widget.text():
        yield from _cut_label(widget)
    elif isinstance(widget, QTabBar):
        yield from _cut_tabs(widget)
    elif isinstance(widget, QAbstractButton):
        if (shown := _button_text(widget)) and _button_width(widget) > widget.width() + SLACK:
            yield f"{shown!r} needs {_button_width(widget)} and has {widget.width()}"
    elif isinstance(widget, QComboBox):
        option = QStyleOptionComboBox()
        widget.initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        room = widget.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, widget).width()
        wide = widget.fontMetrics().horizontalAdvance(widget.currentText())
        if not widget.isEditable() and wide > room + SLACK and not may_elide(widget.currentText()):
            yield f"{widget.currentText()!r} needs {wide} and has {room}"
    elif isinstance(widget, QAbstractSpinBox):
        line = widget.lineEdit()
        wide = line.fontMetrics().horizontalAdvance(line.text()) + line.textMargins().left()
        if wide > line.width() + SLACK:
            yield f"{line.text()!r} needs {wide} and has {line.width()}"
    elif isinstance(widget, QHeaderView):
        yield from _cut_sections(widget, may_elide)
    elif isinstance(widget, QTableView):
        yield from _cut_cells(widget, may_elide)


def _cut_axes(plot: pg.PlotWidget) -> Iterator[str]:
    room = plot.viewport().rect()
    for name in ("left", "bottom"):
        axis = plot.getAxis(name)
        place = plot.mapFromScene(axis.sceneBoundingRect()).boundingRect()
        if axis.isVisible() and (place.bottom() > room.bottom() + SLACK or place.right() > room.right() + SLACK):
            yield f"the {name} axis lies at {place}, outside of {room}"
        if axis.label.isVisible() and name == "left" and axis.label.boundingRect().width() > place.height() + SLACK:
            yield f"the words {axis.labelText!r} need {axis.label.boundingRect().width()} and have {place.height()}"


def _cut_label(label: QLabel) -> Iterator[str]:
    room = label.contentsRect().size()
    if label.wordWrap():
        plain = _plain(label.text())
        longest = max((label.fontMetrics().horizontalAdvance(word) for word in plain.split()), default=0)
        if label.heightForWidth(label.width()) > label.height() + SLACK:
            needed = label.heightForWidth(label.width())
            yield f"{plain!r} needs a height of {needed} at {label.width()} and has {label.height()}"
        elif longest > room.width() + SLACK and "/" not in plain:
            yield f"a word of {plain!r} is wider than {room.width()}"
    elif label.sizeHint().width() > label.width() + SLACK:
        yield f"{_plain(label.text())!r} needs {label.sizeHint().width()} and has {label.width()}"
    elif label.sizeHint().height() > label.height() + SLACK:
        yield f"{_plain(label.text())!r} needs a height of {label.sizeHint().height()} and has {label.height()}"


def _cut_tabs(bar: QTabBar) -> Iterator[str]:
    for place in range(bar.count()):
        rect, text = bar.tabRect(place), bar.tabText(place)
        if bar.isTabVisible(place) and rect.right() > bar.width() + SLACK:
            yield f"the tab {text!r} lies outside"
        if rect.width() < bar.fontMetrics().horizontalAdvance(text):
            yield f"the tab {text!r} is cut"


def _cut_sections(header: QHeaderView, may_elide: Allowed) -> Iterator[str]:
    if header.orientation() == Qt.Orientation.Vertical or header.model() is None:
        return
    for section in range(header.count()):
        text = str(header.model().headerData(section, Qt.Orientation.Horizontal) or "")
        if header.isSectionHidden(section) or not text or may_elide(text):
            continue
        if header.sectionSize(section) < header.fontMetrics().horizontalAdvance(text):
            yield f"the heading {text!r} has {header.sectionSize(section)}"


def _cut_cells(table: QTableView, may_elide: Allowed) -> Iterator[str]:
    """Cells with a number in them that is not whole."""
    model = table.model()
    for column in range(model.columnCount()):
        for row in range(min(model.rowCount(), MOST_ROWS)):
            text = str(model.index(row, column).data() or "")
            if table.isColumnHidden(column) or not NUMBER.search(text) or may_elide(text):
                continue
            if table.fontMetrics().horizontalAdvance(text) + 6 > table.columnWidth(column):
                yield f"the cell {text!r} has {table.columnWidth(column)}"


def _cut_placeholder(widget: QWidget) -> Iterator[str]:
    if isinstance(widget, QLineEdit) and not widget.text() and widget.placeholderText():
        margins = widget.textMargins()
        icons = 22 * len(widget.actions()) if widget.actions() else 0
        room = widget.contentsRect().width() - margins.left() - margins.right() - 16 - icons
        wide = widget.fontMetrics().horizontalAdvance(widget.placeholderText())
        if wide > room + SLACK:
            yield f"the placeholder {widget.placeholderText()!r} needs {wide} and has {room}"
    elif isinstance(widget, QPlainTextEdit) and not widget.toPlainText() and widget.placeholderText():
        lines = widget.fontMetrics().boundingRect(
            QRect(0, 0, widget.viewport().width() - 8, 10_000), int(Qt.TextFlag.TextWordWrap), widget.placeholderText()
        )
        if lines.height() > widget.viewport().height() + SLACK:
            yield f"the placeholder {widget.placeholderText()!r} needs a height of {lines.height()}"


def _find_edge(widget: QWidget) -> str:
    """Where the widget lies outside of what it lies in; down a scroll area it may."""
    rect, around = widget.rect(), widget.parentWidget()
    inner = widget
    while around is not None and not inner.isWindow():
        rect = (
            QRect(inner.mapTo(around, QPoint(0, 0)), widget.size()) if inner is widget else rect.translated(inner.pos())
        )
        scrolls = (
            isinstance(around.parentWidget(), QAbstractScrollArea) and around.objectName() == "qt_scrollarea_viewport"
        )
        if rect.left() < -SLACK or rect.right() > around.width() + SLACK:
            return f"lies outside of {type(around).__name__} at the side: {rect.left()} to {rect.right()} of {around.width()}"
        if scrolls:
            return ""
        if rect.top() < -SLACK or rect.bottom() > around.height() + SLACK:
            return f"lies outside of {type(around).__name__} below or above: {rect.top()} to {rect.bottom()} of {around.height()}"
        inner, around = around, around.parentWidget()
    return ""


def _button_text(button: QAbstractButton) -> str:
    if isinstance(button, QToolButton) and button.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly:
        return "" if not button.icon().isNull() else button.text()
    return button.text()


def _button_width(button: QAbstractButton) -> int:
    if isinstance(button, QPushButton) and button.layout() is not None:
        return 0
    if isinstance(button, QPushButton | QCheckBox | QRadioButton):
        return button.sizeHint().width()
    return min(button.sizeHint().width(), button.fontMetrics().horizontalAdvance(button.text()) + 400)


def _has_words(widget: QWidget) -> bool:
    if isinstance(widget, QComboBox | QAbstractSpinBox | QLineEdit | QAbstractButton | QTabBar):
        return not isinstance(widget.parentWidget(), QAbstractSpinBox | QComboBox | QLineEdit | QTabBar)
    return isinstance(widget, QLabel) and bool(widget.text())


def _words_of(widget: QWidget) -> str:
    for name in ("text", "currentText"):
        if callable(read := getattr(widget, name, None)) and (said := str(read())):
            return said
    return widget.accessibleName()


def _plain(text: str) -> str:
    if "<" not in text:
        return text
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


def _path(widget: QWidget) -> str:
    names, around = [], widget.parentWidget()
    while around is not None and len(names) < 4:
        names.append(type(around).__name__)
        around = around.parentWidget()
    return " < ".join(names)
