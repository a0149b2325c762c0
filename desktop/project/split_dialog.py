"""Dividing the images over training, validation and test, with the counts by label before it is done."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from core.counting import format_count
from core.project.edits.edit import Edit
from core.project.edits.image_edits import assign_splits
from core.project.images.split_table import SplitTable, left_empty, split_table
from core.project.project import Project
from core.types import Split
from desktop.base.background import Tasks
from desktop.base.theme import GAP, PAD
from desktop.kit.dialog_frame import DialogFrame, add_row, new_form
from desktop.kit.number_fields import WholeSpinBox
from desktop.kit.parts import words
from desktop.project.split_counts import SplitCounts

ABOUT = (
    "Labels are spread evenly over the parts, and images of one group always stay together. "
    "Validation picks the best checkpoint; test is for the last, honest measurement."
)
SETTLE = 200  # ms without a change before the table is made again
KEY = "split images"
SHARES = (15, 15)  # percent for validation and test at first


class SplitImagesDialog(DialogFrame):
    """Asks for the shares, and shows what comes of them. The training share is what the other two leave."""

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__("Split images", ABOUT, confirm="Split", parent=parent, width=920)
        self._project = project
        self._tasks = Tasks(self)
        self._images = project.images()
        self._edit: tuple[tuple[int, int, int, bool], Edit] | None = None  # what was asked for, and what it makes
        self._val, self._test = (_build_percent(share) for share in SHARES)
        self._train = QLabel()
        self._seed = WholeSpinBox(0, 999_999)
        self._seed.lineEdit().setTextMargins(6, 0, 0, 0)
        self._seed.setToolTip("Another number gives another division with the same shares.")
        self._free = sum(1 for image in self._images if image.split is Split.NONE)
        self._placed = len(self._images) - self._free
        self._all = QCheckBox(f"Also divide anew the {self._placed:,} images that have a split")
        self._all.setVisible(self._placed > 0)
        # Not ticked beforehand where it would mix images that were kept for measuring into the training.
        kept = any(image.split in (Split.VAL, Split.TEST) for image in self._images)
        self._all.setChecked(self._free == 0 and not kept)
        self._what = words("", "muted", wrap=True)
        self._heading = words("", "section")
        self._counts = SplitCounts()
        self._warnings = words("", "warning", wrap=True)
        self._warnings.setTextFormat(Qt.TextFormat.PlainText)
        self._warnings.setAlignment(Qt.AlignmentFlag.AlignTop)
        # Room for what may come, so that nothing jumps while shares are tried.
        self._warnings.setMinimumHeight(3 * self._warnings.fontMetrics().lineSpacing())
        self._timer = QTimer(self, singleShot=True, interval=SETTLE)
        self._timer.timeout.connect(self._start_preview)
        self._place_fields()
        for field in (self._val, self._test, self._seed):
            field.valueChanged.connect(self._follow_fields)
        self._all.toggled.connect(self._follow_fields)
        self._show_table(split_table(self._images, project.labels()))
        self._follow_fields()

    def build_edit(self) -> Edit:
        """The edit that divides the images as was asked for."""
        asked = self._read_request()
        if self._edit is None or self._edit[0] != asked:
            self._edit = (asked, _edit(self._project, asked))
        return self._edit[1]

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow_fields()

    def done(self, result: int) -> None:
        self._timer.stop()
        self._tasks.shut_down()
        super().done(result)

    # -- building

    def _place_fields(self) -> None:
        form = new_form()
        for name, field in (
            ("Train", self._train),
            ("Validation", self._val),
            ("Test", self._test),
            ("Seed", self._seed),
        ):
            add_row(form, name, field)
        left = QVBoxLayout()
        left.setSpacing(PAD)
        left.addLayout(form)
        left.addWidget(self._all)
        left.addWidget(self._what)
        left.addStretch(1)
        right = QVBoxLayout()
        right.setSpacing(GAP)
        right.addWidget(self._heading)
        right.addWidget(self._counts, 1)
        columns = QHBoxLayout()
        columns.setSpacing(2 * PAD)
        columns.addLayout(left, 2)
        columns.addLayout(right, 3)
        self.body.addLayout(columns, 1)
        self.body.addWidget(self._warnings)

    # -- what comes of it

    def _read_request(self) -> tuple[int, int, int, bool]:
        return self._val.value(), self._test.value(), self._seed.value(), self._all.isChecked()

    def _follow_fields(self) -> None:
        self._train.setText(f"{100 - self._val.value() - self._test.value()}%")
        divided = self._free + (self._placed if self._all.isChecked() else 0)
        self.confirm.setEnabled(divided > 0)
        if divided == 0:
            self._what.setText("Every image has a split already.")
        elif self._all.isChecked() and self._placed:
            self._what.setText(
                f"{format_count(divided, 'image')} are divided; what was kept for measuring may come into the training."
            )
        else:
            kept = f"; {self._placed:,} keep their split" if self._placed else ""
            self._what.setText(f"{format_count(divided, 'image')} {'is' if divided == 1 else 'are'} divided{kept}.")
        if divided and self.isVisible():
            self._timer.start()
        elif not divided:
            self._timer.stop()
            self._tasks.cancel(KEY)
            self._heading.setText("As the images are divided now")
            self._show_table(split_table(self._images, self._project.labels()))

    def _start_preview(self) -> None:
        project, images, asked = self._project, self._images, self._read_request()

        def work() -> tuple[Edit, SplitTable]:
            edit = _edit(project, asked)
            placed = {image_id: fields.split for image_id, fields in (edit.fields_after or {}).items()}
            return edit, split_table(images, project.labels(), placed)

        def show(result: tuple[Edit, SplitTable]) -> None:
            self._edit = (asked, result[0])
            self._heading.setText("As the images will be divided")
            self._show_table(result[1], left_empty(result[1], _list_fractions(asked)))

        self._tasks.run(KEY, work, show)

    def _show_table(self, table: SplitTable, more: Sequence[str] = ()) -> None:
        if not self._heading.text():
            self._heading.setText("As the images are divided now")
        self._counts.show_table(table)
        self._warnings.setText("\n".join((*more, *table.warnings)))


def _edit(project: Project, asked: tuple[int, int, int, bool]) -> Edit:
    _, _, seed, everything = asked
    fractions = {str(split): share for split, share in _list_fractions(asked).items()}
    return assign_splits(project, fractions, seed, all=everything)


def _list_fractions(asked: tuple[int, int, int, bool]) -> dict[Split, float]:
    val, test, _, _ = asked
    return {Split.TRAIN: (100 - val - test) / 100, Split.VAL: val / 100, Split.TEST: test / 100}


def _build_percent(value: int) -> WholeSpinBox:
    box = WholeSpinBox(0, 45, value)
    box.setSuffix("%")
    box.lineEdit().setTextMargins(6, 0, 0, 0)
    return box
