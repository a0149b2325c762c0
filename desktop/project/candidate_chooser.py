"""Which of several files of one name is meant: the names with their files, and one folder for all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from core.counting import format_count
from core.formats.file_choices import AmbiguousImage, choose_by_folder, list_folders
from core.types import Problem
from desktop.kit.dialog_frame import add_row, new_form
from desktop.kit.problems_dialog import ProblemPanel

_UNSET = "Choose the folder that is meant"
_MOST_FOLDERS = 200


class CandidateChooser(QWidget):
    """A table of names with the files that they may mean; says `changed` once a folder is chosen for all."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        rows = new_form()
        layout.addLayout(rows)
        self._folder = QComboBox()
        self._folder.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._folder.setMinimumContentsLength(20)
        add_row(rows, "Folder for all", self._folder)
        self.table = ProblemPanel(noun="name", titles=("Name in the file", "Files that it may mean"))
        layout.addWidget(self.table, 1)
        self._asked: dict[str, AmbiguousImage] = {}
        self._folder.activated.connect(self._choose)

    @property
    def chosen(self) -> dict[str, Path]:
        """The file for each name, as far as the chosen folder answers it."""
        folder = self._folder.currentData()
        return {} if folder is None else choose_by_folder(list(self._asked.values()), Path(folder))

    def ask(self, images: Sequence[AmbiguousImage], base: Path) -> None:
        """Show the names; those that were answered before stay with their answer."""
        if not images or images[0].name in self._asked:
            return
        self._asked |= {image.name: image for image in images}
        self._folder.clear()
        self._folder.addItem(_UNSET, None)
        for folder, count in list_folders(images)[:_MOST_FOLDERS]:
            self._folder.addItem(f"{folder} ({format_count(count, 'name')})", str(folder))
        lines = (Problem(image.name, " or ".join(map(str, image.candidates))) for image in images)
        self.table.show_problems(tuple(lines), base)

    def choose(self, folder: Path) -> None:
        """As if a user had chosen this folder."""
        self._folder.setCurrentIndex(self._folder.findData(str(folder)))
        self._choose()

    @property
    def is_asking(self) -> bool:
        return bool(self._asked)

    def clear(self) -> None:
        """Ask for nothing."""
        self._asked = {}
        self._folder.clear()

    def _choose(self) -> None:
        if self._asked:
            self.changed.emit()
