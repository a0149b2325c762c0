"""Stopping work on an image that nobody waits for any more."""

from __future__ import annotations

import threading


class CancelledError(Exception):
    """The work was stopped because its result is not wanted."""


class CancelToken:
    """Says from any thread that a result is not wanted any more; the work looks between its steps."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Have the work stop at its next step."""
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether the result is not wanted any more."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise CancelledError if the result is not wanted any more."""
        if self._event.is_set():
            raise CancelledError


NEVER = CancelToken()  # for work that is always wanted
