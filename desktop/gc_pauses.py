"""Keeps Python's garbage collector from stopping the window.

A full collection looks at every object there is, in whichever thread it happens to begin, and lets no other thread run
meanwhile: with the window and a project in memory that takes 50 to 120 ms (measured). What is there to stay is
therefore taken out of later collections; these then look only at what came since.

And it lets no other thread collect: a widget, or a watcher of files, that goes with a cycle must go in the window's
thread; Qt crashes, or writes to freed memory, where it goes in another.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

from core.changes import Changes
from core.gc_pause import collect_due
from desktop.base.session import Session

AFTER = 1_500  # ms
COLLECT_EVERY = 500  # ms


class GcPauses(QObject):
    """Sets apart what stays: the window and the project, and images that were added to it."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        session.project_changed.connect(self._set_project)
        session.changed.connect(self._changed)
        # Views make what they keep of a project after they have heard of it, some only when they are shown.
        self._later = QTimer(self, singleShot=True, interval=AFTER)
        self._later.timeout.connect(gc.freeze)
        gc.freeze()
        gc.disable()
        self._collect = QTimer(self, interval=COLLECT_EVERY)
        self._collect.timeout.connect(collect_due)
        self._collect.start()

    def _set_project(self) -> None:
        # The project that was closed may go with a later collection.
        gc.unfreeze()
        self._later.stop()
        if self._session.project is not None:
            gc.freeze()
            self._later.start()

    def _changed(self, changes: Changes, _initiator: object) -> None:
        if changes.image_list:
            gc.freeze()
            self._later.start()
