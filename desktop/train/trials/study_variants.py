"""Strategies of the user's own for a study: a name and settings for each, as many as are wanted."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop.base.theme import GAP
from desktop.kit.parts import icon_button

_EXAMPLE = "strategy.backbone_lr_factor=0.01, optimizer.lr=0.001"
_TIP = (
    "<p>Settings over the recipe of the form, by the names that they have in its YAML, with commas between. Everything "
    "else is as in the form.</p>"
)


class StudyVariants(QWidget):
    """Rows that can be added and taken away; what they say is checked by the study."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[VariantRow] = []
        self._made = 0  # variants so far, so that each gets another name
        self.add_button = QPushButton("Add a variant of your own…")
        self.add_button.setProperty("role", "link")
        self.add_button.setToolTip(_TIP)
        self.add_button.setAutoDefault(False)
        self.add_button.clicked.connect(self.add_variant)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GAP // 2)
        self._column.addWidget(self.add_button)

    def read_variants(self) -> tuple[tuple[str, str], ...]:
        """Name and settings of each variant, as they were typed."""
        return tuple((row.name.text(), row.settings.text()) for row in self.rows)

    def add_variant(self) -> None:
        """One more row, ready to be typed into."""
        self._made += 1
        row = VariantRow(f"variant {self._made}")
        self.rows.append(row)
        self._column.insertWidget(self._column.count() - 1, row)
        row.name.textChanged.connect(self.changed)
        row.settings.textChanged.connect(self.changed)
        row.remove.clicked.connect(lambda: self._remove_variant(row))
        row.settings.setFocus()
        self.changed.emit()

    def _remove_variant(self, row: VariantRow) -> None:
        self.rows.remove(row)
        self._column.removeWidget(row)
        self.add_button.setFocus()
        row.hide()
        row.deleteLater()  # later: this is called from within the click of its button
        self.changed.emit()


class VariantRow(QWidget):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = QLineEdit(name)
        self.name.setFixedWidth(150)
        self.name.setAccessibleName("Name of the variant")
        self.settings = QLineEdit()
        self.settings.setPlaceholderText(_EXAMPLE)
        self.settings.setAccessibleName(f"Settings of {name}")
        self.settings.setToolTip(_TIP)
        self.remove = icon_button("close", f"Remove {name}")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP)
        line.addWidget(self.name)
        line.addWidget(self.settings, 1)
        line.addWidget(self.remove)
