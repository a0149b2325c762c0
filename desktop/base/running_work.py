"""What computes in the background, for those parts of the window that show it on every page."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True, slots=True)
class WorkStatus:
    """How far a job is that takes long enough to be shown everywhere."""

    name: str  # such as r003
    doing: str  # such as "judging 12 of 40 images"
    place: str = ""  # such as "epoch 3 of 24"
    share: float | None = None  # that is done, 0..1; None where that is not known
    seconds_left: float | None = None

    def round_values(self) -> WorkStatus:
        """As exact as it is shown, so that what looks the same is the same."""
        share = None if self.share is None else round(self.share, 3)
        left = None if self.seconds_left is None else float(round(self.seconds_left))
        return WorkStatus(self.name, self.doing, self.place, share, left)


class RunningWork(QObject):
    """Holds the status of each source of work. What was reported first is shown."""

    changed = Signal()
    ended = Signal(str, str)  # what ended, and how, in words
    show_requested = Signal()  # the work that is shown is to be brought to the front

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._by_source: dict[str, WorkStatus] = {}

    @property
    def status(self) -> WorkStatus | None:
        """Of the work that is shown; None while nothing runs."""
        return next(iter(self._by_source.values()), None)

    def report(self, source: str, status: WorkStatus | None) -> None:
        """Say how far the work of `source` is; None: it does nothing."""
        status = None if status is None else status.round_values()
        if status == self._by_source.get(source):
            return
        if status is None:
            del self._by_source[source]
        else:
            self._by_source[source] = status
        self.changed.emit()
