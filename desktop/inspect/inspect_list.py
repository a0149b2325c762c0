"""The inspected images with their errors, sorted and filtered as the user likes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon, QPixmap

from desktop.base import theme
from desktop.viewer.thumbnails import THUMBNAIL, ThumbnailLoader

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
ROOT = QModelIndex()
Counts = NDArray[np.intp]

IMAGE_ID = int(Role.UserRole) + 1
ICON = 38  # side of a picture in the list, in pixels

COLUMNS = ("Image", "Missed", "False", "Right")
SORTS = ("Most errors", "Most missed", "Most false", "Most right", "Name")


def order_images(tp: Counts, fp: Counts, fn: Counts, sort: str, keep: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows to show, in the order of `sort`; equal ones stay in the order of their names. Arrays (images,)."""
    value = {
        "Most errors": fn + fp,
        "Most missed": fn,
        "Most false": fp,
        "Most right": tp,
        "Name": np.zeros(len(tp), np.intp),
    }[sort]
    rows = np.argsort(-value, kind="stable")
    return rows[keep[rows]]


class InspectList(QAbstractTableModel):
    """One row an image. `set_counts` reorders without losing the current row."""

    def __init__(self, thumbnails: ThumbnailLoader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._ids: list[int] = []
        self._paths: list[Path] = []
        none = np.zeros(0, np.intp)
        self._tp, self._fp, self._fn, self._rows = none, none, none, none
        self._sort = SORTS[0]
        self._only_errors = False
        self._stale: list[str] = []
        self._keep: NDArray[np.bool_] | None = None
        self._places: dict[str, int] = {}
        self._blank = QPixmap(ICON, ICON)
        self._blank.fill(Qt.GlobalColor.transparent)
        thumbnails.loaded.connect(self._picture_came)

    def set_images(self, image_ids: Sequence[int], paths: Sequence[Path], stale: Sequence[str] = ()) -> None:
        """Show other images, with no counts yet. The last ones are `stale`, for these reasons, and never have any."""
        self.beginResetModel()
        self._stale = list(stale)
        self._ids, self._paths = list(image_ids), list(paths)
        self._places = {str(path): place for place, path in enumerate(paths)}
        zero = np.zeros(len(image_ids), np.intp)
        self._tp, self._fp, self._fn, self._keep = zero, zero, zero, None
        self._rows = self._find_order()
        self.endResetModel()

    def set_counts(self, tp: Counts, fp: Counts, fn: Counts, keep: NDArray[np.bool_] | None = None) -> None:
        """New counts, by image that is not stale; `keep` says which of these a filter lets through."""
        room = (0, len(self._stale))
        self._tp, self._fp, self._fn = np.pad(tp, room), np.pad(fp, room), np.pad(fn, room)
        self._keep = None if keep is None else np.pad(keep, room)
        self._apply_order()

    def set_view(self, sort: str, only_errors: bool) -> None:
        """How to sort, and whether images without errors are left out."""
        self._sort, self._only_errors = sort, only_errors
        self._apply_order()

    def _find_order(self) -> NDArray[np.intp]:
        keep = np.ones(len(self._ids), bool) if self._keep is None else self._keep
        if self._only_errors:
            keep = keep & (self._fn + self._fp > 0)
        return order_images(self._tp, self._fp, self._fn, self._sort, keep)

    def _apply_order(self) -> None:
        rows = self._find_order()
        if np.array_equal(rows, self._rows):
            if len(rows):
                self.dataChanged.emit(self.index(0, 1), self.index(len(rows) - 1, 3))
            return
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        places = {int(row): place for place, row in enumerate(rows)}
        new = [self._move_index(index, places) for index in old]
        self._rows = rows
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def _move_index(self, index: QModelIndex, places: dict[int, int]) -> QModelIndex:
        place = places.get(int(self._rows[index.row()]))
        return QModelIndex() if place is None else self.createIndex(place, index.column())

    def find_position(self, row: int) -> int:
        """Place of a row among the images given to `set_images`."""
        return int(self._rows[row])

    def row_of(self, image_id: int) -> int | None:
        """The row that shows an image, or None where a filter hides it."""
        if image_id not in self._ids:
            return None
        return self.find_row(self._ids.index(image_id))

    def find_row(self, position: int) -> int | None:
        """The row of an image by its place among those given to `set_images`, or None where a filter hides it."""
        found = np.flatnonzero(self._rows == position)
        return int(found[0]) if len(found) else None

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Role.DisplayRole:
            return COLUMNS[section]
        if role == Role.ToolTipRole:
            return (
                "The image",
                "Boxes' labels that no detection found",
                "Claims of a label that are not true",
                "Labels found",
            )[section]
        if role == Role.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        place = self.find_position(index.row())
        path = self._paths[place]
        if role == IMAGE_ID:
            return self._ids[place]
        reason = self._find_reason(place)
        if role == Role.ToolTipRole:
            return f"{path}\nChanged: {reason}" if reason else str(path)
        if reason:
            return self._describe_stale(path, index.column(), role)
        if index.column() == 0:
            if role == Role.DisplayRole:
                # Without the suffix, which is in the tooltip: the digits before it are what tells images apart.
                return path.stem
            return self._make_icon(path) if role == Role.DecorationRole else None
        value = int((self._fn, self._fp, self._tp)[index.column() - 1][place])
        match role:
            case Role.DisplayRole:
                return str(value)
            case Role.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Role.ForegroundRole:
                tokens = theme.theme()
                return (tokens.warning, tokens.bad, tokens.good)[index.column() - 1] if value else tokens.muted
        return None

    def _find_reason(self, place: int) -> str:
        """Why the image at `place` is stale; empty for one that is not."""
        after = place - (len(self._ids) - len(self._stale))
        return self._stale[after] if after >= 0 else ""

    @staticmethod
    def _describe_stale(path: Path, column: int, role: int) -> Any:
        """The cells of a stale image: no figure may be taken for its own."""
        match role:
            case Role.DisplayRole:
                return "–" if column else path.stem
            case Role.AccessibleTextRole if not column:
                return f"{path.stem}, changed"
            case Role.DecorationRole if not column:
                return theme.icon("warning", theme.theme().warning, size=ICON)
            case Role.TextAlignmentRole if column:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Role.ForegroundRole:
                return theme.theme().muted
        return None

    def _make_icon(self, path: Path) -> QIcon:
        picture = self._thumbnails.request(path, THUMBNAIL)
        # An icon, since the view scales those to its icon size; a blank one keeps the names in line meanwhile.
        return QIcon(picture if picture is not None else self._blank)

    def _picture_came(self, path: str, _size: int) -> None:
        place = self._places.get(path)
        if place is not None and (row := self.row_of(self._ids[place])) is not None:
            index = self.index(row, 0)
            self.dataChanged.emit(index, index, [int(Role.DecorationRole)])
