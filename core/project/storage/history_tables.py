"""The edits that can be undone and redone, as rows. Edits below the counter "history" are done."""

from __future__ import annotations

import sqlite3

from core.project.edits.edit import Edit, HistoryEntry
from core.project.storage import encoding
from core.project.storage.rows import BoxesOf, sound_rows


class HistoryTable:
    """Rows of the table history."""

    def __init__(self, connection: sqlite3.Connection, boxes_of: BoxesOf) -> None:
        self._db = connection
        self._boxes_of = boxes_of

    def push(self, position: int, edit: Edit, encoded: bytes, time: str, images: int) -> None:
        """Put `edit` at `position`; what could be redone from there is gone. Inside a transaction."""
        self._db.execute("DELETE FROM history WHERE position >= ?", (position,))
        self._db.execute(
            "INSERT INTO history (position, name, edit, time, images, by_name) VALUES (?, ?, ?, ?, ?, ?)",
            (position, edit.name, encoded, time, images, edit.is_undone_by_name),
        )

    def forget(self, below: int) -> None:
        """Drop what is older than `below`; inside a transaction."""
        self._db.execute("DELETE FROM history WHERE position < ?", (below,))

    @sound_rows()
    def edit(self, position: int) -> Edit | None:
        row = self._db.execute("SELECT name, edit FROM history WHERE position = ?", (position,)).fetchone()
        return None if row is None else encoding.decode_edit(row[0], row[1], self._boxes_of)

    def span(self) -> tuple[int, int]:
        """The lowest and the highest position that `ProjectHistory.go_to` can reach: (0, 0) without a row."""
        first, last = self._db.execute("SELECT min(position), max(position) + 1 FROM history").fetchone()
        return (0, 0) if first is None else (first, last)

    def images_between(self, first: int, last: int) -> int:
        """How many images the edits from position `first` up to and without `last` touch, counted for each edit."""
        query = "SELECT coalesce(sum(images), 0) FROM history WHERE position >= ? AND position < ?"
        return int(self._db.execute(query, (first, last)).fetchone()[0])

    def entries(self, done: int) -> list[HistoryEntry]:
        """What can be undone or redone, oldest first; positions below `done` are done."""
        return self._read_entries("1 ORDER BY position", (), done)

    def entry(self, position: int, done: int) -> HistoryEntry | None:
        """The entry of the edit at `position`; positions below `done` are done."""
        return next(iter(self._read_entries("position = ?", (position,), done)), None)

    @sound_rows()
    def _read_entries(self, condition: str, values: tuple[int, ...], done: int) -> list[HistoryEntry]:
        rows = self._db.execute(f"SELECT position, name, time, images, by_name FROM history WHERE {condition}", values)
        return [
            HistoryEntry(position + 1, str(name), str(time), int(images), position < done, by_name=bool(by_name))
            for position, name, time, images, by_name in rows
        ]
