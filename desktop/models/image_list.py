"""The project's images for Qt's views, with filtering by status, split and text."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)

from core.changes import Changes
from core.types import ImageRecord, Split, Status
from desktop.models.thumbnails import ThumbnailLoader
from desktop.session import Session

THUMBNAIL = 112  # longest side that the lists ask for, in pixels

IMAGE_ID = int(Qt.ItemDataRole.UserRole) + 1
STATUS = IMAGE_ID + 1
SPLIT = IMAGE_ID + 2
BOX_COUNT = IMAGE_ID + 3
RECORD = IMAGE_ID + 4
PROBLEM = IMAGE_ID + 5  # why the file cannot be shown, or None

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class ImageListModel(QAbstractListModel):
    """One row an image, in the project's order; follows the session."""

    def __init__(self, session: Session, thumbnails: ThumbnailLoader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._thumbnails = thumbnails
        self._records: list[ImageRecord] = []
        self._paths: list[str] = []
        self._rows: dict[int, int] = {}
        self._rows_by_path: dict[str, int] = {}
        session.project_changed.connect(self._reload)
        session.changed.connect(self._refresh)
        thumbnails.loaded.connect(self._picture_came)
        thumbnails.failed.connect(self._picture_came)
        self._reload()

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._records)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid():
            return None
        record = self._records[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return record.path.rsplit("/", 1)[-1]
        if role == Qt.ItemDataRole.DecorationRole:
            return self._thumbnails.request(self._paths[index.row()], THUMBNAIL)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tool_tip(index.row())
        if role == PROBLEM:
            return self._thumbnails.problem(self._paths[index.row()])
        values = {
            IMAGE_ID: record.id,
            STATUS: record.status,
            SPLIT: record.split,
            BOX_COUNT: record.box_count,
            RECORD: record,
        }
        return values.get(role)

    def row_of(self, image_id: int | None) -> int:
        """The row of an image, or -1."""
        return self._rows.get(image_id, -1) if image_id is not None else -1

    def record(self, row: int) -> ImageRecord:
        return self._records[row]

    def _tool_tip(self, row: int) -> str:
        record = self._records[row]
        lines = [self._paths[row], f"{record.width} × {record.height} px, {record.status.value}"]
        if record.split != Split.NONE:
            lines[-1] += f", {record.split.value}"
        if problem := self._thumbnails.problem(self._paths[row]):
            lines.append(problem)
        return "\n".join(lines)

    def _reload(self) -> None:
        project = self._session.project
        self.beginResetModel()
        self._records = project.images() if project is not None else []
        self._paths = [str(project.image_path(record)) for record in self._records] if project is not None else []
        self._rows = {record.id: row for row, record in enumerate(self._records)}
        self._rows_by_path = {path: row for row, path in enumerate(self._paths)}
        self.endResetModel()

    def _refresh(self, changes: Changes, _initiator: object) -> None:
        if changes.image_list:
            self._reload()
            return
        project = self._session.project
        if project is None or not changes.images:
            return
        if len(changes.images) > 50:
            self._records = project.images()
            self.dataChanged.emit(self.index(0), self.index(len(self._records) - 1))
            return
        for image_id in changes.images:
            if (row := self._rows.get(image_id)) is not None:
                self._records[row] = project.image(image_id)
                self.dataChanged.emit(self.index(row), self.index(row))

    def _picture_came(self, path: str, _size_or_reason: object) -> None:
        if (row := self._rows_by_path.get(path)) is not None:
            index = self.index(row)
            self.dataChanged.emit(index, index, [int(Qt.ItemDataRole.DecorationRole)])


def matches(record: ImageRecord, words: list[str], statuses: frozenset[Status], splits: frozenset[Split]) -> bool:
    """Whether an image passes a filter: every word is in its path; an empty set of statuses or splits lets all pass."""
    path = record.path.casefold()
    return (
        all(word in path for word in words)
        and (not statuses or record.status in statuses)
        and (not splits or record.split in splits)
    )


class ImageFilterModel(QSortFilterProxyModel):
    """The images that pass a filter, in the project's order."""

    def __init__(self, source: ImageListModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self._statuses: frozenset[Status] = frozenset()
        self._splits: frozenset[Split] = frozenset()
        self._source = source
        # A picture that arrives, or a box drawn on the image being worked on, must not re-sort the list.
        self.setDynamicSortFilter(False)
        self.setSourceModel(source)

    def set_text(self, text: str) -> None:
        """Show only images whose path has all words of `text`."""
        self._words = text.casefold().split()
        self.invalidate()

    def set_statuses(self, statuses: frozenset[Status]) -> None:
        self._statuses = statuses
        self.invalidate()

    def set_splits(self, splits: frozenset[Split]) -> None:
        self._splits = splits
        self.invalidate()

    @property
    def filtering(self) -> bool:
        return bool(self._words or self._statuses or self._splits)

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        return matches(self._source.record(source_row), self._words, self._statuses, self._splits)

    def image_ids(self) -> list[int]:
        """The images shown, in order."""
        return [self.index(row, 0).data(IMAGE_ID) for row in range(self.rowCount())]

    def index_of(self, image_id: int | None) -> QModelIndex:
        """The row of an image here; invalid where the filter hides it."""
        row = self._source.row_of(image_id)
        return self.mapFromSource(self._source.index(row)) if row >= 0 else QModelIndex()
