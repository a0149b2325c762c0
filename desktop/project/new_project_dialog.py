"""Where a new project goes, where its images are, its first labels, and what its images belong together by."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLineEdit, QWidget

from core.counting import format_count
from core.errors import InputError
from core.imaging.decode import IMAGE_SUFFIXES
from core.project.images import grouping
from core.project.records import DATABASE_FILE
from core.types import label_name_fault
from desktop.base.background import Tasks
from desktop.base.theme import GAP
from desktop.kit.dialog_frame import DialogFrame, Paragraph, add_row, numeric, plain_button
from desktop.kit.error_box import error_text
from desktop.kit.number_fields import WholeSpinBox
from desktop.kit.parts import restyle
from desktop.kit.path_field import PathField

KEY = "look for images"
LOOKED_AT = 5_000  # files; enough to show what a rule makes of them
MAX_LABEL_FILE = 1_000_000  # bytes
ABOUT = (
    "A project is a folder with one small database; later also trained models. Images stay where they are: the "
    "project refers to them and never changes them."
)


@dataclass(frozen=True, slots=True)
class NewProject:
    """What was asked for."""

    folder: Path
    images: Path | None
    labels: tuple[str, ...]
    group: grouping.Grouper | None = None


def label_names(text: str) -> tuple[str, ...]:
    """The names in a line with commas or semicolons between them, each once."""
    return tuple(dict.fromkeys(name for part in re.split(r"[,;\n]", text) if (name := part.strip())))


def read_label_names(path: Path) -> tuple[str, ...]:
    """The names in a text file, one a line (as `classes.txt` of other programs). Raises InputError."""
    try:
        if path.stat().st_size > MAX_LABEL_FILE:
            raise InputError(f"{path}: too large for a list of labels; choose a text file with one name a line")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not text in UTF-8; save it as such, with one label a line") from error
    names = tuple(dict.fromkeys(name for line in text.splitlines() if (name := line.strip())))
    if not names:
        raise InputError(f"{path}: there is no label in it; write one name a line")
    return names


def label_problem(names: Sequence[str]) -> str:
    """What is wrong with the first name that is no good; empty where all are."""
    for name in names:
        if fault := label_name_fault(name):
            return f"Label “{name[:30]}”: {fault}."
    return ""


def folder_problem(folder: Path | None) -> str:
    """Why no project can be made in `folder`; empty where one can."""
    if folder is None:
        return "Say where the project goes."
    if not folder.is_absolute():
        return "Give the whole path of the folder."
    if (folder / DATABASE_FILE).exists():
        return "There is a project in this folder already: open it, or choose another folder."
    if folder.is_file():
        return "This is a file; a project needs a folder."
    above = next((place for place in (folder, *folder.parents) if place.is_dir()), None)
    if above is None or not os.access(above, os.W_OK):
        return f"{above or folder}: this folder cannot be written; choose another."
    return ""


def first_images(folder: Path) -> list[str]:
    """Paths of images below `folder`, relative to it, the first few thousand."""
    found = (
        Path(place, name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
        if Path(name).suffix.lower() in IMAGE_SUFFIXES
    )
    return list(islice(found, LOOKED_AT))


class NewProjectDialog(DialogFrame):
    """Asks; the project is made by the caller."""

    def __init__(self, tasks: Tasks, start: Path, parent: QWidget | None = None) -> None:
        super().__init__("New project", ABOUT, confirm="Create project", parent=parent, width=680)
        self._tasks = tasks
        self._paths: list[str] = []
        self._folder = PathField("folder", "Folder of the project", str(start), hint="A new or empty folder")
        self._folder.set_path(free_folder(start / "defects"))
        self._images = PathField("folder", "Folder with images", str(start), hint="Can also be added later")
        self._labels = QLineEdit(placeholderText="scratch, pit, stain   (can be changed at any time)")
        self._labels.setAccessibleName("Labels")
        self._group = QComboBox()
        for name in ("Each image for itself", "By folder", "By a pattern in the file name"):
            self._group.addItem(name)
        self._group.setAccessibleName("Images belong together by")
        self._group.setToolTip("Images of one group (a part, a lot) are never divided over training and validation.")
        self._pattern = QLineEdit("{group}_{*}")
        self._pattern.setToolTip(grouping.PATTERN_HELP)
        self._pattern.setAccessibleName("Pattern of the file names")
        self._preview = Paragraph("", "small")
        form = self.add_form()
        add_row(form, "Project folder", self._folder)
        add_row(form, "Images folder", self._images)
        add_row(form, "Labels", _side_by_side(self._labels, plain_button("From a file…", self._choose_labels)))
        add_row(form, "Groups", _side_by_side(self._group, self._pattern, widest=1))
        form.addRow("", self._preview)
        self.body.addStretch(1)
        self._look = QTimer(self, singleShot=True, interval=250)
        self._look.timeout.connect(self._look_for_images)
        self._folder.changed.connect(self._check_fields)
        self._images.changed.connect(self._look.start)
        self._images.changed.connect(self._check_fields)
        self._labels.textChanged.connect(self._check_fields)
        self._pattern.textChanged.connect(self._check_fields)
        self._group.currentIndexChanged.connect(self._check_fields)
        self._check_fields()
        self._folder.line.setFocus()
        self._folder.line.selectAll()

    def read_project(self) -> NewProject:
        folder = self._folder.path
        assert folder is not None
        return NewProject(folder, self._images.path, label_names(self._labels.text()), self._build_grouper())

    def use_images(self, folder: Path) -> None:
        """Fill in the folder of images, and a place for the project beside it."""
        self._images.set_path(folder)
        self._folder.set_path(free_folder(folder.parent / f"{folder.name}-project"))

    def done(self, result: int) -> None:
        self._look.stop()
        self._tasks.cancel(KEY)
        super().done(result)

    def take_labels(self, path: Path) -> None:
        """Add the names of a text file to the line."""
        try:
            names = (*label_names(self._labels.text()), *read_label_names(path))
        except InputError as error:
            self.say(error_text(error), "error")
            return
        self._labels.setText(", ".join(dict.fromkeys(names)))

    def _choose_labels(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Labels, one a line", "", "Text (*.txt);;All files (*)")
        if chosen:
            self.take_labels(Path(chosen))

    def _look_for_images(self) -> None:
        self._paths = []
        self._check_fields()  # what was found in another folder is not said of this one
        if (folder := self._images.path) is not None:
            self._tasks.run(KEY, lambda: first_images(folder), self._show_images)

    def _show_images(self, paths: list[str]) -> None:
        self._paths = paths
        self._check_fields()

    def _build_grouper(self) -> grouping.Grouper | None:
        """Raises InputError for a pattern that is none."""
        if self._group.currentIndex() == 0:
            return None
        if self._group.currentIndex() == 1:
            return lambda paths: grouping.by_folder(paths, 1)
        rule = grouping.pattern_rule(self._pattern.text())
        return lambda paths: [rule(path) for path in paths]

    def _check_fields(self) -> None:
        problem = folder_problem(self._folder.path)
        restyle(self._folder.line, "invalid", bool(problem))
        images = self._images.path
        missing = images is not None and not images.is_dir()
        restyle(self._images.line, "invalid", missing)
        faulty = label_problem(label_names(self._labels.text()))
        restyle(self._labels, "invalid", bool(faulty))
        wrong_pattern = self._show_groups()
        restyle(self._pattern, "invalid", bool(wrong_pattern))
        self.refuse(problem or (f"{images}: there is no such folder." if missing else "") or faulty or wrong_pattern)

    def _show_groups(self) -> str:
        """Show what the rule makes of the images; returns what is wrong with it."""
        self._pattern.setVisible(self._group.currentIndex() == 2)
        found = (
            format_count(len(self._paths), "image") if len(self._paths) < LOOKED_AT else f"{LOOKED_AT:,} images or more"
        )
        self._preview.setText(f"{found} found." if self._paths else "")
        try:
            group = self._build_grouper()
        except InputError as error:
            return error_text(error)
        if group is not None and self._paths:
            made = grouping.collect_groups(dict(enumerate(self._paths)), group(self._paths))
            names = ", ".join(f"{group.name} ({group.count:,})" for group in made.proposals[:4])
            more = ", …" if len(made.proposals) > 4 else ""
            rest = f" {made.unmatched.count:,} stay for themselves." if made.unmatched.count else ""
            self._preview.setText(f"{found} found, {format_count(len(made.proposals), 'group')}: {names}{more}.{rest}")
        return ""


class SampleDialog(DialogFrame):
    """Asks where the sample goes and how many images it has."""

    def __init__(self, start: Path, parent: QWidget | None = None) -> None:
        about = (
            "Generated pictures of metal and other surfaces with scratches, pits, stains, inclusions "
            "and cracks, already labelled."
        )
        super().__init__("Sample project", about, confirm="Create sample", parent=parent)
        self._folder = PathField("folder", "Folder of the project", str(start))
        self._folder.set_path(free_folder(start / "defectdesk-sample"))
        self._count = WholeSpinBox(8, 5000, 160)
        self._count.setSuffix(" images")
        numeric(self._count, "Number of images")
        form = self.add_form()
        add_row(form, "Project folder", self._folder)
        add_row(form, "Size", self._count)
        self._folder.changed.connect(self._check_fields)
        self._check_fields()

    def read_sample(self) -> tuple[Path, int]:
        """Folder and number of images."""
        assert self._folder.path is not None
        return self._folder.path, self._count.value()

    def _check_fields(self) -> None:
        problem = folder_problem(self._folder.path)
        restyle(self._folder.line, "invalid", bool(problem))
        self.refuse(problem)


def free_folder(wanted: Path) -> Path:
    """`wanted`, or with a number behind it where something is there already."""
    number, folder = 1, wanted
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder


def _side_by_side(*fields: QWidget, widest: int = 0) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GAP)
    for place, field in enumerate(fields):
        layout.addWidget(field, 1 if place == widest else 0)
    row.setFocusProxy(fields[0])
    row.setAccessibleName(fields[0].accessibleName())
    return row
