"""Exporting annotations: which, as what, where to, and what the format cannot hold, before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

from core.counting import format_count
from core.formats.annotations import WRITTEN, Format
from core.formats.exporting import ExportOptions, list_losses
from core.project.project import Project
from core.types import Split, Status
from desktop.base.background import Tasks
from desktop.base.theme import PAD
from desktop.kit.dialog_frame import DialogFrame, Paragraph, add_row
from desktop.kit.formatting import size
from desktop.kit.parts import restyle, words
from desktop.kit.path_field import PathField
from desktop.project.new_project_dialog import free_folder

KEY = "count for export"
ABOUT = "Writes the annotations for another program into a new folder. The project itself is not changed."
SPLIT_NAMES = {Split.TRAIN: "Train", Split.VAL: "Validation", Split.TEST: "Test", Split.NONE: "No split"}
Kind = tuple[Split, Status]


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much there is of each kind of image."""

    images: Mapping[Kind, int]
    boxes: Mapping[Kind, int]
    bytes: Mapping[Kind, int]


def count_amounts(project: Project) -> Amounts:
    """Count the images of each split and status, their boxes and the size of their files."""
    images: Counter[Kind] = Counter()
    boxes: Counter[Kind] = Counter()
    sizes: Counter[Kind] = Counter()
    for image in project.images():
        kind = image.split, image.status
        images[kind] += 1
        boxes[kind] += image.box_count
        sizes[kind] += image.size_bytes
    return Amounts(images, boxes, sizes)


def target_problem(folder: Path | None, *, overwrite: bool) -> str:
    """Why nothing can be written to `folder`; empty where something can."""
    if folder is None:
        return "Say where the export goes."
    if not folder.is_absolute():
        return "Give the whole path of the folder."
    if folder.is_file():
        return "This is a file; an export needs a folder."
    if holds_something(folder) and not overwrite:
        return "This folder is not empty: choose a new one, or allow to write over an earlier export."
    return ""


def holds_something(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


class ExportDialog(DialogFrame):
    """Asks; the caller exports."""

    def __init__(self, tasks: Tasks, project: Project, start: Path, parent: QWidget | None = None) -> None:
        super().__init__("Export annotations", ABOUT, confirm="Export", parent=parent, width=680)
        self._tasks = tasks
        self._start = start
        self._name = project.name
        self._amounts = Amounts({}, {}, {})
        self._touched = False  # whether the user named a folder
        self._format = QComboBox()
        for format in WRITTEN:
            self._format.addItem(format.display_name, format.value)
        self._losses = Paragraph("", "small")
        self._folder = PathField("folder", "Folder of the export", str(start), hint="A new or empty folder")
        self._overwrite = QCheckBox("Write over the earlier export in this folder")
        self._copy = QCheckBox("Copy the image files as well")
        self._splits = {split: QCheckBox(name) for split, name in SPLIT_NAMES.items()}
        self._statuses = {status: QCheckBox(status.value.capitalize()) for status in Status}
        self._result = words("", wrap=True)
        form = self.add_form()
        add_row(form, "Format", self._format)
        add_row(form, "Folder", self._folder)
        form.addRow("", self._overwrite)
        add_row(form, "Splits", _build_row("Splits", self._splits.values()))
        add_row(form, "Statuses", _build_row("Statuses", self._statuses.values()))
        add_row(form, "Images", self._copy)
        add_row(form, "Written", self._result)
        self.body.addWidget(self._losses)
        self.body.addStretch(1)
        for box in (*self._splits.values(), *self._statuses.values()):
            box.setChecked(True)
            box.toggled.connect(self._check_target)
        for box in (self._overwrite, self._copy):
            box.toggled.connect(self._check_target)
        self._format.currentIndexChanged.connect(self._format_chosen)
        self._folder.line.textEdited.connect(self._keep_named)
        self._folder.changed.connect(self._check_target)
        self._format_chosen()
        self._format.setFocus()
        tasks.run(KEY, lambda: count_amounts(project), self._show_amounts)

    def build_options(self) -> ExportOptions:
        """What was asked for."""
        assert self._folder.path is not None
        return ExportOptions(
            Format(self._format.currentData()),
            self._folder.path,
            "copy" if self._copy.isChecked() else "none",
            _list_ticked(self._splits),
            _list_ticked(self._statuses),
            self._overwrite.isVisibleTo(self) and self._overwrite.isChecked(),
        )

    def done(self, result: int) -> None:
        self._tasks.cancel(KEY)
        super().done(result)

    def _keep_named(self) -> None:
        self._touched = True

    def _format_chosen(self) -> None:
        format = Format(self._format.currentData())
        lost = list_losses(format)
        self._losses.setText(
            "\n".join([f"{format.display_name} cannot hold:", *(f"• {one}" for one in lost)])
            if lost
            else f"{format.display_name} holds everything."
        )
        restyle(self._losses, "role", "warning" if lost else "small")
        if not self._touched:
            self._folder.set_path(free_folder(self._start / f"{self._name}-{format.value}"))
        self._check_target()

    def _show_amounts(self, found: Amounts) -> None:
        self._amounts = found
        for split, box in self._splits.items():
            box.setText(f"{SPLIT_NAMES[split]} ({sum(n for (s, _), n in found.images.items() if s == split):,})")
        for status, box in self._statuses.items():
            box.setText(
                f"{status.value.capitalize()} ({sum(n for (_, s), n in found.images.items() if s == status):,})"
            )
        self._check_target()

    def _check_target(self) -> None:
        folder = self._folder.path
        self._overwrite.setVisible(folder is not None and folder.is_dir() and holds_something(folder))
        problem = target_problem(folder, overwrite=self._overwrite.isChecked())
        restyle(self._folder.line, "invalid", bool(problem))
        kinds = [
            (split, status)
            for split, of_split in self._splits.items()
            for status, of_status in self._statuses.items()
            if of_split.isChecked() and of_status.isChecked()
        ]
        images, boxes, total = (
            sum(counts.get(kind, 0) for kind in kinds)
            for counts in (self._amounts.images, self._amounts.boxes, self._amounts.bytes)
        )
        copied = f", {size(total)} of image files" if self._copy.isChecked() else ""
        self._result.setText(f"{format_count(images, 'image')} with {format_count(boxes, 'box')}{copied}")
        if not problem and self._amounts.images and not images:
            problem = "There is no image of these splits and statuses."
        self.refuse(problem)


K = TypeVar("K", Split, Status)


def _list_ticked(boxes: Mapping[K, QCheckBox]) -> frozenset[K] | None:
    """What is ticked; None where everything is."""
    ticked = frozenset(kind for kind, box in boxes.items() if box.isChecked())
    return None if len(ticked) == len(boxes) else ticked


def _build_row(name: str, boxes: Iterable[QCheckBox]) -> QWidget:
    row = QWidget()
    row.setAccessibleName(name)
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(PAD)
    for box in boxes:
        layout.addWidget(box)
    layout.addStretch(1)
    return row
