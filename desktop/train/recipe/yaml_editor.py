"""A text editor for recipes: line numbers, quiet colours, and the line that is wrong marked."""

from __future__ import annotations

import re

from PySide6.QtCore import QObject, QRect, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QTextEdit, QVBoxLayout, QWidget

from core.recipe.recipe import Recipe
from desktop.base.theme import GAP, SMALL_PX, mono_font, notifier, theme
from desktop.kit.parts import words
from desktop.train.recipe.recipe_model import RecipeModel
from desktop.train.recipe.recipe_text import from_text, to_text

READ_AFTER_MS = 250  # after the last key, so that half a word is not called wrong
_INDENT = "  "


class YamlEditor(QWidget):
    """Shows the recipe model as text. While it is hidden it does not follow: writing the text takes milliseconds."""

    def __init__(self, model: RecipeModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._written: Recipe | None = None  # what the text says, where that is a recipe
        self._stale = True  # the model has changed since
        self._unread = False
        self.text = _Text()
        self.text.setAccessibleName("Recipe as YAML")
        self.problem = words(role="error", wrap=True)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.go_to = QPushButton("Go to the line")
        self.go_to.setProperty("role", "link")
        self.go_to.clicked.connect(self.show_problem)
        self.revert = QPushButton("Undo to the last valid recipe")
        self.revert.setProperty("role", "link")
        self.revert.clicked.connect(self._revert_text)
        self._timer = QTimer(self, singleShot=True, interval=READ_AFTER_MS)
        self._timer.timeout.connect(self.read_text)
        self.text.textChanged.connect(self._read_soon)
        model.changed.connect(self._follow_model)
        model.settling.connect(self.read_text)
        links = QHBoxLayout()
        links.addWidget(self.go_to)
        links.addWidget(self.revert)
        links.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.problem)
        layout.addLayout(links)
        self._show_problems()

    def read_text(self) -> None:
        """Enter the text into the model now if it was changed."""
        self._timer.stop()
        if self._unread:
            self._unread = False
            self._enter_text()

    def show_problem(self) -> None:
        """Put the cursor on the first line that is wrong."""
        if self._model.problems:
            block = self.text.document().findBlockByNumber(self._model.problems[0].line - 1)
            self.text.setTextCursor(QTextCursor(block))
            self.text.centerCursor()
            self.text.setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._write_text()

    def _follow_model(self, view: QObject | None) -> None:
        if view is self:
            self._show_problems()
            return
        self._stale = True
        if self.isVisible():
            self._write_text()

    def _write_text(self) -> None:
        """Let the text say what the model holds. One that says the same stays as it was typed."""
        if not self._stale:
            return
        self._stale = False
        if not self._model.is_valid():
            self._put_text(to_text(self._model.entered))
            self._enter_text()  # to have the problems by line
        elif self._model.recipe != self._written:
            self._written = self._model.recipe
            self._put_text(to_text(self._written))
        self._show_problems()

    def _enter_text(self) -> None:
        found = from_text(self.text.toPlainText())
        self._written = None if isinstance(found, list) else found
        if isinstance(found, list):
            self._model.reject_entries(found, self)
        else:
            self._model.accept_recipe(found, self)

    def _put_text(self, text: str) -> None:
        if self.text.toPlainText() != text:
            self.text.setPlainText(text)
        self._timer.stop()
        self._unread = False

    def _read_soon(self) -> None:
        self._unread = True
        self._timer.start()

    def _revert_text(self) -> None:
        """Back to the recipe as last accepted; as one step, so that the keys for undo bring back what was typed."""
        cursor = QTextCursor(self.text.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(to_text(self._model.recipe))
        # The link goes away with the problem: the keys must not go to the next widget, such as the Train button.
        self.text.setFocus()
        self.read_text()

    def _show_problems(self) -> None:
        problems = self._model.problems
        lines = [f"Line {one.line}: {f'{one.field}: ' if one.field else ''}{one.text}" for one in problems[:3]]
        self.problem.setText("\n".join(lines))
        for widget in (self.problem, self.go_to, self.revert):
            widget.setVisible(bool(problems))
        self.text.mark_lines({problem.line for problem in problems})


class _Text(QPlainTextEdit):
    """Plain text with line numbers; Tab indents, so Ctrl+Tab and Esc leave it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFont(mono_font(SMALL_PX))
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTabChangesFocus(True)
        self._wrong: set[int] = set()
        self._numbers = _Numbers(self)
        self._colors = _Highlighter(self.document())
        self.blockCountChanged.connect(self._make_room)
        self.updateRequest.connect(self._scroll_numbers)
        notifier.theme_changed.connect(self._recolor)
        self._make_room()

    def mark_lines(self, lines: set[int]) -> None:
        self._wrong = lines
        marks = []
        for line in sorted(lines):
            mark = QTextEdit.ExtraSelection()
            color = QColor(theme().bad)
            color.setAlphaF(0.18)
            mark.format.setBackground(color)
            mark.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
            mark.cursor = QTextCursor(self.document().findBlockByNumber(line - 1))
            marks.append(mark)
        self.setExtraSelections(marks)
        self._numbers.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter keeps the indentation of the line."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            line = self.textCursor().block().text()
            indent = line[: len(line) - len(line.lstrip())]
            self.textCursor().insertText("\n" + indent + (_INDENT if line.rstrip().endswith(":") else ""))
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self.contentsRect()
        self._numbers.setGeometry(QRect(room.left(), room.top(), self._numbers.width_needed(), room.height()))

    def paint_numbers(self, painter: QPainter, room: QRect) -> None:
        block = self.firstVisibleBlock()
        top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top()
        while block.isValid() and top <= room.bottom():
            height = self.blockBoundingRect(block).height()
            if block.isVisible() and top + height >= room.top():
                number = block.blockNumber() + 1
                painter.setPen(theme().bad if number in self._wrong else theme().disabled)
                line = QRect(0, int(top), self._numbers.width() - 6, int(height))
                painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(number))
            top += height
            block = block.next()

    def _make_room(self) -> None:
        self.setViewportMargins(self._numbers.width_needed(), 0, 0, 0)

    def _scroll_numbers(self, room: QRect, moved: int) -> None:
        if moved:
            self._numbers.scroll(0, moved)
        else:
            self._numbers.update(0, room.y(), self._numbers.width(), room.height())

    def _recolor(self) -> None:
        self._colors.rehighlight()
        self.mark_lines(self._wrong)


class _Numbers(QWidget):
    def __init__(self, text: _Text) -> None:
        super().__init__(text)
        self._text = text

    def width_needed(self) -> int:
        digits = max(2, len(str(self._text.blockCount())))
        return self._text.fontMetrics().horizontalAdvance("9" * digits) + 12

    def sizeHint(self) -> QSize:
        return QSize(self.width_needed(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._text.font())
        self._text.paint_numbers(painter, event.rect())
        painter.end()


class _Highlighter(QSyntaxHighlighter):
    """Names of settings, their values, and comments."""

    _KEY = re.compile(r"^\s*(?:- )?([\w.]+)(?=\s*:)")
    _COMMENT = re.compile(r"(?:^|\s)#.*$")

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)

    def highlightBlock(self, text: str) -> None:
        if (key := self._KEY.search(text)) is not None:
            self._color(key.start(1), key.end(1), theme().link, bold=not text.startswith(" "))
        if (comment := self._COMMENT.search(text)) is not None:
            self._color(comment.start(), comment.end(), theme().muted)

    def _color(self, start: int, end: int, color: QColor, *, bold: bool = False) -> None:
        look = QTextCharFormat()
        look.setForeground(color)
        if bold:
            look.setFontWeight(700)
        self.setFormat(start, end - start, look)
