"""When Python's cyclic garbage collector runs: not while very many objects are made, or only where a caller says."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_counting = threading.Lock()
_inside = 0  # how often `gc_paused` was entered and not left
_resume = False  # whether the collector is to be switched on again when all have left


@contextmanager
def gc_paused() -> Iterator[None]:
    """Keep Python from looking for cyclic garbage while very many objects that are no garbage are made.

    It would go through all that there are again and again: a million boxes took half as long again to read.
    """
    global _inside, _resume
    with _counting:
        _inside += 1
        if _inside == 1:
            _resume = gc.isenabled()
            gc.disable()
    try:
        yield
    finally:
        with _counting:
            _inside -= 1
            if _inside == 0 and _resume:
                gc.enable()


def collect_due() -> None:
    """Collect what Python would have collected by itself since the last time, in the thread that calls."""
    for generation in (2, 1, 0):
        if gc.get_count()[generation] > gc.get_threshold()[generation]:
            gc.collect(generation)
            return
