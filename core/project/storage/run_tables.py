"""Rows of runs and checkpoints: (id, signature, record as JSON)."""

from __future__ import annotations

import sqlite3


class RunTables:
    """Rows of the tables runs, checkpoints and checkpoint_notes. Writing goes inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def run_rows(self) -> dict[str, tuple[str, str]]:
        """Signature and record of each run, by id."""
        return {
            run: (signature, record) for run, signature, record in self._db.execute("SELECT * FROM runs ORDER BY id")
        }

    def checkpoint_rows(self) -> dict[str, tuple[str, str]]:
        """Signature and record of each checkpoint, by id."""
        rows = self._db.execute("SELECT id, signature, record FROM checkpoints ORDER BY run, id")
        return {checkpoint: (signature, record) for checkpoint, signature, record in rows}

    def write_run(self, run: str, signature: str, record: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", (run, signature, record))

    def write_checkpoint(self, checkpoint: str, run: str, signature: str, record: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?)", (checkpoint, run, signature, record))

    def delete_run(self, run: str) -> None:
        self._db.execute("DELETE FROM runs WHERE id = ?", (run,))

    def delete_checkpoint(self, checkpoint: str) -> None:
        self._db.execute("DELETE FROM checkpoints WHERE id = ?", (checkpoint,))

    def checkpoint_notes(self) -> dict[str, tuple[bool, str]]:
        """Star and note by checkpoint id."""
        return {key: (bool(star), note) for key, star, note in self._db.execute("SELECT * FROM checkpoint_notes")}

    def set_checkpoint_note(self, checkpoint: str, star: bool, note: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO checkpoint_notes VALUES (?, ?, ?)", (checkpoint, int(star), note))

    def delete_checkpoint_note(self, checkpoint: str) -> None:
        self._db.execute("DELETE FROM checkpoint_notes WHERE id = ?", (checkpoint,))
