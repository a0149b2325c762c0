"""Adding images: files, folders, and what was dropped on the window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog

from core.changes import Changes
from core.counting import format_count
from core.imaging.decode import IMAGE_SUFFIXES
from core.project.images.copies import COPY
from core.project.images.grouping import Grouper
from core.project.images.image_files import NOTICE
from core.types import Problem
from desktop.kit.problems_dialog import ProblemsDialog
from desktop.kit.progress_dialog import Progress
from desktop.project.flow_context import FlowContext

NOTE = "The images are added when all of them were read: cancelling adds none."


class ImageAdder:
    """Adds in the background, and says what could not be added."""

    def __init__(self, context: FlowContext) -> None:
        self._context = context

    def add_paths(self, paths: Sequence[Path], group: Grouper | None = None) -> None:
        """Add image files and folders of images; the new ones are put into groups by `group`."""
        project = self._context.project_to_change()
        if project is None:
            return

        def add_to_project(progress: Progress) -> tuple[Changes, list[Problem]]:
            result = project.files.add_images(paths, progress, group)
            self._context.session.prepare_lists(project)
            return result

        self._context.behind_dialog(
            "Adding images",
            add_to_project,
            self._report_added,
            "The images could not be added",
            unit="images",
            note=NOTE,
        )

    def choose_images(self) -> None:
        suffixes = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        chosen, _ = QFileDialog.getOpenFileNames(
            self._context.window,
            "Add images",
            str(self._context.find_start_folder()),
            f"Images ({suffixes});;All files (*)",
        )
        if chosen:
            self._context.remember_folder(Path(chosen[0]).parent)
            self.add_paths([Path(name) for name in chosen])

    def choose_image_folder(self) -> None:
        start = str(self._context.find_start_folder())
        if chosen := QFileDialog.getExistingDirectory(self._context.window, "Add a folder of images", start):
            self._context.remember_folder(Path(chosen))
            self.add_paths([Path(chosen)])

    def _report_added(self, result: tuple[Changes, list[Problem]]) -> None:
        changes, told = result
        session = self._context.session
        session.notify(changes)
        problems = [problem for problem in told if problem.kind not in (COPY, NOTICE)]
        notes = "".join(f"; {one.file} is {one.problem}" for one in told if one.kind == COPY)
        notes += "".join(f"; {Path(one.file).name}: {one.problem}" for one in told if one.kind == NOTICE)
        added = format_count(len(changes.images), "image")
        if problems:
            text = f"{added} added. {format_count(len(problems), 'file')} could not be: the table says why."
            text += notes.replace("; ", " Note: ", 1)
            ProblemsDialog(self._context.window, "Some files were not added", text, problems).open()
        elif changes.images:
            session.message.emit(f"{added} added{notes}")
        else:
            session.message.emit("All of these images are in the project already")
