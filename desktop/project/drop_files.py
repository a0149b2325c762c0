"""What is dropped on the window: a project, annotations, images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QMessageBox

from core.errors import InputError
from core.formats import registry
from core.project.records import DATABASE_FILE
from desktop.kit.error_box import message_box
from desktop.project.add_images import Adding
from desktop.project.flow_context import READ_ONLY, FlowContext
from desktop.project.import_export import Exchange
from desktop.project.open_project import Opening

ANNOTATION_SUFFIXES = frozenset({".json", ".xml", ".csv", ".yaml", ".yml"})
KEY = "look at what was dropped"


class Dropping:
    """Gives what was dropped to whoever takes it."""

    def __init__(self, context: FlowContext, opening: Opening, adding: Adding, exchange: Exchange) -> None:
        self._context, self._opening, self._adding, self._exchange = context, opening, adding, exchange

    def take(self, paths: Sequence[Path]) -> None:
        """Open a project, import annotations, or add images; a folder that may be either is asked about."""
        first, project = paths[0], self._context.project
        if len(paths) == 1 and (first / DATABASE_FILE).is_file():
            self._opening.open(first)
        elif len(paths) == 1 and first.name == DATABASE_FILE:
            self._opening.open(first.parent)
        elif project is not None and project.read_only:
            self._context.session.message.emit(READ_ONLY)
        elif len(paths) == 1 and first.suffix.lower() in ANNOTATION_SUFFIXES and not first.is_dir():
            self._exchange.import_annotations(first)
        elif len(paths) == 1 and first.is_dir():
            self._look_into(first)
        else:
            self._add(paths)

    def _look_into(self, folder: Path) -> None:
        def failed(error: Exception) -> None:
            if not isinstance(error, InputError | OSError):
                raise error
            self._add([folder])

        self._context.services.tasks.run(
            KEY, lambda: registry.detect_format(folder), lambda found: self._ask(folder, found.summary), failed
        )

    def _ask(self, folder: Path, summary: str) -> None:
        text = f"{folder} holds annotations: {summary}."
        box = message_box(self._context.window, "Import the annotations, too?", text, sign="info")
        both = box.addButton("Import annotations…", QMessageBox.ButtonRole.AcceptRole)
        images = box.addButton("Add the images only", QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(both)
        box.exec()
        if box.clickedButton() is both:
            self._exchange.import_annotations(folder)
        elif box.clickedButton() is images:
            self._add([folder])

    def _add(self, paths: Sequence[Path]) -> None:
        if self._context.project is not None:
            self._adding.add(paths)
        elif len(paths) == 1 and paths[0].is_dir():
            self._opening.new(paths[0])
        else:
            self._context.session.message.emit("Make or open a project first, then drop images on it")
