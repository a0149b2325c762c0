"""What stands in place of an image while it is being decoded, and says that something goes on where that takes long."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from desktop.viewer.slow_pictures import FirstLook

TICK = 250  # ms


class LoadingMessage(QObject):
    """Tells how much is read, or where that is not known for how many seconds."""

    def __init__(self, show: Callable[[str], None], parent: QObject) -> None:
        super().__init__(parent)
        self._show = show
        self._look: FirstLook | None = None
        self._began = 0.0
        self._find_share: Callable[[], float | None] = lambda: None
        self._timer = QTimer(self, interval=TICK)
        self._timer.timeout.connect(self._count)

    def begin(self, look: FirstLook, find_share: Callable[[], float | None]) -> None:
        """An image that takes long is being decoded; `find_share` tells how much of it is."""
        self._find_share = find_share
        if self._look is not look:
            self._look, self._began = look, time.monotonic()
            self._timer.start()
        self._count()

    def end(self) -> None:
        """It is there, or is not wanted any more."""
        self._look = None
        self._timer.stop()

    def _count(self) -> None:
        if self._look is not None:
            seconds = int(time.monotonic() - self._began)
            size = f"{self._look.width:,} × {self._look.height:,} pixels, {self._look.megapixels:,.0f} megapixels"
            share = self._find_share()
            self._show(f"Reading {size} … {f'{seconds} s' if share is None else f'{share:.0%}'}")
