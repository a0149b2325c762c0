"""Pictures with boxes and captions in as many columns as make them largest. A click enlarges one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.augment.previews import CaptionPart, find_grid_shape
from desktop.base.theme import GAP, PAD, notifier, theme
from desktop.viewer.box_painter import paint_box
from desktop.viewer.pyramid import to_qimage

CAPTION = 24  # pixels under each picture


@dataclass(frozen=True, slots=True)
class PreviewBox:
    """One box on a picture, in the picture's pixels."""

    x1: float
    y1: float
    x2: float
    y2: float
    colors: tuple[QColor, ...]
    names: tuple[str, ...]
    note: str = ""  # shown at the box when the picture is enlarged
    dropped: bool = False  # visible, but not taught


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One picture of the grid."""

    image: NDArray[np.uint8]  # (h, w, 3) RGB
    boxes: tuple[PreviewBox, ...]
    title: str
    caption: Sequence[CaptionPart]


class PreviewGrid(QWidget):
    """Shows cells, or one of them enlarged, or a message when there are none."""

    enlarged_changed = Signal(int)  # the enlarged cell, or -1

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cells: list[Cell] = []
        self._images: list[QImage] = []
        self._scaled: dict[int, QPixmap] = {}
        self._enlarged = -1
        self._message = ""
        self._hovered = -1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 240)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Previews of the augmentation")
        notifier.theme_changed.connect(self.update)

    @property
    def cells(self) -> Sequence[Cell]:
        return tuple(self._cells)

    @property
    def enlarged(self) -> int:
        return self._enlarged

    @property
    def message(self) -> str:
        """What is shown in place of pictures."""
        return self._message

    def show_cells(self, cells: Sequence[Cell]) -> None:
        self._cells = list(cells)
        self._images = [to_qimage(cell.image) for cell in cells]
        self._scaled.clear()
        self._message = ""
        if self._enlarged >= len(cells):
            self.enlarge(-1)
        self.update()

    def show_message(self, text: str) -> None:
        """Show `text` in place of pictures."""
        self.show_cells([])
        self._message = text
        self.update()

    def enlarge(self, index: int) -> None:
        """Fill the grid with one picture; -1 goes back to all."""
        if index != self._enlarged:
            self._enlarged = index
            self._scaled.clear()
            self.enlarged_changed.emit(index)
            self.update()

    def cell_at(self, x: float, y: float) -> int:
        """The cell under a point of the widget, or -1."""
        return next((index for index, rect in self._place_cells() if rect.contains(QPointF(x, y))), -1)

    def sizeHint(self) -> QSize:
        return QSize(900, 640)

    # -- events

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            index = self.cell_at(event.position().x(), event.position().y())
            self.enlarge(-1 if self._enlarged >= 0 else index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hovered = self.cell_at(event.position().x(), event.position().y())
        if hovered != self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.CursorShape.PointingHandCursor if hovered >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        columns = len({rect.x() for _, rect in self._place_cells()}) or 1
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -columns, Qt.Key.Key_Down: columns}
        key = Qt.Key(event.key())
        if key in steps and self._enlarged < 0:
            self._hovered = max(0, min(len(self._cells) - 1, max(self._hovered, 0) + steps[key]))
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._cells:
            self.enlarge(-1 if self._enlarged >= 0 else max(self._hovered, 0))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        # By keyboard there is no mouse that says which picture is meant.
        if event.reason() != Qt.FocusReason.MouseFocusReason and self._hovered < 0:
            self._hovered = 0
        super().focusInEvent(event)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._scaled.clear()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self._cells:
            painter.setPen(theme().muted)
            painter.drawText(self.rect().adjusted(PAD, PAD, -PAD, -PAD), _CENTRED, self._message)
            return
        for index, frame in self._place_cells():
            self._paint_cell(painter, index, frame)

    # -- drawing

    def _place_cells(self) -> list[tuple[int, QRectF]]:
        """The cells that are shown and the room of each, caption included."""
        if not self._cells:
            return []
        if self._enlarged >= 0:
            return [(self._enlarged, QRectF(self.rect()))]
        # The last cell is a preview; the original may be of another shape.
        rows_of_image, columns_of_image = self._cells[-1].image.shape[:2]
        columns, width, height = find_grid_shape(
            len(self._cells), self.width(), self.height(), CAPTION, GAP, columns_of_image / rows_of_image
        )
        height += CAPTION
        rows = -(-len(self._cells) // columns)
        # What is left over goes between the pictures, in moderation, and then around them.
        gap_x = min((self.width() - columns * width) / max(columns - 1, 1), 3 * GAP)
        gap_y = min((self.height() - rows * height) / max(rows - 1, 1), 3 * GAP)
        left = (self.width() - columns * width - (columns - 1) * gap_x) / 2
        top = (self.height() - rows * height - (rows - 1) * gap_y) / 2
        frames = []
        for at in range(len(self._cells)):
            row, column = divmod(at, columns)
            frames.append((at, QRectF(left + column * (width + gap_x), top + row * (height + gap_y), width, height)))
        return frames

    def _paint_cell(self, painter: QPainter, index: int, frame: QRectF) -> None:
        cell, room = self._cells[index], frame.adjusted(0, 0, 0, -CAPTION)
        height, width = cell.image.shape[:2]
        scale = min(room.width() / width, room.height() / height)
        target = QRectF(0, 0, max(1.0, round(width * scale)), max(1.0, round(height * scale)))
        target.moveCenter(room.center())
        target.moveTo(round(target.x()), round(target.y()))
        painter.drawPixmap(target.topLeft(), self._scale_picture(index, target.size().toSize(), scale))
        painter.save()
        if self._enlarged < 0:
            # Outlines must not reach into the neighbours.
            painter.setClipRect(target)
        for box in cell.boxes:
            rect = QRectF(QPointF(box.x1, box.y1) * scale, QPointF(box.x2, box.y2) * scale).translated(target.topLeft())
            paint_box(
                painter,
                rect,
                box.colors,
                box.names,
                hatched=box.dropped,
                caption=box.note or None,
                tag=self._enlarged >= 0,
            )
        painter.restore()
        if index == self._hovered or index == 0:
            chosen = index == self._hovered
            width = 2 if chosen and self.hasFocus() else 1
            painter.setPen(QPen(theme().link if chosen else theme().strong_border, width))
            painter.drawRect(target.adjusted(-width, -width, width - 1, width - 1))
        # Under a narrow picture the words may go on to the right.
        words = QRectF(target.left(), target.bottom(), max(target.width(), room.width()), CAPTION)
        self._paint_caption(painter, cell, words)

    def _paint_caption(self, painter: QPainter, cell: Cell, room: QRectF) -> None:
        metrics = QFontMetricsF(painter.font())
        long = [CaptionPart(cell.title, cell.title, "text"), *cell.caption]
        texts = [part.text for part in long]
        if sum(metrics.horizontalAdvance(f"·  {text}") + 6 for text in texts) > room.width():
            texts = [part.short for part in long]
        if sum(metrics.horizontalAdvance(f"·  {text}") + 6 for text in texts) > room.width():
            texts[0] = cell.title.rpartition(" ")[2]  # the number of the epoch alone
        left = room.left()
        for text, part in zip(texts, long, strict=True):
            if not text:
                continue
            shown = text if left == room.left() else f"·  {text}"
            shown = metrics.elidedText(shown, Qt.TextElideMode.ElideRight, room.right() - left)
            painter.setPen(getattr(theme(), part.tone))
            painter.drawText(QRectF(left, room.top(), room.right() - left, room.height()), _MIDDLE, shown)
            left += metrics.horizontalAdvance(shown) + 6

    def _scale_picture(self, index: int, size: QSize, scale: float) -> QPixmap:
        ratio = self.devicePixelRatioF()
        if index not in self._scaled:
            # Enlarged pixels are shown as pixels: they are what the network gets.
            modes = Qt.TransformationMode
            mode = modes.FastTransformation if scale * ratio > 2 else modes.SmoothTransformation
            scaled = self._images[index].scaled(size * ratio, Qt.AspectRatioMode.IgnoreAspectRatio, mode)
            pixmap = QPixmap.fromImage(scaled)
            pixmap.setDevicePixelRatio(ratio)
            self._scaled[index] = pixmap
        return self._scaled[index]


_MIDDLE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_CENTRED = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
