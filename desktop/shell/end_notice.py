"""A notice of the desktop when what ran has ended while nobody looked at the window."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from desktop.services import Services

_STAYS = 15_000  # ms that the sign in the tray is there, for the notice to be pressed


class EndNotice(QObject):
    """Marks the window in the taskbar, and shows a notice where the desktop has a tray."""

    pressed = Signal()  # the user wants to see what ended

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._settings = services.settings
        self._window = window
        self._tray: QSystemTrayIcon | None = None
        self._hide = QTimer(self, singleShot=True, interval=_STAYS)
        self._hide.timeout.connect(self._leave_tray)
        self.told: list[str] = []  # what notices said, the last one last

    def tell_end(self, name: str, how: str) -> None:
        """Say that `name` has ended and how, unless the user sees it or wants no notices."""
        if self._window.isActiveWindow() or not self._settings.values.notify_end:
            return
        text = f"{name} {how}"
        self.told.append(text)
        QApplication.alert(self._window)
        if not (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()):
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(self._window.windowIcon(), self)
            self._tray.setToolTip("DefectDesk")
            self._tray.messageClicked.connect(self._press)
            self._tray.activated.connect(self._press)
        self._tray.show()
        self._tray.showMessage("DefectDesk", text, self._window.windowIcon())
        self._hide.start()

    def _press(self, *_reason: object) -> None:
        self._leave_tray()
        self._window.showNormal() if self._window.isMinimized() else self._window.show()
        self._window.raise_()
        self._window.activateWindow()
        self.pressed.emit()

    def _leave_tray(self) -> None:
        if self._tray is not None:
            self._tray.hide()
