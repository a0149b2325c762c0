"""Annotations of other programs, in and out."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from core.changes import Changes
from core.counting import format_count
from core.formats.annotations import ImportedAnnotations
from core.formats.exporting import ExportReport, export_project
from core.formats.importing import import_into
from core.project.project import Project
from core.types import Problem
from desktop.kit.problems_dialog import ProblemsDialog
from desktop.kit.progress_dialog import Progress
from desktop.project.export_dialog import ExportDialog
from desktop.project.flow_context import FlowContext
from desktop.project.import_dialog import ImportDialog, ImportRequest

NOTE = "Everything is imported in one step at the end: cancelling changes nothing."
WHOLE = "All images"  # stands in the table for what is counted over all of them
EXPORT_NOTE = "Cancelling leaves nothing of this export behind."


class AnnotationTransfer:
    """Import and export, each behind its dialog."""

    def __init__(self, context: FlowContext) -> None:
        self._context = context

    # -- in

    def import_annotations(self, source: Path | None = None) -> None:
        """Into the open project; into a new one where none is open."""
        if self._context.project is None:
            self.import_as_project(source)
        elif (project := self._context.project_to_change()) is not None and (
            wanted := self._ask_import(project, source)
        ):
            self._import_into(project, wanted.imported)

    def import_as_project(self, source: Path | None = None) -> None:
        """Make a project of annotations and their images."""
        wanted = self._ask_import(None, source)
        if wanted is None or wanted.folder is None or not self._context.may_close():
            return
        folder, imported = wanted.folder, wanted.imported

        def work(progress: Progress) -> list[Problem]:
            with Project.creating(folder) as project:
                return _new_problems(imported, import_into(project, imported, progress)[1])

        def done(problems: list[Problem]) -> None:
            self._context.session.open(folder)
            self._report_import(imported, len(imported.images), problems)

        self._context.behind_dialog(
            "Importing annotations",
            work,
            done,
            "The project could not be made",
            unit="images",
            note="Cancelling leaves no project behind.",
        )

    def _ask_import(self, project: Project | None, source: Path | None) -> ImportRequest | None:
        dialog = ImportDialog(
            self._context.services.tasks, self._context.find_start_folder(), project, self._context.window
        )
        if source is not None:
            dialog.choose_source(source)
        if not dialog.exec():
            return None
        wanted = dialog.build_request()
        self._context.remember_folder(wanted.imported.source.parent)
        return wanted

    def _import_into(self, project: Project, imported: ImportedAnnotations) -> None:
        def done(result: tuple[Changes, list[Problem]]) -> None:
            changes, problems = result
            self._context.session.notify(changes)
            self._report_import(imported, len(changes.images), _new_problems(imported, problems))

        def work(progress: Progress) -> tuple[Changes, list[Problem]]:
            result = import_into(project, imported, progress)
            self._context.session.prepare_lists(project)
            return result

        self._context.behind_dialog(
            "Importing annotations",
            work,
            done,
            "The annotations could not be imported",
            unit="images",
            note=NOTE,
        )

    def _report_import(self, imported: ImportedAnnotations, images: int, problems: list[Problem]) -> None:
        """Say what was done; what the dialog has shown before is not said again."""
        text = f"{format_count(images, 'image')} taken in from {imported.source.name}."
        if not images:
            text = f"Everything in {imported.source.name} is in the project already: nothing was changed."
        if problems:
            more = f"{text} {format_count(len(problems), 'more thing')} to know: the table says which."
            ProblemsDialog(self._context.window, "Imported, with remarks", more, problems).open()
        self._context.session.message.emit(text)

    # -- out

    def export_annotations(self) -> None:
        project = self._context.project
        if project is None or not self._context.is_written():
            return
        dialog = ExportDialog(
            self._context.services.tasks, project, self._context.find_start_folder(), self._context.window
        )
        if not dialog.exec():
            return
        options = dialog.build_options()
        self._context.remember_folder(options.folder.parent)
        self._context.behind_dialog(
            f"Exporting as {options.format.display_name}",
            lambda progress: export_project(project, options, progress),
            self._report_export,
            "The annotations could not be exported",
            unit="images",
            note=EXPORT_NOTE,
        )

    def _report_export(self, report: ExportReport) -> None:
        written = (
            f"{format_count(report.images, 'image')} with {format_count(report.boxes, 'box')}, in "
            f"{format_count(report.files, 'file')} in {report.folder}."
        )
        if report.left_out:
            were = "is" if report.left_out == 1 else "are"
            written += f" {format_count(report.left_out, 'image')} {were} left out with all boxes."
        if rows := len(report.losses) + len(report.dropped):
            written += f" {format_count(rows, 'thing')} could not be written as it is: the table says which."
        ProblemsDialog(
            self._context.window,
            "Export finished",
            written,
            [*(Problem(WHOLE, loss.text) for loss in report.losses), *report.dropped],
            ("Open folder", lambda: open_folder(report.folder)),
        ).open()


def open_folder(folder: Path) -> None:
    """Show a folder in the desktop's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def _new_problems(imported: ImportedAnnotations, problems: list[Problem]) -> list[Problem]:
    """Those that came up only while importing."""
    known = set(imported.problems)
    return [problem for problem in problems if problem not in known]
