"""What the files of images are, by the hash of their content."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from core.imaging.cameras import Depth, Kind
from core.project.storage.rows import sound_rows


class DepthTable:
    """Part of `Store`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @sound_rows()
    def list_depths(self) -> dict[str, Depth]:
        """Of every content that was looked at."""
        rows = self._db.execute("SELECT content_hash, width, height, channels, bits, top FROM depths")
        return {
            name: Depth(int(width), int(height), Kind(int(channels), int(bits)), int(top))
            for name, width, height, channels, bits, top in rows
        }

    def keep_depths(self, depths: Mapping[str, Depth]) -> None:
        rows = [
            (name, one.width, one.height, one.kind.channels, one.kind.bits, one.top) for name, one in depths.items()
        ]
        self._db.executemany("INSERT OR REPLACE INTO depths VALUES (?, ?, ?, ?, ?, ?)", rows)
