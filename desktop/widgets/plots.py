"""Plots of a training: curves over epochs, with switches for each curve and a readout at the cursor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QMouseEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from desktop.theme import GAP, SMALL_PX, mono_font, notifier, theme

AXIS_WIDTH = 52  # of the left axis, the same in every plot so that epochs stand above each other
_EMPTY_EPOCHS = 10  # of the axis while there is nothing to show
_EPOCH_MARK = 7  # diameter of a marker in pixels


@dataclass(frozen=True, slots=True)
class CurveStyle:
    """How one curve is called and drawn."""

    key: str
    title: str
    series: int = 0  # which of the theme's curve colours
    color: str = ""  # a colour of its own, such as a label's, in place of the theme's
    dashed: bool = False
    marks: bool = True  # one marker a value: epochs; without: a line through many steps
    width: float = 2.0
    alpha: float = 1.0
    shown: bool = True
    follows: str = ""  # shown and hidden with this curve, with no switch of its own
    in_menu: bool = False  # its switch is in the "Labels" menu rather than in the row

    def pen_color(self) -> QColor:
        colors = theme().series
        color = QColor(self.color) if self.color else QColor(colors[self.series % len(colors)])
        color.setAlphaF(self.alpha)
        return color


class CurvePlot(QWidget):
    """Curves over epochs. Dragging moves, the wheel zooms, a double click shows everything again."""

    cursor_moved = Signal(object)  # the epoch under the mouse, or None when it left

    def __init__(
        self,
        title: str,
        y_title: str,
        curves: Sequence[CurveStyle],
        empty: str,
        *,
        unit_range: bool = False,
        menu_title: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._unit_range = unit_range
        self._total = 0
        self._fitted = True  # the view follows the data until the person moves it
        self._items: dict[str, _Item] = {}
        self._plot = _quiet_plot()
        self._plot.setAccessibleName(title)
        self._view: Any = self._plot.getViewBox()
        self._axes = [self._plot.getAxis("left"), self._plot.getAxis("bottom")]
        self._plot.setLabel("left", y_title)
        self._plot.setLabel("bottom", "Epoch")
        if unit_range:
            self._axes[0].setTicks([[(tick / 5, f"{tick / 5:g}") for tick in range(6)]])
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.setVisible(False)
        self._plot.addItem(self._cursor, ignoreBounds=True)
        self._plot.scene().sigMouseMoved.connect(self._mouse_moved)
        self._plot.viewport().installEventFilter(self)
        self._view.sigRangeChangedManually.connect(self._moved_by_hand)
        self._empty = _overlay_label(empty, self._plot)
        self._title = QLabel(title)
        self._readout = _overlay_label("", self._plot)
        self._menu_button = _menu_button(menu_title)
        self._switches = QHBoxLayout()
        self._lay_out()
        self.set_curves(curves)
        self._paint()
        notifier.theme_changed.connect(self._paint)

    # -- curves ------------------------------------------------------------------------------------------------

    def set_curves(self, curves: Sequence[CurveStyle]) -> None:
        """Draw these curves from now on. Those that were there before keep their data and their switch."""
        kept = {style.key for style in curves}
        for key in [key for key in self._items if key not in kept]:
            self._items.pop(key).remove(self._plot)
        for style in curves:
            if style.key in self._items:
                self._items[style.key].style = style
            else:
                self._items[style.key] = _Item(style, self._plot)
        self._build_switches(curves)
        self._paint()

    def set_data(self, key: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        """The points of a curve; x in epochs."""
        self._items[key].set_data(x, y)

    def finish(self, total_epochs: int) -> None:
        """To be called after the last `set_data` of an update: sets the range and the empty state."""
        self._total = total_epochs
        self._empty.setVisible(not any(item.has_points() for item in self._items.values()))
        self._place_empty()
        if self._fitted:
            self.fit()

    def fit(self) -> None:
        """Show everything, and follow the data again."""
        self._fitted = True
        last = max((item.last_x() for item in self._items.values()), default=0.0)
        self._view.setXRange(0, max(self._total, math.ceil(last)) or _EMPTY_EPOCHS, padding=0.02)
        if self._unit_range:
            self._view.setYRange(0, 1, padding=0.07)
            return
        low, high = _span(item.y for item in self._items.values() if item.shown)
        self._view.setYRange(min(0.0, low), high, padding=0.06)

    def is_shown(self, key: str) -> bool:
        return self._items[key].shown

    def set_shown(self, key: str, shown: bool) -> None:
        """As if the person had pressed the curve's switch."""
        self._items[key].switch(shown)
        for item in self._items.values():
            if item.style.follows == key:
                item.show(shown)
        if self._fitted:
            self.fit()

    def link(self, other: CurvePlot) -> None:
        """Move the epochs of both plots together, and read both out at the same epoch."""
        self._plot.setXLink(other._plot)
        self.cursor_moved.connect(other.read_out)
        other.cursor_moved.connect(self.read_out)

    # -- readout -----------------------------------------------------------------------------------------------

    def read_out(self, epoch: float | None) -> None:
        """Show the values at the epoch nearest to `epoch`; nothing for None."""
        nearest = None if epoch is None else self._nearest_epoch(epoch)
        self._cursor.setVisible(nearest is not None)
        if nearest is None:
            self._readout.hide()
            return
        self._cursor.setPos(nearest)
        rows = [f"<tr><td colspan=2 style='color:{theme().muted.name()}'>Epoch {nearest:.0f}</td></tr>"]
        for item in self._items.values():
            value = item.value_at(nearest) if item.shown and item.style.marks else None
            if value is not None:
                color = item.style.pen_color().name()
                title = f"<td style='color:{color}; padding-right:10px'>{escape(item.style.title)}</td>"
                rows.append(f"<tr>{title}<td align=right>{value:.3f}</td></tr>")
        self._readout.setText(f"<table cellspacing=0>{''.join(rows)}</table>")
        self._place_readout(nearest)

    def readout_text(self) -> str:
        return self._readout.text() if self._readout.isVisible() else ""

    def _place_readout(self, epoch: float) -> None:
        """Beside the cursor line, on the side where there is room."""
        self._readout.adjustSize()
        cursor = self._plot.mapFromScene(self._view.mapViewToScene(QPointF(epoch, 0))).x()
        left = cursor + GAP
        if left + self._readout.width() > self._plot.width() - GAP:
            left = cursor - GAP - self._readout.width()
        top = self._plot.height() - self._readout.height() - 7 * GAP if self._unit_range else GAP
        self._readout.move(int(max(0, left)), max(0, top))
        self._readout.show()

    def _nearest_epoch(self, epoch: float) -> float | None:
        xs = [item.x for item in self._items.values() if item.shown and item.style.marks and len(item.x)]
        if not xs:
            return None
        x = np.concatenate(xs)
        return float(x[np.argmin(np.abs(x - epoch))])

    def _mouse_moved(self, position: QPointF) -> None:
        inside = self._view.sceneBoundingRect().contains(position)
        epoch = self._view.mapSceneToView(position).x() if inside else None
        self.read_out(epoch)
        self.cursor_moved.emit(epoch)

    def _moved_by_hand(self) -> None:
        self._fitted = False

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.read_out(None)
            self.cursor_moved.emit(None)
        elif event.type() == QEvent.Type.MouseButtonDblClick:
            assert isinstance(event, QMouseEvent)
            if event.button() == Qt.MouseButton.LeftButton:
                self.fit()
                return True
        elif event.type() == QEvent.Type.Resize:
            self._place_empty()
        return False

    # -- looks -------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._readout.setFont(mono_font(SMALL_PX - 1))
        self._readout.setObjectName("readout")
        self._readout.setWordWrap(False)
        self._readout.hide()
        self._switches.setSpacing(GAP // 4)
        header = QHBoxLayout()
        header.setSpacing(GAP)
        header.addWidget(self._title)
        header.addSpacing(GAP)
        header.addLayout(self._switches)
        header.addWidget(self._menu_button)
        header.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addLayout(header)
        layout.addWidget(self._plot, 1)

    def _build_switches(self, curves: Sequence[CurveStyle]) -> None:
        while (taken := self._switches.takeAt(0)) is not None:
            if (button := taken.widget()) is not None:
                button.deleteLater()
        menu = QMenu(self._menu_button)
        for style in curves:
            item = self._items[style.key]
            item.button = item.action = None
            if style.follows:
                continue
            if style.in_menu:
                item.action = menu.addAction(style.title)
                item.action.setCheckable(True)
                item.action.setChecked(item.shown)
                item.action.toggled.connect(lambda on, key=style.key: self.set_shown(key, on))
                continue
            item.button = QToolButton()
            item.button.setText(style.title)
            item.button.setCheckable(True)
            item.button.setChecked(item.shown)
            item.button.setAutoRaise(True)
            item.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            item.button.setToolTip(f"Show or hide: {style.title}")
            item.button.toggled.connect(lambda on, key=style.key: self.set_shown(key, on))
            self._switches.addWidget(item.button)
        self._menu_button.setMenu(menu)
        self._menu_button.setVisible(not menu.isEmpty())
        self._paint_switches()

    def _paint(self) -> None:
        colors = theme()
        self._plot.setBackground(colors.plot_background)
        for axis in self._axes:
            axis.setPen(pg.mkPen(colors.border))
            axis.setTextPen(pg.mkPen(colors.muted))
        self._cursor.setPen(pg.mkPen(colors.muted, width=1, style=Qt.PenStyle.DashLine))
        self._empty.setStyleSheet(f"color: {colors.muted.name()}; background: transparent;")
        self._readout.setStyleSheet(
            f"#readout {{ color: {colors.text.name()}; background: {colors.raised.name()};"
            f" border: 1px solid {colors.border.name()}; border-radius: 4px; padding: 4px 6px; }}"
        )
        for item in self._items.values():
            item.paint()
        self._paint_switches()

    def _paint_switches(self) -> None:
        colors = theme()
        sheet = (
            f"QToolButton {{ border: none; border-radius: 4px; padding: 3px 7px; color: {colors.muted.name()};"
            f" background: transparent; }}"
            f"QToolButton:checked {{ color: {colors.text.name()}; }}"
            f"QToolButton:hover {{ background: {colors.hover.name()}; }}"
        )
        for button in (self._menu_button, *(item.button for item in self._items.values() if item.button)):
            button.setStyleSheet(sheet)

    def _place_empty(self) -> None:
        margin = GAP * 3
        self._empty.setGeometry(self._plot.rect().adjusted(AXIS_WIDTH + margin, margin, -margin, -margin * 2))


class _Item:
    """One curve in the plot, with its points and its switch."""

    def __init__(self, style: CurveStyle, plot: Any) -> None:
        self.style = style
        self.shown = style.shown
        self.x = np.zeros(0)
        self.y = np.zeros(0)
        self.button: QToolButton | None = None
        self.action: Any = None
        self._curve = pg.PlotDataItem(connect="finite", antialias=True)
        # Thousands of steps on a few hundred pixels: the least and the largest of each column are drawn.
        self._curve.setDownsampling(auto=True, method="peak")
        self._curve.setClipToView(True)
        self._curve.setVisible(self.shown)
        self._curve.setZValue(10 if style.marks else 5)
        plot.addItem(self._curve)

    def remove(self, plot: Any) -> None:
        plot.removeItem(self._curve)

    def set_data(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        self.x, self.y = x, y
        if self.shown:
            self._curve.setData(x, y)

    def show(self, shown: bool) -> None:
        self.shown = shown
        self._curve.setVisible(shown)
        if shown:
            self._curve.setData(self.x, self.y)

    def switch(self, shown: bool) -> None:
        self.show(shown)
        for switch in (self.button, self.action):
            if switch is not None and switch.isChecked() != shown:
                switch.setChecked(shown)

    def has_points(self) -> bool:
        return bool(np.isfinite(self.y).any())

    def last_x(self) -> float:
        return float(self.x[-1]) if len(self.x) else 0.0

    def value_at(self, epoch: float) -> float | None:
        found = np.flatnonzero(self.x == epoch)
        return float(self.y[found[-1]]) if len(found) else None

    def paint(self) -> None:
        color = self.style.pen_color()
        pen = pg.mkPen(color, width=self.style.width)
        if self.style.dashed:
            pen.setStyle(Qt.PenStyle.DashLine)
        self._curve.setPen(pen)
        if self.style.marks:
            self._curve.setSymbol("o")
            self._curve.setSymbolSize(_EPOCH_MARK)
            self._curve.setSymbolBrush(color)
            self._curve.setSymbolPen(pg.mkPen(theme().plot_background, width=1.5))
        for switch in (self.button, self.action):
            if switch is not None:
                switch.setIcon(_swatch(pen))


class _EpochAxis(pg.AxisItem):
    """Counts whole epochs only."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        spacings = super().tickSpacing(low, high, size)
        return [spacing for spacing in spacings if spacing[0] >= 1] or [(1, 0)]


def _quiet_plot() -> Any:
    """A plot without pyqtgraph's own menu and buttons, which look like no other part of the window."""
    plot = pg.PlotWidget(axisItems={"bottom": _EpochAxis("bottom")})
    plot.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
    plot.setMenuEnabled(False)
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its curves are switched by the buttons above
    plot.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
    plot.hideButtons()
    plot.showGrid(x=True, y=True, alpha=0.45)
    plot.setMinimumHeight(120)
    plot.getPlotItem().setContentsMargins(0, 6, 10, 2)
    left, bottom = plot.getAxis("left"), plot.getAxis("bottom")
    left.setWidth(AXIS_WIDTH)
    for axis in (left, bottom):
        axis.enableAutoSIPrefix(False)
        axis.setStyle(tickLength=-4)
    return plot


def _overlay_label(text: str, over: QWidget) -> QLabel:
    label = QLabel(text, over)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return label


def _menu_button(text: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAutoRaise(True)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setToolTip("Choose further curves to show")
    return button


def _swatch(pen: QPen) -> QIcon:
    """A short piece of the curve, for its switch; faint where the curve is hidden."""
    icon = QIcon()
    for state, opacity in ((QIcon.State.On, 1.0), (QIcon.State.Off, 0.25)):
        pixmap = QPixmap(QSize(32, 32))
        pixmap.setDevicePixelRatio(2)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(opacity)
        color = QColor(pen.color())
        color.setAlphaF(1.0)
        if pen.style() == Qt.PenStyle.DashLine:
            painter.setPen(QPen(color, 3, Qt.PenStyle.DotLine))
            painter.drawLine(1, 8, 15, 8)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawRoundedRect(QRectF(2, 6, 12, 4), 2, 2)
        painter.end()
        icon.addPixmap(pixmap, QIcon.Mode.Normal, state)
    return icon


def _span(values: Iterable[NDArray[np.float64]]) -> tuple[float, float]:
    """Least and largest finite value; (0, 1) where there is none.

    The largest two in a hundred are left out of a long series: the first steps of a training would
    press everything after them to the floor.
    """
    lows, highs = [], []
    for value in values:
        finite = value[np.isfinite(value)]
        if len(finite):
            lows.append(float(finite.min()))
            highs.append(float(np.quantile(finite, 0.98) if len(finite) > 100 else finite.max()))
    if not highs:
        return 0.0, 1.0
    return min(lows), max(max(highs), min(lows) + 1e-6)


# -- the two plots of a training -------------------------------------------------------------------------------

LOSS_CURVES = (
    CurveStyle("steps", "Steps", 0, marks=False, width=1.0, alpha=0.28, follows="train_loss"),
    CurveStyle("smooth", "Smoothed", 0, marks=False, width=1.6, alpha=0.75, follows="train_loss"),
    CurveStyle("train_loss", "Train", 0),
    CurveStyle("val_loss", "Validation", 1),
    CurveStyle("train_label_loss", "Train: labels", 4, shown=False, width=1.5, in_menu=True),
    CurveStyle("train_box_loss", "Train: boxes", 2, shown=False, width=1.5, in_menu=True),
    CurveStyle("val_label_loss", "Validation: labels", 4, dashed=True, shown=False, width=1.5, in_menu=True),
    CurveStyle("val_box_loss", "Validation: boxes", 2, dashed=True, shown=False, width=1.5, in_menu=True),
)
MAP_CURVES = (
    CurveStyle("map50", "mAP@0.5", 2),
    CurveStyle("map", "mAP@[.5:.95]", 3),
)


def loss_plot() -> CurvePlot:
    return CurvePlot(
        "Loss", "Loss", LOSS_CURVES, "The loss of every step and epoch appears here once a training runs.",
        menu_title="Parts",
    )


def map_plot() -> CurvePlot:
    return CurvePlot(
        "Mean average precision", "mAP", MAP_CURVES,
        "Mean average precision on the validation images appears here after each epoch.",
        unit_range=True, menu_title="Labels",
    )


def label_curve_style(name: str, color: str) -> CurveStyle:
    """AP@0.5 of one label, in the label's own colour; hidden until the person asks for it."""
    return CurveStyle(f"label:{name}", name, color=color, width=1.4, shown=False, in_menu=True)
