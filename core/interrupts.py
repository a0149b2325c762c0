"""Ctrl+C for a command: it ends what goes on as KeyboardInterrupt, and leaves no traceback, whenever it comes."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_IMPATIENT = 1.0  # seconds in which more of them do not disturb the tidying up after the first
_AGAIN = 0.05  # seconds until one that was lost comes again


class Interrupts:
    """Listens for Ctrl+C while a command runs."""

    def __init__(self) -> None:
        self.came = False
        self._last = -_IMPATIENT

    def listen(self) -> None:
        """Raise KeyboardInterrupt in the main thread on Ctrl+C, once for several in a row."""
        # Whoever started the program so that Ctrl+C does not reach it (nohup, a job in the background) meant it.
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            return
        sys.unraisablehook = self._repeat_lost
        signal.signal(signal.SIGINT, self._raise_interrupt)

    def stop_listening(self) -> None:
        """The work is done: from now on Ctrl+C ends the process without a word."""
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

    def _raise_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last < _IMPATIENT:
            return
        self.came, self._last = True, now
        raise KeyboardInterrupt

    def _repeat_lost(self, lost: UnraisableHookArgs) -> None:
        """One that came where Python cannot raise, such as in `__del__`, comes again a little later."""
        if lost.exc_type is not KeyboardInterrupt:
            sys.__unraisablehook__(lost)
            return
        self._last = -_IMPATIENT
        threading.Timer(_AGAIN, _interrupt_main_thread).start()


def _interrupt_main_thread() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # also wakes it from a wait
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
