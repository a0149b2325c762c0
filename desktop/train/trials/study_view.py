"""What a transfer study has found so far: the answer in words, the measures by strategy, and the runs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QProgressBar,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.study.report import HEADINGS, format_duration, list_rows
from core.study.results import ArmResult, StudyResult
from desktop.base.theme import GAP, PAD
from desktop.kit.dialog_frame import Paragraph
from desktop.kit.formatting import NONE, metric
from desktop.kit.parts import words
from desktop.train.trials.spread_plot import SpreadPlot, SpreadRow
from desktop.train.trials.study_request import title_of

_RUN_HEADINGS = ("Run", "Strategy", "Seed", "State", "Epoch", "mAP", "mAP@0.5", "Time")
_NAMES = {"scratch", "frozen", "fine_tune", "two_phase", "gradual"}


class StudyView(QWidget):
    """Shows a StudyResult, also one that grows."""

    run_requested = Signal(str)  # look at this run

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Runs that are done")
        self.state = Paragraph("Reading the runs…", "muted")
        self.answers = Paragraph()
        self.map = SpreadPlot("mAP")
        self.arms = _table(tuple(_heading(heading) for heading in HEADINGS), "Strategies")
        self.runs = _table(_RUN_HEADINGS, "Runs")
        self.runs.cellActivated.connect(lambda row, _column: self.run_requested.emit(self._run_ids[row]))
        self.cautions = Paragraph("", "small")
        self._run_ids: list[str] = []
        self._lay_out()

    def show_result(self, result: StudyResult, state: str) -> None:
        """`state` is a sentence on what goes on now."""
        ended = sum(1 for one in result.outcomes if one.state in ("finished", "failed", "deleted"))
        self.progress.setRange(0, _parts(result, whole=True))
        self.progress.setValue(_parts(result, whole=False))
        self._scroll.show()
        going = "" if result.is_complete else state
        self.state.setText(f"{ended:,} of {len(result.outcomes):,} runs are done. {going}".strip())
        self.answers.setText("\n\n".join(_named(one.text) for one in result.conclusions))
        better = {one.better for one in result.conclusions[-1:] if one.better}
        self.map.show_rows([_spread_row(arm, arm.arm in better) for arm in _ranked(result)])
        _fill(self.arms, [(title_of(row[0]), *row[1:]) for row in list_rows(result)])
        self._run_ids = [one.run for one in result.outcomes]
        _fill(
            self.runs,
            [
                (
                    one.run,
                    title_of(one.arm),
                    str(one.seed),
                    one.state,
                    str(one.epochs or NONE),
                    metric(one.map),
                    metric(one.map50),
                    NONE if one.seconds is None else format_duration(one.seconds),
                )
                for one in result.outcomes
            ],
        )
        self.cautions.setText("\n".join(f"• {_named(text)}" for text in result.cautions))

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, PAD, 0)
        column.setSpacing(GAP)
        for title, widget in (
            ("What follows", self.answers),
            ("By strategy, a dot for each seed", self.map),
            ("", self.arms),
            ("Runs", self.runs),
            ("What to mind", self.cautions),
        ):
            if title:
                column.addSpacing(GAP // 2)
                column.addWidget(words(title, "section"))
            column.addWidget(widget)
        column.addStretch(1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self.state)
        layout.addWidget(self.progress)
        layout.addWidget(scroll, 1)
        layout.addStretch(0)
        scroll.hide()  # until there is something to show
        self._scroll = scroll


def _parts(result: StudyResult, *, whole: bool) -> int:
    """Epochs of all runs, or those that are done; a run that has ended counts whole."""
    each = result.study.recipe.schedule.epochs
    if whole:
        return each * len(result.outcomes)
    return sum(each if one.state in ("finished", "failed", "deleted") else one.epochs for one in result.outcomes)


def _ranked(result: StudyResult) -> list[ArmResult]:
    return sorted(result.arms, key=lambda arm: arm.map.mean if arm.map else -1.0, reverse=True)


def _spread_row(arm: ArmResult, best: bool) -> SpreadRow:
    if arm.map is None:
        return SpreadRow(title_of(arm.arm))
    return SpreadRow(title_of(arm.arm), arm.map.values, arm.map.mean, arm.map.deviation, best)


def _named(text: str) -> str:
    """The report's sentences with the strategies called as everywhere in the window."""
    for name in _NAMES:
        for end in (" ", ",", ";", ":", "."):
            text = text.replace(f" {name}{end}", f" “{title_of(name)}”{end}")
        if text.startswith(f"{name} "):
            text = f"“{title_of(name)}”{text[len(name) :]}"
    return text


def _heading(text: str) -> str:
    return text if text.startswith("mAP") else text[:1].upper() + text[1:]


def _table(headings: tuple[str, ...], name: str) -> QTableWidget:
    found = QTableWidget(0, len(headings))
    found.setAccessibleName(name)
    found.setHorizontalHeaderLabels(headings)
    found.verticalHeader().hide()
    found.verticalHeader().setDefaultSectionSize(28)
    found.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    found.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    found.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    found.setShowGrid(False)
    found.setTabKeyNavigation(False)
    found.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    header = found.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setStretchLastSection(True)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return found


def _fill(found: QTableWidget, rows: Sequence[tuple[str, ...]]) -> None:
    """Show these texts; what is selected stays so, and the whole table is seen."""
    found.setRowCount(len(rows))
    for line, texts in enumerate(rows):
        for column, text in enumerate(texts):
            item = found.item(line, column)
            if item is None:
                found.setItem(line, column, QTableWidgetItem(text))
            elif item.text() != text:
                item.setText(text)
    height = found.horizontalHeader().sizeHint().height() + 28 * len(rows) + 4
    found.setFixedHeight(height)
