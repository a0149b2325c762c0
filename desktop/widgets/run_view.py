"""Everything about one run: where it stands, its curves, its notices and its log."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QLabel, QPlainTextEdit, QSplitter, QVBoxLayout, QWidget

from desktop.models.run_history import LogLine, RunHistory
from desktop.theme import GAP, SMALL_PX, mono_font, notifier, theme
from desktop.widgets.plots import MAP_CURVES, label_curve_style, loss_plot, map_plot
from desktop.widgets.run_status import RunStatus, RunSummary

REDRAW_MS = 100  # ten times a second is fluid for curves, and leaves the processor to the training
LOG_LINES = 5000
_EPOCH_FIELDS = (
    "train_loss", "val_loss", "train_label_loss", "train_box_loss", "val_label_loss", "val_box_loss",
)  # fmt: skip


class RunView(QWidget):
    """Shows one RunHistory. A history that grows is shown again by `refresh`, at most ten times a second."""

    inspect_requested = Signal(str)
    checkpoints_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history = RunHistory()
        self._state = ""
        self._colors: Mapping[str, str] = {}
        self._labels: list[str] = []
        self.status = RunStatus()
        self.summary = RunSummary()
        self.summary.inspect_requested.connect(self.inspect_requested)
        self.summary.checkpoints_requested.connect(self.checkpoints_requested)
        self.loss = loss_plot()
        self.map = map_plot()
        self.map.link(self.loss)
        self.notices = _Lines("Notices", "Warnings and hints of the training appear here.")
        self.log = _Lines("Log", "What the training does, line by line.")
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(REDRAW_MS)
        self._redraw.timeout.connect(self._draw)
        self._lay_out()
        self._draw()

    def show_run(self, history: RunHistory, state: str, colors: Mapping[str, str]) -> None:
        """Show another run. `colors` are those of the labels, by name."""
        self._history, self._state, self._colors = history, state, colors
        self.notices.clear()
        self.log.clear()
        self.loss.fit()
        self.map.fit()
        self._draw()

    def set_state(self, state: str) -> None:
        self._state = state
        self._draw()

    def refresh(self) -> None:
        """The history has grown: draw it soon."""
        if not self._redraw.isActive():
            self._redraw.start()

    @property
    def history(self) -> RunHistory:
        return self._history

    @property
    def state(self) -> str:
        return self._state

    def _draw(self) -> None:
        history = self._history
        self.status.show_run(history, self._state)
        self.summary.show_run(history, self._state)
        self._draw_curves(history)
        self.notices.show_lines([LogLine(notice.text, notice.level) for notice in history.notices])
        self.log.show_lines(history.log)

    def _draw_curves(self, history: RunHistory) -> None:
        x, loss, smooth = history.steps()
        self.loss.set_data("steps", x, loss)
        self.loss.set_data("smooth", x, smooth)
        for field in _EPOCH_FIELDS:
            self.loss.set_data(field, *history.epoch_curve(field))
        labels = history.label_names()
        if labels != self._labels:
            self._labels = labels
            extra = [label_curve_style(name, self._colors.get(name, "")) for name in labels]
            self.map.set_curves([*MAP_CURVES, *extra])
        for field in ("map50", "map"):
            self.map.set_data(field, *history.epoch_curve(field))
        for name in labels:
            self.map.set_data(f"label:{name}", *history.label_curve(name))
        self.loss.finish(history.total_epochs)
        self.map.finish(history.total_epochs)

    def _lay_out(self) -> None:
        plots = QWidget()
        inside = QVBoxLayout(plots)
        inside.setContentsMargins(0, 0, 0, GAP)
        inside.setSpacing(GAP)
        inside.addWidget(self.loss, 1)
        inside.addWidget(self.map, 1)
        words = QSplitter(Qt.Orientation.Horizontal)
        words.setContentsMargins(0, GAP, 0, 0)
        self.notices.setContentsMargins(0, 0, GAP, 0)
        self.log.setContentsMargins(GAP, 0, 0, 0)
        words.addWidget(self.notices)
        words.addWidget(self.log)
        words.setSizes([400, 600])
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(plots)
        splitter.addWidget(words)
        splitter.setStretchFactor(0, 1)
        splitter.setCollapsible(0, False)
        splitter.setSizes([700, 110])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self.status)
        layout.addWidget(self.summary)
        layout.addWidget(splitter, 1)


class _Lines(QWidget):
    """Lines that are only ever added at the end, in the colour of their level."""

    def __init__(self, title: str, empty: str) -> None:
        super().__init__()
        heading = QLabel(title)
        heading.setProperty("role", "section")
        self._shown: list[LogLine] = []
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setFrameShape(QFrame.Shape.NoFrame)
        self._text.setMaximumBlockCount(LOG_LINES)
        self._text.setPlaceholderText(empty)
        self._text.setFont(mono_font(SMALL_PX - 1))
        self._text.setAccessibleName(title)
        self._text.setMinimumHeight(40)
        self._at_end = True
        bar = self._text.verticalScrollBar()
        bar.valueChanged.connect(self._scrolled)
        bar.rangeChanged.connect(self._grown)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 4)
        layout.addWidget(heading)
        layout.addWidget(self._text, 1)
        notifier.theme_changed.connect(self._repaint)

    def clear(self) -> None:
        self._shown = []
        self._text.clear()

    def show_lines(self, lines: list[LogLine]) -> None:
        if lines[: len(self._shown)] != self._shown:
            self.clear()
        for line in lines[len(self._shown) :]:
            self._add(line)
        self._shown = list(lines)

    def text(self) -> str:
        return self._text.toPlainText()

    def _add(self, line: LogLine) -> None:
        colors: dict[str, QColor] = {"info": theme().text, "warning": theme().warning, "error": theme().bad}
        look = QTextCharFormat()
        look.setForeground(colors[line.level])
        cursor = QTextCursor(self._text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if not self._text.document().isEmpty():
            cursor.insertBlock()
        cursor.insertText(line.text, look)

    def _scrolled(self, value: int) -> None:
        self._at_end = value >= self._text.verticalScrollBar().maximum()

    def _grown(self, _low: int, high: int) -> None:
        # Follow the end, unless the person has scrolled up to read.
        if self._at_end:
            self._text.verticalScrollBar().setValue(high)

    def _repaint(self) -> None:
        lines = self._shown
        self.clear()
        self.show_lines(lines)

