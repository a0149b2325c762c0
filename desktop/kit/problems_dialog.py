"""What was skipped or mended while the rest went on, file by file: to search, copy and save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core import files
from core.counting import format_count
from core.types import Problem
from desktop.base.theme import GAP, PAD
from desktop.kit.dialog_frame import Paragraph
from desktop.kit.error_box import show_error
from desktop.kit.new_file import ask_new_file
from desktop.kit.parts import words
from desktop.kit.problem_table import TITLES, ProblemModel, as_csv, visible
from desktop.kit.screen_room import resize_within_screen

ROW = 28  # pixels
NARROW = 600  # pixels, where there is no table
FILE_WIDTH = 260


class ProblemPanel(QWidget):
    """The table with a search line, the whole of the chosen row below, and ways to take the list along."""

    def __init__(
        self, problems: Sequence[Problem] = (), *, noun: str = "problem", titles: tuple[str, str] = TITLES
    ) -> None:
        """`noun` is what a row is, `titles` head the columns."""
        super().__init__()
        self._noun = noun
        self.model = ProblemModel(self, titles=titles)
        hint = f"Search the {noun}s"
        self.search = QLineEdit(placeholderText=hint, clearButtonEnabled=True)
        self.search.setProperty("role", "search")
        self.search.setAccessibleName(hint)
        self._count = words("", "muted")
        self._save = _build_button("Save as CSV…")
        copy = _build_button("Copy")
        self.table = plain_table(self.model, " and ".join(titles))
        self.table.setColumnWidth(0, FILE_WIDTH)
        self.table.setSortingEnabled(True)
        self.table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._whole = words("", "small", wrap=True)
        self._whole.setTextFormat(Qt.TextFormat.PlainText)
        self._whole.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._whole.setMinimumHeight(2 * self._whole.fontMetrics().lineSpacing())
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self._count)
        head.addWidget(self.search, 1)
        head.addWidget(copy)
        head.addWidget(self._save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addLayout(head)
        layout.addWidget(self.table, 1)
        layout.addWidget(self._whole)
        self.search.textChanged.connect(self.model.search)
        self.model.modelReset.connect(self._show_count)
        self.table.selectionModel().currentRowChanged.connect(self._show_whole)
        copy.clicked.connect(self._copy_rows)
        self._save.clicked.connect(self._ask_and_save)
        self.show_problems(problems)

    def show_problems(self, problems: Sequence[Problem], base: PurePath | None = None) -> None:
        """Show these; files are named as they lie below `base`."""
        self.model.set_problems(problems, base)

    def save(self, wanted: Path) -> Path:
        """Write what the search finds for a spreadsheet, whole or not at all; where it is. Raises OSError.

        What is called so already is left as it is: the new file has a number behind its name then.
        """
        path = files.find_free_path(wanted)
        # Excel takes UTF-8 for the old code page unless the file begins with this mark.
        files.write_new_texts({path: "\ufeff" + as_csv(self.model.shown)})
        return path

    def _show_count(self) -> None:
        found, total = len(self.model.shown), len(self.model.problems)
        self._count.setText(format_count(total, self._noun) if found == total else f"{found:,} of {total:,}")
        self._show_whole(QModelIndex())

    def _show_whole(self, index: QModelIndex, _before: QModelIndex | None = None) -> None:
        problem = self.model.shown[index.row()] if index.isValid() else None
        self._whole.setText(f"{visible(problem.file)}\n{visible(problem.problem)}" if problem is not None else "")

    def _copy_rows(self) -> None:
        lines = (f"{problem.file}\t{problem.problem}" for problem in self.model.shown)
        QGuiApplication.clipboard().setText("\n".join(lines))

    def _ask_and_save(self) -> None:
        wanted = ask_new_file(self, "Save the list", "problems.csv", "Tables (*.csv)")
        if wanted is None:
            return
        try:
            path = self.save(wanted)
        except OSError as error:
            show_error(self, "The list could not be saved", error)
        else:
            self._whole.setText(f"Saved as {visible(str(path))}")


class ProblemsDialog(QDialog):
    """A sentence about what was done, and the table of what was not."""

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        summary: str,
        problems: Sequence[Problem],
        offer: tuple[str, Callable[[], object]] | None = None,
    ) -> None:
        """`offer` is what one more button says and does."""
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(NARROW)
        resize_within_screen(self, 820, 480)
        self.panel = ProblemPanel(problems)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok)
        buttons.accepted.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(words(title, "heading"))
        layout.addWidget(Paragraph(summary, "muted"))
        layout.addWidget(self.panel, 1)
        self.panel.setVisible(bool(problems))
        if not problems:
            self.resize(NARROW, 0)
        if offer is not None:
            button = buttons.addButton(offer[0], QDialogButtonBox.ButtonRole.ActionRole)
            button.setAutoDefault(False)
            button.clicked.connect(lambda: offer[1]())
        layout.addWidget(buttons)
        buttons.button(QDialogButtonBox.StandardButton.Ok).setFocus()


def plain_table(model: QAbstractItemModel, name: str) -> QTableView:
    """A table of rows without a grid, gone about by the arrow keys; Tab leaves it."""
    table = QTableView()
    table.setModel(model)
    table.setAccessibleName(name)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    table.setTabKeyNavigation(False)
    table.setWordWrap(False)
    table.setShowGrid(False)
    table.verticalHeader().hide()
    # One height for all: measuring every row takes seconds for thousands of them.
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    table.verticalHeader().setDefaultSectionSize(ROW)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    table.horizontalHeader().setHighlightSections(False)
    table.horizontalHeader().setStretchLastSection(True)
    return table


def _build_button(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    return button
