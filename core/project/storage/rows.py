"""What every reader of rows shares."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from core.types import Box

LISTED = "SELECT value FROM json_each(?)"  # the values of one parameter, made by `as_parameter`

BoxesOf = Callable[[Collection[int]], Mapping[int, tuple[Box, ...]]]


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
