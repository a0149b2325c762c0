"""The tables of the project: all SQL of reading and writing is here. Knows nothing of files but the database's."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from core.project import history
from core.project.history import Edit, ImageState
from core.types import Box, ImageRecord, Label, Split, Status

_CHUNK = 500  # bound parameters in one statement; SQLite's limit may be 999


@contextmanager
def _sound_rows() -> Iterator[None]:
    """Rows that are no boxes, labels or edits are damage that SQLite itself cannot see."""
    try:
        yield
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise sqlite3.DatabaseError(f"a row is not what was written: {error}") from error


class Store:
    """One connection. Not safe for threads by itself: the facade holds a lock."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and on the disk when it is left."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # SQLite itself rolls back on some errors (a full disk), and then there is nothing to roll back.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._db.close()

    # Reading

    @_sound_rows()
    def labels(self) -> tuple[Label, ...]:
        rows = self._db.execute("SELECT id, name, color, shortcut FROM labels ORDER BY position")
        return tuple(Label(*row) for row in rows)

    @_sound_rows()
    def images(self) -> dict[int, ImageRecord]:
        """Every image by id, with its number of boxes."""
        box_counts = dict(self._db.execute("SELECT image, count(*) FROM boxes GROUP BY image"))
        status = {str(value): value for value in Status}
        split = {str(value): value for value in Split}
        rows = self._db.execute(
            "SELECT id, path, width, height, status, split, grp, note, size_bytes, content_hash FROM images"
        )
        return {
            row[0]: ImageRecord(
                row[0], row[1], row[2], row[3], status[row[4]], split[row[5]], row[6], row[7],
                box_counts.get(row[0], 0), row[8], row[9],
            )
            for row in rows
        }  # fmt: skip

    @_sound_rows()
    def boxes(self, image_id: int) -> tuple[Box, ...]:
        rows = self._db.execute("SELECT id, x1, y1, x2, y2, labels FROM boxes WHERE image = ? ORDER BY id", (image_id,))
        return tuple(Box(box_id, x1, y1, x2, y2, unpack(packed)) for box_id, x1, y1, x2, y2, packed in rows)

    @_sound_rows()
    def boxes_of(self, image_ids: Collection[int]) -> dict[int, tuple[Box, ...]]:
        """Boxes by image id; images without boxes are left out. One pass over the table for many images."""
        found: dict[int, list[Box]] = {}
        for rows in self._box_rows(image_ids):
            for image, box_id, x1, y1, x2, y2, packed in rows:
                found.setdefault(image, []).append(Box(box_id, x1, y1, x2, y2, unpack(packed)))
        return {image: tuple(boxes) for image, boxes in found.items()}

    def _box_rows(
        self, image_ids: Collection[int]
    ) -> Iterator[Iterable[tuple[int, int, float, float, float, float, str]]]:
        wanted = list(image_ids)
        columns = "SELECT image, id, x1, y1, x2, y2, labels FROM boxes"
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            yield self._db.execute(f"{columns} WHERE image IN ({marks}) ORDER BY image, id", part)

    @_sound_rows()
    def label_sets(self) -> list[tuple[int, frozenset[int], int]]:
        """(image id, label set, boxes) of every image with boxes."""
        rows = self._db.execute("SELECT image, labels, count(*) FROM boxes GROUP BY image, labels")
        return [(image, unpack(packed), count) for image, packed, count in rows]

    @_sound_rows()
    def label_set_counts(self) -> dict[frozenset[int], int]:
        """How many boxes carry each label set."""
        rows = self._db.execute("SELECT labels, count(*) FROM boxes GROUP BY labels")
        return {unpack(packed): count for packed, count in rows}

    def images_with_labels(self, label_ids: Collection[int]) -> list[int]:
        """Images with a box that carries one of the labels, in ascending order of their ids."""
        wanted = frozenset(label_ids)
        return sorted({image for image, labels, _ in self.label_sets() if labels & wanted})

    # Writing; inside a transaction

    def write(self, edit: Edit) -> None:
        """Bring the tables from the edit's `before` to its `after`."""
        if edit.removed:
            ids = [(image.id,) for image in edit.removed]
            self._db.executemany("DELETE FROM boxes WHERE image = ?", ids)
            self._db.executemany("DELETE FROM images WHERE id = ?", ids)
        if edit.added:
            self._db.executemany(
                "INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, 'unlabelled', 'none', '', '')",
                [(i.id, i.path, i.width, i.height, i.size_bytes, i.content_hash) for i in edit.added],
            )
        if edit.labels_after is not None and edit.labels_after != edit.labels_before:
            self._write_labels(edit.labels_after)
        self._write_states(edit.before, edit.after)

    def _write_states(self, before: Mapping[int, ImageState], after: Mapping[int, ImageState]) -> None:
        kinds, gone, fresh = [], [], []
        for image, new in after.items():
            old = before.get(image)
            if old is None or (old.status, old.split, old.group, old.note) != (
                new.status,
                new.split,
                new.group,
                new.note,
            ):
                kinds.append((str(new.status), str(new.split), new.group, new.note, image))
            old_boxes = {box.id: box for box in old.boxes} if old else {}
            gone += [(image, box_id) for box_id in old_boxes.keys() - {box.id for box in new.boxes}]
            fresh += [(image, box.id, *box.xyxy, pack(box.labels)) for box in new.boxes if old_boxes.get(box.id) != box]
        self._db.executemany("UPDATE images SET status = ?, split = ?, grp = ?, note = ? WHERE id = ?", kinds)
        self._db.executemany("DELETE FROM boxes WHERE image = ? AND id = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?)", fresh)

    def _write_labels(self, labels: Sequence[Label]) -> None:
        self._db.execute("DELETE FROM labels")
        self._db.executemany(
            "INSERT INTO labels VALUES (?, ?, ?, ?, ?)",
            [(label.id, place, label.name, label.color, label.shortcut) for place, label in enumerate(labels)],
        )

    # Counters and settings

    def counters(self) -> dict[str, int]:
        return dict(self._db.execute("SELECT name, value FROM counters"))

    def set_counters(self, values: Mapping[str, int]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", list(values.items()))

    @_sound_rows()
    def setting(self, key: str) -> Any:
        """The value under `key`, or None."""
        row = self._db.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set_setting(self, key: str, value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, text))

    # History

    def push_history(self, position: int, edit: Edit) -> None:
        """Put `edit` at `position`; what could be redone from there is gone."""
        self._db.execute("DELETE FROM history WHERE position >= ?", (position,))
        self._db.execute("INSERT INTO history VALUES (?, ?, ?)", (position, edit.name, history.encode(edit)))

    def history_name(self, position: int) -> str | None:
        row = self._db.execute("SELECT name FROM history WHERE position = ?", (position,)).fetchone()
        return None if row is None else str(row[0])

    @_sound_rows()
    def history_edit(self, position: int) -> Edit | None:
        row = self._db.execute("SELECT name, edit FROM history WHERE position = ?", (position,)).fetchone()
        return None if row is None else history.decode(row[0], row[1], self.boxes_of)

    def forget_history(self, below: int) -> None:
        self._db.execute("DELETE FROM history WHERE position < ?", (below,))

    # Runs and checkpoints: rows of (id, signature, record as JSON)

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


def pack(labels: Collection[int]) -> str:
    """A label set as text, equal for equal sets."""
    return ",".join(map(str, sorted(labels)))


_unpacked: dict[str, frozenset[int]] = {}


def unpack(text: str) -> frozenset[int]:
    """The label set that `pack` wrote. Equal sets share one object: there are few sets and many boxes."""
    found = _unpacked.get(text)
    if found is None:
        found = _unpacked[text] = frozenset(map(int, text.split(","))) if text else frozenset()
    return found
