"""The tables of annotations: all SQL of reading and writing them. Knows nothing of files but the database's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from core.gc_pause import gc_paused
from core.project.edits.edit import Edit, ImageFields, ImageState, file_of
from core.project.edits.relabelling import Relabelling
from core.project.images.summary import LabelSet, Summary, pack_labels, summary_of, unpack_labels, unpack_sets
from core.project.storage import database
from core.project.storage.box_table import BoxTable
from core.project.storage.depth_table import DepthTable
from core.project.storage.event_tables import EventTables
from core.project.storage.history_tables import HistoryTable
from core.project.storage.rows import LISTED, as_parameter, sound_rows
from core.project.storage.run_tables import RunTables
from core.types import Box, ImageRecord, Label, Split, Status

_PAGES_AT_ONCE = 512  # of a copy: 2 MB, about a millisecond
# Of the columns whose values are not looked at when they are read.
_ODD_IMAGE = " OR ".join(f"typeof({column}) <> 'text'" for column in ("path", "grp", "note", "content_hash"))


def _check_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


class StaleEditError(Exception):
    """The rows are not as the edit found them; nothing may be kept of it."""


class Store:
    """One connection. Not safe for threads by itself: the facade holds a lock."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self.runs = RunTables(connection)
        self.events = EventTables(connection)
        self.depths = DepthTable(connection)
        self._boxes = BoxTable(connection)
        self.history = HistoryTable(connection, self.boxes_of)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and on the disk when it is left. What was written has another `revision`."""
        self._db.execute("BEGIN IMMEDIATE")
        before = self._db.total_changes
        try:
            yield
            if self._db.total_changes != before:
                self._db.execute(
                    "INSERT INTO counters VALUES ('revision', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
                )
            self._db.execute("COMMIT")
        except BaseException:
            # What was read of the boxes since they were written is taken back with them.
            self._boxes.forget_kept()
            # SQLite itself rolls back on some errors (a full disk), and then there is nothing to roll back.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def take_over(self, forget_below: int) -> None:
        """Note that the project is in use until `settle`, and forget edits that are too old to be undone."""
        with self._unnoted():
            self.history.forget(forget_below)
            self._db.execute("INSERT OR REPLACE INTO counters VALUES (?, 1)", (database.OPEN_MARK,))
        # The mark must be in the file itself: its log may be lost.
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def settle(self, order: Sequence[int]) -> None:
        """Note that everything is written and closing follows; keep the `order` of the images."""
        # On a full disk, or in a damaged file, the mark stays: the next opening checks the project.
        with suppress(sqlite3.DatabaseError), self._unnoted():
            data = np.asarray(order, "<i8").tobytes()
            self._db.execute("INSERT OR IGNORE INTO derived VALUES ('order', ?)", (data,))
            database.mark_closed(self._db)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _unnoted(self) -> Iterator[None]:
        """A transaction that changes nothing the user would miss."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def copy_to(self, path: Path) -> None:
        """An online copy into a new file; edits may go on meanwhile. Holds no lock for longer than a few pages."""
        target = sqlite3.connect(path, isolation_level=None)
        try:
            self._db.backup(target, pages=_PAGES_AT_ONCE, sleep=0.005)
            database.mark_closed(target)
            # One file, which can be read where nothing may be written.
            target.execute("PRAGMA journal_mode=DELETE")
        finally:
            target.close()

    # Reading

    @sound_rows()
    def labels(self) -> tuple[Label, ...]:
        rows = self._db.execute("SELECT id, name, color, shortcut FROM labels ORDER BY position")
        return tuple(Label(label_id, *map(_check_text, texts)) for label_id, *texts in rows)

    @sound_rows()
    @gc_paused()
    def images(self) -> dict[int, ImageRecord]:
        """Every image by id. Reads no box: what is listed of them is kept with the images."""
        odd = self._db.execute(f"SELECT count(*) FROM images WHERE {_ODD_IMAGE}").fetchone()[0]
        if odd:
            raise ValueError(f"{odd:,} images have something else where text belongs")
        status = {str(value): value for value in Status}
        split = {str(value): value for value in Split}
        rows = self._db.execute(
            "SELECT id, path, width, height, status, split, grp, note, box_count, size_bytes, content_hash, smallest,"
            " label_sets, modified_ns, difficult_count FROM images"
        )
        return {
            row[0]: ImageRecord(
                row[0],
                row[1],
                row[2],
                row[3],
                status[row[4]],
                split[row[5]],
                row[6],
                row[7],
                row[8],
                row[9],
                row[10],
                row[11],
                unpack_sets(row[12]) if row[8] else (),
                row[13],
                row[14],
            )
            for row in rows
        }

    def boxes(self, image_id: int) -> tuple[Box, ...]:
        """The boxes of an image by their ids."""
        return self._boxes.boxes(image_id)

    def boxes_of(self, image_ids: Collection[int]) -> dict[int, tuple[Box, ...]]:
        """Boxes by image id; images without boxes are left out."""
        return self._boxes.boxes_of(image_ids)

    @sound_rows()
    @gc_paused()
    def label_sets(self) -> list[tuple[int, LabelSet, int]]:
        """(image id, label set, boxes) of every image with boxes. Reads no box."""
        rows = self._db.execute("SELECT id, label_sets, set_counts FROM images WHERE box_count > 0")
        return [
            (image, unpack_labels(packed), int(count))
            for image, sets, counts in rows
            for packed, count in zip(sets.split("|"), counts.split("|"), strict=True)
        ]

    @sound_rows()
    def label_set_counts(self) -> dict[LabelSet, int]:
        """How many boxes carry each label set."""
        return {
            unpack_labels(packed): count for packed, count in self._db.execute("SELECT labels, boxes FROM label_sets")
        }

    @sound_rows()
    @gc_paused()
    def relabelling(self, change: Callable[[LabelSet], LabelSet]) -> Relabelling:
        """What `change` does to the label sets of all boxes; boxes whose set it leaves alone are left out."""
        sets = list(self.label_set_counts())
        changed = {pack_labels(labels): new for labels in sets if (new := change(labels)) != labels}
        places = {labels: place for place, labels in enumerate(dict.fromkeys([*sets, *changed.values()]))}
        old_places = {packed: places[unpack_labels(packed)] for packed in changed}
        rows = self._db.execute(
            f"SELECT image, id, labels FROM boxes WHERE labels IN ({LISTED}) ORDER BY image, id",
            (as_parameter(changed),),
        )
        table = np.array([(image, box, old_places[packed]) for image, box, packed in rows], np.int64).reshape(-1, 3)
        new_places = np.zeros(len(places), np.int32)
        for packed, new in changed.items():
            new_places[old_places[packed]] = places[new]
        before = table[:, 2].astype(np.int32)
        return Relabelling(tuple(places), table[:, 0].copy(), table[:, 1].copy(), before, new_places[before])

    # Writing; inside a transaction

    def write_edit(self, edit: Edit) -> dict[int, Summary]:
        """Bring the tables from the edit's `before` to its `after`.

        Gives the summaries of the images whose boxes changed. Raises StaleEditError if boxes to be relabelled
        are not as the edit found them.
        """
        self._boxes.forget_kept()
        if edit.removed:
            ids = [(image.id,) for image in edit.removed]
            self._db.executemany("DELETE FROM boxes WHERE image = ?", ids)
            self._db.executemany("DELETE FROM images WHERE id = ?", ids)
        if edit.added:
            self._db.executemany(
                "INSERT INTO images (id, path, width, height, size_bytes, content_hash, modified_ns, status, split, grp,"
                " note) VALUES (?, ?, ?, ?, ?, ?, ?, 'unlabelled', 'none', '', '')",
                [(i.id, *file_of(i)) for i in edit.added],
            )
        if edit.labels_after is not None and edit.labels_after != edit.labels_before:
            self._write_labels(edit.labels_after)
        self._write_fields(edit.fields_before, edit.fields_after)
        self._write_files(edit)
        summaries = self._write_states(edit.before, edit.after)
        self._write_summaries(summaries)
        if edit.relabelled:
            self._relabel(edit.relabelled)
            # Only what is in the table now tells the sets of an image whose other boxes were not touched.
            summaries |= self._summarised(edit.relabelled.image_ids)
        self._count_sets(edit.set_changes())
        return summaries

    def _write_states(self, before: Mapping[int, ImageState], after: Mapping[int, ImageState]) -> dict[int, Summary]:
        gone, fresh, summaries = [], [], {}
        fields_before, fields_after = {}, {}
        for image, new in after.items():
            old = before.get(image)
            fields_after[image] = new.fields
            if old is not None:
                fields_before[image] = old.fields
            old_boxes = {box.id: box for box in old.boxes} if old else {}
            if old is None or old.boxes != new.boxes:
                summaries[image] = summary_of(new.boxes)
                gone += [(image, box_id) for box_id in old_boxes.keys() - {box.id for box in new.boxes}]
                fresh += [
                    (image, box.id, *box.xyxy, pack_labels(box.labels), box.difficult)
                    for box in new.boxes
                    if old_boxes.get(box.id) != box
                ]
        self._write_fields(fields_before, fields_after)
        self._db.executemany("DELETE FROM boxes WHERE image = ? AND id = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", fresh)
        return summaries

    def _write_fields(self, before: Mapping[int, ImageFields], after: Mapping[int, ImageFields]) -> None:
        rows = [
            (str(new.status), str(new.split), new.group, new.note, image)
            for image, new in after.items()
            if before.get(image) != new
        ]
        self._db.executemany("UPDATE images SET status = ?, split = ?, grp = ?, note = ? WHERE id = ?", rows)

    def _write_files(self, edit: Edit) -> None:
        moved = [image for image, old in edit.files_before.items() if edit.files_after[image] != old]
        # Two images may change places: each path is free before any is given.
        self._db.executemany("UPDATE images SET path = ? WHERE id = ?", [(f"\0{image}", image) for image in moved])
        self._db.executemany(
            "UPDATE images SET path = ?, width = ?, height = ?, size_bytes = ?, content_hash = ?, modified_ns = ?"
            " WHERE id = ?",
            [(*edit.files_after[image], image) for image in moved],
        )

    def note_modified(self, times: Mapping[int, int]) -> None:
        """The time of the last change of each image's file, by the image's id; inside a transaction."""
        rows = [(time, image) for image, time in times.items()]
        self._db.executemany("UPDATE images SET modified_ns = ? WHERE id = ?", rows)

    def _relabel(self, change: Relabelling) -> None:
        packed = [pack_labels(labels) for labels in change.sets]
        columns = zip(
            change.images.tolist(), change.boxes.tolist(), change.before.tolist(), change.after.tolist(), strict=True
        )
        written = self._db.executemany(
            "UPDATE boxes SET labels = ? WHERE image = ? AND id = ? AND labels = ?",
            ((packed[new], image, box, packed[old]) for image, box, old, new in columns),
        ).rowcount
        if written != len(change):
            raise StaleEditError

    def _summarised(self, image_ids: Collection[int]) -> dict[int, Summary]:
        """Bring the label sets that are kept with the images to what the boxes carry now; in SQL, for very many."""
        listed = (as_parameter(image_ids),)
        self._db.execute(
            "UPDATE images SET (label_sets, set_counts) = ("
            " SELECT group_concat(labels, '|'), group_concat(boxes, '|')"
            " FROM (SELECT labels, count(*) AS boxes FROM boxes WHERE image = images.id GROUP BY labels)"
            f") WHERE id IN ({LISTED})",
            listed,
        )
        rows = self._db.execute(
            f"SELECT id, box_count, smallest, label_sets, set_counts, difficult_count FROM images WHERE id IN ({LISTED})",
            listed,
        )
        return {row[0]: Summary(*row[1:]) for row in rows}

    def _write_summaries(self, summaries: Mapping[int, Summary]) -> None:
        self._db.executemany(
            "UPDATE images SET box_count = ?, smallest = ?, label_sets = ?, set_counts = ?, difficult_count = ?"
            " WHERE id = ?",
            [(*found, image) for image, found in summaries.items()],
        )

    def _count_sets(self, changes: Mapping[LabelSet, int]) -> None:
        self._db.executemany(
            "INSERT INTO label_sets VALUES (?, ?) ON CONFLICT (labels) DO UPDATE SET boxes = boxes + excluded.boxes",
            [(pack_labels(labels), count) for labels, count in changes.items()],
        )
        self._db.executemany(
            "DELETE FROM label_sets WHERE labels = ? AND boxes = 0", [(pack_labels(labels),) for labels in changes]
        )

    def _write_labels(self, labels: Sequence[Label]) -> None:
        self._db.execute("DELETE FROM labels")
        self._db.executemany(
            "INSERT INTO labels VALUES (?, ?, ?, ?, ?)",
            [(label.id, place, label.name, label.color, label.shortcut) for place, label in enumerate(labels)],
        )

    # Counters, settings and what is derived

    def counters(self) -> dict[str, int]:
        return dict(self._db.execute("SELECT name, value FROM counters"))

    def set_counters(self, values: Mapping[str, int]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", list(values.items()))

    @sound_rows()
    def setting(self, key: str) -> Any:
        """The value under `key`, or None."""
        row = self._db.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set_setting(self, key: str, value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, text))

    @sound_rows()
    def order(self) -> list[int]:
        """Image ids in the order that `settle` kept; empty if they changed since."""
        row = self._db.execute("SELECT value FROM derived WHERE name = 'order'").fetchone()
        ids: list[int] = [] if row is None else np.frombuffer(row[0], "<i8").tolist()
        return ids

    def forget_order(self) -> None:
        self._db.execute("DELETE FROM derived WHERE name = 'order'")
