"""Choosing a model by what it is for: each with its size, its cost, and the sentence on when to take it."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QTextOption
from PySide6.QtWidgets import (
    QComboBox,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from core.models.registry import MODELS, ModelSpec, model_spec
from desktop.base.theme import GAP, PAD, SMALL_PX, theme
from desktop.kit.parts import words
from desktop.train.recipe.strategy_picture import count_text

POPUP_WIDTH = 560
_TASKS = {"detect": "", "classify": "labels only, no boxes"}
_SPEC = Qt.ItemDataRole.UserRole


class ModelChooser(QWidget):
    """A combo box of the models, and below it what the chosen one costs and is good for."""

    chosen = Signal(str)  # by the user

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.combo = QComboBox()
        self.combo.setAccessibleName("Model")
        self.combo.setItemDelegate(_ModelDelegate(self.combo))
        self.combo.setMaxVisibleItems(12)
        for spec in MODELS.values():
            self.combo.addItem(spec.title, spec.name)
            self.combo.setItemData(self.combo.count() - 1, f"{describe_cost(spec)}. {spec.summary}", _DESCRIPTION)
        self.combo.view().setMinimumWidth(POPUP_WIDTH)
        self.combo.activated.connect(lambda index: self.chosen.emit(self.combo.itemData(index)))
        self.figures = words(role="small", wrap=True)
        self.summary = words(role="muted", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        for widget in (self.combo, self.summary, self.figures):
            layout.addWidget(widget)

    def show_model(self, name: str, input_size: int) -> None:
        """Show the model that is chosen, with its cost at this input size."""
        spec = model_spec(name)
        self.combo.setCurrentIndex(self.combo.findData(name))
        self.summary.setText(spec.summary)
        self.figures.setText(describe_cost(spec, input_size))


_DESCRIPTION = Qt.ItemDataRole.AccessibleDescriptionRole


def describe_cost(spec: ModelSpec, input_size: int | None = None) -> str:
    """What the model costs. The work of a network without a fixed input grows with its area."""
    usual = spec.defaults.get("sampling.input_size", 320)
    side = usual if input_size is None else input_size
    return " · ".join(filter(None, [_TASKS[spec.task], *_list_costs(spec, side, usual)]))


def describe_usual_cost(spec: ModelSpec) -> str:
    """Parameters and work, beside a title that says what the model tells."""
    usual = spec.defaults.get("sampling.input_size", 320)
    return " · ".join(_list_costs(spec, usual, usual))


def _list_costs(spec: ModelSpec, side: int, usual: int) -> list[str]:
    parts = []
    if spec.parameters:
        parts.append(f"{count_text(spec.parameters)} parameters")
    if spec.gflops:
        work = spec.gflops * (side / usual) ** 2
        parts.append(f"{work:.0f} GFLOPs at {side} px" if work >= 10 else f"{work:.1f} GFLOPs at {side} px")
    return parts


class _ModelDelegate(QStyledItemDelegate):
    """Title and figures in one line, when to choose the model below."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        spec = MODELS[index.data(_SPEC)]
        font = QFont(option.font)
        font.setPixelSize(SMALL_PX)
        metrics = QFontMetrics(font)
        flags = int(Qt.TextFlag.TextWordWrap)
        text = metrics.boundingRect(0, 0, POPUP_WIDTH - 4 * PAD, 1000, flags, spec.summary)
        title = option.fontMetrics.height()
        return QSize(POPUP_WIDTH - 2 * PAD, title + text.height() + 2 * GAP + 2)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        spec, colors = MODELS[index.data(_SPEC)], theme()
        room = QRectF(option.rect).adjusted(2, 1, -2, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.selected)
            painter.drawRoundedRect(room, 5, 5)
        room = room.adjusted(PAD - 2, GAP - 1, -PAD, -GAP + 1)
        font, small = QFont(option.font), QFont(option.font)
        font.setBold(True)
        small.setPixelSize(SMALL_PX)
        painter.setFont(font)
        painter.setPen(colors.text)
        line = painter.fontMetrics().height()
        painter.drawText(QRectF(room.left(), room.top(), room.width(), line), Qt.AlignmentFlag.AlignVCenter, spec.title)
        painter.setFont(small)
        painter.setPen(colors.muted)
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(room.left(), room.top(), room.width(), line), side, describe_usual_cost(spec))
        painter.setPen(colors.text)
        wrap = QTextOption()
        wrap.setWrapMode(QTextOption.WrapMode.WordWrap)
        painter.drawText(
            QRectF(room.left(), room.top() + line + 2, room.width(), room.height() - line), spec.summary, wrap
        )
        painter.restore()
