"""What a training by the recipe would be, with the mends of what it does badly as buttons."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from core.operations.preview_run import RunPreview, describe_preview
from core.recipe.finding import Finding, Mend
from desktop.base.theme import GAP
from desktop.kit.dialog_frame import Paragraph
from desktop.kit.formatting import sentence

EMPTY = "Once there are boxes to train on, what learns, what anchors reach and how long it takes is said here."
_LONGEST = 52  # letters on a button of the column; the rest is in its tip


class RunPreviewBox(QWidget):
    """Shows a RunPreview."""

    mend_chosen = Signal(object)  # Mend
    measure_wanted = Signal()  # time and memory, by a short trial
    warnings_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines = Paragraph(EMPTY, "small")
        self._found = QVBoxLayout()
        self._found.setSpacing(GAP // 2)
        self._rows: list[QWidget] = []
        self.measure_button = QPushButton("Measure time and memory")
        self.measure_button.setToolTip("Learn for some seconds, of which nothing is kept")
        self.measure_button.clicked.connect(self.measure_wanted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self._lines)
        layout.addWidget(self.measure_button)
        layout.addLayout(self._found)
        self.show_preview(None)

    @property
    def text(self) -> str:
        """What is said of the training, without the findings."""
        return self._lines.text()

    @property
    def mend_buttons(self) -> list[QPushButton]:
        """The mends that are offered, the weightiest finding's first."""
        return [row for row in self._rows if isinstance(row, QPushButton)]

    @property
    def findings(self) -> list[str]:
        """What is said to go badly."""
        return [row.text() for row in self._rows if isinstance(row, Paragraph)]

    @property
    def warnings(self) -> list[str]:
        """Of the findings, those that are worth stopping for, the weightiest first."""
        return [row.text() for row in self._rows if row.property("role") == "warning" and isinstance(row, Paragraph)]

    def show_preview(self, preview: RunPreview | None) -> None:
        """Show what would be; None: there is nothing to train on."""
        self._lines.setText("\n".join(describe_preview(preview)) if preview else EMPTY)
        self.measure_button.setVisible(preview is not None and preview.measured is None)
        self._show_findings(preview.findings if preview else ())

    def show_measuring(self, text: str) -> None:
        """Say how a trial goes; empty: none does."""
        self.measure_button.setText(text or "Measure time and memory")
        self.measure_button.setEnabled(not text)

    def _show_findings(self, findings: Sequence[Finding]) -> None:
        for row in self._rows:
            self._found.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = []
        for finding in findings:
            role = "small" if finding.severity == "low" else "warning"
            self._rows.append(Paragraph(sentence(finding.what), role))
            self._rows += [self._make_button(mend) for mend in finding.mends]
        for row in self._rows:
            self._found.addWidget(row)
        self.warnings_changed.emit()

    def _make_button(self, mend: Mend) -> QPushButton:
        text = f"{mend.words[:1].upper()}{mend.words[1:]}"
        short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"
        button = QPushButton(short.replace("&", "&&"))
        button.setAccessibleName(text)
        button.setToolTip(f"<p>{text}{f': {mend.gain}' if mend.gain else ''}</p>")
        button.clicked.connect(partial(self.mend_chosen.emit, mend))
        return button
