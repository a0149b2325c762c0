"""Short work off the window's thread: a thread pool in which the latest request of a key wins."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

from PySide6.QtCore import QDeadlineTimer, QEventLoop, QObject, QRunnable, Qt, QThreadPool, QTimer, Signal

from core.imaging.cancelling import CancelToken
from core.threads import count_cores

T = TypeVar("T")


class Tasks(QObject):
    """Runs functions in threads and hands their results back on the window's thread.

    Starting work under a key makes earlier work of that key stale: it is skipped if it has not begun, and
    its result is dropped if it has.
    """

    _ended = Signal(str, int)  # key, token

    def __init__(self, parent: QObject | None = None, *, threads: int | None = None) -> None:
        """With `threads` at a time; by default one processor is left to the window."""
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads or max(2, count_cores() - 1))
        # For what somebody is waiting for now: it begins at once, however much is under way.
        self._urgent = QThreadPool(self)
        self._urgent.setMaxThreadCount(1)
        # For what takes seconds: nothing else waits behind it. Two, so that what is wanted now need not wait for what
        # was wanted before.
        self._slow = QThreadPool(self)
        self._slow.setMaxThreadCount(2)
        # For what takes seconds and nobody is waiting for.
        self._aside = QThreadPool(self)
        self._aside.setMaxThreadCount(1)
        self._tokens = count(1)
        self._latest: dict[str, int] = {}
        self._callbacks: dict[int, tuple[Callable[[Any], None], Callable[[Exception], None] | None]] = {}
        # A function may hold the last reference to a widget, and so may what it gives or raises. All of that is kept
        # here, wanted or not, until the window's thread lets it go: a widget that dies in another takes the program along.
        self._works: dict[int, Callable[[], object]] = {}
        self._outcomes: dict[int, tuple[object, Exception | None]] = {}
        self._stops: dict[int, CancelToken] = {}
        self._ended.connect(self._deliver_result, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        key: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
        *,
        priority: int = 0,
        urgent: bool = False,
        slow: bool = False,
        aside: bool = False,
        stop: CancelToken | None = None,
    ) -> None:
        """Call `work` in a thread, then `done(result)` or `failed(error)` on the window's thread.

        Without `failed` an error is raised on the window's thread, where the program's handler shows it.
        Work of a higher `priority` is started first; `urgent` work waits for no other but urgent work. `slow` work,
        which takes seconds, holds up no other but slow work, and `aside` is for slow work that nobody is waiting for.
        `stop` is cancelled when the result is not wanted any more: by `cancel`, newer work of the key, or the end.
        """
        token = next(self._tokens)
        self.cancel(key)
        self._latest[key] = token
        self._callbacks[token] = (done, failed)
        self._works[token] = work
        if stop is not None:
            self._stops[token] = stop
        pool = self._aside if aside else self._slow if slow else self._urgent if urgent else self._pool
        pool.start(_Work(self, key, token), priority)

    def cancel(self, key: str) -> None:
        """Forget the work of `key`: neither of its callbacks will be called."""
        if (token := self._latest.pop(key, None)) is not None:
            self._callbacks.pop(token, None)
            if (stop := self._stops.pop(token, None)) is not None:
                stop.cancel()

    @property
    def is_waited_for(self) -> bool:
        """Whether a thread works for somebody who is waiting now, on what is urgent or slow. From any thread."""
        return self._urgent.activeThreadCount() + self._slow.activeThreadCount() > 0

    def busy(self, key: str) -> bool:
        """Whether the latest work of `key` has not been handed back yet."""
        return key in self._latest

    def wait_idle(self, timeout_ms: int = 10_000) -> bool:
        """Process events until nothing is under way; False when that takes longer. For tests and closing."""
        deadline = QDeadlineTimer(timeout_ms)
        while self._latest and not deadline.hasExpired():
            loop = QEventLoop()
            QTimer.singleShot(5, loop.quit)
            loop.exec()
        return not self._latest

    def shut_down(self, timeout_ms: int = 5_000) -> None:
        """Forget everything and wait for the threads, so that none outlives the window."""
        self._latest.clear()
        self._callbacks.clear()
        for stop in self._stops.values():
            stop.cancel()
        self._stops.clear()
        ended = True
        for pool in (self._urgent, self._pool, self._slow, self._aside):
            pool.clear()
            ended = pool.waitForDone(timeout_ms) and ended
        if ended:
            self._works.clear()
            self._outcomes.clear()

    def _is_latest(self, key: str, token: int) -> bool:
        return self._latest.get(key) == token

    def _deliver_result(self, key: str, token: int) -> None:
        work = self._works.pop(token, None)
        result, error = self._outcomes.pop(token, (None, None))
        self._stops.pop(token, None)
        if work is None or not self._is_latest(key, token):
            return
        del self._latest[key]
        done, failed = self._callbacks.pop(token)
        if error is None:
            done(result)
        elif failed is not None:
            failed(error)
        else:
            raise error

    def _do_work(self, key: str, token: int) -> None:
        """Called in a thread, which keeps nothing of the work when this returns."""
        if self._is_latest(key, token):
            self._outcomes[token] = _find_outcome(self._works[token])


class _Work(QRunnable):
    def __init__(self, tasks: Tasks, key: str, token: int) -> None:
        super().__init__()
        self._tasks, self._key, self._token = tasks, key, token

    def run(self) -> None:
        self._tasks._do_work(self._key, self._token)
        self._tasks._ended.emit(self._key, self._token)


def _find_outcome(work: Callable[[], object]) -> tuple[object, Exception | None]:
    """Result and error of `work`."""
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001 the thread's boundary: carried over to the window's thread, not swallowed
        return None, error
