"""What the Inspect page says in numbers: the measures at this threshold, label by label, and one detection in full."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QIcon, QKeyEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QScrollArea,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core import geometry
from desktop import theme
from desktop.models import wording
from desktop.widgets import inspect_data
from desktop.widgets.inspect_data import InspectData, Mark, Score
from desktop.widgets.inspect_view import Names
from desktop.widgets.parts import words
from desktop.widgets.score_bars import Bar, ScoreBars

CHOOSING = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space})
COLUMNS = ("Label", "AP", "P", "R", "Right", "False", "Miss")
TOOLTIPS = (
    "Click to see one label only; click again to see all",
    "Average precision at the chosen IoU; it does not depend on the threshold",
    "Precision: of the claims of this label, the share that is right",
    "Recall: of the true boxes with this label, the share that is found",
    "Claims that are right (TP)", "Claims that are false (FP)", "True labels that nothing found (FN)",
)  # fmt: skip


# With models that tell which defects are in an image, and not where.
IMAGE_TOOLTIPS = (
    TOOLTIPS[0],
    "Average precision: how well the scores of this label tell the images that carry it; it does not depend on the threshold",
    TOOLTIPS[2],
    "Recall: of the images with this label, the share that is found",
    "Images that are rightly said to carry it (TP)", "Images that are wrongly said to carry it (FP)",
    "Images that carry it and were not found (FN)",
)  # fmt: skip


class MetricStrip(QFrame):
    """Precision, recall and F1 at the threshold, and mAP beside them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP)
        self._values: list[QLabel] = []
        self._names: list[QLabel] = []
        for name, tooltip in (
            ("Precision", "Of all claims, the share that is right"),
            ("Recall", "Of all that is true, the share that is found"),
            ("F1", "The harmonic mean of precision and recall"),
            ("mAP", "Mean average precision over the labels; it does not depend on the threshold"),
        ):
            cell = QVBoxLayout()
            cell.setSpacing(0)
            value, caption = QLabel(wording.NONE), QLabel(name)
            value.setProperty("role", "heading")
            caption.setProperty("role", "small")
            for label in (value, caption):
                label.setToolTip(tooltip)
                cell.addWidget(label)
            self._values.append(value)
            self._names.append(caption)
            row.addLayout(cell, 1)

    def set_score(self, score: Score, average: float | None, iou: float | None) -> None:
        """Show what was counted; `average` is the mAP at `iou`, None where labels of images are told."""
        for label, value in zip(self._values, (score.precision, score.recall, score.f1, average), strict=True):
            label.setText(wording.metric(value))
        self._names[3].setText("mAP" if iou is None else f"mAP@{iou:g}".replace("0.", "."))

    def texts(self) -> list[str]:
        return [label.text() for label in self._values]


class LabelTable(QTableWidget):
    """One row a label; a click filters by it, and so does Enter or Space at the row that Up and Down go to."""

    label_chosen = Signal(object)  # column of a label, or None for all

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(COLUMNS), parent)
        self._chosen: int | None = None
        self.setHorizontalHeaderLabels(COLUMNS)
        for column, tooltip in enumerate(TOOLTIPS):
            self._header(column).setToolTip(tooltip)
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            self._header(column).setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
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
        for column, width in enumerate((0, 36, 36, 36, 37, 37, 33)):
            if column:
                header.resizeSection(column, width)
        self.itemClicked.connect(self._clicked)

    def _header(self, column: int) -> QTableWidgetItem:
        item = self.horizontalHeaderItem(column)
        assert item is not None
        return item

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
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
            self._cell(row, 0).setText(name)
            self._cell(row, 0).setToolTip(f"{name}\n{TOOLTIPS[0]}")
            self._cell(row, 0).setIcon(_dot(color))
        shown = min(len(names.names), 10)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + 28 * shown + 4)

    def set_scores(self, scores: Sequence[Score], averages: Sequence[float | None]) -> None:
        """Numbers of each label, in the order of `set_labels`."""
        tokens = theme.theme()
        for row, (score, average) in enumerate(zip(scores, averages, strict=True)):
            values = (average, score.precision, score.recall)
            for column, value in enumerate(values, 1):
                # Two decimals, since six columns share a narrow pane; the tooltip has the third.
                self._cell(row, column).setText(wording.NONE if value is None else f"{value:.2f}")
                self._cell(row, column).setToolTip(f"{TOOLTIPS[column]}: {wording.metric(value)}")
            for column, (count, color) in enumerate(
                ((score.right, tokens.good), (score.false, tokens.bad), (score.missed, tokens.warning)), 4
            ):
                self._cell(row, column).setText(str(count))
                self._cell(row, column).setForeground(color if count else tokens.muted)

    def set_chosen(self, label: int | None) -> None:
        """Mark the label that the page is filtered by."""
        self._chosen = label
        # As a selection: the style sheet draws no background of a single cell.
        self.clearSelection()
        if label is not None:
            flags = QItemSelectionModel.SelectionFlag
            self.selectionModel().select(self.model().index(label, 0), flags.Select | flags.Rows)

    def _clicked(self, item: QTableWidgetItem) -> None:
        self._choose(item.row())

    def _choose(self, row: int) -> None:
        self.label_chosen.emit(None if row == self._chosen else row)

    # -- keys

    def set_tells_where(self, tells: bool) -> None:
        """Whether the rows count boxes, or images that carry a label."""
        for column, tooltip in enumerate(TOOLTIPS if tells else IMAGE_TOOLTIPS):
            self._header(column).setToolTip(tooltip)

    def event(self, event: QEvent) -> bool:
        # The page has other plans with Space and Enter; while the table has the keys, they are its own.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in CHOOSING:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in CHOOSING and self.currentRow() >= 0:
            self._choose(self.currentRow())
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


class MarkPanel(QWidget):
    """One detection or true box: what it claims, what is true, and all scores."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.title = QLabel()
        self.title.setProperty("role", "heading")
        self.title.setWordWrap(True)
        self.where = QLabel()
        self.where.setProperty("role", "small")
        self.bars = ScoreBars()
        self.reasons = QLabel()
        self.reasons.setWordWrap(True)
        self.reasons.setTextFormat(Qt.TextFormat.RichText)
        self.prompt = QLabel(PROMPT)
        self.prompt.setProperty("role", "muted")
        self.prompt.setWordWrap(True)
        for widget in (self.title, self.where, self.bars, self.reasons, self.prompt):
            layout.addWidget(widget)
        self.set_mark(None, 0, None, Names((), ()), 0.5)

    def set_mark(self, data: InspectData | None, index: int, mark: Mark | None, names: Names, threshold: float) -> None:
        """Show `mark` of the image at `index`, or a prompt."""
        shown = data is not None and mark is not None
        for widget in (self.title, self.where, self.reasons, self.bars):
            widget.setVisible(shown)
        self.prompt.setVisible(not shown)
        if data is None or mark is None:
            return
        x1, y1, x2, y2 = mark.xyxy
        self.title.setText(heading(mark, tells_where=data.tells_where))
        self.where.setText(f"{x2 - x1:.0f} × {y2 - y1:.0f} px at {x1:.0f}, {y1:.0f}" if data.tells_where else "")
        self.where.setVisible(data.tells_where)
        row = mark.row if mark.source == "detection" else nearest(data, index, mark)
        self.bars.set_bars(score_bars(data, index, row, mark, names) if row is not None else [], threshold)
        self.bars.setVisible(row is not None)
        self.reasons.setText(_reasons(data, index, mark, row))


PROMPT = "Point at a box, or click it, to see all its scores."
IMAGE_PROMPT = "Point at the image, or click it, to see all its scores."


class InspectSide(QFrame):
    """The three of them, one below the other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setMinimumWidth(312)
        self.strip, self.labels, self.panel = MetricStrip(), LabelTable(), MarkPanel()
        self.all_labels = QToolButton()
        self.all_labels.setText("Show all labels")
        self.all_labels.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # Kept in its place while it is not needed, so that the table does not jump.
        policy = self.all_labels.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.all_labels.setSizePolicy(policy)
        self.all_labels.clicked.connect(lambda: self.labels.label_chosen.emit(None))
        head = QHBoxLayout()
        head.addWidget(words("By label", "section"))
        head.addStretch(1)
        head.addWidget(self.all_labels)
        content = QWidget()
        content.setObjectName("scrolled")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(theme.PAD, theme.PAD, theme.PAD, theme.PAD)
        layout.setSpacing(theme.GAP)
        layout.addWidget(self.strip)
        layout.addSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.labels)
        layout.addSpacing(theme.GAP)
        self.detail = words("At the box", "section")
        layout.addWidget(self.detail)
        layout.addWidget(self.panel)
        layout.addStretch(1)
        scroll = QScrollArea()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it takes the keys
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def set_tells_where(self, tells: bool) -> None:
        """Speak of boxes, or of images and the labels that they carry."""
        self.detail.setText("At the box" if tells else "In the image")
        self.panel.prompt.setText(PROMPT if tells else IMAGE_PROMPT)
        self.labels.set_tells_where(tells)

    def set_chosen(self, label: int | None) -> None:
        """Show which label the page is filtered by, and the way back to all."""
        self.labels.set_chosen(label)
        self.all_labels.setVisible(label is not None)


def heading(mark: Mark, *, tells_where: bool = True) -> str:
    """What a mark is, in words; an image's labels lie on a box of its size where the model does not tell where."""
    truth = "True box" if tells_where else "True labels"
    text = {
        "right": "Right",
        "false": "False",
        "mixed": "Right and false",
        "found": f"{truth}, found",
        "missed": f"{truth}, missed",
    }[mark.kind]
    if mark.kind == "missed" and any(mark.verdicts):
        text = f"{truth}, found in part"
    return text


def nearest(data: InspectData, index: int, mark: Mark) -> int | None:
    """The detection that overlaps a true box most, whatever its score: what a lower threshold would show."""
    found = data.detections[index]
    if not len(found):
        return None
    overlaps = geometry.iou(np.asarray([mark.xyxy], np.float32), found.boxes)[0]
    # Many rows can lie on one box: of those that match, the surest.
    ranked = np.where(overlaps >= data.iou, 1 + found.best, overlaps)
    best = int(np.argmax(ranked))
    return best if overlaps[best] >= 0.1 else None


def score_bars(data: InspectData, index: int, row: int, mark: Mark, names: Names) -> list[Bar]:
    """All scores of a detection, the highest first, with the verdict of those that it claims."""
    tokens, scores = theme.theme(), data.detections[index].scores[row]
    claims = dict(zip(mark.labels, mark.verdicts, strict=True)) if mark.source == "detection" else {}
    bars = []
    for label in np.argsort(-scores, kind="stable"):
        right = claims.get(int(label))
        verdict = "" if right is None else "right" if right else "false"
        color = tokens.good if right else tokens.bad
        bars.append(
            Bar(
                names.names[label],
                float(scores[label]),
                names.colors[label],
                verdict,
                color,
                faint=bool(claims) and right is None,
            )
        )
    return bars


def _reasons(data: InspectData, index: int, mark: Mark, row: int | None) -> str:
    tokens, lines = theme.theme(), []
    for label, right in zip(mark.labels, mark.verdicts, strict=True):
        color = tokens.good if right else tokens.bad if mark.source == "detection" else tokens.warning
        reason = inspect_data.explain(data, index, mark, label, right)
        lines.append(
            f'<span style="color:{color.name()}">●</span> {_escaped(data.label_names[label])}: {_escaped(reason)}'
        )
    if mark.source == "truth" and data.tells_where:
        lines.append(
            "Scores above: the detection nearest to it." if row is not None else "No detection is near it at any score."
        )
    return "<br>".join(lines)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _dot(color: QColor) -> QIcon:
    pixmap = QPixmap(20, 20)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(2, 2, 16, 16)
    painter.end()
    return QIcon(pixmap)
