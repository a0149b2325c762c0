"""Says where every visible widget is and what it reads, so that another program can use the window as a user does.

Switched on by DEFECTDESK_UI_MAP=FILE. Whenever a file FILE.wanted appears it is taken away, and FILE is written: a JSON object
`{"asked": text of FILE.wanted, "ratio": device pixels for each pixel, "windows": [...], "widgets": [...]}`. Both lists are in
the order in which they lie on the screen, the topmost window last. Rectangles are [x, y, width, height] on the screen, in
device pixels, of the part that is not clipped away. Nothing can be changed through it, and without the variable no timer runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QApplication, QMenu, QMenuBar, QWidget

from core.files import write_json

VARIABLE = "DEFECTDESK_UI_MAP"
LOOK_EVERY = 40  # ms
CELLS = 400  # of one table or list; no screen shows more
# What a widget reads is one of these, whatever its class calls it.
TEXTS = ("text", "currentText", "plainText", "title")
STATES = ("checked", "value", "placeholderText", "role")


class UiMap(QObject):
    """Answers the wish for a map."""

    def __init__(self, path: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._path = path
        self._wanted = path.with_name(path.name + ".wanted")
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY)
        self._timer.timeout.connect(self._answer_request)
        self._timer.start()

    def _answer_request(self) -> None:
        if self._wanted.exists():
            asked = self._wanted.read_text("utf-8")
            self._wanted.unlink()
            write_json(self._path, {"asked": asked, **ui_map()})


def answer_where_wanted(parent: QObject) -> UiMap | None:
    """Start to answer, if the environment asks for it."""
    path = os.environ.get(VARIABLE)
    return UiMap(Path(path), parent) if path else None


def ui_map() -> dict[str, Any]:
    """What is on the screen now."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    active = QApplication.activeModalWidget()
    shown = [window for window in QApplication.topLevelWidgets() if window.isVisible()]
    # A dialog lies over its parent, a menu or the list of a combo box over both.
    popup = Qt.WindowType.Popup
    shown.sort(key=lambda one: (one.windowType() == popup, one is active, one.parentWidget() is not None))
    windows, widgets = [], []
    for number, window in enumerate(shown):
        windows.append(
            {
                "title": window.windowTitle(),
                "class": type(window).__name__,
                "rect": _on_screen(window, window.rect()),
                "native": int(window.winId()),
                "modal": window.isModal(),
                "active": window.isActiveWindow(),
            }
        )
        widgets += [{"window": number, **entry} for entry in _list_widgets(window)]
    screen = QGuiApplication.primaryScreen()
    return {"ratio": screen.devicePixelRatio(), "windows": windows, "widgets": widgets}


def _list_widgets(window: QWidget) -> Iterator[dict[str, Any]]:
    for widget in [window, *window.findChildren(QWidget)]:
        seen = _find_seen_part(widget)
        if widget.window() is not window or not widget.isVisible() or seen.isEmpty():
            continue
        parent = widget.parentWidget()
        entry = {
            "class": type(widget).__name__,
            "object": widget.objectName(),
            "name": widget.accessibleName(),
            "text": _read_text(widget),
            "tip": widget.toolTip(),
            "enabled": widget.isEnabled(),
            "focus": widget.hasFocus(),
            "under": [parent.accessibleName(), parent.objectName()] if parent is not None else [],
            "rect": _on_screen(widget, seen),
        }
        yield entry | {name: value for name in STATES if (value := widget.property(name)) is not None}
        if isinstance(widget, QMenu | QMenuBar):
            yield from _menu_entries(widget)
        if isinstance(widget, QAbstractItemView):
            yield from _list_cells(widget)


def _menu_entries(menu: QMenu | QMenuBar) -> Iterator[dict[str, Any]]:
    for action in menu.actions():
        if action.isVisible() and not action.isSeparator():
            yield {
                "class": "QAction",
                "object": action.objectName(),
                "name": "",
                "text": action.text().replace("&", ""),
                "enabled": action.isEnabled(),
                "rect": _on_screen(menu, menu.actionGeometry(action)),
            }


def _list_cells(view: QAbstractItemView) -> Iterator[dict[str, Any]]:
    """The items that can be seen, with their texts."""
    model, port, count = view.model(), view.viewport(), 0
    # A list model does not let itself be asked for its columns.
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(view.rootIndex())
    for row in range(model.rowCount(view.rootIndex())):
        below = True
        for column in range(columns):
            index = model.index(row, column, view.rootIndex())
            rect = view.visualRect(index).intersected(port.rect())
            if rect.isEmpty():
                continue
            below = False
            count += 1
            text = index.data(Qt.ItemDataRole.DisplayRole)
            yield {
                "class": "cell",
                "object": view.objectName(),
                "name": view.accessibleName(),
                "row": row,
                "column": column,
                "text": "" if text is None else str(text),
                "enabled": True,
                "rect": _on_screen(port, rect),
            }
        if count > CELLS or (below and count):
            return


def _find_seen_part(widget: QWidget) -> QRect:
    """The part of a widget that lies inside all its parents, in its own pixels."""
    seen = widget.rect()
    around = None if widget.isWindow() else widget.parentWidget()
    while around is not None:
        seen = seen.intersected(around.rect().translated(-widget.mapTo(around, QPoint())))
        around = None if around.isWindow() else around.parentWidget()
    return seen


def _read_text(widget: QWidget) -> str:
    for name in TEXTS:
        value = widget.property(name)
        if isinstance(value, str):
            return value
    return ""


def _on_screen(widget: QWidget, rect: QRect) -> list[int]:
    ratio = widget.devicePixelRatioF()
    corner = widget.mapToGlobal(QPoint(rect.x(), rect.y()))
    return [round(value * ratio) for value in (corner.x(), corner.y(), rect.width(), rect.height())]
