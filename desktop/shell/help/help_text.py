"""One help topic as text that is read: headings, tables and code in the theme's colours, and links that are followed."""

from __future__ import annotations

from PySide6.QtCore import QRegularExpression, QUrl, Signal
from PySide6.QtGui import (
    QBrush,
    QDesktopServices,
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import QTextBrowser, QTextEdit, QWidget

from core.help_topics import Topic, anchor_of
from desktop.base.theme import FONT_PX, GAP, PAD, mono_font, notifier, theme

HEADINGS = {1: (22, 0, PAD), 2: (17, 2 * PAD, GAP), 3: (14, PAD, GAP)}  # font, space above, space below; in pixels
LINE_HEIGHT = 135.0  # percent
CODE_HEIGHT = 125.0


class HelpText(QTextBrowser):
    """Shows a topic. A link to another topic is handed on, any other is opened by the desktop."""

    topic_wanted = Signal(str, str)  # name of the topic, anchor or ""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setAccessibleName("Help text")
        self.setProperty("role", "help")
        self.document().setDocumentMargin(2 * PAD)
        self._topic: Topic | None = None
        self._words: list[str] = []
        self.anchorClicked.connect(self._follow)
        notifier.theme_changed.connect(self._restyle)

    def show_topic(self, topic: Topic, words: list[str] | None = None) -> None:
        """Show `topic` from its beginning, with `words` marked."""
        self._words = words or []
        if topic is not self._topic:
            self._topic = topic
            self.setMarkdown(topic.text)
            self._dress()
        self._mark_words()

    def scroll_to(self, anchor: str) -> None:
        """Bring a heading to the top; the beginning where there is no such heading."""
        block = self._find_heading(anchor) if anchor else None
        top = self.document().documentLayout().blockBoundingRect(block).top() - PAD if block is not None else 0
        self.verticalScrollBar().setValue(round(top))
        self.setTextCursor(QTextCursor(block if block is not None else self.document().begin()))
        self.verticalScrollBar().setValue(round(top))  # the cursor has moved it

    def _find_heading(self, anchor: str) -> QTextBlock | None:
        block = self.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel() and anchor_of(block.text()) == anchor:
                return block
            block = block.next()
        return None

    def _follow(self, url: QUrl) -> None:
        if url.scheme():
            QDesktopServices.openUrl(url)
        elif self._topic is not None:
            self.topic_wanted.emit(url.path().removesuffix(".md") or self._topic.name, url.fragment())

    # -- looks

    def _restyle(self) -> None:
        """Make the text again in the colours of a new theme, at the same place."""
        if self._topic is None:
            return
        place, topic = self.verticalScrollBar().value(), self._topic
        self._topic = None
        self.show_topic(topic, self._words)
        self.verticalScrollBar().setValue(place)

    def _dress(self) -> None:
        """Give the imported text the program's sizes, spaces and colours; Markdown says none of them."""
        block = self.document().begin()
        while block.isValid():
            if block.blockFormat().hasProperty(QTextFormat.Property.BlockCodeFence):
                self._dress_code(block)
            elif level := block.blockFormat().headingLevel():
                self._dress_heading(block, level)
            else:
                self._dress_paragraph(block)
            block = block.next()
        for frame in self.document().rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                self._dress_table(frame)
        self._frame_code()

    def _dress_heading(self, block: QTextBlock, level: int) -> None:
        size, above, below = HEADINGS[level]
        form = QTextBlockFormat()
        form.setTopMargin(above)
        form.setBottomMargin(below)
        letters = QTextCharFormat()
        letters.setProperty(QTextFormat.Property.FontPixelSize, size)
        letters.setFontWeight(QFont.Weight.DemiBold)
        self._select(block).setCharFormat(letters)  # not merged: the size that Markdown's import sets goes before
        QTextCursor(block).mergeBlockFormat(form)

    def _dress_paragraph(self, block: QTextBlock) -> None:
        form = QTextBlockFormat()
        form.setLineHeight(LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        in_table = QTextCursor(block).currentTable() is not None
        form.setBottomMargin(0 if in_table else GAP)
        QTextCursor(block).mergeBlockFormat(form)
        self._dress_code_words(block)

    def _dress_code_words(self, block: QTextBlock) -> None:
        letters = QTextCharFormat()
        letters.setFontFamilies(mono_font().families())
        letters.setBackground(QBrush(theme().hover))
        pieces = block.begin()
        while not pieces.atEnd():
            piece = pieces.fragment()
            if piece.charFormat().fontFixedPitch():
                cursor = QTextCursor(block)
                cursor.setPosition(piece.position())
                cursor.setPosition(piece.position() + piece.length(), QTextCursor.MoveMode.KeepAnchor)
                cursor.mergeCharFormat(letters)
            pieces += 1

    def _dress_code(self, block: QTextBlock) -> None:
        form = QTextBlockFormat()
        form.setNonBreakableLines(False)
        form.setTopMargin(0)
        form.setBottomMargin(0)
        form.setLineHeight(CODE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        letters = QTextCharFormat()
        letters.setFontFamilies(mono_font().families())
        letters.setProperty(QTextFormat.Property.FontPixelSize, FONT_PX - 1)
        cursor = self._select(block)
        cursor.mergeBlockFormat(form)
        cursor.mergeCharFormat(letters)

    def _frame_code(self) -> None:
        """Lay one ground behind each block of code; that of its lines would leave stripes between them."""
        form = QTextFrameFormat()
        form.setBackground(QBrush(theme().window))
        form.setPadding(GAP)
        form.setTopMargin(GAP)
        form.setBottomMargin(GAP)
        for first, last in reversed(self._find_code()):  # from the end, since a frame moves what comes behind it
            cursor = QTextCursor(self.document())
            cursor.setPosition(first)
            cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
            code = cursor.insertFrame(form).firstCursorPosition().block()
            self._dress_code(code)  # the first line has gone into a new paragraph
            self._flatten(code.previous())

    def _flatten(self, block: QTextBlock) -> None:
        """Take away the height of the empty paragraph that Qt leaves before a frame."""
        if not block.text():
            form = QTextBlockFormat()
            form.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
            QTextCursor(block).setBlockFormat(form)

    def _find_code(self) -> list[tuple[int, int]]:
        """Where each block of code begins and ends."""
        found: list[tuple[int, int]] = []
        block, inside = self.document().begin(), False
        while block.isValid():
            is_code = block.blockFormat().hasProperty(QTextFormat.Property.BlockCodeFence)
            end = block.position() + block.length() - 1
            if is_code:
                found.append((found.pop()[0] if inside else block.position(), end))
            block, inside = block.next(), is_code
        return found

    def _dress_table(self, table: QTextTable) -> None:
        form = table.format()
        form.setBorder(1)
        form.setBorderBrush(QBrush(theme().border))
        form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        form.setBorderCollapse(True)
        form.setCellPadding(6)
        form.setCellSpacing(0)
        form.setTopMargin(GAP)
        form.setBottomMargin(PAD)
        form.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
        table.setFormat(form)
        for column in range(table.columns()):
            cell = table.cellAt(0, column)
            letters = cell.format()
            letters.setBackground(QBrush(theme().hover))
            cell.setFormat(letters)

    @staticmethod
    def _select(block: QTextBlock) -> QTextCursor:
        cursor = QTextCursor(block)
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _mark_words(self) -> None:
        marks: list[QTextEdit.ExtraSelection] = []
        for word in self._words:
            begins = QRegularExpression.escape(word)
            pattern = QRegularExpression(rf"\b{begins}" if word[0].isalnum() else begins)
            pattern.setPatternOptions(QRegularExpression.PatternOption.CaseInsensitiveOption)
            cursor = self.document().find(pattern)
            while not cursor.isNull():
                mark = QTextEdit.ExtraSelection()
                mark.cursor = cursor
                mark.format.setBackground(QBrush(theme().selected))
                marks.append(mark)
                cursor = self.document().find(pattern, cursor)
        self.setExtraSelections(marks)
