"""A table of how many images of each label are in train, val and test."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHeaderView, QTableView

from core.project.images.split_table import USED, SplitRow, SplitTable
from core.types import Split
from desktop.base.theme import theme

COLUMNS = (*USED, Split.NONE)
TITLES = ("", "Train", "Val", "Test", "None")

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()
NAME, COLUMN, LEAST, ROW = 140, 88, 70, 26  # pixels
ROWS = 9  # that are seen at least, the head included
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


class SplitCountsModel(QAbstractTableModel):
    """A row for everything that is counted, a column for each split."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[SplitRow, ...] = ()

    def show_table(self, table: SplitTable) -> None:
        """Show other counts; rows without any image are left out, labels never."""
        self.beginResetModel()
        self._rows = tuple(row for row in table.rows if row.total or row.label is not None)
        self.endResetModel()

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(TITLES)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if section else LEFT
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        row, column = self._rows[index.row()], index.column()
        split = COLUMNS[column - 1]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            if not column:
                return row.name
            return f"{row.counts[split]:,}  {row.share(split):.0%}" if row.counts[split] else "0"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if column else LEFT
        if role == Qt.ItemDataRole.FontRole and not index.row():
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ForegroundRole and column:
            # A label that a split in use lacks altogether is what this table is looked at for.
            lacks = row.label is not None and row.total and not row.counts[split] and self._rows[0].counts[split]
            if split is not Split.NONE and lacks:
                return theme().warning
            return theme().text if row.counts[split] else theme().disabled
        return None


class SplitCounts(QTableView):
    """The table as a view."""

    def __init__(self) -> None:
        super().__init__()
        self._model = SplitCountsModel()
        self.setModel(self._model)
        self.setAccessibleName("Images by label and split")
        self.setSelectionMode(QTableView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.horizontalHeader().setSectionsClickable(False)
        header = self.horizontalHeader()
        # No number is cut; the bold ones of all images together are the widest.
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(LEAST)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumSize(NAME + COLUMN * len(COLUMNS), ROW * ROWS)

    def show_table(self, table: SplitTable) -> None:
        self._model.show_table(table)
