"""What was skipped or mended while the rest went on, file by file."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.types import Problem
from desktop.theme import GAP, PAD
from desktop.widgets.parts import words

FEW = 300


class ProblemTable(QTableWidget):
    """Files and what is wrong with them."""

    def __init__(self, problems: Sequence[Problem] = ()) -> None:
        super().__init__(0, 2)
        self.setHorizontalHeaderLabels(["File", "Problem"])
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.horizontalHeader().setStretchLastSection(True)
        self.setColumnWidth(0, 250)
        self.show_problems(problems)

    def show_problems(self, problems: Sequence[Problem]) -> None:
        self.setRowCount(len(problems))
        for row, problem in enumerate(problems):
            for column, text in enumerate((problem.file, problem.problem)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.setItem(row, column, item)
        # Measuring every row takes seconds for thousands of them; those keep one line and their tool tip.
        few = len(problems) <= FEW
        mode = QHeaderView.ResizeMode.ResizeToContents if few else QHeaderView.ResizeMode.Fixed
        self.verticalHeader().setSectionResizeMode(mode)


class ProblemsDialog(QDialog):
    """A sentence about what was done, and the table of what was not."""

    def __init__(self, parent: QWidget | None, title: str, summary: str, problems: Sequence[Problem]) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(760, 420)
        self._problems = tuple(problems)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok)
        copy = buttons.addButton("Copy the list", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(self._copy)
        buttons.accepted.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(words(title, "heading"))
        layout.addWidget(words(summary, "muted", wrap=True))
        layout.addWidget(ProblemTable(problems), 1)
        layout.addWidget(buttons)

    def _copy(self) -> None:
        lines = (f"{problem.file}\t{problem.problem}" for problem in self._problems)
        QGuiApplication.clipboard().setText("\n".join(lines))
