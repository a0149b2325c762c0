"""The results of each label on the Inspect page, by which the images can be filtered."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QIcon, QKeyEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from core.inspection.error_counts import PrecisionRecall
from desktop.base import theme
from desktop.inspect.mark_tags import Names
from desktop.kit import formatting

CHOOSING = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space})
COLUMNS = ("Label", "AP", "P", "R", "Right", "False", "Missed")
TOOLTIPS = (
    "Click to see one label only; click again to see all",
    "Average precision at the chosen IoU; it does not depend on the threshold",
    "Precision: of the claims of this label, the share that is right",
    "Recall: of the true boxes with this label, the share that is found",
    "Claims that are right (TP)",
    "Claims that are false (FP)",
    "True labels that nothing found (FN)",
)
# With models that tell which defects are in an image, and not where.
IMAGE_TOOLTIPS = (
    TOOLTIPS[0],
    "Average precision: how well the scores of this label tell the images that carry it; it does not depend on the threshold",
    TOOLTIPS[2],
    "Recall: of the images with this label, the share that is found",
    "Images that are rightly said to carry it (TP)",
    "Images that are wrongly said to carry it (FP)",
    "Images that carry it and were not found (FN)",
)


class LabelTable(QTableWidget):
    """One row a label; a click filters by it, and so does Enter or Space at the row that Up and Down go to."""

    label_chosen = Signal(object)  # column of a label, or None for all

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(COLUMNS), parent)
        self._chosen: int | None = None
        self._tooltips = TOOLTIPS  # by column
        self.setHorizontalHeaderLabels(COLUMNS)
        for column, tooltip in enumerate(self._tooltips):
            self._find_header(column).setToolTip(tooltip)
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            self._find_header(column).setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        # A click leaves the keys with the image.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setTabKeyNavigation(False)
        self.setAccessibleName("Results by label")
        self.setItemDelegate(_RowDelegate(self))
        self.setShowGrid(False)
        self.setProperty("role", "compact")
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        self.verticalHeader().setMinimumSectionSize(24)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(30)
        self.setIconSize(QSize(10, 10))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Narrow cells: the program's padding is made for tables that have a page to themselves.
        self.setStyleSheet(
            f"QTableView {{ border: none; border-radius: 0; outline: none; font-size: {theme.SMALL_PX}px; }}"
            "QTableView::item { padding: 2px 0; }"
            "QHeaderView::section { padding: 4px 2px; font-weight: 500; font-size: 11px; }"
        )
        for column, width in enumerate((0, 35, 34, 34, 37, 37, 45)):
            if column:
                header.resizeSection(column, width)
        self.itemClicked.connect(self._click_item)

    def _find_header(self, column: int) -> QTableWidgetItem:
        item = self.horizontalHeaderItem(column)
        assert item is not None
        return item

    def _find_cell(self, row: int, column: int) -> QTableWidgetItem:
        item = self.item(row, column)
        assert item is not None
        return item

    def set_labels(self, names: Names) -> None:
        """Rows for these labels, still without numbers."""
        self._chosen = None
        self.setRowCount(len(names.names))
        for row, (name, color) in enumerate(zip(names.names, names.colors, strict=True)):
            for column in range(len(COLUMNS)):
                item = QTableWidgetItem()
                side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(row, column, item)
            self._find_cell(row, 0).setText(name)
            self._find_cell(row, 0).setToolTip(f"{name}\n{TOOLTIPS[0]}")
            self._find_cell(row, 0).setIcon(_make_dot(color))
        shown = min(len(names.names), 10)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + 28 * shown + 4)

    def set_scores(
        self,
        scores: Sequence[PrecisionRecall],
        averages: Sequence[float | None],
        unknown: Collection[int] = (),
    ) -> None:
        """Numbers of each label, in the order of `set_labels`; those `unknown` to the checkpoint have no measures."""
        tokens = theme.theme()
        for row, (score, average) in enumerate(zip(scores, averages, strict=True)):
            values = (None, None, None) if row in unknown else (average, score.precision, score.recall)
            for column, value in enumerate(values, 1):
                # Two decimals, since six columns share a narrow pane; the tooltip has the third.
                self._find_cell(row, column).setText(formatting.NONE if value is None else f"{value:.2f}")
                self._find_cell(row, column).setToolTip(f"{self._tooltips[column]}: {formatting.metric(value)}")
            for column, (count, color) in enumerate(
                ((score.tp, tokens.good), (score.fp, tokens.bad), (score.fn, tokens.warning)), 4
            ):
                self._find_cell(row, column).setText(f"{count:,}")
                self._find_cell(row, column).setForeground(color if count else tokens.muted)

    def set_is_detector(self, is_detector: bool) -> None:
        """Whether the rows count boxes, or images that carry a label."""
        self._tooltips = TOOLTIPS if is_detector else IMAGE_TOOLTIPS
        for column, tooltip in enumerate(self._tooltips):
            self._find_header(column).setToolTip(tooltip)

    def set_chosen(self, label: int | None) -> None:
        """Mark the label that the page is filtered by."""
        self._chosen = label
        # As a selection: the style sheet draws no background of a single cell.
        self.clearSelection()
        if label is not None:
            flags = QItemSelectionModel.SelectionFlag
            self.selectionModel().select(self.model().index(label, 0), flags.Select | flags.Rows)

    def _click_item(self, item: QTableWidgetItem) -> None:
        self._choose_row(item.row())

    def _choose_row(self, row: int) -> None:
        self.label_chosen.emit(None if row == self._chosen else row)

    # -- keys

    def event(self, event: QEvent) -> bool:
        # The page has other plans with Space and Enter; while the table has the keys, they are its own.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in CHOOSING:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in CHOOSING and self.currentRow() >= 0:
            self._choose_row(self.currentRow())
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        if self.currentRow() < 0 and self.rowCount():
            self.setCurrentCell(0, 0)
        super().focusInEvent(event)
        self.viewport().update()


class _RowDelegate(QStyledItemDelegate):
    """A line below and above the row that the keys are at."""

    def __init__(self, table: LabelTable) -> None:
        super().__init__(table)
        self._table = table

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        if self._table.hasFocus() and index.row() == self._table.currentRow():
            painter.save()
            painter.setPen(QPen(theme.theme().link, 2))
            painter.drawLine(option.rect.topLeft(), option.rect.topRight())
            painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())
            painter.restore()


def _make_dot(color: QColor) -> QIcon:
    pixmap = QPixmap(20, 20)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(2, 2, 16, 16)
    painter.end()
    return QIcon(pixmap)
