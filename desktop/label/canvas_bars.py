"""The bars above and below the canvas of the Label page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from core.counting import format_count
from core.types import ImageRecord, Status
from desktop.base.theme import GAP, PAD, mono_font, notifier, set_icon
from desktop.kit.parts import ElidedLabel, bar_button, divider, words
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.label.canvas.measure import size_text
from desktop.label.images.image_delegate import status_pixmap

GROUPS = (("draw", "measure", "delete"), ("fit", "actual_size", "hide", "hide_names", "lock", "adjust"))
VERDICTS = ("clean", "reviewed")
# Everything that the image's view can do, in groups: also what the bar has no room for.
MORE = (
    ("draw", "delete"),
    ("fit", "actual_size", "zoom_selection", "zoom_in", "zoom_out"),
    ("hide", "hide_names", "lock", "guides"),
    ("measure", "rulers", "pixel_grid", "minimap"),
    ("adjust", "compare"),
)
ZOOMS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
NAME_ROOM = 124  # of the file's name at least, in pixels
# What gives way to the file's name where the window is narrow, the first first.
GIVING_WAY = ("words", "actual_size", "delete", "hide_names", "measure", "fit", "adjust", "lock", "hide", "draw")


def giving_way(room: int, widths: Mapping[str, int], rest: int) -> frozenset[str]:
    """What of `GIVING_WAY`, with these `widths`, is left out so that it and a `rest` fit into `room` pixels."""
    needed = rest + sum(widths.values())
    out: set[str] = set()
    for name in GIVING_WAY:
        if needed <= room:
            break
        out.add(name)
        needed -= widths.get(name, 0)
    return frozenset(out)


class CanvasBar(QFrame):
    """Steps through the images on the left, tools in the middle, verdicts on the right."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self._record: ImageRecord | None = None
        self._place = _make_text_button("Number of the image among those shown")
        self._place.clicked.connect(actions["go_to_image"].trigger)
        _follow_tool_tip(self._place, actions["go_to_image"])
        self._name = ElidedLabel()
        self._sign = QLabel()
        self._buttons: dict[str, QToolButton] = {}
        self._left_out: frozenset[str] = frozenset()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, 6, GAP, 6)
        layout.setSpacing(2)
        layout.addWidget(bar_button(actions["previous"]))
        layout.addWidget(bar_button(actions["next"]))
        layout.addSpacing(4)
        layout.addWidget(self._place)
        layout.addSpacing(4)
        layout.addWidget(self._sign)
        layout.addSpacing(2)
        layout.addWidget(self._name, 1)
        for group in GROUPS:
            self._add_divider(layout)
            for name in group:
                self._buttons[name] = bar_button(actions[name])
                layout.addWidget(self._buttons[name])
        layout.addWidget(self._more_button(actions))
        self._add_divider(layout)
        for name in VERDICTS:
            self._buttons[name] = bar_button(actions[name], text=True)
            layout.addWidget(self._buttons[name])
            actions[name].changed.connect(self._arrange_tools)
        notifier.theme_changed.connect(self._tint_sign)

    def show_record(self, record: ImageRecord | None, place: int, count: int) -> None:
        """Show which image it is, and what was said about it."""
        self._record = record
        self._place.setText(f"{place:,} / {count:,}" if place else "")
        self._name.setText(record.path.rsplit("/", 1)[-1] if record else "")
        self._sign.setToolTip(record.status.value if record else "")
        self._tint_sign()
        self._arrange_tools()

    def minimumSizeHint(self) -> QSize:
        return QSize(360, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange_tools()

    def _add_divider(self, layout: QHBoxLayout) -> None:
        layout.addSpacing(4)
        layout.addWidget(divider())
        layout.addSpacing(4)

    def _more_button(self, actions: Mapping[str, QAction]) -> QToolButton:
        menu = QMenu(self)
        for group in MORE:
            for name in group:
                menu.addAction(actions[name])
            menu.addSeparator()
        button = QToolButton()
        button.setProperty("role", "bar")
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        set_icon(button, "more")
        button.setIconSize(QSize(18, 18))
        button.setToolTip("More of how the image is shown: guides, rulers, overview, pixel grid")
        button.setAccessibleName("More of how the image is shown")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _arrange_tools(self) -> None:
        """Leave to the menu what would squeeze the file's name."""
        layout = self.layout()
        assert layout is not None
        verdicts = [self._buttons[name] for name in VERDICTS]
        icon_only = self._buttons["draw"].sizeHint().width()
        widths = {name: self._buttons[name].sizeHint().width() + 2 for name in GIVING_WAY if name in self._buttons}
        widths["words"] = sum(_with_text(button) - icon_only for button in verdicts)
        # What is there now, but for what may go: measured, since fonts and styles differ.
        there = [name for name in widths if name not in self._left_out]
        rest = layout.minimumSize().width() - sum(widths[name] for name in there)
        out = giving_way(self.width(), widths, rest + NAME_ROOM - self._name.minimumSizeHint().width())
        if out == self._left_out:
            return
        self._left_out = out
        style = Qt.ToolButtonStyle
        for button in verdicts:
            wanted = style.ToolButtonIconOnly if "words" in out else style.ToolButtonTextBesideIcon
            button.setToolButtonStyle(wanted)
        for name in GIVING_WAY:
            if name in self._buttons:
                self._buttons[name].setVisible(name not in out)

    def _tint_sign(self) -> None:
        self._sign.setVisible(self._record is not None)
        status = self._record.status if self._record else Status.UNLABELLED
        self._sign.setPixmap(status_pixmap(status, 18, self.devicePixelRatioF()))


class PointerTexts(NamedTuple):
    """What the bar below the canvas says; each is empty where there is nothing to say."""

    boxes: str
    size: str  # of the one selected box
    value: str  # of the pixel under the mouse
    place: str  # of that pixel
    zoom: str


class PointerBar(QFrame):
    """What is selected, where the mouse is in the image, what value is there, and the zoom, which can be chosen."""

    zoom_wanted = Signal(float)  # screen pixels for one image pixel

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "foot")
        self._boxes = words("", "small")
        self._size = words("", "small")
        self._value = words("", "small")
        self._at = words("", "small")
        self._zoom = _make_text_button("Zoom")
        self._zoom.setToolTip("How large the image is shown; click to choose")
        self._zoom.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._zoom.setMenu(self._make_zoom_menu(actions))
        self._parts = (self._boxes, self._size, self._value, self._at, self._zoom)
        for number in (self._value, self._at, self._zoom):
            number.setFont(mono_font(11))
        self._value.setToolTip("Red, green and blue of the pixel under the mouse, as they are in the file")
        self._at.setToolTip("The pixel under the mouse")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(PAD, 4, PAD, 4)
        layout.setSpacing(PAD)
        layout.addWidget(self._boxes)
        layout.addWidget(self._size)
        layout.addStretch(1)
        layout.addWidget(self._value)
        layout.addWidget(self._at)
        layout.addWidget(self._zoom)

    def _make_zoom_menu(self, actions: Mapping[str, QAction]) -> QMenu:
        menu = QMenu(self)
        for name in ("fit", "actual_size", "zoom_selection"):
            menu.addAction(actions[name])
        menu.addSeparator()
        for scale in ZOOMS:
            menu.addAction(f"{scale:.0%}", partial(self.zoom_wanted.emit, scale))
        menu.addSeparator()
        for name in ("zoom_in", "zoom_out"):
            menu.addAction(actions[name])
        return menu

    @property
    def texts(self) -> PointerTexts:
        return PointerTexts(*(part.text() for part in self._parts))

    def follow_canvas(self, canvas: AnnotationCanvas) -> None:
        """Show what happens on `canvas`, but for the number of boxes, which `show_boxes` tells."""

        def pointed(at: QPointF | None) -> None:
            x, y = (math.floor(at.x()), math.floor(at.y())) if at is not None else (-1, -1)
            self.show_pointer(at, canvas.view.rgb_at(x, y))

        def view_changed() -> None:
            self.show_scale(canvas.view.scale, image=canvas.view.has_image)

        self.zoom_wanted.connect(canvas.view.zoom_to_scale)
        canvas.pointer_moved.connect(pointed)
        canvas.view.view_changed.connect(view_changed)
        canvas.boxes_changed.connect(lambda: self._show_size(canvas))
        canvas.selection_changed.connect(lambda: self._show_size(canvas))

    def show_boxes(self, count: int, selected: int) -> None:
        text = format_count(count, "box") if count else "no boxes"
        self._boxes.setText(f"{text}, {selected:,} selected" if selected else text)

    def show_pointer(self, at: QPointF | None, value: tuple[int, int, int] | None = None) -> None:
        self._at.setText(f"x {math.floor(at.x())}  y {math.floor(at.y())}" if at is not None else "")
        grey = value is not None and value[0] == value[1] == value[2]
        self._value.setText("" if value is None else str(value[0]) if grey else "{} {} {}".format(*value))

    def show_scale(self, scale: float, *, image: bool) -> None:
        self._zoom.setText(f"{scale:.0%}" if image else "")

    def clear(self) -> None:
        for part in self._parts:
            part.setText("")

    def _show_size(self, canvas: AnnotationCanvas) -> None:
        chosen = canvas.chosen
        self._size.setText(size_text(chosen[0].xyxy, canvas.mm_per_pixel) if len(chosen) == 1 else "")


def _make_text_button(name: str) -> QToolButton:
    """A text that does something when it is clicked. A click leaves the keys with the image."""
    button = QToolButton()
    button.setProperty("role", "figure")
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    button.setAccessibleName(name)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def _follow_tool_tip(button: QToolButton, action: QAction) -> None:
    """Say what the action says, with the keys that it has now."""

    def copy_tool_tip() -> None:
        button.setToolTip(action.toolTip())

    action.changed.connect(copy_tool_tip)
    copy_tool_tip()


def _with_text(button: QToolButton) -> int:
    return button.fontMetrics().horizontalAdvance(button.text()) + button.iconSize().width() + 26
