"""Drawing a box that carries several labels: all its colours along the outline, all its names at its corner."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen

from desktop.base.theme import FAMILIES, text_on, theme

STRIPE = 10.0  # length of one colour along the outline, in widget pixels
TAG_HEIGHT = 18.0
TAG_PADDING = 6.0
NO_LABEL = "no label yet"


def paint_box(
    painter: QPainter,
    rect: QRectF,
    colors: Sequence[QColor],
    names: Sequence[str],
    *,
    selected: bool = False,
    dashed: bool = False,
    hatched: bool = False,
    caption: str | None = None,
    tag: bool = True,
    wash: bool = True,
) -> None:
    """Draw one box in widget coordinates.

    With several colours the outline alternates between them, and the tag has one part for each name.
    `hatched` boxes are crossed out by fine lines: they are there, and count for nothing. `caption` is added to the tag as
    it is; `tag=False` leaves the tag out, for a crowd of small boxes. `wash=False` leaves a selected box clear inside.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    shades = list(colors) or [QColor("#e8eaee")]
    if selected and wash:
        _fill_box(painter, rect, shades[0])
    if hatched:
        _hatch_box(painter, rect)
    width = 3.0 if selected else 2.0
    # A dark line underneath keeps any colour readable on any image.
    painter.setPen(_make_pen(QColor(0, 0, 0, 150), width + 2.0))
    painter.drawRect(rect)
    for index, shade in enumerate(shades):
        painter.setPen(_outline_pen(shade, width, index, len(shades), dashed=dashed or not colors))
        painter.drawRect(rect)
    if tag:
        _paint_tag(painter, rect, shades, list(names) or [NO_LABEL], caption, bool(colors))
    painter.restore()


def tag_origin(rect: QRectF, size: QSizeF, bounds: QRectF) -> QPointF:
    """Where the top left corner of a tag goes: above the box; below or inside where there is no room; never outside."""
    top = rect.top() - size.height() - 1
    if top < bounds.top():
        below = rect.bottom() + 1
        top = below if below + size.height() <= bounds.bottom() else max(rect.top(), bounds.top())
    left = min(max(rect.left() - 1, bounds.left()), max(bounds.left(), bounds.right() - size.width()))
    return QPointF(round(left), round(top))


def tag_font() -> QFont:
    """The font of the names at a box."""
    font = QFont(FAMILIES)
    font.setPixelSize(12)
    font.setWeight(QFont.Weight.Medium)
    return font


def _paint_tag(
    painter: QPainter,
    rect: QRectF,
    colors: Sequence[QColor],
    names: Sequence[str],
    caption: str | None,
    labelled: bool,
) -> None:
    font = tag_font()
    metrics = QFontMetricsF(font)
    parts = [(name, colors[index % len(colors)] if labelled else theme().raised) for index, name in enumerate(names)]
    if caption:
        parts.append((caption, QColor(16, 18, 22, 230)))
    widths = [metrics.horizontalAdvance(text) + 2 * TAG_PADDING for text, _ in parts]
    bounds = QRectF(painter.window())
    origin = tag_origin(rect, QSizeF(sum(widths), TAG_HEIGHT), bounds)
    painter.setFont(font)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(QColor(0, 0, 0, 120)))
    painter.drawRect(QRectF(origin.x() - 1, origin.y() - 1, sum(widths) + 2, TAG_HEIGHT + 2))
    left = origin.x()
    for (text, ground), width in zip(parts, widths, strict=True):
        part = QRectF(left, origin.y(), width, TAG_HEIGHT)
        painter.fillRect(part, ground)
        painter.setPen(text_on(ground))
        painter.drawText(part, Qt.AlignmentFlag.AlignCenter, text)
        left += width


def _fill_box(painter: QPainter, rect: QRectF, color: QColor) -> None:
    wash = QColor(color)
    wash.setAlpha(22)
    painter.fillRect(rect, wash)


def _hatch_box(painter: QPainter, rect: QRectF) -> None:
    """Light lines over dark ones, so that they are seen on any ground."""
    painter.fillRect(rect, QColor(0, 0, 0, 110))
    painter.fillRect(rect, QBrush(QColor(255, 255, 255, 190), Qt.BrushStyle.BDiagPattern))


def _make_pen(color: QColor, width: float) -> QPen:
    pen = QPen(color, width)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return pen


def _outline_pen(color: QColor, width: float, index: int, count: int, *, dashed: bool) -> QPen:
    pen = _make_pen(color, width)
    if count > 1 or dashed:
        # Dash lengths are in units of the pen's width. Dashed outlines leave a gap after every stripe.
        stripe = (STRIPE * 0.6 if dashed else STRIPE) / width
        period = stripe * count * (2 if dashed else 1)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([stripe, period - stripe])
        pen.setDashOffset(-index * stripe * (2 if dashed else 1))
    return pen
