"""What is dropped on the window: a project, annotations, images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QMessageBox

from core.errors import InputError
from core.formats import registry
from core.project.records import DATABASE_FILE
from desktop.kit.error_box import message_box
from desktop.project.add_images import ImageAdder
from desktop.project.flow_context import READ_ONLY, FlowContext
from desktop.project.import_export import AnnotationTransfer
from desktop.project.open_project import ProjectOpener

ANNOTATION_SUFFIXES = frozenset({".json", ".xml", ".csv", ".yaml", ".yml"})
KEY = "look at what was dropped"


class DropHandler:
    """Gives what was dropped to whoever takes it."""

    def __init__(
        self, context: FlowContext, opener: ProjectOpener, adder: ImageAdder, transfer: AnnotationTransfer
    ) -> None:
        self._context, self._opener, self._adder, self._transfer = context, opener, adder, transfer

    def take_paths(self, paths: Sequence[Path]) -> None:
        """Open a project, import annotations, or add images; a folder that may be either is asked about."""
        first, project = paths[0], self._context.project
        if len(paths) == 1 and (first / DATABASE_FILE).is_file():
            self._opener.open_project(first)
        elif len(paths) == 1 and first.name == DATABASE_FILE:
            self._opener.open_project(first.parent)
        elif project is not None and project.read_only:
            self._context.session.message.emit(READ_ONLY)
        elif len(paths) == 1 and first.suffix.lower() in ANNOTATION_SUFFIXES and not first.is_dir():
            self._transfer.import_annotations(first)
        elif len(paths) == 1 and first.is_dir():
            self._look_into(first)
        else:
            self._add_images(paths)

    def _look_into(self, folder: Path) -> None:
        def add_without_annotations(error: Exception) -> None:
            if not isinstance(error, InputError | OSError):
                raise error
            self._add_images([folder])

        self._context.services.tasks.run(
            KEY,
            lambda: registry.detect_format(folder),
            lambda found: self._ask_what_to_import(folder, found.summary),
            add_without_annotations,
        )

    def _ask_what_to_import(self, folder: Path, summary: str) -> None:
        text = f"{folder} holds annotations: {summary}."
        box = message_box(self._context.window, "Import the annotations, too?", text, sign="info")
        both = box.addButton("Import annotations…", QMessageBox.ButtonRole.AcceptRole)
        images = box.addButton("Add the images only", QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(both)
        box.exec()
        if box.clickedButton() is both:
            self._transfer.import_annotations(folder)
        elif box.clickedButton() is images:
            self._add_images([folder])

    def _add_images(self, paths: Sequence[Path]) -> None:
        if self._context.project is not None:
            self._adder.add_paths(paths)
        elif len(paths) == 1 and paths[0].is_dir():
            self._opener.ask_new_project(paths[0])
        else:
            self._context.session.message.emit("Make or open a project first, then drop images on it")
