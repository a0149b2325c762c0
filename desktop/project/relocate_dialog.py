"""Finding images again that were moved: recognized by content, and nothing else is taken without a clear yes."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QHeaderView, QMessageBox, QProgressBar, QPushButton, QWidget

from core.counting import format_count
from core.errors import InputError
from core.project.images import relocating
from core.project.images.relocating import Found
from core.project.project import Project
from core.types import ImageRecord
from desktop.base.background import Tasks
from desktop.base.theme import GAP
from desktop.kit.dialog_frame import DialogFrame, add_row
from desktop.kit.error_box import error_text, message_box
from desktop.kit.parts import restyle, words
from desktop.kit.path_field import PathField
from desktop.kit.problems_dialog import plain_table
from desktop.kit.progress_dialog import Cancelled
from desktop.kit.screen_room import resize_within_screen
from desktop.project.relocation_model import FOUND, IMAGE, NOW, RelocationModel, State

KEY = "find images"
ABOUT = (
    "Name the folder that the images are in now; folders below it are searched as well. A file with the same content is "
    "the image that was labelled, whatever it is called. Anything else is only taken if you tick it."
)


class RelocateDialog(DialogFrame):
    """Lists and searches in the background; `list_chosen` is what to refer to once it was accepted."""

    _reported = Signal(int, int)

    def __init__(
        self,
        tasks: Tasks,
        project: Project,
        changed: Collection[int],
        start: Path,
        parent: QWidget | None = None,
    ) -> None:
        """`changed` are images whose files are known to hold something else now."""
        super().__init__(
            "Find missing images", ABOUT, confirm="Use the ticked files", dismiss="Close", parent=parent, width=820
        )
        self._tasks = tasks
        self._project = project
        self._changed = frozenset(changed)
        self._stop = threading.Event()
        self._model = RelocationModel(self)
        self._count = words("Looking which images are missing…", "muted")
        self._folder = PathField("folder", "Folder to search", str(start), hint="Where the images are now")
        self._search = QPushButton("Search")
        self._search.setAutoDefault(False)
        self._search.clicked.connect(self.search_folder)
        self._bar = QProgressBar(minimum=0, maximum=0)
        self._bar.setAccessibleName("Searching")
        self._bar.hide()
        self._table = plain_table(self._model, "Missing images and what was found")
        self._table.setColumnWidth(IMAGE, 280)
        self._table.setColumnWidth(NOW, 110)
        self._table.horizontalHeader().setStretchLastSection(False)
        self._table.horizontalHeader().setSectionResizeMode(FOUND, QHeaderView.ResizeMode.Stretch)
        self._table.setColumnWidth(3, 190)
        self._uncertain = QCheckBox()
        self._uncertain.hide()
        self._uncertain.toggled.connect(self._model.take_uncertain)
        self._place_parts()
        self._folder.changed.connect(self._show_state)
        self._folder.line.returnPressed.connect(self.search_folder)
        self._model.dataChanged.connect(self._show_state)
        self._reported.connect(self._show_progress)
        self._show_state()
        self._folder.line.setFocus()
        tasks.run(KEY, self._list_missing, self._list_images, self._show_failure)

    def _place_parts(self) -> None:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP)
        line.addWidget(self._folder, 1)
        line.addWidget(self._search)
        row.setFocusProxy(self._folder)
        form = self.add_form()
        add_row(form, "Search in", row)
        self.body.addWidget(self._bar)
        self.body.addWidget(self._count)
        self.body.addWidget(self._table, 1)
        self.body.addWidget(self._uncertain)
        resize_within_screen(self, 980, 620)

    def choose_folder(self, folder: Path) -> None:
        """Fill in a folder, as if it had been browsed for."""
        self._folder.set_path(folder)

    def list_chosen(self, *, certain: bool) -> dict[int, Path]:
        """Files by image id: those of the same content, or the others that the user said yes to."""
        return self._model.list_taken(certain=certain)

    def search_folder(self) -> None:
        """Look for the images below the folder that was named; once more: stop looking."""
        if self._tasks.busy(KEY):
            self._stop.set()
            return
        folder = self._folder.path
        if folder is None or not self._model.rows:
            return
        self._stop.clear()
        wanted = [row.image.id for row in self._model.rows]
        self._bar.setRange(0, 0)
        self._bar.show()
        self._search.setText("Stop")
        self._count.setText(f"Searching {folder}…")
        self._tasks.run(
            KEY,
            lambda: relocating.find_moved(self._project, wanted, folder, self._report_progress),
            self._show_found,
            self._show_failure,
        )
        self._show_state()

    def accept(self) -> None:
        others = self.list_chosen(certain=False)
        if not others or self._is_meant(len(others)):
            super().accept()

    def done(self, result: int) -> None:
        self._stop.set()
        self._tasks.cancel(KEY)
        super().done(result)

    # -- in the background

    def _list_missing(self) -> list[tuple[ImageRecord, State]]:
        lost = relocating.find_missing(self._project)
        rows: list[tuple[ImageRecord, State]] = [(self._project.image(image_id), "missing") for image_id in lost]
        others = self._changed.difference(lost).intersection(self._project.image_ids())
        return rows + [(self._project.image(image_id), "changed") for image_id in sorted(others)]

    def _report_progress(self, done: int, total: int) -> None:
        if self._stop.is_set():
            raise Cancelled
        self._reported.emit(done, total)

    # -- showing

    def _list_images(self, rows: list[tuple[ImageRecord, State]]) -> None:
        self._model.set_images(rows)
        lost = sum(state == "missing" for _, state in rows)
        parts = [format_count(lost, "image") + " missing"] if lost else []
        if len(rows) > lost:
            parts.append(f"{format_count(len(rows) - lost, 'image')} with other content than was labelled")
        self._count.setText(f"{'; '.join(parts)}." if parts else "Every image is where the project expects it.")
        self._show_state()

    def _show_progress(self, done: int, total: int) -> None:
        if self._tasks.busy(KEY):
            self._bar.setRange(0, total)
            self._bar.setValue(done)
            self._count.setText(f"Comparing files: {done:,} of {total:,}")

    def _show_found(self, found: list[Found]) -> None:
        if self._stop.is_set():  # the search came to its end as it was stopped
            self._show_failure(Cancelled())
            return
        self._end_search()
        self._model.set_found(found)
        certain = sum(one.by == "content" for one in found)
        lost = len(self._model.rows) - len(found)
        parts = [f"{format_count(certain, 'image')} found by content"]
        if len(found) > certain:
            parts.append(f"{len(found) - certain:,} only by name: those files hold something else")
        if lost:
            parts.append(f"{lost:,} not found")
        self._count.setText("; ".join(parts) + ".")
        self._uncertain.setText(f"Also take the {format_count(len(found) - certain, 'file')} with other content")
        self._uncertain.setVisible(len(found) > certain)
        self._uncertain.setChecked(False)
        self._show_state()

    def _show_failure(self, error: Exception) -> None:
        self._end_search()
        if not isinstance(error, InputError | OSError | Cancelled):
            raise error
        self._count.setText("Stopped." if isinstance(error, Cancelled) else "")
        self._show_state()
        if not isinstance(error, Cancelled):
            self.say(error_text(error), "error")

    def _end_search(self) -> None:
        self._bar.hide()
        self._search.setText("Search")

    def _show_state(self) -> None:
        folder = self._folder.path
        gone = folder is not None and not folder.is_dir()
        restyle(self._folder.line, "invalid", gone)
        busy = self._tasks.busy(KEY)
        self._search.setEnabled(busy or (folder is not None and not gone and bool(self._model.rows)))
        taken = len(self.list_chosen(certain=True)) + len(self.list_chosen(certain=False))
        self.say(f"{folder}: there is no such folder." if gone else "", "error")
        self.confirm.setText(f"Use {format_count(taken, 'file')}" if taken else "Use the ticked files")
        self.confirm.setEnabled(taken > 0 and not busy)

    def _is_meant(self, count: int) -> bool:
        files = "1 file holds another picture" if count == 1 else f"{count:,} files hold another picture"
        text = (
            f"{files} than the one that was labelled. The boxes stay where they are and may lie on nothing. "
            "Undo takes this back."
        )
        box = message_box(self, "Attach boxes to other pictures?", text)
        yes = box.addButton("Attach them", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is yes
