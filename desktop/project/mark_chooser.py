"""Which marks of a file make a box difficult: a check box for each mark that its boxes have."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

from core.counting import format_count
from core.formats.annotations import CROWD, DIFFICULT, DIFFICULT_MARKS, IGNORE, OCCLUDED, TRUNCATED
from desktop.base.theme import GAP, PAD

WORDS = {
    DIFFICULT: "difficult",
    CROWD: "crowd (many in one)",
    IGNORE: "to be ignored",
    TRUNCATED: "truncated (cut off at an edge)",
    OCCLUDED: "occluded (hidden in part)",
}
ABOUT = "Training and judging ignore difficult boxes; boxes with other marks are taken as any other."
COLUMNS = 2
MOST = 12  # check boxes; rarer marks are chosen on the command line


class MarkChooser(QWidget):
    """For the dialog, which shows it where boxes have marks. What was ticked once stays so for the next reading of the same marks."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Marks that make a box difficult")
        self.boxes: dict[str, QCheckBox] = {}
        self._ticked: dict[str, bool] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(PAD)
        self._grid.setVerticalSpacing(GAP // 2)
        self.setToolTip(ABOUT)

    @property
    def chosen(self) -> frozenset[str]:
        """The marks by which a box is difficult."""
        rest = DIFFICULT_MARKS - self.boxes.keys()
        return rest | {mark for mark, box in self.boxes.items() if box.isChecked()}

    def show_marks(self, counts: Mapping[str, int]) -> None:
        """Offer the marks of a file, with the number of their boxes."""
        for old in self.boxes.values():
            self._grid.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.boxes = {}
        for place, (mark, count) in enumerate(list(counts.items())[:MOST]):
            box = QCheckBox(f"{WORDS.get(mark, mark).replace('&', '&&')}: {format_count(count, 'box')}")
            box.setChecked(self._ticked.get(mark, mark in DIFFICULT_MARKS))
            box.toggled.connect(lambda ticked, mark=mark: self._tick(mark, ticked))
            self.boxes[mark] = box
            self._grid.addWidget(box, place // COLUMNS, place % COLUMNS)

    def _tick(self, mark: str, ticked: bool) -> None:
        self._ticked[mark] = ticked
        self.changed.emit()
