"""Curves over epochs, with switches for each curve and a readout at the cursor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from desktop.base.theme import GAP, SMALL_PX, mono_font, notifier, theme
from desktop.kit.formatting import NONE
from desktop.train.run.curve_item import CurveItem
from desktop.train.run.curve_style import CurveStyle
from desktop.train.run.plot_parts import AXIS_WIDTH, MarkLines, menu_button, overlay_label, quiet_plot, span
from desktop.train.run.run_curves import Mark

_EMPTY_EPOCHS = 10  # of the axis while there is nothing to show
_NARROWEST = 300
_WIDE = 460  # pixels in which a title and the switches stand side by side
_LEAST_RATIO = 1.1  # of the ends of a log scale, so that a loss that hardly moves is a flat line


class CurvePlot(QWidget):
    """Dragging moves, the wheel zooms, a double click shows everything again; arrows move the cursor."""

    cursor_moved = Signal(object)  # the epoch that is read out, or None when the cursor left

    def __init__(
        self,
        title: str,
        y_title: str,
        curves: Sequence[CurveStyle],
        empty: str,
        *,
        unit_range: bool = False,
        menu_title: str = "",
        x_title: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        """Without `x_title` for a plot above another one with the same epochs: the words would cost it height."""
        super().__init__(parent)
        self._unit_range = unit_range
        self._epochs = 0
        self._fitted = True  # the view follows the data until the user moves it
        self._at: float | None = None  # the epoch that is read out
        self._logarithmic = False
        self.curves: dict[str, CurveItem] = {}
        self.plot = quiet_plot()
        self._view: Any = self.plot.getViewBox()
        self._axes = [self.plot.getAxis("left"), self.plot.getAxis("bottom")]
        self.plot.setLabel("left", y_title)
        if x_title:
            self.plot.setLabel("bottom", "Epoch")
        if unit_range:
            self._axes[0].setTicks([[(tick / 5, f"{tick / 5:g}") for tick in range(6)]])
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.setVisible(False)
        self.plot.addItem(self._cursor, ignoreBounds=True)
        self._marks = MarkLines(self.plot)
        self.plot.scene().sigMouseMoved.connect(self._mouse_moved)
        self.plot.viewport().installEventFilter(self)
        self._view.sigRangeChangedManually.connect(self._keep_view)
        self.empty = overlay_label(empty, self.plot)
        self._title = QLabel(title)
        self._readout = overlay_label("", self.plot)
        self._menu_button = menu_button(menu_title)
        self._switches = QHBoxLayout()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"Plot: {title}")
        self._lay_out()
        self.set_curves(curves)
        self._paint_theme()
        notifier.theme_changed.connect(self._paint_theme)

    # -- curves ------------------------------------------------------------------------------------------------

    def set_curves(self, curves: Sequence[CurveStyle]) -> None:
        """Draw these curves from now on. Those that were there before keep their data and their switch."""
        kept = {style.key for style in curves}
        for key in [key for key in self.curves if key not in kept]:
            self.curves.pop(key).remove(self.plot)
        for style in curves:
            if style.key in self.curves:
                self.curves[style.key].style = style
                continue
            item = self.curves[style.key] = CurveItem(style, self.plot)
            item.set_logarithmic(self._logarithmic)
            if style.follows in self.curves:
                item.show(self.curves[style.follows].shown)
        self._build_switches(curves)
        self._paint_theme()

    def set_titles(self, title: str, y_title: str) -> None:
        """Call the plot and its axis by other names."""
        self._title.setText(title)
        self.plot.setLabel("left", y_title)
        self.setAccessibleName(f"Plot: {title}")

    def name_epochs(self, on: bool) -> None:
        """Whether the axis of the epochs has a title."""
        self.plot.getAxis("bottom").setLabel("Epoch" if on else "")
        self.plot.showLabel("bottom", on)

    def curve_keys(self) -> list[str]:
        return list(self.curves)

    def set_data(self, key: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        """The points of a curve; x in epochs."""
        self.curves[key].set_data(x, y)

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """Upright lines where something changed."""
        self._marks.show(marks)

    def finish(self, epochs: int) -> None:
        """To be called after the last `set_data` of an update: shows at least `epochs`, and whether there is anything."""
        self._epochs = epochs
        self.empty.setVisible(not any(item.has_points() for item in self.curves.values()))
        self._place_empty()
        if self._fitted:
            self.fit()
        if self._at is not None:
            self.read_out_at(self._at)

    def fit(self) -> None:
        """Show everything, and follow the data again."""
        self._fitted = True
        last = max((item.last_x() for item in self.curves.values()), default=0.0)
        self._view.setXRange(0, max(self._epochs, math.ceil(last)) or _EMPTY_EPOCHS, padding=0.02)
        if self._unit_range:
            self._view.setYRange(0, 1, padding=0.07)
            return
        shown = (item.y for item in self.curves.values() if item.shown)
        low, high = span(shown, positive=self._logarithmic) or (0.1 if self._logarithmic else 0.0, 1.0)
        if self._logarithmic:
            low, high = min(low, high / _LEAST_RATIO), max(high, low * _LEAST_RATIO)
            self._view.setYRange(math.log10(low), math.log10(high), padding=0.06)
        else:
            # With zero in sight, unless that flattens curves that do move.
            self._view.setYRange(low if high / 2 < low < 0.98 * high else min(0.0, low), high, padding=0.06)

    def set_logarithmic(self, on: bool) -> None:
        """Let the y axis count powers of ten."""
        self._logarithmic = on
        self.plot.setLogMode(x=False, y=on)
        for item in self.curves.values():
            item.set_logarithmic(on)
        if self._fitted:
            self.fit()

    def is_shown(self, key: str) -> bool:
        return self.curves[key].shown

    def set_shown(self, key: str, shown: bool) -> None:
        """Press the curve's switch."""
        self.curves[key].switch(shown)
        for item in self.curves.values():
            if item.style.follows == key:
                item.show(shown)
        if self._fitted:
            self.fit()

    # -- readout -----------------------------------------------------------------------------------------------

    def read_out(self, epoch: float | None) -> None:
        """Show the values at the place nearest to `epoch` that has any, here and in linked plots; nothing for None."""
        nearest = None if epoch is None else self._nearest_epoch(epoch)
        self.read_out_at(nearest)
        self.cursor_moved.emit(nearest)

    def read_out_at(self, epoch: float | None) -> None:
        """Show the values at exactly `epoch`: a dash for a curve that has none there."""
        self._at = epoch
        rows = [] if epoch is None else [row for item in self.curves.values() if (row := item.describe_value(epoch))]
        self._cursor.setVisible(epoch is not None)
        if epoch is not None:
            self._cursor.setPos(epoch)
        if epoch is None or not rows:
            self._readout.hide()
            self.setAccessibleDescription("")
            return
        head = f"<tr><td colspan=2 style='color:{theme().muted.name()}'>{_epoch_text(epoch)}</td></tr>"
        lines = [
            f"<tr><td style='color:{color}; padding-right:10px'>{escape(title)}</td>"
            f"<td align=right>{self._format_value(value)}</td></tr>"
            for title, color, value in rows
        ]
        self._readout.setText(f"<table cellspacing=0>{head}{''.join(lines)}</table>")
        told = ", ".join(f"{title} {self._format_value(value)}" for title, _, value in rows)
        self.setAccessibleDescription(f"{_epoch_text(epoch)}: {told}")
        self._place_readout(epoch)

    @property
    def cursor_place(self) -> float | None:
        """The epoch at which the cursor's line stands; None without one."""
        return float(self._cursor.value()) if self._cursor.isVisible() else None

    def _format_value(self, value: float | None) -> str:
        if value is None:
            return NONE
        # A measure between 0 and 1 has no more digits that mean anything.
        precise = not self._unit_range and 0 < abs(value) < 0.01
        return f"{value:.2e}" if precise else f"{value:.3f}"

    def readout_text(self) -> str:
        return self._readout.text() if self._readout.isVisible() else ""

    def _place_readout(self, epoch: float) -> None:
        """Beside the cursor line, on the side where there is room."""
        self._readout.adjustSize()
        cursor = self.plot.mapFromScene(self._view.mapViewToScene(QPointF(epoch, 0))).x()
        left = cursor + GAP
        if left + self._readout.width() > self.plot.width() - GAP:
            left = cursor - GAP - self._readout.width()
        top = self.plot.height() - self._readout.height() - 7 * GAP if self._unit_range else GAP
        self._readout.move(int(max(0, left)), max(0, top))
        self._readout.show()

    def _nearest_epoch(self, epoch: float) -> float | None:
        """The nearest x that has a value; before the first epoch has ended, the nearest step."""
        for with_marks in (True, False):
            x = self._find_places(with_marks)
            if len(x):
                return float(x[np.argmin(np.abs(x - epoch))])
        return None

    def _find_places(self, with_marks: bool) -> NDArray[np.float64]:
        """Where the curves that are shown have values, in no order."""
        items = self.curves.values()
        xs = [item.x for item in items if item.shown and item.style.read_out and item.style.marks == with_marks]
        return np.concatenate([np.zeros(0), *xs])

    def _mouse_moved(self, position: QPointF) -> None:
        inside = self._view.sceneBoundingRect().contains(position)
        self.read_out(self._view.mapSceneToView(position).x() if inside else None)

    def _keep_view(self) -> None:
        self._fitted = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self._at is not None:
            self.read_out(None)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End):
            places = (
                np.unique(self._find_places(True))
                if len(self._find_places(True))
                else np.unique(self._find_places(False))
            )
            if len(places):
                self.read_out(_step_cursor(places, self._at, key))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._paint_frame()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.read_out(None)
        self._paint_frame()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.read_out(None)
        elif event.type() == QEvent.Type.MouseButtonDblClick:
            assert isinstance(event, QMouseEvent)
            if event.button() == Qt.MouseButton.LeftButton:
                self.fit()
                return True
        elif event.type() == QEvent.Type.Resize:
            self._place_empty()
        return False

    def minimumSizeHint(self) -> QSize:
        return QSize(_NARROWEST, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """No more than it needs: it takes what is left, and what scrolls around it goes by this."""
        return self.minimumSizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In little room the switches matter more than the title, which the axis has too."""
        super().resizeEvent(event)
        self._title.setVisible(self.width() >= _WIDE)

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
        layout.addWidget(self.plot, 1)

    def _build_switches(self, curves: Sequence[CurveStyle]) -> None:
        while (taken := self._switches.takeAt(0)) is not None:
            if (button := taken.widget()) is not None:
                button.hide()
                button.deleteLater()
        menu = QMenu(self._menu_button)
        for style in curves:
            item = self.curves[style.key]
            item.button = item.action = None
            if style.follows:
                continue
            if style.in_menu:
                item.action = menu.addAction(style.title)
                item.action.setCheckable(True)
                item.action.setChecked(item.shown)
                item.action.toggled.connect(lambda on, key=style.key: self.set_shown(key, on))
                continue
            item.button = _make_switch(style, item.shown)
            item.button.toggled.connect(lambda on, key=style.key: self.set_shown(key, on))
            self._switches.addWidget(item.button)
        self._menu_button.setMenu(menu)
        self._menu_button.setVisible(not menu.isEmpty())
        self._paint_switches()

    def _paint_theme(self) -> None:
        colors = theme()
        self.plot.setBackground(colors.plot_background)
        for axis in self._axes:
            axis.setPen(pg.mkPen(colors.border))
            axis.setTextPen(pg.mkPen(colors.muted))
        self._cursor.setPen(pg.mkPen(colors.muted, width=1, style=Qt.PenStyle.DashLine))
        self.empty.setStyleSheet(f"color: {colors.muted.name()}; background: transparent;")
        self._readout.setStyleSheet(
            f"#readout {{ color: {colors.text.name()}; background: {colors.raised.name()};"
            f" border: 1px solid {colors.border.name()}; border-radius: 4px; padding: 4px 6px; }}"
        )
        for item in self.curves.values():
            item.paint()
        self._marks.paint()
        self._paint_frame()
        self._paint_switches()

    def _paint_frame(self) -> None:
        """Show whether the keys go to the plot."""
        color = theme().link if self.hasFocus() else theme().plot_background
        self.plot.setStyleSheet(f"border: 1px solid {color.name()};")

    def _paint_switches(self) -> None:
        colors = theme()
        sheet = (
            f"QToolButton {{ border: 1px solid transparent; border-radius: 4px; padding: 2px 6px;"
            f" color: {colors.muted.name()}; background: transparent; }}"
            f"QToolButton:checked {{ color: {colors.text.name()}; }}"
            f"QToolButton:hover {{ background: {colors.hover.name()}; }}"
            f"QToolButton:focus {{ border-color: {colors.link.name()}; }}"
        )
        for button in (self._menu_button, *(item.button for item in self.curves.values() if item.button)):
            button.setStyleSheet(sheet)

    def _place_empty(self) -> None:
        margin = GAP * 3
        self.empty.setGeometry(self.plot.rect().adjusted(AXIS_WIDTH + margin, margin, -margin, -margin * 2))


def _make_switch(style: CurveStyle, shown: bool) -> QToolButton:
    button = QToolButton()
    button.setText(style.title)
    button.setCheckable(True)
    button.setChecked(shown)
    button.setAutoRaise(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setToolTip(f"Show or hide: {style.title}")
    return button


def _step_cursor(places: NDArray[np.float64], at: float | None, key: Qt.Key) -> float:
    """Where the cursor goes from `at`, of the sorted `places`."""
    if key == Qt.Key.Key_Home or (at is None and key == Qt.Key.Key_Right):
        return float(places[0])
    if key == Qt.Key.Key_End or at is None:
        return float(places[-1])
    now = int(np.argmin(np.abs(places - at)))
    return float(places[max(0, min(len(places) - 1, now + (1 if key == Qt.Key.Key_Right else -1)))])


def _epoch_text(epoch: float) -> str:
    return f"Epoch {epoch:.0f}" if epoch == int(epoch) else f"Epoch {epoch:.2f}"
