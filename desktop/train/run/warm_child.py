"""A training process kept ready while the Train page is in use, so that a click starts a training at once."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from core.jobs.launcher import JobLauncher, WarmChild

IDLE_MINUTES = 5.0  # a child that waits holds some hundred megabytes


class WarmKeeper(QObject):
    """Holds at most one waiting child."""

    def __init__(self, launcher: JobLauncher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._launcher = launcher
        self._child: WarmChild | None = None
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(int(IDLE_MINUTES * 60_000))
        self._idle.timeout.connect(self.dismiss_child)

    def keep_child(self) -> None:
        """Have a child ready, until told otherwise."""
        self._idle.stop()
        if self._child is None:
            self._child = self._launcher.prepare_child()

    def release_later(self) -> None:
        """The child is not wanted just now; after some minutes it leaves."""
        self._idle.start()

    def take_child(self) -> WarmChild | None:
        """Hand over the waiting child, if there is one."""
        child, self._child = self._child, None
        return child

    def dismiss_child(self) -> None:
        """End the waiting child."""
        self._idle.stop()
        if (child := self.take_child()) is not None:
            child.dismiss_child()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None
