"""When a sequence of nudges by key is over: after a pause, or as soon as anything else is done anywhere."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

NUDGE_ENDS = 350  # after so many ms without a key a sequence of nudges is one finished edit
HELD_ENDS = 1000  # the same while the key is down: longer than keyboards wait before they repeat

ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}
_ALONE = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta)
_KEYS = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)
_OTHERS = frozenset(
    {
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseButtonDblClick,
        QEvent.Type.Wheel,
        QEvent.Type.WindowDeactivate,
        QEvent.Type.Close,
        QEvent.Type.TouchBegin,
    }
)


class Nudging(QObject):
    """`begin` at every nudge; `ended` comes once, before whatever else was done takes effect."""

    ended = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.end)
        self._watching = False

    def begin(self) -> None:
        self._timer.start(HELD_ENDS)
        if not self._watching:
            self._watching = True
            _find_app().installEventFilter(self)

    def end(self) -> None:
        """Nothing is under way from now on."""
        self._timer.stop()
        if self._watching:
            self._watching = False
            _find_app().removeEventFilter(self)
            self.ended.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in _OTHERS or (kind in _KEYS and isinstance(event, QKeyEvent) and not _is_nudge(event)):
            self.end()
        elif kind is QEvent.Type.KeyRelease and isinstance(event, QKeyEvent) and not event.isAutoRepeat():
            self._timer.start(NUDGE_ENDS)
        return False


def _is_nudge(event: QKeyEvent) -> bool:
    key = Qt.Key(event.key())
    return key in ARROWS or key in _ALONE


def _find_app() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return app
