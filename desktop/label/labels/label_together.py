"""What a label occurs together with: a few bars in the label panel, and all pairs as a matrix."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.counting import format_count
from core.project.cooccurrence import Cooccurrence
from core.types import Label
from desktop.base.theme import GAP, PAD, SMALL_PX, theme
from desktop.kit.parts import ElidedLabel, words
from desktop.label.labels.label_delegate import paint_name

BARS = 3  # in the panel
BAR_ROW = 20


class TogetherBars(QWidget):
    """The labels that occur most often with one label, as bars. Nothing to show while no box carries two labels."""

    all_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._found: Cooccurrence | None = None
        self._labels: dict[int, Label] = {}
        self._shown: int | None = None
        self._title = ElidedLabel("", "section")
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._bars = _Bars()
        every = QPushButton("All pairs…")
        every.setProperty("role", "link")
        every.setToolTip("How often each label occurs together with each other")
        every.clicked.connect(self.all_wanted)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(every)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, 4, PAD, GAP)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self._bars)
        self.hide()

    @property
    def lines(self) -> list[tuple[str, float, int]]:
        """What the bars say: name, share in 0..1, boxes."""
        return [(label.name, share, count) for label, share, count in self._bars.lines]

    @property
    def has_pairs(self) -> bool:
        """Whether there is anything to show."""
        return self._found is not None and bool(self._found.pairs)

    def show_counts(self, labels: Sequence[Label], found: Cooccurrence) -> None:
        self._labels = {label.id: label for label in labels}
        self._found = found
        self.show_label(self._shown if self._shown in self._labels else None)

    def show_label(self, label_id: int | None) -> None:
        """Tell of this label; of the most frequent one where it is None."""
        if self._found is None or not self._found.pairs:
            return
        self._shown = label_id
        about = label_id if label_id is not None else max(self._found.boxes, key=self._found.boxes.__getitem__)
        if about not in self._labels:
            return
        self._title.setText(f"Together with {self._labels[about].name}")
        partners = [(other, count) for other, count in self._found.partners(about) if other in self._labels]
        lines = [(self._labels[other], self._found.share(about, other), count) for other, count in partners]
        self._bars.show_lines(lines, self._found.boxes.get(about, 0))


class _Bars(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[Label, float, int]] = []
        self._boxes = 0
        self.setFixedHeight(BARS * BAR_ROW)

    def show_lines(self, lines: list[tuple[Label, float, int]], boxes: int) -> None:
        self.lines, self._boxes = lines, boxes
        said = [f"{label.name}: {count:,} boxes, {share:.0%}" for label, share, count in lines]
        self.setToolTip("\n".join(said[:20]))
        self.setAccessibleDescription("; ".join(said))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = theme()
        font = QFont(self.font())
        font.setPixelSize(SMALL_PX)
        if not self.lines:
            painter.setFont(font)
            painter.setPen(colors.muted)
            text = "No box carries it yet" if not self._boxes else "Always alone on its boxes"
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), text)
            return
        name_width = round(self.width() * 0.42)
        for place, (label, share, _count) in enumerate(self.lines[:BARS]):
            top = place * BAR_ROW
            paint_name(painter, QRect(0, top, name_width - GAP, BAR_ROW), font, label.name)
            painter.setFont(font)
            text = f"{share:.0%}" if share >= 0.005 else "<1%"
            percent = QRect(self.width() - 34, top, 34, BAR_ROW)
            painter.setPen(colors.muted)
            painter.drawText(percent, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text)
            room = QRectF(name_width, top + 6, self.width() - name_width - 40, BAR_ROW - 12)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.hover)
            painter.drawRoundedRect(room, 3, 3)
            painter.setBrush(QColor(label.color))
            painter.drawRoundedRect(QRectF(room.left(), room.top(), max(room.width() * share, 3), room.height()), 3, 3)
        painter.end()


class TogetherMatrix(QWidget):
    """Every label against every other: the darker a cell, the larger the share of the row's boxes."""

    told = Signal(str)  # about the cell under the mouse or the keys

    NAME = 130  # room of the names at the left and above
    FEW = 12  # labels, up to which the cells are large

    def __init__(self, labels: Sequence[Label], found: Cooccurrence) -> None:
        super().__init__()
        self._labels = [label for label in labels if found.boxes.get(label.id)]
        self._found = found
        self.cell_side = 36 if len(self._labels) <= self.FEW else 22
        self._cell: tuple[int, int] | None = None  # row, column
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Labels that occur together; arrows go from cell to cell")
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:
        side = len(self._labels) * self.cell_side + self.NAME + 2
        return QSize(side, side)

    def text_of(self, row: int, column: int) -> str:
        """What a cell says in words."""
        one, other = self._labels[row], self._labels[column]
        found = self._found
        if row == column:
            alone = found.alone.get(one.id, 0)
            return (
                f"{one.name}: on {found.boxes[one.id]:,} boxes, alone on {alone:,} ({found.share(one.id, one.id):.0%})"
            )
        both = format_count(found.pairs.get((one.id, other.id), 0), "box")
        shares = found.share(one.id, other.id), found.share(other.id, one.id)
        return f"{one.name} and {other.name}: {both}, {shares[0]:.0%} of {one.name}, {shares[1]:.0%} of {other.name}"

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPixelSize(SMALL_PX)
        painter.setFont(font)
        for place, label in enumerate(self._labels):
            paint_name(
                painter, QRect(18, self.NAME + place * self.cell_side, self.NAME - 24, self.cell_side), font, label.name
            )
            self._paint_dot(painter, QPoint(8, self.NAME + place * self.cell_side + self.cell_side // 2), label)
            self._paint_column_name(painter, place, font, label)
            for column in range(len(self._labels)):
                self._paint_cell(painter, place, column)
        if self._cell is not None:
            row, column = self._cell
            painter.setPen(QPen(theme().accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self._cell_rect(row, column)).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _paint_dot(self, painter: QPainter, at: QPoint, label: Label) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(label.color))
        painter.drawEllipse(at, 5, 5)

    def _paint_column_name(self, painter: QPainter, place: int, font: QFont, label: Label) -> None:
        painter.save()
        painter.translate(self.NAME + place * self.cell_side, self.NAME)
        painter.rotate(-90)
        paint_name(painter, QRect(18, 0, self.NAME - 24, self.cell_side), font, label.name)
        self._paint_dot(painter, QPoint(8, self.cell_side // 2), label)
        painter.restore()

    def _paint_cell(self, painter: QPainter, row: int, column: int) -> None:
        share = self._found.share(self._labels[row].id, self._labels[column].id)
        rect = self._cell_rect(row, column).adjusted(1, 1, -1, -1)
        ground = theme().muted if row == column else theme().accent
        shade = QColor(ground)
        shade.setAlphaF(0.0 if not share else 0.15 + 0.85 * share)
        painter.fillRect(rect, theme().field)
        painter.fillRect(rect, shade)
        if share >= 0.005:
            painter.setPen(theme().accent_text if share > 0.55 else theme().text)
            small = QFont(painter.font())
            small.setPixelSize(12 if self.cell_side > 30 else 9)
            painter.save()
            painter.setFont(small)
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, f"{share * 100:.0f}")
            painter.restore()

    def _cell_rect(self, row: int, column: int) -> QRect:
        return QRect(
            self.NAME + column * self.cell_side, self.NAME + row * self.cell_side, self.cell_side, self.cell_side
        )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint() - QPoint(self.NAME, self.NAME)
        row, column = at.y() // self.cell_side, at.x() // self.cell_side
        inside = 0 <= row < len(self._labels) and 0 <= column < len(self._labels)
        self._point_at((row, column) if inside else None)

    def leaveEvent(self, event: QEvent) -> None:
        self._point_at(None)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self._labels:
            super().keyPressEvent(event)
            return
        row, column = self._cell or (0, 0)
        last = len(self._labels) - 1
        if self._cell is not None:
            row, column = min(max(row + step[0], 0), last), min(max(column + step[1], 0), last)
        self._point_at((row, column))

    def _point_at(self, cell: tuple[int, int] | None) -> None:
        if cell != self._cell:
            self._cell = cell
            self.told.emit(self.text_of(*cell) if cell is not None else "")
            self.update()


class TogetherDialog(QDialog):
    """The matrix with its legend."""

    LEGEND = (
        "A number is the share of the row's boxes, in %, that carry the column's label too; grey: that carry no other."
    )

    def __init__(self, labels: Sequence[Label], found: Cooccurrence, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Labels that occur together")
        self.matrix = TogetherMatrix(labels, found)
        self._told = words("", "", wrap=True)
        self._told.setTextFormat(Qt.TextFormat.PlainText)
        self._told.setMinimumHeight(2 * QFontMetrics(self.font()).height())
        self._told.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.matrix.told.connect(self._told.setText)
        scroll = QScrollArea()
        scroll.setWidget(self.matrix)
        scroll.viewport().setAutoFillBackground(False)
        self.matrix.setAutoFillBackground(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, PAD)
        layout.setSpacing(GAP)
        layout.addWidget(words(self.LEGEND, "small", wrap=True))
        layout.addWidget(scroll, 1)
        layout.addWidget(self._told)
        room = self.screen().availableGeometry()
        size = self.matrix.sizeHint()
        self.resize(
            min(max(size.width(), 460) + 2 * PAD + 14, room.width() - 80),
            min(max(size.height(), 160) + 130, room.height() - 80),
        )
