"""Two checkpoints side by side: how well each finds the labels, and in what recipe and data differ."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from core.counting import format_count
from core.inspection.snapshot_difference import SnapshotDifference
from core.project.records import CheckpointRecord, RunRecord
from desktop.base import theme
from desktop.checkpoints.comparison_rows import (
    OTHER_JUDGES,
    Row,
    describe_data,
    list_data_rows,
    list_figure_rows,
    list_recipe_rows,
)
from desktop.kit import formatting
from desktop.kit.parts import ElidedLabel, words

LEAST = 0.0005  # below which a difference of figures is none: they have three digits
LOADING = "Comparing the data…"


class CheckpointComparison(QScrollArea):
    """Figures, recipe and data of two checkpoints in three columns: what, the first, the second."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._runs = ("", "")
        self._figures, self._recipe, self._data = _make_grid(), _make_grid(), _make_grid()
        self._warning = words("", "warning", wrap=True)
        self._recipe_words, self._data_words = words("", "muted", wrap=True), words("", "muted", wrap=True)
        content = QWidget()
        content.setObjectName("scrolled")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(theme.PAD, theme.PAD, theme.PAD, theme.PAD)
        layout.setSpacing(theme.GAP)
        layout.addWidget(words("Two checkpoints", "heading"))
        layout.addLayout(self._figures)
        layout.addWidget(self._warning)
        for title, grid, text in (
            ("Recipe", self._recipe, self._recipe_words),
            ("Data", self._data, self._data_words),
        ):
            text.setTextFormat(Qt.TextFormat.PlainText)
            layout.addSpacing(theme.GAP)
            layout.addWidget(words(title, "section"))
            layout.addLayout(grid)
            layout.addWidget(text)
        layout.addStretch(1)
        self.setWidget(content)

    def show_checkpoints(self, records: Sequence[CheckpointRecord], runs: Sequence[RunRecord | None]) -> None:
        """Show two checkpoints and their runs; the data come later, by `show_data`."""
        first, second = records
        head = Row("", first.id, second.id)
        about = [
            Row("Epoch", f"{first.epoch:,}", f"{second.epoch:,}"),
            Row("Model", formatting.model_title(first.model), formatting.model_title(second.model)),
        ]
        _fill_grid(self._figures, [head, *about, *list_figure_rows(first, second)])
        self._warning.hide()
        self._runs = (first.run, second.run)
        one, two = runs
        if first.run == second.run:
            _fill_grid(self._recipe, [])
            self._recipe_words.setText(f"Both are of {first.run}, with one recipe.")
        elif one is None or two is None:
            _fill_grid(self._recipe, [])
            self._recipe_words.setText("The recipe of one of them is not known.")
        else:
            rows, same = list_recipe_rows(one.recipe, two.recipe)
            _fill_grid(self._recipe, rows)
            text = f"{format_count(same, 'other setting')} the same" if rows else "The same in both"
            self._recipe_words.setText(f"{text}.")
        _fill_grid(self._data, [])
        self._data_words.setText(LOADING)

    def show_data(self, difference: SnapshotDifference) -> None:
        """Show in what the data differ, and warn where the figures are of other images."""
        _fill_grid(self._data, list_data_rows(difference))
        self._data_words.setText(describe_data(difference, *self._runs))
        self._warning.setText("" if difference.same_validation else OTHER_JUDGES)
        self._warning.setVisible(not difference.same_validation)

    def show_no_data(self, reason: str) -> None:
        """Say why the data cannot be compared."""
        _fill_grid(self._data, [])
        self._data_words.setText(f"Not known. {reason}")

    @property
    def warning(self) -> str:
        """What speaks against comparing the figures; empty where nothing does."""
        return "" if self._warning.isHidden() else self._warning.text()

    def list_rows(self, part: str) -> list[tuple[str, ...]]:
        """The texts of "figures", "recipe" or "data", row by row."""
        return _read_grid({"figures": self._figures, "recipe": self._recipe, "data": self._data}[part])

    def list_words(self) -> list[str]:
        """What is said below recipe and data."""
        return [self._recipe_words.text(), self._data_words.text()]


def _make_grid() -> QGridLayout:
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(theme.GAP)
    grid.setVerticalSpacing(4)
    for column in range(3):
        grid.setColumnStretch(column, 1)
    return grid


def _fill_grid(grid: QGridLayout, rows: Sequence[Row]) -> None:
    while (item := grid.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
    for place, row in enumerate(rows):
        grid.addWidget(_make_cell(row.name, "muted", left=True), place, 0)
        head = "section" if not row.name else ""
        for column, text in enumerate((row.first, row.second), 1):
            grid.addWidget(_make_cell(text, head), place, column)
        if row.difference is not None:
            grid.addWidget(_make_difference(row.difference), place, 3)


def _read_grid(grid: QGridLayout) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for row in range(grid.rowCount()):
        items = [grid.itemAtPosition(row, column) for column in range(4)]
        texts = [item.widget() for item in items if item is not None]
        rows.append(tuple(label.text() for label in texts if isinstance(label, QLabel)))
    return [row for row in rows if row]


def _make_cell(text: str, role: str = "", *, left: bool = False) -> QLabel:
    label = words(text, role, wrap=True) if left else ElidedLabel(text, role, Qt.TextElideMode.ElideRight)
    label.setTextFormat(Qt.TextFormat.PlainText)
    side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
    label.setAlignment(side | Qt.AlignmentFlag.AlignTop)
    label.setToolTip(text)
    return label


def _make_difference(difference: float) -> QLabel:
    same = abs(difference) < LEAST
    label = words("=" if same else f"{difference:+.3f}".replace("-", "−"))
    tokens = theme.theme()
    color = tokens.muted if same else tokens.good if difference > 0 else tokens.bad
    label.setStyleSheet(f"color: {color.name()}")
    return label
