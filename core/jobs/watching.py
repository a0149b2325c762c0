"""Whether a job lives that is watched from another machine, whose clock may be another."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.jobs.folder import ENDED, STALE_AFTER, JobFolder, State


class Watched:
    """The state of a job that somebody else does somewhere.

    A heartbeat's time of day means nothing where clocks differ or files are copied over with a delay; that it
    changes does.
    """

    def __init__(self, folder: JobFolder, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self._clock = clock
        self._seen: tuple[float, int] | None = None
        self._changed_at: float | None = None  # by our own clock
        self._since = clock()

    def state(self) -> State:
        """To be asked every now and then: what changed since the last time is a sign of life."""
        seen = self._read_signs()
        if self._seen is not None and seen != self._seen:
            self._changed_at = self._clock()
        self._seen = seen
        state = self.folder.state()
        if state in ENDED and state != "interrupted":
            return state
        if self._changed_at is not None:
            return "running" if self._clock() - self._changed_at <= STALE_AFTER else self._name_silent(state)
        if state == "running" and self._clock() - self._since > STALE_AFTER:
            return "interrupted"  # the heartbeat is dated in the future, and stands still
        return state

    @staticmethod
    def _name_silent(state: State) -> State:
        return "interrupted" if state == "running" else state

    def _read_signs(self) -> tuple[float, int]:
        beat = self.folder.path / "heartbeat"
        try:
            return beat.stat().st_mtime, self.folder.count_bytes()
        except OSError:
            return 0.0, self.folder.count_bytes()
