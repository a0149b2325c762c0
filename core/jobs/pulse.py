"""Whether what another process touches still changes, by the reader's own clock.

A time of day that another machine wrote means nothing here: its clock may be another, a share may put in its own, and
files may be copied over with a delay. That it changes does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SILENT_AFTER = 15.0  # seconds without a change after which a process counts as dead, wherever it ran

Pulse = Literal["beats", "silent", "unknown"]


@dataclass(slots=True)
class _Watch:
    sign: Hashable
    since: float  # when this sign was first seen, by the reader's clock
    changed: bool = False  # whether another sign was seen before
    concluded: bool = False  # somebody has waited for a change as long as he would


class PulseReader:
    """Remembers what it saw of each file. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._watches: dict[Path, _Watch] = {}
        self._lock = threading.Lock()

    def read_pulse(self, path: Path, sign: Hashable) -> Pulse:
        """What `sign`, which stands at `path` now, says beside those seen there before.

        "unknown" until it changes, or has stood still for `SILENT_AFTER` seconds.
        """
        now = self.clock()
        with self._lock:
            watch = self._watches.get(path)
            if watch is None:
                self._watches[path] = _Watch(sign, now)
                return "unknown"
            if watch.sign != sign:
                self._watches[path] = _Watch(sign, now, changed=True)
                return "beats"
            if watch.concluded or now - watch.since > SILENT_AFTER:
                return "silent"
            return "beats" if watch.changed else "unknown"

    def conclude_silent(self, path: Path) -> None:
        """Take what stands at `path` for silent until it changes."""
        with self._lock:
            if (watch := self._watches.get(path)) is not None:
                watch.concluded = True

    def forget(self) -> None:
        """Know nothing, as a process does that begins."""
        with self._lock:
            self._watches.clear()


# One reader is one process: whoever asks there for the same file, at whatever time, adds to what is known of it.
PULSES = PulseReader()
