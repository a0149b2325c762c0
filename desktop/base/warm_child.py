"""A process kept ready while a page is in use that may need it: a click then starts a training or a prediction at once."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, QTimer

from core.jobs.launcher import JobLauncher, WarmChild

IDLE_MINUTES = 5.0  # a child that waits holds some hundred megabytes
READ_AT_START = frozenset({"threads", "max_megapixels"})  # settings that a child reads once


class WarmKeeper(QObject):
    """Holds at most one waiting child, for all pages."""

    def __init__(self, launcher: JobLauncher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._launcher = launcher
        self._child: WarmChild | None = None
        self._wanted = False  # a page that may need it is in front
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(int(IDLE_MINUTES * 60_000))
        self._idle.timeout.connect(self.dismiss_child)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.dismiss_child)

    def keep_child(self) -> None:
        """Have a child ready, until told otherwise."""
        self._wanted = True
        self._idle.stop()
        if self._child is None:
            self._child = self._launcher.prepare_child()

    def release_later(self) -> None:
        """The child is not wanted just now; after some minutes it leaves."""
        self._wanted = False
        self._idle.start()

    def take_child(self) -> WarmChild | None:
        """Hand over the waiting child, if there is one."""
        child, self._child = self._child, None
        return child

    def give_back(self, child: WarmChild) -> None:
        """Keep a child that has done a job and waits for the next, unless another waits already."""
        if self._child is not None:
            child.dismiss_child()
            return
        self._child = child
        if not self._wanted:
            self._idle.start()

    def dismiss_child(self) -> None:
        """End the waiting child."""
        self._idle.stop()
        if (child := self.take_child()) is not None:
            child.dismiss_child()

    def follow_settings(self, names: frozenset[str]) -> None:
        """End a child that was started by other values of settings, and have one by those of today where it is wanted."""
        if not names & READ_AT_START:
            return
        had_one = self._child is not None
        self.dismiss_child()
        if had_one and self._wanted:
            self.keep_child()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None
