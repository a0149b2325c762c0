"""Importing a COCO file: what is in it and what is wrong with it is shown before anything is changed."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QVBoxLayout, QWidget

from core.errors import InputError
from core.formats import coco
from core.formats.annotations import ImportedAnnotations
from desktop.dialogs.problems import ProblemPanel
from desktop.models.wording import plural
from desktop.tasks import Tasks
from desktop.theme import GAP, PAD
from desktop.widgets.parts import restyle, words
from desktop.widgets.path_field import PathField

KEY = "read COCO"


class ImportCocoDialog(QDialog):
    """Reads the file in the background; `imported` is what the person agreed to."""

    def __init__(self, tasks: Tasks, start: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import COCO annotations")
        self._tasks = tasks
        self.imported: ImportedAnnotations | None = None
        self._file = PathField("file", "COCO file", start, filter="COCO annotations (*.json);;All files (*)")
        self._root = PathField("folder", "Folder of the images", start, hint="The folder of the file")
        self._summary = words("Choose a COCO file.", "muted", wrap=True)
        self._summary.setMinimumHeight(36)
        self._table = ProblemPanel()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._import = buttons.addButton("Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self._import.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.setHorizontalSpacing(PAD)
        form.setVerticalSpacing(GAP)
        form.addRow("COCO file", self._file)
        form.addRow("Images folder", self._root)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(words("Import COCO annotations", "heading"))
        layout.addLayout(form)
        layout.addWidget(self._summary)
        layout.addWidget(self._table, 1)
        layout.addStretch(0)  # takes the room while the table is hidden
        layout.addWidget(buttons)
        self.resize(760, 480)
        self._file.changed.connect(self._read)
        self._root.changed.connect(self._read)
        self._show(None)

    def choose(self, file: Path) -> None:
        """Fill in a file, as if it had been browsed for."""
        self._file.set_path(file)

    def done(self, result: int) -> None:
        self._tasks.cancel(KEY)
        super().done(result)

    def _read(self) -> None:
        self._show(None)
        file, root = self._file.path, self._root.path
        missing = file is not None and not file.is_file()
        no_root = root is not None and not root.is_dir()
        restyle(self._file.line, "invalid", missing)
        restyle(self._root.line, "invalid", no_root)
        self._tasks.cancel(KEY)
        if file is None:
            self._say("Choose a COCO file.", "muted")
        elif missing or no_root:
            self._say(f"{file if missing else root}: there is no such {'file' if missing else 'folder'}.", "error")
        else:
            self._say("Reading…", "muted")
            self._tasks.run(KEY, lambda: coco.read(file, root), self._show, self._fail)

    def _show(self, imported: ImportedAnnotations | None) -> None:
        self.imported = imported
        self._import.setEnabled(imported is not None and bool(imported.images))
        self._table.show_problems(imported.problems if imported is not None else ())
        self._table.setVisible(imported is not None and bool(imported.problems))
        if imported is not None:
            self._say(summary(imported), "" if imported.images else "error")

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, InputError | OSError):
            raise error
        self._say(str(error), "error")

    def _say(self, text: str, role: str) -> None:
        self._summary.setText(text)
        restyle(self._summary, "role", role)


def summary(imported: ImportedAnnotations) -> str:
    """What a file holds, in a sentence or two."""
    boxes = sum(len(image.label_sets) for image in imported.images)
    text = (
        f"{plural(len(imported.images), 'image')}, {plural(boxes, 'box', 'boxes')}, "
        f"{plural(len(imported.labels), 'label')}: {', '.join(imported.labels)}."
    )
    if imported.problems:
        text += f" {plural(len(imported.problems), 'problem')}: these parts are left out or mended as the table says."
    return text
