"""Where a new project goes, where its images are, and its first labels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from core.project.database import FILE_NAME
from desktop.theme import GAP, PAD
from desktop.widgets.parts import restyle, words
from desktop.widgets.path_field import PathField


@dataclass(frozen=True, slots=True)
class NewProject:
    """What was asked for."""

    folder: Path
    images: Path | None
    labels: tuple[str, ...]


def label_names(text: str) -> tuple[str, ...]:
    """The names in a line with commas or semicolons between them, each once."""
    return tuple(dict.fromkeys(name for part in re.split(r"[,;\n]", text) if (name := part.strip())))


def folder_problem(folder: Path | None) -> str:
    """Why no project can be made in `folder`; empty where one can."""
    if folder is None:
        return "Say where the project goes."
    if not folder.is_absolute():
        return "Give the whole path of the folder."
    if (folder / FILE_NAME).exists():
        return "There is a project in this folder already: open it, or choose another folder."
    if folder.is_file():
        return "This is a file; a project needs a folder."
    return ""


class NewProjectDialog(QDialog):
    """Asks; the project is made by the caller."""

    def __init__(self, start: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New project")
        self._folder = PathField("folder", "Folder of the project", str(start), hint="A new or empty folder")
        self._folder.set_path(free_folder(start / "defects"))
        self._images = PathField("folder", "Folder with images", str(start), hint="Can also be added later")
        self._labels = QLineEdit(placeholderText="scratch, pit, stain   (can be changed at any time)")
        self._labels.setAccessibleName("Labels")
        self._problem = words("", "error", wrap=True)
        self._problem.setMinimumHeight(20)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._create = self._buttons.addButton("Create project", QDialogButtonBox.ButtonRole.AcceptRole)
        self._create.setDefault(True)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.setHorizontalSpacing(PAD)
        form.setVerticalSpacing(PAD)
        form.addRow("Project folder", self._folder)
        form.addRow("Images folder", self._images)
        form.addRow("Labels", self._labels)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(words("New project", "heading"))
        about = (
            "The project folder holds labels, trainings and checkpoints. "
            "Images stay where they are and are never changed."
        )
        layout.addWidget(words(about, "muted", wrap=True))
        layout.addLayout(form)
        layout.addWidget(self._problem)
        layout.addWidget(self._buttons)
        self.setMinimumWidth(640)
        for field in (self._folder, self._images):
            field.changed.connect(self._check)
        self._check()
        self._folder.line.setFocus()
        self._folder.line.selectAll()

    def value(self) -> NewProject:
        folder = self._folder.path
        assert folder is not None
        return NewProject(folder, self._images.path, label_names(self._labels.text()))

    def _check(self) -> None:
        problem = folder_problem(self._folder.path)
        restyle(self._folder.line, "invalid", bool(problem))
        images = self._images.path
        missing = images is not None and not images.is_dir()
        restyle(self._images.line, "invalid", missing)
        if not problem and missing:
            problem = f"{images}: there is no such folder."
        self._problem.setText(problem)
        self._create.setEnabled(not problem)


class SampleDialog(QDialog):
    """Asks where the sample goes and how many images it has."""

    def __init__(self, start: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sample project")
        self._folder = PathField("folder", "Folder of the project", str(start))
        self._folder.set_path(free_folder(start / "defectdesk-sample"))
        self._count = QSpinBox(minimum=8, maximum=5000, value=160)
        self._count.setSuffix(" images")
        self._count.setAccessibleName("Number of images")
        self._count.lineEdit().setTextMargins(6, 0, 0, 0)
        self._problem = words("", "error", wrap=True)
        self._problem.setMinimumHeight(20)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._create = buttons.addButton("Create sample", QDialogButtonBox.ButtonRole.AcceptRole)
        self._create.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.setHorizontalSpacing(PAD)
        form.setVerticalSpacing(PAD)
        form.addRow("Project folder", self._folder)
        form.addRow("Size", self._count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(words("Sample project", "heading"))
        about = (
            "Generated pictures of metal and other surfaces with scratches, pits, stains, inclusions "
            "and cracks, already labelled."
        )
        layout.addWidget(words(about, "muted", wrap=True))
        layout.addLayout(form)
        layout.addWidget(self._problem)
        layout.addWidget(buttons)
        self.setMinimumWidth(640)
        self._folder.changed.connect(self._check)
        self._check()

    def value(self) -> tuple[Path, int]:
        """Folder and number of images."""
        assert self._folder.path is not None
        return self._folder.path, self._count.value()

    def _check(self) -> None:
        problem = folder_problem(self._folder.path)
        restyle(self._folder.line, "invalid", bool(problem))
        self._problem.setText(problem)
        self._create.setEnabled(not problem)


def free_folder(wanted: Path) -> Path:
    """`wanted`, or with a number behind it where something is there already."""
    number, folder = 1, wanted
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder
