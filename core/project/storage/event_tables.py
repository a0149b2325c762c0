"""When which image was edited: one row for each time an edit was done, undone or redone, and its images."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

import numpy as np

from core.project.edits.edit import EventKind, ImageEvent
from core.project.storage.rows import sound_rows

_CHUNK = 4096  # image ids whose membership in one event is one bitmap
_FEW = 64  # images of an event that are rows of their own

_KINDS: dict[str, EventKind] = {"done": "done", "undone": "undone", "redone": "redone"}


def utc_now() -> str:
    """The present time, ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class EventTables:
    """Rows of the tables events, image_events and bulk_events; they are added and never deleted."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def add(self, time: str, name: str, kind: EventKind, images: Collection[int]) -> None:
        """Note that an edit was done, undone or redone; inside a transaction."""
        if not images:
            return
        event = self._db.execute("INSERT INTO events (time, name, kind) VALUES (?, ?, ?)", (time, name, kind)).lastrowid
        if len(images) <= _FEW:
            rows = [(image, event) for image in sorted(images)]
            self._db.executemany("INSERT INTO image_events VALUES (?, ?)", rows)
            return
        ids = np.sort(np.fromiter(images, np.int64, len(images)))
        chunks, starts = np.unique(ids // _CHUNK, return_index=True)
        for chunk, members in zip(chunks.tolist(), np.split(ids % _CHUNK, starts[1:]), strict=True):
            marks = np.zeros(_CHUNK, np.bool_)
            marks[members] = True
            row = (chunk, event, np.packbits(marks).tobytes())
            self._db.execute("INSERT INTO bulk_events VALUES (?, ?, ?)", row)

    @sound_rows()
    def last(self) -> dict[int, int]:
        """The last event of each image that has any, by image id. Later events have larger numbers."""
        found = dict(self._db.execute("SELECT image, max(event) FROM image_events GROUP BY image").fetchall())
        bulk = self._db.execute("SELECT chunk, event, members FROM bulk_events ORDER BY chunk, event").fetchall()
        for chunk, rows in groupby(bulk, itemgetter(0)):
            latest = np.zeros(_CHUNK, np.int64)
            for _, event, members in rows:
                latest[np.unpackbits(np.frombuffer(members, np.uint8)).astype(np.bool_)] = event
            for place in np.flatnonzero(latest).tolist():
                image, event = chunk * _CHUNK + place, int(latest[place])
                found[image] = max(found.get(image, 0), event)
        return found

    @sound_rows()
    def of_image(self, image_id: int) -> list[ImageEvent]:
        """What happened to an image, newest first."""
        chunk, place = divmod(image_id, _CHUNK)
        bulk = self._db.execute("SELECT event, members FROM bulk_events WHERE chunk = ?", (chunk,))
        ids = [event for event, members in bulk if members[place >> 3] & 0x80 >> (place & 7)]
        ids += [event for (event,) in self._db.execute("SELECT event FROM image_events WHERE image = ?", (image_id,))]
        found = []
        for event in sorted(ids, reverse=True):
            time, name, kind = self._db.execute("SELECT time, name, kind FROM events WHERE id = ?", (event,)).fetchone()
            found.append(ImageEvent(time, name, _KINDS[kind]))
        return found
