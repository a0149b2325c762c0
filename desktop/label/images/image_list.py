"""The project's images for Qt's views: those that pass a filter, in the order that was chosen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.changes import Changes
from core.counting import format_count
from core.project.images.query import Filter, ImageIndex, Rows, SortKey
from core.project.project_reader import ProjectReader
from core.types import ImageRecord, Split, Status
from desktop.base.session import Session
from desktop.viewer.thumbnails import THUMBNAIL, ThumbnailLoader

ASKED = 4_000  # files whose thumbnail may still come; older ones have scrolled out of sight
AT_ONCE = 2_000  # edited images from which on the columns are made again, when they are asked for
ONE_BY_ONE = 50  # changed rows up to here are told singly, more as one range

IMAGE_ID = int(Qt.ItemDataRole.UserRole) + 1
STATUS = IMAGE_ID + 1
SPLIT = IMAGE_ID + 2
BOX_COUNT = IMAGE_ID + 3
RECORD = IMAGE_ID + 4
PROBLEM = IMAGE_ID + 5  # why the file cannot be shown, or None
OUTDATED = IMAGE_ID + 6  # True where the image was edited and no longer passes the filter

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class ImageListModel(QAbstractListModel):
    """One row an image that passes the filter. Follows the session.

    An edit never takes a row away or moves it, so that nothing vanishes under the mouse: rows that no longer pass are
    marked until the filter is applied again.
    """

    def __init__(self, session: Session, thumbnails: ThumbnailLoader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._thumbnails = thumbnails
        self.images = ImageIndex()
        self._filter = Filter()
        self._sort = SortKey.NAME
        self._descending = False
        self._shown = np.zeros(0, np.intp)  # rows of `images`, in the order of this model's rows
        self._places = np.zeros(0, np.intp)  # by row of `images`: the row here, or -1
        self._outdated = np.zeros(0, np.bool_)  # by row of `images`
        self._flagged: dict[str, Collection[int]] = {}
        self._asked: OrderedDict[str, int] = OrderedDict()  # image ids by the path of the thumbnail that was asked for
        session.project_changed.connect(self._start_over)
        session.changed.connect(self._follow_changes)
        thumbnails.loaded.connect(self._picture_came)
        thumbnails.failed.connect(self._picture_came)
        self._reload_images()

    # -- what is shown

    @property
    def filter(self) -> Filter:
        return self._filter

    @property
    def outdated(self) -> int:
        """How many rows are shown that no longer pass the filter."""
        return int(np.count_nonzero(self._outdated))

    @property
    def total(self) -> int:
        """How many images the project has."""
        return len(self.images)

    def set_filter(self, wanted: Filter) -> None:
        """Show only images that pass `wanted`; also applies the same filter again."""
        self._filter = wanted
        self._select_rows()

    def set_sorting(self, by: SortKey, *, descending: bool = False) -> None:
        """Order the rows."""
        self._sort, self._descending = by, descending
        self._select_rows()

    def set_flag(self, name: str, image_ids: Collection[int]) -> None:
        """Say which images are "predicted" or "missing"."""
        self._flagged[name] = image_ids
        self.images.set_flag(name, image_ids)
        asked = {"predicted": self._filter.predicted, "missing": self._filter.missing}[name]
        if asked is not None:
            self._judge_rows(self._shown)
        if len(self._shown):
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1))

    def row_of(self, image_id: int | None) -> int:
        """The row of an image; -1 where the filter hides it."""
        row = self.images.row(image_id)
        return int(self._places[row]) if row >= 0 else -1

    def record(self, row: int) -> ImageRecord:
        return self.images.records[self._shown[row]]

    def image_ids(self, rows: Iterable[int] | None = None) -> list[int]:
        """The images in `rows` (None: in all), in order."""
        chosen = self._shown if rows is None else self._shown[np.fromiter(rows, np.intp)]
        ids: list[int] = self.images.ids(chosen).tolist()
        return ids

    def next_unlabelled(self, after: int, step: int) -> int | None:
        """The next row whose image is unlabelled, from row `after` in the direction `step`, going round at the end.

        None where there is none; `after` itself comes last. -1 for `after` begins at the end that `step` comes from.
        """
        found = np.flatnonzero(self.images.have_status(self._shown, Status.UNLABELLED))
        if not len(found):
            return None
        if step > 0:
            place = int(np.searchsorted(found, after, side="right")) % len(found)
        else:
            before = after if after >= 0 else len(self._shown)
            place = int(np.searchsorted(found, before, side="left")) - 1
        return int(found[place])

    # -- Qt's questions

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid():
            return None
        row = int(self._shown[index.row()])
        record = self.images.records[row]
        if role == RECORD:
            return record
        if role == Qt.ItemDataRole.DisplayRole:
            return record.path.rsplit("/", 1)[-1]
        if role == Qt.ItemDataRole.DecorationRole:
            return self._find_picture(record)
        if role == PROBLEM:
            return self._find_problem(record, row)
        if role == OUTDATED:
            return bool(self._outdated[row])
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tool_tip(record, row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._describe_row(record, row)
        values = {IMAGE_ID: record.id, STATUS: record.status, SPLIT: record.split, BOX_COUNT: record.box_count}
        return values.get(role)

    def _find_picture(self, record: ImageRecord) -> Any:
        path = self._find_path(record)
        self._asked[path] = record.id
        self._asked.move_to_end(path)
        while len(self._asked) > ASKED:
            self._asked.popitem(last=False)
        return self._thumbnails.request(path, THUMBNAIL)

    def _find_problem(self, record: ImageRecord, row: int) -> str | None:
        if self.images.flagged("missing", row):
            return f"{self._find_path(record)}: the file is not there"
        return self._thumbnails.problem(self._find_path(record))

    def _find_path(self, record: ImageRecord) -> str:
        assert self._session.project is not None
        return str(self._session.project.image_path(record))

    def _tool_tip(self, record: ImageRecord, row: int) -> str:
        lines = [self._find_path(record), f"{record.width} × {record.height} px, {record.status.value}"]
        if record.split != Split.NONE:
            lines[-1] += f", {record.split.value}"
        if record.group:
            lines[-1] += f", group {record.group}"
        if record.note:
            lines.append(f"Note: {record.note}")
        if problem := self._find_problem(record, row):
            lines.append(problem)
        if self._outdated[row]:
            lines.append("Was changed, and no longer passes the filter; it stays until the filter is applied again.")
        return "\n".join(lines)

    def _describe_row(self, record: ImageRecord, row: int) -> str:
        boxes = format_count(record.box_count, "box")
        parts = [record.path.rsplit("/", 1)[-1], record.status.value, boxes]
        if record.split != Split.NONE:
            parts.append(record.split.value)
        if record.note:
            parts.append("has a note")
        if self._outdated[row]:
            parts.append("no longer passes the filter")
        return ", ".join(parts)

    # -- following

    def _start_over(self) -> None:
        self._filter, self._sort, self._descending = Filter(), SortKey.NAME, False
        self._flagged.clear()
        self._reload_images()

    def _reload_images(self) -> None:
        project = self._session.shown
        self.beginResetModel()
        self._index_images(project)
        self._asked.clear()
        self._apply_filter()
        self.endResetModel()

    def _index_images(self, project: ProjectReader | None) -> None:
        self.images = self._session.image_index.take_index(project.images() if project is not None else [])
        for name, image_ids in self._flagged.items():
            self.images.set_flag(name, image_ids)

    def _select_rows(self) -> None:
        self.beginResetModel()
        self._apply_filter()
        self.endResetModel()

    def _apply_filter(self) -> None:
        if self._sort is SortKey.EDITED and (project := self._session.shown) is not None:
            self.images.set_edited(project.last_edits())
        self._shown = self.images.select(self._filter, self._sort, descending=self._descending)
        self._places = np.full(len(self.images), -1, np.intp)
        self._places[self._shown] = np.arange(len(self._shown))
        self._outdated = np.zeros(len(self.images), np.bool_)

    def _follow_changes(self, changes: Changes, _initiator: object) -> None:
        if changes.image_list:
            self._reload_images()
            return
        project = self._session.shown
        if project is None or not changes.images:
            return
        if len(changes.images) > AT_ONCE:
            self._index_images(project)
            rows = self.images.rows(changes.images)
        else:
            rows = self.images.update([project.image(image_id) for image_id in changes.images])
        rows = rows[self._places[rows] >= 0]
        self._judge_rows(rows)
        places = self._places[rows].tolist()
        spans = [(min(places), max(places))] if len(places) > ONE_BY_ONE else [(place, place) for place in places]
        for first, last in spans:
            self.dataChanged.emit(self.index(first), self.index(last))

    def _judge_rows(self, rows: Rows) -> None:
        """Mark those of the shown `rows` that no longer pass, and take the mark from those that do again."""
        self._outdated[rows] = True
        self._outdated[self.images.passing(self._filter, rows)] = False

    def _picture_came(self, path: str, _size_or_reason: object) -> None:
        if (row := self.row_of(self._asked.pop(path, None))) >= 0:
            index = self.index(row)
            self.dataChanged.emit(index, index, [int(Qt.ItemDataRole.DecorationRole)])
