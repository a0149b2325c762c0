"""Importing annotations of any format: what is in them and what would happen is shown before anything is changed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QProgressBar, QTabWidget, QVBoxLayout, QWidget

from core.errors import InputError
from core.formats import registry
from core.formats.annotations import Format, ImportedAnnotations
from core.formats.augmented_copies import find_ungrouped_copies, group_copies
from core.formats.csv_columns import ColumnsError
from core.formats.difficult_marks import choose_difficult, count_marks
from core.formats.empty_images import EmptyImages, set_empty_status
from core.formats.text import EncodingError
from core.project.project import Project
from desktop.base.background import Tasks
from desktop.base.theme import GAP, PAD
from desktop.kit.dialog_frame import LABEL_WIDTH, DialogFrame, add_row
from desktop.kit.error_box import error_text
from desktop.kit.parts import restyle, words
from desktop.kit.path_field import PathField
from desktop.kit.problems_dialog import ProblemPanel
from desktop.kit.progress_dialog import Cancelled
from desktop.project.candidate_chooser import CandidateChooser
from desktop.project.column_chooser import ColumnChooser
from desktop.project.encoding_chooser import EncodingChooser
from desktop.project.import_overview import ImportOverview, preview_import, with_marks_chosen
from desktop.project.mark_chooser import MarkChooser
from desktop.project.new_project_dialog import folder_problem, free_folder

KEY = "read annotations"
TYPING = 250  # ms without a key before what was typed is read
ABOUT = (
    "COCO, Pascal VOC, YOLO, labelme, CSV, CVAT, VGG Image Annotator, DeepPCB or masks. Everything found is shown here "
    "first; nothing is written before Import."
)
FILTER = "Annotations (*.json *.xml *.txt *.csv *.yaml *.yml);;All files (*)"
_EMPTY = (
    ("Stay unlabelled: nobody has looked at them yet", EmptyImages.UNLABELLED),
    ("Become clean: verified free of defects, examples for training", EmptyImages.CLEAN),
    ("Become clean, also those that have no label file at all", EmptyImages.CLEAN_ALL),
)
PROBLEMS, IMAGES, CANDIDATES = 0, 1, 2  # tabs
TALL = 740  # pixels, once there are tables to show


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What the user agreed to."""

    imported: ImportedAnnotations
    folder: Path | None  # of the project to be made; None: into the open one


class Reading:
    """One reading in the background; stopped when another begins."""

    def __init__(self) -> None:
        self.stop = threading.Event()


class ImportDialog(DialogFrame):
    """Reads in the background; `build_request` is what to do once it was accepted."""

    _reported = Signal(object, int, int)  # which reading, done, total

    def __init__(self, tasks: Tasks, start: Path, project: Project | None, parent: QWidget | None = None) -> None:
        """Into `project`, or with None into a new one that is asked for."""
        title = "Import annotations" if project is not None else "Import annotations as a new project"
        super().__init__(title, ABOUT, confirm="Import", parent=parent, width=760)
        self._tasks = tasks
        self._project = project
        self._imported: ImportedAnnotations | None = None
        self._found: ImportOverview | None = None  # of the same
        self.reading: Reading | None = None
        self._source = PathField(
            "either", "Annotations", str(start), filter=FILTER, hint="A file or a folder; can be dropped here"
        )
        self._format = QComboBox()
        self._format.addItem("Detected from the content", None)
        for format in Format:
            self._format.addItem(format.display_name, format.value)
        self._root = PathField(
            "folder", "Folder of the images", str(start), hint="Where the annotations say, or beside them"
        )
        form = self.add_form()
        add_row(form, "Annotations", self._source)
        add_row(form, "Format", self._format)
        add_row(form, "Images folder", self._root)
        self._empty = QComboBox()
        for text, empty in _EMPTY:
            self._empty.addItem(text, empty)
        add_row(form, "Without a box", self._empty)
        self.marks = MarkChooser()
        add_row(form, "Difficult", self.marks)
        self._form = form
        self.columns = ColumnChooser()
        form.addRow(self.columns)
        self.encoding = EncodingChooser()
        form.addRow(self.encoding)
        self._folder: PathField | None = None
        if project is None:
            self._folder = PathField("folder", "Folder of the new project", str(start), hint="A new or empty folder")
            self._folder.changed.connect(self._check_request)
            add_row(form, "New project", self._folder)
        self.group_copies = QCheckBox()
        self.group_copies.setChecked(True)
        self.group_copies.setToolTip("No split divides a group: the model is not judged on copies of what it learned")
        form.addRow("", self.group_copies)
        self._bar = QProgressBar(minimum=0, maximum=0)
        self._bar.setAccessibleName("Reading the annotations")
        self.overview = OverviewLines()
        self.problems = ProblemPanel()
        self.images = ProblemPanel(noun="image", titles=("Image", "What happens"))
        self.tabs = QTabWidget()
        self.tabs.addTab(_pad_page(self.problems), "Problems")
        self.tabs.addTab(_pad_page(self.images), "Images")
        self.candidates = CandidateChooser()
        self.tabs.addTab(_pad_page(self.candidates), "Several files")
        self.body.addWidget(self._bar)
        self.body.addWidget(self.overview)
        self.body.addWidget(self.tabs, 1)
        self.body.addStretch(0)  # takes the room while there is no table
        self.resize(880, 0)
        self.setAcceptDrops(True)
        self._typing = QTimer(self, singleShot=True, interval=TYPING)
        self._typing.timeout.connect(self._start_reading)
        self._source.changed.connect(self._source_changed)
        self._root.changed.connect(self.candidates.clear)
        self._root.changed.connect(self._read_soon)
        self._format.currentIndexChanged.connect(self._start_reading)
        self.columns.changed.connect(self._start_reading)
        self.encoding.changed.connect(self._start_reading)
        self.candidates.changed.connect(self._start_reading)
        self.marks.changed.connect(self._marks_chosen)
        self._empty.currentIndexChanged.connect(self._check_request)
        self._reported.connect(self._show_progress)
        self._show_nothing()
        self._source.line.setFocus()

    def choose_source(self, source: Path) -> None:
        """Fill in a file or folder, as if it had been browsed for, and read it at once."""
        self.columns.clear()
        self.encoding.clear()
        self.candidates.clear()
        self._source.set_path(source)
        self._start_reading()

    def build_request(self) -> ImportRequest:
        """What was agreed to, once the dialog was accepted."""
        assert self._imported is not None
        grouping = self.group_copies.isVisibleTo(self) and self.group_copies.isChecked()
        imported = group_copies(self._imported) if grouping else self._imported
        imported = set_empty_status(imported, EmptyImages(self._empty.currentData()))
        return ImportRequest(imported, self._folder.path if self._folder is not None else None)

    def done(self, result: int) -> None:
        self._stop_reading()
        super().done(result)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        first = next(url for url in event.mimeData().urls() if url.isLocalFile())
        event.acceptProposedAction()
        self.choose_source(Path(first.toLocalFile()))

    # -- reading

    def _source_changed(self) -> None:
        self.columns.clear()
        self.encoding.clear()
        self.candidates.clear()
        self._read_soon()
        source = self._source.path
        if self._folder is not None and source is not None and source.is_absolute():
            self._folder.set_path(free_folder(source.parent / f"{source.stem or 'annotations'}-project"))

    def _read_soon(self) -> None:
        self._stop_reading()
        self._show_nothing()
        self._typing.start()

    def _start_reading(self) -> None:
        self._stop_reading()
        self._show_nothing()
        source, root, project = self._source.path, self._root.path, self._project
        named: str | None = self._format.currentData()
        format = Format(named) if named is not None else None
        columns, encoding = self.columns.columns, self.encoding.encoding
        chosen = self.candidates.chosen
        if source is None:
            return
        reading = self.reading = Reading()
        self._bar.setRange(0, 0)
        self._bar.show()
        self.say("Reading…")

        def report_progress(done: int, total: int) -> None:
            if reading.stop.is_set():
                raise Cancelled
            self._reported.emit(reading, done, total)

        def read_source() -> tuple[ImportedAnnotations, ImportOverview, str]:
            detected = registry.detect_format(source) if format is None else None
            path = detected.path if detected is not None else source
            imported = registry.read_annotations(
                path,
                format or (detected.format if detected else None),
                root,
                report_progress,
                columns,
                encoding,
                chosen,
            )
            return imported, preview_import(imported, project), detected.summary if detected is not None else ""

        self._tasks.run(KEY, read_source, self._show_found, self._show_failure)

    def _stop_reading(self) -> None:
        self._typing.stop()
        self._tasks.cancel(KEY)
        if self.reading is not None:
            self.reading.stop.set()
            self.reading = None

    def _show_progress(self, reading: Reading, done: int, total: int) -> None:
        if reading is self.reading:
            self._bar.setRange(0, total)
            self._bar.setValue(done)
            looking = f"Looking for the images… {done:,} files and folders seen"  # nobody knows yet how many there are
            self.say(f"Reading… {done:,} of {total:,}" if total else looking)

    # -- showing

    def _show_nothing(self) -> None:
        self._imported = None
        self._bar.hide()
        self._form.setRowVisible(self.marks, False)
        self.group_copies.hide()
        self.overview.hide()
        self.tabs.hide()
        self._format.setItemText(0, "Detected from the content")
        restyle(self._source.line, "invalid", False)
        restyle(self._root.line, "invalid", False)
        self.confirm.setEnabled(False)
        self.say("")

    def _show_found(self, result: tuple[ImportedAnnotations, ImportOverview, str]) -> None:
        imported, found, summary = result
        self.reading = None
        self._bar.hide()
        self._format.setItemText(0, f"Detected: {summary or imported.format.display_name}")
        marks = count_marks(imported)
        self.marks.show_marks(marks)
        self._form.setRowVisible(self.marks, bool(marks))
        self._imported, self._found = imported, found
        imported = self._take_marks()
        copies = find_ungrouped_copies(imported)
        if copies is not None:
            self.group_copies.setText(
                f"Put the copies of a picture into one group ({copies.images:,} images of {copies.counted_pictures}, "
                "by Roboflow's names)"
            )
        self.group_copies.setVisible(copies is not None)
        base = imported.source if imported.source.is_dir() else imported.source.parent
        self.images.show_problems(found.lines, self._root.path or base)
        self.tabs.setTabText(IMAGES, f"Images ({found.images:,})")
        self.candidates.ask(imported.ambiguous, base)
        self.tabs.setTabVisible(CANDIDATES, self.candidates.is_asking)
        self.tabs.setTabText(CANDIDATES, f"Several files ({len(imported.ambiguous):,})")
        self.tabs.setCurrentIndex(CANDIDATES if imported.ambiguous else PROBLEMS if imported.problems else IMAGES)
        self.overview.show()
        self.tabs.show()
        self.grow_to(TALL)
        restyle(self._root.line, "invalid", found.missing > 0)
        self._check_request()

    def _take_marks(self) -> ImportedAnnotations:
        """Take the boxes with the chosen marks as difficult, and show what follows."""
        assert self._imported is not None and self._found is not None
        imported = self._imported = choose_difficult(self._imported, self.marks.chosen)
        self._found = with_marks_chosen(self._found, imported)
        self.overview.show_texts(self._found.texts())
        base = imported.source if imported.source.is_dir() else imported.source.parent
        self.problems.show_problems(imported.problems, base)
        self.tabs.setTabText(PROBLEMS, f"Problems ({len(imported.problems):,})")
        return imported

    def _marks_chosen(self) -> None:
        if self._imported is not None:
            self._take_marks()

    def _show_failure(self, error: Exception) -> None:
        if isinstance(error, Cancelled):
            return
        if not isinstance(error, InputError | OSError):
            raise error
        self.reading = None
        self._bar.hide()
        if isinstance(error, ColumnsError):
            self.columns.ask(error)
            self.grow_to(TALL)
            self.say(f"Say which columns of the table are which: {', '.join(error.missing)}.", "warning")
            return
        if isinstance(error, EncodingError):
            self.encoding.ask(error)
            self.grow_to(TALL)
            self.say(
                "The table is no text in UTF-8. Say in which encoding it is: each shows what it reads as.", "warning"
            )
            return
        restyle(self._source.line, "invalid", True)
        self.say(error_text(error), "error")

    def _check_request(self) -> None:
        if self._imported is None:
            return
        problem = folder_problem(self._folder.path) if self._folder is not None else ""
        if self._folder is not None:
            restyle(self._folder.line, "invalid", bool(problem))
        if not self._imported.images:
            what = "the folder that the images are in" if self._imported.missing else "other annotations"
            problem = f"There is no image to import: choose {what}."
        self.refuse(problem)
        told = set_empty_status(self._imported, EmptyImages(self._empty.currentData())).problems
        if not problem and len(told) > len(self._imported.problems):
            self.say(f"{told[-1].problem}.", "warning")
        elif not problem and self._imported.problems:
            self.say("What the table of problems lists is left out or mended as it says; everything else is imported.")


class OverviewLines(QWidget):
    """What was found, one line a kind."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(PAD)
        self._grid.setVerticalSpacing(GAP // 2)
        self._grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        self._grid.setColumnStretch(1, 1)
        self._lines: list[tuple[QLabel, QLabel]] = []

    @property
    def texts(self) -> dict[str, str]:
        """What is said, by the kind of thing that was found."""
        return {name.text(): value.text() for name, value in self._lines if name.isVisibleTo(self)}

    def show_texts(self, texts: tuple[tuple[str, str], ...]) -> None:
        while len(self._lines) < len(texts):
            row = len(self._lines)
            self._lines.append((words("", "muted"), words("", wrap=True)))
            for column, label in enumerate(self._lines[-1]):
                label.setTextFormat(Qt.TextFormat.PlainText)
                self._grid.addWidget(label, row, column, Qt.AlignmentFlag.AlignTop)
        for number, (name, value) in enumerate(self._lines):
            shown = number < len(texts)
            name.setVisible(shown)
            value.setVisible(shown)
            if shown:
                name.setText(texts[number][0])
                value.setText(texts[number][1])
                restyle(value, "role", "warning" if texts[number][0] == "Not found" else "")


def _pad_page(content: QWidget) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, GAP, 0, 0)
    layout.addWidget(content)
    return page
