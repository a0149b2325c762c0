"""Problems of files as a table that is searched and sorted at once, however many there are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.types import Problem

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()
TITLES = ("File", "Problem")
# They turn the text around them, so that a name reads as another: photo[202E]gpj.exe.
_TURNING = {code: f"[{code:04X}]" for code in (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def visible(text: str) -> str:
    """`text` with its invisible marks of writing direction spelled out, and on one line."""
    return " ".join(text.translate(_TURNING).split("\n"))


def shortened(file: str, base: PurePath | None) -> str:
    """The path of a file below `base`, where it lies there."""
    path = PurePath(file)
    if base is None or not path.is_relative_to(base):
        return file
    return path.name if path == base else str(path.relative_to(base))


def as_csv(problems: Iterable[Problem]) -> str:
    """The problems for a spreadsheet, which is kept from taking a file's name for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(TITLES)
    for problem in problems:
        writer.writerow([_not_a_formula(problem.file), _not_a_formula(problem.problem)])
    return out.getvalue()


def _not_a_formula(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text


class ProblemModel(QAbstractTableModel):
    """One row a problem: the file and what is wrong with it."""

    def __init__(self, parent: QObject | None = None, *, titles: tuple[str, str] = TITLES) -> None:
        super().__init__(parent)
        self._titles = titles
        self._problems: tuple[Problem, ...] = ()
        self._base: PurePath | None = None
        self._words: list[str] = []
        self._order: tuple[int, Qt.SortOrder] | None = None
        self._shown: list[Problem] = []

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them, also those that the search hides."""
        return self._problems

    @property
    def shown(self) -> Sequence[Problem]:
        """Those that the search finds, in the order of the table."""
        return self._shown

    def set_problems(self, problems: Iterable[Problem], base: PurePath | None = None) -> None:
        """Show these; files are named as they lie below `base`."""
        self._problems, self._base = tuple(problems), base
        self._choose_rows()

    def search(self, text: str) -> None:
        """Show the problems that have all words of `text` in the file's name or in what is wrong."""
        self._words = text.casefold().split()
        self._choose_rows()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._order = (column, order)
        self._choose_rows()

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(TITLES)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid():
            return None
        problem = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return visible(shortened(problem.file, self._base) if index.column() == 0 else problem.problem)
        if role == Qt.ItemDataRole.ToolTipRole:
            return visible(problem.file if index.column() == 0 else problem.problem)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        return None

    def _choose_rows(self) -> None:
        self.beginResetModel()
        self._shown = [
            problem
            for problem in self._problems
            if all(word in f"{problem.file}\n{problem.problem}".casefold() for word in self._words)
        ]
        if self._order is not None:
            column, order = self._order
            self._shown.sort(
                key=lambda problem: (problem.file, problem.problem)[column].casefold(),
                reverse=order == Qt.SortOrder.DescendingOrder,
            )
        self.endResetModel()
