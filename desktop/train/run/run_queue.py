"""The runs that wait for their turn, in order."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from core.counting import format_count
from core.project.records import RunRecord
from desktop.base.theme import GAP, PAD, set_icon
from desktop.kit.formatting import model_title
from desktop.kit.parts import ElidedLabel, icon_button, words

_ROW = 30  # pixels
_ROWS_SHOWN = 3


class RunQueue(QFrame):
    """Hidden while nothing waits. Folded to one line where there is little room, until the user unfolds it."""

    moved = Signal(str, int)  # a run, and by how many places
    removed = Signal(str)
    held_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._runs: list[RunRecord] = []
        self._lines: list[QWidget] = []
        self._held = False
        self._open = True
        self._folded_by_user = False  # the user has folded or unfolded it
        self._title = words()
        self._names = ElidedLabel(role="muted")  # of the runs, while their rows are folded away
        self._fold = icon_button("chevron-down", "Show the runs")
        self._fold.clicked.connect(self._toggle_fold)
        self._hold = QPushButton()
        self._hold.clicked.connect(lambda: self.held_changed.emit(not self._held))
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(0)
        inside = QWidget()
        inside.setLayout(self._rows)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inside)
        # The card is seen through it.
        self._scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self._title)
        head.addWidget(self._names, 1)
        head.addWidget(self._fold)
        head.addWidget(self._hold)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, GAP, PAD, GAP)
        layout.setSpacing(GAP // 2)
        layout.addLayout(head)
        layout.addWidget(self._scroll)
        self.hide()

    def show_queue(self, runs: Sequence[RunRecord], *, held: bool, training: bool) -> None:
        """`runs` in their order. `held`: none of them is begun; `training`: they wait for a run to end."""
        self.setVisible(bool(runs))
        waits = format_count(len(runs), "run waits", "runs wait")
        when = "the queue is held" if held else "for the training to end" if training else "the next begins"
        self._title.setText(f"<b>Queue</b> · {waits}, {when}" if held else f"<b>Queue</b> · {waits} {when}")
        self._hold.setText("Train the queue" if held else "Hold")
        self._hold.setToolTip(
            "Train these runs one after the other" if held else "Begin none of these runs when the present one ends"
        )
        self._held = held
        if list(runs) != self._runs:
            self._runs = list(runs)
            self._build_rows()

    def set_low(self, low: bool) -> None:
        """Whether there is so little height that the rows are better folded away."""
        if not self._folded_by_user:
            self._set_open(not low)

    @property
    def is_open(self) -> bool:
        return self._open

    def _toggle_fold(self) -> None:
        self._folded_by_user = True
        self._set_open(not self._open)

    def _set_open(self, open_: bool) -> None:
        self._open = open_
        tip = "Fold the runs away" if open_ else "Show the runs"
        set_icon(self._fold, "chevron-up" if open_ else "chevron-down", "muted", size=16)
        self._fold.setToolTip(tip)
        self._fold.setAccessibleName(tip)
        self._scroll.setVisible(open_)
        self._names.setText("" if open_ else ", ".join(run.id for run in self._runs))

    def folded_text(self) -> str:
        """What stands beside the title while the rows are folded away."""
        return self._names.text()

    def row_texts(self) -> list[str]:
        """What the rows say."""
        return [label.text() for row in self._lines for label in row.findChildren(ElidedLabel)]

    def find_button(self, run: str, what: str) -> QToolButton:
        """The button "Earlier", "Later" or "Remove" of a run."""
        return next(one for one in self._buttons() if one.accessibleName() == f"{what}: {run}")

    def _buttons(self) -> list[QToolButton]:
        return [button for row in self._lines for button in row.findChildren(QToolButton)]

    def _build_rows(self) -> None:
        focus = next((one.accessibleName() for one in self._buttons() if one.hasFocus()), "")
        for row in self._lines:
            # Later: this is called from within the click of one of its buttons.
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._lines = [self._make_row(number, run) for number, run in enumerate(self._runs)]
        for row in self._lines:
            self._rows.addWidget(row)
            row.show()
        self._scroll.setFixedHeight(_ROW * min(len(self._runs), _ROWS_SHOWN))
        self._set_open(self._open)
        # A run that is moved several places by the keyboard keeps the keys.
        for button in self._buttons():
            if button.accessibleName() == focus and button.isEnabled():
                button.setFocus()

    def _make_row(self, number: int, run: RunRecord) -> QWidget:
        schedule = run.recipe.get("schedule")
        epochs = schedule.get("epochs", "?") if isinstance(schedule, dict) else "?"
        goes_on = f", goes on after epoch {run.epochs}" if run.epochs else ""
        row = QWidget()
        row.setFixedHeight(_ROW)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP // 2)
        line.addWidget(words(f"{number + 1}", "muted"))
        line.addSpacing(GAP)
        line.addWidget(ElidedLabel(f"{run.id} · {model_title(run.model)} · {epochs} epochs{goes_on}"), 1)
        buttons = (("chevron-up", "Earlier", -1), ("chevron-down", "Later", 1), ("close", "Remove", 0))
        for icon, what, by in buttons:
            button = icon_button(icon, f"{what}: {run.id}")
            if by:
                button.clicked.connect(lambda _on=False, by=by: self.moved.emit(run.id, by))
                button.setEnabled(0 <= number + by < len(self._runs))
            else:
                button.clicked.connect(lambda _on=False: self.removed.emit(run.id))
            line.addWidget(button)
        return row
