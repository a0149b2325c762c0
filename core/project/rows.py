"""What every reader of rows shares."""

from __future__ import annotations

import gc
import json
import sqlite3
import threading
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from core.types import Box

BoxesOf = Callable[[Collection[int]], Mapping[int, tuple[Box, ...]]]


_counting = threading.Lock()
_inside = 0  # how often `uncollected` was entered and not left
_resume = False  # whether the collector is to be switched on again when all have left


@contextmanager
def uncollected() -> Iterator[None]:
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


@contextmanager
def sound_rows() -> Iterator[None]:
    """Rows that are no boxes, labels or edits are damage that SQLite itself cannot see."""
    try:
        yield
    except (LookupError, TypeError, ValueError, OverflowError, RecursionError, zlib.error) as error:
        raise sqlite3.DatabaseError(f"a row is not what was written: {error}") from error


def as_parameter(values: Iterable[int | str]) -> str:
    """Many values as one parameter, for `IN (SELECT value FROM json_each(?))`: no limit, and one statement."""
    return json.dumps(list(values))
